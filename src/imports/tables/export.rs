//! A table out, page by page: exactly what a filter shows.

use serde_json::Value;
use uuid::Uuid;

use super::{
    Notation, TableKind, cells,
    columns::{columns, derived},
};
use crate::{
    app::App,
    approvals, assessments, audit, campaigns, catalog,
    error::Error,
    identity::{self, Actor, GroupKind},
    integrations,
    lists::{Query, Spec},
    policy,
};

/// An export under way.
#[derive(Debug)]
pub struct Exporter {
    kind: TableKind,
    notation: Notation,
    pairs: Vec<(String, String)>,
    cursor: Option<String>,
    layout: Layout,
    begun: bool,
    done: bool,
}

/// How a CSV file is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// What separates cells: a comma, or a semicolon where the reader's spreadsheet expects one.
    pub delimiter: u8,
    /// Whether a byte order mark comes first, by which some spreadsheets recognise UTF-8.
    pub byte_order_mark: bool,
}

impl Default for Layout {
    fn default() -> Self {
        Self { delimiter: b',', byte_order_mark: false }
    }
}

impl Exporter {
    /// Checks the filter and records that somebody takes data away.
    pub async fn begin(
        app: &App,
        actor: &Actor,
        kind: TableKind,
        notation: Notation,
        pairs: &[(String, String)],
        layout: Layout,
    ) -> Result<Self, Error> {
        let kept = |name: &str| !["limit", "cursor", "facets", "total"].contains(&name);
        let mut pairs: Vec<(String, String)> = pairs.iter().filter(|(name, _)| kept(name)).cloned().collect();
        Query::parse(spec(kind), &pairs, &[])?;
        let filter = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
        let format = if notation == Notation::Csv { "csv" } else { "ndjson" };
        audit::ops::exported(app, actor, kind.key(), &filter, format).await?;
        pairs.push(("limit".into(), "200".into()));
        Ok(Self { kind, notation, pairs, cursor: None, layout, begun: false, done: false })
    }

    /// The next part of the file; `None` at its end.
    pub async fn next_chunk(&mut self, app: &App, actor: &Actor) -> Result<Option<Vec<u8>>, Error> {
        if self.done {
            return Ok(None);
        }
        let mut pairs = self.pairs.clone();
        pairs.extend(self.cursor.take().map(|cursor| ("cursor".to_owned(), cursor)));
        let query = Query::parse(spec(self.kind), &pairs, &[])?;
        let (records, next) = page(app, actor, self.kind, &query).await?;
        self.done = next.is_none();
        self.cursor = next;
        match self.notation {
            Notation::Ndjson => Ok(Some(ndjson(&records)?)),
            Notation::Csv => Ok(Some(self.csv(&records)?)),
        }
    }

    fn csv(&mut self, records: &[Value]) -> Result<Vec<u8>, Error> {
        let header = if std::mem::replace(&mut self.begun, true) { Header::Left } else { Header::Written };
        csv_text(self.kind, records, header, self.layout)
    }
}

/// Whether the names of the columns come first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Header {
    Written,
    Left,
}

/// Records as the lines of a CSV file.
pub(super) fn csv_text(kind: TableKind, records: &[Value], header: Header, layout: Layout) -> Result<Vec<u8>, Error> {
    let mark: &[u8] = if layout.byte_order_mark && header == Header::Written { b"\xef\xbb\xbf" } else { b"" };
    let mut writer = csv::WriterBuilder::new().delimiter(layout.delimiter).from_writer(mark.to_vec());
    let names = || columns(kind).iter().chain(derived(kind));
    if header == Header::Written {
        writer.write_record(names()).map_err(Error::internal)?;
    }
    for record in records {
        let cell = |name: &&str| cells::to_cell(record.get(*name).unwrap_or(&Value::Null), cells::column(name));
        writer.write_record(names().map(cell)).map_err(Error::internal)?;
    }
    writer.into_inner().map_err(|error| Error::internal(error.error()))
}

fn spec(kind: TableKind) -> &'static Spec {
    match kind {
        TableKind::Integrations => &integrations::ops::INTEGRATIONS,
        TableKind::DataFlows => &integrations::ops::DATA_FLOWS,
        TableKind::Scopes => &integrations::ops::SCOPES,
        TableKind::Credentials => &integrations::ops::CREDENTIALS,
        TableKind::Requests => &approvals::ops::REQUESTS,
        TableKind::Conditions => &approvals::ops::CONDITIONS,
        TableKind::Rules => &policy::ops::RULES,
        TableKind::Workflows => &policy::ops::WORKFLOWS,
        TableKind::Violations => &policy::ops::VIOLATIONS,
        TableKind::Exceptions => &policy::ops::EXCEPTIONS,
        TableKind::Questionnaires => &assessments::ops::QUESTIONNAIRES,
        TableKind::Assessments => &assessments::ops::ASSESSMENTS,
        TableKind::Demands => &assessments::ops::DEMANDS,
        TableKind::Findings => &assessments::ops::FINDINGS,
        TableKind::Evidence => &assessments::ops::EVIDENCE,
        TableKind::RiskModels => &policy::ops::RISK_MODELS,
        TableKind::Campaigns => &campaigns::ops::CAMPAIGNS,
        TableKind::ReviewItems => &campaigns::ops::REVIEW_ITEMS,
        TableKind::Vendors => &catalog::ops::VENDORS,
        TableKind::Apis => &catalog::ops::APIS,
        TableKind::Systems => &catalog::ops::SYSTEMS,
        TableKind::DataClasses => &catalog::ops::DATA_CLASSES,
        TableKind::People => &identity::ops::PEOPLE,
        TableKind::Teams => identity::ops::groups_list_spec(GroupKind::Team),
        TableKind::ReviewGroups => identity::ops::groups_list_spec(GroupKind::ReviewGroup),
    }
}

#[derive(sqlx::FromRow)]
struct Id {
    id: Uuid,
}

async fn page(app: &App, actor: &Actor, kind: TableKind, query: &Query) -> Result<(Vec<Value>, Option<String>), Error> {
    match kind {
        // What is no record of its own goes out as the list shows it.
        TableKind::DataFlows => rows::<integrations::ops::FlowRow>(app, actor, kind, query).await,
        TableKind::Scopes => rows::<integrations::ops::GrantRow>(app, actor, kind, query).await,
        TableKind::Requests => rows::<approvals::ops::RequestRow>(app, actor, kind, query).await,
        TableKind::Conditions => rows::<approvals::ops::ConditionRow>(app, actor, kind, query).await,
        TableKind::Rules | TableKind::Workflows | TableKind::Questionnaires => {
            rows::<policy::ops::PublicationRow>(app, actor, kind, query).await
        }
        TableKind::Violations => {
            let spec = policy::ops::violations_list(actor);
            let page = catalog::ops::list::<policy::ops::ViolationRow>(app, actor, spec, query).await?;
            let values = page.rows.iter().map(|row| serde_json::to_value(row).map_err(Error::internal));
            Ok((values.collect::<Result<_, _>>()?, page.next))
        }
        TableKind::Exceptions => rows::<policy::ops::ExceptionRow>(app, actor, kind, query).await,
        TableKind::Assessments => rows::<assessments::ops::AssessmentRow>(app, actor, kind, query).await,
        TableKind::Demands => rows::<assessments::ops::DemandRow>(app, actor, kind, query).await,
        TableKind::Findings => rows::<assessments::ops::FlaggedRow>(app, actor, kind, query).await,
        TableKind::Evidence => rows::<assessments::ops::EvidenceRow>(app, actor, kind, query).await,
        TableKind::Campaigns => rows::<campaigns::ops::CampaignRow>(app, actor, kind, query).await,
        TableKind::ReviewItems => rows::<campaigns::ops::ReviewItemRow>(app, actor, kind, query).await,
        _ => {
            let page = catalog::ops::list::<Id>(app, actor, spec(kind), query).await?;
            let ids: Vec<Uuid> = page.rows.into_iter().map(|row| row.id).collect();
            Ok((records(app, actor, kind, &ids).await?, page.next))
        }
    }
}

async fn rows<R>(
    app: &App,
    actor: &Actor,
    kind: TableKind,
    query: &Query,
) -> Result<(Vec<Value>, Option<String>), Error>
where
    R: for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow> + Send + Unpin + serde::Serialize,
{
    let page = catalog::ops::list::<R>(app, actor, spec(kind), query).await?;
    let values = page.rows.iter().map(|row| serde_json::to_value(row).map_err(Error::internal));
    Ok((values.collect::<Result<_, _>>()?, page.next))
}

async fn records(app: &App, actor: &Actor, kind: TableKind, ids: &[Uuid]) -> Result<Vec<Value>, Error> {
    fn values<R: serde::Serialize>(records: &[R]) -> Result<Vec<Value>, Error> {
        records.iter().map(|record| serde_json::to_value(record).map_err(Error::internal)).collect()
    }
    match kind {
        TableKind::Integrations => values(&integrations::ops::get_integrations(app, actor, ids).await?),
        TableKind::Credentials => values(&integrations::ops::get_credentials(app, actor, ids).await?),
        TableKind::DataFlows
        | TableKind::Scopes
        | TableKind::Requests
        | TableKind::Conditions
        | TableKind::Rules
        | TableKind::Workflows
        | TableKind::Violations
        | TableKind::Exceptions
        | TableKind::Questionnaires
        | TableKind::Assessments
        | TableKind::Demands
        | TableKind::Findings
        | TableKind::Evidence
        | TableKind::RiskModels
        | TableKind::Campaigns
        | TableKind::ReviewItems => Ok(Vec::new()),
        TableKind::Vendors => values(&catalog::ops::get_vendors(app, actor, ids).await?),
        TableKind::Apis => values(&catalog::ops::get_apis(app, actor, ids).await?),
        TableKind::Systems => values(&catalog::ops::get_systems(app, actor, ids).await?),
        TableKind::DataClasses => values(&catalog::ops::get_data_classes(app, actor, ids).await?),
        TableKind::People => values(&identity::ops::get_people(app, actor, ids).await?),
        TableKind::Teams => values(&identity::ops::get_groups(app, actor, GroupKind::Team, ids).await?),
        TableKind::ReviewGroups => values(&identity::ops::get_groups(app, actor, GroupKind::ReviewGroup, ids).await?),
    }
}

fn ndjson(records: &[Value]) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    for record in records {
        serde_json::to_writer(&mut out, record).map_err(Error::internal)?;
        out.push(b'\n');
    }
    Ok(out)
}
