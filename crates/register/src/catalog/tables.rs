//! The tables of the catalog: what is exported of vendors, APIs, systems and data classes, and how the first three are
//! imported.

use serde_json::{Map, Value};

use super::ops::{self, RowKind};
use base::{
    actor::{Actor, Permission},
    app::App,
    db::{Open, WriteTx},
    lists::Query,
    tables::{Import, Reading, Saving, Table, whole},
};

/// The tables of this feature.
pub static ALL: &[&Table] = &[&VENDORS, &APIS, &SYSTEMS, &DATA_CLASSES];

/// Vendors.
pub static VENDORS: Table = Table {
    key: "vendors",
    command: "vendors",
    spec: &ops::VENDORS,
    columns: &[
        "id",
        "slug",
        "name",
        "legal_name",
        "aliases",
        "description",
        "lei",
        "identifiers",
        "country",
        "parent",
        "website",
        "provider_name",
        "security_contact",
        "incident_contact",
        "status_page",
        "tags",
        "state",
        "tier",
        "locations",
        "dpa_status",
        "dpa_signed_on",
        "dpa_expires_on",
        "dpa_reference",
        "certifications",
        "sub_processors",
    ],
    derived: &[],
    read: vendors,
    import: Some(Import { permission: Permission::EditCatalog, save: save_vendor, applied: |_| {} }),
};

/// APIs.
pub static APIS: Table = Table {
    key: "apis",
    command: "apis",
    spec: &ops::APIS,
    columns: &[
        "id",
        "slug",
        "vendor",
        "name",
        "description",
        "protocol",
        "documentation_url",
        "terms_url",
        "licence",
        "licence_url",
        "contact_name",
        "contact_email",
        "contact_url",
        "lifecycle",
        "auth_methods",
        "tls_minimum",
        "service_name",
        "upstreams",
        "tags",
        "state",
        "data_sensitivity",
    ],
    derived: &[],
    read: apis,
    import: Some(Import { permission: Permission::EditCatalog, save: save_api, applied: |_| {} }),
};

/// Systems.
pub static SYSTEMS: Table = Table {
    key: "systems",
    command: "systems",
    spec: &ops::SYSTEMS,
    columns: &["id", "slug", "name", "description", "kind", "team", "vendor", "url", "tags", "state"],
    derived: &[],
    read: systems,
    import: Some(Import { permission: Permission::EditCatalog, save: save_system, applied: |_| {} }),
};

/// Data classes; export only.
pub static DATA_CLASSES: Table = Table {
    key: "data_classes",
    command: "data-classes",
    spec: &ops::DATA_CLASSES,
    columns: &["id", "key", "name", "description", "sensitivity", "regulations", "source", "state"],
    derived: &[],
    read: data_classes,
    import: None,
};

fn vendors<'a>(app: &'a App, actor: &'a Actor, table: &'static Table, query: &'a Query) -> Reading<'a> {
    Box::pin(whole(app, actor, table, query, async |ids| ops::get_vendors(app, actor, ids).await))
}

fn apis<'a>(app: &'a App, actor: &'a Actor, table: &'static Table, query: &'a Query) -> Reading<'a> {
    Box::pin(whole(app, actor, table, query, async |ids| ops::get_apis(app, actor, ids).await))
}

fn systems<'a>(app: &'a App, actor: &'a Actor, table: &'static Table, query: &'a Query) -> Reading<'a> {
    Box::pin(whole(app, actor, table, query, async |ids| ops::get_systems(app, actor, ids).await))
}

fn data_classes<'a>(app: &'a App, actor: &'a Actor, table: &'static Table, query: &'a Query) -> Reading<'a> {
    Box::pin(whole(app, actor, table, query, async |ids| ops::get_data_classes(app, actor, ids).await))
}

fn save_vendor<'a>(
    _: &'a App,
    tx: &'a mut WriteTx<Open>,
    keys: &'a [String],
    fields: Map<String, Value>,
) -> Saving<'a> {
    Box::pin(ops::save_row(tx, RowKind::Vendor, keys, fields))
}

fn save_api<'a>(_: &'a App, tx: &'a mut WriteTx<Open>, keys: &'a [String], fields: Map<String, Value>) -> Saving<'a> {
    Box::pin(ops::save_row(tx, RowKind::Api, keys, fields))
}

fn save_system<'a>(
    _: &'a App,
    tx: &'a mut WriteTx<Open>,
    keys: &'a [String],
    fields: Map<String, Value>,
) -> Saving<'a> {
    Box::pin(ops::save_row(tx, RowKind::System, keys, fields))
}
