-- Several stages a round, approvals with conditions, delegation, escalation.
alter table change_requests add column workflow_id uuid references publications (id);
alter table change_requests add column workflow_version integer;
alter table change_requests add column same_person_twice boolean not null default false;

-- Stages belong to a round: what was decided in an earlier one keeps the stage that it was decided in.
alter table request_decisions drop constraint request_decisions_request_id_position_fkey;
alter table request_stages drop constraint request_stages_pkey;
alter table request_stages add column round integer;
update request_stages s set round = greatest(r.round, 1) from change_requests r where r.id = s.request_id;
alter table request_stages alter column round set not null;
alter table request_stages add primary key (request_id, round, position);
insert into request_stages (request_id, round, position, name, review_group_id, approvals_needed, opened_at)
select distinct on (d.request_id, d.round, d.position) d.request_id, d.round, d.position, s.name, s.review_group_id,
       s.approvals_needed, s.opened_at
from request_decisions d join request_stages s on s.request_id = d.request_id and s.position = d.position
where s.round <> d.round
on conflict do nothing;
alter table request_decisions add constraint request_decisions_stage
    foreign key (request_id, round, position) references request_stages (request_id, round, position);
alter table request_stages add column due_hours integer check (due_hours between 1 and 2000);
alter table request_stages add column due_at timestamptz;
-- The rule that called this stage in.
alter table request_stages add column called_in_by text;
alter table request_stages add column escalated_to uuid references review_groups (id);
alter table request_stages add column escalated_at timestamptz;
create index request_stages_due on request_stages (due_at) where due_at is not null;

alter table review_groups add column escalates_to_id uuid references review_groups (id)
    constraint review_groups_escalate_to_another check (escalates_to_id <> id);

alter table request_decisions drop constraint request_decisions_decision_check;
alter table request_decisions add constraint request_decisions_decision_check
    check (decision in ('approve', 'approve_with_conditions', 'request_changes', 'reject'));
alter table request_decisions drop constraint request_decisions_once;
alter table request_decisions add constraint request_decisions_once unique (request_id, round, position, decided_by);
-- For whom somebody decided, where that was by delegation.
alter table request_decisions add column decided_for uuid references people (id);

create table request_conditions (
    id uuid primary key,
    request_id uuid not null references change_requests (id),
    decision_id uuid not null references request_decisions (id),
    text text not null check (length(trim(text)) > 0),
    owner_id uuid not null references teams (id),
    due_on date not null,
    timing text not null check (timing in ('before_live', 'after_live')),
    met_at timestamptz,
    met_by uuid references people (id),
    note text,
    revision bigint not null default 1,
    constraint request_conditions_met_whole check ((met_at is null) = (note is null))
);
create index request_conditions_request on request_conditions (request_id);
create index request_conditions_open on request_conditions (owner_id, due_on) where met_at is null;

create table delegations (
    id uuid primary key,
    from_id uuid not null references people (id),
    to_id uuid not null references people (id),
    from_on date not null,
    until_on date not null,
    reason text,
    state text not null default 'active' check (state in ('active', 'retired')),
    revision bigint not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint delegations_to_another check (from_id <> to_id),
    constraint delegations_some_days check (until_on >= from_on and until_on - from_on <= 366)
);
create index delegations_to on delegations (to_id, until_on) where state = 'active';
create index delegations_from on delegations (from_id, until_on);

-- Whether somebody may never decide on a request: asked, took part, or owns.
create function took_part(request change_requests, person uuid) returns boolean language sql stable as $$
    select person is not distinct from request.requested_by
        or exists (select from request_participants p where p.request_id = request.id and p.person_id = person)
$$;
create function owns_requested(request change_requests, person uuid) returns boolean language sql stable as $$
    select exists (select from integrations i join team_members m on m.person_id = person and m.team_id in (
                i.business_owner_id, i.technical_owner_id, i.backup_owner_id,
                (request.refs ->> 'business_owner')::uuid, (request.refs ->> 'technical_owner')::uuid,
                (request.refs ->> 'backup_owner')::uuid)
            where i.id = request.integration_id)
$$;

-- What the day is where the organisation is.
create function our_day(at timestamptz) returns date language sql stable as $$
    select (at at time zone (select time_zone from installation))::date
$$;

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
    if not request.same_person_twice and exists (select from request_decisions d where d.request_id = new.request_id
            and d.round = new.round
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

create or replace function check_approval() returns trigger language plpgsql as $$
begin
    if exists (select from request_stages s where s.request_id = new.id and s.round = new.round and s.approvals_needed >
               (select count(*) from request_decisions d
                where d.request_id = new.id and d.round = new.round and d.position = s.position
                  and d.decision in ('approve', 'approve_with_conditions') and d.material_hash = new.material_hash))
       or not exists (select from request_stages s where s.request_id = new.id and s.round = new.round) then
        raise exception 'approvals are missing'
            using errcode = 'check_violation', constraint = 'change_requests_approved_by_decisions';
    end if;
    if new.state = 'applied' and exists (select from request_conditions c join request_decisions d on d.id = c.decision_id
            where c.request_id = new.id and d.round = new.round and c.timing = 'before_live' and c.met_at is null) then
        raise exception 'conditions are not met'
            using errcode = 'check_violation', constraint = 'change_requests_applied_when_met';
    end if;
    return new;
end $$;
