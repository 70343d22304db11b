-- A sub-processor that a vendor takes on is a cause of its own, not another country.
alter table assessment_demands drop constraint assessment_demands_cause_check;
alter table assessment_demands add constraint assessment_demands_cause_check
    check (cause in ('intake', 'new_data_class', 'new_country', 'new_sub_processor', 'incident', 'renewal'));

-- When those who decide a stage were last reminded of it by a letter.
alter table request_stages add column reminded_at timestamptz;
