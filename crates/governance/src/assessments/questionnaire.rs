//! A questionnaire: sections of questions with weights, conditions and red flags. What holds is a
//! published version; an assessment that was sent keeps the version that it was sent with.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::logic;
use crate::policy::{Expression, Severity};
use base::{check::Check, error::Error, text, words};
use register::publications::Publishable;

words! {
    /// Who answers.
    #[derive(Default)]
    Audience, "/audience" {
        /// The vendor, through a link that ends.
        #[default]
        Vendor = "vendor",
        /// A team of ours.
        Owner = "owner",
    }
}

words! {
    /// What an answer looks like.
    #[derive(Default)]
    QuestionKind, "/kind" {
        /// `yes`, `no` or `not_applicable`.
        #[default]
        YesNo = "yes_no",
        /// One of the options.
        Choice = "choice",
        /// Some of the options.
        MultiChoice = "multi_choice",
        /// A whole number.
        Number = "number",
        /// A day.
        Date = "date",
        /// Prose.
        Text = "text",
        /// A link to a document, or an uploaded file.
        File = "file",
    }
}

/// What can be chosen, and what it scores.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerOption {
    /// Its word, such as `quarterly`; of a yes/no question `yes` or `no`.
    pub value: String,
    /// What people read; the word where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What it scores, 0 to 100; it does not count where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<i32>,
}

/// Another question's answer on which a question depends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskIf {
    /// Key of the other question.
    pub question: String,
    /// Any of these was answered.
    pub is: Vec<String>,
}

/// An answer that opens a finding.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RedFlag {
    /// Any of these was answered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub is: Vec<String>,
    /// The number lies below this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<i64>,
    /// The number lies above this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above: Option<i64>,
    /// How grave it is.
    #[serde(default)]
    pub severity: Severity,
    /// What is found.
    pub finding: String,
    /// How it is mended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remediation: Option<String>,
    /// What keeps the risk small until it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compensating_control: Option<String>,
}

/// One question.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Its key, unique in the questionnaire; answers and spreadsheets go by it.
    pub key: String,
    /// What is asked.
    pub text: String,
    /// What an answer looks like.
    #[serde(default)]
    pub kind: QuestionKind,
    /// What helps to answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guidance: Option<String>,
    /// Whether it may be left open.
    #[serde(default, skip_serializing_if = "is_false")]
    pub optional: bool,
    /// How much it counts, 0 to 100.
    #[serde(default = "one")]
    pub weight: i32,
    /// What can be chosen. A yes/no question scores 100 for yes and 0 for no where none are given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<AnswerOption>,
    /// It is asked only where all of these hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ask_if: Vec<AskIf>,
    /// Answers that open a finding; the first that fits does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub red_flags: Vec<RedFlag>,
}

fn one() -> i32 {
    1
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

/// A part of a questionnaire.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuestionSection {
    /// What it is about.
    pub title: String,
    /// What helps to answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guidance: Option<String>,
    /// Its questions, in their order.
    pub questions: Vec<Question>,
}

/// What a governance lead writes of a questionnaire.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuestionnaireContent {
    /// Its key; made from the title where absent. Does not change.
    #[serde(default)]
    pub key: String,
    /// What it is called.
    pub title: String,
    /// What those who answer should know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guidance: Option<String>,
    /// Who answers.
    #[serde(default)]
    pub audience: Audience,
    /// CEL over the facts of an integration: where it says true, the vendor is to answer this. Nobody is
    /// asked by itself where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen_when: Option<String>,
    /// Months for which a conclusion holds, 1 to 60.
    #[serde(default = "twelve")]
    pub valid_months: i32,
    /// Its sections, in their order.
    pub sections: Vec<QuestionSection>,
}

fn twelve() -> i32 {
    12
}

impl Question {
    /// The words that can be answered, where these are a closed set.
    pub fn values(&self) -> Vec<&str> {
        match self.kind {
            QuestionKind::YesNo => vec!["yes", "no", "not_applicable"],
            QuestionKind::Choice | QuestionKind::MultiChoice => self.options.iter().map(|o| o.value.as_str()).collect(),
            _ => Vec::new(),
        }
    }

    /// What a word scores, 0 to 100; nothing where it does not count.
    pub fn score_of(&self, value: &str) -> Option<i32> {
        let given = self.options.iter().find(|option| option.value == value);
        match (given, self.kind, value) {
            (Some(option), ..) => option.score,
            (None, QuestionKind::YesNo, "yes") => Some(100),
            (None, QuestionKind::YesNo, "no") => Some(0),
            _ => None,
        }
    }

    /// What people read for a word.
    pub fn label_of(&self, value: &str) -> String {
        let given = self.options.iter().find(|option| option.value == value).and_then(|option| option.label.clone());
        given.unwrap_or_else(|| if value == "not_applicable" { "Not applicable".into() } else { words::label(value) })
    }

    fn check(&mut self, check: &mut Check, at: &str) {
        check.required(&format!("{at}/text"), &mut self.text, 1000);
        check.optional(&format!("{at}/guidance"), &mut self.guidance, 4000);
        self.key = self.key.trim().to_owned();
        if !is_key(&self.key) {
            check.fault(
                &format!("{at}/key"),
                "Use lower-case letters, digits, dots, dashes and underscores, 60 at most, and not dots alone.",
            );
        }
        if !(0..=100).contains(&self.weight) {
            check.fault(&format!("{at}/weight"), "Give 0 to 100.");
        }
        check.at_most(&format!("{at}/options"), self.options.len(), 50);
        let chosen = matches!(self.kind, QuestionKind::Choice | QuestionKind::MultiChoice);
        if chosen && self.options.len() < 2 {
            check.fault(&format!("{at}/options"), "Give at least two options.");
        }
        for (n, option) in self.options.iter_mut().enumerate() {
            let at = format!("{at}/options/{n}");
            check.required(&format!("{at}/value"), &mut option.value, 100);
            check.optional(&format!("{at}/label"), &mut option.label, 200);
            if option.value.contains([',', '\n']) {
                check.fault(
                    &format!("{at}/value"),
                    "A word has no commas: lists of answers are joined by them. Put it into the label.",
                );
            }
            if option.score.is_some_and(|score| !(0..=100).contains(&score)) {
                check.fault(&format!("{at}/score"), "Give 0 to 100.");
            }
            let fits = chosen || (self.kind == QuestionKind::YesNo && ["yes", "no"].contains(&option.value.as_str()));
            if !fits {
                check.fault(&format!("{at}/value"), "Only choices have options; of a yes/no question 'yes' and 'no'.");
            }
        }
        let mut values: Vec<&str> = self.options.iter().map(|option| option.value.as_str()).collect();
        values.sort_unstable();
        if values.windows(2).any(|pair| pair[0] == pair[1]) {
            check.fault(&format!("{at}/options"), "The same option is listed twice.");
        }
        self.check_flags(check, at);
    }

    fn check_flags(&mut self, check: &mut Check, at: &str) {
        let values: Vec<String> = self.values().into_iter().map(str::to_owned).collect();
        for (n, flag) in self.red_flags.iter_mut().enumerate() {
            let at = format!("{at}/red_flags/{n}");
            check.required(&format!("{at}/finding"), &mut flag.finding, 500);
            check.optional(&format!("{at}/remediation"), &mut flag.remediation, 4000);
            check.optional(&format!("{at}/compensating_control"), &mut flag.compensating_control, 4000);
            for (m, word) in flag.is.iter().enumerate().filter(|(_, word)| !values.contains(word)) {
                check.fault(&format!("{at}/is/{m}"), format!("'{word}' is no answer to this question."));
            }
            let number = flag.below.is_some() || flag.above.is_some();
            if number && self.kind != QuestionKind::Number {
                check.fault(&at, "Only numbers lie below or above something.");
            }
            if flag.is.is_empty() && !number {
                check.fault(&at, "Say which answers are a red flag: 'is', 'below' or 'above'.");
            }
        }
    }
}

/// Words that stand in addresses where a questionnaire's key does.
const RESERVED: [&str; 4] = ["new", "import", "export", "as-yaml"];

fn is_key(key: &str) -> bool {
    (1..=60).contains(&key.len())
        && key.bytes().any(|b| b != b'.')
        && key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-_".contains(&b))
}

impl QuestionnaireContent {
    /// Every question, with its pointer.
    pub fn questions(&self) -> impl Iterator<Item = (String, &Question)> {
        self.sections.iter().enumerate().flat_map(|(s, section)| {
            let at = move |q| format!("/sections/{s}/questions/{q}");
            section.questions.iter().enumerate().map(move |(q, question)| (at(q), question))
        })
    }

    /// The question of a key.
    pub fn question(&self, key: &str) -> Option<&Question> {
        self.questions().map(|(_, question)| question).find(|question| question.key == key)
    }

    /// What matters of it for conclusions that were drawn: wording that only helps does not.
    pub fn substance(&self) -> Vec<Question> {
        let plain = |question: &Question| Question { guidance: None, ..question.clone() };
        let mut all: Vec<Question> = self.questions().map(|(_, question)| plain(question)).collect();
        all.sort_by(|a, b| a.key.cmp(&b.key));
        all
    }
}

impl Publishable for QuestionnaireContent {
    const KIND: &'static str = "questionnaire";
    const NOUN: &'static str = "questionnaire";
    fn key(&self) -> &str {
        &self.key
    }
    fn title(&self) -> &str {
        &self.title
    }
    fn checked(mut self) -> Result<Self, Error> {
        let mut check = Check::new();
        check.required("/title", &mut self.title, 200);
        self.key = self.key.trim().to_owned();
        check.slug("/key", &mut self.key, &self.title, "questionnaire");
        if RESERVED.contains(&self.key.as_str()) {
            check.fault(
                "/key",
                format!("'{}' is a word of Muster's own addresses. Choose another key or title.", self.key),
            );
        }
        check.optional("/guidance", &mut self.guidance, 8000);
        self.chosen_when = self.chosen_when.take().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        if let Some(Err(faults)) = self.chosen_when.as_deref().map(Expression::compile) {
            for fault in faults {
                check.fault("/chosen_when", fault.to_string());
            }
        }
        if self.chosen_when.is_some() && self.audience != Audience::Vendor {
            check.fault(
                "/chosen_when",
                "Only a questionnaire for vendors is chosen by what is known; send this one by hand.",
            );
        }
        if !(1..=60).contains(&self.valid_months) {
            check.fault("/valid_months", "Give 1 to 60 months.");
        }
        check.at_most("/sections", self.sections.len(), 60);
        let count = self.questions().count();
        check.at_most("/sections", count, 600);
        if count == 0 {
            check.fault("/sections", "Ask at least one question.");
        }
        for (s, section) in self.sections.iter_mut().enumerate() {
            check.required(&format!("/sections/{s}/title"), &mut section.title, 200);
            check.optional(&format!("/sections/{s}/guidance"), &mut section.guidance, 4000);
            for (q, question) in section.questions.iter_mut().enumerate() {
                question.check(&mut check, &format!("/sections/{s}/questions/{q}"));
            }
        }
        logic::check(&self, &mut check);
        check.finish()?;
        Ok(self)
    }
    fn ready(&self) -> Result<(), Error> {
        Ok(())
    }
    fn facets(&self) -> (&'static str, &'static str) {
        (self.audience.key(), "")
    }
}

/// A key made from a sheet's question id, such as `A&A-01.1`.
pub(super) fn key_of(id: &str) -> String {
    let folded = id.trim().to_lowercase();
    let kept: String =
        folded.chars().map(|c| if c.is_ascii_alphanumeric() || ".-_".contains(c) { c } else { '-' }).collect();
    text::clip(kept.trim_matches('-'), 60).to_owned()
}

#[cfg(test)]
#[path = "questionnaire_tests.rs"]
mod tests;
