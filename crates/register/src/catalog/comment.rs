//! A comment in Markdown on a record.

use chrono::{DateTime, Utc};
use pulldown_cmark::Event;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use base::{audit::Record, check::Check, error::Error};

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

/// Quotes, lists and emphasis within each other, at most; deeper ones are shown without their markup. The parser of HTML
/// looks through all that are open at each further one.
const DEEPEST: usize = 32;

/// Markdown (`CommonMark`) to HTML from which everything active is removed: no HTML of the author's, no scripts, styles,
/// images or frames; links open with `noopener noreferrer nofollow`.
pub fn render(markdown: &str) -> String {
    let mut depth = 0;
    let shown = pulldown_cmark::Parser::new(markdown).filter(|event| match event {
        Event::Start(_) => {
            depth += 1;
            depth <= DEEPEST
        }
        Event::End(_) => {
            depth -= 1;
            depth < DEEPEST
        }
        Event::Html(_) | Event::InlineHtml(_) => false,
        _ => true,
    });
    let mut html = String::new();
    pulldown_cmark::html::push_html(&mut html, shown);
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

    #[test]
    fn text_that_is_meant_to_be_slow_or_large_is_neither() {
        if !base::foreign::alone() {
            return;
        }
        let most = 20_000;
        let repeated = |text: &str| text.repeat(most / text.len());
        for text in [
            repeated(">"),
            repeated("- "),
            repeated("["),
            repeated("[a]("),
            repeated("![a]["),
            repeated("*a **a "),
            repeated("`a``"),
            repeated("<b>"),
            repeated("<div><p>"),
            repeated("&amp;"),
            repeated("[x]: /y\n[x] "),
            repeated("|a|\n|-|\n"),
            repeated("\t"),
            format!("{}{}", repeated("<a href='"), "'>"),
        ] {
            let begun = std::time::Instant::now();
            let (grown, html) = base::foreign::growth(|| render(&text));
            let start = &text[..12];
            assert!(begun.elapsed().as_millis() < 2000, "{start}: {:?}", begun.elapsed());
            assert!(html.len() < 40 * most, "{start}: {} bytes", html.len());
            assert!(grown < 128, "{start}: {grown} MiB");
        }
    }
}
