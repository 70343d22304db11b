//! How somebody wants pages to look and to write moments: personal, and nothing of the register.

use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::{check::Check, error::Error};

/// How pages look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// As the device says.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// The language of pages, which are in English, with the way in which it writes days and hours (BCP 47).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Language {
    /// 26 Nov 2026, 14:05.
    #[default]
    #[serde(rename = "en-GB")]
    British,
    /// Nov 26, 2026, 2:05 PM.
    #[serde(rename = "en-US")]
    American,
    /// 2026-11-26, 14:05, as ISO 8601 has it.
    #[serde(rename = "en-SE")]
    Iso,
}

impl Theme {
    /// All of them, with what people read.
    pub const ALL: [(Self, &'static str); 3] =
        [(Self::System, "As the device says"), (Self::Light, "Light"), (Self::Dark, "Dark")];

    /// Its word.
    pub fn key(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

impl Language {
    /// All of them, with what people read.
    pub const ALL: [(Self, &'static str); 3] = [
        (Self::British, "English, 26 Nov 2026, 14:05"),
        (Self::American, "English, Nov 26, 2026, 2:05 PM"),
        (Self::Iso, "English, 2026-11-26, 14:05"),
    ];

    /// Its tag (BCP 47).
    pub fn key(self) -> &'static str {
        match self {
            Self::British => "en-GB",
            Self::American => "en-US",
            Self::Iso => "en-SE",
        }
    }

    /// How it writes a day, for `strftime`.
    pub fn day(self) -> &'static str {
        match self {
            Self::British => "%-d %b %Y",
            Self::American => "%b %-d, %Y",
            Self::Iso => "%Y-%m-%d",
        }
    }

    /// How it writes an hour, for `strftime`.
    pub fn hour(self) -> &'static str {
        match self {
            Self::American => "%-I:%M:%S %p %Z",
            Self::British | Self::Iso => "%H:%M:%S %Z",
        }
    }
}

impl std::str::FromStr for Theme {
    type Err = Error;
    fn from_str(key: &str) -> Result<Self, Error> {
        let found = Self::ALL.into_iter().find(|(one, _)| one.key() == key);
        found.map(|(one, _)| one).ok_or_else(|| Error::field("/theme", "Choose system, light or dark."))
    }
}

impl std::str::FromStr for Language {
    type Err = Error;
    fn from_str(key: &str) -> Result<Self, Error> {
        let found = Self::ALL.into_iter().find(|(one, _)| one.key() == key);
        found.map(|(one, _)| one).ok_or_else(|| Error::field("/language", "Choose en-GB, en-US or en-SE."))
    }
}

/// What somebody has set for themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Preferences {
    /// IANA name of their time zone; the organisation's where it is not set.
    pub time_zone: Option<String>,
    /// Their language.
    pub language: Language,
    /// How pages look to them.
    pub theme: Theme,
    /// Whether e-mails tell them what waits for them; links that they need come in any case.
    pub notices: Notices,
}

/// Whether someone is told by e-mail of what waits for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Notices {
    /// They are.
    #[default]
    ByEmail,
    /// Their pages alone say it.
    OnPages,
}

impl Notices {
    /// All of them, with what people read.
    pub const ALL: [(Self, &'static str); 2] =
        [(Self::ByEmail, "By e-mail as well"), (Self::OnPages, "On my pages only")];

    /// Its word.
    pub fn key(self) -> &'static str {
        match self {
            Self::ByEmail => "by_email",
            Self::OnPages => "on_pages",
        }
    }
}

impl std::str::FromStr for Notices {
    type Err = Error;
    fn from_str(key: &str) -> Result<Self, Error> {
        let found = Self::ALL.into_iter().find(|(one, _)| one.key() == key);
        found.map(|(one, _)| one).ok_or_else(|| Error::field("/notices", "Choose by_email or on_pages."))
    }
}

impl Preferences {
    /// Tidies and checks; names every fault.
    pub fn checked(mut self) -> Result<Self, Error> {
        let mut check = Check::new();
        check.optional("/time_zone", &mut self.time_zone, 60);
        if self.time_zone.as_deref().is_some_and(|zone| zone.parse::<Tz>().is_err()) {
            check.fault("/time_zone", "Give a time zone by its IANA name, such as Europe/Berlin.");
        }
        check.finish()?;
        Ok(self)
    }
}

/// How pages are written for whoever reads them: what they have set, else what the organisation has.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// The time zone of moments.
    pub time_zone: Tz,
    /// The language of days and hours.
    pub language: Language,
    /// How pages look.
    pub theme: Theme,
}

impl Default for Reading {
    fn default() -> Self {
        Self { time_zone: Tz::UTC, language: Language::default(), theme: Theme::default() }
    }
}
