//! What the catalog declares: its kinds of records, tables and constraints.

use base::feature::{Constraint, Feature, RecordKind};

use super::tables;

/// What this feature declares.
pub static FEATURE: Feature = Feature {
    records: &[
        RecordKind { former_slugs: Some("vendors"), ..RecordKind::of("vendor").named("select name from vendors where id = e.subject_id").found("select id from vendors where slug = lower($1) or sort_key = $2").at("vendors") },
        RecordKind { former_slugs: Some("apis"), ..RecordKind::of("api").named("select name from apis where id = e.subject_id").found("select id from apis where slug = lower($1) or sort_key = $2").at("apis") },
        RecordKind::of("api_version").named("select a.name || ' ' || v.label from api_versions v join apis a on a.id = v.api_id where v.id = e.subject_id").at("versions"),
        RecordKind { former_slugs: Some("systems"), ..RecordKind::of("system").named("select name from systems where id = e.subject_id").found("select id from systems where slug = lower($1) or sort_key = $2").at("systems") },
        RecordKind::of("data_class").named("select key from data_classes where id = e.subject_id").found("select id from data_classes where key = lower($1)").at("data-classes"),
        RecordKind::of("comment").named("select 'by ' || coalesce(p.name, 'a script') from comments t left join people p on p.id = t.author_id where t.id = e.subject_id"),
    ],
    tables: tables::ALL,
    constraints: &[
        Constraint::field("vendors_slug_key", "/slug", "This slug is taken. Choose another."),
        Constraint::field("apis_slug_key", "/slug", "This slug is taken. Choose another."),
        Constraint::field("systems_slug_key", "/slug", "This slug is taken. Choose another."),
        Constraint::field("api_versions_slug_key", "/slug", "This slug is taken. Choose another."),
        Constraint::field("vendors_provider_name_key", "/provider_name", "Another vendor has this provider name."),
        Constraint::field("vendors_lei_key", "/lei", "Another vendor has this LEI."),
        Constraint::field("apis_service_name_key", "/service_name", "This vendor has an API with this service name."),
        Constraint::field("api_versions_label_key", "/label", "This API already has a version with this label."),
        Constraint::field("api_operations_once", "/operations", "The same operation is listed twice."),
        Constraint::field("api_scopes_name_key", "/scopes", "The same scope is listed twice."),
        Constraint::field("data_classes_key_key", "/key", "There is already a data class with this key."),
        Constraint::forbidden("vendors_verified_by_another", "Somebody who did not edit this has to verify it."),
        Constraint::forbidden("apis_verified_by_another", "Somebody who did not edit this has to verify it."),
    ],
    ..Feature::named("catalog")
};
