//! Change requests with their stages, decisions and participants.

use chrono::{DateTime, Utc};
use data_encoding::HEXLOWER;
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use crate::approvals::{Binding, Bound, Condition, Decision, Phase, Request, Requester, Stage, WorkflowRef};
use base::{error::Error, text};
use register::integrations::{IntegrationContent, Refs};

struct Row {
    id: Uuid,
    integration_id: Uuid,
    kind: String,
    state: String,
    title: String,
    reason: Option<String>,
    base_revision: i64,
    base_content: Json<IntegrationContent>,
    content: Json<IntegrationContent>,
    refs: Json<Refs>,
    round: i32,
    content_hash: Option<Vec<u8>>,
    material_hash: Option<Vec<u8>>,
    requested_by: Option<Uuid>,
    requested_by_account: Option<Uuid>,
    waiting_since: Option<DateTime<Utc>>,
    submitted_at: Option<DateTime<Utc>>,
    closed_at: Option<DateTime<Utc>>,
    revision: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    participants: Vec<Uuid>,
    stages: Json<Vec<Stage>>,
    decisions: Json<Vec<Decision>>,
    conditions: Json<Vec<Condition>>,
    workflow_id: Option<Uuid>,
    workflow_version: Option<i32>,
    same_person_twice: bool,
}

fn impossible(what: &str) -> Error {
    Error::internal(format!("impossible change request: {what}"))
}

impl Row {
    fn phase(&self) -> Result<Phase, Error> {
        let bound = || -> Result<Bound, Error> {
            let hash = |bytes: &Option<Vec<u8>>| bytes.as_ref().map(|bytes| HEXLOWER.encode(bytes));
            match (hash(&self.content_hash), hash(&self.material_hash), self.submitted_at, self.waiting_since) {
                (Some(content_hash), Some(material_hash), Some(submitted_at), Some(waiting_since)) => {
                    Ok(Bound { round: self.round, content_hash, material_hash, submitted_at, waiting_since })
                }
                _ => Err(impossible("submitted and bound to nothing")),
            }
        };
        let closed = || self.closed_at.ok_or_else(|| impossible("closed at no time"));
        Ok(match self.state.as_str() {
            "draft" => Phase::Draft,
            "open" => Phase::Open(bound()?),
            "changes_requested" => Phase::ChangesRequested(bound()?),
            "approved" => Phase::Approved(bound()?),
            "applied" => Phase::Applied { bound: bound()?, closed_at: closed()? },
            "rejected" => Phase::Rejected { bound: bound()?, closed_at: closed()? },
            "withdrawn" => Phase::Withdrawn { closed_at: closed()? },
            other => return Err(impossible(other)),
        })
    }
}

impl TryFrom<Row> for Request {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Self {
            phase: row.phase()?,
            id: row.id,
            revision: row.revision,
            integration_id: row.integration_id,
            kind: row.kind.parse()?,
            title: row.title,
            reason: row.reason,
            base_revision: row.base_revision,
            base_content: row.base_content.0,
            content: row.content.0,
            requested_by: Requester { person: row.requested_by, service_account: row.requested_by_account },
            participants: row.participants,
            stages: row.stages.0,
            decisions: row.decisions.0,
            conditions: row.conditions.0,
            workflow: row.workflow_id.zip(row.workflow_version).map(|(id, version)| WorkflowRef {
                id,
                version,
                same_person_twice: row.same_person_twice,
            }),
            round: row.round,
            created_at: row.created_at,
            updated_at: row.updated_at,
            refs: row.refs.0,
        })
    }
}

/// Whole requests, in no particular order, in one statement.
pub async fn get_many(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Request>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"select r.id, r.integration_id, r.kind, r.state, r.title, r.reason, r.base_revision,
                  r.base_content as "base_content: Json<IntegrationContent>",
                  r.content as "content: Json<IntegrationContent>", r.refs as "refs: Json<Refs>", r.round,
                  r.content_hash, r.material_hash, r.requested_by, r.requested_by_account, r.waiting_since,
                  r.submitted_at, r.closed_at, r.revision, r.created_at, r.updated_at,
                  array(select p.person_id from request_participants p where p.request_id = r.id
                        order by p.person_id) as "participants!",
                  coalesce((select jsonb_agg(jsonb_build_object('position', s.position, 'name', s.name,
                                'review_group_id', s.review_group_id, 'review_group', g.name,
                                'approvals_needed', s.approvals_needed, 'opened_at', s.opened_at,
                                'due_hours', s.due_hours, 'due_at', s.due_at, 'remind_at', s.remind_at, 'called_in_by', s.called_in_by,
                                'escalated_to', s.escalated_to, 'escalated_at', s.escalated_at, 'escalated_group',
                                (select x.name from review_groups x where x.id = s.escalated_to)) order by s.position)
                            from request_stages s join review_groups g on g.id = s.review_group_id
                            where s.request_id = r.id and s.round = r.round), '[]') as "stages!: Json<Vec<Stage>>",
                  coalesce((select jsonb_agg(jsonb_build_object('id', d.id, 'position', d.position, 'round', d.round,
                                'verdict', d.decision, 'reason', d.reason, 'decided_by', d.decided_by,
                                'decided_for', d.decided_for, 'content_hash', encode(d.content_hash, 'hex'),
                                'material_hash', encode(d.material_hash, 'hex'), 'decided_at', d.decided_at,
                                'lapsed', r.state in ('open', 'approved')
                                    and d.decision in ('approve', 'approve_with_conditions') and not seat_stands(d))
                                order by d.decided_at, d.id)
                            from request_decisions d where d.request_id = r.id), '[]')
                      as "decisions!: Json<Vec<Decision>>",
                  coalesce((select jsonb_agg(jsonb_build_object('id', c.id, 'decision_id', c.decision_id, 'text', c.text,
                                'owner', t.slug, 'owner_id', c.owner_id, 'due_on', c.due_on, 'timing', c.timing,
                                'met_at', c.met_at, 'met_by', c.met_by, 'note', c.note) order by c.due_on, c.id)
                            from request_conditions c join teams t on t.id = c.owner_id
                            where c.request_id = r.id), '[]') as "conditions!: Json<Vec<Condition>>",
                  r.workflow_id, r.workflow_version, r.same_person_twice
           from change_requests r where r.id = any($1)"#,
        ids
    );
    rows.fetch_all(conn).await?.into_iter().map(Request::try_from).collect()
}

pub async fn get(conn: &mut PgConnection, id: Uuid) -> Result<Option<Request>, Error> {
    Ok(get_many(conn, &[id]).await?.pop())
}

pub async fn lock(conn: &mut PgConnection, id: Uuid) -> Result<Option<Request>, Error> {
    sqlx::query!("select id from change_requests where id = $1 for update", id).fetch_optional(&mut *conn).await?;
    get(conn, id).await
}

/// The requests of an integration, newest first.
pub async fn of_integration(conn: &mut PgConnection, integration: Uuid) -> Result<Vec<Uuid>, Error> {
    let ids = sqlx::query_scalar!(
        "select id from change_requests where integration_id = $1 order by created_at desc, id desc limit 100",
        integration
    );
    Ok(ids.fetch_all(conn).await?)
}

/// The one that is not closed.
pub async fn unclosed(conn: &mut PgConnection, integration: Uuid) -> Result<Option<Uuid>, Error> {
    let id = sqlx::query_scalar!(
        "select id from change_requests where integration_id = $1
         and state in ('draft', 'open', 'changes_requested', 'approved')",
        integration
    );
    Ok(id.fetch_optional(conn).await?)
}

/// Writes the request and who takes part; a new one where it is not here yet.
#[allow(clippy::too_many_lines, reason = "one statement with its columns")]
pub async fn save(conn: &mut PgConnection, request: &Request, binding: Option<&Binding>) -> Result<(), Error> {
    let bound = request.phase.bound();
    let bytes = |hash: &String| HEXLOWER.decode(hash.as_bytes()).map_err(Error::internal);
    let content_hash = bound.map(|bound| bytes(&bound.content_hash)).transpose()?;
    let material_hash = bound.map(|bound| bytes(&bound.material_hash)).transpose()?;
    let search = text::search_text(&[
        &request.title,
        request.reason.as_deref().unwrap_or_default(),
        &request.content.name,
        &request.refs.names.join(" "),
    ]);
    sqlx::query!(
        r#"with request as (
               insert into change_requests as r (id, integration_id, kind, state, title, reason, base_revision,
                   base_content, content, refs, round, content_bytes, content_hash, material_hash, requested_by,
                   requested_by_account, waiting_since, submitted_at, closed_at, revision, created_at, updated_at,
                   sort_key, search, workflow_id, workflow_version, same_person_twice)
               values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
                   $22, $23, $24, $26, $27, $28)
               on conflict (id) do update set state = excluded.state, title = excluded.title,
                   reason = excluded.reason, base_revision = excluded.base_revision,
                   base_content = excluded.base_content, content = excluded.content, refs = excluded.refs,
                   round = excluded.round, content_bytes = coalesce(excluded.content_bytes, r.content_bytes),
                   content_hash = coalesce(excluded.content_hash, r.content_hash),
                   material_hash = coalesce(excluded.material_hash, r.material_hash),
                   waiting_since = excluded.waiting_since,
                   submitted_at = coalesce(excluded.submitted_at, r.submitted_at), closed_at = excluded.closed_at,
                   revision = excluded.revision, updated_at = excluded.updated_at, sort_key = excluded.sort_key,
                   search = excluded.search, workflow_id = excluded.workflow_id,
                   workflow_version = excluded.workflow_version, same_person_twice = excluded.same_person_twice
               returning r.id
           )
           insert into request_participants (request_id, person_id)
           select request.id, p from request, unnest($25::uuid[]) p on conflict do nothing"#,
        request.id,
        request.integration_id,
        request.kind.key(),
        request.phase.key(),
        request.title,
        request.reason,
        request.base_revision,
        Json(&request.base_content) as _,
        Json(&request.content) as _,
        Json(&request.refs) as _,
        request.round,
        binding.map(|binding| binding.bytes.as_slice()),
        content_hash,
        material_hash,
        request.requested_by.person,
        request.requested_by.service_account,
        bound.map(|bound| bound.waiting_since),
        bound.map(|bound| bound.submitted_at),
        request.phase.closed_at(),
        request.revision,
        request.created_at,
        request.updated_at,
        text::sort_key(&request.content.name),
        search,
        &request.participants,
        request.workflow.map(|workflow| workflow.id),
        request.workflow.map(|workflow| workflow.version),
        request.workflow.is_some_and(|workflow| workflow.same_person_twice),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes a decision. The trigger checks once more who decides on what.
pub async fn insert_decision(
    conn: &mut PgConnection,
    request: Uuid,
    decision: &Decision,
    via: &str,
) -> Result<(), Error> {
    let bytes = |hash: &str| HEXLOWER.decode(hash.as_bytes()).map_err(Error::internal);
    sqlx::query!(
        "insert into request_decisions (id, request_id, position, round, decision, reason, decided_by, content_hash,
             material_hash, decided_via, decided_at, decided_for)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        decision.id,
        request,
        decision.position,
        decision.round,
        decision.verdict.key(),
        decision.reason,
        decision.decided_by,
        bytes(&decision.content_hash)?,
        bytes(&decision.material_hash)?,
        via,
        decision.decided_at,
        decision.decided_for,
    )
    .execute(conn)
    .await?;
    Ok(())
}
