//! What somebody has in hand: to be handed over when they leave.

use serde::Serialize;
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

use base::{app::App, error::Error};
use identity::{Actor, Permission};

/// Duties shown at most.
const MOST: i64 = 500;

/// Something that somebody has in hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Duty {
    /// `change_request`, `exception`, `assessment`, `campaign`, `policy_rule`, `workflow`, `questionnaire`,
    /// `risk_model`, `delegation`, `review_group` or `team`.
    pub kind: String,
    /// The record's id.
    pub id: Uuid,
    /// What it is called.
    pub title: String,
    /// Where it stands, in Muster's words: the state of a request, of an assessment, of a campaign.
    pub state: String,
    /// Of a review group, its other active reviewers; of a team, its other active members: nobody is left where this
    /// is 0.
    pub others: Option<i64>,
    /// Of a team, integrations that it owns and that have not retired.
    pub integrations: Option<i64>,
}

impl Duty {
    /// Whether nobody else can do it.
    pub fn is_alone(&self) -> bool {
        self.others == Some(0)
    }
}

/// What somebody has in hand: requests that they asked for and that are not closed, exceptions that they wait for,
/// assessments and campaigns that they began, drafts that they proposed, delegations, and their seats. For
/// themselves, for admins, and for whoever reads the record.
pub async fn duties(app: &App, actor: &Actor, person: Uuid) -> Result<Vec<Duty>, Error> {
    if actor.person() != Some(person) && !actor.may(Permission::ManagePeople) {
        actor.require(Permission::ReadAudit)?;
    }
    identity::ops::get_person(app, actor, person).await?;
    read(&mut *app.db.read().await?, person, app.today().await?).await
}

async fn read(conn: &mut PgConnection, person: Uuid, today: chrono::NaiveDate) -> Result<Vec<Duty>, Error> {
    let rows = sqlx::query_as!(
        Duty,
        r#"select k.kind as "kind!", k.id as "id!", k.title as "title!", k.state as "state!", k.others, k.integrations from (
               select 1 as place, 'change_request' as kind, r.id, r.title, r.state, null::bigint as others,
                      null::bigint as integrations
               from change_requests r
               where r.requested_by = $1 and r.state in ('draft', 'open', 'changes_requested', 'approved')
               union all
               select 2, 'exception', e.id, p.title, e.state, null, null
               from exceptions e join publications p on p.id = e.rule_id
               where e.requested_by = $1 and e.state = 'requested'
               union all
               select 3, 'assessment', a.id, q.title, a.state, null, null
               from assessments a join publications q on q.id = a.questionnaire_id
               where a.created_by = $1 and a.state in ('draft', 'sent', 'answering', 'submitted', 'reviewed')
               union all
               select 4, 'campaign', c.id, c.title, c.state, null, null
               from campaigns c where c.created_by = $1 and c.state in ('planned', 'running')
               union all
               select 5, p.kind, p.id, p.title, case when p.proposed_by is null then 'draft' else 'proposed' end, null, null
               from publications p where p.draft is not null and (p.proposed_by = $1 or $1 = any (p.draft_edited_by))
               union all
               select 6, 'delegation', d.id, o.name, case when d.from_id = $1 then 'given' else 'taken' end, null, null
               from delegations d join people o on o.id = case when d.from_id = $1 then d.to_id else d.from_id end
               where $1 in (d.from_id, d.to_id) and d.state = 'active' and d.until_on >= $2
               union all
               select 7, 'review_group', g.id, g.name, g.state,
                      (select count(*) from review_group_members x join people y on y.id = x.person_id
                       where x.review_group_id = g.id and y.id <> $1 and y.state = 'active'
                         and exists (select from roles_on($2) z where z.person_id = y.id and z.role = 'reviewer')
                         and not exists (select from roles_on($2) z where z.person_id = y.id and z.role = 'auditor')), null
               from review_groups g join review_group_members m on m.review_group_id = g.id
               where m.person_id = $1 and g.state = 'active'
               union all
               select 8, 'team', t.id, t.name, t.state,
                      (select count(*) from team_members x join people y on y.id = x.person_id
                       where x.team_id = t.id and y.id <> $1 and y.state = 'active'),
                      (select count(*) from integrations i where i.state <> 'retired'
                         and t.id in (i.business_owner_id, i.technical_owner_id, i.backup_owner_id))
               from teams t join team_members m on m.team_id = t.id
               where m.person_id = $1 and t.state = 'active') k
           order by k.place, k.title, k.id limit $3"#,
        person,
        today,
        MOST
    );
    Ok(rows.fetch_all(conn).await?)
}
