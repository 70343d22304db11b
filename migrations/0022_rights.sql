-- From which networks an account was signed in to, by a hash of both: wrong attempts of strangers do not keep its person
-- out there.
create table known_networks (
    key bytea primary key,
    last_at timestamptz not null
);
create index known_networks_last_at on known_networks (last_at);
alter table sign_in_failures drop constraint sign_in_failures_kind_check;
alter table sign_in_failures add constraint sign_in_failures_kind_check
    check (kind in ('account', 'address', 'everywhere'));

-- Where an event came from is written once; retention erases it as the owner. An event leaves the queue of the sequencer
-- with its position alone, and is not changed there.
create function refuse_changed_origin() returns trigger language plpgsql as $$
begin
    raise exception 'where an event came from is never changed' using errcode = 'insufficient_privilege';
end $$;
create trigger audit_origins_immutable before update on audit_origins
    for each row execute function refuse_changed_origin();
create trigger audit_pending_immutable before update on audit_pending
    for each row execute function refuse_rewriting();
create function check_placed() returns trigger language plpgsql as $$
begin
    if not exists (select from audit_positions p where p.event_id = old.event_id) then
        raise exception 'an event leaves the queue with its position' using errcode = 'insufficient_privilege';
    end if;
    return null;
end $$;
create constraint trigger audit_pending_placed after delete on audit_pending
    deferrable initially deferred for each row execute function check_placed();

-- Who asked for what, and when, stands.
create function check_request_origin() returns trigger language plpgsql as $$
begin
    if (new.requested_by, new.requested_by_account, new.integration_id, new.kind, new.created_at)
        is distinct from (old.requested_by, old.requested_by_account, old.integration_id, old.kind, old.created_at) then
        raise exception 'who asked for a change, and for what, stands' using errcode = 'insufficient_privilege';
    end if;
    return new;
end $$;
create trigger change_requests_origin before update on change_requests
    for each row execute function check_request_origin();
