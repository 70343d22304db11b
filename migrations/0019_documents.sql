-- What vendors' documents say beyond paths: webhooks, other spellings of a vendor, and what a document means whatever
-- its notation.
alter table vendors add column aliases text[] not null default '{}';
alter table vendors add column alias_keys text[] not null default '{}';
create index vendors_aliases on vendors using gin (alias_keys);
create index vendors_legal_name_lower on vendors (lower(legal_name));
create index vendors_provider_name_lower on vendors (lower(provider_name));

alter table api_operations add column direction text not null default 'to_vendor'
    check (direction in ('to_vendor', 'to_us'));
alter table api_operations drop constraint api_operations_path_key;
alter table api_operations add constraint api_operations_once unique (version_id, direction, path, method);

alter table documents add column meaning bytea;
