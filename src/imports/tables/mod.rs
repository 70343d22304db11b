//! Tables in and out as CSV and NDJSON. NDJSON is lossless; a CSV cell that a spreadsheet would
//! run is escaped on the way out and taken back on the way in.

mod cells;
mod columns;
mod csv_file;
mod export;
mod import;
#[cfg(test)]
mod round_trip;

use clap::ValueEnum;

pub use cells::{escape, unescape};
pub use export::{Exporter, Layout};
pub use import::{Mode, Report, RowReport, import};

/// Which table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TableKind {
    /// Vendors.
    Vendors,
    /// APIs.
    Apis,
    /// Systems.
    Systems,
    /// Teams.
    Teams,
    /// Data classes; export only.
    DataClasses,
    /// People; export only.
    People,
    /// Review groups; export only.
    ReviewGroups,
    /// Integrations with their parts. An import proposes; nothing comes into force by it.
    Integrations,
    /// Data flows; export only.
    DataFlows,
    /// Scopes; export only.
    Scopes,
    /// Credentials; export only.
    Credentials,
    /// Change requests; export only.
    Requests,
    /// Conditions of approvals; export only.
    Conditions,
    /// Policy rules; export only.
    Rules,
    /// Workflows; export only.
    Workflows,
    /// Violations; export only.
    Violations,
    /// Exceptions; export only.
    Exceptions,
    /// Questionnaires; export only.
    Questionnaires,
    /// Assessments; export only.
    Assessments,
    /// Assessments that are wanted; export only.
    Demands,
    /// Findings of assessments; export only.
    Findings,
    /// Evidence; export only.
    Evidence,
    /// The risk model; export only.
    RiskModels,
    /// Recertification campaigns; export only.
    Campaigns,
    /// Review items with their evidence; export only.
    ReviewItems,
}

impl TableKind {
    /// The table's word in URLs.
    pub fn key(self) -> &'static str {
        match self {
            Self::Vendors => "vendors",
            Self::Apis => "apis",
            Self::Systems => "systems",
            Self::Teams => "teams",
            Self::DataClasses => "data_classes",
            Self::People => "people",
            Self::ReviewGroups => "review_groups",
            Self::Integrations => "integrations",
            Self::DataFlows => "data_flows",
            Self::Scopes => "scopes",
            Self::Credentials => "credentials",
            Self::Requests => "requests",
            Self::Conditions => "conditions",
            Self::Rules => "rules",
            Self::Workflows => "workflows",
            Self::Violations => "violations",
            Self::Exceptions => "exceptions",
            Self::Questionnaires => "questionnaires",
            Self::Assessments => "assessments",
            Self::Demands => "assessment_demands",
            Self::Findings => "assessment_findings",
            Self::Evidence => "evidence",
            Self::RiskModels => "risk_models",
            Self::Campaigns => "campaigns",
            Self::ReviewItems => "review_items",
        }
    }
}

impl std::str::FromStr for TableKind {
    type Err = crate::error::Error;
    fn from_str(key: &str) -> Result<Self, Self::Err> {
        [Self::Vendors, Self::Apis, Self::Systems, Self::Teams, Self::Integrations]
            .into_iter()
            .find(|kind| kind.key() == key)
            .ok_or_else(|| {
                crate::error::Error::field(
                    "/kind",
                    format!("'{key}' is not one of vendors, apis, systems, teams, integrations."),
                )
            })
    }
}

/// How a table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notation {
    /// RFC 4180 with a header.
    Csv,
    /// One JSON object a line.
    Ndjson,
}

/// The notation that a file's name says.
pub fn notation(name: &str) -> Notation {
    let extension = std::path::Path::new(name).extension().unwrap_or_default();
    if extension.eq_ignore_ascii_case("ndjson") || extension.eq_ignore_ascii_case("jsonl") {
        Notation::Ndjson
    } else {
        Notation::Csv
    }
}
