//! SCIM 2.0 (RFC 7643, RFC 7644) as far as providers use it: people and groups as they write them, the filters
//! that they ask, and what a PATCH does.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::scim_path::Path;
pub use super::{scim_group::Group, scim_path::Filter};

/// A core user (RFC 7643, 4.1).
pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// A group (RFC 7643, 4.2).
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// A PATCH (RFC 7644, 3.5.2).
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// Why a request is refused (RFC 7644, 3.12): status, `scimType`, what is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// HTTP status.
    pub status: u16,
    /// The standard's word, where it has one.
    pub kind: Option<&'static str>,
    /// What is wrong and what to do.
    pub detail: String,
}

impl Fault {
    /// A value that does not fit.
    pub fn value(detail: impl Into<String>) -> Self {
        Self { status: 400, kind: Some("invalidValue"), detail: detail.into() }
    }
    /// Something that has to stay.
    pub fn stays(detail: impl Into<String>) -> Self {
        Self { status: 400, kind: Some("mutability"), detail: detail.into() }
    }
    /// Something that is not here.
    pub fn gone(what: &str) -> Self {
        Self { status: 404, kind: None, detail: format!("There is no such {what}.") }
    }
    /// A name that someone has.
    pub fn taken(what: &str) -> Self {
        Self { status: 409, kind: Some("uniqueness"), detail: format!("This {what} is taken.") }
    }
}

/// A person as a provider writes them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// The provider's own id of them.
    pub external_id: Option<String>,
    /// Their name to sign in with there.
    pub user_name: String,
    /// Their name, as it is displayed.
    pub name: String,
    /// Their given name, where the provider says it.
    pub given_name: Option<String>,
    /// Their family name, where the provider says it.
    pub family_name: Option<String>,
    /// Their address.
    pub email: String,
    /// Whether they may come in.
    pub active: bool,
}

pub(super) fn object(value: &Value) -> Result<&Map<String, Value>, Fault> {
    value.as_object().ok_or_else(|| Fault { kind: Some("invalidSyntax"), ..Fault::value("Send a JSON object.") })
}

/// An attribute, whatever the case of its name (RFC 7643, 2.1).
pub(super) fn attribute<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
        .filter(|value| !value.is_null())
}

pub(super) fn text(value: &Value, name: &str) -> Result<String, Fault> {
    let text = value.as_str().map(str::trim).filter(|text| !text.is_empty());
    text.map(str::to_owned).ok_or_else(|| Fault::value(format!("{name} has to be a text.")))
}

/// True or false; some providers write them as texts.
fn truth(value: &Value) -> Result<bool, Fault> {
    match value {
        Value::Bool(said) => Ok(*said),
        Value::String(said) if said.eq_ignore_ascii_case("true") => Ok(true),
        Value::String(said) if said.eq_ignore_ascii_case("false") => Ok(false),
        Value::Array(all) if all.len() == 1 => truth(&all[0]),
        _ => Err(Fault::value("active has to be true or false.")),
    }
}

/// What a request says of a person, one attribute after the other.
struct Said {
    user: User,
    display: Option<String>,
    formatted: Option<String>,
    has_parts: bool,
}

impl Said {
    fn of(user: User) -> Self {
        Self { user, display: None, formatted: None, has_parts: false }
    }

    /// All attributes of an object: of a whole user, or of a PATCH without a path, whose keys may be paths.
    fn object(&mut self, value: &Value) -> Result<(), Fault> {
        for (key, value) in object(value)? {
            // A value that is null says that there is none (RFC 7643, 2.5); what is needed stays.
            if !value.is_null() {
                self.set(&Path::read(key)?, value)?;
            }
        }
        Ok(())
    }

    /// Sets what a path leads to. What is not kept here is passed over (RFC 7644, 3.3): it must not keep the rest from
    /// being done, least of all a person from being disabled.
    fn set(&mut self, path: &Path, value: &Value) -> Result<(), Fault> {
        if path.is_foreign {
            return Ok(());
        }
        let words = |value: &Value| value.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
        match path.name().as_str() {
            "" => self.object(value)?,
            "username" => self.user.user_name = text(value, "userName")?,
            "externalid" => self.user.external_id = words(value).or(self.user.external_id.take()),
            "active" => self.user.active = truth(value)?,
            "displayname" => self.display = words(value).or(self.display.take()),
            "name" => {
                for (key, value) in object(value)? {
                    let part = Path::read(&format!("name.{key}"))?;
                    self.set(&part, value)?;
                }
            }
            "name.formatted" => self.formatted = words(value).or(self.formatted.take()),
            "name.givenname" => (self.user.given_name, self.has_parts) = (words(value), true),
            "name.familyname" => (self.user.family_name, self.has_parts) = (words(value), true),
            "emails" | "emails.value" if is_kept(path) => self.emails(value)?,
            _ => {}
        }
        Ok(())
    }

    fn emails(&mut self, value: &Value) -> Result<(), Fault> {
        let found = match value {
            Value::Array(all) => {
                let is_primary = |one: &&Value| one["primary"] == true || one["primary"] == "True";
                let is_work = |one: &&Value| one["type"].as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("work"));
                all.iter().find(is_primary).or(all.iter().find(is_work)).or(all.first())
            }
            one => Some(one),
        };
        let address = found.map(|one| one.get("value").unwrap_or(one)).filter(|value| !value.is_null());
        if let Some(address) = address {
            self.user.email = text(address, "emails.value")?;
        }
        Ok(())
    }

    /// Removes what a path leads to.
    fn remove(&mut self, path: &Path) -> Result<(), Fault> {
        if path.is_foreign {
            return Ok(());
        }
        match path.name().as_str() {
            "username" => return Err(Fault::stays("userName stays: it is what a person is found by.")),
            "externalid" => self.user.external_id = None,
            // Who is no longer said to be active is not.
            "active" => self.user.active = false,
            "name" => (self.user.given_name, self.user.family_name) = (None, None),
            "name.givenname" => self.user.given_name = None,
            "name.familyname" => self.user.family_name = None,
            _ => {}
        }
        Ok(())
    }

    /// The person, with the name that the request means: the one to display, else the formatted one, else its parts
    /// where the name was made of them before.
    fn finished(self, before: Option<&User>) -> Result<User, Fault> {
        let mut user = self.user;
        if user.email.is_empty() {
            user.email.clone_from(&user.user_name);
        }
        if !user.email.contains('@') {
            return Err(Fault::value("An e-mail address is needed: as userName, or in emails."));
        }
        let joined = |user: &User| {
            let parts = [user.given_name.as_deref(), user.family_name.as_deref()];
            parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
        };
        let made_of_parts = before.is_none_or(|before| {
            let old = joined(before);
            old.is_empty() || old == before.name
        });
        if let Some(name) = self.display.or(self.formatted) {
            user.name = name;
        } else if self.has_parts && (made_of_parts || user.name.is_empty()) && !joined(&user).is_empty() {
            user.name = joined(&user);
        }
        if user.name.is_empty() {
            user.name = user.email.split('@').next().unwrap_or(&user.email).to_owned();
        }
        Ok(user)
    }
}

/// Whether addresses of a kind are kept: those for work, of which there is one.
fn is_kept(path: &Path) -> bool {
    path.condition("type").is_none_or(|kind| kind.eq_ignore_ascii_case("work"))
        && path.condition("primary").is_none_or(|primary| primary.eq_ignore_ascii_case("true"))
}

impl User {
    /// A new user, as POST sends it.
    pub fn read(value: &Value) -> Result<Self, Fault> {
        if attribute(object(value)?, "userName").is_none() {
            return Err(Fault::value("userName is missing."));
        }
        let mut said = Said::of(Self { active: true, ..Self::default() });
        said.object(value)?;
        said.finished(None)
    }

    /// The user after a PUT. What it does not say stays as it is (RFC 7644, 3.5.1, leaves that to the server): a
    /// provider that does not repeat its own id, or whether someone is active, does not mean to change it.
    pub fn replaced(self, value: &Value) -> Result<Self, Fault> {
        if attribute(object(value)?, "userName").is_none() {
            return Err(Fault::value("userName is missing."));
        }
        let before = self.clone();
        let mut said = Said::of(self);
        said.object(value)?;
        said.finished(Some(&before))
    }

    /// The user after a PATCH.
    pub fn patched(self, patch: &Value) -> Result<Self, Fault> {
        let before = self.clone();
        let mut said = Said::of(self);
        for step in steps(patch)? {
            match (&step.path, step.removes) {
                (None, true) => return Err(Fault { kind: Some("noTarget"), ..Fault::value("Say what to remove.") }),
                (None, false) => said.object(&step.value)?,
                (Some(path), true) => said.remove(path)?,
                (Some(path), false) => said.set(path, &step.value)?,
            }
        }
        said.finished(Some(&before))
    }

    /// As it is answered.
    pub fn shown(&self, meta: &Meta<'_>) -> Value {
        let mut name = json!({ "formatted": self.name });
        for (key, part) in [("givenName", &self.given_name), ("familyName", &self.family_name)] {
            if let Some(part) = part {
                name[key] = json!(part);
            }
        }
        json!({ "schemas": [USER], "id": meta.id, "externalId": self.external_id, "userName": self.user_name,
            "displayName": self.name, "name": name,
            "emails": [{ "value": self.email, "primary": true, "type": "work" }], "active": self.active,
            "meta": meta.shown("User", "Users") })
    }
}

/// One step of a PATCH.
pub(super) struct Step {
    pub(super) removes: bool,
    pub(super) replaces: bool,
    pub(super) path: Option<Path>,
    pub(super) value: Value,
}

pub(super) fn steps(patch: &Value) -> Result<Vec<Step>, Fault> {
    let all = object(patch)?;
    let named = attribute(all, "schemas").and_then(Value::as_array);
    if !named.is_some_and(|named| named.iter().any(|one| one == PATCH)) {
        return Err(Fault { kind: Some("invalidSyntax"), ..Fault::value(format!("schemas has to name {PATCH}.")) });
    }
    let operations = attribute(all, "Operations").and_then(Value::as_array);
    let operations = operations.ok_or_else(|| Fault::value("Operations has to be a list."))?;
    if operations.len() > 1000 {
        return Err(Fault { status: 413, kind: None, detail: "At most 1000 operations at once.".into() });
    }
    let step = |one: &Value| {
        let all = object(one)?;
        let word = attribute(all, "op").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
        if !matches!(word.as_str(), "add" | "remove" | "replace") {
            return Err(Fault::value("op has to be add, remove or replace."));
        }
        Ok(Step {
            removes: word == "remove",
            replaces: word == "replace",
            path: match attribute(all, "path").map(|path| path.as_str().unwrap_or_default().trim()) {
                None | Some("") => None,
                Some(path) => Some(Path::read(path)?),
            },
            value: attribute(all, "value").cloned().unwrap_or(Value::Null),
        })
    };
    operations.iter().map(step).collect()
}

/// What stands around a resource.
#[derive(Clone, Debug)]
pub struct Meta<'a> {
    /// Its id here.
    pub id: Uuid,
    /// When it was made.
    pub created: chrono::DateTime<chrono::Utc>,
    /// When it last changed.
    pub changed: chrono::DateTime<chrono::Utc>,
    /// Its revision.
    pub revision: i64,
    /// The address below which resources are.
    pub base: &'a str,
}

impl Meta<'_> {
    pub(super) fn shown(&self, kind: &str, place: &str) -> Value {
        json!({ "resourceType": kind, "created": self.created, "lastModified": self.changed,
            "version": format!("W/\"{}\"", self.revision), "location": format!("{}/{place}/{}", self.base, self.id) })
    }
}

/// What a list is asked (RFC 7644, 3.4.2).
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// A filter.
    pub filter: Option<String>,
    /// From which on, 1 being the first.
    pub start_index: Option<i64>,
    /// How many at most.
    pub count: Option<i64>,
    /// Attributes that are left out, in lower case.
    pub without: Vec<String>,
}

impl Question {
    /// Reads the parameters of a list. Empty ones say nothing.
    pub fn read(pairs: &[(String, String)]) -> Result<Self, Fault> {
        let get = |name: &str| {
            let found = pairs.iter().find(|(key, value)| key.eq_ignore_ascii_case(name) && !value.trim().is_empty());
            found.map(|(_, value)| value.trim())
        };
        let number = |name: &str| {
            let wrong = |_| Fault::value(format!("{name} has to be a whole number."));
            get(name).map(|text| text.parse::<i64>().map_err(wrong)).transpose()
        };
        let without = get("excludedAttributes").unwrap_or_default();
        Ok(Self {
            filter: get("filter").map(str::to_owned),
            start_index: number("startIndex")?,
            count: number("count")?,
            without: without.split(',').map(|name| name.trim().to_lowercase()).collect(),
        })
    }
}

#[cfg(test)]
#[path = "scim_tests.rs"]
mod tests;
