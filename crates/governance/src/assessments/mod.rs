//! Questionnaires, the assessments of vendors and owners by them, the findings that their answers
//! raise, and the evidence that proves what was said.

mod answer;
mod assessment;
mod declared;
mod demand;
mod evidence;
mod finding;
mod logic;
pub mod ops;
pub mod oscal;
mod outline;
mod questionnaire;
pub mod sheet;
mod store;
pub mod tables;

pub use answer::{Answer, AnswerValue, Answers, NewAnswer, Remark};
pub use assessment::{Assessment, AssessmentState, Basis, Conclusion, ConclusionVerdict, NewAssessment};
pub use declared::FEATURE;
pub use demand::{Cause, Demand, DemandState, Occurrence};
pub use evidence::{Evidence, EvidenceContent, StoredFile};
pub use finding::{Closing, FlagState, Flagged};
pub use logic::{Progress, Score, ScorePart, asked, flags, progress, score};
pub use outline::{Step, Way};
pub use questionnaire::{
    AnswerOption, AskIf, Audience, Question, QuestionKind, QuestionSection, QuestionnaireContent, RedFlag,
};
