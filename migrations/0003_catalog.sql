-- Vendors, APIs, API versions, systems, data classes, comments.
create table vendors (
    id uuid primary key,
    slug text not null,
    name text not null check (length(name) between 1 and 200),
    legal_name text,
    description text,
    lei text check (lei ~ '^[A-Z0-9]{18}[0-9]{2}$'),
    identifiers jsonb not null default '[]',
    country text check (country ~ '^[A-Z]{2}$'),
    parent_id uuid references vendors (id) check (parent_id is distinct from id),
    website text,
    domain text,
    provider_name text,
    tier smallint check (tier between 1 and 4),
    locations text[] not null default '{}',
    security_contact text,
    incident_contact text,
    status_page text,
    dpa_status text not null default 'unknown'
        check (dpa_status in ('unknown', 'not_needed', 'requested', 'signed', 'expired')),
    dpa_signed_on date,
    dpa_expires_on date,
    dpa_reference text,
    tags text[] not null default '{}',
    state text not null default 'active' check (state in ('active', 'retired')),
    verified_at timestamptz,
    verified_by uuid references people (id),
    edited_by uuid[] not null default '{}',
    imported jsonb not null default '{}',
    revision bigint not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    sort_key text collate "C" not null,
    search text not null,
    search_vector tsvector generated always as (to_tsvector('simple', search)) stored,
    constraint vendors_slug_key unique (slug),
    constraint vendors_provider_name_key unique (provider_name),
    constraint vendors_lei_key unique (lei),
    constraint vendors_verified_together check ((verified_at is null) = (verified_by is null)),
    constraint vendors_verified_by_another check (verified_by is null or not verified_by = any (edited_by))
);
create index vendors_sort_key on vendors (sort_key, id);
create index vendors_updated_at on vendors (updated_at, id);
create index vendors_domain on vendors (domain);
create index vendors_parent on vendors (parent_id);
create index vendors_tags on vendors using gin (tags);
create index vendors_search on vendors using gin (search_vector);
create index vendors_sort_key_trigram on vendors using gin (sort_key gin_trgm_ops);

create table vendor_certifications (
    vendor_id uuid not null references vendors (id),
    position integer not null,
    name text not null,
    reference text,
    valid_from date,
    expires_on date,
    evidence_url text,
    primary key (vendor_id, position)
);
create index vendor_certifications_expires_on on vendor_certifications (expires_on);
create table vendor_sub_processors (
    vendor_id uuid not null references vendors (id),
    position integer not null,
    name text not null,
    country text check (country ~ '^[A-Z]{2}$'),
    purpose text,
    primary key (vendor_id, position)
);

create table apis (
    id uuid primary key,
    vendor_id uuid not null references vendors (id),
    slug text not null,
    name text not null check (length(name) between 1 and 200),
    description text,
    protocol text not null
        check (protocol in ('rest', 'graphql', 'grpc', 'soap', 'webhook', 'websocket', 'odata', 'sftp', 'other')),
    documentation_url text,
    terms_url text,
    licence text,
    licence_url text,
    contact_name text,
    contact_email text,
    contact_url text,
    lifecycle text not null
        check (lifecycle in ('planned', 'preview', 'live', 'deprecated', 'switched_off')),
    auth_methods text[] not null default '{}',
    tls_minimum text check (tls_minimum in ('1.0', '1.1', '1.2', '1.3')),
    service_name text,
    current_version_id uuid,
    tags text[] not null default '{}',
    state text not null default 'active' check (state in ('active', 'retired')),
    verified_at timestamptz,
    verified_by uuid references people (id),
    edited_by uuid[] not null default '{}',
    imported jsonb not null default '{}',
    revision bigint not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    sort_key text collate "C" not null,
    search text not null,
    search_vector tsvector generated always as (to_tsvector('simple', search)) stored,
    constraint apis_slug_key unique (slug),
    constraint apis_service_name_key unique (vendor_id, service_name),
    constraint apis_verified_together check ((verified_at is null) = (verified_by is null)),
    constraint apis_verified_by_another check (verified_by is null or not verified_by = any (edited_by))
);
create index apis_sort_key on apis (sort_key, id);
create index apis_updated_at on apis (updated_at, id);
create index apis_vendor on apis (vendor_id, sort_key);
create index apis_tags on apis using gin (tags);
create index apis_auth_methods on apis using gin (auth_methods);
create index apis_search on apis using gin (search_vector);
create index apis_sort_key_trigram on apis using gin (sort_key gin_trgm_ops);

create table api_upstreams (
    api_id uuid not null references apis (id),
    position integer not null,
    upstream_api_id uuid references apis (id),
    upstream_vendor_id uuid references vendors (id),
    primary key (api_id, position),
    check (num_nonnulls(upstream_api_id, upstream_vendor_id) = 1),
    check (upstream_api_id is distinct from api_id)
);
create index api_upstreams_api on api_upstreams (upstream_api_id);
create index api_upstreams_vendor on api_upstreams (upstream_vendor_id);

-- A vendor's document, kept once by its hash, compressed with gzip.
create table documents (
    sha256 bytea primary key check (length(sha256) = 32),
    media_type text not null,
    size bigint not null,
    body bytea not null,
    created_at timestamptz not null
);
alter table documents alter column body set storage external;

create table api_versions (
    id uuid primary key,
    api_id uuid not null references apis (id),
    slug text not null,
    label text not null check (length(label) between 1 and 200),
    description text,
    lifecycle text not null
        check (lifecycle in ('planned', 'preview', 'live', 'deprecated', 'switched_off')),
    deprecated_on date,
    sunset_on date,
    openapi_version text,
    document_sha256 bytea references documents (sha256),
    auth_schemes jsonb not null default '[]',
    imported jsonb not null default '{}',
    revision bigint not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    sort_key text collate "C" not null,
    constraint api_versions_label_key unique (api_id, label),
    constraint api_versions_slug_key unique (api_id, slug),
    constraint api_versions_of_one_api unique (api_id, id),
    check (sunset_on is null or deprecated_on is null or sunset_on >= deprecated_on)
);
create index api_versions_sort_key on api_versions (sort_key, id);
create index api_versions_updated_at on api_versions (updated_at, id);
create index api_versions_document on api_versions (document_sha256);
alter table apis add constraint apis_current_version
    foreign key (id, current_version_id) references api_versions (api_id, id);

create table version_documents (
    version_id uuid not null references api_versions (id),
    sha256 bytea not null references documents (sha256),
    published_at timestamptz,
    imported_at timestamptz not null,
    primary key (version_id, sha256)
);

create table api_endpoints (
    version_id uuid not null references api_versions (id),
    position integer not null,
    url text not null,
    host_pattern text not null,
    path_prefix text not null,
    environment text not null check (environment in ('production', 'sandbox', 'staging', 'test', 'development', 'unknown')),
    description text,
    source text not null check (source in ('import', 'person')),
    primary key (version_id, position)
);
create index api_endpoints_host on api_endpoints (host_pattern);

create table api_scopes (
    version_id uuid not null references api_versions (id),
    position integer not null,
    name text not null,
    description text,
    scheme text not null default '',
    source text not null check (source in ('import', 'person')),
    primary key (version_id, position),
    constraint api_scopes_name_key unique (version_id, scheme, name)
);
create table api_operations (
    version_id uuid not null references api_versions (id),
    position integer not null,
    method text not null,
    path text not null,
    operation_id text,
    summary text,
    scopes text[] not null default '{}',
    deprecated boolean not null default false,
    primary key (version_id, position),
    constraint api_operations_path_key unique (version_id, path, method)
);

create table systems (
    id uuid primary key,
    slug text not null,
    name text not null check (length(name) between 1 and 200),
    description text,
    kind text not null check (kind in ('own', 'saas')),
    team_id uuid references teams (id),
    vendor_id uuid references vendors (id),
    url text,
    tags text[] not null default '{}',
    state text not null default 'active' check (state in ('active', 'retired')),
    revision bigint not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    sort_key text collate "C" not null,
    search text not null,
    search_vector tsvector generated always as (to_tsvector('simple', search)) stored,
    constraint systems_slug_key unique (slug),
    constraint systems_own_has_team check (kind <> 'own' or (team_id is not null and vendor_id is null)),
    constraint systems_saas_has_vendor check (kind <> 'saas' or vendor_id is not null)
);
create index systems_sort_key on systems (sort_key, id);
create index systems_updated_at on systems (updated_at, id);
create index systems_team on systems (team_id);
create index systems_vendor on systems (vendor_id);
create index systems_tags on systems using gin (tags);
create index systems_search on systems using gin (search_vector);
create index systems_sort_key_trigram on systems using gin (sort_key gin_trgm_ops);

create table data_classes (
    id uuid primary key,
    key text not null check (key ~ '^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$'),
    name text not null check (length(name) between 1 and 200),
    description text,
    parent_id uuid references data_classes (id),
    sensitivity text not null check (sensitivity in ('public', 'internal', 'confidential', 'restricted')),
    regulations text[] not null default '{}' check (regulations <@ '{gdpr,pci_dss,hipaa}'),
    source text not null check (source in ('fideslang', 'organisation')),
    state text not null default 'active' check (state in ('active', 'retired')),
    revision bigint not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    sort_key text collate "C" not null,
    search text not null,
    search_vector tsvector generated always as (to_tsvector('simple', search)) stored,
    constraint data_classes_key_key unique (key)
);
create index data_classes_sort_key on data_classes (sort_key, id);
create index data_classes_updated_at on data_classes (updated_at, id);
create index data_classes_parent on data_classes (parent_id);

create table comments (
    id uuid primary key,
    subject_kind text not null check (subject_kind in ('vendor', 'api', 'api_version', 'system', 'data_class')),
    subject_id uuid not null,
    author_id uuid references people (id),
    body text not null check (length(body) between 1 and 20000),
    state text not null default 'shown' check (state in ('shown', 'withdrawn')),
    revision bigint not null default 1,
    created_at timestamptz not null
);
create index comments_subject on comments (subject_kind, subject_id, created_at);

-- Housekeeping: what was uploaded and previewed, but not applied.
create table import_uploads (
    id uuid primary key,
    person_id uuid not null references people (id),
    kind text not null,
    name text not null,
    options jsonb not null default '{}',
    body bytea not null,
    created_at timestamptz not null
);
create index import_uploads_created_at on import_uploads (created_at);
