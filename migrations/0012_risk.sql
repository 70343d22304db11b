-- Risk scores of integrations by a published model, their history, and overrides that end.
alter table publications drop constraint publications_kind_check;
alter table publications add constraint publications_kind_check
    check (kind in ('policy_rule', 'workflow', 'questionnaire', 'risk_model'));

create table risk_scores (
    integration_id uuid primary key references integrations (id),
    model_id uuid not null references publications (id),
    model_version integer not null,
    inherent integer not null check (inherent between 0 and 100),
    residual integer not null check (residual between 0 and 100),
    band text not null,
    -- What each factor adds and each mitigation takes away.
    parts jsonb not null,
    scored_at timestamptz not null,
    revision bigint not null default 1
);
create index risk_scores_residual on risk_scores (residual desc, integration_id);
create index risk_scores_band on risk_scores (band);

-- One line each time that a score changed.
create table risk_history (
    integration_id uuid not null references integrations (id),
    at timestamptz not null,
    inherent integer not null,
    residual integer not null,
    model_version integer not null
);
create index risk_history_integration on risk_history (integration_id, at);
create trigger risk_history_immutable before update or delete on risk_history
    for each row execute function refuse_rewriting();
create trigger risk_history_kept before truncate on risk_history
    for each statement execute function refuse_rewriting();

create table risk_overrides (
    id uuid primary key,
    integration_id uuid references integrations (id),
    vendor_id uuid references vendors (id),
    residual integer not null check (residual between 0 and 100),
    reason text not null check (length(trim(reason)) > 0),
    ends_on date not null,
    state text not null check (state in ('set', 'lifted')),
    set_by uuid not null references people (id),
    set_at timestamptz not null,
    lifted_by uuid references people (id),
    lifted_at timestamptz,
    revision bigint not null default 1,
    constraint risk_overrides_of_one check (num_nonnulls(integration_id, vendor_id) = 1),
    constraint risk_overrides_lifted check ((state = 'lifted') = (lifted_by is not null and lifted_at is not null))
);
create unique index risk_overrides_integration on risk_overrides (integration_id) where state = 'set';
create unique index risk_overrides_vendor on risk_overrides (vendor_id) where state = 'set';
create function check_override() returns trigger language plpgsql as $$
begin
    if new.residual <> old.residual or new.ends_on <> old.ends_on or new.reason <> old.reason
       or new.set_by <> old.set_by or old.state = 'lifted' then
        raise exception 'an override is set once' using errcode = 'check_violation', constraint = 'risk_overrides_stand';
    end if;
    return new;
end $$;
create trigger risk_overrides_checked before update on risk_overrides for each row execute function check_override();

-- Another model scores everything anew.
drop trigger publications_judged on publications;
create trigger publications_judged after update of version on publications for each row
    when (new.kind in ('policy_rule', 'risk_model') and old.version is distinct from new.version)
    execute function judge_all_later();
