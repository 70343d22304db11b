//! Assessments.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use crate::assessments::{Answers, Assessment, Basis, Conclusion};
use base::{error::Error, text};

struct Row {
    id: Uuid,
    questionnaire_id: Uuid,
    questionnaire: String,
    title: String,
    version: i32,
    vendor_id: Uuid,
    vendor: String,
    integration_id: Option<Uuid>,
    integration: Option<String>,
    recipient: Option<String>,
    team_id: Option<Uuid>,
    team: Option<String>,
    state: String,
    due_on: NaiveDate,
    link_until: Option<DateTime<Utc>>,
    answers: Json<Answers>,
    score: Option<i32>,
    verdict: Option<String>,
    verdict_reason: Option<String>,
    valid_until: Option<NaiveDate>,
    concluded_by: Option<Uuid>,
    concluded_at: Option<DateTime<Utc>>,
    basis: Option<Json<Basis>>,
    stale_because: Option<String>,
    carried_from: Option<Uuid>,
    demand_id: Option<Uuid>,
    created_by: Option<Uuid>,
    created_at: DateTime<Utc>,
    sent_at: Option<DateTime<Utc>>,
    reminded_at: Option<DateTime<Utc>>,
    submitted_by: Option<Uuid>,
    participants: Vec<Uuid>,
    submitted_at: Option<DateTime<Utc>>,
    reviewed_by: Option<Uuid>,
    reviewed_at: Option<DateTime<Utc>>,
    revision: i64,
    updated_at: DateTime<Utc>,
}

impl TryFrom<Row> for Assessment {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self, Error> {
        let conclusion = match (row.verdict, row.verdict_reason, row.valid_until, row.concluded_by, row.concluded_at) {
            (Some(verdict), Some(reason), Some(valid_until), Some(by), Some(at)) => {
                Some(Conclusion { verdict: verdict.parse()?, reason, valid_until, by, at })
            }
            (None, None, None, None, None) => None,
            _ => return Err(Error::internal("half a conclusion")),
        };
        Ok(Self {
            id: row.id,
            revision: row.revision,
            questionnaire_id: row.questionnaire_id,
            questionnaire: row.questionnaire,
            title: row.title,
            version: row.version,
            vendor_id: row.vendor_id,
            vendor: row.vendor,
            integration_id: row.integration_id,
            integration: row.integration,
            recipient: row.recipient,
            team_id: row.team_id,
            team: row.team,
            state: row.state.parse()?,
            due_on: row.due_on,
            link_until: row.link_until,
            answers: row.answers.0,
            score: row.score,
            conclusion,
            basis: row.basis.map(|basis| basis.0),
            stale_because: row.stale_because,
            carried_from: row.carried_from,
            demand_id: row.demand_id,
            created_by: row.created_by,
            created_at: row.created_at,
            sent_at: row.sent_at,
            reminded_at: row.reminded_at,
            submitted_by: row.submitted_by,
            participants: row.participants,
            submitted_at: row.submitted_at,
            reviewed_by: row.reviewed_by,
            reviewed_at: row.reviewed_at,
            updated_at: row.updated_at,
        })
    }
}

/// Assessments by id, in no particular order.
pub async fn get_many(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Assessment>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"select s.id, s.questionnaire_id, q.key as questionnaire, c.content ->> 'title' as "title!", s.version, s.vendor_id,
                  v.slug as vendor, s.integration_id, i.slug as "integration?", s.recipient, s.team_id,
                  t.slug as "team?", s.state, s.due_on, s.link_until, s.answers as "answers: Json<Answers>", s.score,
                  s.verdict, s.verdict_reason, s.valid_until, s.concluded_by, s.concluded_at,
                  s.basis as "basis: Json<Basis>", s.stale_because, s.carried_from, s.demand_id, s.created_by,
                  s.created_at, s.sent_at, s.reminded_at, s.submitted_by, s.submitted_at, s.reviewed_by,
                  s.reviewed_at, s.revision, s.updated_at,
                  array(select p.person_id from assessment_participants p where p.assessment_id = s.id
                        order by p.person_id) as "participants!"
           from assessments s join publications q on q.id = s.questionnaire_id
           join publication_versions c on c.publication_id = s.questionnaire_id and c.version = s.version
           join vendors v on v.id = s.vendor_id left join integrations i on i.id = s.integration_id
           left join teams t on t.id = s.team_id where s.id = any($1)"#,
        ids
    );
    rows.fetch_all(conn).await?.into_iter().map(Assessment::try_from).collect()
}

pub async fn lock(conn: &mut PgConnection, id: Uuid) -> Result<Option<Assessment>, Error> {
    sqlx::query!("select id from assessments where id = $1 for update", id).fetch_optional(&mut *conn).await?;
    Ok(get_many(conn, &[id]).await?.pop())
}

/// Notes who answered: they do not review it.
pub async fn note_participant(conn: &mut PgConnection, id: Uuid, person: Option<Uuid>) -> Result<(), Error> {
    sqlx::query!(
        "insert into assessment_participants (assessment_id, person_id)
         select $1, p from unnest($2::uuid[]) p on conflict do nothing",
        id,
        person.as_slice()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Inserts or updates. The link's hash is kept apart: it is no part of the record.
pub async fn save(conn: &mut PgConnection, one: &Assessment) -> Result<(), Error> {
    let conclusion = one.conclusion.as_ref();
    let basis = one.basis.as_ref().map(serde_json::to_value).transpose().map_err(Error::internal)?;
    sqlx::query!(
        "insert into assessments (id, questionnaire_id, version, vendor_id, integration_id, recipient, team_id, state,
             due_on, answers, score, verdict, verdict_reason, valid_until, concluded_by, concluded_at, basis,
             stale_because, carried_from, demand_id, created_by, created_at, sent_at, reminded_at, submitted_by,
             submitted_at, reviewed_by, reviewed_at, revision, updated_at, sort_key, search)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
             $23, $24, $25, $26, $27, $28, $29, $30, $31, $32)
         on conflict (id) do update set recipient = excluded.recipient, team_id = excluded.team_id,
             state = excluded.state, due_on = excluded.due_on, answers = excluded.answers, score = excluded.score,
             verdict = excluded.verdict, verdict_reason = excluded.verdict_reason, valid_until = excluded.valid_until,
             concluded_by = excluded.concluded_by, concluded_at = excluded.concluded_at, basis = excluded.basis,
             stale_because = excluded.stale_because, sent_at = excluded.sent_at, reminded_at = excluded.reminded_at,
             submitted_by = excluded.submitted_by, submitted_at = excluded.submitted_at,
             reviewed_by = excluded.reviewed_by, reviewed_at = excluded.reviewed_at, revision = excluded.revision,
             updated_at = excluded.updated_at, sort_key = excluded.sort_key, search = excluded.search",
        one.id,
        one.questionnaire_id,
        one.version,
        one.vendor_id,
        one.integration_id,
        one.recipient,
        one.team_id,
        one.state.key(),
        one.due_on,
        serde_json::to_value(&one.answers).map_err(Error::internal)?,
        one.score,
        conclusion.map(|c| c.verdict.key()),
        conclusion.map(|c| c.reason.clone()),
        conclusion.map(|c| c.valid_until),
        conclusion.map(|c| c.by),
        conclusion.map(|c| c.at),
        basis,
        one.stale_because,
        one.carried_from,
        one.demand_id,
        one.created_by,
        one.created_at,
        one.sent_at,
        one.reminded_at,
        one.submitted_by,
        one.submitted_at,
        one.reviewed_by,
        one.reviewed_at,
        one.revision,
        one.updated_at,
        text::sort_key(&format!("{} {}", one.vendor, one.title)),
        text::search_text(&[&one.title, &one.vendor, one.recipient.as_deref().unwrap_or_default()]),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Sets or takes away the vendor's link.
pub async fn set_link(
    conn: &mut PgConnection,
    id: Uuid,
    hash: Option<&[u8]>,
    until: Option<DateTime<Utc>>,
) -> Result<(), Error> {
    sqlx::query!("update assessments set link_hash = $2, link_until = $3 where id = $1", id, hash, until)
        .execute(conn)
        .await?;
    Ok(())
}

/// The assessment behind a link that holds.
pub async fn by_link(conn: &mut PgConnection, hash: &[u8], now: DateTime<Utc>) -> Result<Option<Uuid>, Error> {
    let id = sqlx::query_scalar!("select id from assessments where link_hash = $1 and link_until > $2", hash, now);
    Ok(id.fetch_optional(conn).await?)
}

/// The assessments of a vendor, newest first.
pub async fn of_vendor(conn: &mut PgConnection, vendor: Uuid) -> Result<Vec<Uuid>, Error> {
    let ids = sqlx::query_scalar!(
        "select id from assessments where vendor_id = $1 order by created_at desc, id limit 200",
        vendor
    );
    Ok(ids.fetch_all(conn).await?)
}

/// The last one of a vendor by a questionnaire that was answered to its end.
pub async fn last_answered(
    conn: &mut PgConnection,
    questionnaire: Uuid,
    vendor: Uuid,
    integration: Option<Uuid>,
) -> Result<Option<Uuid>, Error> {
    let id = sqlx::query_scalar!(
        "select id from assessments where questionnaire_id = $1 and vendor_id = $2
             and integration_id is not distinct from $3 and state in ('concluded', 'stale')
         order by concluded_at desc limit 1",
        questionnaire,
        vendor,
        integration
    );
    Ok(id.fetch_optional(conn).await?)
}

/// What waits for answers and is to be reminded of: due within three days or overdue, and not
/// reminded of in the last week.
pub async fn to_remind(conn: &mut PgConnection, today: NaiveDate, now: DateTime<Utc>) -> Result<Vec<Uuid>, Error> {
    let ids = sqlx::query_scalar!(
        "select id from assessments where state in ('sent', 'answering') and due_on <= $1::date + 3
             and (reminded_at is null or reminded_at < $2::timestamptz - interval '7 days')
             and (recipient is not null) order by due_on limit 200",
        today,
        now
    );
    Ok(ids.fetch_all(conn).await?)
}
