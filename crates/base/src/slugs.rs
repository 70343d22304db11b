//! Slugs may change; the old one keeps leading to its record.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::{db::Lock, error::Error, text};

/// Remembers that `slug` was the record's.
pub async fn remember(conn: &mut PgConnection, kind: &str, slug: &str, id: Uuid) -> Result<(), Error> {
    sqlx::query!(
        "insert into slug_history (kind, slug, record_id) values ($1, $2, $3)
         on conflict (kind, slug) do update set record_id = excluded.record_id",
        kind,
        slug,
        id
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Numbers the slug that was made from a name without a letter or digit of the Latin script, since others have it as
/// well: `vendor`, `vendor-2`. One that was written, or made from the name, stays as it is.
pub async fn number(
    conn: &mut PgConnection,
    kind: &str,
    name: &str,
    (made, slug): (&str, &mut String),
) -> Result<(), Error> {
    if slug != made || !text::slug(name, "").is_empty() {
        return Ok(());
    }
    // Two at once get two numbers.
    Lock::Slugs(kind).take(conn).await?;
    let taken = sqlx::query_scalar!(
        r#"select slug as "slug!" from (
               select 'vendor' as kind, slug from vendors
               union all select 'api', slug from apis
               union all select 'system', slug from systems
               union all select 'integration', slug from integrations
               union all select 'credential', slug from credentials
               union all select 'team', slug from teams
               union all select 'review_group', slug from review_groups
               union all select 'service_account', slug from service_accounts
               union all select kind, slug from slug_history) all_of_them
           where kind = $1 and (slug = $2 or slug ~ ('^' || $2 || '-[0-9]+$'))"#,
        kind,
        made
    );
    *slug = first_free(made, &taken.fetch_all(conn).await?);
    Ok(())
}

/// The first of `slug`, `slug-2`, … that is not taken.
pub fn first_free(slug: &str, taken: &[String]) -> String {
    let free = |candidate: &String| !taken.contains(candidate);
    let first = slug.to_owned();
    if free(&first) {
        return first;
    }
    // Room for the number within the 80 characters of a slug.
    let base = text::clip(slug, 72).trim_end_matches('-');
    (2..=taken.len() + 2).map(|n| format!("{base}-{n}")).find(free).unwrap_or(first)
}

/// Makes every slug that leads to one record lead to another, `slug` among them; the slugs.
pub async fn redirect(
    conn: &mut PgConnection,
    kind: &str,
    slug: &str,
    (from, to): (Uuid, Uuid),
) -> Result<Vec<String>, Error> {
    remember(conn, kind, slug, to).await?;
    let moved = sqlx::query_scalar!(
        "update slug_history set record_id = $3 where kind = $1 and record_id = $2 returning slug",
        kind,
        from,
        to
    );
    let mut slugs = moved.fetch_all(conn).await?;
    slugs.push(slug.to_owned());
    Ok(slugs)
}

/// Makes slugs lead from one record to another, those alone that still lead to the former.
pub async fn redirect_back(
    conn: &mut PgConnection,
    kind: &str,
    slugs: &[String],
    (from, to): (Uuid, Uuid),
) -> Result<(), Error> {
    sqlx::query!(
        "update slug_history set record_id = $4 where kind = $1 and record_id = $3 and slug = any($2)",
        kind,
        slugs,
        from,
        to
    )
    .execute(conn)
    .await?;
    Ok(())
}
