//! The facts of integrations, put together from what is in force or proposed and what is around it.

use std::collections::HashMap;

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use super::judge::Subject;
use crate::policy::{
    Facts, FlowFacts, IntegrationFacts, ScopeFacts,
    store::surroundings::{self, Around, Asked, Surroundings},
};
use base::error::Error;
use register::integrations::{Direction, Integration, IntegrationContent, is_outside_eea};

/// Facts with what was cut of them.
pub(super) type Capped = (Uuid, Facts, Vec<&'static str>);

/// The facts of subjects.
pub(super) async fn facts(
    conn: &mut PgConnection,
    today: NaiveDate,
    subjects: &[Subject<'_>],
) -> Result<Vec<Capped>, Error> {
    let live: Vec<Uuid> =
        subjects.iter().filter(|subject| subject.proposed.is_none()).map(|subject| subject.integration.id).collect();
    let mut asked = if live.is_empty() { Vec::new() } else { surroundings::asked(conn, &live).await? };
    asked.extend(subjects.iter().filter_map(|subject| {
        let (_, _, refs) = subject.proposed?;
        Some(Asked {
            integration: subject.integration.id,
            system: refs.system,
            api: refs.api,
            version: refs.version,
            owners: [refs.business_owner, refs.technical_owner, refs.backup_owner],
        })
    }));
    let mut around = Surroundings::read(conn, &asked, today).await?;
    let asked: HashMap<Uuid, Asked> = asked.into_iter().map(|one| (one.integration, one)).collect();
    let mut keys: Vec<String> =
        subjects.iter().flat_map(|subject| content(subject).data_flows.iter().map(|f| f.data_class.clone())).collect();
    keys.sort_unstable();
    keys.dedup();
    let classes = surroundings::classes(conn, &keys).await?;
    let mut all = Vec::with_capacity(subjects.len());
    for subject in subjects {
        let id = subject.integration.id;
        let around = asked.get(&id).and_then(|asked| around.around(asked));
        let around = around.ok_or_else(|| Error::internal("an integration without surroundings"))?;
        let (facts, cut) = assemble(subject, around, &classes, today).capped();
        all.push((id, facts, cut));
    }
    Ok(all)
}

fn content<'a>(subject: &Subject<'a>) -> &'a IntegrationContent {
    subject.proposed.map_or(&subject.integration.content, |(_, content, _)| content)
}

fn assemble(
    subject: &Subject,
    around: Around,
    classes: &HashMap<String, (String, Vec<String>)>,
    today: NaiveDate,
) -> Facts {
    let content = content(subject);
    let flows: Vec<FlowFacts> = content
        .data_flows
        .iter()
        .map(|flow| {
            let (sensitivity, regulations) = classes.get(&flow.data_class).cloned().unwrap_or_default();
            FlowFacts {
                data_class: flow.data_class.clone(),
                sensitivity,
                regulations,
                direction: flow.direction.key().into(),
                environments: flow.environments.iter().map(|e| e.key().to_owned()).collect(),
                legal_basis: flow.legal_basis.map(|basis| basis.key().into()),
                locations: flow.locations.clone(),
                outside_eea: is_outside_eea(&flow.locations),
                transfer_safeguard: flow.transfer_safeguard.map(|safeguard| safeguard.key().into()),
                retention_days: flow.retention_days.map(i64::from),
                field_encryption: flow.field_encryption.map(|way| way.key().into()),
            }
        })
        .collect();
    let kind = subject.proposed.map_or("", |(kind, ..)| kind);
    Facts {
        today: today.to_string(),
        request: kind.to_owned(),
        integration: integration(subject, content, &flows, &around.system.kind, today),
        scopes: scopes(subject.integration, content, around.offered, today),
        system: around.system.clone(),
        vendor: around.vendor.clone(),
        api: around.api.clone(),
        version: around.version.cloned(),
        owners: around.owners,
        data_flows: flows,
        credentials: around.credentials,
        assessments: around.assessments,
        exceptions: around.exceptions,
        conditions: around.conditions,
    }
}

fn integration(
    subject: &Subject,
    content: &IntegrationContent,
    flows: &[FlowFacts],
    system_kind: &str,
    today: NaiveDate,
) -> IntegrationFacts {
    let order = ["public", "internal", "confidential", "restricted"];
    let highest = flows.iter().filter_map(|flow| order.iter().position(|word| *word == flow.sensitivity)).max();
    let direction = system_kind.parse().map_or(Direction::Unknown, |kind| Direction::of(kind, content.initiated_by));
    IntegrationFacts {
        slug: content.slug.clone(),
        name: content.name.clone(),
        state: subject.integration.state.key().into(),
        purpose: content.purpose.clone(),
        business_logic: content.business_logic.clone(),
        criticality: content.criticality.map(|word| word.key().into()),
        exposure: content.exposure.map(|word| word.key().into()),
        initiated_by: content.initiated_by.map(|word| word.key().into()),
        direction: direction.key().into(),
        sensitivity: highest.map(|at| order[at].to_owned()),
        environments: content.environments.iter().map(|e| e.environment.key().to_owned()).collect(),
        endpoints: content.environments.iter().flat_map(|e| e.endpoints.clone()).collect(),
        rate_limit: content.rate_limit.map(i64::from),
        rate_limit_per: content.rate_limit_per.map(|word| word.key().into()),
        gateway_route: content.gateway_route.clone(),
        inbound_validation: content.inbound_validation.iter().map(|word| word.key().to_owned()).collect(),
        inbound_inspection: content.inbound_inspection.iter().map(|word| word.key().to_owned()).collect(),
        tls_minimum: content.tls_minimum.map(|word| word.key().into()),
        peer_verification: content.peer_verification.map(|word| word.key().into()),
        token_lifetime_minutes: content.token_lifetime_minutes.map(i64::from),
        exit_plan: content.exit_plan.clone(),
        days_to_review: content.next_review_on.map(|day| (day - today).num_days()),
        upstreams: i64::try_from(content.upstreams.len()).unwrap_or(i64::MAX),
        tags: content.tags.clone(),
    }
}

/// What is asked for, with what stands of it; and what the vendor granted without being asked.
fn scopes(
    integration: &Integration,
    content: &IntegrationContent,
    offered: Option<&HashMap<String, Option<String>>>,
    today: NaiveDate,
) -> Vec<ScopeFacts> {
    let grant = |scope: &str| integration.grants.iter().find(|grant| grant.scope == scope);
    let facts = |scope: &str, requested: bool, justification: Option<String>| {
        let known = grant(scope);
        let offer = offered.and_then(|offered| offered.get(scope));
        ScopeFacts {
            scope: scope.to_owned(),
            offered: offer.is_some(),
            description: offer.cloned().flatten(),
            requested,
            approved: known.is_some_and(|grant| grant.approved_at.is_some()),
            granted: known.is_some_and(|grant| grant.granted_on.is_some()),
            justification,
            unused_days: known
                .and_then(|grant| grant.last_used_on.or(grant.granted_on))
                .map(|day| (today - day).num_days()),
        }
    };
    let asked = content.scopes.iter().map(|request| facts(&request.scope, true, request.justification.clone()));
    let others = integration.grants.iter().filter(|grant| {
        grant.granted_on.is_some() && !content.scopes.iter().any(|request| request.scope == grant.scope)
    });
    asked.chain(others.map(|grant| facts(&grant.scope, false, None))).collect()
}
