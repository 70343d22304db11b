//! The SQL of campaigns and their items.

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value;
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use super::{Campaign, CampaignContent, ItemEvidence, ItemState, OpenViolation, ReviewItem};
use base::{error::Error, text};

struct CampaignRow {
    id: Uuid,
    content: Json<CampaignContent>,
    review_group_id: Option<Uuid>,
    escalates_to_id: Option<Uuid>,
    state: String,
    follows_id: Option<Uuid>,
    created_by: Option<Uuid>,
    created_at: DateTime<Utc>,
    launched_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
    revision: i64,
    updated_at: DateTime<Utc>,
}

impl TryFrom<CampaignRow> for Campaign {
    type Error = Error;
    fn try_from(row: CampaignRow) -> Result<Self, Error> {
        Ok(Self {
            id: row.id,
            revision: row.revision,
            state: row.state.parse()?,
            review_group_id: row.review_group_id,
            escalates_to_id: row.escalates_to_id,
            follows: row.follows_id,
            created_by: row.created_by,
            created_at: row.created_at,
            launched_at: row.launched_at,
            ended_at: row.ended_at,
            updated_at: row.updated_at,
            content: row.content.0,
        })
    }
}

/// Campaigns by id.
pub async fn campaigns(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Campaign>, Error> {
    let rows = sqlx::query_as!(
        CampaignRow,
        r#"select id, content as "content: Json<CampaignContent>", review_group_id, escalates_to_id, state, follows_id,
                  created_by, created_at, launched_at, ended_at, revision, updated_at
           from campaigns where id = any($1)"#,
        ids
    );
    rows.fetch_all(conn).await?.into_iter().map(Campaign::try_from).collect()
}

pub async fn lock_campaign(conn: &mut PgConnection, id: Uuid) -> Result<Option<Campaign>, Error> {
    sqlx::query!("select id from campaigns where id = $1 for update", id).fetch_optional(&mut *conn).await?;
    Ok(campaigns(conn, &[id]).await?.pop())
}

/// The days of the campaign that a row of them began with, and how many followed it up to this one.
pub async fn first_of(conn: &mut PgConnection, id: Uuid) -> Result<(NaiveDate, NaiveDate, u32), Error> {
    let row = sqlx::query!(
        r#"with recursive row (id, follows_id, starts_on, ends_on, n) as (
               select id, follows_id, starts_on, ends_on, 0 from campaigns where id = $1
               union all
               select c.id, c.follows_id, c.starts_on, c.ends_on, row.n + 1 from campaigns c join row on c.id = row.follows_id)
           select starts_on as "starts_on!", ends_on as "ends_on!", n as "n!" from row order by n desc limit 1"#,
        id
    )
    .fetch_one(conn)
    .await?;
    Ok((row.starts_on, row.ends_on, u32::try_from(row.n).unwrap_or_default()))
}

pub async fn save_campaign(conn: &mut PgConnection, one: &Campaign) -> Result<(), Error> {
    sqlx::query!(
        "insert into campaigns (id, title, content, review_group_id, escalates_to_id, starts_on, ends_on, state,
             follows_id, created_by, created_at, launched_at, ended_at, revision, updated_at, sort_key, search)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
         on conflict (id) do update set state = excluded.state, launched_at = excluded.launched_at,
             ended_at = excluded.ended_at, revision = excluded.revision, updated_at = excluded.updated_at",
        one.id,
        one.content.title,
        serde_json::to_value(&one.content).map_err(Error::internal)?,
        one.review_group_id,
        one.escalates_to_id,
        one.starts_on(),
        one.ends_on(),
        one.state.key(),
        one.follows,
        one.created_by,
        one.created_at,
        one.launched_at,
        one.ended_at,
        one.revision,
        one.updated_at,
        text::sort_key(&one.content.title),
        text::search_text(&[&one.content.title, &one.content.filter]),
    )
    .execute(conn)
    .await?;
    Ok(())
}

struct ItemRow {
    id: Uuid,
    campaign_id: Uuid,
    integration_id: Uuid,
    state: String,
    evidence: Json<ItemEvidence>,
    suggestion: String,
    findings: i32,
    decided_by: Option<Uuid>,
    decided_at: Option<DateTime<Utc>>,
    reason: Option<String>,
    own: Option<bool>,
    request_id: Option<Uuid>,
    escalated_at: Option<DateTime<Utc>>,
    revision: i64,
    updated_at: DateTime<Utc>,
}

impl TryFrom<ItemRow> for ReviewItem {
    type Error = Error;
    fn try_from(row: ItemRow) -> Result<Self, Error> {
        Ok(Self {
            id: row.id,
            revision: row.revision,
            campaign_id: row.campaign_id,
            integration_id: row.integration_id,
            state: row.state.parse()?,
            evidence: row.evidence.0,
            suggestion: row.suggestion.parse()?,
            findings: row.findings,
            decided_by: row.decided_by,
            decided_at: row.decided_at,
            reason: row.reason,
            own: row.own,
            request_id: row.request_id,
            escalated_at: row.escalated_at,
            updated_at: row.updated_at,
        })
    }
}

/// Items by id.
pub async fn items(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<ReviewItem>, Error> {
    let rows = sqlx::query_as!(
        ItemRow,
        r#"select id, campaign_id, integration_id, state, evidence as "evidence: Json<ItemEvidence>", suggestion,
                  findings, decided_by, decided_at, reason, own, request_id, escalated_at, revision, updated_at
           from review_items where id = any($1) order by sort_key, id"#,
        ids
    );
    rows.fetch_all(conn).await?.into_iter().map(ReviewItem::try_from).collect()
}

/// Locks items, in the order of their ids so that two who decide do not wait for each other in a circle.
pub async fn lock_items(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<ReviewItem>, Error> {
    sqlx::query!("select id from review_items where id = any($1) order by id for update", ids)
        .fetch_all(&mut *conn)
        .await?;
    items(conn, ids).await
}

/// The items of a campaign that stand at one of these states.
pub async fn items_at(
    conn: &mut PgConnection,
    campaign: Uuid,
    states: &[ItemState],
    most: i64,
) -> Result<Vec<Uuid>, Error> {
    let states: Vec<String> = states.iter().map(|state| state.key().to_owned()).collect();
    let ids = sqlx::query_scalar!(
        "select id from review_items where campaign_id = $1 and state = any($2) order by id limit $3",
        campaign,
        &states,
        most
    );
    Ok(ids.fetch_all(conn).await?)
}

/// The next open item of a campaign after one, by name; of these teams' integrations, where teams are given.
pub async fn next_open(
    conn: &mut PgConnection,
    item: &ReviewItem,
    teams: Option<&[Uuid]>,
) -> Result<Option<Uuid>, Error> {
    let id = sqlx::query_scalar!(
        "select r.id from review_items r join integrations i on i.id = r.integration_id join systems s on s.id = i.system_id
         where r.campaign_id = $1 and r.id <> $2 and r.state in ('pending', 'escalated')
           and ($3::uuid[] is null or array[i.business_owner_id, i.technical_owner_id, i.backup_owner_id, s.team_id] && $3)
         order by (r.sort_key, r.id) < (select o.sort_key, o.id from review_items o where o.id = $2), r.sort_key, r.id
         limit 1",
        item.campaign_id,
        item.id,
        teams as Option<&[Uuid]>
    );
    Ok(id.fetch_optional(conn).await?)
}

pub async fn save_item(conn: &mut PgConnection, one: &ReviewItem, name: &str) -> Result<(), Error> {
    sqlx::query!(
        "insert into review_items (id, campaign_id, integration_id, state, evidence, suggestion, findings, decided_by,
             decided_via, decided_at, reason, own, request_id, escalated_at, revision, updated_at, sort_key, search)
         values ($1, $2, $3, $4, $5, $6, $7, $8, case when $8::uuid is null then null else 'page' end, $9, $10, $11,
             $12, $13, $14, $15, $16, $17)
         on conflict (id) do update set state = excluded.state, evidence = excluded.evidence,
             suggestion = excluded.suggestion, findings = excluded.findings, decided_by = excluded.decided_by,
             decided_via = excluded.decided_via, decided_at = excluded.decided_at, reason = excluded.reason,
             own = excluded.own, request_id = excluded.request_id, escalated_at = excluded.escalated_at,
             revision = excluded.revision, updated_at = excluded.updated_at",
        one.id,
        one.campaign_id,
        one.integration_id,
        one.state.key(),
        serde_json::to_value(&one.evidence).map_err(Error::internal)?,
        one.suggestion.key(),
        one.findings,
        one.decided_by,
        one.decided_at,
        one.reason,
        one.own,
        one.request_id,
        one.escalated_at,
        one.revision,
        one.updated_at,
        text::sort_key(name),
        text::search_text(&[name]),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What is known of integrations: evidence without its content and changes, with what was last certified.
pub struct Known {
    pub integration: Uuid,
    pub evidence: ItemEvidence,
    pub certified: Option<Value>,
}

/// What is known of these integrations, in one statement.
pub async fn known(conn: &mut PgConnection, ids: &[Uuid], today: NaiveDate) -> Result<Vec<Known>, Error> {
    let rows = sqlx::query!(
        r#"select i.id, i.revision, i.state, i.updated_at,
               array(select g.scope from scope_grants g where g.integration_id = i.id and g.granted_on is not null
                     and $2::date - coalesce(g.last_used_on, g.granted_on) > 90 order by 1) as "unused!",
               array(select c.name from credential_uses u join credentials c on c.id = u.credential_id
                     where u.integration_id = i.id and c.state <> 'revoked'
                       and (c.next_rotation_on < $2 or c.expires_on < $2) order by 1) as "overdue!",
               coalesce((select jsonb_agg(jsonb_build_object('rule', p.key, 'title', p.title, 'severity', v.severity,
                     'excepted_until', (select max(e.ends_on) from exceptions e where e.integration_id = i.id
                         and e.rule_id = v.rule_id and e.state = 'granted' and e.ends_on >= $2)) order by p.key)
                   from violations v join publications p on p.id = v.rule_id
                   where v.integration_id = i.id and v.mode <> 'shadow' and (v.state = 'open' or exists (
                       select from exceptions e where e.integration_id = i.id and e.rule_id = v.rule_id
                         and e.state = 'granted' and e.ends_on >= $2))), '[]')
                   as "violations!: Json<Vec<OpenViolation>>",
               (select ($2::date - max(g.last_used_on))::int8 from scope_grants g where g.integration_id = i.id)
                   as unused_days,
               (select (x.sunset_on - $2::date)::int8 from api_versions x where x.id = i.version_id) as sunset_in_days,
               array(select o.seat from (values ('business', i.business_owner_id), ('technical', i.technical_owner_id),
                         ('backup', i.backup_owner_id)) o (seat, team)
                     where (o.seat = 'business' or o.team is not null) and not exists (
                         select from teams t join team_members m on m.team_id = t.id
                         join people q on q.id = m.person_id and q.state = 'active'
                         where t.id = o.team and t.state = 'active')) as "departed!",
               last.decided_at as "certified_at?", last.content as "certified?"
           from integrations i left join lateral (
               select r.decided_at, r.evidence -> 'content' as content from review_items r
               where r.integration_id = i.id and r.state in ('keep', 'reduce') order by r.decided_at desc limit 1) last on true
           where i.id = any($1)"#,
        ids,
        today
    );
    let rows = rows.fetch_all(conn).await?;
    Ok(rows
        .into_iter()
        .map(|row| Known {
            integration: row.id,
            certified: row.certified,
            evidence: ItemEvidence {
                revision: row.revision,
                content: Value::Null,
                last_change: Some(row.updated_at),
                certified_at: row.certified_at,
                changes: Vec::new(),
                unused_scopes: row.unused,
                overdue_credentials: row.overdue,
                violations: row.violations.0,
                unused_days: row.unused_days,
                departed_owner: !row.departed.is_empty(),
                departed_seats: row.departed,
                sunset_in_days: row.sunset_in_days,
                state: row.state,
            },
        })
        .collect())
}

/// Running campaigns that end by `soon`, have something open and of which nobody was reminded; marked so.
pub async fn take_ending(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    today: NaiveDate,
    soon: NaiveDate,
    skip: &[Uuid],
) -> Result<Option<Uuid>, Error> {
    let found = sqlx::query_scalar!(
        "update campaigns c set reminded_at = $1
         where c.id = (select d.id from campaigns d
             where d.state = 'running' and d.reminded_at is null and d.ends_on between $2 and $3 and d.id <> all($4)
               and exists (select from review_items r where r.campaign_id = d.id and r.state in ('pending', 'escalated'))
             order by d.id limit 1 for update skip locked)
         returning c.id",
        now,
        today,
        soon,
        skip
    );
    Ok(found.fetch_optional(conn).await?)
}

/// The teams that own what is open in a campaign.
pub async fn open_teams(conn: &mut PgConnection, campaign: Uuid) -> Result<Vec<Uuid>, Error> {
    let found = sqlx::query_scalar!(
        r#"select distinct k.team as "team!" from review_items r join integrations i on i.id = r.integration_id
           cross join lateral unnest(array[i.business_owner_id, i.technical_owner_id, i.backup_owner_id]) k (team)
           where r.campaign_id = $1 and r.state in ('pending', 'escalated') and k.team is not null"#,
        campaign
    );
    Ok(found.fetch_all(conn).await?)
}

/// The review groups that somebody is in.
pub async fn groups_of(conn: &mut PgConnection, person: Uuid) -> Result<Vec<Uuid>, Error> {
    let found = sqlx::query_scalar!("select review_group_id from review_group_members where person_id = $1", person);
    Ok(found.fetch_all(conn).await?)
}

/// Campaigns that begin, and those whose items are late or may all be closed.
pub async fn due(conn: &mut PgConnection, today: NaiveDate) -> Result<(Vec<Uuid>, Vec<Uuid>), Error> {
    let beginning =
        sqlx::query_scalar!("select id from campaigns where state = 'planned' and starts_on <= $1 order by id", today);
    let beginning = beginning.fetch_all(&mut *conn).await?;
    let running = sqlx::query_scalar!(
        "select c.id from campaigns c where c.state = 'running' and (c.ends_on < $1
             or not exists (select from review_items r where r.campaign_id = c.id and r.state in ('pending', 'escalated')))
         order by c.id",
        today
    );
    Ok((beginning, running.fetch_all(conn).await?))
}

/// How somebody decided in a campaign.
pub struct Pace {
    pub person: Uuid,
    pub items: i64,
    pub seconds: i64,
    pub own: i64,
}

/// How fast and how independently each reviewer decided.
pub async fn pace(conn: &mut PgConnection, campaign: Uuid) -> Result<Vec<Pace>, Error> {
    let rows = sqlx::query_as!(
        Pace,
        r#"select decided_by as "person!", count(*) as "items!",
                  extract(epoch from max(decided_at) - min(decided_at))::int8 as "seconds!",
                  count(*) filter (where own) as "own!"
           from review_items where campaign_id = $1 and decided_by is not null group by 1 order by 2 desc, 1"#,
        campaign
    );
    Ok(rows.fetch_all(conn).await?)
}

/// How the items of a campaign divide by state.
pub async fn counts(conn: &mut PgConnection, campaign: Uuid) -> Result<Vec<(String, i64)>, Error> {
    let rows = sqlx::query!(
        r#"select state, count(*) as "count!" from review_items where campaign_id = $1 group by 1 order by 1"#,
        campaign
    );
    Ok(rows.fetch_all(conn).await?.into_iter().map(|row| (row.state, row.count)).collect())
}
