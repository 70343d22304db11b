//! The verbs of the catalog.

mod apis;
mod comments;
mod data_classes;
mod import;
mod lists;
pub mod merging;
mod rows;
mod systems;
mod vendors;
mod versions;

use uuid::Uuid;

pub use super::store::{vendors::Likely, versions::VersionRow};
pub use apis::{
    api_dependents, create_api, duplicate_apis, find_api, get_apis, set_current_version, update_api, verify_api,
};
pub use comments::{add_comment, comments, withdraw_comment};
pub use data_classes::{
    create_data_class, data_classes_by_key, find_data_class, get_data_classes, seed_data_classes, update_data_class,
};
pub use import::{
    ApplyOutcome, Candidate, Delta, DocumentImport, Host, Identity, ImportPreview, PlannedRecord, apply_document,
    preview_document,
};
pub use lists::{APIS, ApiRow, DATA_CLASSES, DataClassRow, SYSTEMS, SystemRow, VENDORS, VendorRow};
pub use rows::{RowKind, save_row};
pub use systems::{create_system, find_system, get_systems, update_system};
pub use vendors::{
    create_vendor, duplicate_vendors, find_vendor, get_vendors, update_vendor, vendor_apis, verify_vendor,
};
pub use versions::{create_version, document, find_version, update_version, version_address, versions};

use base::error::Error;

/// The editors of a record after one more change; the system edits for nobody.
fn with_editor(editors: &[Uuid], editor: Option<Uuid>) -> Vec<Uuid> {
    let mut all = editors.to_vec();
    if let Some(editor) = editor
        && !all.contains(&editor)
    {
        all.push(editor);
    }
    all
}

/// What was merged into another record is history: it changes when the merge is undone.
fn refuse_merged(into: Option<uuid::Uuid>) -> Result<(), Error> {
    match into {
        None => Ok(()),
        Some(_) => Err(Error::Conflict("It was merged into another one. Undo the merge to change it.".into())),
    }
}

/// Lists what still refers to a record that is to retire.
fn refuse_referrers(referrers: &[(String, String)]) -> Result<(), Error> {
    if referrers.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = referrers.iter().map(|(kind, name)| format!("{kind} {name}")).collect();
    Err(Error::Conflict(format!("Still in use by {}. Retire or change these first.", names.join(", "))))
}
