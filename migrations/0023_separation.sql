-- Separation of duties looks back: at everyone who submitted, edited, owned lately, moved the owners, or minted the token
-- that did any of this; and an approver who lost the seat before the request closed no longer counts.

alter table api_tokens add column minted_by uuid references people (id);
update api_tokens set minted_by = person_id where person_id is not null;
update api_tokens t set minted_by = e.actor_id
from audit_events e
where t.minted_by is null and e.action = 'token.minted' and e.subject_kind = 'token' and e.subject_id = t.id
  and e.actor_kind = 'person' and exists (select from people p where p.id = e.actor_id);

-- For how many days somebody who owned an integration does not decide on it.
alter table installation add column ownership_days integer not null default 90 check (ownership_days between 0 and 3650);

-- Who stopped owning an integration, and when.
create table past_owners (
    integration_id uuid not null references integrations (id),
    person_id uuid not null references people (id),
    until timestamptz not null
);
create index past_owners_of on past_owners (integration_id, person_id, until);
create index past_owners_person on past_owners (person_id);

-- Who moved the owners of an integration, and when.
create table owner_moves (
    integration_id uuid not null references integrations (id),
    person_id uuid not null references people (id),
    moved_at timestamptz not null
);
create index owner_moves_of on owner_moves (integration_id, person_id, moved_at);

create function remember_owners() returns trigger language plpgsql as $$
begin
    insert into past_owners (integration_id, person_id, until)
    select distinct new.id, m.person_id, new.updated_at from team_members m
    where m.team_id in (old.business_owner_id, old.technical_owner_id, old.backup_owner_id)
      and not m.team_id = any (array_remove(array[new.business_owner_id, new.technical_owner_id, new.backup_owner_id], null));
    return null;
end $$;
create trigger integrations_past_owners after update of business_owner_id, technical_owner_id, backup_owner_id on integrations
    for each row when (old.state <> 'proposed' and (old.business_owner_id, old.technical_owner_id, old.backup_owner_id)
        is distinct from (new.business_owner_id, new.technical_owner_id, new.backup_owner_id))
    execute function remember_owners();

-- At the end of the transaction, which is when the team has its new revision and its time.
create function remember_member() returns trigger language plpgsql as $$
begin
    insert into past_owners (integration_id, person_id, until)
    select i.id, old.person_id, t.updated_at from integrations i join teams t on t.id = old.team_id
    where old.team_id in (i.business_owner_id, i.technical_owner_id, i.backup_owner_id) and i.state <> 'proposed'
      and not exists (select from team_members m where m.team_id = old.team_id and m.person_id = old.person_id);
    return null;
end $$;
create constraint trigger team_members_past_owners after delete on team_members
    deferrable initially deferred for each row execute function remember_member();

create function owned_lately(integration uuid, person uuid, at timestamptz) returns boolean language sql stable as $$
    select exists (select from past_owners p where p.integration_id = integration and p.person_id = person
            and p.until > at - make_interval(days => (select ownership_days from installation)))
        or exists (select from owner_moves m where m.integration_id = integration and m.person_id = person
            and m.moved_at > at - make_interval(days => (select ownership_days from installation)))
$$;

create or replace function owns_requested(request change_requests, person uuid) returns boolean language sql stable as $$
    select exists (select from integrations i join team_members m on m.person_id = person and m.team_id in (
                i.business_owner_id, i.technical_owner_id, i.backup_owner_id,
                (request.refs ->> 'business_owner')::uuid, (request.refs ->> 'technical_owner')::uuid,
                (request.refs ->> 'backup_owner')::uuid)
            where i.id = request.integration_id)
        or exists (select from request_owners o where o.request_id = request.id and o.person_id = person)
        or owned_lately(request.integration_id, person, coalesce(request.waiting_since, request.updated_at))
$$;

-- Whether a decision still counts on a day: whoever made it, and for whom, is active, a reviewer, and in the group.
create function seat_holds(decision request_decisions, day date) returns boolean language sql stable as $$
    select not exists (
            select from (select decision.decided_by as id union select decision.decided_for) d
            where d.id is not null and not (
                exists (select from people p where p.id = d.id and p.state = 'active')
                and exists (select from roles_on(day) g where g.person_id = d.id and g.role = 'reviewer')
                and not exists (select from roles_on(day) g where g.person_id = d.id and g.role = 'auditor')))
        and exists (select from request_stages s join review_group_members m
            on m.review_group_id in (s.review_group_id, s.escalated_to)
                and m.person_id = coalesce(decision.decided_for, decision.decided_by)
            where s.request_id = decision.request_id and s.round = decision.round and s.position = decision.position)
$$;
-- The same of a role that has not been recorded as ended.
create function seat_stands(decision request_decisions) returns boolean language sql stable as $$
    select seat_holds(decision, '-infinity')
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
                    and d.material_hash = new.material_hash and seat_holds(d, our_day(new.decided_at)))) then
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
    -- Neither who decides nor for whom: a delegation does not walk around the separation of duties.
    if took_part(request, new.decided_by) or (new.decided_for is not null and took_part(request, new.decided_for)) then
        raise exception 'asked or took part'
            using errcode = 'check_violation', constraint = 'request_decisions_not_by_participant';
    end if;
    if owns_requested(request, new.decided_by)
       or (new.decided_for is not null and owns_requested(request, new.decided_for)) then
        raise exception 'owns the integration, or did lately'
            using errcode = 'check_violation', constraint = 'request_decisions_not_by_owner';
    end if;
    if not exists (select from review_group_members m
                   where m.review_group_id in (stage.review_group_id, stage.escalated_to)
                     and m.person_id = coalesce(new.decided_for, new.decided_by)) then
        raise exception 'not in the review group of this stage'
            using errcode = 'check_violation', constraint = 'request_decisions_by_the_group';
    end if;
    if exists (select from (select new.decided_by as id union select new.decided_for) d
            where d.id is not null and not (
                exists (select from people p where p.id = d.id and p.state = 'active')
                and exists (select from roles_on(our_day(new.decided_at)) g where g.person_id = d.id and g.role = 'reviewer')
                and not exists (select from roles_on(our_day(new.decided_at)) g where g.person_id = d.id and g.role = 'auditor'))) then
        raise exception 'not an active reviewer'
            using errcode = 'check_violation', constraint = 'request_decisions_by_the_group';
    end if;
    if new.decided_for is not null and not exists (select from delegations g
            where g.from_id = new.decided_for and g.to_id = new.decided_by and g.state = 'active'
              and our_day(new.decided_at) between g.from_on and g.until_on) then
        raise exception 'no delegation holds'
            using errcode = 'check_violation', constraint = 'request_decisions_by_the_group';
    end if;
    return new;
end $$;

create or replace function check_approval() returns trigger language plpgsql as $$
begin
    if exists (select from request_stages s where s.request_id = new.id and s.round = new.round and s.approvals_needed >
               (select count(*) from request_decisions d
                where d.request_id = new.id and d.round = new.round and d.position = s.position
                  and d.decision in ('approve', 'approve_with_conditions') and d.material_hash = new.material_hash
                  and seat_holds(d, our_day(new.updated_at))))
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

-- What a decision binds does not change under it: the content, the kind and the reason.
create function check_bound_reason() returns trigger language plpgsql as $$
begin
    raise exception 'the reason is bound to the content'
        using errcode = 'check_violation', constraint = 'change_requests_bound_reason';
end $$;
create trigger change_requests_bound_reason before update on change_requests
    for each row when (old.state in ('open', 'approved') and new.state in ('open', 'approved', 'applied')
        and new.reason is distinct from old.reason and new.content_hash is not distinct from old.content_hash)
    execute function check_bound_reason();

-- The person behind a script that asks for an exception does not grant it.
alter table exceptions add column asked_through uuid references people (id);
alter table exceptions add constraint exceptions_by_another_than_the_minter
    check (decided_by is distinct from asked_through or decided_by is null or state = 'revoked');

-- Everyone who answered an assessment, or minted the token that did: they do not review it.
create table assessment_participants (
    assessment_id uuid not null references assessments (id),
    person_id uuid not null references people (id),
    primary key (assessment_id, person_id)
);
insert into assessment_participants (assessment_id, person_id)
select id, submitted_by from assessments where submitted_by is not null;
create function check_reviewer() returns trigger language plpgsql as $$
begin
    if exists (select from assessment_participants p where p.assessment_id = new.id
            and (p.person_id = new.reviewed_by or p.person_id = new.concluded_by)) then
        raise exception 'answered it'
            using errcode = 'check_violation', constraint = 'assessments_by_another';
    end if;
    return new;
end $$;
create trigger assessments_reviewer before update of reviewed_by, concluded_by on assessments
    for each row execute function check_reviewer();
create function check_closer() returns trigger language plpgsql as $$
begin
    if new.closed_by is not null and exists (select from assessment_participants p
            where p.assessment_id = new.assessment_id and p.person_id = new.closed_by) then
        raise exception 'answered it'
            using errcode = 'check_violation', constraint = 'assessments_by_another';
    end if;
    return new;
end $$;
create trigger assessment_findings_closer before insert or update of closed_by on assessment_findings
    for each row execute function check_closer();
