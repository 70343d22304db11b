-- A register of :n integrations with flows, scopes, credentials and audit events.
begin;
insert into teams (id, slug, name, created_at, updated_at, sort_key, search)
select gen_random_uuid(), 'team-' || g, 'Team ' || g, now(), now(), 'team ' || g, 'team ' || g from generate_series(1, 40) g;
insert into vendors (id, slug, name, tier, created_at, updated_at, sort_key, search)
select gen_random_uuid(), 'vendor-' || g, 'Vendor ' || g, 1 + g % 4, now(), now(), 'vendor ' || g, 'vendor ' || g
from generate_series(1, 300) g;
insert into apis (id, vendor_id, slug, name, protocol, lifecycle, created_at, updated_at, sort_key, search)
select gen_random_uuid(), (select id from vendors where slug = 'vendor-' || (1 + g % 300)), 'api-' || g, 'API ' || g, 'rest', 'live',
       now(), now(), 'api ' || g, 'api ' || g from generate_series(1, 600) g;
insert into api_versions (id, api_id, slug, label, lifecycle, created_at, updated_at, sort_key)
select gen_random_uuid(), a.id, 'v1', 'v1', 'live', now(), now(), a.sort_key from apis a;
insert into systems (id, slug, name, kind, team_id, created_at, updated_at, sort_key, search)
select gen_random_uuid(), 'system-' || g, 'System ' || g, 'own', (select id from teams where slug = 'team-' || (1 + g % 40)),
       now(), now(), 'system ' || g, 'system ' || g from generate_series(1, 400) g;
create temp table picked as
select g, gen_random_uuid() as id, 1 + (g * 7) % 400 as system, 1 + (g * 13) % 600 as api, 1 + g % 40 as team
from generate_series(1, :n) g;
create temp table systems_by as select id, name, split_part(slug, '-', 2)::int as n from systems;
create temp table apis_by as select a.id, a.name, v.name as vendor, split_part(a.slug, '-', 2)::int as n from apis a join vendors v on v.id = a.vendor_id;
create temp table teams_by as select id, name, split_part(slug, '-', 2)::int as n from teams;
insert into integrations (id, slug, name, state, system_id, api_id, purpose, business_owner_id, technical_owner_id, backup_owner_id,
    criticality, exposure, initiated_by, rate_limit, rate_limit_per, tags, direction, sensitivity, revision, created_at, updated_at,
    sort_key, search)
select p.id, 'integration-' || p.g, 'Integration ' || p.g, (array['active', 'active', 'active', 'deprecated', 'retired'])[1 + p.g % 5],
    s.id, a.id, 'Sends orders and reads their state.', t.id, t.id, t.id, (array['low', 'medium', 'high', 'critical'])[1 + p.g % 4],
    'internal', 'us', 50, 'second', array['tag' || p.g % 20], 'outbound',
    (array['public', 'internal', 'confidential', 'restricted'])[1 + p.g % 4], 1, now() - p.g * interval '1 second',
    now() - p.g * interval '1 second', 'integration ' || lpad(p.g::text, 7, '0'),
    'integration ' || p.g || ' ' || lower(s.name || ' ' || a.name || ' ' || a.vendor) || ' sends orders and reads their state'
from picked p join systems_by s on s.n = p.system join apis_by a on a.n = p.api join teams_by t on t.n = p.team;
insert into integration_environments select p.id, 'production', array['https://api.example.com/v1'], date '2026-01-01' from picked p;
insert into data_flows (id, integration_id, data_class_id, direction, legal_basis, locations, outside_eea, updated_at, sort_key, search)
select gen_random_uuid(), p.id, (select id from data_classes where key = k.key), 'sent', 'contract', array['IE', 'US'], true, now(),
    'integration ' || lpad(p.g::text, 7, '0') || ' ' || k.key, 'integration ' || p.g || ' ' || replace(k.key, '.', ' ')
from picked p cross join (values ('user.contact.email'), ('user.name')) k(key);
insert into scope_grants (id, integration_id, scope, requested, approved_at, granted_on, updated_at, sort_key, search)
select gen_random_uuid(), p.id, k.key, true, now(), current_date, now(), k.key || ' ' || lpad(p.g::text, 7, '0'), k.key || ' integration ' || p.g
from picked p cross join (values ('orders.read'), ('orders.write')) k(key);
create temp table keys as select p.*, gen_random_uuid() as key from picked p;
insert into credentials (id, slug, name, kind, environment, vault_reference, holder_id, created_on, maximum_age, next_rotation_on, state,
    created_at, updated_at, sort_key, search)
select k.key, 'key-' || k.g, 'Key ' || k.g, 'api_key', 'production', 'vault:kv/' || k.g, t.id, current_date - k.g % 300, 'P1Y',
    current_date - k.g % 300 + 365, 'active', now(), now(), 'key ' || lpad(k.g::text, 7, '0'), 'key ' || k.g
from keys k join teams_by t on t.n = k.team;
insert into credential_uses select key, id from keys;
create temp table told as select p.*, gen_random_uuid() as event from picked p;
insert into audit_events (id, at, actor_kind, actor_name, via, request_id, action, subject_kind, subject_id, subject_revision)
select event, now() - g * interval '1 second', 'system', 'system:cli', 'cli', 'bench', 'integration.registered', 'integration', id, 1 from told;
insert into record_versions (kind, id, revision, valid_from, schema, body, event_id)
select 'integration', id, 1, now() - g * interval '1 second', 1, jsonb_build_object('name', 'Integration ' || g), event from told;
insert into audit_positions (position, event_id, valid_from)
select row_number() over (order by g desc), event, now() - g * interval '1 second' from told;
-- Nothing waits to be judged: the bench measures requests, not the day that begins.
delete from judgements_due;
update installation set judged_on = current_date;
commit;
vacuum analyze;
