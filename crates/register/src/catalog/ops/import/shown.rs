//! A plan as people see it, before and after it is carried out.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::{
    ApplyOutcome, Delta, ImportSummary, PlannedRecord,
    plan::{Ask, Plan, Step},
};
use crate::catalog::VersionContent;
use base::audit::{Change, Record, diff};

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

    /// What the plan adds, removes and changes.
    pub fn summary(&self) -> ImportSummary {
        let none = VersionContent::default();
        let (before, after) = match &self.version {
            Step::Create(version) => (&none, &version.content),
            Step::Update { before, after } => (&before.content, &after.content),
            Step::Keep(version) => (&version.content, &version.content),
        };
        ImportSummary {
            operations: delta(&before.operations, &after.operations, |o| {
                (o.direction, o.method.clone(), o.path.clone())
            }),
            scopes: delta(&before.scopes, &after.scopes, |s| (s.scheme.clone(), s.name.clone())),
            endpoints: delta(&before.endpoints, &after.endpoints, |e| e.url.clone()),
        }
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
            summary: self.summary(),
            warnings: self.warnings.clone(),
            notes: Vec::new(),
        }
    }
}

impl Ask {
    /// The question with what to do about it.
    pub fn advice(&self) -> String {
        if self.candidates.is_empty() {
            return format!("{} Name the vendor.", self.reason);
        }
        let names: Vec<String> =
            self.candidates.iter().take(5).map(|one| format!("{} ({})", one.name, one.slug)).collect();
        format!("{} Name the one that is meant by its slug: {}.", self.reason, names.join(", "))
    }
}

fn delta<T: PartialEq, K: std::hash::Hash + Eq>(before: &[T], after: &[T], key: impl Fn(&T) -> K) -> Delta {
    let old: HashMap<K, &T> = before.iter().map(|part| (key(part), part)).collect();
    let (mut delta, mut kept) = (Delta::default(), 0);
    for part in after {
        match old.get(&key(part)) {
            None => delta.added += 1,
            Some(same) => {
                kept += 1;
                delta.changed += usize::from(*same != part);
            }
        }
    }
    delta.removed = old.len().saturating_sub(kept);
    delta
}

/// Fields that say nothing to a person.
const SILENT: [&str; 8] =
    ["id", "revision", "created_at", "updated_at", "api_id", "vendor_id", "edited_by", "merged_into_id"];

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
