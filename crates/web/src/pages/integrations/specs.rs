//! What the forms of integrations ask.

use crate::forms::{FieldKind, FormSpec, Section, choice, column, field};
use register::{
    catalog::{Environment, TlsVersion},
    integrations::{
        Criticality, Exposure, FieldEncryption, FlowDirection, InboundInspection, InboundValidation, Initiator,
        LegalBasis, PeerVerification, RatePeriod, TransferSafeguard,
    },
};

/// The first questions: what the rest is filled in from.
pub static START: FormSpec = FormSpec {
    sections: &[Section {
        title: "What talks to what",
        hint: "Type the first letters; names and slugs both work.",
        fields: &[
            field(
                "system",
                "System",
                "What uses the API: an application of ours, or a vendor's with our tenant in it.",
                FieldKind::Suggest,
            ),
            field(
                "api",
                "API",
                "By its name or its vendor's. Not here yet? Import its document, or add it by hand.",
                FieldKind::Suggest,
            ),
            field("name", "Name", "Made from both where empty.", FieldKind::Text),
            field("purpose", "What it is for", "One or two sentences that an outsider understands.", FieldKind::Lines),
        ],
    }],
};

/// Everything that is governed.
pub static INTEGRATION: FormSpec = FormSpec {
    sections: &[
        Section {
            title: "What it is for",
            hint: "",
            fields: &[
                field("name", "Name", "", FieldKind::Needed),
                field("slug", "Slug", "Made from the name where empty.", FieldKind::Text),
                field("system", "System", "", FieldKind::Suggest),
                field("api", "API", "", FieldKind::Suggest),
                field("version", "API version", "Its slug.", FieldKind::Suggest),
                field(
                    "initiated_by",
                    "Who opens the connection",
                    "Direction follows from it.",
                    FieldKind::Maybe(Initiator::KEYS),
                ),
                field("purpose", "What it is for", "", FieldKind::Lines),
                field(
                    "business_logic",
                    "Business logic",
                    "What calls it, when, and what happens without it.",
                    FieldKind::Lines,
                ),
            ],
        },
        Section {
            title: "Who answers for it",
            hint: "Teams, by slug or name.",
            fields: &[
                field("business_owner", "Business owner", "The team that answers for it.", FieldKind::Suggest),
                field("technical_owner", "Technical owner", "The team that runs it.", FieldKind::Suggest),
                field("backup_owner", "Backup", "The team that steps in.", FieldKind::Suggest),
                field(
                    "criticality",
                    "Criticality",
                    "How bad it is when it does not work.",
                    FieldKind::Maybe(Criticality::KEYS),
                ),
                field("exposure", "Exposure", "Who meets it.", FieldKind::Maybe(Exposure::KEYS)),
                field("next_review_on", "Next review", "", FieldKind::Date),
                field(
                    "exit_plan",
                    "Exit plan",
                    "What we do when the vendor goes away, and how long it takes.",
                    FieldKind::Lines,
                ),
            ],
        },
        Section {
            title: "Data flows",
            hint: "One row for each kind of data and direction, seen from us. Name only what really flows.",
            fields: &[field(
                "data_flows",
                "Data flows",
                "Countries by two letters, joined by commas.",
                FieldKind::Rows(&[
                    column("data_class", "Data class", "suggest"),
                    choice("direction", "Direction", "words-of", FlowDirection::KEYS),
                    choice("legal_basis", "Legal basis", "maybe", LegalBasis::KEYS),
                    column("locations", "Countries", "words"),
                    choice("transfer_safeguard", "Safeguard", "maybe", TransferSafeguard::KEYS),
                    column("retention_days", "Kept, days", "number"),
                    choice("field_encryption", "Field protection", "maybe", FieldEncryption::KEYS),
                ]),
            )],
        },
        Section {
            title: "Scopes",
            hint: "What the API version offers. Choose the narrowest that do.",
            fields: &[field("scopes", "Scopes", "", FieldKind::Scopes)],
        },
        Section {
            title: "Where it runs",
            hint: "",
            fields: &[field(
                "environments",
                "Environments",
                "Endpoints are whole URLs, joined by commas.",
                FieldKind::Rows(&[
                    column("endpoints", "Endpoints", "words"),
                    choice("environment", "Environment", "maybe", Environment::KEYS),
                    column("live_since", "Live since", "date"),
                    column("suspended_on", "Suspended on", "date"),
                ]),
            )],
        },
        Section {
            title: "How it is secured",
            hint: "",
            fields: &[
                field("tls_minimum", "TLS minimum", "The lowest version in use.", FieldKind::Maybe(TlsVersion::KEYS)),
                field(
                    "peer_verification",
                    "Peer verification",
                    "How the other side is verified.",
                    FieldKind::Maybe(PeerVerification::KEYS),
                ),
                field("rate_limit", "Rate limit", "Requests that we allow ourselves.", FieldKind::Count),
                field("rate_limit_per", "in each", "", FieldKind::Maybe(RatePeriod::KEYS)),
                field("gateway_route", "Gateway route", "", FieldKind::Text),
                field(
                    "token_lifetime_minutes",
                    "Token lifetime",
                    "Minutes for which access tokens hold.",
                    FieldKind::Count,
                ),
                field(
                    "inbound_validation",
                    "Inbound validation",
                    "How we know that a call is the vendor's.",
                    FieldKind::Checks(InboundValidation::KEYS),
                ),
                field(
                    "inbound_inspection",
                    "Inbound inspection",
                    "What is looked at in its messages.",
                    FieldKind::Checks(InboundInspection::KEYS),
                ),
                field(
                    "upstreams",
                    "Depends on besides",
                    "APIs or vendors behind it, one a row.",
                    FieldKind::Rows(&[column("api", "API", "text"), column("vendor", "or vendor", "text")]),
                ),
                field("tags", "Tags", "Joined by commas.", FieldKind::Words),
            ],
        },
    ],
};

/// What a bulk edit asks.
pub static STEWARD: FormSpec = FormSpec {
    sections: &[Section {
        title: "What to change",
        hint: "What is left empty stays as it is.",
        fields: &[
            field("business_owner", "Business owner", "", FieldKind::Suggest),
            field("technical_owner", "Technical owner", "", FieldKind::Suggest),
            field("backup_owner", "Backup", "", FieldKind::Suggest),
            field("next_review_on", "Next review", "", FieldKind::Date),
            field("add_tags", "Add tags", "Joined by commas.", FieldKind::Words),
            field("remove_tags", "Take tags away", "Joined by commas.", FieldKind::Words),
        ],
    }],
};
