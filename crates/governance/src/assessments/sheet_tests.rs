//! Workbooks go out and come back, and hostile ones are refused.

use super::*;
use crate::assessments::{Answer, ops::questionnaire_of_pack};

fn soon() -> Deadline {
    Deadline::within(std::time::Duration::from_secs(20))
}

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
    let read = read_answers(&content, &bytes, &soon()).expect("answers");
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
    let content = read_questions("CAIQ", &bytes, &soon()).expect("questions");
    let content = register::publications::Publishable::checked(content).expect("sound");
    let keys: Vec<&str> = content.questions().map(|(_, question)| question.key.as_str()).collect();
    assert_eq!(keys, ["a-a-01.1", "a-a-01.2", "iam-02.1"]);
    assert_eq!(content.sections.len(), 2);
    let answers = read_answers(&content, &bytes, &soon()).expect("answers");
    let word = |key: &str| answers[key].value.clone();
    assert_eq!(word("a-a-01.2"), Some(AnswerValue::Text("no".into())));
    assert_eq!(word("iam-02.1"), Some(AnswerValue::Text("not_applicable".into())));
    assert_eq!(answers["a-a-01.1"].note.as_deref(), Some("See our pages."));
}

#[test]
fn what_unpacks_to_more_than_it_should_is_refused_before_it_is_read() {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    archive.start_file("xl/workbook.xml", zip::write::SimpleFileOptions::default()).expect("begun");
    let zeros = vec![0; 1 << 20];
    for _ in 0..70 {
        archive.write_all(&zeros).expect("written");
    }
    let bytes = archive.finish().expect("finished").into_inner();
    assert!(bytes.len() < 1 << 20, "{} bytes", bytes.len());
    let Err(Error::Invalid(errors)) = read_questions("A bomb", &bytes, &soon()) else { panic!("refused") };
    assert!(errors.as_slice()[0].message.contains("32 MiB"), "{errors:?}");
}

/// One text for each number, after each other.
fn many(numbers: std::ops::RangeInclusive<usize>, one: impl Fn(usize) -> String) -> String {
    numbers.map(one).collect::<Vec<_>>().concat()
}

/// A workbook of these parts, as a hostile vendor would make it.
fn workbook(sheets: usize, rows: &str, texts: Option<&str>) -> Vec<u8> {
    let options = zip::write::SimpleFileOptions::default();
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let package = "http://schemas.openxmlformats.org/package/2006/relationships";
    let names = many(1..=sheets, |n| format!("<sheet name=\"S{n}\" sheetId=\"{n}\" r:id=\"rId1\"/>"));
    let mut parts = vec![
        (
            "_rels/.rels",
            format!(
                "<Relationships xmlns=\"{package}\"><Relationship Id=\"rId1\" Type=\"{relations}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/workbook.xml",
            format!("<workbook xmlns=\"{main}\" xmlns:r=\"{relations}\"><sheets>{names}</sheets></workbook>"),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            format!(
                "<Relationships xmlns=\"{package}\"><Relationship Id=\"rId1\" Type=\"{relations}/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>"
            ),
        ),
        ("xl/worksheets/sheet1.xml", format!("<worksheet xmlns=\"{main}\"><sheetData>{rows}</sheetData></worksheet>")),
    ];
    if let Some(texts) = texts {
        parts.push(("xl/sharedStrings.xml", texts.replace("MAIN", main)));
    }
    for (path, text) in parts {
        archive.start_file(path, options).expect("begun");
        archive.write_all(text.as_bytes()).expect("written");
    }
    archive.finish().expect("finished").into_inner()
}

fn cell(place: &str, text: &str) -> String {
    format!("<c r=\"{place}\" t=\"inlineStr\"><is><t>{text}</t></is></c>")
}

/// Reads a workbook; how much the process's memory peaked above what it was, in MiB, and the refusal.
fn peak(bytes: &[u8]) -> (u64, Option<String>) {
    base::foreign::growth(|| read_questions("Hostile", bytes, &soon()).err().map(|error| error.to_string()))
}

#[test]
fn small_workbooks_do_not_become_large_in_memory() {
    if !base::foreign::alone() {
        return;
    }
    let head = format!("<row r=\"1\">{}{}</row>", cell("A1", "Key"), cell("B1", "Question"));
    let corner = format!("{head}<row r=\"1048576\">{}</row>", cell("XFD1048576", "x"));
    let shared = many(1..=3999, |n| format!("<row r=\"{n}\"><c r=\"A{n}\" t=\"s\"><v>0</v></c></row>"));
    let large = format!("<sst xmlns=\"MAIN\"><si><t>{}</t></si></sst>", "A".repeat(1 << 20));
    let claim = "<sst xmlns=\"MAIN\" count=\"1\" uniqueCount=\"999999999999\"><si><t>a</t></si></sst>";
    let wide = many(0..=299_999, |n| format!("<row r=\"{n}\"><c r=\"A{n}\"><v>1</v></c></row>"));
    let empty = format!("<sst xmlns=\"MAIN\">{}</sst>", "<si/>".repeat(4_000_000));
    for (name, bytes) in [
        ("a cell in the last corner", workbook(1, &corner, None)),
        ("one text in all cells", workbook(1, &shared, Some(&large))),
        ("a list of texts that claims to be endless", workbook(1, &head, Some(claim))),
        ("many sheets over one part", workbook(300, &wide, None)),
        ("millions of empty texts", workbook(1, &head, Some(&empty))),
    ] {
        let begun = std::time::Instant::now();
        let (grown, refused) = peak(&bytes);
        assert!(bytes.len() < 3 << 20 && grown < 200, "{name}: {} bytes became {grown} MiB ({refused:?})", bytes.len());
        assert!(begun.elapsed().as_secs() < 20, "{name}: {:?}", begun.elapsed());
    }
    let sound = format!("{head}<row r=\"2\">{}{}</row>", cell("A2", "A-1"), cell("B2", "One?"));
    assert!(read_questions("Sound", &workbook(1, &sound, None), &soon()).is_ok());
}

#[test]
fn what_does_not_fit_is_named_with_its_line() {
    let bytes = caiq(&[["A-1", "One?", "Perhaps", "A"], ["A-2", "Two?", "Yes", "A"]]);
    let content = read_questions("CAIQ", &bytes, &soon()).expect("questions");
    let Err(Error::Invalid(errors)) = read_answers(&content, &bytes, &soon()) else { panic!("refused") };
    assert!(errors.as_slice()[0].message.starts_with("Line 3, A-1:"), "{errors:?}");
    assert!(read_answers(&content, b"no workbook", &soon()).is_err());
}
