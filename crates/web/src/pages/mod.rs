//! Pages: form in, operation, redirect or template.

mod account;
mod approvals;
mod assessments;
mod audit;
mod campaigns;
mod catalog;
mod charts;
mod credentials;
mod documents;
mod drafts;
mod faults;
mod home;
mod identity;
mod imports;
mod integrations;
pub(super) mod list;
#[macro_use]
mod simple;
mod policy;
mod search;
mod settings;
mod shell;
mod sign_in;
mod styles;
mod versions;
pub(super) mod view;
mod views;
mod written;

use askama::Template;
use axum::{
    Router,
    response::{Html, IntoResponse, Response},
};

use super::{Web, error::PageError};
use base::error::Error;

use faults::{faults, faults_at, labelled, unprocessable};
pub(super) use shell::Shell;
pub(super) use sign_in::hold;

/// Every page.
pub fn router() -> Router<Web> {
    Router::new()
        .merge(home::router())
        .merge(search::router())
        .merge(sign_in::router())
        .merge(account::router())
        .merge(catalog::router())
        .merge(versions::router())
        .merge(documents::router())
        .merge(identity::router())
        .merge(imports::router())
        .merge(integrations::router())
        .merge(approvals::router())
        .merge(policy::router())
        .merge(assessments::router())
        .merge(campaigns::router())
        .merge(credentials::router())
        .merge(views::router())
        .merge(drafts::router())
        .merge(audit::router())
        .merge(settings::router())
        .merge(styles::router())
}

/// Renders a template.
fn html(template: &impl Template) -> Result<Response, PageError> {
    Ok(Html(template.render().map_err(Error::internal)?).into_response())
}
