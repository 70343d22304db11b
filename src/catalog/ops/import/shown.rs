//! A plan as people see it, before and after it is carried out.

use serde_json::{Value, json};

use super::{
    ApplyOutcome, PlannedRecord,
    plan::{Plan, Step},
};
use crate::audit::{Change, Record, diff};

impl Plan {
    /// The plan as people see it.
    pub fn records(&self) -> Vec<PlannedRecord> {
        let vendor = &self.vendor.record().content;
        let api = &self.api.record().content;
        let version = self.version.record();
        vec![
            planned("vendor", &self.vendor, &vendor.name, &vendor.slug),
            planned("api", &self.api, &api.name, &api.slug),
            planned("api_version", &self.version, &version.content.label, &version.slug),
        ]
    }

    /// What applying the plan does.
    pub fn outcome(&self) -> ApplyOutcome {
        let records = self.records();
        let (api, version) = (self.api.record(), self.version.record());
        ApplyOutcome {
            changed: records.iter().any(|record| record.action != "unchanged"),
            vendor_id: self.vendor.record().id,
            api_id: api.id,
            api_slug: api.content.slug.clone(),
            version_id: version.id,
            version_slug: version.slug.clone(),
            records,
        }
    }
}

/// Fields that say nothing to a person.
const SILENT: [&str; 7] = ["id", "revision", "created_at", "updated_at", "api_id", "vendor_id", "edited_by"];

fn planned<R: Record>(kind: &str, step: &Step<R>, name: &str, slug: &str) -> PlannedRecord {
    let (action, changes) = match step {
        Step::Create(record) => ("create", diff(&json!({}), &record.body())),
        Step::Update { before, after } => ("update", diff(&before.body(), &after.body())),
        Step::Keep(_) => ("unchanged", Vec::new()),
    };
    let quiet = |field: &str| SILENT.contains(&field) || field.starts_with("imported");
    let empty = |value: &Value| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
    let says = |change: &Change| !empty(&change.before) || !empty(&change.after);
    PlannedRecord {
        kind: kind.to_owned(),
        action: action.to_owned(),
        name: name.to_owned(),
        slug: slug.to_owned(),
        changes: changes.into_iter().filter(|change| !quiet(&change.field) && says(change)).collect(),
    }
}
