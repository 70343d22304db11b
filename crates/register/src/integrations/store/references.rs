//! The records that a content names: all of them in one statement.

use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use crate::catalog::{Sensitivity, SystemKind};
use base::{error::Error, text};

/// What a content names: the kind of record, its key, and the API's key for a version.
#[derive(Debug, Clone)]
pub struct Name {
    pub kind: &'static str,
    pub key: String,
    pub parent: String,
}

/// What else is to know of a record that was found.
#[derive(Debug, Clone, Default, serde::Deserialize)]
pub struct Extra {
    pub kind: Option<SystemKind>,
    pub team: Option<Uuid>,
    pub vendor: Option<Uuid>,
    pub vendor_name: Option<String>,
    pub sensitivity: Option<Sensitivity>,
}

/// A record behind a name. Rank 3 means that only its name matched.
#[derive(Debug, Clone)]
pub struct Found {
    pub n: i64,
    pub rank: i32,
    pub id: Uuid,
    pub slug: String,
    pub name: String,
    pub state: String,
    pub extra: Extra,
}

/// The records behind the names, at most two for each, the best first.
#[allow(clippy::too_many_lines, reason = "one statement with its columns")]
pub async fn find(conn: &mut PgConnection, names: &[Name]) -> Result<Vec<Found>, Error> {
    let kinds: Vec<String> = names.iter().map(|name| name.kind.to_owned()).collect();
    let keys: Vec<String> = names.iter().map(|name| name.key.clone()).collect();
    let parents: Vec<String> = names.iter().map(|name| name.parent.clone()).collect();
    let folded: Vec<String> = names.iter().map(|name| text::sort_key(&name.key)).collect();
    let ids: Vec<Option<Uuid>> = names.iter().map(|name| Uuid::parse_str(&name.key).ok()).collect();
    let rows = sqlx::query!(
        r#"select k.n as "n!", r.rank as "rank!", r.id as "id!", r.slug as "slug!", r.name as "name!",
                  r.state as "state!", r.extra as "extra!: Json<Extra>"
           from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::uuid[]) with ordinality
                as k(kind, key, parent, folded, id, n)
           left join slug_history h on h.kind = k.kind and h.slug = k.key
           cross join lateral (
               select x.* from (
                   select case when s.slug = k.key then 0 when s.id = k.id then 1 when s.id = h.record_id then 2 else 3 end as rank,
                          s.id, s.slug, s.name, s.state, jsonb_build_object('kind', s.kind, 'team', s.team_id) as extra
                   from systems s
                   where k.kind = 'system' and (s.slug = k.key or s.id = k.id or s.id = h.record_id or s.sort_key = k.folded)
                   union all
                   select case when a.slug = k.key then 0 when a.id = k.id then 1 when a.id = h.record_id then 2 else 3 end,
                          a.id, a.slug, a.name, a.state,
                          jsonb_build_object('vendor', a.vendor_id, 'vendor_name', (select v.name from vendors v where v.id = a.vendor_id))
                   from apis a
                   where k.kind = 'api' and (a.slug = k.key or a.id = k.id or a.id = h.record_id or a.sort_key = k.folded)
                   union all
                   select case when v.slug = k.key then 0 when v.id = k.id then 1 when v.label = k.key then 1 else 3 end,
                          v.id, v.slug, v.label, 'active', '{}'::jsonb
                   from api_versions v
                   where k.kind = 'version' and (v.slug = k.key or v.id = k.id or v.label = k.key)
                     and v.api_id in (select a.id from apis a
                         where a.slug = k.parent or a.id::text = k.parent or a.name = k.parent
                            or a.id = (select hh.record_id from slug_history hh where hh.kind = 'api' and hh.slug = k.parent))
                   union all
                   select case when t.slug = k.key then 0 when t.id = k.id then 1 when t.id = h.record_id then 2 else 3 end,
                          t.id, t.slug, t.name, t.state, '{}'::jsonb
                   from teams t
                   where k.kind = 'team' and (t.slug = k.key or t.id = k.id or t.id = h.record_id or t.sort_key = k.folded)
                   union all
                   select case when v.slug = k.key then 0 when v.id = k.id then 1 when v.id = h.record_id then 2 else 3 end,
                          v.id, v.slug, v.name, v.state, '{}'::jsonb
                   from vendors v
                   where k.kind = 'vendor' and (v.slug = k.key or v.id = k.id or v.id = h.record_id or v.sort_key = k.folded)
                   union all
                   select case when d.key = k.key then 0 when d.id = k.id then 1 else 3 end,
                          d.id, d.key, d.name, d.state, jsonb_build_object('sensitivity', d.sensitivity)
                   from data_classes d
                   where k.kind = 'data_class' and (d.key = k.key or d.id = k.id or d.sort_key = k.folded)
                   union all
                   select case when i.slug = k.key then 0 when i.id = k.id then 1 when i.id = h.record_id then 2 else 3 end,
                          i.id, i.slug, i.name, i.state, jsonb_build_object('team', i.business_owner_id)
                   from integrations i
                   where k.kind = 'integration' and (i.slug = k.key or i.id = k.id or i.id = h.record_id or i.sort_key = k.folded)
               ) x order by x.rank, x.id limit 2
           ) r
           order by k.n, r.rank, r.id"#,
        &kinds,
        &keys,
        &parents,
        &folded,
        &ids as &[Option<Uuid>],
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Found {
            n: row.n,
            rank: row.rank,
            id: row.id,
            slug: row.slug,
            name: row.name,
            state: row.state,
            extra: row.extra.0,
        })
        .collect())
}
