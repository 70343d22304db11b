//! Taking a backup beside a running server, checking one, and restoring one into an empty data directory.

use std::path::Path;

use anyhow::{Context, bail};
use data_encoding::HEXLOWER;
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};

use super::{
    DecryptionKey, Encryption,
    archive::{Archive, CONFIGURATION, PEPPER, Writer},
    manifest::{Entry, FORMAT, Manifest, Object, Table},
    store::{self, Columns},
};
use base::{
    app::App,
    audit::Event,
    db::{local::Managed, migrate},
    error::Error,
};
use identity::{Actor, Permission};

/// What became of a backup.
#[derive(Debug, Clone, Serialize)]
pub struct Taken {
    /// SHA-256 of the file in hexadecimal.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
    /// Rows of all tables.
    pub rows: u64,
    /// What it contains.
    pub manifest: Manifest,
}

/// Writes the database as it is at this moment, the pepper and the configuration to `target`. `app_role` connects as
/// the application, which may read everything; the register stays writable. Records the file's digest.
pub async fn back_up(
    app: &App,
    actor: &Actor,
    app_role: &PgConnectOptions,
    target: &Path,
    encryption: Option<&Encryption>,
) -> anyhow::Result<Taken> {
    actor.require(Permission::ManageSettings)?;
    let mut file = Writer::create(target, encryption)?;
    let mut conn = PgConnection::connect_with(app_role).await?;
    let here = store::tables(&mut conn).await?;
    let standing = store::begin_snapshot(&mut conn, &here).await?;
    if store::tables(&mut conn).await? != here {
        bail!("the database was just being migrated: try again");
    }
    let mut tables = Vec::new();
    for columns in here.into_iter().filter(|table| !store::LEFT_OUT.contains(&table.table.as_str())) {
        file.begin(&format!("tables/{}.copy", columns.table))?;
        let rows = store::copy_out(&mut conn, &columns, |piece| file.write(piece)).await?;
        tables.push(Table { table: columns.table, columns: columns.columns, rows, entry: file.end()? });
    }
    let mut objects = Vec::new();
    for oid in store::objects(&mut conn).await? {
        file.begin(&format!("objects/{oid}"))?;
        store::read_object(&mut conn, oid, |piece| file.write(piece)).await?;
        objects.push(Object { oid, entry: file.end()? });
    }
    // Counters are outside of the snapshot: they stand at least where its rows need them.
    let counters = store::counters(&mut conn).await?;
    store::end(&mut conn).await?;
    conn.close().await?;
    let pepper = std::fs::read(&app.config.pepper_file)
        .with_context(|| format!("cannot read the pepper in {}", app.config.pepper_file.display()))?;
    let files = vec![file.entry(PEPPER, &pepper)?, file.entry(CONFIGURATION, app.config.given.as_bytes())?];
    let rows = tables.iter().map(|table| table.rows).sum();
    let manifest = Manifest {
        format: FORMAT,
        muster: env!("CARGO_PKG_VERSION").into(),
        taken_at: standing.taken_at,
        schema: standing.schema,
        organisation: standing.organisation,
        position: standing.position,
        tables,
        counters,
        objects,
        files,
    };
    let finished = file.finish(&manifest)?;
    let detail = json!({
        "sha256": finished.sha256, "position": manifest.position, "taken_at": manifest.taken_at,
        "encrypted": encryption.is_some(),
    });
    let tx = app.db.write(actor).await?;
    let event = Event::happened("register.backed_up", "settings", None, detail);
    tx.record(event).await?.commit().await?;
    Ok(Taken { sha256: finished.sha256, bytes: finished.bytes, rows, manifest })
}

/// Opens a backup and reads all of it: what is damaged, cannot be decrypted, or was made by a newer Muster is refused
/// before anything is written anywhere.
pub fn check(source: &Path, key: Option<&DecryptionKey>) -> anyhow::Result<Archive> {
    let mut archive = Archive::open(source, key)?;
    let (schema, known) = (archive.manifest().schema, migrate::expected_version());
    if schema > known {
        bail!(
            "the backup has schema version {schema}, this Muster knows {known}: restore it with Muster {} or newer",
            archive.manifest().muster
        );
    }
    archive.verify()?;
    Ok(archive)
}

/// Refuses where another pepper than that of the backup lies already.
pub fn check_pepper(archive: &mut Archive, target: &Path) -> anyhow::Result<()> {
    if target.exists() && std::fs::read(target)? != archive.file(PEPPER)? {
        bail!(
            "{} holds another pepper than the backup: move it away, or name another file with --pepper-file",
            target.display()
        );
    }
    Ok(())
}

/// Puts the pepper in its place.
pub fn restore_pepper(archive: &mut Archive, target: &Path) -> anyhow::Result<()> {
    if let Some(dir) = target.parent() {
        std::fs::create_dir_all(dir)?;
    }
    base::files::write_private(target, &archive.file(PEPPER)?)
}

/// The configuration that the backup was taken with, as a TOML file; empty where there was none.
pub fn configuration(archive: &mut Archive) -> anyhow::Result<Vec<u8>> {
    archive.file(CONFIGURATION)
}

/// Loads the tables into a new database: the schema is brought to the version of the backup, the rows are loaded in
/// one transaction and compared with the backup's digests, then the schema is brought up to date.
pub async fn load(managed: &Managed, archive: &mut Archive) -> anyhow::Result<()> {
    let manifest = archive.manifest().clone();
    let owner = managed.owner();
    migrate::run_to(&owner, manifest.schema).await?;
    let mut conn = PgConnection::connect_with(&managed.superuser_of_register()).await?;
    let here = store::tables(&mut conn).await?;
    refuse_other_tables(&manifest, &here)?;
    store::begin_restore(&mut conn, &here).await?;
    for table in &manifest.tables {
        let mut rows = archive.read(&table.entry)?;
        let loaded = store::copy_in(&mut conn, &columns_of(table), &mut rows)
            .await
            .with_context(|| format!("loading {}", table.table))?;
        rows.finish()?;
        if loaded != table.rows {
            bail!("{} has {loaded} rows, the backup says {}", table.table, table.rows);
        }
    }
    store::act_as(&mut conn, Some(managed.app().get_username())).await?;
    for object in &manifest.objects {
        let mut bytes = archive.read(&object.entry)?;
        store::write_object(&mut conn, object.oid, &mut bytes).await?;
        bytes.finish()?;
    }
    store::act_as(&mut conn, None).await?;
    for counter in &manifest.counters {
        store::set_counter(&mut conn, counter).await?;
    }
    compare(&mut conn, &manifest).await?;
    store::end(&mut conn).await?;
    conn.close().await?;
    migrate::run(&owner, managed.app().get_username()).await?;
    Ok(())
}

/// The tables have to be those of the schema. Of what backups leave out today, an older one may hold something.
fn refuse_other_tables(manifest: &Manifest, here: &[Columns]) -> anyhow::Result<()> {
    let there: Vec<Columns> = manifest.tables.iter().map(columns_of).collect();
    if let Some(other) = there.iter().find(|table| !here.contains(table)) {
        bail!("the backup's table {} does not fit schema version {}", other.table, manifest.schema);
    }
    let lacks = |table: &&Columns| !store::LEFT_OUT.contains(&table.table.as_str()) && !there.contains(table);
    if let Some(missing) = here.iter().find(lacks) {
        bail!("the backup lacks the table {} of schema version {}", missing.table, manifest.schema);
    }
    Ok(())
}

/// Reads everything out again: what the database now holds has to be what the backup holds.
async fn compare(conn: &mut PgConnection, manifest: &Manifest) -> anyhow::Result<()> {
    for table in &manifest.tables {
        let mut sum = Sum::default();
        store::copy_out(conn, &columns_of(table), |piece| sum.take(piece)).await?;
        sum.require(&table.entry)?;
    }
    for object in &manifest.objects {
        let mut sum = Sum::default();
        store::read_object(conn, object.oid, |piece| sum.take(piece)).await?;
        sum.require(&object.entry)?;
    }
    Ok(())
}

/// The digest of what was read, piece by piece.
#[derive(Default)]
struct Sum {
    digest: Sha256,
    bytes: u64,
}

impl Sum {
    #[expect(clippy::unnecessary_wraps, reason = "the readers hand pieces to what may fail")]
    fn take(&mut self, piece: &[u8]) -> anyhow::Result<()> {
        self.digest.update(piece);
        self.bytes += piece.len() as u64;
        Ok(())
    }

    fn require(self, entry: &Entry) -> anyhow::Result<()> {
        if self.bytes != entry.bytes || HEXLOWER.encode(&self.digest.finalize()) != entry.sha256 {
            bail!("{} differs from the backup after loading", entry.name);
        }
        Ok(())
    }
}

/// Finishes a restore on the loaded database: what was still without a position gets one, and the restore is recorded.
pub async fn settle(app: &App, actor: &Actor, manifest: &Manifest) -> Result<(), Error> {
    actor.require(Permission::ManageSettings)?;
    // Transaction ids of the old server mean nothing here, and everything that was copied had been committed.
    base::audit::ops::sequence_all(app).await?;
    let detail = json!({
        "taken_at": manifest.taken_at, "position": manifest.position, "muster": manifest.muster,
    });
    let tx = app.db.write(actor).await?;
    tx.record(Event::happened("register.restored", "settings", None, detail)).await?.commit().await
}

fn columns_of(table: &Table) -> Columns {
    Columns { table: table.table.clone(), columns: table.columns.clone() }
}
