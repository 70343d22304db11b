//! The organisation's settings.

use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use serde_json::Value;

use super::catalog::form_page;
use crate::{
    Web,
    error::PageError,
    extract::Signed,
    forms::{Choice, FieldKind, FormSpec, FormView, Posted, Section, field},
};
use base::{error::Error, json::content, lists::Query};
use identity::{GroupKind, Permission, ops as people};
use register::settings::{Settings, ops};

pub fn router() -> Router<Web> {
    Router::new().route("/settings", get(edit).post(update))
}

static FORM: FormSpec = FormSpec {
    sections: &[
        Section {
            title: "The organisation",
            hint: "",
            fields: &[
                field("organisation", "Name", "", FieldKind::Needed),
                field(
                    "time_zone",
                    "Time zone",
                    "Due and expiry days are days there, such as Europe/Berlin.",
                    FieldKind::Suggest,
                ),
                field("working_from", "Work begins", "Hours and minutes, such as 09:00:00.", FieldKind::Text),
                field("working_until", "Work ends", "", FieldKind::Text),
            ],
        },
        Section {
            title: "Approval",
            hint: "",
            fields: &[
                field(
                    "approval_group",
                    "Approving group",
                    "The review group that decides on change requests; where empty, the only group there is.",
                    FieldKind::Suggest,
                ),
                field(
                    "ownership_days",
                    "Former owners decide after",
                    "Days for which someone who owned an integration, or moved its owners, does not decide on it.",
                    FieldKind::Count,
                ),
            ],
        },
        Section {
            title: "Exceptions",
            hint: "The longest that an exception from a rule holds, by the rule's severity, in days.",
            fields: &[
                field("exception_days_critical", "Critical", "", FieldKind::Count),
                field("exception_days_high", "High", "", FieldKind::Count),
                field("exception_days_medium", "Medium", "", FieldKind::Count),
                field("exception_days_low", "Low", "", FieldKind::Count),
            ],
        },
        Section {
            title: "Signing in",
            hint: "",
            fields: &[
                field(
                    "local_accounts",
                    "Local accounts",
                    "Passwords, authenticator apps and passkeys, for those without an identity provider.",
                    FieldKind::Select(&["open", "closed"]),
                ),
                field(
                    "strong_for",
                    "Needs a fresh sign-in with a second factor",
                    "Of the last 15 minutes; what was typed goes on afterwards.",
                    FieldKind::Checks(&["decide", "tokens", "administer"]),
                ),
            ],
        },
        Section {
            title: "Sessions",
            hint: "They hold for sessions that begin or are used from now on.",
            fields: &[
                field("session_idle_minutes", "End when idle for", "Minutes, 5 to 10080.", FieldKind::Count),
                field("session_absolute_minutes", "End in any case after", "Minutes, 5 to 43200.", FieldKind::Count),
            ],
        },
    ],
};

fn form(settings: &Settings, values: Value) -> FormView {
    let zones =
        chrono_tz::TZ_VARIANTS.iter().map(|zone| Choice { value: zone.name().into(), label: zone.name().into() });
    FormView::new(&FORM, values, "/settings", "/").at(settings.revision).offer("time_zone", zones.collect())
}

async fn with_groups(web: &Web, signed: &Signed, form: FormView) -> Result<FormView, Error> {
    let spec = people::groups_list_spec(GroupKind::ReviewGroup);
    let query = Query::parse(spec, &[("state".into(), "active".into()), ("limit".into(), "500".into())], &[])?;
    let groups = people::list_groups(&web.app, &signed.actor, GroupKind::ReviewGroup, &query).await?.rows;
    let choices = groups.into_iter().map(|group| Choice { value: group.slug, label: group.name });
    Ok(form.offer("approval_group", choices.collect()))
}

fn values(settings: &Settings) -> Value {
    serde_json::to_value(&settings.content).unwrap_or(Value::Null)
}

async fn edit(State(web): State<Web>, signed: Signed) -> Result<Response, PageError> {
    signed.actor.require(Permission::ManageSettings)?;
    let settings = ops::get(&web.app, &signed.actor).await?;
    let form = with_groups(&web, &signed, form(&settings, values(&settings))).await?;
    form_page(&web, &signed, "/settings", "Organisation", form).await
}

async fn update(State(web): State<Web>, posted: Posted) -> Result<Response, PageError> {
    let (app, actor) = (&web.app, &posted.signed.actor);
    actor.require(Permission::ManageSettings)?;
    let settings = ops::get(app, actor).await?;
    let fields = posted.over(&FORM, values(&settings));
    let typed = Value::Object(fields.clone());
    let updated = match content(fields) {
        Ok(content) => ops::update(app, actor, posted.revision()?, content).await,
        Err(error) => Err(error),
    };
    let form = match updated {
        Ok(_) => return Ok(Redirect::to("/?note=saved").into_response()),
        Err(Error::Stale { .. }) => form(&settings, typed).meanwhile(&values(&settings), settings.revision),
        Err(error) => form(&settings, typed).refused(error)?,
    };
    let form = with_groups(&web, &posted.signed, form).await?;
    form_page(&web, &posted.signed, "/settings", "Organisation", form).await
}
