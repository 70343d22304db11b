//! A comment in Markdown on a record.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{audit::Record, check::Check, error::Error};

/// A comment to be made.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewComment {
    /// Markdown, 20,000 characters at most.
    pub body: String,
}

impl NewComment {
    /// Tidies and checks.
    pub fn checked(self) -> Result<Self, Error> {
        let mut check = Check::new();
        let mut body = Some(self.body);
        check.optional("/body", &mut body, 20_000);
        if body.is_none() {
            check.fault("/body", "Write something first.");
        }
        check.finish()?;
        Ok(Self { body: body.unwrap_or_default() })
    }
}

/// A comment.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Comment {
    /// Immutable id.
    pub id: Uuid,
    /// The kind of record it is on.
    pub subject_kind: String,
    /// Which record.
    pub subject_id: Uuid,
    /// Who wrote it.
    pub author_id: Option<Uuid>,
    /// Their name today.
    pub author_name: Option<String>,
    /// Markdown; empty when it was withdrawn.
    pub body: String,
    /// `shown` or `withdrawn`.
    pub state: String,
    /// Rises when it is withdrawn.
    pub revision: i64,
    /// When it was written.
    pub created_at: DateTime<Utc>,
}

impl Comment {
    /// The body as HTML that is safe to show.
    pub fn html(&self) -> String {
        render(&self.body)
    }
}

impl Record for Comment {
    const KIND: &'static str = "comment";
    fn id(&self) -> Uuid {
        self.id
    }
    fn revision(&self) -> i64 {
        self.revision
    }
    fn body(&self) -> serde_json::Value {
        serde_json::json!({
            "id": self.id, "subject_kind": self.subject_kind, "subject_id": self.subject_id,
            "author_id": self.author_id, "body": self.body, "state": self.state, "revision": self.revision,
        })
    }
}

/// Markdown (`CommonMark`) to HTML from which everything active is removed: no scripts, styles,
/// images or frames; links open with `noopener noreferrer nofollow`.
pub fn render(markdown: &str) -> String {
    let mut html = String::new();
    pulldown_cmark::html::push_html(&mut html, pulldown_cmark::Parser::new(markdown));
    ammonia::Builder::default()
        .rm_tags(["img", "map", "area"])
        .link_rel(Some("noopener noreferrer nofollow"))
        .url_schemes(["http", "https", "mailto"].into())
        .clean(&html)
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::render;

    #[test]
    fn markdown_is_rendered_and_nothing_active_survives() {
        let html = render(
            "**Ask** [them](https://example.com) <script>alert(1)</script> [x](javascript:alert(1)) ![i](http://t/x.png) <b onclick=a>b</b>",
        );
        assert!(html.contains("<strong>Ask</strong>") && html.contains("noopener"));
        for bad in ["script", "javascript", "<img", "onclick"] {
            assert!(!html.contains(bad), "{bad} in {html}");
        }
    }
}
