-- Ways to sign in: identity providers, passwords with a second factor, passkeys; where rights come from.

-- Who somebody is at a provider: issuer and subject, never the e-mail address (OpenID Connect Core 1.0, 5.7).
create table identities (
    id uuid primary key,
    person_id uuid not null references people (id),
    provider text not null,
    issuer text not null,
    subject text not null check (length(subject) between 1 and 255),
    groups text[] not null default '{}',
    state text not null default 'active' check (state in ('active', 'retired')),
    revision bigint not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    last_used_at timestamptz,
    constraint identities_subject_key unique (issuer, subject)
);
create index identities_person on identities (person_id);

-- A subject belongs to one person for good: it is never moved to a second account.
create function check_identity() returns trigger language plpgsql as $$
begin
    if new.person_id <> old.person_id or new.issuer <> old.issuer or new.subject <> old.subject then
        raise exception 'a subject stays with its person' using errcode = 'check_violation', constraint = 'identities_stay';
    end if;
    return new;
end $$;
create trigger identities_checked before update on identities for each row execute function check_identity();

-- Where a right comes from: granted in Muster, or by the groups of a provider. It stands as long as one of these holds.
alter table role_grants
    add column sources text[] not null default '{muster}' check (cardinality(sources) > 0);
alter table team_members add column sources text[] not null default '{muster}' check (cardinality(sources) > 0);
alter table review_group_members add column sources text[] not null default '{muster}' check (cardinality(sources) > 0);

-- What a group of a provider gives: a role, a team or a review group.
create table group_mappings (
    id uuid primary key,
    provider text not null,
    group_name text not null check (length(group_name) between 1 and 500),
    role text check (role in ('requester', 'reviewer', 'governance_lead', 'auditor', 'admin')),
    team_id uuid references teams (id),
    review_group_id uuid references review_groups (id),
    state text not null default 'active' check (state in ('active', 'retired')),
    created_by uuid references people (id),
    revision bigint not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint group_mappings_one_target check (num_nonnulls(role, team_id, review_group_id) = 1)
);
create unique index group_mappings_once on group_mappings
    (provider, group_name, coalesce(role, ''), coalesce(team_id, review_group_id, '00000000-0000-0000-0000-000000000000'))
    where state = 'active';

-- Housekeeping: a sign-in under way, bound to the browser that began it, used once.
create table sign_in_flows (
    state_hash bytea primary key,
    browser_hash bytea not null,
    provider text not null,
    nonce text not null,
    verifier bytea not null,
    purpose text not null check (purpose in ('sign_in', 'link', 'step_up')),
    session_id uuid,
    person_id uuid references people (id),
    back text not null,
    created_at timestamptz not null,
    expires_at timestamptz not null
);
create index sign_in_flows_expires_at on sign_in_flows (expires_at);

-- How somebody signed in, and when last: what fresh and strong mean.
alter table sessions
    add column method text not null default 'link' check (method in ('link', 'demo', 'password', 'passkey', 'provider')),
    add column provider text,
    add column authenticated_at timestamptz,
    add column acr text,
    add column amr text[] not null default '{}',
    add column strong boolean not null default false,
    add column id_token bytea;
update sessions set authenticated_at = created_at;
alter table sessions alter column authenticated_at set not null;

-- Local accounts: what proves them. Secrets are hashed (Argon2id) or sealed with a key outside the database.
create table passwords (
    person_id uuid primary key references people (id),
    hash text not null,
    set_at timestamptz not null,
    revision bigint not null default 1
);
create table authenticator_apps (
    person_id uuid primary key references people (id),
    secret bytea not null,
    confirmed_at timestamptz,
    -- The last time step that was used: a code counts once (RFC 6238, 5.2).
    last_step bigint not null default 0,
    created_at timestamptz not null
);
create table recovery_codes (
    person_id uuid not null references people (id),
    hash bytea not null,
    made_at timestamptz not null,
    used_at timestamptz,
    primary key (person_id, hash)
);
create table passkeys (
    id uuid primary key,
    person_id uuid not null references people (id),
    name text not null check (length(name) between 1 and 100),
    credential_id bytea not null unique,
    transports smallint not null,
    static_state bytea not null,
    dynamic_state bytea not null,
    state text not null default 'active' check (state in ('active', 'retired')),
    revision bigint not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    last_used_at timestamptz
);
create index passkeys_person on passkeys (person_id);
-- Housekeeping: a ceremony under way, used once.
create table passkey_ceremonies (
    challenge bytea primary key,
    kind text not null check (kind in ('register', 'sign_in')),
    browser_hash bytea not null,
    person_id uuid references people (id),
    state bytea not null,
    expires_at timestamptz not null
);
create index passkey_ceremonies_expires_at on passkey_ceremonies (expires_at);

-- Housekeeping: failed attempts, by what was tried and from where; the wait grows with each.
create table sign_in_failures (
    kind text not null check (kind in ('account', 'address')),
    key bytea not null,
    count integer not null,
    last_at timestamptz not null,
    blocked_until timestamptz not null,
    primary key (kind, key)
);
create index sign_in_failures_last_at on sign_in_failures (last_at);

-- Housekeeping: a form that waits until somebody has signed in freshly.
create table held_forms (
    id uuid primary key,
    session_id uuid not null references sessions (id) on delete cascade,
    path text not null,
    body bytea not null,
    created_at timestamptz not null
);
create index held_forms_session on held_forms (session_id);
create index held_forms_created_at on held_forms (created_at);

-- Links say what they are for.
alter table sign_in_links add column purpose text not null default 'sign_in'
    check (purpose in ('sign_in', 'invitation', 'reset'));

alter table installation
    add column local_accounts boolean not null default true,
    add column strong_for text[] not null default '{}'
        check (strong_for <@ array['decide', 'tokens', 'administer']);
alter table installation alter column session_idle_minutes set default 30;

-- What a provider that keeps people here knows them by.
alter table people
    add column external_id text,
    add column user_name text,
    add column provisioned_by text;
create index people_provisioned_by on people (provisioned_by, created_at, id) where provisioned_by is not null;
create unique index people_user_name on people (provisioned_by, lower(user_name)) where user_name is not null;
create unique index people_external_id on people (provisioned_by, external_id) where external_id is not null;

-- Groups as a provider keeps them (SCIM 2.0, RFC 7643).
create table provider_groups (
    id uuid primary key,
    provider text not null,
    display_name text not null check (length(display_name) between 1 and 500),
    external_id text,
    revision bigint not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null
);
create unique index provider_groups_name on provider_groups (provider, lower(display_name));
create table provider_group_members (
    group_id uuid not null references provider_groups (id) on delete cascade,
    person_id uuid not null references people (id),
    primary key (group_id, person_id)
);
create index provider_group_members_person on provider_group_members (person_id);

-- Who owned what was asked for when it was submitted: leaving the team afterwards does not make somebody free to
-- decide on it.
create table request_owners (
    request_id uuid not null references change_requests (id),
    person_id uuid not null references people (id),
    primary key (request_id, person_id)
);
create or replace function owns_requested(request change_requests, person uuid) returns boolean language sql stable as $$
    select exists (select from integrations i join team_members m on m.person_id = person and m.team_id in (
                i.business_owner_id, i.technical_owner_id, i.backup_owner_id,
                (request.refs ->> 'business_owner')::uuid, (request.refs ->> 'technical_owner')::uuid,
                (request.refs ->> 'backup_owner')::uuid)
            where i.id = request.integration_id)
        or exists (select from request_owners o where o.request_id = request.id and o.person_id = person)
$$;
