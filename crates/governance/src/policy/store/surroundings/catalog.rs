//! Systems, APIs, vendors and versions, as facts.

use std::collections::HashMap;

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use super::Of;
use crate::policy::{ApiFacts, CertificationFacts, SubProcessorFacts, SystemFacts, VendorFacts, VersionFacts};
use base::error::Error;

/// An API, and whose it is.
pub struct Api {
    pub facts: ApiFacts,
    pub vendor: Uuid,
}

pub async fn systems(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Of<SystemFacts>, Error> {
    let rows = sqlx::query!("select id, slug, name, kind from systems where id = any($1)", ids);
    let rows = rows.fetch_all(conn).await?.into_iter();
    Ok(rows.map(|row| (row.id, SystemFacts { slug: row.slug, name: row.name, kind: row.kind })).collect())
}

pub async fn apis(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Of<Api>, Error> {
    let rows = sqlx::query!(
        r#"select id, vendor_id, slug, name, protocol, lifecycle, auth_methods, tls_minimum, documentation_url,
                  verified_at is not null as "verified!", data_sensitivity
           from apis where id = any($1)"#,
        ids
    );
    let rows = rows.fetch_all(conn).await?.into_iter().map(|row| {
        let facts = ApiFacts {
            slug: row.slug,
            name: row.name,
            protocol: row.protocol,
            lifecycle: row.lifecycle,
            auth_methods: row.auth_methods,
            tls_minimum: row.tls_minimum,
            documentation_url: row.documentation_url,
            verified: row.verified,
            data_sensitivity: row.data_sensitivity,
        };
        (row.id, Api { facts, vendor: row.vendor_id })
    });
    Ok(rows.collect())
}

pub async fn vendors(conn: &mut PgConnection, ids: &[Uuid], today: NaiveDate) -> Result<Of<VendorFacts>, Error> {
    let rows = sqlx::query!(
        r#"select id, slug, name, country, tier::bigint as tier, verified_at is not null as "verified!", locations,
                  dpa_status, (dpa_expires_on - $2::date)::bigint as dpa_expires_in_days, security_contact,
                  incident_contact, status_page
           from vendors where id = any($1)"#,
        ids,
        today
    );
    let rows = rows.fetch_all(&mut *conn).await?.into_iter().map(|row| {
        let facts = VendorFacts {
            slug: row.slug,
            name: row.name,
            country: row.country,
            tier: row.tier,
            verified: row.verified,
            locations: row.locations,
            dpa_status: row.dpa_status,
            dpa_expires_in_days: row.dpa_expires_in_days,
            certifications: Vec::new(),
            sub_processors: Vec::new(),
            security_contact: row.security_contact,
            incident_contact: row.incident_contact,
            status_page: row.status_page,
        };
        (row.id, facts)
    });
    let mut all: Of<VendorFacts> = rows.collect();
    let rows = sqlx::query!(
        r#"select c.vendor_id, c.name, (c.expires_on - $2::date)::bigint as expires_in_days,
                  (c.evidence_url is not null or exists (select from evidence w
                      where w.vendor_id = c.vendor_id and w.certification = c.name and w.state = 'active'
                        and (w.valid_until is null or w.valid_until >= $2::date))) as "has_evidence!"
           from vendor_certifications c where c.vendor_id = any($1) order by c.position"#,
        ids,
        today
    );
    for row in rows.fetch_all(&mut *conn).await? {
        let facts =
            CertificationFacts { name: row.name, expires_in_days: row.expires_in_days, has_evidence: row.has_evidence };
        all.entry(row.vendor_id).and_modify(|vendor| vendor.certifications.push(facts));
    }
    let rows = sqlx::query!(
        "select vendor_id, name, country from vendor_sub_processors where vendor_id = any($1) order by position",
        ids
    );
    for row in rows.fetch_all(conn).await? {
        let facts = SubProcessorFacts { name: row.name, country: row.country };
        all.entry(row.vendor_id).and_modify(|vendor| vendor.sub_processors.push(facts));
    }
    Ok(all)
}

pub async fn versions(conn: &mut PgConnection, ids: &[Uuid], today: NaiveDate) -> Result<Of<VersionFacts>, Error> {
    if ids.is_empty() {
        return Ok(Of::new());
    }
    let rows = sqlx::query!(
        r#"select x.id, x.label, x.lifecycle, x.id is not distinct from a.current_version_id as "is_current!",
                  x.document_sha256 is not null as "has_document!", (x.sunset_on - $2::date)::bigint as sunset_in_days,
                  (select count(*) from api_scopes o where o.version_id = x.id) as "scopes_offered!"
           from api_versions x join apis a on a.id = x.api_id where x.id = any($1)"#,
        ids,
        today
    );
    let rows = rows.fetch_all(conn).await?.into_iter().map(|row| {
        let facts = VersionFacts {
            label: row.label,
            lifecycle: row.lifecycle,
            is_current: row.is_current,
            has_document: row.has_document,
            sunset_in_days: row.sunset_in_days,
            scopes_offered: row.scopes_offered,
        };
        (row.id, facts)
    });
    Ok(rows.collect())
}

/// The scopes that versions offer; where two schemes offer one of the same name, the first in the document speaks.
pub async fn offered(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Of<HashMap<String, Option<String>>>, Error> {
    let mut all: Of<HashMap<String, Option<String>>> = Of::new();
    if ids.is_empty() {
        return Ok(all);
    }
    let rows = sqlx::query!(
        "select version_id, name, description from api_scopes where version_id = any($1) order by position",
        ids
    );
    for row in rows.fetch_all(conn).await? {
        all.entry(row.version_id).or_default().entry(row.name).or_insert(row.description);
    }
    Ok(all)
}
