//! What the catalog's forms ask.

use crate::forms::{FieldKind, FieldSpec, FormSpec, Section, column, field};
use register::catalog::{AuthMethod, DpaStatus, Lifecycle, Protocol, Regulation, Sensitivity, SystemKind, TlsVersion};

const STATES: &[&str] = &["active", "retired"];
const TAGS: FieldSpec = field("tags", "Tags", "Joined by commas.", FieldKind::Words);
const SLUG: FieldSpec =
    field("slug", "Slug", "Made from the name where empty. A former slug keeps working.", FieldKind::Text);
const STATE: FieldSpec = field("state", "State", "Nothing is deleted: it retires.", FieldKind::Select(STATES));

/// What a merge asks.
pub const MERGE: FormSpec = FormSpec {
    sections: &[Section {
        title: "Merge",
        hint: "",
        fields: &[
            field(
                "into",
                "Merge into",
                "The one that stays. The other one retires, and its addresses lead here.",
                FieldKind::Suggest,
            ),
            field("reason", "Reason", "Why the two are the same. It goes into the audit log.", FieldKind::Lines),
        ],
    }],
};

/// What only reviewers set on a vendor.
pub const REVIEWED: &[&str] = &[
    "tier",
    "locations",
    "dpa_status",
    "dpa_signed_on",
    "dpa_expires_on",
    "dpa_reference",
    "certifications",
    "sub_processors",
];
/// What everybody else sets on a vendor.
pub const DESCRIBED: &[&str] = &[
    "slug",
    "name",
    "legal_name",
    "description",
    "lei",
    "identifiers",
    "country",
    "parent",
    "website",
    "provider_name",
    "aliases",
    "security_contact",
    "incident_contact",
    "status_page",
    "tags",
    "state",
];

pub static VENDOR: FormSpec = FormSpec {
    sections: &[
        Section {
            title: "The company",
            hint: "",
            fields: &[
                field("name", "Name", "The name people use.", FieldKind::Needed),
                field("legal_name", "Legal name", "As in the commercial register.", FieldKind::Text),
                field("website", "Website", "Finds duplicates by its domain.", FieldKind::Url),
                field("country", "Country", "Two letters, such as DE.", FieldKind::Text),
                field("description", "What it does for us", "", FieldKind::Lines),
                field("lei", "LEI", "20 characters (ISO 17442).", FieldKind::Text),
                field("parent", "Parent company", "A vendor that is here.", FieldKind::Suggest),
                SLUG,
                TAGS,
                field(
                    "provider_name",
                    "Provider name",
                    "Its name in API directories; imports match by it.",
                    FieldKind::Text,
                ),
                field(
                    "aliases",
                    "Also known as",
                    "Former names, brands, abbreviations, separated by commas.",
                    FieldKind::Words,
                ),
                STATE,
            ],
        },
        Section {
            title: "Contacts",
            hint: "",
            fields: &[
                field("security_contact", "Security contact", "Address or page for reports.", FieldKind::Text),
                field("incident_contact", "Incident contact", "Whom to call when it burns.", FieldKind::Text),
                field("status_page", "Status page", "", FieldKind::Url),
                field(
                    "identifiers",
                    "Other identifiers",
                    "",
                    FieldKind::Rows(&[column("scheme", "Register", "text"), column("value", "Number", "text")]),
                ),
            ],
        },
        Section {
            title: "Review",
            hint: "Set by a reviewer who did not edit the rest.",
            fields: &[
                field("tier", "Tier", "1 is the most critical.", FieldKind::Number(&["1", "2", "3", "4"])),
                field(
                    "locations",
                    "Processing locations",
                    "Countries by two letters, joined by commas.",
                    FieldKind::Words,
                ),
                field("dpa_status", "Data processing agreement", "", FieldKind::Select(DpaStatus::KEYS)),
                field("dpa_signed_on", "Signed on", "", FieldKind::Date),
                field("dpa_expires_on", "Ends on", "", FieldKind::Date),
                field("dpa_reference", "Filed where", "", FieldKind::Text),
                field(
                    "certifications",
                    "Certifications",
                    "",
                    FieldKind::Rows(&[
                        column("name", "Name", "text"),
                        column("reference", "Reference", "text"),
                        column("valid_from", "Valid from", "date"),
                        column("expires_on", "Expires on", "date"),
                        column("evidence_url", "Evidence", "url"),
                    ]),
                ),
                field(
                    "sub_processors",
                    "Sub-processors",
                    "",
                    FieldKind::Rows(&[
                        column("name", "Name", "text"),
                        column("country", "Country", "text"),
                        column("purpose", "Purpose", "text"),
                    ]),
                ),
            ],
        },
    ],
};

pub static API: FormSpec = FormSpec {
    sections: &[
        Section {
            title: "The product",
            hint: "",
            fields: &[
                field("vendor", "Vendor", "Type the name of a vendor that is here.", FieldKind::Suggest),
                field("name", "Name", "", FieldKind::Needed),
                field("description", "What it does", "", FieldKind::Lines),
                field("protocol", "Protocol", "", FieldKind::Select(Protocol::KEYS)),
                field("lifecycle", "Lifecycle", "As its vendor says.", FieldKind::Select(Lifecycle::KEYS)),
                SLUG,
                TAGS,
                field(
                    "service_name",
                    "Service name",
                    "Its name in API directories; imports match by it.",
                    FieldKind::Text,
                ),
                STATE,
            ],
        },
        Section {
            title: "Security",
            hint: "",
            fields: &[
                field("auth_methods", "Authentication", "", FieldKind::Checks(AuthMethod::KEYS)),
                field(
                    "tls_minimum",
                    "TLS minimum",
                    "The lowest version that the vendor accepts.",
                    FieldKind::Maybe(TlsVersion::KEYS),
                ),
                field(
                    "data_sensitivity",
                    "Data it needs",
                    "The most sensitive data that its purpose needs; integrations that send more get a hint.",
                    FieldKind::Maybe(Sensitivity::KEYS),
                ),
                field(
                    "upstreams",
                    "Depends on",
                    "APIs or vendors behind it, one a row.",
                    FieldKind::Rows(&[column("api", "API", "text"), column("vendor", "or vendor", "text")]),
                ),
            ],
        },
        Section {
            title: "Documents and contact",
            hint: "",
            fields: &[
                field("documentation_url", "Documentation", "", FieldKind::Url),
                field("terms_url", "Terms of service", "", FieldKind::Url),
                field("licence", "Licence", "", FieldKind::Text),
                field("licence_url", "Licence text", "", FieldKind::Url),
                field("contact_name", "Contact", "", FieldKind::Text),
                field("contact_email", "Contact address", "", FieldKind::Email),
                field("contact_url", "Contact page", "", FieldKind::Url),
            ],
        },
    ],
};

pub static SYSTEM: FormSpec = FormSpec {
    sections: &[Section {
        title: "The system",
        hint: "",
        fields: &[
            field("name", "Name", "", FieldKind::Needed),
            field(
                "kind",
                "Kind",
                "Own: an application of ours. SaaS: a vendor's, with our tenant in it.",
                FieldKind::Select(SystemKind::KEYS),
            ),
            field("team", "Team", "Who answers for it; needed for own systems.", FieldKind::Suggest),
            field("vendor", "Vendor", "For SaaS.", FieldKind::Suggest),
            field("description", "What it does", "", FieldKind::Lines),
            field("url", "Address", "", FieldKind::Url),
            SLUG,
            TAGS,
            STATE,
        ],
    }],
};

pub static DATA_CLASS: FormSpec = FormSpec {
    sections: &[Section {
        title: "The data class",
        hint: "",
        fields: &[
            field(
                "key",
                "Key",
                "Dotted, such as user.contact.email; everything before the last dot is the parent.",
                FieldKind::Needed,
            ),
            field("name", "Name", "", FieldKind::Needed),
            field("description", "What belongs to it", "", FieldKind::Lines),
            field("sensitivity", "Sensitivity", "How bad a leak would be.", FieldKind::Select(Sensitivity::KEYS)),
            field("regulations", "Regulations", "", FieldKind::Checks(Regulation::KEYS)),
            STATE,
        ],
    }],
};
