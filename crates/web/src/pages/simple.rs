//! The pages that every plain kind of record has: form, create, show, edit, change. The macro
//! writes the handlers once; each kind says what is its own.

use askama::Template;

use super::{
    Shell,
    list::Link,
    view::{CommentView, EventView},
};

/// A fact of a record.
pub struct Fact {
    pub label: &'static str,
    pub text: String,
    pub href: Option<String>,
    pub class: &'static str,
}

impl Fact {
    /// Plain text; nothing where it is not known.
    pub fn text(label: &'static str, text: impl Into<String>) -> Self {
        Self { label, text: text.into(), href: None, class: "" }
    }
    /// With a link.
    pub fn link(label: &'static str, text: impl Into<String>, href: String) -> Self {
        Self { label, text: text.into(), href: Some(href), class: "" }
    }
    /// Typed by machines.
    pub fn mono(label: &'static str, text: impl Into<String>) -> Self {
        Self { label, text: text.into(), href: None, class: "mono" }
    }
}

/// A small table on a record's page.
pub struct Part {
    pub title: String,
    pub rows: Vec<Fact>,
    pub empty: &'static str,
}

/// A record's page.
#[derive(Template)]
#[template(path = "record.html")]
pub struct RecordPage {
    pub shell: Shell,
    pub crumb: Link,
    pub sub: String,
    pub description: Option<String>,
    pub facts: Vec<Fact>,
    pub parts: Vec<Part>,
    pub actions: Vec<Link>,
    pub events: Vec<EventView>,
    pub comments: Option<Vec<CommentView>>,
    pub me: Option<uuid::Uuid>,
    pub may_comment: bool,
    pub path: String,
    pub level: Option<(u8, String)>,
    pub retired: bool,
}

/// Form, create, edit and change of one kind.
macro_rules! simple_pages {
    (
        $path:literal, $singular:literal, $form:expr, $content:ty, $default:expr, $permission:expr,
        $find:path, $create:path, $update:path, $key:expr, $name:expr, $decorate:path
    ) => {
        fn values(content: &$content) -> serde_json::Value {
            serde_json::to_value(content).unwrap_or(serde_json::Value::Null)
        }

        async fn new(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
            signed.actor.require($permission)?;
            let mut start = values(&$default);
            // A link may fill in fields of the form, such as the vendor of a new API.
            if let serde_json::Value::Object(fields) = &mut start {
                for (name, value) in pairs.0.iter().filter(|(name, _)| $form.fields().any(|field| field.name == name)) {
                    fields.insert(name.clone(), serde_json::Value::String(value.clone()));
                }
            }
            let form = FormView::new(&$form, start, $path, $path).submit(concat!("Create ", $singular));
            let form = $decorate(&web, &signed, form).await?;
            form_page(&web, &signed, $path, concat!("New ", $singular), form).await
        }

        async fn create(State(web): State<Web>, posted: Posted) -> Result<Response, PageError> {
            let (app, actor) = (&web.app, &posted.signed.actor);
            actor.require($permission)?;
            let fields = posted.over(&$form, values(&$default));
            let typed = serde_json::Value::Object(fields.clone());
            let created = match base::json::content(fields) {
                Ok(content) => $create(app, actor, content).await,
                Err(error) => Err(error),
            };
            match created {
                Ok(record) => Ok(Redirect::to(&format!("{}/{}?note=created", $path, $key(&record))).into_response()),
                Err(error) => {
                    let form = FormView::new(&$form, typed, $path, $path)
                        .submit(concat!("Create ", $singular))
                        .refused(error)?;
                    let form = $decorate(&web, &posted.signed, form).await?;
                    form_page(&web, &posted.signed, $path, concat!("New ", $singular), form).await
                }
            }
        }

        async fn edit(State(web): State<Web>, signed: Signed, Path(key): Path<String>) -> Result<Response, PageError> {
            signed.actor.require($permission)?;
            let record = $find(&web.app, &signed.actor, &key).await?;
            let here = format!("{}/{}", $path, $key(&record));
            let form = FormView::new(&$form, values(&record.content), format!("{}/{}", $path, record.id), here)
                .at(record.revision);
            let form = $decorate(&web, &signed, form).await?;
            form_page(&web, &signed, $path, &format!("Edit {}", $name(&record)), form).await
        }

        async fn update(
            State(web): State<Web>,
            Path(key): Path<String>,
            posted: Posted,
        ) -> Result<Response, PageError> {
            let (app, actor) = (&web.app, &posted.signed.actor);
            actor.require($permission)?;
            let record = $find(app, actor, &key).await?;
            let here = format!("{}/{}", $path, $key(&record));
            let fields = posted.over(&$form, values(&record.content));
            let typed = serde_json::Value::Object(fields.clone());
            let revision = posted.revision()?;
            let updated = match base::json::content(fields) {
                Ok(content) => $update(app, actor, record.id, revision, content).await,
                Err(error) => Err(error),
            };
            let form = FormView::new(&$form, typed, format!("{}/{}", $path, record.id), here).at(revision);
            let form = match updated {
                Ok(after) => {
                    let note = if after.revision == record.revision { "unchanged" } else { "saved" };
                    return Ok(Redirect::to(&format!("{}/{}?note={note}", $path, $key(&after))).into_response());
                }
                Err(base::error::Error::Stale { .. }) => form.meanwhile(&values(&record.content), record.revision),
                Err(error) => form.refused(error)?,
            };
            let form = $decorate(&web, &posted.signed, form).await?;
            form_page(&web, &posted.signed, $path, &format!("Edit {}", $name(&record)), form).await
        }
    };
}

pub(super) use simple_pages;
