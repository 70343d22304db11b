//! The names that expressions may use, with their types and what they mean. The facts declare them:
//! what is documented, checked on save and completed in the editor is what is there.

use std::hash::{BuildHasher, DefaultHasher, Hash, Hasher, RandomState};

/// The type of a fact.
#[derive(Debug, PartialEq, Eq)]
pub enum Ty {
    /// True or false.
    Bool,
    /// A whole number.
    Number,
    /// Text, also a closed set of words or a date as `2027-01-31`.
    Text,
    /// May be null.
    Maybe(&'static Ty),
    /// A list of at most `cap` entries.
    List {
        /// What its entries are.
        of: &'static Ty,
        /// Entries at most; a longer list is itself a finding.
        cap: usize,
    },
    /// Something with fields.
    Object(&'static [Field]),
}

/// A name within something.
#[derive(Debug, PartialEq, Eq)]
pub struct Field {
    /// As it is written.
    pub name: &'static str,
    /// Its type.
    pub ty: Ty,
    /// What it means.
    pub doc: &'static str,
}

impl Ty {
    /// The type behind what may be null.
    pub fn present(&'static self) -> &'static Self {
        match self {
            Self::Maybe(inner) => inner.present(),
            other => other,
        }
    }

    /// As people read it.
    pub fn label(&self) -> String {
        match self {
            Self::Bool => "true or false".into(),
            Self::Number => "number".into(),
            Self::Text => "text".into(),
            Self::Maybe(inner) => format!("{} or null", inner.label()),
            Self::List { of: Self::Object(_), .. } => "list".into(),
            Self::List { of, .. } => format!("list of {}", of.label()),
            Self::Object(_) => "object".into(),
        }
    }
}

/// Keys of the hashes that tell facts apart: two of them, so that nobody finds two facts that look the same.
#[derive(Default)]
pub struct Keys([RandomState; 2]);

impl Keys {
    /// The hash of something.
    pub fn hash(&self, what: &(impl Hash + ?Sized)) -> Digest {
        Digest(self.0.each_ref().map(|keys| keys.hash_one(what)))
    }

    /// One hash over several.
    pub fn together<'a>(&self, all: impl Iterator<Item = &'a Digest>) -> Digest {
        let mut hashers = self.0.each_ref().map(BuildHasher::build_hasher);
        for one in all {
            for hasher in &mut hashers {
                one.hash(hasher);
            }
        }
        Digest(hashers.map(|hasher| hasher.finish()))
    }
}

/// A hash of facts, 128 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Digest([u64; 2]);

/// A hash under way over one field of every entry of a list.
pub struct Column([DefaultHasher; 2]);

impl Column {
    /// Adds one entry's field.
    pub fn add(&mut self, what: &impl Hash) {
        self.0.iter_mut().for_each(|hasher| what.hash(hasher));
    }
}

/// What has a type in expressions.
pub trait Term: Hash {
    /// Its type.
    const TY: Ty;
    /// How many entries a list of it may have.
    const CAP: usize = 50;

    /// Adds one hash for each of its leaves, in the order of [`leaves`].
    fn digest(&self, keys: &Keys, all: &mut Vec<Digest>) {
        all.push(keys.hash(self));
    }

    /// As an entry of a list: each field to its column, or the whole to the only one.
    fn add_to(&self, columns: &mut [Column])
    where
        Self: Sized,
    {
        for column in columns {
            column.add(self);
        }
    }

    /// What is behind one of its names, as expressions read it.
    fn part(&self, _name: &str) -> Option<cel::Value> {
        None
    }
}

impl Term for bool {
    const TY: Ty = Ty::Bool;
}
impl Term for i64 {
    const TY: Ty = Ty::Number;
}
impl Term for String {
    const TY: Ty = Ty::Text;
}
impl<T: Term> Term for Option<T> {
    const TY: Ty = Ty::Maybe(&T::TY);
}
impl<T: Term> Term for Vec<T> {
    const TY: Ty = Ty::List { of: &T::TY, cap: T::CAP };

    fn digest(&self, keys: &Keys, all: &mut Vec<Digest>) {
        all.push(keys.hash(&self.len()));
        let column = || Column(keys.0.each_ref().map(BuildHasher::build_hasher));
        let mut columns: Vec<Column> = (0..T::TY.columns()).map(|_| column()).collect();
        for entry in self {
            entry.add_to(&mut columns);
        }
        all.extend(columns.iter().map(|column| Digest(column.0.each_ref().map(Hasher::finish))));
    }
}

impl Ty {
    /// In how many columns entries of it fall.
    const fn columns(&self) -> usize {
        match self {
            Self::Object(fields) => fields.len(),
            _ => 1,
        }
    }
}

/// The parts of facts that are told apart when one is looked for that was judged before: a fact by its path,
/// a list by its length under its own path, and each field of its entries as `data_flows[].sensitivity`.
/// What may be null as a whole is one leaf.
pub fn leaves(fields: &'static [Field]) -> Vec<String> {
    let mut all = Vec::new();
    leaves_below("", fields, &mut all);
    all
}

fn leaves_below(before: &str, fields: &'static [Field], all: &mut Vec<String>) {
    for field in fields {
        let path = format!("{before}{}", field.name);
        match &field.ty {
            Ty::Object(inner) => leaves_below(&format!("{path}."), inner, all),
            Ty::List { of: Ty::Object(inner), .. } => {
                all.push(path.clone());
                all.extend(inner.iter().map(|inner| format!("{path}[].{}", inner.name)));
            }
            Ty::List { .. } => all.extend([path.clone(), format!("{path}[]")]),
            _ => all.push(path),
        }
    }
}

/// Declares a group of facts: a struct, and its names with types and meanings.
macro_rules! facts {
    ($(#[doc = $doc:literal])* $name:ident[$cap:literal] { $(#[doc = $fdoc:literal] $field:ident: $ty:ty),+ $(,)? }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug, Default, PartialEq, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name { $(#[doc = $fdoc] pub $field: $ty),+ }
        impl $crate::policy::vocabulary::Term for $name {
            const TY: $crate::policy::vocabulary::Ty = $crate::policy::vocabulary::Ty::Object(&[
                $($crate::policy::vocabulary::Field {
                    name: stringify!($field),
                    ty: <$ty as $crate::policy::vocabulary::Term>::TY,
                    doc: $fdoc,
                }),+
            ]);
            const CAP: usize = $cap;
            fn digest(
                &self,
                keys: &$crate::policy::vocabulary::Keys,
                all: &mut Vec<$crate::policy::vocabulary::Digest>,
            ) {
                $($crate::policy::vocabulary::Term::digest(&self.$field, keys, all);)+
            }
            fn add_to(&self, columns: &mut [$crate::policy::vocabulary::Column]) {
                let mut columns = columns.iter_mut();
                $(if let Some(column) = columns.next() {
                    column.add(&self.$field);
                })+
            }
            fn part(&self, name: &str) -> Option<cel::Value> {
                match name {
                    $(stringify!($field) => cel::to_value(&self.$field).ok(),)+
                    _ => None,
                }
            }
        }
    };
}
pub(super) use facts;

/// One documented name with its whole path.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Name {
    /// Such as `vendor.tier`; entries of a list as `data_flows[].sensitivity`.
    pub path: String,
    /// Its type, as people read it.
    pub kind: String,
    /// What it means.
    pub meaning: String,
}

/// Every name, in the order of the facts.
pub fn names(fields: &'static [Field]) -> Vec<Name> {
    let mut all = Vec::new();
    collect("", fields, &mut all);
    all
}

fn collect(before: &str, fields: &'static [Field], all: &mut Vec<Name>) {
    for field in fields {
        let path = format!("{before}{}", field.name);
        all.push(Name { path: path.clone(), kind: field.ty.label(), meaning: field.doc.trim().to_owned() });
        match field.ty.present() {
            Ty::Object(inner) => collect(&format!("{path}."), inner, all),
            Ty::List { of: Ty::Object(inner), .. } => collect(&format!("{path}[]."), inner, all),
            _ => {}
        }
    }
}
