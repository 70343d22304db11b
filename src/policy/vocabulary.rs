//! The names that expressions may use, with their types and what they mean. The facts declare them:
//! what is documented, checked on save and completed in the editor is what is there.

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

/// What has a type in expressions.
pub trait Term {
    /// Its type.
    const TY: Ty;
    /// How many entries a list of it may have.
    const CAP: usize = 50;
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
}

/// Declares a group of facts: a struct, and its names with types and meanings.
macro_rules! facts {
    ($(#[doc = $doc:literal])* $name:ident[$cap:literal] { $(#[doc = $fdoc:literal] $field:ident: $ty:ty),+ $(,)? }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
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
