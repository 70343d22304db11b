//! What is around integrations, for the facts. Each kind of thing is read in one statement, however many
//! integrations ask, and once, however many share it: a vendor with a hundred integrations is read as one.

mod catalog;
mod shared;

use std::collections::HashMap;

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::policy::{
    ApiFacts, AssessmentFacts, ConditionFacts, CredentialFacts, ExceptionFacts, OwnerFacts, OwnersFacts, SystemFacts,
    VendorFacts, VersionFacts,
};
use base::error::Error;

/// What an integration refers to, as it is in force or as it is proposed.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    pub integration: Uuid,
    pub system: Uuid,
    pub api: Uuid,
    pub version: Option<Uuid>,
    pub owners: [Option<Uuid>; 3],
}

/// Things by the id of what they belong to.
type Of<T> = HashMap<Uuid, T>;

/// What is around some integrations.
pub struct Surroundings {
    systems: Of<SystemFacts>,
    apis: Of<catalog::Api>,
    vendors: Of<VendorFacts>,
    versions: Of<VersionFacts>,
    /// What versions offer: scopes, with what the vendor says of them.
    offered: Of<HashMap<String, Option<String>>>,
    owners: Of<OwnerFacts>,
    credentials: Of<Vec<CredentialFacts>>,
    /// By vendor; what was concluded for one integration alone, with that.
    assessments: Of<Vec<(Option<Uuid>, AssessmentFacts)>>,
    exceptions: Of<Vec<ExceptionFacts>>,
    conditions: Of<Vec<ConditionFacts>>,
}

/// What is around one integration.
pub struct Around<'a> {
    pub system: &'a SystemFacts,
    pub vendor: &'a VendorFacts,
    pub api: &'a ApiFacts,
    pub version: Option<&'a VersionFacts>,
    pub offered: Option<&'a HashMap<String, Option<String>>>,
    pub owners: OwnersFacts,
    pub credentials: Vec<CredentialFacts>,
    pub assessments: Vec<AssessmentFacts>,
    pub exceptions: Vec<ExceptionFacts>,
    pub conditions: Vec<ConditionFacts>,
}

/// Distinct ids, in order.
fn distinct(ids: impl IntoIterator<Item = Uuid>) -> Vec<Uuid> {
    let mut all: Vec<Uuid> = ids.into_iter().collect();
    all.sort_unstable();
    all.dedup();
    all
}

impl Surroundings {
    /// Reads what is around these.
    pub async fn read(conn: &mut PgConnection, asked: &[Asked], today: NaiveDate) -> Result<Self, Error> {
        let integrations = distinct(asked.iter().map(|one| one.integration));
        let versions = distinct(asked.iter().filter_map(|one| one.version));
        let apis = catalog::apis(conn, &distinct(asked.iter().map(|one| one.api))).await?;
        let vendors = distinct(apis.values().map(|api| api.vendor));
        Ok(Self {
            systems: catalog::systems(conn, &distinct(asked.iter().map(|one| one.system))).await?,
            vendors: catalog::vendors(conn, &vendors, today).await?,
            versions: catalog::versions(conn, &versions, today).await?,
            offered: catalog::offered(conn, &versions).await?,
            owners: shared::owners(conn, &distinct(asked.iter().flat_map(|one| one.owners.into_iter().flatten())))
                .await?,
            credentials: shared::credentials(conn, &integrations, today).await?,
            assessments: shared::assessments(conn, &vendors, today).await?,
            exceptions: shared::exceptions(conn, &integrations, today).await?,
            conditions: shared::conditions(conn, &integrations, today).await?,
            apis,
        })
    }

    /// What is around one of them; none where its system, API or vendor is unknown. What belongs to it alone is
    /// handed over.
    pub fn around(&mut self, asked: &Asked) -> Option<Around<'_>> {
        let api = self.apis.get(&asked.api)?;
        let owner = |id: Option<Uuid>| self.owners.get(&id?).cloned();
        let mine = |of: &Option<Uuid>| of.is_none_or(|of| of == asked.integration);
        let assessments = self.assessments.get(&api.vendor).into_iter().flatten();
        Some(Around {
            system: self.systems.get(&asked.system)?,
            vendor: self.vendors.get(&api.vendor)?,
            api: &api.facts,
            version: asked.version.and_then(|id| self.versions.get(&id)),
            offered: asked.version.and_then(|id| self.offered.get(&id)),
            owners: OwnersFacts {
                business: owner(asked.owners[0]),
                technical: owner(asked.owners[1]),
                backup: owner(asked.owners[2]),
            },
            credentials: self.credentials.remove(&asked.integration).unwrap_or_default(),
            assessments: assessments.filter(|(of, _)| mine(of)).map(|(_, facts)| facts.clone()).collect(),
            exceptions: self.exceptions.remove(&asked.integration).unwrap_or_default(),
            conditions: self.conditions.remove(&asked.integration).unwrap_or_default(),
        })
    }
}

/// Sensitivity and regulations of data classes, by key.
pub async fn classes(
    conn: &mut PgConnection,
    keys: &[String],
) -> Result<HashMap<String, (String, Vec<String>)>, Error> {
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query!("select key, sensitivity, regulations from data_classes where key = any($1)", keys);
    let rows = rows.fetch_all(conn).await?;
    Ok(rows.into_iter().map(|row| (row.key, (row.sensitivity, row.regulations))).collect())
}

/// What integrations refer to, as they are in force.
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
