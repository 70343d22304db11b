//! Owners, credentials, assessments, exceptions and conditions, as facts.

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use super::Of;
use crate::policy::{AssessmentFacts, ConditionFacts, CredentialFacts, ExceptionFacts, OwnerFacts};
use base::error::Error;

pub async fn owners(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Of<OwnerFacts>, Error> {
    let rows = sqlx::query!(
        r#"select t.id, t.slug, t.state = 'active' as "active!",
                  (select count(*) from team_members m join people p on p.id = m.person_id
                   where m.team_id = t.id and p.state = 'active') as "members!"
           from teams t where t.id = any($1)"#,
        ids
    );
    let rows = rows.fetch_all(conn).await?.into_iter();
    Ok(rows.map(|row| (row.id, OwnerFacts { slug: row.slug, active: row.active, members: row.members })).collect())
}

pub async fn credentials(
    conn: &mut PgConnection,
    integrations: &[Uuid],
    today: NaiveDate,
) -> Result<Of<Vec<CredentialFacts>>, Error> {
    let rows = sqlx::query!(
        r#"select u.integration_id, c.name, c.kind, c.environment, c.state,
                  ($2::date - coalesce(c.rotated_on, c.created_on))::bigint as age_days,
                  (c.next_rotation_on - $2::date)::bigint as rotation_in_days,
                  (c.expires_on - $2::date)::bigint as expires_in_days,
                  (select count(*) from credential_uses y where y.credential_id = c.id) as "uses!",
                  c.holder_id is not null as "has_holder!", c.vault_reference is not null as "has_vault_reference!",
                  exists (select from credentials z where z.fingerprint = c.fingerprint and z.id <> c.id
                      and z.environment <> c.environment and z.state <> 'revoked') as "same_elsewhere!"
           from credential_uses u join credentials c on c.id = u.credential_id
           where u.integration_id = any($1) and c.state <> 'revoked' order by c.sort_key, c.id"#,
        integrations,
        today
    );
    let mut all: Of<Vec<CredentialFacts>> = Of::new();
    for row in rows.fetch_all(conn).await? {
        all.entry(row.integration_id).or_default().push(CredentialFacts {
            name: row.name,
            kind: row.kind,
            environment: row.environment,
            state: row.state,
            age_days: row.age_days,
            rotation_in_days: row.rotation_in_days,
            expires_in_days: row.expires_in_days,
            uses: row.uses,
            has_holder: row.has_holder,
            has_vault_reference: row.has_vault_reference,
            same_elsewhere: row.same_elsewhere,
        });
    }
    Ok(all)
}

pub async fn assessments(
    conn: &mut PgConnection,
    vendors: &[Uuid],
    today: NaiveDate,
) -> Result<Of<Vec<(Option<Uuid>, AssessmentFacts)>>, Error> {
    let rows = sqlx::query!(
        r#"select m.vendor_id, m.integration_id, q.key, m.verdict as "verdict!",
                  ($2::date - our_day(m.concluded_at))::bigint as "age_days!",
                  (m.valid_until - $2::date)::bigint as valid_for_days, m.state = 'stale' as "stale!",
                  m.score::bigint as score, (select count(*) from assessment_findings f
                      where f.assessment_id = m.id and f.state = 'open') as "open_findings!"
           from assessments m join publications q on q.id = m.questionnaire_id
           where m.vendor_id = any($1) and m.state in ('concluded', 'stale') order by m.concluded_at desc, m.id"#,
        vendors,
        today
    );
    let mut all: Of<Vec<(Option<Uuid>, AssessmentFacts)>> = Of::new();
    for row in rows.fetch_all(conn).await? {
        let facts = AssessmentFacts {
            questionnaire: row.key,
            conclusion: row.verdict,
            age_days: row.age_days,
            valid_for_days: row.valid_for_days,
            stale: row.stale,
            score: row.score,
            open_findings: row.open_findings,
        };
        all.entry(row.vendor_id).or_default().push((row.integration_id, facts));
    }
    Ok(all)
}

pub async fn exceptions(
    conn: &mut PgConnection,
    integrations: &[Uuid],
    today: NaiveDate,
) -> Result<Of<Vec<ExceptionFacts>>, Error> {
    let rows = sqlx::query!(
        r#"select e.integration_id, r.key, (e.ends_on - $2::date)::bigint as "ends_in_days!"
           from exceptions e join publications r on r.id = e.rule_id
           where e.integration_id = any($1) and e.state = 'granted' and e.ends_on >= $2 order by r.key, e.ends_on"#,
        integrations,
        today
    );
    let mut all: Of<Vec<ExceptionFacts>> = Of::new();
    for row in rows.fetch_all(conn).await? {
        let facts = ExceptionFacts { rule: row.key, ends_in_days: row.ends_in_days };
        all.entry(row.integration_id).or_default().push(facts);
    }
    Ok(all)
}

pub async fn conditions(
    conn: &mut PgConnection,
    integrations: &[Uuid],
    today: NaiveDate,
) -> Result<Of<Vec<ConditionFacts>>, Error> {
    let rows = sqlx::query!(
        r#"select f.integration_id as "integration_id!", f.text as "text!", f.timing as "timing!", o.slug,
                  (f.due_on - $2::date)::bigint as "due_in_days!"
           from conditions_in_force f join teams o on o.id = f.owner_id
           where f.integration_id = any($1) and f.met_at is null order by f.due_on, f.id"#,
        integrations,
        today
    );
    let mut all: Of<Vec<ConditionFacts>> = Of::new();
    for row in rows.fetch_all(conn).await? {
        let facts =
            ConditionFacts { text: row.text, timing: row.timing, owner: row.slug, due_in_days: row.due_in_days };
        all.entry(row.integration_id).or_default().push(facts);
    }
    Ok(all)
}
