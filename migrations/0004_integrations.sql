-- Integrations with their parts; credentials and where they are used.
alter table apis add column data_sensitivity text
    check (data_sensitivity in ('public', 'internal', 'confidential', 'restricted'));

create table integrations (
    id uuid primary key,
    slug text not null,
    name text not null check (length(name) between 1 and 200),
    state text not null default 'proposed'
        check (state in ('proposed', 'active', 'suspended', 'deprecated', 'retired')),
    system_id uuid not null references systems (id),
    api_id uuid not null references apis (id),
    version_id uuid,
    purpose text,
    business_logic text,
    business_owner_id uuid references teams (id),
    technical_owner_id uuid references teams (id),
    backup_owner_id uuid references teams (id),
    criticality text check (criticality in ('low', 'medium', 'high', 'critical')),
    exposure text check (exposure in ('internal', 'customer_facing')),
    initiated_by text check (initiated_by in ('us', 'vendor', 'both')),
    rate_limit integer check (rate_limit > 0),
    rate_limit_per text check (rate_limit_per in ('second', 'minute', 'hour', 'day')),
    gateway_route text,
    inbound_validation text[] not null default '{}',
    inbound_inspection text[] not null default '{}',
    tls_minimum text check (tls_minimum in ('1.0', '1.1', '1.2', '1.3')),
    peer_verification text check (peer_verification in ('certificate', 'pinning', 'mutual_tls')),
    token_lifetime_minutes integer check (token_lifetime_minutes > 0),
    exit_plan text,
    next_review_on date,
    tags text[] not null default '{}',
    suspended_at timestamptz,
    suspended_by uuid references people (id),
    suspension_reason text,
    -- Derived: who calls whom, and the highest sensitivity of the flows.
    direction text not null
        check (direction in ('unknown', 'outbound', 'inbound', 'outbound_and_inbound', 'saas_to_saas')),
    sensitivity text check (sensitivity in ('public', 'internal', 'confidential', 'restricted')),
    revision bigint not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    sort_key text collate "C" not null,
    search text not null,
    search_vector tsvector generated always as (to_tsvector('simple', search)) stored,
    constraint integrations_slug_key unique (slug),
    constraint integrations_use_key unique (system_id, api_id, name),
    constraint integrations_version foreign key (api_id, version_id) references api_versions (api_id, id),
    constraint integrations_rate_limit_whole check ((rate_limit is null) = (rate_limit_per is null)),
    constraint integrations_suspended_says_why
        check ((state = 'suspended') = (suspended_at is not null and suspension_reason is not null))
);
create index integrations_sort_key on integrations (sort_key, id);
create index integrations_updated_at on integrations (updated_at, id);
create index integrations_next_review on integrations (coalesce(next_review_on, 'infinity'::date), id);
create index integrations_api on integrations (api_id, sort_key);
create index integrations_system on integrations (system_id, sort_key);
create index integrations_business_owner on integrations (business_owner_id);
create index integrations_technical_owner on integrations (technical_owner_id);
create index integrations_backup_owner on integrations (backup_owner_id);
create index integrations_state on integrations (state, sort_key, id);
create index integrations_sensitivity on integrations (sensitivity, sort_key, id);
create index integrations_criticality on integrations (criticality, sort_key, id);
create index integrations_tags on integrations using gin (tags);
create index integrations_search on integrations using gin (search_vector);
create index integrations_sort_key_trigram on integrations using gin (sort_key gin_trgm_ops);

create table integration_environments (
    integration_id uuid not null references integrations (id),
    environment text not null
        check (environment in ('production', 'sandbox', 'staging', 'test', 'development', 'unknown')),
    endpoints text[] not null default '{}',
    live_since date,
    suspended_on date,
    primary key (integration_id, environment)
);

create table integration_upstreams (
    integration_id uuid not null references integrations (id),
    position integer not null,
    upstream_api_id uuid references apis (id),
    upstream_vendor_id uuid references vendors (id),
    primary key (integration_id, position),
    check (num_nonnulls(upstream_api_id, upstream_vendor_id) = 1)
);

create table data_flows (
    id uuid primary key,
    integration_id uuid not null references integrations (id),
    data_class_id uuid not null references data_classes (id),
    direction text not null check (direction in ('sent', 'received', 'both')),
    environments text[] not null default '{}',
    legal_basis text check (legal_basis in ('consent', 'contract', 'legal_obligation', 'vital_interests',
        'public_task', 'legitimate_interests', 'not_personal')),
    locations text[] not null default '{}',
    outside_eea boolean not null,
    transfer_safeguard text check (transfer_safeguard in ('not_needed', 'adequacy_decision',
        'standard_contractual_clauses', 'binding_corporate_rules', 'derogation', 'missing')),
    retention_days integer check (retention_days >= 0),
    field_encryption text check (field_encryption in ('none', 'encrypted', 'tokenised', 'hashed')),
    updated_at timestamptz not null,
    sort_key text collate "C" not null,
    search text not null,
    search_vector tsvector generated always as (to_tsvector('simple', search)) stored,
    constraint data_flows_class_key unique (integration_id, data_class_id, direction)
);
create index data_flows_sort_key on data_flows (sort_key, id);
create index data_flows_updated_at on data_flows (updated_at, id);
create index data_flows_class on data_flows (data_class_id);
create index data_flows_outside on data_flows (outside_eea, sort_key, id);
create index data_flows_search on data_flows using gin (search_vector);
create index data_flows_sort_key_trigram on data_flows using gin (sort_key gin_trgm_ops);

create table scope_grants (
    id uuid primary key,
    integration_id uuid not null references integrations (id),
    scope text not null,
    justification text,
    requested boolean not null,
    approved_at timestamptz,
    granted_on date,
    last_used_on date,
    updated_at timestamptz not null,
    sort_key text collate "C" not null,
    search text not null,
    search_vector tsvector generated always as (to_tsvector('simple', search)) stored,
    constraint scope_grants_scope_key unique (integration_id, scope),
    constraint scope_grants_say_something check (requested or granted_on is not null)
);
create index scope_grants_sort_key on scope_grants (sort_key, id);
create index scope_grants_updated_at on scope_grants (updated_at, id);
create index scope_grants_unapproved on scope_grants (sort_key, id) where granted_on is not null and approved_at is null;
create index scope_grants_search on scope_grants using gin (search_vector);
create index scope_grants_sort_key_trigram on scope_grants using gin (sort_key gin_trgm_ops);

-- The highest sensitivity follows the classes, whoever changes them.
create function sensitivity_of(integration uuid) returns text language sql stable as $$
    select d.sensitivity from data_flows f join data_classes d on d.id = f.data_class_id
    where f.integration_id = integration
    order by array_position('{restricted,confidential,internal,public}', d.sensitivity) limit 1
$$;
create function follow_class_sensitivity() returns trigger language plpgsql as $$
begin
    update integrations i set sensitivity = sensitivity_of(i.id)
    where i.id in (select f.integration_id from data_flows f where f.data_class_id = new.id);
    return null;
end $$;
create trigger data_classes_sensitivity after update of sensitivity on data_classes
    for each row when (old.sensitivity is distinct from new.sensitivity) execute function follow_class_sensitivity();

create table credentials (
    id uuid primary key,
    slug text not null,
    name text not null check (length(name) between 1 and 200),
    kind text not null check (kind in ('api_key', 'oauth_client', 'certificate', 'webhook_secret', 'ssh_key', 'password')),
    environment text not null
        check (environment in ('production', 'sandbox', 'staging', 'test', 'development', 'unknown')),
    vault_reference text,
    fingerprint text check (fingerprint ~ '^(sha256:[0-9a-f]{64}|sha1:[0-9a-f]{40})$'),
    holder_id uuid references teams (id),
    created_on date,
    rotated_on date,
    maximum_age text check (maximum_age ~ '^P[0-9]{1,4}[DWMY]$'),
    expires_on date,
    next_rotation_on date,
    description text,
    tags text[] not null default '{}',
    state text not null default 'active' check (state in ('planned', 'active', 'rotating', 'compromised', 'revoked')),
    state_reason text,
    revision bigint not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    sort_key text collate "C" not null,
    search text not null,
    search_vector tsvector generated always as (to_tsvector('simple', search)) stored,
    constraint credentials_slug_key unique (slug),
    constraint credentials_exist_since check (state = 'planned' or created_on is not null),
    constraint credentials_compromise_says_how check (state <> 'compromised' or state_reason is not null)
);
create index credentials_sort_key on credentials (sort_key, id);
create index credentials_updated_at on credentials (updated_at, id);
create index credentials_next_rotation on credentials (coalesce(next_rotation_on, 'infinity'::date), id);
create index credentials_fingerprint on credentials (fingerprint);
create index credentials_holder on credentials (holder_id);
create index credentials_search on credentials using gin (search_vector);
create index credentials_sort_key_trigram on credentials using gin (sort_key gin_trgm_ops);

create table credential_uses (
    credential_id uuid not null references credentials (id),
    integration_id uuid not null references integrations (id),
    primary key (credential_id, integration_id)
);
create index credential_uses_integration on credential_uses (integration_id);

-- Every fingerprint that a credential ever had: none comes back.
create table credential_rotations (
    credential_id uuid not null references credentials (id),
    fingerprint text not null,
    rotated_on date not null,
    recorded_at timestamptz not null,
    constraint credential_rotations_never_again primary key (credential_id, fingerprint)
);

alter table comments drop constraint comments_subject_kind_check;
alter table comments add constraint comments_subject_kind_check check (subject_kind in
    ('vendor', 'api', 'api_version', 'system', 'data_class', 'integration', 'credential', 'change_request'));
