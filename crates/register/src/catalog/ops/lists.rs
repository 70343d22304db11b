//! The lists of the catalog.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::FromRow;
use utoipa::ToSchema;
use uuid::Uuid;

use base::lists::{Filter, NAME_AND_TIME, Spec, Test, Values};

const STATE: Filter = Filter { name: "state", label: "State", test: Test::Equals("t.state"), values: Values::Words };
const TAG: Filter = Filter { name: "tag", label: "Tag", test: Test::Overlaps("t.tags"), values: Values::Verbatim };
const VERIFIED: Filter = Filter {
    name: "verified",
    label: "Verified",
    test: Test::Equals("case when t.verified_at is null then 'no' else 'yes' end"),
    values: Values::Words,
};

fn tier(value: &str) -> String {
    format!("Tier {value}")
}

/// The list of vendors.
pub static VENDORS: Spec = Spec {
    kind: "vendor",
    from: "vendors t",
    columns: "t.id, t.slug, t.name, t.legal_name, t.country, t.domain, t.tier, t.dpa_status, t.state, t.tags,
        t.verified_at, t.updated_at, t.revision,
        (select count(*) from apis a where a.vendor_id = t.id and a.state = 'active') as apis",
    filters: &[
        STATE,
        VERIFIED,
        Filter { name: "tier", label: "Tier", test: Test::Equals("t.tier::text"), values: Values::Read(tier) },
        Filter { name: "dpa_status", label: "DPA", test: Test::Equals("t.dpa_status"), values: Values::Words },
        Filter { name: "country", label: "Country", test: Test::Equals("t.country"), values: Values::Verbatim },
        TAG,
        Filter { name: "domain", label: "Domain", test: Test::Equals("t.domain"), values: Values::NotCounted },
        Filter { name: "lei", label: "LEI", test: Test::Equals("t.lei"), values: Values::NotCounted },
        Filter { name: "location", label: "Location", test: Test::Overlaps("t.locations"), values: Values::NotCounted },
        Filter {
            name: "parent",
            label: "Parent",
            test: Test::Equals("(select p.slug from vendors p where p.id = t.parent_id)"),
            values: Values::NotCounted,
        },
        Filter {
            name: "certification_expires_before",
            label: "Certification expires before",
            test: Test::Before("(select min(c.expires_on) from vendor_certifications c where c.vendor_id = t.id)"),
            values: Values::NotCounted,
        },
    ],
    sorts: NAME_AND_TIME,
};

/// A vendor in a list.
#[derive(Debug, Clone, Serialize, FromRow, ToSchema)]
pub struct VendorRow {
    /// Immutable id.
    pub id: Uuid,
    /// Human slug.
    pub slug: String,
    /// The name people use.
    pub name: String,
    /// The name in the commercial register.
    pub legal_name: Option<String>,
    /// Country of the seat.
    pub country: Option<String>,
    /// Registrable domain.
    pub domain: Option<String>,
    /// 1 (most critical) to 4.
    pub tier: Option<i16>,
    /// Where the data processing agreement stands.
    pub dpa_status: String,
    /// `active` or `retired`.
    pub state: String,
    /// Tags.
    pub tags: Vec<String>,
    /// When it was verified.
    pub verified_at: Option<DateTime<Utc>>,
    /// When anything of it last changed.
    pub updated_at: DateTime<Utc>,
    /// Rises with each change.
    pub revision: i64,
    /// How many active APIs it has here.
    pub apis: i64,
}

/// The list of APIs.
pub static APIS: Spec = Spec {
    kind: "api",
    from: "apis t join vendors v on v.id = t.vendor_id",
    columns: "t.id, t.slug, t.name, t.protocol, t.lifecycle, t.auth_methods, t.state, t.tags, t.verified_at,
        t.updated_at, t.revision, t.description, v.name as vendor_name, v.slug as vendor_slug,
        (select x.label from api_versions x where x.api_id = t.id
         order by (x.id = t.current_version_id) desc nulls last, x.created_at desc limit 1) as version,
        (select count(*) from api_versions x where x.api_id = t.id) as versions",
    filters: &[
        STATE,
        VERIFIED,
        Filter { name: "lifecycle", label: "Lifecycle", test: Test::Equals("t.lifecycle"), values: Values::Words },
        Filter { name: "protocol", label: "Protocol", test: Test::Equals("t.protocol"), values: Values::Words },
        Filter {
            name: "auth_method",
            label: "Authentication",
            test: Test::Overlaps("t.auth_methods"),
            values: Values::Words,
        },
        Filter { name: "vendor", label: "Vendor", test: Test::Named("v.slug", "v.name"), values: Values::Words },
        TAG,
        Filter {
            name: "tls_minimum",
            label: "TLS minimum",
            test: Test::Equals("t.tls_minimum"),
            values: Values::NotCounted,
        },
        Filter {
            name: "host",
            label: "Host",
            test: Test::Overlaps(
                "array(select e.host_pattern from api_endpoints e join api_versions x on x.id = e.version_id where x.api_id = t.id)",
            ),
            values: Values::NotCounted,
        },
        Filter {
            name: "scope",
            label: "Offers scope",
            test: Test::Overlaps(
                "array(select s.name from api_scopes s join api_versions x on x.id = s.version_id where x.api_id = t.id)",
            ),
            values: Values::NotCounted,
        },
        Filter {
            name: "sunset_before",
            label: "Sunset before",
            test: Test::Before("(select min(x.sunset_on) from api_versions x where x.api_id = t.id)"),
            values: Values::NotCounted,
        },
    ],
    sorts: NAME_AND_TIME,
};

/// An API in a list.
#[derive(Debug, Clone, Serialize, FromRow, ToSchema)]
pub struct ApiRow {
    /// Immutable id.
    pub id: Uuid,
    /// Human slug.
    pub slug: String,
    /// The product's name.
    pub name: String,
    /// What it does.
    pub description: Option<String>,
    /// The vendor's name.
    pub vendor_name: String,
    /// The vendor's slug.
    pub vendor_slug: String,
    /// How it is spoken to.
    pub protocol: String,
    /// Where it is in its life.
    pub lifecycle: String,
    /// How a caller proves who it is.
    pub auth_methods: Vec<String>,
    /// `active` or `retired`.
    pub state: String,
    /// Tags.
    pub tags: Vec<String>,
    /// When it was verified.
    pub verified_at: Option<DateTime<Utc>>,
    /// When anything of it last changed.
    pub updated_at: DateTime<Utc>,
    /// Rises with each change.
    pub revision: i64,
    /// The label of the current version, else of the newest here.
    pub version: Option<String>,
    /// How many versions are here.
    pub versions: i64,
}

/// The list of systems.
pub static SYSTEMS: Spec = Spec {
    kind: "system",
    from: "systems t left join teams m on m.id = t.team_id left join vendors v on v.id = t.vendor_id",
    columns: "t.id, t.slug, t.name, t.kind, t.description, t.url, t.state, t.tags, t.updated_at, t.revision,
        m.name as team_name, m.slug as team_slug, v.name as vendor_name, v.slug as vendor_slug",
    filters: &[
        STATE,
        Filter { name: "kind", label: "Kind", test: Test::Equals("t.kind"), values: Values::Words },
        Filter { name: "team", label: "Team", test: Test::Named("m.slug", "m.name"), values: Values::Words },
        Filter { name: "vendor", label: "Vendor", test: Test::Named("v.slug", "v.name"), values: Values::Words },
        TAG,
    ],
    sorts: NAME_AND_TIME,
};

/// A system in a list.
#[derive(Debug, Clone, Serialize, FromRow, ToSchema)]
pub struct SystemRow {
    /// Immutable id.
    pub id: Uuid,
    /// Human slug.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// `own` or `saas`.
    pub kind: String,
    /// What it does.
    pub description: Option<String>,
    /// Where it is.
    pub url: Option<String>,
    /// The team's name.
    pub team_name: Option<String>,
    /// The team's slug.
    pub team_slug: Option<String>,
    /// The vendor's name.
    pub vendor_name: Option<String>,
    /// The vendor's slug.
    pub vendor_slug: Option<String>,
    /// `active` or `retired`.
    pub state: String,
    /// Tags.
    pub tags: Vec<String>,
    /// When anything of it last changed.
    pub updated_at: DateTime<Utc>,
    /// Rises with each change.
    pub revision: i64,
}

/// The list of data classes.
pub static DATA_CLASSES: Spec = Spec {
    kind: "data_class",
    from: "data_classes t",
    columns: "t.id, t.key, t.name, t.description, t.sensitivity, t.regulations, t.source, t.state, t.updated_at, t.revision",
    filters: &[
        STATE,
        Filter {
            name: "sensitivity",
            label: "Sensitivity",
            test: Test::Equals("t.sensitivity"),
            values: Values::Words,
        },
        Filter {
            name: "regulation",
            label: "Regulation",
            test: Test::Overlaps("t.regulations"),
            values: Values::Words,
        },
        Filter { name: "source", label: "Source", test: Test::Equals("t.source"), values: Values::Words },
        Filter {
            name: "below",
            label: "Below",
            test: Test::Equals("(select p.key from data_classes p where p.id = t.parent_id)"),
            values: Values::NotCounted,
        },
    ],
    sorts: NAME_AND_TIME,
};

/// A data class in a list.
#[derive(Debug, Clone, Serialize, FromRow, ToSchema)]
pub struct DataClassRow {
    /// Immutable id.
    pub id: Uuid,
    /// Dotted key.
    pub key: String,
    /// Its name.
    pub name: String,
    /// What belongs to it.
    pub description: Option<String>,
    /// `public`, `internal`, `confidential` or `restricted`.
    pub sensitivity: String,
    /// Regulations it falls under.
    pub regulations: Vec<String>,
    /// `fideslang` or `organisation`.
    pub source: String,
    /// `active` or `retired`.
    pub state: String,
    /// When anything of it last changed.
    pub updated_at: DateTime<Utc>,
    /// Rises with each change.
    pub revision: i64,
}
