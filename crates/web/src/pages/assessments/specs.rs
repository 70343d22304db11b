//! What the forms of questionnaires ask.

use crate::forms::{FieldKind, FieldSpec, FormSpec, Section, choice, column, field};
use governance::{
    assessments::{Audience, QuestionKind},
    policy::Severity,
};

const TITLE: FieldSpec = field("title", "Title", "", FieldKind::Needed);
const AUDIENCE: FieldSpec = field("audience", "Who answers", "", FieldKind::Select(Audience::KEYS));
const VALID: FieldSpec = field("valid_months", "A conclusion holds for", "Months, 1 to 60.", FieldKind::Count);
const CHOSEN: FieldSpec = field(
    "chosen_when",
    "Asked by itself where",
    "An expression over the facts of an integration, such as integration.criticality == 'critical'; its vendor is then to answer. Empty: somebody sends it.",
    FieldKind::Lines,
);
const GUIDANCE: FieldSpec = field("guidance", "What those who answer should know", "", FieldKind::Lines);

const HEAD: Section =
    Section { title: "The questionnaire", hint: "", fields: &[TITLE, AUDIENCE, VALID, CHOSEN, GUIDANCE] };

/// What a questionnaire is.
pub static SETTINGS: FormSpec = FormSpec { sections: &[HEAD] };

/// The same, with what it begins with.
pub static NEW: FormSpec = FormSpec {
    sections: &[
        HEAD,
        Section {
            title: "What it begins with",
            hint: "More sections and questions follow on the next page.",
            fields: &[
                field("section", "First section", "Such as Encryption.", FieldKind::Needed),
                field(
                    "text",
                    "First question",
                    "Answered by yes, no or not applicable, unless you choose otherwise on the next page.",
                    FieldKind::Needed,
                ),
            ],
        },
    ],
};

/// One question.
pub static QUESTION: FormSpec = FormSpec {
    sections: &[
        Section {
            title: "The question",
            hint: "",
            fields: &[
                field("text", "What is asked", "", FieldKind::Needed),
                field("kind", "What an answer looks like", "", FieldKind::Select(QuestionKind::KEYS)),
                field("weight", "Weight", "How much it counts beside the others, 0 to 100.", FieldKind::Count),
                field(
                    "key",
                    "Key",
                    "Made from the question where empty. Answers and sheets go by it: of a questionnaire that was sent, keep it.",
                    FieldKind::Text,
                ),
                field("answering", "Answering", "", FieldKind::Checks(&["optional"])),
                field("guidance", "What helps to answer", "", FieldKind::Lines),
            ],
        },
        Section {
            title: "What can be chosen",
            hint: "Of a choice, at least two. A score is 0 to 100; without one the option does not count. Yes scores 100 and no 0 unless you say otherwise here.",
            fields: &[field(
                "options",
                "Options",
                "",
                FieldKind::Rows(&[
                    column("value", "Word", "text"),
                    column("label", "What people read", "text"),
                    column("score", "Score", "number"),
                ]),
            )],
        },
        Section {
            title: "Asked only if",
            hint: "All of these have to hold; without any it is always asked. It depends on what comes before it.",
            fields: &[field(
                "ask_if",
                "Conditions",
                "Answers joined by commas: any of them.",
                FieldKind::Rows(&[
                    column("question", "Question, by its key", "suggest"),
                    column("is", "Was answered", "words"),
                ]),
            )],
        },
        Section {
            title: "Red flags",
            hint: "An answer that opens a finding; the first that fits does.",
            fields: &[field(
                "red_flags",
                "Red flags",
                "Answers joined by commas, or of a number what it lies below or above.",
                FieldKind::Rows(&[
                    column("is", "Answers", "words"),
                    column("below", "Below", "number"),
                    column("above", "Above", "number"),
                    choice("severity", "Severity", "words-of", Severity::KEYS),
                    column("finding", "Finding", "text"),
                    column("remediation", "How it is mended", "lines"),
                    column("compensating_control", "Until then", "lines"),
                ]),
            )],
        },
    ],
};
