//! Every component of the design language on one page; debug builds only.

use axum::Router;

use crate::Web;

#[cfg(not(debug_assertions))]
pub fn router() -> Router<Web> {
    Router::new()
}

#[cfg(debug_assertions)]
pub fn router() -> Router<Web> {
    Router::new().route("/styles", axum::routing::get(shown::page))
}

#[cfg(debug_assertions)]
mod shown {
    use askama::Template;
    use axum::{extract::State, response::Response};
    use serde_json::json;

    use crate::{
        Web,
        error::PageError,
        extract::{Pairs, Signed},
        pages::{Shell, html, view::ChangeView},
    };
    use base::audit::Change;

    #[derive(Template)]
    #[template(path = "styles.html")]
    struct StylesPage {
        shell: Shell,
        examples: Vec<Change>,
    }

    impl StylesPage {
        fn changes(&self) -> Vec<ChangeView<'_>> {
            self.examples.iter().map(ChangeView).collect()
        }
    }

    pub async fn page(State(web): State<Web>, signed: Signed) -> Result<Response, PageError> {
        let change = |field: &str, before, after| Change { field: field.into(), before, after };
        let examples = vec![
            change("name", json!("Stripe"), json!("Stripe, Inc.")),
            change("tags", json!([]), json!(["payments"])),
            change("tier", json!(2), json!(null)),
        ];
        html(&StylesPage { shell: Shell::new(&web, &signed, "/styles", "Styles", &Pairs::default()).await?, examples })
    }
}
