//! What proves something: a link or an uploaded file, of a vendor, and where it belongs.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use base::{audit::Record, check::Check, error::Error, words::State};

/// The kinds of file that are taken: name's end, media type, and how such a file begins.
const KINDS: &[(&str, &str, &[&[u8]])] = &[
    ("pdf", "application/pdf", &[b"%PDF-"]),
    ("png", "image/png", &[b"\x89PNG\r\n\x1a\n"]),
    ("jpg", "image/jpeg", &[b"\xff\xd8\xff"]),
    ("jpeg", "image/jpeg", &[b"\xff\xd8\xff"]),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", &[b"PK\x03\x04"]),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", &[b"PK\x03\x04"]),
    ("odt", "application/vnd.oasis.opendocument.text", &[b"PK\x03\x04"]),
    ("zip", "application/zip", &[b"PK\x03\x04"]),
    ("txt", "text/plain", &[]),
    ("csv", "text/csv", &[]),
    ("json", "application/json", &[]),
];

/// A file as it was stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct StoredFile {
    /// Its name.
    pub name: String,
    /// Its media type, told from its name and its first bytes.
    pub media_type: String,
    /// Its size in bytes.
    pub size: i64,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

/// What is said of a piece of evidence.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EvidenceContent {
    /// What it is.
    pub title: String,
    /// Id or slug of the vendor that it is of.
    pub vendor: String,
    /// Where it can be seen, where it is no file.
    #[serde(default)]
    pub url: Option<String>,
    /// Name of the vendor's certificate or report that it proves, such as `SOC 2`.
    #[serde(default)]
    pub certification: Option<String>,
    /// The last day on which it holds.
    #[serde(default)]
    pub valid_until: Option<NaiveDate>,
}

impl EvidenceContent {
    /// Tidies and checks; names every fault.
    pub fn checked(mut self) -> Result<Self, Error> {
        let mut check = Check::new();
        check.required("/title", &mut self.title, 300);
        check.required("/vendor", &mut self.vendor, 100);
        check.url("/url", &mut self.url);
        check.optional("/certification", &mut self.certification, 200);
        check.in_order("/valid_until", None, self.valid_until);
        check.finish()?;
        Ok(self)
    }
}

/// A piece of evidence.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Evidence {
    /// Immutable id.
    pub id: Uuid,
    /// Rises with each change.
    pub revision: i64,
    /// What it is.
    pub title: String,
    /// The vendor.
    pub vendor_id: Uuid,
    /// The assessment in which it was given.
    pub assessment_id: Option<Uuid>,
    /// Where it can be seen.
    pub url: Option<String>,
    /// The file.
    pub file: Option<StoredFile>,
    /// The certificate or report that it proves.
    pub certification: Option<String>,
    /// The last day on which it holds.
    pub valid_until: Option<NaiveDate>,
    /// Whether it is in use.
    pub state: State,
    /// Who gave it; null when the vendor or a script did.
    pub given_by: Option<Uuid>,
    /// When.
    pub given_at: DateTime<Utc>,
}

impl Record for Evidence {
    const KIND: &'static str = "evidence";
    fn id(&self) -> Uuid {
        self.id
    }
    fn revision(&self) -> i64 {
        self.revision
    }
}

/// The media type of a file that is taken, or why it is not: by the end of its name, and by what it
/// begins with. Text holds no NUL and is UTF-8.
pub fn media_type(name: &str, bytes: &[u8]) -> Result<&'static str, String> {
    let extension = name.rsplit_once('.').map(|(_, end)| end.to_lowercase()).unwrap_or_default();
    let Some((_, media, starts)) = KINDS.iter().find(|(end, ..)| *end == extension) else {
        let mut ends: Vec<&str> = KINDS.iter().map(|(end, ..)| *end).collect();
        ends.dedup();
        return Err(format!("Files of this kind are not taken. Use one of {}.", ends.join(", ")));
    };
    if bytes.is_empty() {
        return Err("This file is empty.".into());
    }
    let fits = if starts.is_empty() {
        !bytes.contains(&0) && std::str::from_utf8(bytes).is_ok()
    } else {
        starts.iter().any(|start| bytes.starts_with(start))
    };
    if fits { Ok(media) } else { Err(format!("This is no {} file, whatever its name says.", extension.to_uppercase())) }
}

/// A file's name without what could lead anywhere.
pub fn plain_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept: String = last.chars().filter(|c| !c.is_control() && !"\"<>|:*?".contains(*c)).collect();
    base::text::clip(kept.trim().trim_start_matches('.'), 200).to_owned()
}
