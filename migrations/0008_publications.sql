-- What one person drafts and another publishes: policy rules, workflows, questionnaires. Published
-- versions are kept for good.
create table publications (
    id uuid primary key,
    kind text not null check (kind in ('policy_rule', 'workflow', 'questionnaire')),
    key text not null check (length(key) between 1 and 100),
    title text not null check (length(title) between 1 and 200),
    draft jsonb,
    draft_edited_by uuid[] not null default '{}',
    proposed_by uuid references people (id),
    proposed_at timestamptz,
    version integer not null default 0,
    -- Of the published version, for lists; of the draft where nothing is published.
    mode text not null default '',
    severity text not null default '',
    revision bigint not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    sort_key text collate "C" not null,
    search text not null,
    search_vector tsvector generated always as (to_tsvector('simple', search)) stored,
    constraint publications_key_key unique (kind, key),
    constraint publications_proposal_whole check ((proposed_by is null) = (proposed_at is null)),
    constraint publications_proposes_a_draft check (proposed_by is null or draft is not null)
);
create index publications_sort_key on publications (kind, sort_key, id);
create index publications_updated_at on publications (kind, updated_at, id);
create index publications_search on publications using gin (search_vector);
create index publications_sort_key_trigram on publications using gin (sort_key gin_trgm_ops);

create table publication_versions (
    publication_id uuid not null references publications (id),
    version integer not null check (version > 0),
    content jsonb not null,
    edited_by uuid[] not null,
    proposed_by uuid references people (id),
    published_by uuid references people (id),
    published_at timestamptz not null,
    primary key (publication_id, version),
    -- Two people; what Muster brings along has neither.
    constraint publication_versions_by_another check (
        (published_by is null and proposed_by is null and edited_by = '{}')
        or (published_by is not null and proposed_by is not null and published_by <> proposed_by
            and not published_by = any (edited_by)))
);
create trigger publication_versions_immutable before update or delete on publication_versions
    for each row execute function refuse_rewriting();
create trigger publication_versions_kept before truncate on publication_versions
    for each statement execute function refuse_rewriting();
