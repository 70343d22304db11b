//! References from records of one kind to another, which a merge changes. Each feature names its own tables here.

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

use crate::error::Error;

/// A column that refers to a record, in a table whose rows have a revision and `updated_at`.
#[derive(Clone, Copy, Debug)]
pub struct Reference {
    /// The table.
    pub table: &'static str,
    /// The column with the id of the record that is referred to.
    pub column: &'static str,
}

impl Reference {
    /// The ids of the rows that refer to a record, in order and locked: `only` these, all where absent.
    pub async fn holders(self, conn: &mut PgConnection, to: Uuid, only: Option<&[Uuid]>) -> Result<Vec<Uuid>, Error> {
        let Self { table, column } = self;
        let sql = format!(
            "select id from {table} where {column} = $1 and ($2::uuid[] is null or id = any($2)) order by id for update"
        );
        Ok(sqlx::query_scalar(AssertSqlSafe(sql)).bind(to).bind(only).fetch_all(conn).await?)
    }

    /// Makes rows refer to another record, each as a new revision.
    pub async fn repoint(
        self,
        conn: &mut PgConnection,
        ids: &[Uuid],
        to: Uuid,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        let Self { table, column } = self;
        let sql =
            format!("update {table} set {column} = $2, revision = revision + 1, updated_at = $3 where id = any($1)");
        sqlx::query(AssertSqlSafe(sql)).bind(ids).bind(to).bind(now).execute(conn).await?;
        Ok(())
    }
}

/// A table of what records depend on: a vendor or an API at each position.
#[derive(Clone, Copy, Debug)]
pub struct Dependencies {
    /// The table.
    pub table: &'static str,
    /// Its column with the record that depends.
    pub owner: &'static str,
    /// The table of those records.
    pub records: &'static str,
}

impl Dependencies {
    /// The records that depend on a vendor or an API, in order and locked.
    pub async fn holders(self, conn: &mut PgConnection, on: Uuid, only: Option<&[Uuid]>) -> Result<Vec<Uuid>, Error> {
        let Self { table, owner, records } = self;
        let sql = format!(
            "select id from {records} where id in (select {owner} from {table}
                 where upstream_vendor_id = $1 or upstream_api_id = $1)
               and ($2::uuid[] is null or id = any($2)) order by id for update"
        );
        Ok(sqlx::query_scalar(AssertSqlSafe(sql)).bind(on).bind(only).fetch_all(conn).await?)
    }

    /// Makes records depend on `to` instead of `from`, each as a new revision. Where a record depends on `to` already, or
    /// is `to`, the dependency goes; those that went, by record and position. `back` are dependencies on `to` that went
    /// when it was the other way around: they come back.
    pub async fn repoint(
        self,
        conn: &mut PgConnection,
        ids: &[Uuid],
        (from, to): (Uuid, Uuid),
        back: &[(Uuid, i32)],
        now: DateTime<Utc>,
    ) -> Result<Vec<(Uuid, i32)>, Error> {
        let Self { table, owner, records } = self;
        let (restored, positions): (Vec<Uuid>, Vec<i32>) = back.iter().copied().unzip();
        let moving: Vec<Uuid> = ids.iter().filter(|id| !restored.contains(id)).copied().collect();
        let drop = format!(
            "delete from {table} u where u.{owner} = any($1) and (u.upstream_vendor_id = $2 or u.upstream_api_id = $2)
                 and (u.{owner} = $3 or exists (select from {table} o where o.{owner} = u.{owner}
                     and (o.upstream_vendor_id = $3 or o.upstream_api_id = $3)))
             returning u.{owner}, u.position"
        );
        let dropped: Vec<(Uuid, i32)> =
            sqlx::query_as(AssertSqlSafe(drop)).bind(&moving).bind(from).bind(to).fetch_all(&mut *conn).await?;
        let restore = format!(
            "insert into {table} ({owner}, position, upstream_vendor_id, upstream_api_id)
             select x.id, x.position, (select v.id from vendors v where v.id = $3), (select a.id from apis a where a.id = $3)
             from unnest($1::uuid[], $2::int[]) x (id, position) on conflict do nothing"
        );
        sqlx::query(AssertSqlSafe(restore)).bind(&restored).bind(&positions).bind(to).execute(&mut *conn).await?;
        let change = format!(
            "update {table} set
                 upstream_vendor_id = case when upstream_vendor_id = $2 then $3 else upstream_vendor_id end,
                 upstream_api_id = case when upstream_api_id = $2 then $3 else upstream_api_id end
             where {owner} = any($1) and (upstream_vendor_id = $2 or upstream_api_id = $2)"
        );
        sqlx::query(AssertSqlSafe(change)).bind(&moving).bind(from).bind(to).execute(&mut *conn).await?;
        let revise = format!("update {records} set revision = revision + 1, updated_at = $2 where id = any($1)");
        let all: Vec<Uuid> = moving.iter().chain(&restored).copied().collect();
        sqlx::query(AssertSqlSafe(revise)).bind(&all).bind(now).execute(conn).await?;
        Ok(dropped)
    }
}
