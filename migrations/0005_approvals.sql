-- Change requests with their stages and decisions; saved views; unsaved form drafts.
alter table installation add column approval_group_id uuid references review_groups (id);
alter table installation add column demo boolean not null default false;

create table change_requests (
    id uuid primary key,
    integration_id uuid not null references integrations (id),
    kind text not null check (kind in ('register', 'change', 'reactivate', 'deprecate', 'retire')),
    state text not null check (state in
        ('draft', 'open', 'changes_requested', 'approved', 'applied', 'rejected', 'withdrawn')),
    title text not null check (length(title) between 1 and 400),
    reason text,
    base_revision bigint not null,
    base_content jsonb not null,
    content jsonb not null,
    refs jsonb not null,
    round integer not null default 0,
    content_bytes bytea,
    content_hash bytea check (length(content_hash) = 32),
    material_hash bytea check (length(material_hash) = 32),
    requested_by uuid references people (id),
    requested_by_account uuid references service_accounts (id),
    waiting_since timestamptz,
    submitted_at timestamptz,
    closed_at timestamptz,
    revision bigint not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    sort_key text collate "C" not null,
    search text not null,
    search_vector tsvector generated always as (to_tsvector('simple', search)) stored,
    constraint change_requests_one_requester check (num_nonnulls(requested_by, requested_by_account) <= 1),
    constraint change_requests_submitted_is_bound check (state in ('draft', 'withdrawn')
        or (content_hash is not null and material_hash is not null and round > 0)),
    constraint change_requests_closed_when check
        ((state in ('applied', 'rejected', 'withdrawn')) = (closed_at is not null))
);
create unique index change_requests_one_unclosed on change_requests (integration_id)
    where state in ('draft', 'open', 'changes_requested', 'approved');
create index change_requests_integration on change_requests (integration_id, created_at);
create index change_requests_sort_key on change_requests (sort_key, id);
create index change_requests_updated_at on change_requests (updated_at, id);
create index change_requests_open on change_requests (waiting_since, id) where state in ('open', 'changes_requested');
create index change_requests_requester on change_requests (requested_by, updated_at);
create index change_requests_search on change_requests using gin (search_vector);
create index change_requests_sort_key_trigram on change_requests using gin (sort_key gin_trgm_ops);

-- Who took part in a material edit: none of them decides.
create table request_participants (
    request_id uuid not null references change_requests (id),
    person_id uuid not null references people (id),
    primary key (request_id, person_id)
);

create table request_stages (
    request_id uuid not null references change_requests (id),
    position integer not null,
    name text not null,
    review_group_id uuid not null references review_groups (id),
    approvals_needed integer not null check (approvals_needed between 1 and 20),
    opened_at timestamptz,
    primary key (request_id, position)
);
create index request_stages_group on request_stages (review_group_id);

create table request_decisions (
    id uuid primary key,
    request_id uuid not null,
    position integer not null,
    round integer not null,
    decision text not null check (decision in ('approve', 'request_changes', 'reject')),
    reason text not null check (length(trim(reason)) > 0),
    decided_by uuid not null references people (id),
    requested_by uuid,
    content_hash bytea not null,
    material_hash bytea not null,
    decided_via text not null,
    decided_at timestamptz not null,
    foreign key (request_id, position) references request_stages (request_id, position),
    constraint request_decisions_not_by_requester check (decided_by is distinct from requested_by),
    constraint request_decisions_by_no_token check (decided_via = 'page'),
    constraint request_decisions_once unique (request_id, round, decided_by)
);
create index request_decisions_person on request_decisions (decided_by, decided_at);

create function check_decision() returns trigger language plpgsql as $$
declare
    request change_requests;
    owners uuid[];
begin
    select * into request from change_requests where id = new.request_id for update;
    new.requested_by := request.requested_by;
    if request.state <> 'open' or new.round <> request.round
       or new.content_hash is distinct from request.content_hash
       or new.material_hash is distinct from request.material_hash then
        raise exception 'this content is not open for a decision'
            using errcode = 'check_violation', constraint = 'request_decisions_on_open_content';
    end if;
    if not exists (select from request_stages s join review_group_members m on m.review_group_id = s.review_group_id
                   where s.request_id = new.request_id and s.position = new.position and m.person_id = new.decided_by) then
        raise exception 'not in the review group of this stage'
            using errcode = 'check_violation', constraint = 'request_decisions_by_the_group';
    end if;
    if exists (select from request_participants p
               where p.request_id = new.request_id and p.person_id = new.decided_by) then
        raise exception 'took part in a material edit'
            using errcode = 'check_violation', constraint = 'request_decisions_not_by_participant';
    end if;
    select array[i.business_owner_id, i.technical_owner_id, i.backup_owner_id,
                 (request.refs ->> 'business_owner')::uuid, (request.refs ->> 'technical_owner')::uuid,
                 (request.refs ->> 'backup_owner')::uuid]
        into owners from integrations i where i.id = request.integration_id;
    if exists (select from team_members m where m.person_id = new.decided_by and m.team_id = any (owners)) then
        raise exception 'owns the integration'
            using errcode = 'check_violation', constraint = 'request_decisions_not_by_owner';
    end if;
    return new;
end $$;
create trigger request_decisions_checked before insert on request_decisions
    for each row execute function check_decision();
create trigger request_decisions_immutable before update or delete on request_decisions
    for each row execute function refuse_rewriting();
create trigger request_decisions_kept before truncate on request_decisions
    for each statement execute function refuse_rewriting();

-- No request is approved or applied without the approvals of its stages on this very content.
create function check_approval() returns trigger language plpgsql as $$
begin
    if exists (select from request_stages s where s.request_id = new.id and s.approvals_needed >
               (select count(*) from request_decisions d
                where d.request_id = new.id and d.position = s.position and d.decision = 'approve'
                  and d.material_hash = new.material_hash))
       or not exists (select from request_stages s where s.request_id = new.id) then
        raise exception 'approvals are missing'
            using errcode = 'check_violation', constraint = 'change_requests_approved_by_decisions';
    end if;
    return new;
end $$;
create trigger change_requests_approved before insert or update of state on change_requests
    for each row when (new.state in ('approved', 'applied')) execute function check_approval();

create table saved_views (
    id uuid primary key,
    list text not null check (list in ('integrations', 'credentials', 'data_flows', 'scopes', 'requests')),
    name text not null check (length(name) between 1 and 100),
    query text not null check (length(query) <= 4000),
    audience text not null check (audience in ('own', 'team', 'everyone')),
    owner_id uuid not null references people (id),
    team_id uuid references teams (id),
    state text not null default 'active' check (state in ('active', 'retired')),
    revision bigint not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint saved_views_team_known check ((audience = 'team') = (team_id is not null))
);
create index saved_views_list on saved_views (list, state);

-- Housekeeping: what somebody typed and did not save, and when they looked last.
create table form_drafts (
    person_id uuid not null references people (id),
    form text not null check (length(form) between 1 and 200),
    fields jsonb not null,
    updated_at timestamptz not null,
    primary key (person_id, form)
);
create index form_drafts_updated_at on form_drafts (updated_at);
create table last_visits (
    person_id uuid primary key references people (id),
    at timestamptz not null,
    previous timestamptz
);
