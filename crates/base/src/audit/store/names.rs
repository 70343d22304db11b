//! What the subjects of events are called, and who or what a person means by a name in a filter.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::{error::Error, text};

/// Where the name of a subject is found, by its kind.
pub const SUBJECT_NAME: &str = "case e.subject_kind
    when 'vendor' then (select name from vendors where id = e.subject_id)
    when 'api' then (select name from apis where id = e.subject_id)
    when 'api_version' then (select a.name || ' ' || v.label from api_versions v join apis a on a.id = v.api_id where v.id = e.subject_id)
    when 'system' then (select name from systems where id = e.subject_id)
    when 'integration' then (select name from integrations where id = e.subject_id)
    when 'risk_score' then coalesce((select name from integrations where id = e.subject_id), (select name from vendors where id = e.subject_id))
    when 'credential' then (select name from credentials where id = e.subject_id)
    when 'change_request' then (select title from change_requests where id = e.subject_id)
    when 'saved_view' then (select name from saved_views where id = e.subject_id)
    when 'data_class' then (select key from data_classes where id = e.subject_id)
    when 'person' then (select name from people where id = e.subject_id)
    when 'team' then (select name from teams where id = e.subject_id)
    when 'review_group' then (select name from review_groups where id = e.subject_id)
    when 'service_account' then (select name from service_accounts where id = e.subject_id)
    when 'token' then (select name from api_tokens where id = e.subject_id)
    when 'policy_rule' then (select title from publications where id = e.subject_id)
    when 'workflow' then (select title from publications where id = e.subject_id)
    when 'questionnaire' then (select title from publications where id = e.subject_id)
    when 'risk_model' then (select title from publications where id = e.subject_id)
    when 'violation' then (select p.title || ', ' || i.name from violations t join publications p on p.id = t.rule_id
        join integrations i on i.id = t.integration_id where t.id = e.subject_id)
    when 'exception' then (select p.title || ', ' || i.name from exceptions t join publications p on p.id = t.rule_id
        join integrations i on i.id = t.integration_id where t.id = e.subject_id)
    when 'assessment' then (select p.title || ', ' || coalesce(v.name, i.name, '') from assessments t
        join publications p on p.id = t.questionnaire_id left join vendors v on v.id = t.vendor_id
        left join integrations i on i.id = t.integration_id where t.id = e.subject_id)
    when 'assessment_demand' then (select p.title || ', ' || v.name from assessment_demands t
        join publications p on p.id = t.questionnaire_id join vendors v on v.id = t.vendor_id where t.id = e.subject_id)
    when 'assessment_finding' then (select finding from assessment_findings where id = e.subject_id)
    when 'evidence' then (select title from evidence where id = e.subject_id)
    when 'campaign' then (select title from campaigns where id = e.subject_id)
    when 'review_item' then (select i.name || ', ' || c.title from review_items t join integrations i on i.id = t.integration_id
        join campaigns c on c.id = t.campaign_id where t.id = e.subject_id)
    when 'risk_override' then (select coalesce(i.name, v.name) from risk_overrides t
        left join integrations i on i.id = t.integration_id left join vendors v on v.id = t.vendor_id where t.id = e.subject_id)
    when 'delegation' then (select f.name || ' to ' || p.name from delegations t join people f on f.id = t.from_id
        join people p on p.id = t.to_id where t.id = e.subject_id)
    when 'identity' then (select p.name || ' at ' || t.provider from identities t join people p on p.id = t.person_id where t.id = e.subject_id)
    when 'passkey' then (select p.name || ', ' || t.name from passkeys t join people p on p.id = t.person_id where t.id = e.subject_id)
    when 'group_mapping' then (select group_name from group_mappings where id = e.subject_id)
    when 'provider_group' then (select display_name from provider_groups where id = e.subject_id)
    when 'comment' then (select 'by ' || coalesce(p.name, 'a script') from comments t left join people p on p.id = t.author_id where t.id = e.subject_id)
    when 'merge' then (select coalesce(v.name, a.name) || ' into ' || coalesce(w.name, b.name) from merges t
        left join vendors v on v.id = t.source_id left join apis a on a.id = t.source_id
        left join vendors w on w.id = t.target_id left join apis b on b.id = t.target_id where t.id = e.subject_id)
    when 'settings' then (select organisation from installation)
    end";

/// The people and service accounts that someone means: by id, e-mail address, name or slug, whatever the case.
pub async fn actors(conn: &mut PgConnection, word: &str) -> Result<Vec<Uuid>, Error> {
    let found = sqlx::query_scalar!(
        r#"select id as "id!" from people where id = $2 or lower(email) = lower($1) or sort_key = $3
           union select id from service_accounts where id = $2 or slug = lower($1) or sort_key = $3 limit 100"#,
        word.trim(),
        Uuid::parse_str(word.trim()).ok(),
        text::sort_key(word)
    );
    Ok(found.fetch_all(conn).await?)
}

/// The records that someone means: by id, name, title, key or slug, whatever the case.
pub async fn subjects(conn: &mut PgConnection, word: &str) -> Result<Vec<Uuid>, Error> {
    let id = Uuid::parse_str(word.trim()).ok();
    if let Some(id) = id {
        return Ok(vec![id]);
    }
    let found = sqlx::query_scalar!(
        r#"select id as "id!" from vendors where slug = lower($1) or sort_key = $2
           union select id from apis where slug = lower($1) or sort_key = $2
           union select id from systems where slug = lower($1) or sort_key = $2
           union select id from integrations where slug = lower($1) or sort_key = $2
           union select id from credentials where slug = lower($1) or sort_key = $2
           union select id from change_requests where sort_key = $2
           union select id from people where lower(email) = lower($1) or sort_key = $2
           union select id from teams where slug = lower($1) or sort_key = $2
           union select id from review_groups where slug = lower($1) or sort_key = $2
           union select id from service_accounts where slug = lower($1) or sort_key = $2
           union select id from publications where key = lower($1) or sort_key = $2
           union select id from campaigns where sort_key = $2
           union select id from evidence where sort_key = $2
           union select id from data_classes where key = lower($1)
           limit 200"#,
        word.trim(),
        text::sort_key(word)
    );
    Ok(found.fetch_all(conn).await?)
}
