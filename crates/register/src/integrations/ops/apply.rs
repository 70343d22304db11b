//! Writing the content of an integration. Only `approvals` calls this: everything governed comes
//! here as a proposal that was decided, or as the proposal of something not yet in force.

use uuid::Uuid;

use crate::integrations::{
    Direction, Grant, Integration, IntegrationContent, IntegrationState, Refs,
    store::{
        integrations,
        parts::{self, Approval},
    },
};
use base::{audit::Event, db::WriteTx, error::Error};

/// What the content is once it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A proposal of something not yet in force.
    Proposed,
    /// Approved; the integration is in this state from now on.
    Approved(IntegrationState),
}

/// A new integration, proposed.
pub async fn register_in<S>(
    tx: &mut WriteTx<S>,
    content: IntegrationContent,
    refs: &Refs,
) -> Result<(Integration, Event), Error> {
    let now = tx.now();
    let grants = content.scopes.iter().map(|scope| Grant {
        scope: scope.scope.clone(),
        requested: true,
        approved_at: None,
        granted_on: None,
        last_used_on: None,
    });
    let integration = Integration {
        id: Uuid::now_v7(),
        revision: 1,
        created_at: now,
        updated_at: now,
        state: IntegrationState::Proposed,
        direction: direction(refs, &content),
        sensitivity: refs.sensitivity(),
        suspension: None,
        system_id: refs.system,
        api_id: refs.api,
        vendor_id: refs.vendor,
        owner_ids: refs.owner_ids(),
        part_ids: refs.part_ids(&content),
        grants: grants.collect(),
        credentials: Vec::new(),
        content,
    };
    integrations::save(tx.conn(), &integration, refs).await?;
    parts::save(tx.conn(), &integration, refs, Approval::Pending, now).await?;
    let event = Event::created("integration.registered", &integration);
    Ok((integration, event))
}

fn direction(refs: &Refs, content: &IntegrationContent) -> Direction {
    match refs.system_kind {
        Some(kind) => Direction::of(kind, content.initiated_by),
        None => Direction::Unknown,
    }
}

/// Brings an integration to a content. `action` names the event.
pub async fn apply_content<S>(
    tx: &mut WriteTx<S>,
    before: Integration,
    content: IntegrationContent,
    refs: &Refs,
    standing: Standing,
    action: &'static str,
) -> Result<(Integration, Event), Error> {
    let now = tx.now();
    let state = match standing {
        Standing::Proposed => before.state,
        Standing::Approved(state) => state,
    };
    let after = Integration {
        revision: before.revision + 1,
        updated_at: now,
        state,
        direction: direction(refs, &content),
        owner_ids: refs.owner_ids(),
        suspension: before.suspension.clone().filter(|_| state == IntegrationState::Suspended),
        content,
        ..before.clone()
    };
    integrations::save(tx.conn(), &after, refs).await?;
    let approval = match standing {
        Standing::Proposed => Approval::Pending,
        Standing::Approved(_) => Approval::Given,
    };
    parts::save(tx.conn(), &after, refs, approval, now).await?;
    if before.content.slug != after.content.slug {
        base::slugs::remember(tx.conn(), "integration", &before.content.slug, before.id).await?;
    }
    let after = integrations::get(tx.conn(), before.id).await?.ok_or(Error::NotFound("integration"))?;
    let event = Event::changed(action, &before, &after);
    Ok((after, event))
}

/// Owners, tags and review date of something in force, without its parts.
pub async fn steward_in<S>(
    tx: &mut WriteTx<S>,
    before: Integration,
    content: IntegrationContent,
    refs: &Refs,
) -> Result<(Integration, Event), Error> {
    let after = Integration {
        revision: before.revision + 1,
        updated_at: tx.now(),
        owner_ids: refs.owner_ids(),
        content,
        ..before.clone()
    };
    integrations::save(tx.conn(), &after, refs).await?;
    let event = Event::changed("integration.stewarded", &before, &after);
    Ok((after, event))
}
