//! A form as the template shows it: values, faults, what somebody else wrote.

use serde_json::Value;

use super::{Choice, FieldKind, FieldSpec, FormSpec, SubField, Tree};
use crate::{
    pages::{list::Link, view::plain},
    telemetry::note_refusal,
};
use base::error::Error;

/// A record that may be the same.
pub type Likely = register::catalog::ops::Likely;

/// A field that somebody else changed meanwhile.
#[derive(Debug)]
pub struct Their {
    pub name: String,
    pub theirs: String,
    pub yours: String,
}

/// A form with its values.
#[derive(Debug)]
pub struct FormView {
    pub action: String,
    pub cancel: String,
    pub submit: &'static str,
    pub intro: &'static str,
    pub crumb: Option<Link>,
    pub revision: Option<i64>,
    pub errors: Vec<(String, String)>,
    pub problem: Option<String>,
    pub theirs: Vec<Their>,
    pub likely: Vec<Likely>,
    pub likely_path: &'static str,
    /// The form's name, under which what is typed is kept.
    pub draft: Option<String>,
    /// How old what was restored is.
    pub restored: Option<String>,
    /// Where typing brings suggestions from.
    pub suggest: Option<&'static str>,
    /// Fields that are sent along.
    pub hidden: Vec<(String, String)>,
    /// What is missing before it can be submitted, with its field.
    pub missing: Vec<(String, String)>,
    /// What would do with less, with its field.
    pub hints: Vec<(String, String)>,
    /// A field with the tree of what one of its columns can hold.
    pub tree: Option<Tree>,
    aside: bool,
    spec: &'static FormSpec,
    values: Value,
    choices: Vec<(&'static str, Vec<Choice>)>,
    locked: Vec<&'static str>,
}

/// A part of the form.
pub struct SectionView {
    pub title: &'static str,
    pub hint: &'static str,
    pub fields: Vec<FieldView>,
}

/// A word on offer.
#[derive(Debug, Clone)]
pub struct OptionView {
    pub value: String,
    pub label: String,
    pub why: String,
    pub selected: bool,
}

/// One question with its answer.
pub struct FieldView {
    pub name: &'static str,
    pub label: &'static str,
    pub hint: &'static str,
    pub kind: String,
    pub value: String,
    pub error: Option<String>,
    pub options: Vec<OptionView>,
    pub columns: Vec<&'static SubField>,
    pub required: bool,
    pub disabled: bool,
    pub(super) input: &'static str,
    pub(super) json: Value,
    pub(super) sub_errors: Vec<(String, String)>,
}

/// A cell of a small table.
pub struct SubView {
    pub name: String,
    pub label: String,
    pub value: String,
    pub input: &'static str,
    pub options: Vec<OptionView>,
    pub list: Option<String>,
    pub error: Option<String>,
}

impl FormView {
    /// A form over a content.
    pub fn new(spec: &'static FormSpec, values: Value, action: impl Into<String>, cancel: impl Into<String>) -> Self {
        Self {
            action: action.into(),
            cancel: cancel.into(),
            submit: "Save",
            intro: "",
            crumb: None,
            revision: None,
            errors: Vec::new(),
            problem: None,
            theirs: Vec::new(),
            likely: Vec::new(),
            likely_path: "",
            draft: None,
            restored: None,
            suggest: None,
            hidden: Vec::new(),
            missing: Vec::new(),
            hints: Vec::new(),
            tree: None,
            aside: false,
            spec,
            values,
            choices: Vec::new(),
            locked: Vec::new(),
        }
    }

    /// The form of a record at a revision.
    #[must_use]
    pub fn at(mut self, revision: i64) -> Self {
        self.revision = Some(revision);
        self
    }

    /// Words on offer for a field.
    #[must_use]
    pub fn offer(mut self, field: &'static str, choices: Vec<Choice>) -> Self {
        self.choices.push((field, choices));
        self
    }

    /// Fields that this person may look at, not change.
    #[must_use]
    pub fn lock(mut self, fields: &[&'static str]) -> Self {
        self.locked.extend(fields);
        self
    }

    /// Suggestions for the columns of small tables, by `field.column`.
    pub fn lists(&self) -> Vec<(&'static str, &[Choice])> {
        self.choices.iter().filter(|(name, _)| name.contains('.')).map(|(name, all)| (*name, all.as_slice())).collect()
    }

    /// The tree that stands beside a field.
    pub fn tree_of(&self, name: &str) -> Option<&Tree> {
        self.tree.as_ref().filter(|tree| tree.field == name)
    }

    /// The label of the button.
    #[must_use]
    pub fn submit(mut self, label: &'static str) -> Self {
        self.submit = label;
        self
    }

    /// What the form is about.
    #[must_use]
    pub fn intro(mut self, text: &'static str) -> Self {
        self.intro = text;
        self
    }

    /// Takes up why an operation refused what was typed. Errors that no form can mend go on.
    pub fn refused(mut self, error: Error) -> Result<Self, Error> {
        match error {
            Error::Invalid(errors) => {
                for error in errors.as_slice() {
                    let name = error.pointer.trim_start_matches('/').replace('/', ".");
                    self.errors.push((name, error.message.clone()));
                }
                Ok(self)
            }
            Error::Forbidden(text) => {
                note_refusal(&text);
                self.problem = Some(text);
                Ok(self)
            }
            Error::Conflict(text) => {
                self.problem = Some(text);
                Ok(self)
            }
            other => Err(other),
        }
    }

    /// Shows what somebody else wrote beside what was typed, and takes up the new revision.
    #[must_use]
    pub fn meanwhile(mut self, theirs: &Value, revision: i64) -> Self {
        for field in self.spec.fields() {
            let (here, typed) =
                (theirs.get(field.name).unwrap_or(&Value::Null), self.values.get(field.name).unwrap_or(&Value::Null));
            if plain(here) != plain(typed) {
                self.theirs.push(Their { name: field.name.to_owned(), theirs: plain(here), yours: plain(typed) });
            }
        }
        self.revision = Some(revision);
        self
    }

    /// The label of a field by its name, also of a part's.
    pub fn label_of(&self, name: &str) -> String {
        let head = name.split('.').next().unwrap_or(name);
        let label = self
            .spec
            .fields()
            .find(|field| field.name == head)
            .map_or_else(|| base::words::label(head), |field| field.label.to_owned());
        match name.split('.').nth(1).and_then(|n| n.parse::<usize>().ok()) {
            Some(n) => format!("{label}, row {}", n + 1),
            None => label,
        }
    }

    /// The field that a name is a part of.
    pub fn head_of(&self, name: &str) -> String {
        name.split('.').next().unwrap_or(name).to_owned()
    }

    /// Whether something is said beside the form.
    pub fn has_aside(&self) -> bool {
        self.aside
    }

    /// Says beside the form what is missing and where less would do; both by pointer.
    #[must_use]
    pub fn beside(mut self, missing: Vec<(String, String)>, hints: Vec<(String, String)>) -> Self {
        let name = |pointer: &str| pointer.trim_start_matches('/').replace('/', ".");
        self.missing = missing.into_iter().map(|(pointer, message)| (name(&pointer), message)).collect();
        self.hints = hints.into_iter().map(|(pointer, message)| (name(&pointer), message)).collect();
        self.aside = true;
        self
    }

    /// The parts with their questions.
    pub fn sections(&self) -> Vec<SectionView> {
        let field = |field: &'static FieldSpec| self.field(field);
        self.spec
            .sections
            .iter()
            .map(|section| SectionView {
                title: section.title,
                hint: section.hint,
                fields: section.fields.iter().map(field).collect(),
            })
            .collect()
    }

    fn field(&self, field: &'static FieldSpec) -> FieldView {
        let json = self.values.get(field.name).cloned().unwrap_or(Value::Null);
        let (kind, input) = control(&field.kind);
        let below = format!("{}.", field.name);
        let rows = matches!(field.kind, FieldKind::Rows(_));
        let mine = |name: &String| name == field.name || (!rows && name.starts_with(&below));
        FieldView {
            name: field.name,
            label: field.label,
            hint: field.hint,
            kind: kind.into(),
            value: typed(&json, &field.kind),
            error: self.errors.iter().find(|(name, _)| mine(name)).map(|(_, message)| message.clone()),
            options: self.options(field, &json),
            columns: match &field.kind {
                FieldKind::Rows(columns) => columns.iter().collect(),
                _ => Vec::new(),
            },
            required: matches!(field.kind, FieldKind::Needed),
            disabled: self.locked.contains(&field.name),
            input,
            sub_errors: self.errors.iter().filter(|(name, _)| name.starts_with(&below)).cloned().collect(),
            json,
        }
    }

    /// The scopes on offer and those that were chosen besides, each with why it is needed.
    fn scopes(&self, field: &FieldSpec, json: &Value) -> Vec<OptionView> {
        let offered = self.choices.iter().find(|(name, _)| *name == field.name);
        let choices = offered.map_or(&[][..], |(_, choices)| choices);
        let asked: Vec<(&str, &str)> = json
            .as_array()
            .map_or(&[][..], Vec::as_slice)
            .iter()
            .filter_map(|scope| {
                let why = scope.get("justification").and_then(Value::as_str).unwrap_or_default();
                Some((scope.get("scope")?.as_str()?, why))
            })
            .collect();
        let why = |name: &str| asked.iter().find(|(scope, _)| *scope == name).map(|(_, why)| (*why).to_owned());
        let mut all: Vec<OptionView> = choices
            .iter()
            .map(|choice| OptionView {
                selected: why(&choice.value).is_some(),
                why: why(&choice.value).unwrap_or_default(),
                value: choice.value.clone(),
                label: choice.label.clone(),
            })
            .collect();
        for (scope, why) in &asked {
            if !all.iter().any(|option| option.value == *scope) {
                all.push(OptionView {
                    value: (*scope).into(),
                    label: String::new(),
                    why: (*why).into(),
                    selected: true,
                });
            }
        }
        all.sort_by_key(|option| !option.selected);
        all
    }

    /// The words on offer, with those that are chosen.
    fn options(&self, field: &FieldSpec, json: &Value) -> Vec<OptionView> {
        let option = |value: &str, label: String| OptionView {
            value: value.into(),
            label,
            why: String::new(),
            selected: chosen(json, value),
        };
        let word = |key: &&str| option(key, base::words::label(key));
        match &field.kind {
            FieldKind::Number(keys) | FieldKind::Maybe(keys) => {
                std::iter::once(option("", "–".into())).chain(keys.iter().map(word)).collect()
            }
            FieldKind::Select(keys) | FieldKind::Checks(keys) => keys.iter().map(word).collect(),
            FieldKind::Scopes => self.scopes(field, json),
            FieldKind::Suggest | FieldKind::ChecksOf => {
                let offered = self.choices.iter().find(|(name, _)| *name == field.name);
                let choices = offered.map_or(&[][..], |(_, choices)| choices);
                choices.iter().map(|choice| option(&choice.value, choice.label.clone())).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// The template's control and the input's type.
fn control(kind: &FieldKind) -> (&'static str, &'static str) {
    match kind {
        FieldKind::Text | FieldKind::Needed | FieldKind::Words | FieldKind::Suggest => ("text", "text"),
        FieldKind::Lines => ("textarea", ""),
        FieldKind::Url => ("text", "url"),
        FieldKind::Email => ("text", "email"),
        FieldKind::Date => ("text", "date"),
        FieldKind::Count => ("text", "number"),
        FieldKind::Number(_) | FieldKind::Maybe(_) | FieldKind::Select(_) => ("select", ""),
        FieldKind::Checks(_) | FieldKind::ChecksOf => ("checks", ""),
        FieldKind::Rows(_) => ("rows", ""),
        FieldKind::Scopes => ("scopes", ""),
    }
}

/// The value as it is typed.
fn typed(json: &Value, kind: &FieldKind) -> String {
    match (json, kind) {
        (Value::Array(items), FieldKind::Words) => {
            let words: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            words.join(", ")
        }
        (Value::String(text), _) => text.clone(),
        (Value::Number(n), _) => n.to_string(),
        _ => String::new(),
    }
}

fn chosen(json: &Value, value: &str) -> bool {
    match json {
        Value::Array(items) => items.iter().any(|item| item.as_str() == Some(value)),
        Value::String(text) => text == value,
        Value::Number(n) => n.to_string() == value,
        _ => value.is_empty(),
    }
}
