//! The outline of a questionnaire, changed one thing at a time. What results is checked as a whole, by whoever
//! writes it.

use super::{Question, QuestionSection, QuestionnaireContent, questionnaire::key_of};
use base::error::Error;

/// One change of the outline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A section at the end, by its title.
    AddSection(String),
    /// Another title of the section at a place, counted from 0.
    RenameSection(usize, String),
    /// A section takes the place of its neighbour.
    MoveSection(usize, Way),
    /// A section goes, with its questions.
    RemoveSection(usize),
    /// A question, by its key, takes the place of its neighbour; the first and the last of a section go over to
    /// the next one.
    MoveQuestion(String, Way),
    /// A question goes.
    RemoveQuestion(String),
}

/// Where to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Towards the beginning.
    Up,
    /// Towards the end.
    Down,
}

impl Step {
    /// What a button says, such as `question.up.tls` or `section.rename.0`, with the title that was typed.
    pub fn of(word: &str, title: &str) -> Result<Self, Error> {
        let unknown = || Error::field("/step", "Open the form anew.");
        let mut parts = word.splitn(3, '.');
        let (what, verb, which) = (parts.next(), parts.next(), parts.next().unwrap_or_default());
        let place = || which.parse::<usize>().map_err(|_| unknown());
        Ok(match (what, verb) {
            (Some("section"), Some("add")) => Self::AddSection(title.to_owned()),
            (Some("section"), Some("rename")) => Self::RenameSection(place()?, title.to_owned()),
            (Some("section"), Some("up")) => Self::MoveSection(place()?, Way::Up),
            (Some("section"), Some("down")) => Self::MoveSection(place()?, Way::Down),
            (Some("section"), Some("remove")) => Self::RemoveSection(place()?),
            (Some("question"), Some("up")) => Self::MoveQuestion(which.to_owned(), Way::Up),
            (Some("question"), Some("down")) => Self::MoveQuestion(which.to_owned(), Way::Down),
            (Some("question"), Some("remove")) => Self::RemoveQuestion(which.to_owned()),
            _ => return Err(unknown()),
        })
    }
}

impl QuestionnaireContent {
    /// Takes a step; what is at the edge already stays there.
    pub fn step(&mut self, step: Step) -> Result<(), Error> {
        match step {
            Step::AddSection(title) => self.sections.push(QuestionSection { title, ..QuestionSection::default() }),
            Step::RenameSection(n, title) => self.section(n)?.title = title,
            Step::MoveSection(n, way) => {
                self.section(n)?;
                let other = if way == Way::Up { n.checked_sub(1) } else { Some(n + 1) };
                if let Some(other) = other.filter(|other| *other < self.sections.len()) {
                    self.sections.swap(n, other);
                }
            }
            Step::RemoveSection(n) => {
                self.section(n)?;
                self.sections.remove(n);
            }
            Step::MoveQuestion(key, way) => self.move_question(&key, way)?,
            Step::RemoveQuestion(key) => {
                let (s, q) = self.place(&key)?;
                self.sections[s].questions.remove(q);
            }
        }
        Ok(())
    }

    /// Where a question stands: its section and its place there, both counted from 0.
    pub fn place(&self, key: &str) -> Result<(usize, usize), Error> {
        let here = |(s, section): (usize, &QuestionSection)| {
            Some((s, section.questions.iter().position(|question| question.key == key)?))
        };
        self.sections.iter().enumerate().find_map(here).ok_or(Error::NotFound("question"))
    }

    /// The section at a place.
    pub fn section(&mut self, n: usize) -> Result<&mut QuestionSection, Error> {
        self.sections.get_mut(n).ok_or(Error::NotFound("section"))
    }

    fn move_question(&mut self, key: &str, way: Way) -> Result<(), Error> {
        let (s, q) = self.place(key)?;
        let last = self.sections[s].questions.len() - 1;
        match way {
            Way::Up if q > 0 => self.sections[s].questions.swap(q, q - 1),
            Way::Down if q < last => self.sections[s].questions.swap(q, q + 1),
            Way::Up if s > 0 => {
                let question = self.sections[s].questions.remove(q);
                self.sections[s - 1].questions.push(question);
            }
            Way::Down if s + 1 < self.sections.len() => {
                let question = self.sections[s].questions.remove(q);
                self.sections[s + 1].questions.insert(0, question);
            }
            Way::Up | Way::Down => {}
        }
        Ok(())
    }

    /// Puts a question at the end of a section; where it stands now.
    pub fn add_question(&mut self, section: usize, mut question: Question) -> Result<(usize, usize), Error> {
        self.name(&mut question);
        let section_of = self.section(section)?;
        section_of.questions.push(question);
        Ok((section, section_of.questions.len() - 1))
    }

    /// Puts another question in the place of one; where it stands. What depended on the old key depends on the new.
    pub fn replace_question(&mut self, key: &str, mut question: Question) -> Result<(usize, usize), Error> {
        let (s, q) = self.place(key)?;
        if question.key.trim().is_empty() {
            key.clone_into(&mut question.key);
        }
        let after = question.key.trim().to_owned();
        self.sections[s].questions[q] = question;
        let conditions = self.sections.iter_mut().flat_map(|section| &mut section.questions);
        for condition in conditions.flat_map(|question| &mut question.ask_if).filter(|on| on.question == key) {
            condition.question.clone_from(&after);
        }
        Ok((s, q))
    }

    /// A key of its own for a question that was given none.
    fn name(&self, question: &mut Question) {
        if !question.key.trim().is_empty() {
            return;
        }
        let words: Vec<&str> = question.text.split_whitespace().collect();
        let made = key_of(&words.join("-"));
        let base =
            base::text::clip(if made.is_empty() { "question" } else { &made }, 50).trim_end_matches('-').to_owned();
        let free = |key: &String| self.question(key).is_none();
        let others = (2..).map(|n| format!("{base}-{n}"));
        question.key = std::iter::once(base.clone()).chain(others).find(free).unwrap_or(base);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assessments::AskIf;
    use register::publications::Publishable;

    fn question(key: &str) -> Question {
        Question { key: key.into(), text: format!("Is {key} so?"), weight: 1, ..Question::default() }
    }

    fn sample() -> QuestionnaireContent {
        let section = |title: &str, keys: &[&str]| QuestionSection {
            title: title.into(),
            guidance: None,
            questions: keys.iter().map(|key| question(key)).collect(),
        };
        QuestionnaireContent {
            title: "A sample".into(),
            valid_months: 12,
            sections: vec![section("One", &["a", "b"]), section("Two", &["c"])],
            ..QuestionnaireContent::default()
        }
    }

    fn shape(content: &QuestionnaireContent) -> String {
        let keys = |section: &QuestionSection| {
            section.questions.iter().map(|question| question.key.as_str()).collect::<Vec<_>>().join(" ")
        };
        content.sections.iter().map(|s| format!("{}: {}", s.title, keys(s))).collect::<Vec<_>>().join("; ")
    }

    fn after(words: &[&str]) -> String {
        let mut content = sample();
        for word in words {
            content.step(Step::of(word, "Three").expect("a step")).expect("taken");
        }
        shape(&content)
    }

    #[test]
    fn questions_and_sections_change_places_and_go() {
        assert_eq!(after(&["question.down.a"]), "One: b a; Two: c");
        assert_eq!(after(&["question.down.b"]), "One: a; Two: b c");
        assert_eq!(after(&["question.up.c"]), "One: a b c; Two: ");
        assert_eq!(after(&["question.up.a", "question.down.c"]), shape(&sample()), "the edges stay");
        assert_eq!(after(&["section.down.0", "section.up.0"]), "Two: c; One: a b");
        assert_eq!(after(&["section.remove.1", "section.add", "section.rename.0"]), "Three: a b; Three: ");
        assert_eq!(after(&["question.remove.a"]), "One: b; Two: c");
        for wrong in ["section.remove.7", "question.up.zz", "section.up.2"] {
            assert!(sample().step(Step::of(wrong, "").expect("a step")).is_err(), "{wrong}");
        }
        for wrong in ["", "section", "section.up.x", "question.add", "question"] {
            assert!(Step::of(wrong, "").is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_question_gets_a_key_and_takes_along_what_depends_on_it() {
        let mut content = sample();
        let asked = Question { key: String::new(), ..question("It") };
        assert_eq!(content.add_question(1, asked.clone()).expect("added"), (1, 1));
        assert_eq!(content.add_question(1, asked).expect("added"), (1, 2));
        assert_eq!(shape(&content), "One: a b; Two: c is-it-so is-it-so-2");
        let depends =
            Question { ask_if: vec![AskIf { question: "a".into(), is: vec!["yes".into()] }], ..question("c") };
        content.replace_question("c", depends).expect("replaced");
        content.replace_question("a", question("first")).expect("renamed");
        assert_eq!(content.question("c").map(|c| c.ask_if[0].question.as_str()), Some("first"));
        content.clone().checked().expect("it is sound");
        content.step(Step::RemoveQuestion("first".into())).expect("taken");
        assert!(content.checked().is_err(), "what others depend on does not go unnoticed");
        assert!(sample().add_question(9, question("x")).is_err());
    }

    #[test]
    fn words_that_make_no_key_are_named_all_the_same() {
        let mut content = sample();
        content.add_question(0, Question { key: String::new(), text: "???".into(), ..question("x") }).expect("added");
        assert_eq!(shape(&content), "One: a b question; Two: c");
    }
}
