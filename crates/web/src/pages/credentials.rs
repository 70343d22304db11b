//! Credentials.

mod show;

use axum::{
    Router,
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};

use super::{
    catalog::form_page,
    charts::YearStrip,
    integrations::{cells, new::teams},
    list::{self, Asked, Cell, Column, Extras, Frame, Link},
    simple::simple_pages,
};
use crate::{
    Web,
    error::PageError,
    extract::{Pairs, Signed},
    forms::{FieldKind, FormSpec, FormView, Posted, Section, field},
};
use base::{error::Error, words::label};
use identity::Permission;
use register::{
    catalog::Environment,
    integrations::tables,
    integrations::{
        Credential, CredentialContent, CredentialKind,
        ops::{self, CredentialRow},
    },
};

pub fn router() -> Router<Web> {
    Router::new()
        .route("/credentials", get(index).post(create))
        .route("/credentials/export", get(export))
        .route("/credentials/new", get(new))
        .route("/credentials/{key}", get(show::show).post(update))
        .route("/credentials/{key}/edit", get(edit))
        .route("/credentials/{key}/rotation", post(show::rotate))
        .route("/credentials/{key}/begin", post(show::begin))
        .route("/credentials/{key}/compromise", post(show::compromise))
        .route("/credentials/{key}/revoke", post(show::revoke))
}

static FORM: FormSpec = FormSpec {
    sections: &[
        Section {
            title: "What it is",
            hint: "Metadata only. The secret itself stays in your vault; what looks like one is refused.",
            fields: &[
                field("name", "Name", "Such as stripe-live.", FieldKind::Needed),
                field("kind", "Kind", "", FieldKind::Select(CredentialKind::KEYS)),
                field("environment", "Environment", "", FieldKind::Select(Environment::KEYS)),
                field("holder", "Holder", "The team that holds it.", FieldKind::Suggest),
                field("vault_reference", "Kept in", "A vault reference, such as vault:kv/pay/stripe.", FieldKind::Text),
                field(
                    "fingerprint",
                    "Fingerprint",
                    "sha256: and 64 hexadecimal digits. Later ones come by recording a rotation.",
                    FieldKind::Text,
                ),
                field(
                    "integrations",
                    "Used by",
                    "Integrations by slug, joined by commas. One credential of several is one record.",
                    FieldKind::Words,
                ),
                field("tags", "Tags", "Joined by commas.", FieldKind::Words),
            ],
        },
        Section {
            title: "How long it may live",
            hint: "The next rotation follows from these, in the organisation's time zone.",
            fields: &[
                field("created_on", "Created", "Its age counts from there.", FieldKind::Date),
                field("maximum_age", "Maximum age", "Such as P90D, P6M or P1Y.", FieldKind::Text),
                field("expires_on", "Vendor ends it", "", FieldKind::Date),
                field("slug", "Slug", "Made from the name where empty.", FieldKind::Text),
                field("description", "What else is to know", "", FieldKind::Lines),
            ],
        },
    ],
};

const COLUMNS: &[Column] = &[
    Column { label: "Credential", class: "" },
    Column { label: "State", class: "" },
    Column { label: "Next rotation", class: "" },
    Column { label: "Age", class: "num" },
    Column { label: "Used by", class: "" },
    Column { label: "Holder", class: "" },
    Column { label: "Kept in", class: "" },
    Column { label: "Expires", class: "" },
    Column { label: "Maximum age", class: "" },
    Column { label: "Tags", class: "" },
];

/// The shape of a credential's standing.
pub fn class(standing: &str) -> &'static str {
    match standing {
        "active" => "active",
        "due" => "due",
        "overdue" | "compromised" => "over",
        "rotating" => "review",
        _ => "draft",
    }
}

async fn index(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    let today = web.app.today().await?;
    let weeks = ops::rotation_weeks(&web.app, &signed.actor, today).await?;
    let frame = Frame {
        title: "Credentials",
        path: "/credentials",
        noun: "credentials",
        columns: COLUMNS,
        actions: if signed.actor.may(Permission::Propose) {
            vec![Link::main("Note a credential", "/credentials/new")]
        } else {
            Vec::new()
        },
        empty_text: "Keys, clients, certificates and webhook secrets: where each is kept and when it has to change. Never the secret.",
    };
    let extras = Extras {
        views: Some("credentials"),
        above: Some(YearStrip::new(&weeks, today)),
        quiet: &["kept-in", "expires", "maximum-age", "tags"],
        bulk: None,
    };
    let asked = Asked { pairs: &pairs, spec: &ops::CREDENTIALS, frame, extras };
    list::show_with(&web, &signed, asked, |row: CredentialRow| {
        let about = format!("{} · {}", label(&row.kind), row.environment);
        let uses = match row.integrations.len() {
            0 => Cell::soft("nothing", None),
            1 => Cell::text(row.integrations[0].clone()),
            n => Cell { sub: Some(format!("shared by {n}")), ..Cell::text(row.integrations.join(", ")) },
        };
        let mut state = Cell::badge(class(&row.standing), label(&row.standing));
        state.sub = row.same_fingerprint_elsewhere.then(|| "same in two environments".into());
        vec![
            Cell::name(&row.name, format!("/credentials/{}", row.slug), Some(about)),
            state,
            if row.state == "active" { cells::rotation(row.next_rotation_on, today) } else { Cell::soft("–", None) },
            row.age_days
                .map_or_else(|| Cell::soft("–", None), |days| Cell { td: "num", ..Cell::text(format!("{days} d")) }),
            uses,
            row.holder_name.map_or_else(|| Cell::soft("nobody", None), Cell::text),
            Cell::mono(row.vault_reference.unwrap_or_default()),
            Cell::text(row.expires_on.map(|date| cells::months(date, today)).unwrap_or_default()),
            Cell::text(row.maximum_age.unwrap_or_default()),
            Cell::chips(row.tags),
        ]
    })
    .await
}

async fn export(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    list::export(&web, &signed.actor, &tables::CREDENTIALS, &pairs).await
}

async fn decorate(web: &Web, signed: &Signed, form: FormView) -> Result<FormView, Error> {
    Ok(form.offer("holder", teams(web, signed).await?))
}

simple_pages!(
    "/credentials",
    "credential",
    FORM,
    CredentialContent,
    CredentialContent { environment: Environment::Production, ..CredentialContent::default() },
    Permission::Propose,
    ops::find_credential,
    ops::create_credential,
    ops::update_credential,
    |credential: &Credential| credential.content.slug.clone(),
    |credential: &Credential| credential.content.name.clone(),
    decorate
);
