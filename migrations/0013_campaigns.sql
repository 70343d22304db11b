-- Recertification: campaigns over a filter, their items with evidence, results that stand.
create table campaigns (
    id uuid primary key,
    title text not null check (length(title) between 1 and 200),
    content jsonb not null,
    review_group_id uuid references review_groups (id),
    escalates_to_id uuid references review_groups (id),
    starts_on date not null,
    ends_on date not null,
    state text not null check (state in ('planned', 'running', 'ended')),
    follows_id uuid references campaigns (id),
    created_by uuid references people (id),
    created_at timestamptz not null,
    launched_at timestamptz,
    ended_at timestamptz,
    revision bigint not null default 1,
    updated_at timestamptz not null,
    sort_key text collate "C" not null,
    search text not null,
    search_vector tsvector generated always as (to_tsvector('simple', search)) stored,
    constraint campaigns_period check (ends_on > starts_on),
    constraint campaigns_launched check ((state = 'planned') = (launched_at is null)),
    constraint campaigns_ended check ((state = 'ended') = (ended_at is not null))
);
create unique index campaigns_one_after on campaigns (follows_id);
create index campaigns_due on campaigns (starts_on) where state = 'planned';
create index campaigns_running on campaigns (ends_on) where state = 'running';
create index campaigns_sort_key on campaigns (sort_key, id);
create index campaigns_updated_at on campaigns (updated_at, id);
create index campaigns_search on campaigns using gin (search_vector);
create index campaigns_sort_key_trigram on campaigns using gin (sort_key gin_trgm_ops);

create table review_items (
    id uuid primary key,
    campaign_id uuid not null references campaigns (id),
    integration_id uuid not null references integrations (id),
    state text not null check (state in ('pending', 'escalated', 'keep', 'reduce', 'retire', 'auto_closed', 'suspended')),
    evidence jsonb not null,
    suggestion text not null check (suggestion in ('keep', 'reduce', 'retire')),
    findings integer not null check (findings >= 0),
    decided_by uuid references people (id),
    decided_via text check (decided_via = 'page'),
    decided_at timestamptz,
    reason text,
    -- Whether who decided owns what was decided on.
    own boolean,
    request_id uuid references change_requests (id),
    escalated_at timestamptz,
    revision bigint not null default 1,
    updated_at timestamptz not null,
    sort_key text collate "C" not null,
    search text not null,
    search_vector tsvector generated always as (to_tsvector('simple', search)) stored,
    constraint review_items_one_each unique (campaign_id, integration_id),
    constraint review_items_decided check ((state in ('keep', 'reduce', 'retire')) =
        (decided_by is not null and decided_at is not null and own is not null)),
    constraint review_items_reduce check (state not in ('reduce', 'retire') or request_id is not null)
);
create index review_items_campaign on review_items (campaign_id, state);
create index review_items_integration on review_items (integration_id, decided_at desc);
create index review_items_open on review_items (campaign_id) where state in ('pending', 'escalated');
create index review_items_sort_key on review_items (sort_key, id);
create index review_items_updated_at on review_items (updated_at, id);
create index review_items_search on review_items using gin (search_vector);
create index review_items_sort_key_trigram on review_items using gin (sort_key gin_trgm_ops);

-- A result stands.
create function check_review_item() returns trigger language plpgsql as $$
begin
    if old.state not in ('pending', 'escalated') or new.campaign_id <> old.campaign_id
       or new.integration_id <> old.integration_id then
        raise exception 'the result of a review stands'
            using errcode = 'check_violation', constraint = 'review_items_stand';
    end if;
    return new;
end $$;
create trigger review_items_checked before update on review_items
    for each row execute function check_review_item();
