//! Answers: what they are, what fits a question, and what a reviewer said of them.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Question, QuestionKind};
use base::{check::Check, error::Error, words};

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum AnswerValue {
    /// A number.
    Number(i64),
    /// A word of a closed set, a day, prose, or a link.
    Text(String),
    /// Some of the options.
    Many(Vec<String>),
}

impl AnswerValue {
    /// As people read it.
    pub fn shown(&self, question: &Question) -> String {
        let word = |word: &String| match question.kind {
            QuestionKind::YesNo | QuestionKind::Choice | QuestionKind::MultiChoice => question.label_of(word),
            _ => word.clone(),
        };
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => word(text),
            Self::Many(all) => all.iter().map(word).collect::<Vec<_>>().join(", "),
        }
    }

    /// What a spreadsheet's cell holds for it.
    pub fn cell(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
            Self::Many(all) => all.join("; "),
        }
    }
}

words! {
    /// What a reviewer said of an answer.
    Remark, "/remark" {
        /// It will do.
        Fine = "fine",
        /// It has to be answered anew.
        Again = "again",
    }
}

/// An answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Answer {
    /// What was answered.
    pub value: Option<AnswerValue>,
    /// What was added in words.
    pub note: Option<String>,
    /// Files that prove it.
    #[serde(default)]
    pub evidence: Vec<Uuid>,
    /// Whether it was carried over from an earlier assessment and not touched since.
    #[serde(default)]
    pub carried: bool,
    /// When it was given.
    pub at: Option<DateTime<Utc>>,
    /// What a reviewer said of it.
    pub remark: Option<Remark>,
    /// In words.
    pub comment: Option<String>,
}

/// Answers by the key of their question.
pub type Answers = BTreeMap<String, Answer>;

impl Answer {
    /// Whether it answers: by a value, or by a file.
    pub fn is_given(&self) -> bool {
        self.value.is_some() || !self.evidence.is_empty()
    }
}

/// What somebody answers to one question.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAnswer {
    /// A word, several words, a number, a day or prose, as the question asks; null takes it back.
    #[serde(default)]
    pub value: Option<AnswerValue>,
    /// What is to be added in words.
    #[serde(default)]
    pub note: Option<String>,
    /// That an answer which was carried over still holds; another answer needs no such word.
    #[serde(default)]
    pub confirmed: bool,
}

/// A value that fits a question, or why it does not.
pub(super) fn fitting(question: &Question, value: AnswerValue) -> Result<AnswerValue, String> {
    let words = question.values();
    let listed = || format!("Answer one of {}.", words.join(", "));
    match (question.kind, value) {
        (QuestionKind::YesNo | QuestionKind::Choice, AnswerValue::Text(word)) if words.contains(&word.as_str()) => {
            Ok(AnswerValue::Text(word))
        }
        (QuestionKind::YesNo | QuestionKind::Choice, _) => Err(listed()),
        (QuestionKind::MultiChoice, AnswerValue::Text(word)) => fitting(question, AnswerValue::Many(vec![word])),
        (QuestionKind::MultiChoice, AnswerValue::Many(mut chosen)) => {
            if let Some(word) = chosen.iter().find(|word| !words.contains(&word.as_str())) {
                return Err(format!("'{word}' is none of {}.", words.join(", ")));
            }
            chosen.sort_by_key(|word| words.iter().position(|known| known == word));
            chosen.dedup();
            Ok(AnswerValue::Many(chosen))
        }
        (QuestionKind::Number, AnswerValue::Number(number)) => Ok(AnswerValue::Number(number)),
        (QuestionKind::Number, AnswerValue::Text(text)) => {
            text.trim().parse().map(AnswerValue::Number).map_err(|_| "Answer a whole number.".into())
        }
        (QuestionKind::Date, AnswerValue::Text(text)) => {
            let day: Result<NaiveDate, _> = text.trim().parse();
            day.map(|day| AnswerValue::Text(day.to_string())).map_err(|_| "Answer a day, such as 2027-01-31.".into())
        }
        (QuestionKind::Text, AnswerValue::Text(text)) => {
            Ok(AnswerValue::Text(text.replace("\r\n", "\n").trim().to_owned()))
        }
        (QuestionKind::File, AnswerValue::Text(link)) => {
            let mut link = Some(link);
            let mut check = Check::new();
            check.url("/value", &mut link);
            check.finish().map_err(|_| "Give a whole link, or upload a file.".to_owned())?;
            link.map(AnswerValue::Text).ok_or_else(|| "Give a link, or upload a file.".into())
        }
        _ => Err("This answer does not fit the question.".into()),
    }
}

impl NewAnswer {
    /// Tidies and checks against the question; empty counts as taken back.
    pub(super) fn checked(self, question: &Question) -> Result<Self, Error> {
        let at = |part: &str| format!("/{}/{part}", question.key);
        let mut check = Check::new();
        let mut note = self.note;
        check.optional(&at("note"), &mut note, 8000);
        let empty = |value: &AnswerValue| match value {
            AnswerValue::Text(text) => text.trim().is_empty(),
            AnswerValue::Many(all) => all.is_empty(),
            AnswerValue::Number(_) => false,
        };
        let value = match self.value.filter(|value| !empty(value)).map(|value| fitting(question, value)) {
            Some(Err(fault)) => {
                check.fault(&at("value"), fault);
                None
            }
            Some(Ok(value)) => Some(value),
            None => None,
        };
        if let Some(AnswerValue::Text(text)) = &value {
            check.optional(&at("value"), &mut Some(text.clone()), 8000);
        }
        check.finish()?;
        Ok(Self { value, note, confirmed: self.confirmed })
    }
}
