//! The queue of integrations to be judged anew.

use chrono::{Datelike, NaiveDate};
use sqlx::PgConnection;
use uuid::Uuid;

use base::error::Error;

/// Takes up to `most` entries for this transaction alone, but for the integrations in `skip`; each integration once.
pub async fn take(conn: &mut PgConnection, most: i64, skip: &[Uuid]) -> Result<Vec<Uuid>, Error> {
    let taken = sqlx::query_scalar!(
        "with taken as (delete from judgements_due where id in
             (select id from judgements_due where integration_id <> all($2) order by id limit $1 for update skip locked) returning integration_id)
         select distinct integration_id as \"id!\" from taken order by 1",
        most,
        skip
    );
    Ok(taken.fetch_all(conn).await?)
}

/// Puts back what could not be judged now.
pub async fn put_back(conn: &mut PgConnection, ids: &[Uuid]) -> Result<(), Error> {
    sqlx::query!("insert into judgements_due (integration_id) select unnest($1::uuid[])", ids).execute(conn).await?;
    Ok(())
}

/// Whether anything waits, but for the integrations in `skip`.
pub async fn any(conn: &mut PgConnection, skip: &[Uuid]) -> Result<bool, Error> {
    let any = sqlx::query_scalar!(
        r#"select exists (select from judgements_due where integration_id <> all($1)) as "any!""#,
        skip
    );
    Ok(any.fetch_one(conn).await?)
}

/// Once a day everything is judged anew, since days pass, and of one in 28 what the last judgement came to is forgotten:
/// within four weeks all violations and scores are compared with what is found, whatever happened to them outside of
/// Muster. `true` where this call began the day.
pub async fn begin_day(conn: &mut PgConnection, today: NaiveDate) -> Result<bool, Error> {
    let begun = sqlx::query_scalar!(
        "update installation i set judged_on = $1 from (select judged_on from installation) before
         where i.judged_on is distinct from $1 returning before.judged_on",
        today
    );
    let Some(before) = begun.fetch_optional(&mut *conn).await? else { return Ok(false) };
    // Also those whose turn came on a day without a beginning.
    let missed = before.map_or(1, |before| (today - before).num_days()).clamp(1, 28);
    let days = i64::from(today.num_days_from_ce());
    let turns: Vec<i32> = (0..missed).filter_map(|n| i32::try_from((days - n).rem_euclid(28)).ok()).collect();
    sqlx::query!("delete from judgements where get_byte(uuid_send(integration_id), 15) % 28 = any($1)", &turns)
        .execute(&mut *conn)
        .await?;
    sqlx::query!("insert into judgements_due (integration_id) select id from integrations where state <> 'retired'")
        .execute(conn)
        .await?;
    Ok(true)
}

/// The day on which everything was judged last.
pub async fn judged_on(conn: &mut PgConnection) -> Result<Option<NaiveDate>, Error> {
    Ok(sqlx::query_scalar!("select judged_on from installation").fetch_one(conn).await?)
}

/// All integrations that run or are proposed, by id.
pub async fn all(conn: &mut PgConnection) -> Result<Vec<Uuid>, Error> {
    Ok(sqlx::query_scalar!("select id from integrations where state <> 'retired' order by id").fetch_all(conn).await?)
}
