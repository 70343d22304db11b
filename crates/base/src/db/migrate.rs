//! Brings the schema up to date as its owner, and gives the application role what it needs.

use anyhow::{Context, bail};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgConnection,
    migrate::Migrator,
    postgres::{PgConnectOptions, PgPoolOptions},
};

static MIGRATOR: Migrator = sqlx::migrate!("../../migrations");

/// Tables from which the application may delete: parts of aggregates, memberships, housekeeping.
const DELETABLE: &[&str] = &[
    "audit_pending",
    "idempotency_keys",
    "sessions",
    "import_uploads",
    "role_grants",
    "team_members",
    "review_group_members",
    "vendor_certifications",
    "vendor_sub_processors",
    "api_upstreams",
    "api_endpoints",
    "api_scopes",
    "api_operations",
    "slug_history",
    "integration_environments",
    "integration_upstreams",
    "data_flows",
    "scope_grants",
    "credential_uses",
    "request_stages",
    "form_drafts",
    "last_visits",
    "judgements_due",
    "judgements",
    "assessments_due",
    "mails_due",
    "sign_in_flows",
    "passkey_ceremonies",
    "held_forms",
    "sign_in_failures",
    "known_networks",
    "recovery_codes",
    "authenticator_apps",
    "provider_groups",
    "provider_group_members",
];
/// Tables that the application may only insert into and read.
const APPEND_ONLY: &[&str] = &[
    "audit_events",
    "audit_origins",
    "audit_positions",
    "record_versions",
    "documents",
    "version_documents",
    "credential_rotations",
    "request_participants",
    "request_decisions",
    "request_facts",
    "request_owners",
    "publication_versions",
    "risk_history",
    "past_owners",
    "owner_moves",
    "assessment_participants",
];

/// Runs what is missing. Two instances that start at once take turns: the migrator holds an
/// advisory lock. `app_role` gets its rights when it is not the owner.
pub async fn run(owner: &PgConnectOptions, app_role: &str) -> anyhow::Result<u64> {
    // A migration takes as long as it takes: its statements are not warned of as slow ones.
    let mut conn = super::connect::connect_patiently(&owner.clone().disable_statement_logging()).await?;
    // From the look to the last grant; the lock goes with the connection.
    let (class, key) = super::Lock::Migrations.keys();
    sqlx::query("select pg_advisory_lock($1, $2)").bind(class).bind(key).execute(&mut conn).await?;
    let before = applied(&mut conn).await;
    let latest = MIGRATOR.iter().map(|m| m.version).max().unwrap_or(0);
    if before == latest && is_granted(&mut conn, app_role).await {
        conn.close().await?;
        return Ok(0);
    }
    if before > latest {
        bail!(
            "the database has schema version {before}, this Muster knows {latest}: start the newer Muster that wrote it"
        );
    }
    let extensions = "select exists (select from pg_extension where extname = 'pg_trgm') \
        or has_database_privilege(current_database(), 'create')";
    if !sqlx::query_scalar::<_, bool>(extensions).fetch_one(&mut conn).await? {
        bail!(
            "the database role may not create the extension pg_trgm: run 'create extension pg_trgm' there as a superuser, or grant create on the database"
        );
    }
    MIGRATOR.run_direct(None, &mut conn, false).await.context("migrating the schema")?;
    grant(&mut conn, app_role).await.context("granting rights to the application role")?;
    conn.close().await?;
    Ok(u64::try_from(latest - before).unwrap_or(0))
}

/// Brings an empty database to the schema of a backup, which may be older than what this program needs.
pub async fn run_to(owner: &PgConnectOptions, version: i64) -> anyhow::Result<()> {
    if !MIGRATOR.iter().any(|migration| migration.version == version) {
        bail!("there is no schema version {version}");
    }
    let mut conn = super::connect::connect_patiently(&owner.clone().disable_statement_logging()).await?;
    MIGRATOR.run_direct(Some(version), &mut conn, false).await.context("migrating the schema")?;
    conn.close().await?;
    Ok(())
}

async fn applied(conn: &mut PgConnection) -> i64 {
    // Before the first migration the table does not exist, and that is version 0.
    sqlx::query_scalar("select coalesce(max(version), 0) from _sqlx_migrations where success")
        .fetch_one(conn)
        .await
        .unwrap_or(0)
}

/// Whether the role has what the last migration's grant gave it.
async fn is_granted(conn: &mut PgConnection, role: &str) -> bool {
    // Where the question fails, granting again does no harm.
    sqlx::query_scalar("select has_table_privilege($1, 'merges', 'insert')")
        .bind(role)
        .fetch_one(conn)
        .await
        .unwrap_or(false)
}

async fn grant(conn: &mut PgConnection, role: &str) -> anyhow::Result<()> {
    let owner: String = sqlx::query_scalar("select current_user::text").fetch_one(&mut *conn).await?;
    if owner == role {
        return Ok(());
    }
    let role = format!("\"{}\"", role.replace('"', "\"\""));
    let deletable = DELETABLE.join(", ");
    let append_only = APPEND_ONLY.join(", ");
    let sql = format!(
        "revoke all on all tables in schema public from {role};
         grant usage on schema public to {role};
         grant select, insert, update on all tables in schema public to {role};
         grant delete on {deletable} to {role};
         revoke update on {append_only} from {role};
         revoke insert, update on _sqlx_migrations from {role};
         grant usage on all sequences in schema public to {role};"
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(conn).await?;
    Ok(())
}

/// The schema version that this program needs.
pub fn expected_version() -> i64 {
    MIGRATOR.iter().map(|m| m.version).max().unwrap_or(0)
}

/// Whether the database answers and has that version.
pub async fn ready(db: &super::Db) -> Result<(), String> {
    let mut conn = db.read().await.map_err(|error| error.to_string())?;
    let version: i64 = sqlx::query_scalar("select coalesce(max(version), 0) from _sqlx_migrations where success")
        .fetch_one(&mut *conn)
        .await
        .map_err(|_| "the schema is missing".to_owned())?;
    let expected = expected_version();
    if version == expected { Ok(()) } else { Err(format!("schema version {version}, expected {expected}")) }
}

/// Whether `role` could rewrite the record: it owns the tables, or may update them.
pub async fn record_is_guarded(options: &PgConnectOptions) -> anyhow::Result<bool> {
    let pool = PgPoolOptions::new().max_connections(1).connect_with(options.clone()).await?;
    let open: bool = sqlx::query_scalar(
        "select has_table_privilege('audit_events', 'update') or has_table_privilege('audit_events', 'truncate')
         or pg_has_role((select relowner from pg_class where oid = 'audit_events'::regclass), 'usage')",
    )
    .fetch_one(&pool)
    .await?;
    pool.close().await;
    Ok(!open)
}
