//! What is around integrations, for the facts: read in three statements, however many there are.

use std::collections::HashMap;

use chrono::NaiveDate;
use serde::Deserialize;
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use crate::{
    error::Error,
    policy::{
        ApiFacts, AssessmentFacts, ConditionFacts, CredentialFacts, ExceptionFacts, OwnerFacts, SystemFacts,
        VendorFacts, VersionFacts,
    },
};

/// What an integration refers to, as it is in force or as it is proposed.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    pub integration: Uuid,
    pub system: Uuid,
    pub api: Uuid,
    pub version: Option<Uuid>,
    pub owners: [Option<Uuid>; 3],
}

/// A scope that a version offers.
#[derive(Clone, Debug, Deserialize)]
pub struct Offered {
    pub name: String,
    pub description: Option<String>,
}

/// What is around one integration.
pub struct Around {
    pub integration: Uuid,
    pub system: Json<SystemFacts>,
    pub vendor: Json<VendorFacts>,
    pub api: Json<ApiFacts>,
    pub version: Option<Json<VersionFacts>>,
    pub owners: Json<HashMap<Uuid, OwnerFacts>>,
    pub offered: Json<Vec<Offered>>,
    pub credentials: Json<Vec<CredentialFacts>>,
    pub assessments: Json<Vec<AssessmentFacts>>,
    pub exceptions: Json<Vec<ExceptionFacts>>,
    pub conditions: Json<Vec<ConditionFacts>>,
}

/// What is around each of these, in no particular order.
#[allow(clippy::too_many_lines, reason = "one statement with its columns")]
pub async fn around(conn: &mut PgConnection, asked: &[Asked], today: NaiveDate) -> Result<Vec<Around>, Error> {
    let column = |id: fn(&Asked) -> Uuid| asked.iter().map(id).collect::<Vec<Uuid>>();
    let owner = |n: usize| asked.iter().map(|one| one.owners[n]).collect::<Vec<Option<Uuid>>>();
    let versions: Vec<Option<Uuid>> = asked.iter().map(|one| one.version).collect();
    let rows = sqlx::query_as!(
        Around,
        r#"with owned as materialized (
               select t.id, jsonb_build_object('slug', t.slug, 'active', t.state = 'active',
                    'members', (select count(*) from team_members m join people p on p.id = m.person_id
                                where m.team_id = t.id and p.state = 'active')) as facts
               from teams t where t.id = any($5) or t.id = any($6) or t.id = any($7)),
           owed as (
               select f.integration_id, jsonb_agg(jsonb_build_object('text', f.text, 'timing', f.timing,
                    'owner', o.slug, 'due_in_days', f.due_on - $8::date) order by f.due_on, f.id) as facts
               from conditions_in_force f join teams o on o.id = f.owner_id
               where f.integration_id = any($1) and f.met_at is null group by f.integration_id)
           select k.integration as "integration!",
               jsonb_build_object('slug', s.slug, 'name', s.name, 'kind', s.kind) as "system!: Json<SystemFacts>",
               jsonb_build_object('slug', v.slug, 'name', v.name, 'country', v.country, 'tier', v.tier,
                   'verified', v.verified_at is not null, 'locations', v.locations, 'dpa_status', v.dpa_status,
                   'dpa_expires_in_days', v.dpa_expires_on - $8::date,
                   'security_contact', v.security_contact, 'incident_contact', v.incident_contact,
                   'status_page', v.status_page,
                   'certifications', coalesce((select jsonb_agg(jsonb_build_object('name', c.name,
                        'expires_in_days', c.expires_on - $8::date, 'has_evidence', c.evidence_url is not null
                            or exists (select from evidence w where w.vendor_id = v.id and w.certification = c.name
                                and w.state = 'active' and (w.valid_until is null or w.valid_until >= $8::date)))
                        order by c.position) from vendor_certifications c where c.vendor_id = v.id), '[]'),
                   'sub_processors', coalesce((select jsonb_agg(jsonb_build_object('name', p.name,
                        'country', p.country) order by p.position)
                        from vendor_sub_processors p where p.vendor_id = v.id), '[]')) as "vendor!: Json<VendorFacts>",
               jsonb_build_object('slug', a.slug, 'name', a.name, 'protocol', a.protocol, 'lifecycle', a.lifecycle,
                   'auth_methods', a.auth_methods, 'tls_minimum', a.tls_minimum,
                   'documentation_url', a.documentation_url, 'verified', a.verified_at is not null,
                   'data_sensitivity', a.data_sensitivity) as "api!: Json<ApiFacts>",
               (select jsonb_build_object('label', x.label, 'lifecycle', x.lifecycle,
                    'is_current', x.id is not distinct from a.current_version_id,
                    'has_document', x.document_sha256 is not null, 'sunset_in_days', x.sunset_on - $8::date,
                    'scopes_offered', (select count(*) from api_scopes o where o.version_id = x.id))
                from api_versions x where x.id = k.version) as "version?: Json<VersionFacts>",
               coalesce((select jsonb_object_agg(t.id, t.facts) from owned t
                where t.id in (k.business, k.technical, k.backup)), '{}')
                   as "owners!: Json<HashMap<Uuid, OwnerFacts>>",
               coalesce((select jsonb_agg(jsonb_build_object('name', o.name, 'description', o.description))
                from api_scopes o where o.version_id = k.version), '[]') as "offered!: Json<Vec<Offered>>",
               coalesce((select jsonb_agg(jsonb_build_object('name', c.name, 'kind', c.kind,
                    'environment', c.environment, 'state', c.state,
                    'age_days', $8::date - coalesce(c.rotated_on, c.created_on),
                    'rotation_in_days', c.next_rotation_on - $8::date, 'expires_in_days', c.expires_on - $8::date,
                    'uses', (select count(*) from credential_uses y where y.credential_id = c.id),
                    'has_holder', c.holder_id is not null, 'has_vault_reference', c.vault_reference is not null,
                    'same_elsewhere', exists (select from credentials z where z.fingerprint = c.fingerprint
                        and z.id <> c.id and z.environment <> c.environment and z.state <> 'revoked'))
                    order by c.sort_key, c.id)
                from credential_uses u join credentials c on c.id = u.credential_id
                where u.integration_id = k.integration and c.state <> 'revoked'), '[]')
                   as "credentials!: Json<Vec<CredentialFacts>>",
               coalesce((select jsonb_agg(jsonb_build_object('questionnaire', q.key, 'conclusion', m.verdict,
                    'age_days', $8::date - our_day(m.concluded_at), 'valid_for_days', m.valid_until - $8::date,
                    'stale', m.state = 'stale', 'score', m.score, 'open_findings', (select count(*)
                        from assessment_findings f where f.assessment_id = m.id and f.state = 'open'))
                    order by m.concluded_at desc)
                from assessments m join publications q on q.id = m.questionnaire_id
                where m.vendor_id = v.id and m.state in ('concluded', 'stale')
                  and (m.integration_id is null or m.integration_id = k.integration)), '[]')
                   as "assessments!: Json<Vec<AssessmentFacts>>",
               coalesce((select jsonb_agg(jsonb_build_object('rule', r.key, 'ends_in_days', e.ends_on - $8::date)
                    order by r.key)
                from exceptions e join publications r on r.id = e.rule_id
                where e.integration_id = k.integration and e.state = 'granted' and e.ends_on >= $8), '[]')
                   as "exceptions!: Json<Vec<ExceptionFacts>>",
               coalesce(w.facts, '[]') as "conditions!: Json<Vec<ConditionFacts>>"
           from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[])
               k (integration, system, api, version, business, technical, backup)
           join systems s on s.id = k.system join apis a on a.id = k.api join vendors v on v.id = a.vendor_id
           left join owed w on w.integration_id = k.integration"#,
        &column(|one| one.integration),
        &column(|one| one.system),
        &column(|one| one.api),
        &versions as &[Option<Uuid>],
        &owner(0) as &[Option<Uuid>],
        &owner(1) as &[Option<Uuid>],
        &owner(2) as &[Option<Uuid>],
        today,
    );
    Ok(rows.fetch_all(conn).await?)
}

/// Sensitivity and regulations of data classes, by key.
pub async fn classes(
    conn: &mut PgConnection,
    keys: &[String],
) -> Result<HashMap<String, (String, Vec<String>)>, Error> {
    let rows = sqlx::query!("select key, sensitivity, regulations from data_classes where key = any($1)", keys);
    let rows = rows.fetch_all(conn).await?;
    Ok(rows.into_iter().map(|row| (row.key, (row.sensitivity, row.regulations))).collect())
}

/// The versions and owners that integrations refer to.
pub async fn asked(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Asked>, Error> {
    let rows = sqlx::query!(
        "select id, system_id, api_id, version_id, business_owner_id, technical_owner_id, backup_owner_id
         from integrations where id = any($1)",
        ids
    );
    let rows = rows.fetch_all(conn).await?;
    Ok(rows
        .into_iter()
        .map(|row| Asked {
            integration: row.id,
            system: row.system_id,
            api: row.api_id,
            version: row.version_id,
            owners: [row.business_owner_id, row.technical_owner_id, row.backup_owner_id],
        })
        .collect())
}
