//! An assessment: one sending of a questionnaire to a vendor or to a team of ours, from its draft to
//! what was concluded, and until that goes stale.

use chrono::{DateTime, Months, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Answers, Cause, QuestionnaireContent, logic};
use base::{audit::Record, check::Check, error::Error, words};

words! {
    /// Where it stands.
    AssessmentState, "/state" {
        /// Being prepared.
        Draft = "draft",
        /// With whom it is for; nothing is answered yet.
        Sent = "sent",
        /// Being answered.
        Answering = "answering",
        /// Answered; a reviewer looks at it.
        Submitted = "submitted",
        /// Looked at; somebody concludes.
        Reviewed = "reviewed",
        /// Concluded.
        Concluded = "concluded",
        /// What it was concluded on has changed.
        Stale = "stale",
        /// Given up before it was concluded.
        Withdrawn = "withdrawn",
    }
}

words! {
    /// What was concluded.
    ConclusionVerdict, "/verdict" {
        /// Nothing stands against it.
        Ok = "ok",
        /// It will do, under conditions.
        Conditional = "conditional",
        /// It will not do.
        Blocker = "blocker",
    }
}

/// What is asked for when an assessment is begun.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAssessment {
    /// Key or id of the questionnaire.
    pub questionnaire: String,
    /// Id or slug of the vendor.
    pub vendor: String,
    /// Id or slug of an integration, where it is about one alone.
    #[serde(default)]
    pub integration: Option<String>,
    /// Whom the vendor's link is for: an e-mail address. The vendor's security contact where left out.
    #[serde(default)]
    pub recipient: Option<String>,
    /// Id or slug of the team that answers a questionnaire for owners.
    #[serde(default)]
    pub team: Option<String>,
    /// By when it is to be answered; 21 days from today where left out.
    #[serde(default)]
    pub due_on: Option<NaiveDate>,
    /// Whether answers of the vendor's last assessment of this questionnaire are carried over.
    #[serde(default)]
    pub carry_over: bool,
    /// The demand that it answers.
    #[serde(default)]
    pub demand: Option<Uuid>,
}

impl NewAssessment {
    /// Tidies and checks; names every fault.
    pub fn checked(mut self, today: NaiveDate) -> Result<Self, Error> {
        let mut check = Check::new();
        check.required("/questionnaire", &mut self.questionnaire, 100);
        check.required("/vendor", &mut self.vendor, 100);
        check.reference("/integration", &mut self.integration, 100);
        check.reference("/team", &mut self.team, 100);
        check.optional_email("/recipient", &mut self.recipient);
        if self.due_on.is_some_and(|day| day < today) {
            check.fault("/due_on", "This day is past.");
        }
        check.in_order("/due_on", None, self.due_on);
        check.finish()?;
        Ok(self)
    }
}

/// What was concluded, by whom, and for how long it holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Conclusion {
    /// What was concluded.
    pub verdict: ConclusionVerdict,
    /// Why.
    pub reason: String,
    /// The last day on which it holds.
    pub valid_until: NaiveDate,
    /// Who concluded.
    pub by: Uuid,
    /// When.
    pub at: DateTime<Utc>,
}

/// What a conclusion stands on: should one of these change, it goes stale.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Basis {
    /// Country of the vendor's seat.
    pub country: Option<String>,
    /// Countries where it processes data.
    pub locations: Vec<String>,
    /// Its sub-processors, by name.
    pub sub_processors: Vec<String>,
    /// Keys of the data classes that flow to or from it.
    pub data_classes: Vec<String>,
}

/// One change of what a conclusion stands on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Why another assessment is wanted.
    pub cause: Cause,
    /// Which one of its kind: the country, the company, the data class.
    pub reference: String,
    /// As people read it.
    pub words: String,
}

impl Basis {
    /// What of it changed to `now`; nothing where all is as it was. What fell away is no reason.
    pub fn changed(&self, now: &Self) -> Vec<Change> {
        let mut found = Vec::new();
        if let Some(after) = now.country.as_ref().filter(|_| self.country != now.country) {
            let before = self.country.as_deref().unwrap_or("none");
            let words = format!("the vendor's country changed from {before} to {after}");
            found.push(Change { cause: Cause::NewCountry, reference: after.clone(), words });
        }
        for (cause, what, before, after) in [
            (Cause::NewCountry, "a new location", &self.locations, &now.locations),
            (Cause::NewSubProcessor, "a new sub-processor", &self.sub_processors, &now.sub_processors),
            (Cause::NewDataClass, "a new data class", &self.data_classes, &now.data_classes),
        ] {
            let added = after.iter().filter(|one| !before.contains(one));
            found.extend(added.map(|one| Change { cause, reference: one.clone(), words: format!("{what}: {one}") }));
        }
        found
    }
}

/// An assessment.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Assessment {
    /// Immutable id.
    pub id: Uuid,
    /// Rises with each change.
    pub revision: i64,
    /// The questionnaire.
    pub questionnaire_id: Uuid,
    /// Its key.
    pub questionnaire: String,
    /// What it is called.
    pub title: String,
    /// The version that was sent.
    pub version: i32,
    /// The vendor.
    pub vendor_id: Uuid,
    /// Its slug.
    pub vendor: String,
    /// The integration, where it is about one alone.
    pub integration_id: Option<Uuid>,
    /// Its slug.
    pub integration: Option<String>,
    /// Where the vendor's link goes.
    pub recipient: Option<String>,
    /// The team that answers.
    pub team_id: Option<Uuid>,
    /// Its slug.
    pub team: Option<String>,
    /// Where it stands.
    pub state: AssessmentState,
    /// By when it is to be answered.
    pub due_on: NaiveDate,
    /// Until when the link holds.
    pub link_until: Option<DateTime<Utc>>,
    /// What was answered, by question.
    pub answers: Answers,
    /// What it scored when it was submitted, 0 to 100.
    pub score: Option<i32>,
    /// What was concluded.
    pub conclusion: Option<Conclusion>,
    /// What it was concluded on.
    pub basis: Option<Basis>,
    /// Why it went stale.
    pub stale_because: Option<String>,
    /// The assessment from which answers were carried over.
    pub carried_from: Option<Uuid>,
    /// The demand that it answers.
    pub demand_id: Option<Uuid>,
    /// Who began it; null when a script did.
    pub created_by: Option<Uuid>,
    /// When.
    pub created_at: DateTime<Utc>,
    /// When it was sent.
    pub sent_at: Option<DateTime<Utc>>,
    /// When it was last reminded of.
    pub reminded_at: Option<DateTime<Utc>>,
    /// Who submitted it; null when the vendor did.
    pub submitted_by: Option<Uuid>,
    /// Everyone who answered, or minted the token that did.
    #[serde(skip)]
    pub participants: Vec<Uuid>,
    /// When.
    pub submitted_at: Option<DateTime<Utc>>,
    /// Who looked at it.
    pub reviewed_by: Option<Uuid>,
    /// When.
    pub reviewed_at: Option<DateTime<Utc>>,
    /// When anything of it last changed.
    pub updated_at: DateTime<Utc>,
}

impl Record for Assessment {
    const KIND: &'static str = "assessment";
    fn id(&self) -> Uuid {
        self.id
    }
    fn revision(&self) -> i64 {
        self.revision
    }
}

impl Assessment {
    fn next(self, now: DateTime<Utc>) -> Self {
        Self { revision: self.revision + 1, updated_at: now, ..self }
    }

    fn wrong(&self, what: &str) -> Error {
        Error::Conflict(format!("It is {}: {what}", self.state.label().to_lowercase()))
    }

    /// Whether it waits for answers.
    pub fn is_open(&self) -> bool {
        matches!(self.state, AssessmentState::Sent | AssessmentState::Answering)
    }

    /// Whether it is under way: begun, and neither concluded nor given up.
    pub fn is_under_way(&self) -> bool {
        use AssessmentState::{Answering, Draft, Reviewed, Sent, Submitted};
        matches!(self.state, Draft | Sent | Answering | Submitted | Reviewed)
    }

    /// As people read it on a day: what is concluded ends with its last day.
    pub fn standing(&self, day: NaiveDate) -> &'static str {
        match (&self.conclusion, self.state) {
            (Some(conclusion), AssessmentState::Concluded) if conclusion.valid_until < day => "ended",
            _ => self.state.key(),
        }
    }

    /// It goes to whom it is for.
    pub fn send(self, link_until: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Result<Self, Error> {
        if self.state != AssessmentState::Draft {
            return Err(self.wrong("only a draft is sent."));
        }
        Ok(Self { state: AssessmentState::Sent, sent_at: Some(now), link_until, ..self }.next(now))
    }

    /// Another link for the vendor; the one before ends.
    pub fn renew(self, link_until: DateTime<Utc>, now: DateTime<Utc>) -> Result<Self, Error> {
        if !self.is_open() || self.recipient.is_none() {
            return Err(self.wrong("only what a vendor is to answer has a link."));
        }
        Ok(Self { link_until: Some(link_until), ..self }.next(now))
    }

    /// Other answers.
    pub fn answer(self, answers: Answers, now: DateTime<Utc>) -> Result<Self, Error> {
        if !self.is_open() {
            return Err(self.wrong("answers are taken while it is sent and not yet submitted."));
        }
        Ok(Self { state: AssessmentState::Answering, answers, ..self }.next(now))
    }

    /// All that is asked is answered.
    pub fn submit(self, content: &QuestionnaireContent, by: Option<Uuid>, now: DateTime<Utc>) -> Result<Self, Error> {
        if !self.is_open() {
            return Err(self.wrong("it is submitted once it is sent."));
        }
        let mut check = Check::new();
        for question in logic::asked(content, &self.answers) {
            let answer = self.answers.get(&question.key);
            if !question.optional && !answer.is_some_and(super::Answer::is_given) {
                check.fault(&format!("/{}", question.key), "This is to be answered.");
            }
            if answer.is_some_and(|answer| answer.remark == Some(super::Remark::Again)) {
                check.fault(&format!("/{}", question.key), "The reviewer asks for another answer.");
            }
        }
        check.finish()?;
        let score = logic::score(content, &self.answers).total;
        let state = AssessmentState::Submitted;
        Ok(Self { state, score, submitted_by: by, submitted_at: Some(now), ..self }.next(now))
    }

    /// Refuses a review by who answered, by themselves or through a token that they minted.
    pub fn refuse_own(&self, by: Uuid) -> Result<(), Error> {
        if self.submitted_by == Some(by) || self.participants.contains(&by) {
            return Err(Error::Forbidden(
                "You gave these answers, or minted the token that did. Someone else reviews them.".into(),
            ));
        }
        Ok(())
    }

    /// A reviewer's remarks on single answers.
    pub fn remark(self, answers: Answers, by: Uuid, now: DateTime<Utc>) -> Result<Self, Error> {
        if self.state != AssessmentState::Submitted {
            return Err(self.wrong("remarks are made on what was submitted."));
        }
        self.refuse_own(by)?;
        Ok(Self { answers, ..self }.next(now))
    }

    /// It goes back for other answers.
    pub fn hand_back(self, link_until: Option<DateTime<Utc>>, by: Uuid, now: DateTime<Utc>) -> Result<Self, Error> {
        if self.state != AssessmentState::Submitted {
            return Err(self.wrong("only what was submitted is returned."));
        }
        self.refuse_own(by)?;
        if !self.answers.values().any(|answer| answer.remark == Some(super::Remark::Again)) {
            return Err(Error::field("/remarks", "Mark at least one answer that is to be given anew."));
        }
        Ok(Self { state: AssessmentState::Answering, link_until, score: None, ..self }.next(now))
    }

    /// Somebody looked at all of it.
    pub fn review(self, by: Uuid, now: DateTime<Utc>) -> Result<Self, Error> {
        if self.state != AssessmentState::Submitted {
            return Err(self.wrong("only what was submitted is reviewed."));
        }
        self.refuse_own(by)?;
        if self.answers.values().any(|answer| answer.remark == Some(super::Remark::Again)) {
            return Err(Error::Conflict("Answers are marked to be given anew: return it.".into()));
        }
        let state = AssessmentState::Reviewed;
        Ok(Self { state, reviewed_by: Some(by), reviewed_at: Some(now), ..self }.next(now))
    }

    /// What follows from it, on what it stands.
    pub fn conclude(self, conclusion: Conclusion, basis: Basis) -> Result<Self, Error> {
        if self.state != AssessmentState::Reviewed {
            return Err(self.wrong("only what was reviewed is concluded."));
        }
        self.refuse_own(conclusion.by)?;
        let now = conclusion.at;
        let state = AssessmentState::Concluded;
        Ok(Self { state, conclusion: Some(conclusion), basis: Some(basis), link_until: None, ..self }.next(now))
    }

    /// What it was concluded on has changed.
    pub fn outdate(self, because: String, now: DateTime<Utc>) -> Result<Self, Error> {
        if self.state != AssessmentState::Concluded {
            return Err(self.wrong("only what was concluded goes stale."));
        }
        Ok(Self { state: AssessmentState::Stale, stale_because: Some(because), ..self }.next(now))
    }

    /// It is given up before it was concluded.
    pub fn withdraw(self, now: DateTime<Utc>) -> Result<Self, Error> {
        if !self.is_under_way() {
            return Err(self.wrong("it is no longer under way."));
        }
        Ok(Self { state: AssessmentState::Withdrawn, link_until: None, ..self }.next(now))
    }
}

/// The last day of a conclusion that is drawn on a day.
pub fn valid_until(day: NaiveDate, months: i32) -> NaiveDate {
    let months = u32::try_from(months).unwrap_or(12);
    day.checked_add_months(Months::new(months)).unwrap_or(day)
}

#[cfg(test)]
#[path = "assessment_tests.rs"]
mod tests;
