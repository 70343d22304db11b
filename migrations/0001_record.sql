-- The record: what happened, in which order, and every version of every record.
create extension if not exists pg_trgm;

create table installation (
    single boolean primary key default true check (single),
    organisation text not null default 'Our organisation' check (length(organisation) between 1 and 200),
    time_zone text not null default 'Etc/UTC',
    working_days smallint[] not null default '{1,2,3,4,5}' check (working_days <@ '{1,2,3,4,5,6,7}'),
    working_from time not null default '09:00',
    working_until time not null default '17:00' check (working_until > working_from),
    session_idle_minutes integer not null default 720 check (session_idle_minutes between 5 and 10080),
    session_absolute_minutes integer not null default 10080 check (session_absolute_minutes between 5 and 43200),
    pepper_key_id text,
    revision bigint not null default 1
);
insert into installation default values;

-- One event per change. `xid` and `ordinal` order events inside the database; positions are
-- given later, by the sequencer, once no earlier transaction can still appear.
create table audit_events (
    id uuid primary key,
    xid xid8 not null default pg_current_xact_id(),
    ordinal bigint generated always as identity,
    at timestamptz not null,
    actor_kind text not null check (actor_kind in ('person', 'service_account', 'system')),
    actor_id uuid,
    actor_name text check (actor_name is null or actor_kind = 'system'),
    token_id uuid,
    via text not null check (via in ('page', 'api', 'cli', 'job')),
    request_id text not null,
    action text not null,
    subject_kind text not null,
    subject_id uuid,
    subject_revision bigint,
    changes jsonb not null default '[]',
    check (actor_kind = 'system' or actor_id is not null)
);
create index audit_events_subject on audit_events (subject_kind, subject_id, ordinal desc);

-- Where an event came from. Apart from the event, so that retention can erase it.
create table audit_origins (
    event_id uuid primary key references audit_events (id),
    address inet,
    user_agent text,
    os_user text
);

create table audit_pending (
    event_id uuid primary key references audit_events (id),
    xid xid8 not null default pg_current_xact_id(),
    ordinal bigint not null
);
create table audit_positions (
    position bigint primary key,
    event_id uuid not null unique references audit_events (id)
);

create table record_versions (
    kind text not null,
    id uuid not null,
    revision bigint not null,
    valid_from timestamptz not null,
    schema integer not null,
    body jsonb not null,
    event_id uuid not null references audit_events (id),
    primary key (kind, id, revision)
);
create index record_versions_valid_from on record_versions (kind, id, valid_from);

create function refuse_rewriting() returns trigger language plpgsql as $$
begin
    raise exception 'audit records are never changed' using errcode = 'insufficient_privilege';
end $$;
create trigger audit_events_immutable before update or delete on audit_events
    for each row execute function refuse_rewriting();
create trigger audit_events_kept before truncate on audit_events
    for each statement execute function refuse_rewriting();
create trigger audit_positions_immutable before update or delete on audit_positions
    for each row execute function refuse_rewriting();
create trigger audit_positions_kept before truncate on audit_positions
    for each statement execute function refuse_rewriting();
create trigger record_versions_immutable before update or delete on record_versions
    for each row execute function refuse_rewriting();
create trigger record_versions_kept before truncate on record_versions
    for each statement execute function refuse_rewriting();

-- `valid_from` rises with each revision.
create function check_version_order() returns trigger language plpgsql as $$
begin
    if exists (select from record_versions v
               where v.kind = new.kind and v.id = new.id
                 and (v.revision >= new.revision or v.valid_from >= new.valid_from)) then
        raise exception 'version % of % % is out of order', new.revision, new.kind, new.id
            using errcode = 'check_violation';
    end if;
    return new;
end $$;
create trigger record_versions_in_order before insert on record_versions
    for each row execute function check_version_order();

-- Housekeeping, not the register: answers kept so that a repeated POST is answered once.
create table idempotency_keys (
    actor text not null,
    key text not null check (length(key) between 1 and 200),
    request_hash bytea not null,
    status smallint,
    headers jsonb not null default '[]',
    body bytea,
    created_at timestamptz not null,
    primary key (actor, key)
);
create index idempotency_keys_created_at on idempotency_keys (created_at);
