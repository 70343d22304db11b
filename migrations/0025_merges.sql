-- Merging two records of the same vendor or API: what moved, so that it can be undone.
create table merges (
    id uuid primary key,
    kind text not null check (kind in ('vendor', 'api')),
    source_id uuid not null,
    target_id uuid not null,
    reason text not null check (length(trim(reason)) > 0),
    state text not null check (state in ('merged', 'undone')),
    moved jsonb not null,
    undo jsonb not null,
    merged_by uuid not null references people (id),
    merged_at timestamptz not null,
    undone_by uuid references people (id),
    undone_at timestamptz,
    revision bigint not null default 1,
    constraint merges_of_two check (source_id <> target_id),
    constraint merges_undone check ((state = 'undone') = (undone_by is not null and undone_at is not null))
);
create unique index merges_source on merges (source_id) where state = 'merged';
create index merges_target on merges (target_id, merged_at desc);

-- A merge stands as it was recorded; undoing it adds who did and when.
create function check_merge() returns trigger language plpgsql as $$
begin
    if old.state = 'undone' or (new.kind, new.source_id, new.target_id, new.reason, new.merged_by, new.merged_at)
           is distinct from (old.kind, old.source_id, old.target_id, old.reason, old.merged_by, old.merged_at) then
        raise exception 'a merge is recorded once' using errcode = 'check_violation', constraint = 'merges_stand';
    end if;
    return new;
end $$;
create trigger merges_checked before update on merges for each row execute function check_merge();

alter table vendors add column merged_into_id uuid references vendors (id),
    add constraint vendors_merged_is_retired check (merged_into_id is null or state = 'retired');
alter table apis add column merged_into_id uuid references apis (id),
    add constraint apis_merged_is_retired check (merged_into_id is null or state = 'retired');
create index vendors_merged_into on vendors (merged_into_id) where merged_into_id is not null;
create index apis_merged_into on apis (merged_into_id) where merged_into_id is not null;

-- Whether two vendors were merged, in either direction: what is otherwise fixed may go from one to the other.
create function were_merged(one uuid, other uuid) returns boolean language sql stable as $$
    select exists (select from merges m where (m.source_id = one and m.target_id = other)
                                           or (m.source_id = other and m.target_id = one))
$$;

-- The same, without what a merge and its undoing change.
create function apart_from_vendor(body jsonb) returns jsonb language sql immutable as $$
    select body - array['vendor_id', 'revision', 'updated_at', 'sort_key', 'search', 'search_vector']
$$;

create or replace function check_assessment() returns trigger language plpgsql as $$
begin
    if new.vendor_id <> old.vendor_id and were_merged(old.vendor_id, new.vendor_id)
       and apart_from_vendor(to_jsonb(new)) = apart_from_vendor(to_jsonb(old)) then
        return new;
    end if;
    if old.state = 'withdrawn' or old.state = 'stale'
       or (old.state = 'concluded' and (new.state not in ('concluded', 'stale') or new.answers <> old.answers
           or new.verdict <> old.verdict or new.valid_until <> old.valid_until
           or new.concluded_by <> old.concluded_by or new.basis <> old.basis))
       or new.questionnaire_id <> old.questionnaire_id or new.version <> old.version
       or new.vendor_id <> old.vendor_id then
        raise exception 'what was concluded does not change'
            using errcode = 'check_violation', constraint = 'assessments_stand';
    end if;
    return new;
end $$;

create or replace function check_evidence() returns trigger language plpgsql as $$
begin
    if new.vendor_id <> old.vendor_id and were_merged(old.vendor_id, new.vendor_id)
       and apart_from_vendor(to_jsonb(new)) = apart_from_vendor(to_jsonb(old)) then
        return new;
    end if;
    if new.vendor_id <> old.vendor_id or new.url is distinct from old.url or new.sha256 is distinct from old.sha256
       or new.large_object is distinct from old.large_object or new.size is distinct from old.size
       or new.assessment_id is distinct from old.assessment_id then
        raise exception 'evidence is not rewritten'
            using errcode = 'check_violation', constraint = 'evidence_stands';
    end if;
    return new;
end $$;

-- What was merged away is not referred to any more, by whatever name or id and at whatever moment: the row of the record
-- is locked against a merge that is just going on.
create function refuse_merged_vendor() returns trigger language plpgsql as $$
declare
    named uuid := (to_jsonb(new) ->> tg_argv[0])::uuid;
    into_id uuid;
begin
    select merged_into_id into into_id from vendors where id = named for key share;
    if into_id is not null then
        raise exception 'the vendor was merged away' using errcode = 'check_violation', constraint = 'merged_away';
    end if;
    return new;
end $$;
create function refuse_merged_api() returns trigger language plpgsql as $$
declare
    named uuid := (to_jsonb(new) ->> tg_argv[0])::uuid;
    into_id uuid;
begin
    select merged_into_id into into_id from apis where id = named for key share;
    if into_id is not null then
        raise exception 'the API was merged away' using errcode = 'check_violation', constraint = 'merged_away';
    end if;
    return new;
end $$;
create trigger apis_of_a_vendor before insert or update of vendor_id on apis
    for each row execute function refuse_merged_vendor('vendor_id');
create trigger systems_of_a_vendor before insert or update of vendor_id on systems
    for each row when (new.vendor_id is not null) execute function refuse_merged_vendor('vendor_id');
create trigger vendors_of_a_parent before insert or update of parent_id on vendors
    for each row when (new.parent_id is not null and new.merged_into_id is null)
    execute function refuse_merged_vendor('parent_id');
create trigger api_upstreams_vendor before insert or update of upstream_vendor_id on api_upstreams
    for each row when (new.upstream_vendor_id is not null) execute function refuse_merged_vendor('upstream_vendor_id');
create trigger integration_upstreams_vendor before insert or update of upstream_vendor_id on integration_upstreams
    for each row when (new.upstream_vendor_id is not null) execute function refuse_merged_vendor('upstream_vendor_id');
create trigger assessments_of_a_vendor before insert on assessments
    for each row execute function refuse_merged_vendor('vendor_id');
create trigger evidence_of_a_vendor before insert on evidence
    for each row execute function refuse_merged_vendor('vendor_id');
create trigger api_versions_of_an_api before insert or update of api_id on api_versions
    for each row execute function refuse_merged_api('api_id');
create trigger integrations_of_an_api before insert or update of api_id on integrations
    for each row execute function refuse_merged_api('api_id');
create trigger api_upstreams_api before insert or update of upstream_api_id on api_upstreams
    for each row when (new.upstream_api_id is not null) execute function refuse_merged_api('upstream_api_id');
create trigger integration_upstreams_api before insert or update of upstream_api_id on integration_upstreams
    for each row when (new.upstream_api_id is not null) execute function refuse_merged_api('upstream_api_id');
