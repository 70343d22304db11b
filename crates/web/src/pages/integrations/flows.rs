//! The list of data flows.

use axum::{extract::State, response::Response};

use super::cells;
use crate::{
    Web,
    error::PageError,
    extract::{Pairs, Signed},
    pages::list::{self, Asked, Cell, Column, Extras, Frame},
};
use base::words::label;
use register::{
    integrations::ops::{self, FlowRow},
    integrations::tables,
};

const COLUMNS: &[Column] = &[
    Column { label: "Data class", class: "" },
    Column { label: "Sensitivity", class: "" },
    Column { label: "Direction", class: "" },
    Column { label: "Integration", class: "" },
    Column { label: "Location", class: "" },
    Column { label: "Legal basis", class: "" },
    Column { label: "Safeguard", class: "" },
    Column { label: "Vendor", class: "" },
    Column { label: "DPA", class: "" },
    Column { label: "Retention", class: "" },
    Column { label: "Encryption", class: "" },
    Column { label: "Owner", class: "" },
];

pub async fn index(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    let frame = Frame {
        title: "Data flows",
        path: "/data-flows",
        noun: "data flows",
        columns: COLUMNS,
        actions: Vec::new(),
        empty_text: "What data goes where stands on each integration; here it is all together.",
    };
    let extras = Extras {
        views: Some("data_flows"),
        quiet: &["vendor", "dpa", "retention", "encryption", "owner"],
        ..Extras::default()
    };
    let asked = Asked { pairs: &pairs, spec: &ops::DATA_FLOWS, frame, extras };
    list::show_with(&web, &signed, asked, |row: FlowRow| {
        let place = if row.locations.is_empty() {
            Cell::soft("not known", None)
        } else {
            let sub = row.outside_eea.then(|| "outside the EU".to_owned());
            Cell { sub, ..Cell::text(row.locations.join(", ")) }
        };
        let word = |key: Option<String>| Cell::text(key.as_deref().map(label).unwrap_or_default());
        vec![
            Cell::name(
                &row.data_class_name,
                format!("/integrations/{}#flows", row.integration),
                Some(row.data_class.clone()),
            ),
            cells::sensitivity(Some(&row.sensitivity)),
            Cell::text(row.direction),
            Cell { sub: Some(format!("{} → {}", row.api_name, row.system_name)), ..Cell::text(row.integration_name) },
            place,
            word(row.legal_basis),
            word(row.transfer_safeguard),
            Cell::text(row.vendor_name),
            Cell::text(label(&row.dpa_status)),
            Cell::text(row.retention_days.map(|days| format!("{days} days")).unwrap_or_default()),
            word(row.field_encryption),
            row.owner_name.map_or_else(|| Cell::soft("nobody", None), Cell::text),
        ]
    })
    .await
}

pub async fn export(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    list::export(&web, &signed.actor, &tables::DATA_FLOWS, &pairs).await
}
