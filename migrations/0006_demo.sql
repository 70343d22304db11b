-- The people of the demonstration: they sign in by a click where the server was started for it, and
-- count as nobody otherwise.
alter table people add column demo boolean not null default false;
create index people_demo on people (sort_key) where demo;
