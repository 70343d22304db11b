//! The access review: a page, and the same as CSV.

use askama::Template;
use axum::{
    Router,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
    routing::get,
};

use chrono::{DateTime, NaiveDate, Utc};

use crate::{
    Web,
    error::PageError,
    extract::{Pairs, Signed},
    pages::{Shell, html, view},
};
use base::{error::Error, tables::escape, words::label};
use identity::ops::{self, Held};

pub fn router() -> Router<Web> {
    Router::new().route("/access-review", get(index)).route("/access-review/export", get(export))
}

#[derive(Template)]
#[template(path = "identity/review.html")]
struct ReviewPage {
    shell: Shell,
    /// Everybody with what they hold.
    people: Vec<Vec<Held>>,
    rights: usize,
}

impl ReviewPage {
    fn kind(&self, one: &Held) -> String {
        label(&one.kind)
    }
    fn date(&self, at: &DateTime<Utc>) -> String {
        view::date(*at)
    }
    fn day(&self, day: &NaiveDate) -> String {
        view::day_alone(*day)
    }
    fn exact(&self, at: &DateTime<Utc>) -> String {
        view::exact(*at)
    }
}

async fn index(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    let all = ops::access_review(&web.app, &signed.actor).await?;
    let rights = all.len();
    let people = all.chunk_by(|one, next| one.person == next.person).map(<[Held]>::to_vec).collect();
    let shell = Shell::new(&web, &signed, "/access-review", "Access review", &pairs).await?;
    html(&ReviewPage { shell, people, rights })
}

async fn export(State(web): State<Web>, signed: Signed) -> Result<Response, PageError> {
    let all = ops::access_review(&web.app, &signed.actor).await?;
    let mut writer = csv::Writer::from_writer(Vec::new());
    let head = ["person_id", "name", "email", "kind", "right", "because", "granted_at", "until_on"];
    writer.write_record(head).map_err(Error::internal)?;
    for one in all {
        let granted = one.granted_at.map(|at| at.to_rfc3339()).unwrap_or_default();
        let until = one.until_on.map(|day| day.to_string()).unwrap_or_default();
        let because = one.because.join("; ");
        let cells = [one.person.to_string(), one.name, one.email, one.kind, one.title, because, granted, until];
        writer.write_record(cells.iter().map(|cell| escape(cell))).map_err(Error::internal)?;
    }
    let bytes = writer.into_inner().map_err(|error| Error::internal(error.error()))?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"access-review.csv\""),
    ];
    Ok((headers, bytes).into_response())
}
