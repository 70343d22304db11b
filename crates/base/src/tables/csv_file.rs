//! CSV files as people and spreadsheets write them: in any of the usual encodings, with any of the usual delimiters.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Table, cells, import::ParsedRow};
use crate::{
    error::{Error, FieldError},
    foreign::Deadline,
};

/// How a file was written, for the preview.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// Its encoding, as people call it.
    pub encoding: &'static str,
    /// What stands between its cells, as people call it.
    pub delimiter: Option<&'static str>,
}

/// The text of a file and its encoding: UTF-8, UTF-16 with or without a byte order mark, else Windows-1252.
pub fn decoded(bytes: &[u8]) -> (String, &'static str) {
    if let Some((encoding, length)) = encoding_rs::Encoding::for_bom(bytes) {
        let name = if encoding == encoding_rs::UTF_8 { "UTF-8" } else { "UTF-16" };
        return (encoding.decode_without_bom_handling(&bytes[length..]).0.into_owned(), name);
    }
    if let Ok(text) = std::str::from_utf8(bytes)
        && !text.contains('\0')
    {
        return (text.to_owned(), "UTF-8");
    }
    // A Latin text in UTF-16 has a zero in every other place.
    let zeros = |from: usize| bytes.iter().skip(from).step_by(2).take(200).filter(|b| **b == 0).count();
    let half = (bytes.len() / 2).min(200);
    for (at, encoding) in [(1, encoding_rs::UTF_16LE), (0, encoding_rs::UTF_16BE)] {
        if half > 0 && zeros(at) * 2 > half && zeros(1 - at) * 4 < half {
            return (encoding.decode_without_bom_handling(bytes).0.into_owned(), "UTF-16");
        }
    }
    (encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned(), "Windows-1252")
}

const DELIMITERS: [(u8, &str); 3] = [(b',', "comma"), (b';', "semicolon"), (b'\t', "tab")];

/// The name of a column as its header writes it: case, and spaces for underscores, make no difference.
fn column_name(header: &str) -> String {
    header.trim().to_lowercase().replace([' ', '-'], "_")
}

fn header_by(text: &str, delimiter: u8) -> Option<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(text.as_bytes());
    Some(reader.headers().ok()?.iter().map(column_name).collect())
}

/// The delimiter under which most columns are known; of several, the one with most columns.
fn delimiter(table: &Table, text: &str) -> (u8, &'static str) {
    let known = |name: &String| table.has(name);
    let rank = |delimiter: u8| {
        let header = header_by(text, delimiter).unwrap_or_default();
        (header.iter().filter(|name| known(name)).count(), header.len())
    };
    // The first of equals wins: a comma.
    DELIMITERS.into_iter().rev().max_by_key(|(byte, _)| rank(*byte)).unwrap_or(DELIMITERS[0])
}

/// Reads a file: its rows by their number in a spreadsheet, the header being row 1, and blank ones counted.
pub fn parse(table: &Table, text: &str, deadline: &Deadline) -> Result<(Vec<ParsedRow>, &'static str), Error> {
    let (byte, name) = delimiter(table, text);
    let mut reader = csv::ReaderBuilder::new().delimiter(byte).flexible(true).from_reader(text.as_bytes());
    let fault = |error: csv::Error| Error::field("/file", format!("The CSV cannot be read: {error}."));
    let header = header(table, reader.headers().map_err(fault)?)?;
    let mut rows = Vec::new();
    let mut record = csv::StringRecord::new();
    let (mut row, mut end) = (1, reader.position().byte());
    while reader.read_record(&mut record).map_err(fault)? {
        if rows.len().is_multiple_of(256) {
            deadline.check()?;
        }
        let begin = record.position().map_or(end, csv::Position::byte);
        row += 1 + blank_lines(text, end, begin);
        end = reader.position().byte();
        if record.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        rows.push((row, fields(table, &header, &record)));
    }
    Ok((rows, name))
}

/// The blank lines between the end of a record and the next one. A record's end may stand between CR and LF, and the
/// next one's position before the blank lines that it comes after.
fn blank_lines(text: &str, end: u64, begin: u64) -> usize {
    let bytes = text.as_bytes();
    let at = |n: u64| usize::try_from(n).unwrap_or(usize::MAX).min(bytes.len());
    let (end, begin) = (at(end), at(begin));
    let rest = &bytes[end.min(begin)..];
    let rest = match rest.first() {
        Some(b'\n') if end > 0 && bytes[end - 1] == b'\r' => &rest[1..],
        _ => rest,
    };
    let gap = rest.iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
    let gap = &rest[..gap];
    memchr::memchr_iter(b'\n', gap).count()
        + gap.windows(2).filter(|two| two == b"\r\r").count()
        + usize::from(gap.last() == Some(&b'\r'))
}

/// The columns of a header by place. Empty ones at its end, which a trailing delimiter makes, are left out.
fn header(table: &Table, record: &csv::StringRecord) -> Result<Vec<String>, Error> {
    let mut names: Vec<String> = record.iter().map(column_name).collect();
    while names.last().is_some_and(String::is_empty) {
        names.pop();
    }
    let known = table.columns;
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for name in &names {
        *places.entry(name).or_default() += 1;
    }
    let unknown: Vec<&str> = names
        .iter()
        .map(|name| if name.is_empty() { "(a column without a name)" } else { name })
        .filter(|name| !table.has(name))
        .collect();
    if !unknown.is_empty() {
        let message = format!("Unknown columns: {}. Known are {}.", unknown.join(", "), known.join(", "));
        return Err(Error::field("/file", message));
    }
    if let Some((twice, _)) = places.iter().find(|(_, count)| **count > 1) {
        return Err(Error::field("/file", format!("The column '{twice}' appears more than once. Keep one of them.")));
    }
    Ok(names)
}

fn fields(table: &Table, header: &[String], record: &csv::StringRecord) -> Result<Map<String, Value>, Vec<FieldError>> {
    let beyond = record.iter().skip(header.len()).any(|cell| !cell.trim().is_empty());
    if beyond || record.len() < header.len() {
        let message = format!("This row has {} cells, the header has {}.", record.len(), header.len());
        return Err(vec![FieldError { pointer: String::new(), message }]);
    }
    let known = table.columns;
    let (mut fields, mut errors) = (Map::new(), Vec::new());
    for (name, cell) in header.iter().zip(record).filter(|(name, _)| known.contains(&name.as_str())) {
        match cells::from_cell(cell, cells::column(name)) {
            // These always have a value: an empty cell leaves it as it is.
            Ok(Value::Null)
                if matches!(
                    name.as_str(),
                    "id" | "slug" | "name" | "state" | "kind" | "protocol" | "lifecycle" | "dpa_status"
                ) => {}
            Ok(value) => {
                fields.insert(name.clone(), value);
            }
            Err(message) => errors.push(FieldError { pointer: format!("/{name}"), message }),
        }
    }
    if errors.is_empty() { Ok(fields) } else { Err(errors) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    type Row = (usize, Result<Map<String, Value>, Vec<FieldError>>);

    fn rows(text: &str) -> Vec<Row> {
        let deadline = Deadline::within(Duration::from_secs(5));
        parse(&super::super::round_trip::SAMPLE, text, &deadline).expect("a table").0
    }

    fn numbers(text: &str) -> Vec<usize> {
        rows(text).into_iter().map(|(row, _)| row).collect()
    }

    fn refusal(text: &str) -> String {
        let deadline = Deadline::within(Duration::from_secs(5));
        parse(&super::super::round_trip::SAMPLE, text, &deadline).expect_err("refused").to_string()
    }

    #[test]
    fn rows_are_numbered_as_a_spreadsheet_shows_them() {
        for end in ["\n", "\r\n", "\r"] {
            let file = |lines: &[&str]| lines.join(end);
            assert_eq!(numbers(&file(&["name", "A", "B", "C"])), [2, 3, 4], "{end:?}");
            assert_eq!(numbers(&file(&["name", "", "A", "", "", "B", ""])), [3, 6], "{end:?}");
            assert_eq!(numbers(&file(&["name,country", "A,DE", ",", "B,FR"])), [2, 4], "{end:?}");
        }
        assert_eq!(numbers("name,description\r\nA,\"two\r\nlines\"\r\nB,x\r\n"), [2, 3]);
    }

    #[test]
    fn headers_are_read_as_people_write_them() {
        let cell = |text: &str| rows(text)[0].1.clone().expect("a row")["country"].clone();
        for file in [
            "name,country\nA,DE",
            "Name;Country\nA;DE",
            "NAME\tCOUNTRY\nA\tDE",
            " name , country ,\nA,DE,",
            "name,legal name,country\nA,,DE",
        ] {
            assert_eq!(cell(file), "DE", "{file}");
        }
        assert!(refusal("name,name\nA,B").contains("'name' appears more than once"));
        assert!(refusal("name,,country\nA,,DE").contains("a column without a name"));
        assert!(refusal("name,colour\nA,red").contains("Unknown columns: colour."));
        let short = rows("name,country\nA\nB,DE,x\nC,DE");
        assert!(short[0].1.is_err() && short[1].1.is_err() && short[2].1.is_ok());
    }

    #[test]
    fn encodings_are_recognised() {
        let text = "name\nMünchner Rück – Größe";
        let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let utf16_be: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let (windows, ..) = encoding_rs::WINDOWS_1252.encode(text);
        let with = |mark: &[u8], rest: &[u8]| [mark, rest].concat();
        for (bytes, name) in [
            (text.as_bytes().to_vec(), "UTF-8"),
            (with(b"\xef\xbb\xbf", text.as_bytes()), "UTF-8"),
            (utf16.clone(), "UTF-16"),
            (with(b"\xff\xfe", &utf16), "UTF-16"),
            (utf16_be.clone(), "UTF-16"),
            (with(b"\xfe\xff", &utf16_be), "UTF-16"),
            (windows.into_owned(), "Windows-1252"),
        ] {
            assert_eq!(decoded(&bytes), (text.to_owned(), name));
        }
    }

    #[test]
    fn days_are_read_as_a_spreadsheet_writes_them_where_they_are_clear() {
        let day = |cell: &str| rows(&format!("name,dpa_signed_on\nA,{cell}"))[0].1.clone();
        assert_eq!(day("31.12.2026").expect("a day")["dpa_signed_on"], "2026-12-31");
        assert_eq!(day("1.2.2026").expect("a day")["dpa_signed_on"], "2026-02-01");
        let unclear = day("03/04/2026").expect_err("unclear");
        assert!(unclear[0].message.contains("2026-12-31"), "{unclear:?}");
    }
}
