-- The key of a data class is what flows, imports and history name it by: it never changes.
create function refuse_another_key() returns trigger language plpgsql as $$
begin
    raise exception 'the key of a data class does not change' using errcode = 'check_violation', constraint = 'data_classes_key_stays';
end $$;
create trigger data_classes_key_stays before update of key on data_classes
    for each row when (old.key is distinct from new.key) execute function refuse_another_key();
