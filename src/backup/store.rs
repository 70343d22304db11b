//! The tables as a whole: copied out of one snapshot, and into an empty schema.

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use futures_util::TryStreamExt;
use sqlx::{AssertSqlSafe, PgConnection, postgres::types::Oid};

use super::{archive::Checked, manifest::Counter};

/// Tables whose rows stay behind: a restore signs no one in, and sends no e-mail that was sent since.
pub const LEFT_OUT: [&str; 6] =
    ["held_forms", "mails_due", "passkey_ceremonies", "sessions", "sign_in_flows", "sign_in_links"];

/// Bytes of a large object that are moved at once.
const OBJECT_PIECE: usize = 1 << 18;

/// A table and its columns.
#[derive(Debug, PartialEq, Eq)]
pub struct Columns {
    pub table: String,
    pub columns: Vec<String>,
}

/// The state of the register at the moment of a snapshot.
#[derive(Debug, sqlx::FromRow)]
pub struct Standing {
    pub taken_at: DateTime<Utc>,
    pub schema: i64,
    pub organisation: String,
    pub position: i64,
}

/// Starts a transaction that sees one moment of these tables, and writes values in one notation whatever the server's
/// settings are. A migration, which a snapshot would not be safe from, waits until it ends.
pub async fn begin_snapshot(conn: &mut PgConnection, tables: &[Columns]) -> anyhow::Result<Standing> {
    sqlx::raw_sql("begin isolation level repeatable read, read only").execute(&mut *conn).await?;
    let names: Vec<String> = tables.iter().map(|table| quoted(&table.table)).collect();
    let sql = format!("lock table {} in access share mode", names.join(", "));
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *conn).await?;
    set_notation(conn).await?;
    let sql = "select transaction_timestamp() as taken_at,
                      (select max(version) from _sqlx_migrations where success) as schema,
                      (select organisation from installation) as organisation,
                      (select coalesce(max(position), 0) from audit_positions) as position";
    Ok(sqlx::query_as(sql).fetch_one(conn).await?)
}

/// One notation of values, and rows in the order in which they lie.
async fn set_notation(conn: &mut PgConnection) -> anyhow::Result<()> {
    let sql = "set local timezone = 'UTC'; set local datestyle = 'ISO, YMD'; set local intervalstyle = 'postgres';
               set local bytea_output = 'hex'; set local extra_float_digits = 1; set local synchronize_seqscans = off;
               set local search_path = 'public'";
    sqlx::raw_sql(sql).execute(conn).await?;
    Ok(())
}

/// All tables with their columns in order; generated columns are left out, as they follow from the others.
pub async fn tables(conn: &mut PgConnection) -> anyhow::Result<Vec<Columns>> {
    let sql = "select c.relname::text as table, array_agg(a.attname::text order by a.attnum) as columns
               from pg_class c join pg_attribute a on a.attrelid = c.oid
               where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and c.relname <> '_sqlx_migrations'
                   and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
               group by c.relname order by c.relname";
    let rows: Vec<(String, Vec<String>)> = sqlx::query_as(sql).fetch_all(conn).await?;
    Ok(rows.into_iter().map(|(table, columns)| Columns { table, columns }).collect())
}

/// Where the counters of identity columns stand; those that never gave a number are left out.
pub async fn counters(conn: &mut PgConnection) -> anyhow::Result<Vec<Counter>> {
    let sql = "select c.relname::text, a.attname::text,
                   pg_sequence_last_value(pg_get_serial_sequence(quote_ident(c.relname), a.attname)::regclass) as last
               from pg_class c join pg_attribute a on a.attrelid = c.oid
               where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and a.attidentity <> ''
               order by 1, 2";
    let rows: Vec<(String, String, Option<i64>)> = sqlx::query_as(sql).fetch_all(conn).await?;
    let counter = |(table, column, last): (String, String, Option<i64>)| Some(Counter { table, column, last: last? });
    Ok(rows.into_iter().filter_map(counter).collect())
}

/// Hands the rows of a table to `take`, piece by piece, in `COPY` text format; how many there are.
pub async fn copy_out(
    conn: &mut PgConnection,
    table: &Columns,
    mut take: impl FnMut(&[u8]) -> anyhow::Result<()>,
) -> anyhow::Result<u64> {
    let statement = format!("copy {} to stdout", named(table));
    let mut stream = conn.copy_out_raw(&statement).await.with_context(|| table.table.clone())?;
    let mut rows = 0;
    while let Some(piece) = stream.try_next().await? {
        // A line break within a value is written as \n.
        rows += memchr::memchr_iter(b'\n', &piece).count() as u64;
        take(&piece)?;
    }
    Ok(rows)
}

/// The large objects by number.
pub async fn objects(conn: &mut PgConnection) -> anyhow::Result<Vec<u32>> {
    let oids: Vec<Oid> =
        sqlx::query_scalar("select oid from pg_largeobject_metadata order by oid").fetch_all(conn).await?;
    Ok(oids.into_iter().map(|oid| oid.0).collect())
}

/// Hands the bytes of a large object to `take`, piece by piece, as the snapshot sees them.
pub async fn read_object(
    conn: &mut PgConnection,
    oid: u32,
    mut take: impl FnMut(&[u8]) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    for offset in (0_i64..).step_by(OBJECT_PIECE) {
        let part: Vec<u8> = sqlx::query_scalar("select lo_get($1, $2, $3)")
            .bind(Oid(oid))
            .bind(offset)
            .bind(i32::try_from(OBJECT_PIECE)?)
            .fetch_one(&mut *conn)
            .await?;
        take(&part)?;
        if part.len() < OBJECT_PIECE {
            break;
        }
    }
    Ok(())
}

/// Acts as a role from here on, so that large objects belong to it; as itself again where there is none.
pub async fn act_as(conn: &mut PgConnection, role: Option<&str>) -> anyhow::Result<()> {
    let sql = role.map_or_else(|| "reset role".to_owned(), |role| format!("set local role {}", quoted(role)));
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(conn).await?;
    Ok(())
}

/// Makes a large object of that number.
pub async fn write_object(conn: &mut PgConnection, oid: u32, bytes: &mut Checked<'_>) -> anyhow::Result<()> {
    sqlx::query("select lo_create($1)").bind(Oid(oid)).execute(&mut *conn).await?;
    let (mut buffer, mut offset) = (vec![0; OBJECT_PIECE], 0_i64);
    loop {
        let count = bytes.read(&mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        sqlx::query("select lo_put($1, $2, $3)")
            .bind(Oid(oid))
            .bind(offset)
            .bind(&buffer[..count])
            .execute(&mut *conn)
            .await?;
        offset += i64::try_from(count)?;
    }
}

/// Ends the snapshot.
pub async fn end(conn: &mut PgConnection) -> anyhow::Result<()> {
    sqlx::raw_sql("commit").execute(conn).await?;
    Ok(())
}

/// Starts the transaction of a restore, as a superuser: no trigger fires in it, as the rows are those of a consistent
/// state, and what the migrations put into the tables goes.
pub async fn begin_restore(conn: &mut PgConnection, tables: &[Columns]) -> anyhow::Result<()> {
    sqlx::raw_sql("begin; set local session_replication_role = replica").execute(&mut *conn).await?;
    set_notation(conn).await?;
    let names: Vec<String> = tables.iter().map(|table| quoted(&table.table)).collect();
    let sql = format!("truncate {}", names.join(", "));
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(conn).await?;
    Ok(())
}

/// Loads the rows of a table; how many there were.
pub async fn copy_in(conn: &mut PgConnection, table: &Columns, rows: &mut Checked<'_>) -> anyhow::Result<u64> {
    let mut copy = conn.copy_in_raw(&format!("copy {} from stdin", named(table))).await?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        match rows.read(&mut buffer) {
            Ok(0) => return Ok(copy.finish().await?),
            Ok(count) => copy.send(&buffer[..count]).await?,
            Err(error) => {
                copy.abort("the backup is damaged").await?;
                return Err(error);
            }
        };
    }
}

/// Sets the counter of an identity column, which has to exist.
pub async fn set_counter(conn: &mut PgConnection, counter: &Counter) -> anyhow::Result<()> {
    let sql = "select setval(pg_get_serial_sequence(quote_ident($1), $2)::regclass, $3)";
    let set: Option<i64> =
        sqlx::query_scalar(sql).bind(&counter.table).bind(&counter.column).bind(counter.last).fetch_one(conn).await?;
    if set.is_none() {
        bail!("the schema has no counter for {}.{}", counter.table, counter.column);
    }
    Ok(())
}

fn named(table: &Columns) -> String {
    let columns: Vec<String> = table.columns.iter().map(|column| quoted(column)).collect();
    format!("{} ({})", quoted(&table.table), columns.join(", "))
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
