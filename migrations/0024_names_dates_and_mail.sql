-- Whether someone wants e-mails that tell of something; and whether a letter is one.
alter table person_preferences add column notices boolean not null default true;
alter table mails_due add column notice boolean not null default false;

-- What stands inside a name of a script without spaces is found: every two of its characters, and the last one. Written
-- beside the words, as the application writes it from now on.
create function pg_temp.pairs(words text) returns text language plpgsql immutable as $$
declare
    stretch text;
    found text := '';
    n integer;
begin
    for stretch in
        select m[1] from regexp_matches(normalize(words, nfc),
            '([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff]+)',
            'g') m
    loop
        for n in 1 .. length(stretch) - 1 loop
            found := found || ' ' || substr(stretch, n, 2);
        end loop;
        found := found || ' ' || right(stretch, 1);
    end loop;
    return found;
end $$;
do $$
declare
    one record;
begin
    for one in select c.table_name from information_schema.columns c
        join information_schema.tables t using (table_schema, table_name)
        where c.table_schema = 'public' and c.column_name = 'search' and t.table_type = 'BASE TABLE' loop
        execute format('alter table %I disable trigger user', one.table_name);
        execute format('update %I set search = search || pg_temp.pairs(search) where pg_temp.pairs(search) <> %L',
            one.table_name, '');
        execute format('alter table %I enable trigger user', one.table_name);
    end loop;
end $$;

-- Days that were computed beyond what can be read are none; what they were computed from stands, and is refused when it
-- is next edited.
update credentials set next_rotation_on = null where next_rotation_on > date '9999-12-31';
update role_grants set until_on = date '2200-12-31' where until_on > date '2200-12-31';
update request_conditions set due_on = date '2200-12-31' where due_on > date '2200-12-31';
