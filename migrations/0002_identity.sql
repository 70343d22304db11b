-- People, teams, review groups, service accounts, sessions, links and tokens.
create table people (
    id uuid primary key,
    name text not null check (length(name) between 1 and 200),
    email text not null,
    state text not null default 'active' check (state in ('active', 'disabled')),
    revision bigint not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    sort_key text collate "C" not null,
    search text not null,
    search_vector tsvector generated always as (to_tsvector('simple', search)) stored
);
create unique index people_email_key on people (lower(email));
create index people_sort_key on people (sort_key, id);
create index people_updated_at on people (updated_at, id);
create index people_search on people using gin (search_vector);

create table role_grants (
    person_id uuid not null references people (id),
    role text not null check (role in ('requester', 'reviewer', 'governance_lead', 'auditor', 'admin')),
    granted_by uuid references people (id),
    granted_at timestamptz not null,
    primary key (person_id, role),
    constraint role_grants_not_to_oneself check (granted_by is distinct from person_id)
);

create table teams (
    id uuid primary key,
    slug text not null,
    name text not null check (length(name) between 1 and 200),
    description text,
    email text,
    state text not null default 'active' check (state in ('active', 'retired')),
    revision bigint not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    sort_key text collate "C" not null,
    search text not null,
    search_vector tsvector generated always as (to_tsvector('simple', search)) stored,
    constraint teams_slug_key unique (slug),
    constraint teams_name_key unique (name)
);
create index teams_sort_key on teams (sort_key, id);
create index teams_updated_at on teams (updated_at, id);
create table team_members (
    team_id uuid not null references teams (id),
    person_id uuid not null references people (id),
    primary key (team_id, person_id)
);
create index team_members_person on team_members (person_id);

create table review_groups (
    id uuid primary key,
    slug text not null,
    name text not null check (length(name) between 1 and 200),
    description text,
    state text not null default 'active' check (state in ('active', 'retired')),
    revision bigint not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    sort_key text collate "C" not null,
    search text not null,
    search_vector tsvector generated always as (to_tsvector('simple', search)) stored,
    constraint review_groups_slug_key unique (slug),
    constraint review_groups_name_key unique (name)
);
create index review_groups_sort_key on review_groups (sort_key, id);
create index review_groups_updated_at on review_groups (updated_at, id);
create table review_group_members (
    review_group_id uuid not null references review_groups (id),
    person_id uuid not null references people (id),
    primary key (review_group_id, person_id)
);
create index review_group_members_person on review_group_members (person_id);

create table service_accounts (
    id uuid primary key,
    slug text not null,
    name text not null check (length(name) between 1 and 200),
    description text,
    team_id uuid references teams (id),
    scopes text[] not null,
    state text not null default 'active' check (state in ('active', 'retired')),
    revision bigint not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    sort_key text collate "C" not null,
    search text not null,
    search_vector tsvector generated always as (to_tsvector('simple', search)) stored,
    constraint service_accounts_slug_key unique (slug),
    constraint service_accounts_name_key unique (name)
);
create index service_accounts_sort_key on service_accounts (sort_key, id);
create index service_accounts_updated_at on service_accounts (updated_at, id);

create table sign_in_links (
    id uuid primary key,
    person_id uuid not null references people (id),
    token_hash bytea not null unique,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz
);

-- Housekeeping: a session is not part of the register.
create table sessions (
    id uuid primary key,
    token_hash bytea not null unique,
    csrf text not null,
    person_id uuid not null references people (id),
    address inet,
    user_agent text,
    created_at timestamptz not null,
    last_seen_at timestamptz not null,
    expires_at timestamptz not null
);
create index sessions_person on sessions (person_id);
create index sessions_expires_at on sessions (expires_at);

create table api_tokens (
    id uuid primary key,
    name text not null check (length(name) between 1 and 100),
    person_id uuid references people (id),
    service_account_id uuid references service_accounts (id),
    mac bytea not null unique,
    pepper_key_id text not null,
    scopes text[] not null check (cardinality(scopes) > 0),
    created_at timestamptz not null,
    expires_at timestamptz not null check (expires_at > created_at),
    revoked_at timestamptz,
    revision bigint not null default 1,
    check (num_nonnulls(person_id, service_account_id) = 1)
);
create index api_tokens_person on api_tokens (person_id);
create index api_tokens_service_account on api_tokens (service_account_id);
-- Housekeeping: when a token was last used.
create table token_uses (
    token_id uuid primary key references api_tokens (id),
    used_at timestamptz not null,
    address inet
);

-- A token's scopes are never widened, its owner never changed.
create function refuse_widening() returns trigger language plpgsql as $$
begin
    if not (new.scopes <@ old.scopes) or new.person_id is distinct from old.person_id
       or new.service_account_id is distinct from old.service_account_id
       or new.expires_at > old.expires_at
       or (old.revoked_at is not null and new.revoked_at is null) then
        raise exception 'a token is never widened' using errcode = 'check_violation';
    end if;
    return new;
end $$;
create trigger api_tokens_narrow_only before update on api_tokens
    for each row execute function refuse_widening();

-- Old slugs keep leading to their record.
create table slug_history (
    kind text not null,
    slug text not null,
    record_id uuid not null,
    primary key (kind, slug)
);
