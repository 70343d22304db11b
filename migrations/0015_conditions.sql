-- Conditions of approvals stand in a list of their own, are followed when they are late, and rules see them.
alter table request_conditions
    add column reminded_at timestamptz,
    add column updated_at timestamptz,
    add column sort_key text collate "C",
    add column search text;
-- Rows from before: one look at a small table.
update request_conditions c set
    updated_at = coalesce(c.met_at, (select d.decided_at from request_decisions d where d.id = c.decision_id)),
    sort_key = left(lower(c.text), 200), search = lower(c.text);
alter table request_conditions
    alter column updated_at set not null,
    alter column sort_key set not null,
    alter column search set not null,
    add column search_vector tsvector generated always as (to_tsvector('simple', search)) stored;
create index request_conditions_due on request_conditions (due_on, id);
create index request_conditions_sort_key on request_conditions (sort_key, id);
create index request_conditions_updated_at on request_conditions (updated_at, id);
create index request_conditions_search on request_conditions using gin (search_vector);
create index request_conditions_sort_key_trigram on request_conditions using gin (sort_key gin_trgm_ops);

-- Conditions that bind: of the last round of what was approved.
create view conditions_in_force as
    select c.*, r.integration_id
    from request_conditions c
    join request_decisions d on d.id = c.decision_id
    join change_requests r on r.id = c.request_id and r.round = d.round
    where r.state in ('open', 'approved', 'applied');

-- What has to be done for an approval is a fact of the integration.
create function judge_condition_later() returns trigger language plpgsql as $$
begin
    insert into judgements_due (integration_id) select r.integration_id from change_requests r where r.id = new.request_id;
    return null;
end $$;
create trigger request_conditions_judged after insert or update of met_at on request_conditions
    for each row execute function judge_condition_later();

-- What is said of a credential is a fact of whoever shares it or has its fingerprint.
create function judge_neighbours_later() returns trigger language plpgsql as $$
begin
    if tg_table_name = 'credential_uses' then
        insert into judgements_due (integration_id)
        select u.integration_id from credential_uses u
        where u.credential_id = case when tg_op = 'DELETE' then old.credential_id else new.credential_id end;
    else
        insert into judgements_due (integration_id)
        select distinct u.integration_id from credentials c join credential_uses u on u.credential_id = c.id
        where c.id <> new.id and (c.fingerprint = new.fingerprint
            or (tg_op = 'UPDATE' and c.fingerprint = old.fingerprint));
    end if;
    return null;
end $$;
create trigger credential_uses_neighbours_judged after insert or delete on credential_uses
    for each row execute function judge_neighbours_later();
create trigger credentials_neighbours_judged after insert or update of fingerprint, environment, state on credentials
    for each row execute function judge_neighbours_later();

-- Whether somebody may decide the open stage of a request on a day: in its group or in the one that it went up
-- to, or for somebody of these who is away; an active reviewer who neither asked, nor edited, nor owns, nor
-- decided before where the workflow forbids it. The same rule that a decision is checked by.
create function may_decide(request change_requests, person uuid, day date) returns boolean language sql stable as $$
    select request.state = 'open'
        and exists (select from people p join role_grants g on g.person_id = p.id and g.role = 'reviewer'
            where p.id = person and p.state = 'active')
        and not exists (select from role_grants g where g.person_id = person and g.role = 'auditor')
        and not took_part(request, person) and not owns_requested(request, person)
        and exists (
            select from (
                select s.* from request_stages s where s.request_id = request.id and s.round = request.round
                    and s.opened_at is not null order by s.position desc limit 1) s
            join (
                select person as name
                union all
                select d.from_id from delegations d join people f on f.id = d.from_id and f.state = 'active'
                where d.to_id = person and d.state = 'active' and day between d.from_on and d.until_on
                    and not took_part(request, d.from_id) and not owns_requested(request, d.from_id)) n on true
            join review_group_members m on m.person_id = n.name and m.review_group_id in (s.review_group_id, s.escalated_to)
            where not exists (select from request_decisions d where d.request_id = request.id and d.round = request.round
                and (not request.same_person_twice or d.position = s.position)
                and (d.decided_by in (person, n.name) or d.decided_for in (person, n.name))))
$$;

-- When those who decide a stage are reminded of it: once three quarters of its working hours have passed.
alter table request_stages add column remind_at timestamptz;
update request_stages set remind_at = due_at - (due_at - coalesce(escalated_at, opened_at)) / 4
where due_at is not null and opened_at is not null;

-- When reviewers were last reminded of a campaign that is about to end.
alter table campaigns add column reminded_at timestamptz;
