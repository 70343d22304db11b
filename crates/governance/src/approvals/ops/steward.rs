//! Owners, tags and review dates of many integrations at once, without a request: somebody has to
//! take over what nobody answers for. One transaction, one event for each.

use chrono::NaiveDate;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::draft::edit_in;
use crate::approvals::store::{requests, stages};
use base::{app::App, check::Check, error::Error};
use identity::{Actor, Permission};
use register::integrations::{Integration, IntegrationContent, IntegrationState, Refs, ops as uses};

/// Integrations of one edit at most.
const MOST: usize = 500;

/// What to change on all of them; what is left out stays.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Stewardship {
    /// Ids or slugs of the integrations, 500 at most.
    pub integrations: Vec<String>,
    /// Id or slug of the team that answers for them.
    #[serde(default)]
    pub business_owner: Option<String>,
    /// Id or slug of the team that runs them.
    #[serde(default)]
    pub technical_owner: Option<String>,
    /// Id or slug of the team that steps in.
    #[serde(default)]
    pub backup_owner: Option<String>,
    /// Tags to add.
    #[serde(default)]
    pub add_tags: Vec<String>,
    /// Tags to take away.
    #[serde(default)]
    pub remove_tags: Vec<String>,
    /// When they are looked at again.
    #[serde(default)]
    pub next_review_on: Option<NaiveDate>,
}

impl Stewardship {
    fn checked(mut self) -> Result<Self, Error> {
        let mut check = Check::new();
        check.at_most("/integrations", self.integrations.len(), MOST);
        if self.integrations.is_empty() {
            check.fault("/integrations", "Choose at least one integration.");
        }
        check.reference("/business_owner", &mut self.business_owner, 100);
        check.reference("/technical_owner", &mut self.technical_owner, 100);
        check.reference("/backup_owner", &mut self.backup_owner, 100);
        check.tags("/add_tags", &mut self.add_tags);
        check.tags("/remove_tags", &mut self.remove_tags);
        check.in_order("/next_review_on", None, self.next_review_on);
        let says_something = self.business_owner.is_some()
            || self.technical_owner.is_some()
            || self.backup_owner.is_some()
            || !self.add_tags.is_empty()
            || !self.remove_tags.is_empty()
            || self.next_review_on.is_some();
        if !says_something {
            check.fault("", "Say what to change.");
        }
        check.finish()?;
        self.integrations.sort();
        self.integrations.dedup();
        Ok(self)
    }

    fn over(&self, content: &IntegrationContent) -> IntegrationContent {
        let mut after = content.clone();
        let owners = [
            (&self.business_owner, &mut after.business_owner),
            (&self.technical_owner, &mut after.technical_owner),
            (&self.backup_owner, &mut after.backup_owner),
        ];
        for (new, owner) in owners {
            if new.is_some() {
                owner.clone_from(new);
            }
        }
        after.tags.extend(self.add_tags.iter().cloned());
        after.tags.retain(|tag| !self.remove_tags.contains(tag));
        after.next_review_on = self.next_review_on.or(after.next_review_on);
        after
    }
}

/// Changes all of them, or none. Stewards change any; others those of their own teams. The number
/// that changed.
pub async fn steward(app: &App, actor: &Actor, edit: Stewardship) -> Result<usize, Error> {
    if !actor.may(Permission::Steward) {
        actor.require(Permission::Propose)?;
    }
    let edit = edit.checked()?;
    let mut tx = app.db.write(actor).await?;
    let mut found: Vec<Integration> = Vec::new();
    for (n, key) in edit.integrations.iter().enumerate() {
        let integration = uses::integration_in(&mut tx, key).await.map_err(|error| match error {
            Error::NotFound(_) => {
                Error::field(&format!("/integrations/{n}"), format!("There is no integration '{key}'."))
            }
            other => other,
        })?;
        if !found.iter().any(|known| known.id == integration.id) {
            found.push(integration);
        }
    }
    let mut events = Vec::new();
    let mut changed = 0;
    for integration in found {
        let (_, refs) = uses::resolve_in(&mut tx, Some(&integration), integration.content.clone()).await?;
        let mine = actor.is_in_team(refs.owners().chain(refs.system_team));
        if !actor.may(Permission::Steward) && actor.person().is_some() && !mine {
            return Err(Error::Forbidden(format!(
                "'{}' is not of your teams. A governance lead can change it.",
                integration.content.name
            )));
        }
        let mut done = one(app, &mut tx, actor, &edit, integration).await?;
        changed += usize::from(!done.is_empty());
        events.append(&mut done);
    }
    if tx.commit_all(events).await? > 0 {
        app.forget_counts();
    }
    Ok(changed)
}

/// Sets when something in force is looked at again, for a campaign in which it was kept; nothing where
/// that is the day already.
pub async fn set_review_in<S>(
    tx: &mut base::db::WriteTx<S>,
    integration: &Integration,
    next: NaiveDate,
) -> Result<Option<base::audit::Event>, Error> {
    if integration.content.next_review_on == Some(next) {
        return Ok(None);
    }
    let content = IntegrationContent { next_review_on: Some(next), ..integration.content.clone() };
    let (content, refs) = uses::resolve_in(tx, Some(integration), content).await?;
    let (_, event) = uses::steward_in(tx, integration.clone(), content, &refs).await?;
    Ok(Some(event))
}

/// Refuses to move a seat of an owner between teams that the actor is not in: who owns it may change, suspend and retire
/// it, and may not decide on it.
fn refuse_moved_seats(actor: &Actor, before: &Refs, after: &Refs) -> Result<(), Error> {
    let seats = [
        (before.business_owner, after.business_owner),
        (before.technical_owner, after.technical_owner),
        (before.backup_owner, after.backup_owner),
    ];
    // A seat that is empty is the system's to fill.
    let from = |seat: Option<Uuid>| seat.or(before.system_team);
    if seats.into_iter().all(|(old, new)| old == new || actor.may_move(from(old), new)) {
        return Ok(());
    }
    Err(Error::Forbidden(
        "An owner is replaced by someone in the team that gives it up and in the team that takes it, or by a governance lead."
            .into(),
    ))
}

/// Whether any seat of an owner differs.
pub(super) fn moved_seats(before: &Refs, after: &Refs) -> bool {
    (before.business_owner, before.technical_owner, before.backup_owner)
        != (after.business_owner, after.technical_owner, after.backup_owner)
}

async fn one(
    app: &App,
    tx: &mut base::db::WriteTx<base::db::Open>,
    actor: &Actor,
    edit: &Stewardship,
    integration: Integration,
) -> Result<Vec<base::audit::Event>, Error> {
    let pending: Option<Uuid> = match integration.state {
        IntegrationState::Proposed => requests::unclosed(tx.conn(), integration.id).await?,
        _ => None,
    };
    if let Some(id) = pending {
        let request = requests::get(tx.conn(), id).await?.ok_or(Error::NotFound("change request"))?;
        let (_, refs) = uses::resolve_in(tx, Some(&integration), edit.over(&request.content)).await?;
        refuse_moved_seats(actor, &request.refs, &refs)?;
        let (_, events) = edit_in(app, tx, id, None, edit.over(&request.content), request.reason).await?;
        return Ok(events);
    }
    let (content, refs) = uses::resolve_in(tx, Some(&integration), edit.over(&integration.content)).await?;
    if content == integration.content {
        return Ok(Vec::new());
    }
    let (_, before) = uses::resolve_in(tx, Some(&integration), integration.content.clone()).await?;
    refuse_moved_seats(actor, &before, &refs)?;
    if moved_seats(&before, &refs) {
        let people: Vec<Uuid> = actor.answers_for().into_iter().collect();
        let now = tx.now();
        stages::note_owner_move(tx.conn(), integration.id, &people, now).await?;
    }
    let (_, event) = uses::steward_in(tx, integration, content, &refs).await?;
    Ok(vec![event])
}
