//! The form of answers, as its two pages show it.

use chrono::NaiveDate;

use crate::pages::view::day;
use governance::assessments::{
    self, Answer, AnswerValue, Assessment, Evidence, Progress, Question, QuestionnaireContent, Remark,
};

/// A question with what was answered.
pub struct Asked<'a> {
    pub question: &'a Question,
    pub asked: bool,
    pub answer: Option<&'a Answer>,
    pub files: Vec<&'a Evidence>,
    pub errors: Vec<&'a str>,
}

impl Asked<'_> {
    pub fn is(&self, kind: &str) -> bool {
        self.question.kind.key() == kind
    }
    pub fn text(&self) -> String {
        self.answer.and_then(|answer| answer.value.as_ref()).map(AnswerValue::cell).unwrap_or_default()
    }
    pub fn note(&self) -> &str {
        self.answer.and_then(|answer| answer.note.as_deref()).unwrap_or_default()
    }
    pub fn options(&self) -> Vec<(String, String, bool)> {
        let chosen = |word: &str| match self.answer.and_then(|answer| answer.value.as_ref()) {
            Some(AnswerValue::Text(text)) => text == word,
            Some(AnswerValue::Many(all)) => all.iter().any(|one| one == word),
            _ => false,
        };
        let words = self.question.values();
        words.into_iter().map(|word| (word.to_owned(), self.question.label_of(word), chosen(word))).collect()
    }
    pub fn carried(&self) -> bool {
        self.answer.is_some_and(|answer| answer.carried)
    }
    pub fn again(&self) -> Option<&str> {
        let answer = self.answer.filter(|answer| answer.remark == Some(Remark::Again))?;
        answer.comment.as_deref()
    }
}

/// What the form of answers shows.
pub struct Sheet {
    pub one: Assessment,
    pub content: QuestionnaireContent,
    pub evidence: Vec<Evidence>,
    pub progress: Progress,
    pub today: NaiveDate,
    /// Where the form goes.
    pub action: String,
    pub errors: Vec<(String, String)>,
}

impl Sheet {
    pub fn sections(&self) -> Vec<(&str, &str, Vec<Asked<'_>>)> {
        let open: Vec<&str> =
            assessments::asked(&self.content, &self.one.answers).iter().map(|question| question.key.as_str()).collect();
        let asked = |question| {
            let question: &Question = question;
            let answer = self.one.answers.get(&question.key);
            let ids = answer.map(|answer| answer.evidence.as_slice()).unwrap_or_default();
            let of = |pointer: &str| pointer.trim_start_matches('/').split('/').next() == Some(question.key.as_str());
            Asked {
                question,
                asked: open.contains(&question.key.as_str()),
                answer,
                files: self.evidence.iter().filter(|one| ids.contains(&one.id)).collect(),
                errors: self.errors.iter().filter(|(at, _)| of(at)).map(|(_, message)| message.as_str()).collect(),
            }
        };
        let sections = self.content.sections.iter();
        sections
            .map(|section| {
                let guidance = section.guidance.as_deref().unwrap_or_default();
                (section.title.as_str(), guidance, section.questions.iter().map(asked).collect())
            })
            .collect()
    }
    pub fn others(&self) -> Vec<&str> {
        let known = |pointer: &str| {
            let key = pointer.trim_start_matches('/').split('/').next().unwrap_or_default();
            self.content.question(key).is_some()
        };
        self.errors.iter().filter(|(pointer, _)| !known(pointer)).map(|(_, message)| message.as_str()).collect()
    }
    /// The first faults, by the key of their question; the others are marked where they are.
    pub fn first_errors(&self) -> Vec<(&str, &str)> {
        let key = |pointer: &'_ str| pointer.trim_start_matches('/').split('/').next().unwrap_or_default().len();
        let shown = self.errors.iter().take(6).map(|(pointer, message)| {
            let plain = pointer.trim_start_matches('/');
            (&plain[..key(pointer)], message.as_str())
        });
        shown.collect()
    }
    /// How many answers are carried over and not confirmed, of those that are asked for.
    pub fn carried(&self) -> usize {
        let asked = assessments::asked(&self.content, &self.one.answers);
        let carried = |key: &String| self.one.answers.get(key).is_some_and(|answer| answer.carried);
        asked.iter().filter(|question| carried(&question.key)).count()
    }
    /// How many more there are.
    pub fn more_errors(&self) -> usize {
        self.errors.len().saturating_sub(6)
    }
    pub fn percent(&self) -> usize {
        (self.progress.answered * 100).checked_div(self.progress.asked).unwrap_or(0)
    }
    pub fn workbook(&self) -> String {
        match self.action.strip_suffix("/answer") {
            Some(assessment) => format!("{assessment}/sheet"),
            None => format!("{}/sheet", self.action),
        }
    }
    pub fn due(&self) -> String {
        day(self.one.due_on, self.today)
    }
    pub fn guidance(&self) -> &str {
        self.content.guidance.as_deref().unwrap_or_default()
    }
}
