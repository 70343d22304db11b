//! Spreadsheets: a questionnaire out and its answers in, for those who will not use a link; and the
//! questions and answers of a filled CAIQ workbook (Cloud Security Alliance, version 4).

use std::{
    collections::BTreeMap,
    io::{Cursor, Read},
};

use calamine::{Data, Reader, Xlsx};
use rust_xlsxwriter::{DataValidation, Format, FormatAlign, Workbook, XlsxError};

use super::{
    AnswerValue, Answers, NewAnswer, Question, QuestionKind, QuestionSection, QuestionnaireContent, logic,
    questionnaire,
};
use crate::error::Error;

/// Rows of a sheet that are read; a questionnaire has 600 questions at most.
const MOST_ROWS: usize = 2000;
/// Bytes to which a workbook may unpack.
const UNPACKED: u64 = 64 << 20;

fn spreadsheet(error: XlsxError) -> Error {
    Error::internal(error)
}

/// A workbook with every question, its answers so far, and the words that it takes as a list.
pub fn write(content: &QuestionnaireContent, answers: &Answers) -> Result<Vec<u8>, Error> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    sheet.set_name("Questions").map_err(spreadsheet)?;
    let head = Format::new().set_bold();
    let wrapped = Format::new().set_text_wrap().set_align(FormatAlign::Top);
    let columns =
        [("Key", 14.0), ("Section", 22.0), ("Question", 60.0), ("Guidance", 40.0), ("Answer", 24.0), ("Note", 40.0)];
    for (n, (title, width)) in (0_u16..).zip(columns) {
        sheet.write_string_with_format(0, n, title, &head).map_err(spreadsheet)?;
        sheet.set_column_width(n, width).map_err(spreadsheet)?;
    }
    sheet.set_freeze_panes(1, 0).map_err(spreadsheet)?;
    let mut row = 0;
    for section in &content.sections {
        for question in &section.questions {
            row += 1;
            let answer = answers.get(&question.key);
            let value = answer.and_then(|answer| answer.value.as_ref()).map(AnswerValue::cell).unwrap_or_default();
            let note = answer.and_then(|answer| answer.note.clone()).unwrap_or_default();
            let hint = hint(question);
            let cells = [&question.key, &section.title, &question.text, &hint, &value, &note];
            for (n, text) in (0_u16..).zip(cells) {
                sheet.write_string_with_format(row, n, text, &wrapped).map_err(spreadsheet)?;
            }
            if matches!(question.kind, QuestionKind::YesNo | QuestionKind::Choice) {
                // Excel takes lists of 255 characters; longer ones stand in the guidance.
                if let Ok(list) = DataValidation::new().allow_list_strings(&question.values()) {
                    sheet.add_data_validation(row, 4, row, 4, &list).map_err(spreadsheet)?;
                }
            }
        }
    }
    book.save_to_buffer().map_err(spreadsheet)
}

/// What helps to fill a cell.
fn hint(question: &Question) -> String {
    let form = match question.kind {
        QuestionKind::YesNo | QuestionKind::Choice => format!("One of: {}.", question.values().join(", ")),
        QuestionKind::MultiChoice => {
            format!("Any of these, with semicolons between: {}.", question.values().join(", "))
        }
        QuestionKind::Number => "A whole number.".into(),
        QuestionKind::Date => "A day as 2027-01-31.".into(),
        QuestionKind::Text => String::new(),
        QuestionKind::File => "A link.".into(),
    };
    let only = question.ask_if.iter().map(|on| format!("Only where {} is {}.", on.question, on.is.join(" or ")));
    let mut parts: Vec<String> = only.collect();
    parts.push(form);
    parts.extend(question.guidance.clone());
    parts.retain(|part| !part.is_empty());
    parts.join(" ")
}

/// A row of a sheet that was read.
#[derive(Clone, Debug, Default, PartialEq)]
struct Row {
    line: usize,
    id: String,
    section: String,
    question: String,
    answer: String,
    note: String,
}

/// Where the columns are.
struct Columns {
    id: usize,
    question: Option<usize>,
    section: Option<usize>,
    answer: Option<usize>,
    note: Option<usize>,
}

/// The columns of a header row: Muster's own, or CAIQ's.
fn columns(cells: &[String]) -> Option<Columns> {
    let find = |names: &[&str]| {
        cells.iter().position(|cell| {
            let cell = cell.to_lowercase();
            names.iter().any(|name| cell == *name || cell.starts_with(&format!("{name} (")))
        })
    };
    let id = find(&["key", "question id"])?;
    let answer = find(&["answer", "csp caiq answer", "consensus assessment answers"]);
    let question = find(&["question", "consensus assessment questions"]);
    (answer.is_some() || question.is_some()).then(|| Columns {
        id,
        question,
        section: find(&["section", "ccm domain title", "control domain"]),
        answer,
        note: find(&["note", "csp implementation description", "notes"]),
    })
}

fn text(cell: &Data) -> String {
    match cell {
        Data::Empty => String::new(),
        Data::DateTime(date) => date.as_f64().to_string(),
        other => other.to_string().trim().to_owned(),
    }
}

fn unreadable(error: &dyn std::fmt::Display) -> Error {
    Error::field("/file", format!("This is no xlsx workbook: {error}."))
}

/// Refuses a workbook that unpacks to more than it should, before anything parses it. What is counted
/// is what comes out, not what the archive says of itself.
fn bounded(bytes: &[u8]) -> Result<(), Error> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|error| unreadable(&error))?;
    let mut left = UNPACKED;
    for n in 0..archive.len() {
        let entry = archive.by_index(n).map_err(|error| unreadable(&error))?;
        let out = std::io::copy(&mut entry.take(left + 1), &mut std::io::sink()).map_err(|error| unreadable(&error))?;
        left = left.checked_sub(out).ok_or_else(|| {
            Error::field("/file", format!("This workbook unpacks to more than {} MiB.", UNPACKED >> 20))
        })?;
    }
    Ok(())
}

fn rows(bytes: &[u8]) -> Result<Vec<Row>, Error> {
    bounded(bytes)?;
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(|error| unreadable(&error))?;
    let names = book.sheet_names().clone();
    for name in names {
        let range = book.worksheet_range(&name).map_err(|error| unreadable(&error))?;
        let lines: Vec<Vec<String>> =
            range.rows().take(MOST_ROWS).map(|row| row.iter().take(40).map(text).collect()).collect();
        let head = lines.iter().take(20).enumerate().find_map(|(n, cells)| Some((n, columns(cells)?)));
        let Some((head, at)) = head else { continue };
        let mut section = String::new();
        let mut found = Vec::new();
        for (line, cells) in lines.iter().enumerate().skip(head + 1) {
            let cell = |n: Option<usize>| n.and_then(|n| cells.get(n)).cloned().unwrap_or_default();
            let given = cell(at.section);
            if !given.is_empty() {
                // Merged cells hold their text in the first one alone.
                section = given;
            }
            let row = Row {
                line: line + 1,
                id: cell(Some(at.id)),
                section: section.clone(),
                question: cell(at.question),
                answer: cell(at.answer),
                note: cell(at.note),
            };
            // A row without both is a heading, or where the sheet says whose it is.
            if !row.id.is_empty() && (at.question.is_none() || !row.question.is_empty()) {
                found.push(row);
            }
        }
        return Ok(found);
    }
    Err(Error::field("/file", "No sheet has the columns 'Key' or 'Question ID' and 'Answer' or 'Question'."))
}

/// The answers of a filled sheet, by the key of their question. What a question does not take is named
/// with its line; nothing is guessed.
pub fn read_answers(content: &QuestionnaireContent, bytes: &[u8]) -> Result<BTreeMap<String, NewAnswer>, Error> {
    let mut found = BTreeMap::new();
    let mut errors = crate::error::FieldErrors::new();
    for row in rows(bytes)? {
        let known = content.question(&row.id).or_else(|| content.question(&questionnaire::key_of(&row.id)));
        let Some(question) = known else {
            if !row.answer.is_empty() {
                errors.add("/file", format!("Line {}: there is no question '{}'.", row.line, row.id));
            }
            continue;
        };
        if row.answer.is_empty() && row.note.is_empty() {
            continue;
        }
        let new = NewAnswer {
            value: value(question, &row.answer),
            note: Some(row.note).filter(|note| !note.is_empty()),
            confirmed: false,
        };
        match new.checked(question) {
            Ok(new) => drop(found.insert(question.key.clone(), new)),
            Err(Error::Invalid(faults)) => {
                for fault in faults.as_slice() {
                    errors.add("/file", format!("Line {}, {}: {}", row.line, row.id, fault.message));
                }
            }
            Err(other) => return Err(other),
        }
    }
    errors.finish()?;
    if found.is_empty() {
        return Err(Error::field("/file", "This sheet answers nothing."));
    }
    Ok(found)
}

/// A cell as an answer: words are taken in any case, by their key or by what people read.
fn value(question: &Question, cell: &str) -> Option<AnswerValue> {
    if cell.is_empty() {
        return None;
    }
    let word = |text: &str| {
        let folded = text.trim().to_lowercase();
        if question.kind == QuestionKind::YesNo && ["na", "n/a", "n.a.", "not applicable"].contains(&folded.as_str()) {
            return "not_applicable".to_owned();
        }
        let known = question
            .values()
            .into_iter()
            .find(|word| word.to_lowercase() == folded || question.label_of(word).to_lowercase() == folded);
        known.map_or_else(|| text.trim().to_owned(), str::to_owned)
    };
    Some(match question.kind {
        QuestionKind::YesNo | QuestionKind::Choice => AnswerValue::Text(word(cell)),
        QuestionKind::MultiChoice => {
            AnswerValue::Many(cell.split(';').map(word).filter(|word| !word.is_empty()).collect())
        }
        // Spreadsheets keep numbers with decimals.
        QuestionKind::Number => AnswerValue::Text(cell.strip_suffix(".0").unwrap_or(cell).to_owned()),
        _ => AnswerValue::Text(cell.to_owned()),
    })
}

/// The questions of a CAIQ workbook as a questionnaire of yes and no, one section for each domain. Its
/// licence lets one use it and not pass it on: it is read here, and nothing of it comes with Muster.
pub fn read_questions(title: &str, bytes: &[u8]) -> Result<QuestionnaireContent, Error> {
    let mut sections: Vec<QuestionSection> = Vec::new();
    for row in rows(bytes)? {
        let domain = if row.section.is_empty() {
            row.id.split('-').next().unwrap_or_default().to_owned()
        } else {
            row.section.clone()
        };
        let question = Question {
            key: questionnaire::key_of(&row.id),
            text: row.question,
            kind: QuestionKind::YesNo,
            weight: 1,
            ..Question::default()
        };
        match sections.iter_mut().find(|section| section.title == domain) {
            Some(section) => section.questions.push(question),
            None => sections.push(QuestionSection { title: domain, guidance: None, questions: vec![question] }),
        }
    }
    Ok(QuestionnaireContent { title: title.to_owned(), valid_months: 12, sections, ..QuestionnaireContent::default() })
}

/// Whether answers of a sheet go to questions that would not be asked, for a note to whoever reads it in.
pub fn unasked(content: &QuestionnaireContent, answers: &Answers) -> usize {
    let asked = logic::asked(content, answers);
    answers.keys().filter(|key| !asked.iter().any(|question| question.key == **key)).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assessments::{Answer, ops::questionnaire_of_pack};

    #[test]
    fn what_goes_out_comes_back() {
        let content = questionnaire_of_pack().expect("the questionnaire");
        let mut answers = Answers::new();
        for (_, question) in content.questions() {
            let value = match question.kind {
                QuestionKind::YesNo => AnswerValue::Text("yes".into()),
                QuestionKind::Choice => AnswerValue::Text(question.options[0].value.clone()),
                QuestionKind::MultiChoice => {
                    AnswerValue::Many(question.options.iter().take(2).map(|option| option.value.clone()).collect())
                }
                QuestionKind::Number => AnswerValue::Number(42),
                QuestionKind::Date => AnswerValue::Text("2027-01-31".into()),
                QuestionKind::Text => AnswerValue::Text("In words: \"so\", and so; =1+1.".into()),
                QuestionKind::File => AnswerValue::Text("https://example.com/report.pdf".into()),
            };
            let answer = Answer { value: Some(value), note: Some("A note.".into()), ..Answer::default() };
            answers.insert(question.key.clone(), answer);
        }
        let bytes = write(&content, &answers).expect("a workbook");
        let read = read_answers(&content, &bytes).expect("answers");
        assert_eq!(read.len(), answers.len());
        for (key, new) in read {
            assert_eq!((&new.value, &new.note), (&answers[&key].value, &answers[&key].note), "{key}");
        }
    }

    /// A workbook in the form of CAIQ version 4, with questions of our own.
    fn caiq(rows: &[[&str; 4]]) -> Vec<u8> {
        let mut book = Workbook::new();
        let sheet = book.add_worksheet();
        sheet.write_string(0, 0, "A self-assessment").expect("written");
        let head = [
            "Question ID",
            "Question",
            "CSP CAIQ Answer",
            "SSRM Control Ownership",
            "CSP Implementation Description (Optional/Recommended)",
            "CCM Domain Title",
        ];
        for (n, title) in (0_u16..).zip(head) {
            sheet.write_string(1, n, title).expect("written");
        }
        for (line, [id, question, answer, domain]) in (2_u32..).zip(rows) {
            for (n, text) in [(0_u16, id), (1, question), (2, answer), (4, &"See our pages."), (5, domain)] {
                sheet.write_string(line, n, *text).expect("written");
            }
        }
        book.save_to_buffer().expect("a workbook")
    }

    #[test]
    fn a_caiq_workbook_becomes_questions_and_answers() {
        let bytes = caiq(&[
            ["A&A-01.1", "Are there audit policies?", "Yes", "Audit"],
            ["A&A-01.2", "Are they looked at each year?", "No", ""],
            ["IAM-02.1", "Are passwords strong?", "NA", "Identity"],
        ]);
        let content = read_questions("CAIQ", &bytes).expect("questions");
        let content = crate::publications::Publishable::checked(content).expect("sound");
        let keys: Vec<&str> = content.questions().map(|(_, question)| question.key.as_str()).collect();
        assert_eq!(keys, ["a-a-01.1", "a-a-01.2", "iam-02.1"]);
        assert_eq!(content.sections.len(), 2);
        let answers = read_answers(&content, &bytes).expect("answers");
        let word = |key: &str| answers[key].value.clone();
        assert_eq!(word("a-a-01.2"), Some(AnswerValue::Text("no".into())));
        assert_eq!(word("iam-02.1"), Some(AnswerValue::Text("not_applicable".into())));
        assert_eq!(answers["a-a-01.1"].note.as_deref(), Some("See our pages."));
    }

    #[test]
    fn what_unpacks_to_more_than_it_should_is_refused_before_it_is_read() {
        use std::io::Write;
        let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
        archive.start_file("xl/workbook.xml", zip::write::SimpleFileOptions::default()).expect("begun");
        let zeros = vec![0; 1 << 20];
        for _ in 0..70 {
            archive.write_all(&zeros).expect("written");
        }
        let bytes = archive.finish().expect("finished").into_inner();
        assert!(bytes.len() < 1 << 20, "{} bytes", bytes.len());
        let Err(Error::Invalid(errors)) = read_questions("A bomb", &bytes) else { panic!("refused") };
        assert!(errors.as_slice()[0].message.contains("64 MiB"), "{errors:?}");
    }

    #[test]
    fn what_does_not_fit_is_named_with_its_line() {
        let bytes = caiq(&[["A-1", "One?", "Perhaps", "A"], ["A-2", "Two?", "Yes", "A"]]);
        let content = read_questions("CAIQ", &bytes).expect("questions");
        let Err(Error::Invalid(errors)) = read_answers(&content, &bytes) else { panic!("refused") };
        assert!(errors.as_slice()[0].message.starts_with("Line 3, A-1:"), "{errors:?}");
        assert!(read_answers(&content, b"no workbook").is_err());
    }
}
