-- Since when what happened holds: rises with the position, so that an answer about a past moment never changes.
alter table audit_positions add column valid_from timestamptz;
alter table audit_positions disable trigger audit_positions_immutable;
update audit_positions p set valid_from = k.valid_from
from (select q.event_id, max(e.at) over (order by q.position) as valid_from
      from audit_positions q join audit_events e on e.id = q.event_id) k
where k.event_id = p.event_id;
alter table audit_positions enable trigger audit_positions_immutable;
alter table audit_positions alter column valid_from set not null;
