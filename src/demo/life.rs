//! What happened to the integrations: registered, approved, changed, suspended, retired.

use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

use super::{
    Stage,
    catalogue::{Shelf, ShelfApi},
    organisation::Cast,
};
use base::error::Error;
use governance::approvals::{NewDecision, RequestKind, Verdict, ops};
use identity::Actor;
use register::{
    catalog::{NewComment, Sensitivity, ops as catalog},
    integrations::{
        IntegrationContent,
        ops::{self as uses, GrantFacts, Start},
    },
};

/// Where an integration is to end up.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Active,
    Suspended,
    Deprecated,
    Retired,
    Draft,
    Open,
    ChangesRequested,
    Rejected,
}

/// An integration of the demonstration.
pub struct Used {
    pub id: Uuid,
    pub slug: String,
    pub name: String,
    pub team: &'static str,
    pub live: bool,
    pub n: usize,
    fate: Fate,
}

fn fate(n: usize) -> Fate {
    match n {
        4 | 23 | 41 => Fate::Suspended,
        9 | 27 | 38 | 52 => Fate::Deprecated,
        14 | 33 | 57 => Fate::Retired,
        62 | 65 | 68 => Fate::Draft,
        60 | 63 | 66 | 69 => Fate::Open,
        61 | 67 => Fate::ChangesRequested,
        64 => Fate::Rejected,
        _ => Fate::Active,
    }
}

fn team_of(system: &str) -> &'static str {
    match system {
        "web-shop" | "checkout" => "payments",
        "messenger" | "accounts" | "hubspot-tenant" => "growth",
        "ledger" => "finance-tools",
        "data-warehouse" => "data",
        "point-of-sale" => "store-operations",
        "fraud-desk" => "security-operations",
        _ => "platform",
    }
}

fn system_name(system: &str) -> String {
    let words = system.replace('-', " ");
    base::words::label(&words).replace("Ci ", "CI ").replace("Hubspot", "HubSpot")
}

/// Classes, direction and legal basis by how sensitive the API's data is.
fn flows(api: &ShelfApi, n: usize) -> serde_json::Value {
    let outside = register::integrations::is_outside_eea(&api.locations);
    let safeguard = match (outside, n % 9) {
        (true, 4) => "missing",
        (true, _) => "standard_contractual_clauses",
        (false, _) => "not_needed",
    };
    let personal = |class: &str, direction: &str, basis: &str, encryption: &str| {
        json!({ "data_class": class, "direction": direction, "legal_basis": basis, "locations": api.locations,
            "transfer_safeguard": safeguard, "retention_days": 90 + n % 5 * 180, "field_encryption": encryption })
    };
    let plain = json!({ "data_class": "system.operations", "direction": "both", "locations": api.locations });
    match api.sensitivity {
        Sensitivity::Restricted => json!([
            personal(
                ["user.payment", "user.financial.bank_account", "user.financial"][n % 3],
                "sent",
                "contract",
                "tokenised"
            ),
            personal("user.contact.email", "sent", "contract", "none"),
            personal("user.name", if n.is_multiple_of(2) { "both" } else { "sent" }, "contract", "none"),
        ]),
        Sensitivity::Confidential => json!([
            personal(
                ["user.contact.email", "user.contact.phone_number", "user.unique_id"][n % 3],
                "sent",
                "legitimate_interests",
                "none"
            ),
            plain,
        ]),
        _ => json!([plain]),
    }
}

fn content(api: &ShelfApi, system: &str, n: usize) -> Result<IntegrationContent, Error> {
    let team = team_of(system);
    let technical = if team == "payments" { "platform" } else { team };
    let backup = ["platform", "data", "finance-tools"].into_iter().find(|backup| ![team, technical].contains(backup));
    let criticality = match api.sensitivity {
        Sensitivity::Restricted if n.is_multiple_of(2) => "critical",
        Sensitivity::Restricted | Sensitivity::Confidential => ["high", "medium"][n % 2],
        _ => ["medium", "low"][n % 2],
    };
    let scopes: Vec<serde_json::Value> = api
        .scopes
        .iter()
        .skip(n % 3)
        .step_by(3.max(api.scopes.len() / 5))
        .take(5)
        .map(|scope| json!({ "scope": scope, "justification": "Needed by the nightly run; narrower ones do not cover it." }))
        .collect();
    let era = ["eu", "core", "legacy"][n % 3];
    let mut value = json!({
        "name": format!("{} for {}", api.name, system_name(system)), "system": system, "api": api.slug,
        "purpose": format!("{} uses {} for what our customers and people expect of it.", system_name(system), api.name),
        "business_logic": "Called when an order, a message or a nightly run needs it. Without it the work queues up and is done later.",
        "business_owner": team, "technical_owner": technical,
        "backup_owner": backup, "criticality": criticality,
        "exposure": if ["payments", "growth", "store-operations"].contains(&team) { "customer_facing" } else { "internal" },
        "initiated_by": if api.webhook { "vendor" } else if n % 11 == 3 { "both" } else { "us" },
        "inbound_validation": if api.webhook || n % 11 == 3 { json!(["signature", "replay_protection"]) } else { json!([]) },
        "data_flows": flows(api, n), "scopes": scopes, "exit_plan": "A second vendor is known; moving takes six weeks.",
        "peer_verification": "certificate", "tags": [team, era],
    });
    if n % 4 != 1 {
        value["rate_limit"] = json!(20 + n % 7 * 10);
        value["rate_limit_per"] = json!("second");
        value["gateway_route"] = json!(format!("egress/{}", api.slug));
    }
    if n % 5 == 2 {
        value["token_lifetime_minutes"] = json!(60);
    }
    base::json::from_value(value)
}

/// Registers everything over the months, and lets most of it come into force.
pub async fn live(stage: &Stage, cast: &Cast, shelf: &Shelf, now: DateTime<Utc>) -> Result<Vec<Used>, Error> {
    let mut pairs: Vec<(&ShelfApi, &String)> =
        shelf.apis.iter().flat_map(|api| api.uses.iter().map(move |system| (api, system))).collect();
    // In an order that mixes vendors, the same each time.
    pairs.sort_by_key(|(api, system)| {
        (api.slug.len() * 31 + system.len() * 17 + api.slug.bytes().map(usize::from).sum::<usize>()) % 97
    });
    let total = pairs.len();
    let mut made = Vec::new();
    for (n, (api, system)) in pairs.into_iter().enumerate() {
        let fate = fate(n);
        let team = team_of(system);
        let requester = cast.of_team(team, n);
        let mut content = content(api, system, n)?;
        if fate == Fate::Draft {
            (content.backup_owner, content.exit_plan, content.purpose) = (None, None, None);
        }
        if !api.hosted {
            content.environments = base::json::from_value(json!([{ "environment": "production" }]))?;
        }
        let (integration, request) = ops::register(&stage.app, &requester, content, Start::FromVersion).await?;
        settle(stage, cast, &requester, request.id, fate, n).await?;
        made.push(Used {
            id: integration.id,
            slug: integration.content.slug,
            name: integration.content.name,
            team,
            live: !matches!(fate, Fate::Draft | Fate::Open | Fate::ChangesRequested | Fate::Rejected),
            n,
            fate,
        });
        let left = i64::try_from(total - n).unwrap_or(1);
        stage.pass(((stage.days_left(now) - 40) / left).max(0)).await?;
    }
    Ok(made)
}

/// Submits and decides as the fate wants it.
async fn settle(
    stage: &Stage,
    cast: &Cast,
    requester: &Actor,
    request: Uuid,
    fate: Fate,
    n: usize,
) -> Result<(), Error> {
    if fate == Fate::Draft {
        return Ok(());
    }
    submit(stage, requester, request).await?;
    if fate == Fate::Open {
        return Ok(());
    }
    stage.pass(i64::try_from(n % 4).unwrap_or(1)).await?;
    let (verdict, reason) = match fate {
        Fate::ChangesRequested => (Verdict::RequestChanges, "Say which fields are tokenised before they leave us."),
        Fate::Rejected => (Verdict::Reject, "The first route does this already; a second vendor needs a reason."),
        _ => (
            Verdict::Approve,
            [
                "Scopes are narrow, the DPA is in place.",
                "As discussed; the exit plan convinced me.",
                "Fine. Review the retention next year.",
            ][n % 3],
        ),
    };
    decide(stage, cast, request, n, verdict, reason).await
}

async fn submit(stage: &Stage, requester: &Actor, request: Uuid) -> Result<(), Error> {
    let draft = ops::find_request(&stage.app, requester, request).await?;
    ops::submit_request(&stage.app, requester, request, draft.revision, draft.reason.clone()).await?;
    Ok(())
}

/// The first reviewer who may decides.
async fn decide(
    stage: &Stage,
    cast: &Cast,
    request: Uuid,
    n: usize,
    verdict: Verdict,
    reason: &str,
) -> Result<(), Error> {
    let mut refused = Error::internal("no reviewer");
    for turn in 0..4 {
        let reviewer = cast.reviewer(n + turn);
        let open = ops::find_request(&stage.app, &reviewer, request).await?;
        let hash = open.phase.bound().map(|bound| bound.content_hash.clone()).unwrap_or_default();
        let decision = NewDecision::new(verdict, reason, hash);
        match ops::decide(&stage.app, &reviewer, request, decision).await {
            Ok(_) => return Ok(()),
            Err(error @ Error::Forbidden(_)) => refused = error,
            Err(other) => return Err(other),
        }
    }
    Err(refused)
}

/// Asks for a change of state and has it approved.
async fn turn(stage: &Stage, cast: &Cast, used: &Used, kind: RequestKind, reason: &str) -> Result<(), Error> {
    let requester = cast.of_team(used.team, used.n + 1);
    let request = ops::propose(&stage.app, &requester, &used.slug, kind, None, Some(reason.into())).await?;
    submit(stage, &requester, request.id).await?;
    decide(stage, cast, request.id, used.n + 1, Verdict::Approve, "Agreed.").await
}

/// What happened in the last weeks: suspensions, ends, grants, changes under review, comments.
pub async fn lately(stage: &Stage, cast: &Cast, made: &[Used], now: DateTime<Utc>) -> Result<(), Error> {
    for used in made.iter().filter(|used| used.live) {
        grants(stage, cast, used).await?;
        match used.fate {
            Fate::Deprecated => {
                turn(stage, cast, used, RequestKind::Deprecate, "The vendor ends this version next year.").await?;
            }
            Fate::Retired => turn(stage, cast, used, RequestKind::Retire, "Nothing calls it any more.").await?,
            Fate::Suspended => {
                let reviewer = cast.reviewer(used.n);
                let found = uses::find_integration(&stage.app, &reviewer, &used.slug).await?;
                let reason = "A key of it showed up in a public log; stopped until it is rotated.";
                uses::suspend(&stage.app, &reviewer, used.id, found.revision, reason).await?;
            }
            Fate::Active if used.n % 16 == 5 => change(stage, cast, used).await?,
            Fate::Active if used.n % 10 == 7 => {
                let body = "Checked with the vendor: retention is **90 days** from May on.".into();
                catalog::add_comment(
                    &stage.app,
                    &cast.of_team(used.team, 0),
                    "integration",
                    used.id,
                    NewComment { body },
                )
                .await?;
            }
            _ => {}
        }
        if used.n % 5 == 0 && stage.days_left(now) > 3 {
            stage.pass(1).await?;
        }
    }
    Ok(())
}

/// What the vendors grant: mostly what was approved, here and there something more.
async fn grants(stage: &Stage, cast: &Cast, used: &Used) -> Result<(), Error> {
    let actor = cast.of_team(used.team, used.n);
    let found = uses::find_integration(&stage.app, &actor, &used.slug).await?;
    if found.content.scopes.is_empty() {
        return Ok(());
    }
    let today = stage.clock.now().date_naive();
    let ago = |days: u64| today.checked_sub_days(chrono::Days::new(days));
    let mut granted: Vec<serde_json::Value> = found
        .content
        .scopes
        .iter()
        .enumerate()
        .map(|(k, scope)| json!({ "scope": scope.scope, "granted_on": ago(200), "last_used_on": ago(if k == 1 { 130 } else { k as u64 }) }))
        .collect();
    if used.n.is_multiple_of(6) {
        granted.push(json!({ "scope": "offline_access", "granted_on": ago(200), "last_used_on": ago(2) }));
    }
    let facts: GrantFacts = base::json::from_value(json!({ "granted": granted }))?;
    uses::record_grants(&stage.app, &actor, used.id, found.revision, facts).await?;
    Ok(())
}

/// A change that waits for a decision.
async fn change(stage: &Stage, cast: &Cast, used: &Used) -> Result<(), Error> {
    let requester = cast.of_team(used.team, used.n + 2);
    let found = uses::find_integration(&stage.app, &requester, &used.slug).await?;
    let mut content = found.content.clone();
    content.rate_limit = content.rate_limit.map(|limit| limit + 30);
    content.purpose = content.purpose.map(|purpose| format!("{purpose} From now on for refunds too."));
    let reason = Some("Refunds go through it from next month on.".into());
    let request = ops::propose(&stage.app, &requester, &used.slug, RequestKind::Change, Some(content), reason).await?;
    submit(stage, &requester, request.id).await
}
