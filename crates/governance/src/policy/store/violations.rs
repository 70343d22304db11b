//! Violations.

use chrono::{DateTime, Utc};
use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use crate::policy::{Finding, Violation};
use base::{error::Error, text};

struct Row {
    id: Uuid,
    integration_id: Uuid,
    state: String,
    finding: Json<Finding>,
    first_seen_at: DateTime<Utc>,
    opened_at: DateTime<Utc>,
    fixed_at: Option<DateTime<Utc>>,
    times: i32,
    revision: i64,
}

impl TryFrom<Row> for Violation {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.id,
            revision: row.revision,
            integration_id: row.integration_id,
            finding: row.finding.0,
            state: row.state.parse()?,
            first_seen_at: row.first_seen_at,
            opened_at: row.opened_at,
            fixed_at: row.fixed_at,
            times: row.times,
        })
    }
}

/// The violations of these integrations, also fixed ones.
pub async fn of_integrations(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Violation>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"select id, integration_id, state, finding as "finding: Json<Finding>", first_seen_at, opened_at, fixed_at, times, revision
           from violations where integration_id = any($1) order by sort_key, id"#,
        ids
    );
    rows.fetch_all(conn).await?.into_iter().map(Violation::try_from).collect()
}

/// Violations by id.
pub async fn get_many(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Violation>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"select id, integration_id, state, finding as "finding: Json<Finding>", first_seen_at, opened_at, fixed_at, times, revision
           from violations where id = any($1)"#,
        ids
    );
    rows.fetch_all(conn).await?.into_iter().map(Violation::try_from).collect()
}

/// The name of a finding in the world: SHA-256 over rule and integration.
pub fn fingerprint(violation: &Violation) -> String {
    let mut hash = Sha256::new();
    hash.update(violation.finding.rule_id.as_bytes());
    hash.update(violation.integration_id.as_bytes());
    HEXLOWER.encode(&hash.finalize())
}

/// Writes violations, in one statement.
pub async fn save_many(conn: &mut PgConnection, all: &[Violation], now: DateTime<Utc>) -> Result<(), Error> {
    if all.is_empty() {
        return Ok(());
    }
    let row = |violation: &Violation| {
        let finding = &violation.finding;
        let search = [&finding.title, &finding.rule, finding.remediation.as_deref().unwrap_or_default()];
        json!({
            "id": violation.id, "rule_id": finding.rule_id, "integration_id": violation.integration_id,
            "fingerprint": fingerprint(violation), "state": violation.state.key(), "mode": finding.mode.key(),
            "severity": finding.severity.key(), "finding": finding, "failed": finding.failure.is_some(),
            "first_seen_at": violation.first_seen_at, "opened_at": violation.opened_at,
            "fixed_at": violation.fixed_at, "times": violation.times, "revision": violation.revision,
            "sort_key": text::sort_key(&finding.title), "search": text::search_text(&search),
        })
    };
    let rows: Value = all.iter().map(row).collect();
    sqlx::query!(
        "insert into violations (id, rule_id, integration_id, fingerprint, state, mode, severity, finding, failed,
             first_seen_at, opened_at, fixed_at, times, revision, updated_at, sort_key, search)
         select v.id, v.rule_id, v.integration_id, v.fingerprint, v.state, v.mode, v.severity, v.finding, v.failed,
             v.first_seen_at, v.opened_at, v.fixed_at, v.times, v.revision, $2, v.sort_key, v.search
         from jsonb_to_recordset($1) as v (id uuid, rule_id uuid, integration_id uuid, fingerprint text, state text,
             mode text, severity text, finding jsonb, failed boolean, first_seen_at timestamptz, opened_at timestamptz,
             fixed_at timestamptz, times integer, revision bigint, sort_key text, search text)
         on conflict (id) do update set state = excluded.state, mode = excluded.mode, severity = excluded.severity,
             finding = excluded.finding, failed = excluded.failed, opened_at = excluded.opened_at,
             fixed_at = excluded.fixed_at, times = excluded.times, revision = excluded.revision,
             updated_at = excluded.updated_at, sort_key = excluded.sort_key, search = excluded.search",
        rows,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The integrations on which a rule's violation is open.
pub async fn open_of_rule(conn: &mut PgConnection, rule: Uuid) -> Result<Vec<Uuid>, Error> {
    let ids = sqlx::query_scalar!("select integration_id from violations where rule_id = $1 and state = 'open'", rule);
    Ok(ids.fetch_all(conn).await?)
}

/// The facts that a decision judged.
pub struct Decided {
    pub request: Uuid,
    pub title: String,
    pub at: DateTime<Utc>,
    pub facts: serde_json::Value,
}

/// The facts of the approvals of the last year, newest first; ten thousand at most.
pub async fn decided_facts(conn: &mut PgConnection) -> Result<Vec<Decided>, Error> {
    let rows = sqlx::query_as!(
        Decided,
        "select f.request_id as request, r.title, f.at, f.facts
         from request_facts f join request_decisions d on d.id = f.decision_id join change_requests r on r.id = f.request_id
         where f.moment = 'decided' and d.decision in ('approve', 'approve_with_conditions')
           and f.at > now() - interval '1 year'
         order by f.at desc limit 10000"
    );
    Ok(rows.fetch_all(conn).await?)
}
