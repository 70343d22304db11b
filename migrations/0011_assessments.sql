-- Assessments of vendors and owners, what their answers raised, what proves them, and that one is wanted.
alter table installation add column assessed_on date;
alter table exceptions add column reminded_on date;

create table assessment_demands (
    id uuid primary key,
    questionnaire_id uuid not null references publications (id),
    vendor_id uuid not null references vendors (id),
    cause text not null check (cause in ('intake', 'new_data_class', 'new_country', 'incident', 'renewal')),
    reference text not null,
    -- The assessment after which it arose: what happens again later asks again.
    after_id uuid,
    state text not null check (state in ('open', 'answered', 'dismissed')),
    note text,
    assessment_id uuid,
    created_at timestamptz not null,
    revision bigint not null default 1,
    updated_at timestamptz not null,
    sort_key text collate "C" not null,
    search text not null,
    search_vector tsvector generated always as (to_tsvector('simple', search)) stored,
    constraint assessment_demands_once unique nulls not distinct (questionnaire_id, vendor_id, cause, reference, after_id),
    constraint assessment_demands_whole check ((state = 'answered') = (assessment_id is not null)
        and (state <> 'dismissed' or note is not null))
);
create index assessment_demands_vendor on assessment_demands (vendor_id) where state = 'open';
create index assessment_demands_sort_key on assessment_demands (sort_key, id);
create index assessment_demands_updated_at on assessment_demands (updated_at, id);
create index assessment_demands_search on assessment_demands using gin (search_vector);
create index assessment_demands_sort_key_trigram on assessment_demands using gin (sort_key gin_trgm_ops);

create table assessments (
    id uuid primary key,
    questionnaire_id uuid not null references publications (id),
    version integer not null,
    vendor_id uuid not null references vendors (id),
    integration_id uuid references integrations (id),
    recipient text,
    team_id uuid references teams (id),
    state text not null check (state in
        ('draft', 'sent', 'answering', 'submitted', 'reviewed', 'concluded', 'stale', 'withdrawn')),
    due_on date not null,
    -- SHA-256 of the secret in the vendor's link; the secret itself is in the link alone.
    link_hash bytea unique,
    link_until timestamptz,
    answers jsonb not null default '{}',
    score integer check (score between 0 and 100),
    verdict text check (verdict in ('ok', 'conditional', 'blocker')),
    verdict_reason text,
    valid_until date,
    concluded_by uuid references people (id),
    concluded_at timestamptz,
    basis jsonb,
    stale_because text,
    carried_from uuid references assessments (id),
    demand_id uuid references assessment_demands (id),
    created_by uuid references people (id),
    created_at timestamptz not null,
    sent_at timestamptz,
    reminded_at timestamptz,
    submitted_by uuid references people (id),
    submitted_at timestamptz,
    reviewed_by uuid references people (id),
    reviewed_at timestamptz,
    revision bigint not null default 1,
    updated_at timestamptz not null,
    sort_key text collate "C" not null,
    search text not null,
    search_vector tsvector generated always as (to_tsvector('simple', search)) stored,
    foreign key (questionnaire_id, version) references publication_versions (publication_id, version),
    constraint assessments_recipient check (num_nonnulls(recipient, team_id) = 1 or state in ('draft', 'withdrawn')),
    constraint assessments_sent check (state in ('draft', 'withdrawn') or sent_at is not null),
    constraint assessments_submitted check (state not in ('submitted', 'reviewed', 'concluded', 'stale')
        or submitted_at is not null),
    constraint assessments_reviewed check (state not in ('reviewed', 'concluded', 'stale')
        or (reviewed_by is not null and reviewed_at is not null)),
    constraint assessments_concluded check ((state in ('concluded', 'stale')) =
        (verdict is not null and verdict_reason is not null and valid_until is not null
         and concluded_by is not null and concluded_at is not null and basis is not null)),
    constraint assessments_stale check ((state = 'stale') = (stale_because is not null)),
    constraint assessments_link check ((link_hash is null) = (link_until is null)),
    constraint assessments_by_another check (submitted_by is null
        or (submitted_by is distinct from reviewed_by and submitted_by is distinct from concluded_by))
);
alter table assessment_demands add foreign key (assessment_id) references assessments (id);
alter table assessment_demands add foreign key (after_id) references assessments (id);
-- One at a time.
create unique index assessments_one_under_way on assessments (questionnaire_id, vendor_id, integration_id)
    nulls not distinct where state in ('draft', 'sent', 'answering', 'submitted', 'reviewed');
create index assessments_vendor on assessments (vendor_id, concluded_at desc);
create index assessments_integration on assessments (integration_id);
create index assessments_due_on on assessments (due_on, id);
create index assessments_under_way on assessments (state) where state in ('sent', 'answering', 'submitted', 'reviewed');
create index assessments_ending on assessments (valid_until) where state = 'concluded';
create index assessments_waiting on assessments (due_on) where state in ('sent', 'answering');
create index assessments_sort_key on assessments (sort_key, id);
create index assessments_updated_at on assessments (updated_at, id);
create index assessments_search on assessments using gin (search_vector);
create index assessments_sort_key_trigram on assessments using gin (sort_key gin_trgm_ops);

-- What was concluded stands; it goes stale, and no more.
create function check_assessment() returns trigger language plpgsql as $$
begin
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
create trigger assessments_checked before update on assessments for each row execute function check_assessment();

create table assessment_findings (
    id uuid primary key,
    assessment_id uuid not null references assessments (id),
    question text not null,
    answer text not null,
    severity text not null check (severity in ('low', 'medium', 'high', 'critical')),
    finding text not null,
    remediation text,
    compensating_control text,
    state text not null check (state in ('open', 'mended', 'accepted', 'dropped')),
    opened_at timestamptz not null,
    closed_by uuid references people (id),
    closed_at timestamptz,
    note text,
    revision bigint not null default 1,
    updated_at timestamptz not null,
    sort_key text collate "C" not null,
    search text not null,
    search_vector tsvector generated always as (to_tsvector('simple', search)) stored,
    constraint assessment_findings_accepted check (state <> 'accepted' or compensating_control is not null),
    constraint assessment_findings_closed check ((state in ('mended', 'accepted')) = (closed_by is not null))
);
create unique index assessment_findings_one_each on assessment_findings (assessment_id, question)
    where state <> 'dropped';
create index assessment_findings_assessment on assessment_findings (assessment_id);
create index assessment_findings_sort_key on assessment_findings (sort_key, id);
create index assessment_findings_updated_at on assessment_findings (updated_at, id);
create index assessment_findings_search on assessment_findings using gin (search_vector);
create index assessment_findings_sort_key_trigram on assessment_findings using gin (sort_key gin_trgm_ops);

create table evidence (
    id uuid primary key,
    title text not null check (length(title) between 1 and 300),
    vendor_id uuid not null references vendors (id),
    assessment_id uuid references assessments (id),
    url text,
    file_name text,
    media_type text,
    size bigint check (size > 0),
    -- Of the bytes as they came; looked at again whenever they go out.
    sha256 text check (length(sha256) = 64),
    large_object oid,
    certification text,
    valid_until date,
    state text not null check (state in ('active', 'retired')),
    given_by uuid references people (id),
    given_at timestamptz not null,
    revision bigint not null default 1,
    updated_at timestamptz not null,
    sort_key text collate "C" not null,
    search text not null,
    search_vector tsvector generated always as (to_tsvector('simple', search)) stored,
    constraint evidence_is_something check (num_nonnulls(url, sha256) = 1),
    constraint evidence_file_whole check (num_nulls(file_name, media_type, size, sha256, large_object) in (0, 5))
);
create index evidence_vendor on evidence (vendor_id);
create index evidence_assessment on evidence (assessment_id);
create index evidence_valid_until on evidence (valid_until) where state = 'active';
create index evidence_sort_key on evidence (sort_key, id);
create index evidence_updated_at on evidence (updated_at, id);
create index evidence_search on evidence using gin (search_vector);
create index evidence_sort_key_trigram on evidence using gin (sort_key gin_trgm_ops);

-- Evidence is not rewritten: another one is given.
create function check_evidence() returns trigger language plpgsql as $$
begin
    if new.vendor_id <> old.vendor_id or new.url is distinct from old.url or new.sha256 is distinct from old.sha256
       or new.large_object is distinct from old.large_object or new.size is distinct from old.size
       or new.assessment_id is distinct from old.assessment_id then
        raise exception 'evidence is not rewritten'
            using errcode = 'check_violation', constraint = 'evidence_stands';
    end if;
    return new;
end $$;
create trigger evidence_checked before update on evidence for each row execute function check_evidence();

-- Letters that wait to be sent; taken out once they are. A link's secret lies here until then.
create table mails_due (
    id bigint generated always as identity primary key,
    recipient text not null,
    subject text not null,
    body text not null,
    about_kind text not null,
    about_id uuid not null,
    attempts integer not null default 0,
    next_at timestamptz not null
);

-- Vendors whose assessments are to be looked at: appended to, so that nobody waits for anybody.
create table assessments_due (
    id bigint generated always as identity primary key,
    vendor_id uuid not null
);
create function assess_later() returns trigger language plpgsql as $$
begin
    if tg_table_name = 'vendors' then
        insert into assessments_due (vendor_id) values (new.id);
    elsif tg_table_name = 'integrations' then
        insert into assessments_due (vendor_id) select a.vendor_id from apis a where a.id = new.api_id;
    elsif tg_table_name = 'change_requests' then
        insert into assessments_due (vendor_id) select a.vendor_id from integrations i join apis a on a.id = i.api_id
        where i.id = new.integration_id;
    elsif tg_table_name = 'publications' then
        insert into assessments_due (vendor_id)
        select distinct a.vendor_id from apis a where exists (select from integrations i where i.api_id = a.id)
        union select s.vendor_id from assessments s where s.questionnaire_id = new.id;
    end if;
    return null;
end $$;
create trigger vendors_assessed after insert or update on vendors for each row execute function assess_later();
create trigger integrations_assessed after insert or update on integrations
    for each row execute function assess_later();
create trigger change_requests_assessed after update of state on change_requests for each row
    when (new.state is distinct from old.state and new.state = 'open') execute function assess_later();
create trigger publications_assessed after update of version on publications for each row
    when (new.kind = 'questionnaire' and old.version is distinct from new.version) execute function assess_later();

-- Rules look at assessments and at what proves a certificate.
create function judge_assessed_later() returns trigger language plpgsql as $$
begin
    insert into judgements_due (integration_id) select i.id from integrations i
    where i.api_id in (select a.id from apis a where a.vendor_id = new.vendor_id);
    return null;
end $$;
create trigger assessments_judged after update on assessments for each row
    when (new.state in ('concluded', 'stale') and old.state is distinct from new.state)
    execute function judge_assessed_later();
create trigger evidence_judged after insert or update on evidence for each row
    when (new.certification is not null) execute function judge_assessed_later();
create function judge_found_later() returns trigger language plpgsql as $$
begin
    insert into judgements_due (integration_id) select i.id from assessments s join apis a on a.vendor_id = s.vendor_id
    join integrations i on i.api_id = a.id where s.id = new.assessment_id and s.state in ('concluded', 'stale');
    return null;
end $$;
create trigger assessment_findings_judged after update of state on assessment_findings
    for each row execute function judge_found_later();

-- Who decides in several stages decides once on each, also for somebody absent.
create or replace function check_decision() returns trigger language plpgsql as $$
declare
    request change_requests;
    stage request_stages;
begin
    select * into request from change_requests where id = new.request_id for update;
    new.requested_by := request.requested_by;
    if request.state <> 'open' or new.round <> request.round
       or new.content_hash is distinct from request.content_hash
       or new.material_hash is distinct from request.material_hash then
        raise exception 'this content is not open for a decision'
            using errcode = 'check_violation', constraint = 'request_decisions_on_open_content';
    end if;
    select * into stage from request_stages s
    where s.request_id = new.request_id and s.round = new.round and s.position = new.position;
    if exists (select from request_stages s where s.request_id = new.request_id and s.round = new.round
               and s.position < new.position and s.approvals_needed >
                   (select count(*) from request_decisions d where d.request_id = s.request_id and d.round = s.round
                    and d.position = s.position and d.decision in ('approve', 'approve_with_conditions')
                    and d.material_hash = new.material_hash)) then
        raise exception 'an earlier stage waits'
            using errcode = 'check_violation', constraint = 'request_decisions_on_open_content';
    end if;
    if exists (select from request_decisions d where d.request_id = new.request_id
            and d.round = new.round and (not request.same_person_twice or d.position = new.position)
            and (d.decided_by in (new.decided_by, coalesce(new.decided_for, new.decided_by))
                 or d.decided_for in (new.decided_by, coalesce(new.decided_for, new.decided_by)))) then
        raise exception 'decided in this round already'
            using errcode = 'check_violation', constraint = 'request_decisions_once';
    end if;
    if not exists (select from review_group_members m
                   where m.review_group_id in (stage.review_group_id, stage.escalated_to)
                     and m.person_id = coalesce(new.decided_for, new.decided_by)) then
        raise exception 'not in the review group of this stage'
            using errcode = 'check_violation', constraint = 'request_decisions_by_the_group';
    end if;
    if new.decided_for is not null and not exists (select from delegations g
            where g.from_id = new.decided_for and g.to_id = new.decided_by and g.state = 'active'
              and our_day(new.decided_at) between g.from_on and g.until_on) then
        raise exception 'no delegation holds'
            using errcode = 'check_violation', constraint = 'request_decisions_by_the_group';
    end if;
    -- Neither who decides nor for whom: a delegation does not walk around the separation of duties.
    if took_part(request, new.decided_by) or (new.decided_for is not null and took_part(request, new.decided_for)) then
        raise exception 'asked or took part'
            using errcode = 'check_violation', constraint = 'request_decisions_not_by_participant';
    end if;
    if owns_requested(request, new.decided_by)
       or (new.decided_for is not null and owns_requested(request, new.decided_for)) then
        raise exception 'owns the integration'
            using errcode = 'check_violation', constraint = 'request_decisions_not_by_owner';
    end if;
    return new;
end $$;
