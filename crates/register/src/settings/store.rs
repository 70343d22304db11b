//! The one row of settings.

use chrono::NaiveTime;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{LocalAccounts, Settings, SettingsContent};
use base::error::Error;

struct Row {
    organisation: String,
    time_zone: String,
    working_days: Vec<i16>,
    working_from: NaiveTime,
    working_until: NaiveTime,
    session_idle_minutes: i32,
    session_absolute_minutes: i32,
    approval_group: Option<String>,
    critical: i32,
    high: i32,
    medium: i32,
    low: i32,
    ownership_days: i32,
    local_accounts: bool,
    strong_for: Vec<String>,
    revision: i64,
}

pub async fn get(conn: &mut PgConnection) -> Result<Settings, Error> {
    let row = sqlx::query_as!(
        Row,
        r#"select organisation, time_zone, working_days, working_from, working_until, session_idle_minutes,
                session_absolute_minutes,
                (select g.slug from review_groups g where g.id = approval_group_id) as approval_group,
                coalesce((exception_days ->> 'critical')::int4, 30) as "critical!",
                coalesce((exception_days ->> 'high')::int4, 90) as "high!",
                coalesce((exception_days ->> 'medium')::int4, 180) as "medium!",
                coalesce((exception_days ->> 'low')::int4, 365) as "low!", ownership_days, local_accounts, strong_for, revision
         from installation"#
    )
    .fetch_one(conn)
    .await?;
    Ok(Settings {
        revision: row.revision,
        content: SettingsContent {
            organisation: row.organisation,
            time_zone: row.time_zone,
            working_days: row.working_days,
            working_from: row.working_from,
            working_until: row.working_until,
            session_idle_minutes: row.session_idle_minutes,
            session_absolute_minutes: row.session_absolute_minutes,
            approval_group: row.approval_group,
            exception_days_critical: row.critical,
            exception_days_high: row.high,
            exception_days_medium: row.medium,
            exception_days_low: row.low,
            ownership_days: row.ownership_days,
            local_accounts: if row.local_accounts { LocalAccounts::Open } else { LocalAccounts::Closed },
            strong_for: row.strong_for.iter().map(|one| one.parse()).collect::<Result<Vec<_>, _>>()?,
        },
    })
}

pub async fn lock(conn: &mut PgConnection) -> Result<Settings, Error> {
    sqlx::query!("select single from installation for update").fetch_one(&mut *conn).await?;
    get(conn).await
}

pub async fn update(conn: &mut PgConnection, settings: &Settings, approval_group: Option<Uuid>) -> Result<(), Error> {
    let content = &settings.content;
    sqlx::query!(
        "update installation set organisation = $1, time_zone = $2, working_days = $3, working_from = $4,
             working_until = $5, session_idle_minutes = $6, session_absolute_minutes = $7, revision = $8,
             approval_group_id = $9, exception_days = jsonb_build_object('critical', $10::int4, 'high', $11::int4,
             'medium', $12::int4, 'low', $13::int4), local_accounts = $14, strong_for = $15,
             ownership_days = $16",
        content.organisation,
        content.time_zone,
        &content.working_days,
        content.working_from,
        content.working_until,
        content.session_idle_minutes,
        content.session_absolute_minutes,
        settings.revision,
        approval_group,
        content.exception_days_critical,
        content.exception_days_high,
        content.exception_days_medium,
        content.exception_days_low,
        content.local_accounts == LocalAccounts::Open,
        &content.strong_for.iter().map(|one| one.key().to_owned()).collect::<Vec<String>>(),
        content.ownership_days,
    )
    .execute(conn)
    .await?;
    Ok(())
}
