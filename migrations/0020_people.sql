-- The parts of a name as a provider says them (RFC 7643, 4.1.1).
alter table people add column given_name text;
alter table people add column family_name text;
