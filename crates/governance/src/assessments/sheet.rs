//! Spreadsheets: a questionnaire out and its answers in, for those who will not use a link; and the
//! questions and answers of a filled CAIQ workbook (Cloud Security Alliance, version 4).

use std::{
    collections::BTreeMap,
    io::{Cursor, Read, Write},
};

use calamine::{Data, DataRef, Reader, Xlsx};
use rust_xlsxwriter::{DataValidation, Format, FormatAlign, Workbook, XlsxError};

use super::{
    AnswerValue, Answers, NewAnswer, Question, QuestionKind, QuestionSection, QuestionnaireContent, logic,
    questionnaire,
};
use base::{error::Error, foreign::Deadline};

/// Rows of a sheet that are read; a questionnaire has 600 questions at most.
const MOST_ROWS: u32 = 2000;
/// Columns of a sheet that are read.
const MOST_COLUMNS: u32 = 40;
/// Sheets that are searched for the questions.
const MOST_SHEETS: usize = 20;
/// Bytes of text that the cells of a sheet may have together.
const MOST_TEXT: usize = 8 << 20;
/// Bytes to which a workbook may unpack.
const UNPACKED: u64 = 32 << 20;
/// XML elements that a workbook may have: each costs memory while it is read.
const MOST_ELEMENTS: usize = 2_000_000;
/// Files that a workbook may consist of.
const MOST_FILES: usize = 2000;

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

fn text(cell: &DataRef) -> String {
    match cell {
        DataRef::Empty => String::new(),
        DataRef::SharedString(text) => text.trim().to_owned(),
        DataRef::String(text) => text.trim().to_owned(),
        DataRef::DateTime(date) => date.as_f64().to_string(),
        other => Data::from(other.clone()).to_string().trim().to_owned(),
    }
}

fn unreadable(error: &dyn std::fmt::Display) -> Error {
    Error::field("/file", format!("This is not an xlsx workbook: {error}."))
}

/// Counts what passes through: bytes, and the elements of XML in any encoding.
#[derive(Default)]
struct Counted {
    elements: usize,
    /// The size that a list of texts claims to have: the reader makes room for so many at once.
    claimed: Vec<u8>,
    keep: bool,
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.elements += memchr::memchr_iter(b'<', bytes).count();
        if self.keep {
            // UTF-16 has a zero beside each of these characters.
            self.claimed.extend(bytes.iter().filter(|b| **b != 0).take(CLAIM.saturating_sub(self.claimed.len())));
        }
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Bytes at the beginning of a list of texts within which its size stands; a longer prologue is refused.
const CLAIM: usize = 64 << 10;

impl Counted {
    /// Whether the list of texts claims no more than it may have, in its first element.
    fn claims_little(&self) -> bool {
        let text = String::from_utf8_lossy(&self.claimed);
        let Some(list) = text.split_once("sst").map(|(_, rest)| rest) else { return false };
        let Some((attributes, _)) = list.split_once('>') else { return false };
        let count = attributes.split_once("uniqueCount").map(|(_, rest)| rest);
        let digits = |rest: &str| -> String {
            let digits = rest.trim_start_matches([' ', '=', '"', '\'', '\n', '\r', '\t']);
            digits.chars().take_while(char::is_ascii_digit).collect()
        };
        count.is_none_or(|rest| digits(rest).parse::<usize>().is_ok_and(|count| count <= MOST_ELEMENTS / 2))
    }
}

/// Refuses a workbook that unpacks to more than it should, before anything parses it. What is counted
/// is what comes out, not what the archive says of itself.
fn bounded(bytes: &[u8], deadline: &Deadline) -> Result<(), Error> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|error| unreadable(&error))?;
    if archive.len() > MOST_FILES {
        return Err(Error::field("/file", format!("This workbook has more than {MOST_FILES} files in it.")));
    }
    let (mut left, mut elements) = (UNPACKED, 0);
    for n in 0..archive.len() {
        deadline.check()?;
        let entry = archive.by_index(n).map_err(|error| unreadable(&error))?;
        let texts = entry.name().map_err(|error| unreadable(&error))?.to_lowercase().ends_with("sharedstrings.xml");
        let mut counted = Counted { keep: texts, ..Counted::default() };
        let out = std::io::copy(&mut entry.take(left + 1), &mut counted).map_err(|error| unreadable(&error))?;
        left = left.checked_sub(out).ok_or_else(|| {
            Error::field("/file", format!("This workbook unpacks to more than {} MiB.", UNPACKED >> 20))
        })?;
        elements += counted.elements;
        if elements > MOST_ELEMENTS || (texts && !counted.claims_little()) {
            return Err(Error::field("/file", "This workbook has more cells or texts than are read."));
        }
    }
    Ok(())
}

/// The first rows and columns of a sheet, by row and column from 0 on. Only cells that are there take memory,
/// wherever they are.
fn lines(book: &mut Xlsx<Cursor<&[u8]>>, name: &str, deadline: &Deadline) -> Result<Vec<Vec<String>>, Error> {
    let mut cells = book.worksheet_cells_reader(name).map_err(|error| unreadable(&error))?;
    let mut lines: Vec<Vec<String>> = Vec::new();
    let mut size = 0;
    for n in 0_usize.. {
        if n.is_multiple_of(256) {
            deadline.check()?;
        }
        let Some(cell) = cells.next_cell().map_err(|error| unreadable(&error))? else { break };
        let (row, column) = cell.get_position();
        if row >= MOST_ROWS || column >= MOST_COLUMNS {
            continue;
        }
        let text = text(cell.get_value());
        size += text.len();
        if size > MOST_TEXT {
            return Err(Error::field("/file", format!("A sheet has more than {} MiB of text.", MOST_TEXT >> 20)));
        }
        let (row, column) = (row as usize, column as usize);
        if lines.len() <= row {
            lines.resize_with(row + 1, Vec::new);
        }
        let line = &mut lines[row];
        if line.len() <= column {
            line.resize_with(column + 1, String::new);
        }
        line[column] = text;
    }
    Ok(lines)
}

fn rows(bytes: &[u8], deadline: &Deadline) -> Result<Vec<Row>, Error> {
    bounded(bytes, deadline)?;
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(|error| unreadable(&error))?;
    let names = book.sheet_names().clone();
    for name in names.iter().take(MOST_SHEETS) {
        let lines = lines(&mut book, name, deadline)?;
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
pub fn read_answers(
    content: &QuestionnaireContent,
    bytes: &[u8],
    deadline: &Deadline,
) -> Result<BTreeMap<String, NewAnswer>, Error> {
    let mut found = BTreeMap::new();
    let mut errors = base::error::FieldErrors::new();
    for row in rows(bytes, deadline)? {
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
pub fn read_questions(title: &str, bytes: &[u8], deadline: &Deadline) -> Result<QuestionnaireContent, Error> {
    let mut sections: Vec<QuestionSection> = Vec::new();
    for row in rows(bytes, deadline)? {
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
#[path = "sheet_tests.rs"]
mod tests;
