-- Roles that end, and how somebody reads.

-- The last day on which what Muster granted holds; what a provider's groups give stays as long as they give it.
alter table role_grants
    add column until_on date,
    add column reminded_at timestamptz,
    add constraint role_grants_end_what_muster_granted check (until_on is null or 'muster' = any (sources));
create index role_grants_until_on on role_grants (until_on) where until_on is not null;

-- Who has which role on a day. What has ended gives nothing from the next day on, whether or not that is recorded yet.
create function roles_on(day date) returns table (person_id uuid, role text) language sql stable as $$
    select g.person_id, g.role from role_grants g
    where g.until_on is null or g.until_on >= day or g.sources <> '{muster}'
$$;

create or replace function may_decide(request change_requests, person uuid, day date) returns boolean language sql stable as $$
    select request.state = 'open'
        and exists (select from people p join roles_on(day) g on g.person_id = p.id and g.role = 'reviewer'
            where p.id = person and p.state = 'active')
        and not exists (select from roles_on(day) g where g.person_id = person and g.role = 'auditor')
        and not took_part(request, person) and not owns_requested(request, person)
        and exists (
            select from (
                select s.* from request_stages s where s.request_id = request.id and s.round = request.round
                    and s.opened_at is not null order by s.position desc limit 1) s
            join (
                select person as name
                union all
                select d.from_id from delegations d join people f on f.id = d.from_id and f.state = 'active'
                join roles_on(day) h on h.person_id = d.from_id and h.role = 'reviewer'
                where d.to_id = person and d.state = 'active' and day between d.from_on and d.until_on
                    and not took_part(request, d.from_id) and not owns_requested(request, d.from_id)) n on true
            join review_group_members m on m.person_id = n.name and m.review_group_id in (s.review_group_id, s.escalated_to)
            where not exists (select from request_decisions d where d.request_id = request.id and d.round = request.round
                and (not request.same_person_twice or d.position = s.position)
                and (d.decided_by in (person, n.name) or d.decided_for in (person, n.name))))
$$;

-- How somebody wants pages to look and to write moments. Personal: nothing of the register.
create table person_preferences (
    person_id uuid primary key references people (id),
    time_zone text check (length(time_zone) between 1 and 60),
    language text not null default 'en-GB' check (language in ('en-GB', 'en-US', 'en-SE')),
    theme text not null default 'system' check (theme in ('system', 'light', 'dark')),
    updated_at timestamptz not null
);

-- What an admin untied is tied again by an admin alone.
alter table identities add column barred boolean not null default false;
