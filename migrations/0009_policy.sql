-- Violations, exceptions, the queue of integrations to be judged anew, and the facts that submissions
-- and decisions judged.
alter table installation add column exception_days jsonb not null
    default '{"critical": 30, "high": 90, "medium": 180, "low": 365}';
alter table installation add column judged_on date;

create table violations (
    id uuid primary key,
    rule_id uuid not null references publications (id),
    integration_id uuid not null references integrations (id),
    -- SHA-256 over the rule's and the integration's id: the same finding has the same name everywhere.
    fingerprint text not null check (length(fingerprint) = 64),
    state text not null check (state in ('open', 'fixed')),
    mode text not null check (mode in ('shadow', 'warn', 'block')),
    severity text not null check (severity in ('low', 'medium', 'high', 'critical')),
    finding jsonb not null,
    failed boolean not null,
    first_seen_at timestamptz not null,
    opened_at timestamptz not null,
    fixed_at timestamptz,
    times integer not null check (times > 0),
    revision bigint not null default 1,
    updated_at timestamptz not null,
    sort_key text collate "C" not null,
    search text not null,
    search_vector tsvector generated always as (to_tsvector('simple', search)) stored,
    constraint violations_one_each unique (rule_id, integration_id),
    constraint violations_fingerprint_key unique (fingerprint),
    constraint violations_fixed_when check ((state = 'fixed') = (fixed_at is not null))
);
create index violations_integration on violations (integration_id);
create index violations_sort_key on violations (sort_key, id);
create index violations_updated_at on violations (updated_at, id);
create index violations_opened_at on violations (opened_at, id);
create index violations_search on violations using gin (search_vector);
create index violations_sort_key_trigram on violations using gin (sort_key gin_trgm_ops);

create table exceptions (
    id uuid primary key,
    rule_id uuid not null references publications (id),
    integration_id uuid not null references integrations (id),
    reason text not null check (length(trim(reason)) > 0),
    compensating_control text not null check (length(trim(compensating_control)) > 0),
    ends_on date not null,
    extends uuid references exceptions (id),
    state text not null check (state in ('requested', 'granted', 'denied', 'revoked')),
    requested_by uuid references people (id),
    requested_at timestamptz not null,
    decided_by uuid references people (id),
    decided_at timestamptz,
    decision_reason text,
    decided_via text,
    ended_at timestamptz,
    revision bigint not null default 1,
    updated_at timestamptz not null,
    sort_key text collate "C" not null,
    search text not null,
    search_vector tsvector generated always as (to_tsvector('simple', search)) stored,
    constraint exceptions_by_another check (decided_by is distinct from requested_by or decided_by is null
        or state = 'revoked'),
    constraint exceptions_by_no_token check (decided_via is null or decided_via = 'page'),
    constraint exceptions_decided_whole check ((state = 'requested') =
        (decided_by is null and decided_at is null and decision_reason is null))
);
create unique index exceptions_one_request on exceptions (rule_id, integration_id) where state = 'requested';
create index exceptions_holding on exceptions (integration_id, rule_id, ends_on) where state = 'granted';
create index exceptions_ending on exceptions (ends_on) where state = 'granted' and ended_at is null;
create index exceptions_sort_key on exceptions (sort_key, id);
create index exceptions_updated_at on exceptions (updated_at, id);
create index exceptions_ends_on on exceptions (ends_on, id);
create index exceptions_search on exceptions using gin (search_vector);
create index exceptions_sort_key_trigram on exceptions using gin (sort_key gin_trgm_ops);

-- An exception is granted once, and what was granted does not change.
create function check_exception() returns trigger language plpgsql as $$
begin
    if new.rule_id <> old.rule_id or new.integration_id <> old.integration_id or new.ends_on <> old.ends_on
       or new.reason <> old.reason or new.compensating_control <> old.compensating_control
       or new.requested_by is distinct from old.requested_by
       or not (new.state = old.state
               or (old.state = 'requested' and new.state in ('granted', 'denied'))
               or (old.state = 'granted' and new.state = 'revoked')) then
        raise exception 'what was asked for and decided does not change'
            using errcode = 'check_violation', constraint = 'exceptions_stand';
    end if;
    return new;
end $$;
create trigger exceptions_checked before update on exceptions for each row execute function check_exception();

create table request_facts (
    request_id uuid not null references change_requests (id),
    round integer not null,
    moment text not null check (moment in ('submitted', 'edited', 'decided', 'applied')),
    decision_id uuid references request_decisions (id),
    at timestamptz not null,
    facts jsonb not null,
    findings jsonb not null
);
create index request_facts_request on request_facts (request_id, at);
create index request_facts_at on request_facts (at) where moment = 'decided';
create trigger request_facts_immutable before update or delete on request_facts
    for each row execute function refuse_rewriting();
create trigger request_facts_kept before truncate on request_facts
    for each statement execute function refuse_rewriting();

-- Integrations to be judged anew. Appended to, so that nobody waits for anybody; the worker takes each once.
create table judgements_due (
    id bigint generated always as identity primary key,
    integration_id uuid not null
);

-- One statement for each table, so that each has an index to go by.
create function judge_later() returns trigger language plpgsql as $$
begin
    if tg_table_name = 'integrations' then
        insert into judgements_due (integration_id) values (new.id);
    elsif tg_table_name = 'vendors' then
        insert into judgements_due (integration_id) select i.id from integrations i
        where i.api_id in (select a.id from apis a where a.vendor_id = new.id);
    elsif tg_table_name = 'apis' then
        insert into judgements_due (integration_id) select i.id from integrations i
        where i.api_id = new.id;
    elsif tg_table_name = 'api_versions' then
        insert into judgements_due (integration_id) select i.id from integrations i
        where i.api_id = new.api_id and i.version_id = new.id;
    elsif tg_table_name = 'systems' then
        insert into judgements_due (integration_id) select i.id from integrations i
        where i.system_id = new.id;
    elsif tg_table_name = 'teams' then
        insert into judgements_due (integration_id) select i.id from integrations i
        where i.business_owner_id = new.id or i.technical_owner_id = new.id or i.backup_owner_id = new.id;
    elsif tg_table_name = 'credentials' then
        insert into judgements_due (integration_id) select i.id from integrations i
        where i.id in (select u.integration_id from credential_uses u where u.credential_id = new.id);
    elsif tg_table_name = 'data_classes' then
        insert into judgements_due (integration_id) select i.id from integrations i
        where i.id in (select f.integration_id from data_flows f where f.data_class_id = new.id);
    elsif tg_table_name = 'people' then
        insert into judgements_due (integration_id) select i.id from integrations i
        join team_members m on m.team_id in (i.business_owner_id, i.technical_owner_id, i.backup_owner_id)
        where m.person_id = new.id;
    end if;
    return null;
end $$;
create trigger integrations_judged after insert or update on integrations for each row execute function judge_later();
create trigger vendors_judged after update on vendors for each row execute function judge_later();
create trigger apis_judged after update on apis for each row execute function judge_later();
create trigger api_versions_judged after update on api_versions for each row execute function judge_later();
create trigger systems_judged after update on systems for each row execute function judge_later();
create trigger teams_judged after update on teams for each row execute function judge_later();
create trigger credentials_judged after update on credentials for each row execute function judge_later();
create trigger data_classes_judged after update on data_classes for each row execute function judge_later();
create trigger people_judged after update of state on people for each row
    when (old.state is distinct from new.state) execute function judge_later();

create function judge_part_later() returns trigger language plpgsql as $$
declare
    part record := case when tg_op = 'DELETE' then old else new end;
begin
    if tg_table_name = 'team_members' then
        insert into judgements_due (integration_id) select i.id from integrations i
        where i.business_owner_id = part.team_id or i.technical_owner_id = part.team_id or i.backup_owner_id = part.team_id;
    else
        insert into judgements_due (integration_id) values (part.integration_id);
    end if;
    return null;
end $$;
create trigger team_members_judged after insert or delete on team_members
    for each row execute function judge_part_later();
create trigger credential_uses_judged after insert or delete on credential_uses
    for each row execute function judge_part_later();
create trigger exceptions_judged after insert or update of state on exceptions
    for each row execute function judge_part_later();

-- A rule that is published anew is judged on everything.
create function judge_all_later() returns trigger language plpgsql as $$
begin
    insert into judgements_due (integration_id) select id from integrations;
    return null;
end $$;
create trigger publications_judged after update of version on publications for each row
    when (new.kind = 'policy_rule' and old.version is distinct from new.version) execute function judge_all_later();
