//! Which questions are asked given the answers so far, what they score, which open a finding; and
//! whether every question can be reached at all.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;
use utoipa::ToSchema;

use super::{Answer, AnswerValue, Answers, AskIf, Question, QuestionKind, QuestionnaireContent, RedFlag};
use base::check::Check;

/// Notes questions of one key, conditions on what is not there, comes later or goes round in a
/// circle, and questions that no answers lead to.
pub(super) fn check(content: &QuestionnaireContent, check: &mut Check) {
    let all: Vec<(String, &Question)> = content.questions().collect();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (n, (at, question)) in all.iter().enumerate() {
        if places.insert(&question.key, n).is_some() {
            check.fault(&format!("{at}/key"), format!("The key '{}' is used twice.", question.key));
        }
    }
    for (n, (at, question)) in all.iter().enumerate() {
        for (c, condition) in question.ask_if.iter().enumerate() {
            let at = format!("{at}/ask_if/{c}");
            if let Some(fault) = condition_fault(&all, &places, n, condition) {
                check.fault(&at, fault);
            }
        }
    }
    for (at, question) in unreachable(&all, &places) {
        let message = format!("No answers lead to '{question}': its conditions cannot all hold.");
        check.fault(&format!("{at}/ask_if"), message);
    }
}

fn condition_fault(
    all: &[(String, &Question)],
    places: &HashMap<&str, usize>,
    n: usize,
    condition: &AskIf,
) -> Option<String> {
    let key = condition.question.as_str();
    let Some(place) = places.get(key).copied() else { return Some(format!("There is no question '{key}'.")) };
    if let Some(circle) = circle(all, places, n, place) {
        return Some(format!("This goes round in a circle: {}.", circle.join(" → ")));
    }
    if place > n {
        return Some(format!("'{key}' is asked later. Put it before this question."));
    }
    let values = all[place].1.values();
    if values.is_empty() {
        return Some(format!("'{key}' has no closed set of answers. Depend on a choice or on yes and no."));
    }
    if condition.is.is_empty() {
        return Some("Say which answers lead to this question.".into());
    }
    let unknown = condition.is.iter().find(|word| !values.contains(&word.as_str()))?;
    Some(format!("'{unknown}' is no answer to '{key}'. Use {}.", values.join(", ")))
}

/// The way from a question through what it depends on back to itself.
fn circle(
    all: &[(String, &Question)],
    places: &HashMap<&str, usize>,
    from: usize,
    through: usize,
) -> Option<Vec<String>> {
    let key = |n: usize| all[n].1.key.clone();
    let mut ways = vec![(through, vec![key(from), key(through)])];
    let mut seen = BTreeSet::new();
    while let Some((at, way)) = ways.pop() {
        if at == from {
            return Some(way);
        }
        if !seen.insert(at) {
            continue;
        }
        for next in all[at].1.ask_if.iter().filter_map(|condition| places.get(condition.question.as_str()).copied()) {
            let mut longer = way.clone();
            longer.push(key(next));
            ways.push((next, longer));
        }
    }
    None
}

/// Which answers each question takes for granted, its own conditions and those of what it depends
/// on together; a question for which none are left is never asked.
fn unreachable(all: &[(String, &Question)], places: &HashMap<&str, usize>) -> Vec<(String, String)> {
    type Needs = BTreeMap<usize, BTreeSet<String>>;
    let mut needs: Vec<Needs> = Vec::new();
    let mut found = Vec::new();
    for (n, (at, question)) in all.iter().enumerate() {
        let mut mine = Needs::new();
        let mut narrow = |place: usize, words: &BTreeSet<String>| {
            // Of several chosen options any may fit, so that two conditions do not contradict.
            if all[place].1.kind == QuestionKind::MultiChoice {
                return;
            }
            mine.entry(place).and_modify(|known| known.retain(|word| words.contains(word))).or_insert(words.clone());
        };
        for condition in &question.ask_if {
            let Some(place) = places.get(condition.question.as_str()).copied().filter(|place| *place < n) else {
                continue;
            };
            let known: BTreeSet<String> = all[place].1.values().into_iter().map(str::to_owned).collect();
            narrow(place, &condition.is.iter().filter(|word| known.contains(*word)).cloned().collect());
            for (further, words) in &needs[place] {
                narrow(*further, words);
            }
        }
        if mine.values().any(BTreeSet::is_empty) {
            found.push((at.clone(), question.key.clone()));
        }
        needs.push(mine);
    }
    found
}

/// Whether an answer is one of these words.
fn says(answer: Option<&Answer>, words: &[String]) -> bool {
    match answer.and_then(|answer| answer.value.as_ref()) {
        Some(AnswerValue::Text(word)) => words.contains(word),
        Some(AnswerValue::Many(chosen)) => chosen.iter().any(|word| words.contains(word)),
        _ => false,
    }
}

/// The questions that are asked given these answers, in their order. What is not asked itself
/// leads to nothing, whatever was answered before.
pub fn asked<'a>(content: &'a QuestionnaireContent, answers: &Answers) -> Vec<&'a Question> {
    let mut open: BTreeSet<&str> = BTreeSet::new();
    let mut found = Vec::new();
    for (_, question) in content.questions() {
        let holds = question.ask_if.iter().all(|condition| {
            open.contains(condition.question.as_str()) && says(answers.get(&condition.question), &condition.is)
        });
        if holds {
            open.insert(&question.key);
            found.push(question);
        }
    }
    found
}

/// How far somebody is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Progress {
    /// Questions that are asked.
    pub asked: usize,
    /// Of these, how many have an answer.
    pub answered: usize,
    /// Of these, how many have none and need one.
    pub missing: usize,
}

/// How far these answers go.
pub fn progress(content: &QuestionnaireContent, answers: &Answers) -> Progress {
    let asked = asked(content, answers);
    let has = |question: &&&Question| answers.get(&question.key).is_some_and(Answer::is_given);
    let answered = asked.iter().filter(has).count();
    let missing = asked.iter().filter(|question| !question.optional && !has(question)).count();
    Progress { asked: asked.len(), answered, missing }
}

/// What one question adds to the score.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ScorePart {
    /// Key of the question.
    pub question: String,
    /// How much it counts.
    pub weight: i32,
    /// What its answer scores, 0 to 100.
    pub score: i32,
}

/// A score with how it came about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Score {
    /// The weighted mean of the parts, 0 to 100, rounded; none where nothing counts.
    pub total: Option<i32>,
    /// The questions that count.
    pub parts: Vec<ScorePart>,
}

/// The score of these answers: the mean of what each answered question scores, by weight. What is
/// not applicable does not count.
pub fn score(content: &QuestionnaireContent, answers: &Answers) -> Score {
    let mut parts = Vec::new();
    for question in asked(content, answers).into_iter().filter(|question| question.weight > 0) {
        let value = answers.get(&question.key).and_then(|answer| answer.value.as_ref());
        let score = match value {
            Some(AnswerValue::Text(word)) => question.score_of(word),
            Some(AnswerValue::Many(chosen)) => {
                let scores: Vec<i32> = chosen.iter().filter_map(|word| question.score_of(word)).collect();
                (!scores.is_empty()).then(|| scores.iter().sum::<i32>().min(100))
            }
            _ => None,
        };
        if let Some(score) = score {
            parts.push(ScorePart { question: question.key.clone(), weight: question.weight, score });
        }
    }
    let weights: i32 = parts.iter().map(|part| part.weight).sum();
    let sum: i32 = parts.iter().map(|part| part.weight * part.score).sum();
    Score { total: (weights > 0).then(|| (sum + weights / 2) / weights), parts }
}

/// The red flags that these answers raise: the question, and the first of its flags that fits.
pub fn flags<'a>(content: &'a QuestionnaireContent, answers: &Answers) -> Vec<(&'a Question, &'a RedFlag)> {
    let raised = |question: &'a Question| {
        let answer = answers.get(&question.key);
        let number = match answer.and_then(|answer| answer.value.as_ref()) {
            Some(AnswerValue::Number(number)) => Some(*number),
            _ => None,
        };
        let fits = |flag: &&RedFlag| {
            says(answer, &flag.is)
                || number.zip(flag.below).is_some_and(|(number, limit)| number < limit)
                || number.zip(flag.above).is_some_and(|(number, limit)| number > limit)
        };
        question.red_flags.iter().find(fits).map(|flag| (question, flag))
    };
    asked(content, answers).into_iter().filter_map(raised).collect()
}
