-- What features publish for others to read.
create view organisation_time_zone as select time_zone from installation;
