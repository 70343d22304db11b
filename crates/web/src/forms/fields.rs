//! What a form asks.

/// A whole form.
#[derive(Debug)]
pub struct FormSpec {
    pub sections: &'static [Section],
}

/// A part with a title.
#[derive(Debug)]
pub struct Section {
    pub title: &'static str,
    pub hint: &'static str,
    pub fields: &'static [FieldSpec],
}

/// One question.
#[derive(Debug)]
pub struct FieldSpec {
    /// The field of the content.
    pub name: &'static str,
    /// What people read.
    pub label: &'static str,
    /// What helps to answer.
    pub hint: &'static str,
    /// How it is answered.
    pub kind: FieldKind,
}

/// How a question is answered.
#[derive(Debug)]
pub enum FieldKind {
    /// A line.
    Text,
    /// A line that must be there.
    Needed,
    /// Several lines.
    Lines,
    /// A URL.
    Url,
    /// An e-mail address.
    Email,
    /// A date.
    Date,
    /// A whole number out of a few; empty for none.
    Number(&'static [&'static str]),
    /// Any whole number.
    Count,
    /// One word of a closed set.
    Select(&'static [&'static str]),
    /// One word of a closed set, or none.
    Maybe(&'static [&'static str]),
    /// Any of a closed set.
    Checks(&'static [&'static str]),
    /// Words joined by commas.
    Words,
    /// A line with suggestions given at run time.
    Suggest,
    /// Any of a set given at run time.
    ChecksOf,
    /// A small table.
    Rows(&'static [SubField]),
    /// Scopes out of those on offer, each with why it is needed.
    Scopes,
}

/// A column of a small table.
#[derive(Debug)]
pub struct SubField {
    pub name: &'static str,
    pub label: &'static str,
    /// `text`, `lines`, `date`, `url`, `number`, `words` (joined by commas), `suggest` (with suggestions given at
    /// run time) or `maybe` (one word of the set, or none); the words of a closed set otherwise.
    pub input: &'static str,
    pub words: &'static [&'static str],
}

/// A word on offer with what people read.
#[derive(Debug, Clone)]
pub struct Choice {
    pub value: String,
    pub label: String,
}

impl FormSpec {
    /// Every question.
    pub fn fields(&self) -> impl Iterator<Item = &'static FieldSpec> {
        self.sections.iter().flat_map(|section| section.fields)
    }
}

/// A question.
pub const fn field(name: &'static str, label: &'static str, hint: &'static str, kind: FieldKind) -> FieldSpec {
    FieldSpec { name, label, hint, kind }
}

/// A column that anything is typed into, by its input.
pub const fn column(name: &'static str, label: &'static str, input: &'static str) -> SubField {
    SubField { name, label, input, words: &[] }
}

/// A column with the words of a closed set.
pub const fn choice(
    name: &'static str,
    label: &'static str,
    input: &'static str,
    words: &'static [&'static str],
) -> SubField {
    SubField { name, label, input, words }
}
