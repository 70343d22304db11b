-- Nothing retires while an integration that still runs uses it: the features that own the record do
-- not know integrations, so the database says it, with the names.
create function refuse_retiring_used() returns trigger language plpgsql as $$
declare
    names text;
begin
    select string_agg(i.name, ', ' order by i.sort_key) into names
    from (select k.name, k.sort_key from integrations k
          where k.state <> 'retired' and case tg_table_name
              when 'systems' then k.system_id = new.id
              when 'apis' then k.api_id = new.id
              when 'teams' then new.id in (k.business_owner_id, k.technical_owner_id, k.backup_owner_id)
              when 'data_classes' then exists (select from data_flows f where f.integration_id = k.id and f.data_class_id = new.id)
              else false end
          order by k.sort_key limit 5) i;
    if names is null and tg_table_name = 'teams' then
        select string_agg(s.name, ', ' order by s.sort_key) into names
        from (select y.name, y.sort_key from systems y where y.team_id = new.id and y.state = 'active'
              order by y.sort_key limit 5) s;
    end if;
    if names is not null then
        raise exception 'Still in use by %. Retire or change these first.', names
            using errcode = 'check_violation', constraint = 'still_in_use';
    end if;
    return new;
end $$;
create trigger systems_in_use before update of state on systems
    for each row when (new.state = 'retired' and old.state <> 'retired') execute function refuse_retiring_used();
create trigger apis_in_use before update of state on apis
    for each row when (new.state = 'retired' and old.state <> 'retired') execute function refuse_retiring_used();
create trigger teams_in_use before update of state on teams
    for each row when (new.state = 'retired' and old.state <> 'retired') execute function refuse_retiring_used();
create trigger data_classes_in_use before update of state on data_classes
    for each row when (new.state = 'retired' and old.state <> 'retired') execute function refuse_retiring_used();
