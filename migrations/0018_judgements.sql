-- What the last judgement of an integration came to, as one hash: where the next one comes to the same, nothing
-- has to be compared, and nothing is written. It is written by whoever brings violations and scores to what was
-- found, under the lock on the integration; without it everything is compared.
create table judgements (
    integration_id uuid primary key references integrations (id),
    digest bytea not null
);
