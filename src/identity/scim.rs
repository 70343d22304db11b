//! SCIM 2.0 (RFC 7643, RFC 7644) as far as providers use it: people and groups as they write them, the filters
//! that they ask, and what a PATCH does.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

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
    /// A path that is not known.
    fn path(path: &str) -> Self {
        Self { status: 400, kind: Some("invalidPath"), detail: format!("'{path}' is not a path that is kept here.") }
    }
    /// Something that is not here.
    pub fn gone(what: &str) -> Self {
        Self { status: 404, kind: None, detail: format!("There is no such {what}.") }
    }
    /// A name that somebody has.
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
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: String,
    /// Whether they may come in.
    pub active: bool,
}

/// A group as a provider writes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// The provider's own id of it.
    pub external_id: Option<String>,
    /// Its name, by which it is mapped.
    pub display_name: String,
    /// Ids of its people here.
    pub members: Vec<Uuid>,
}

fn object(value: &Value) -> Result<&Map<String, Value>, Fault> {
    value.as_object().ok_or_else(|| Fault { kind: Some("invalidSyntax"), ..Fault::value("Send a JSON object.") })
}

/// An attribute, whatever the case of its name (RFC 7643, 2.1).
fn attribute<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
        .filter(|value| !value.is_null())
}

fn text(value: &Value, name: &str) -> Result<String, Fault> {
    let text = value.as_str().map(str::trim).filter(|text| !text.is_empty());
    text.map(str::to_owned).ok_or_else(|| Fault::value(format!("{name} has to be a text.")))
}

/// True or false; some providers write them as texts.
fn truth(value: &Value) -> Result<bool, Fault> {
    match value {
        Value::Bool(said) => Ok(*said),
        Value::String(said) if said.eq_ignore_ascii_case("true") => Ok(true),
        Value::String(said) if said.eq_ignore_ascii_case("false") => Ok(false),
        _ => Err(Fault::value("active has to be true or false.")),
    }
}

impl User {
    /// A whole user, as POST and PUT send it.
    pub fn read(value: &Value) -> Result<Self, Fault> {
        let all = object(value)?;
        let user_name = attribute(all, "userName").ok_or_else(|| Fault::value("userName is missing."))?;
        let mut user = Self { user_name: text(user_name, "userName")?, active: true, ..Self::default() };
        for (key, value) in all {
            user.set(key, value)?;
        }
        user.finished()
    }

    /// Sets one attribute; those that are not kept here are passed over, as the standard allows.
    fn set(&mut self, key: &str, value: &Value) -> Result<(), Fault> {
        match key.to_ascii_lowercase().as_str() {
            "username" => self.user_name = text(value, "userName")?,
            "externalid" => self.external_id = Some(text(value, "externalId")?),
            "active" => self.active = truth(value)?,
            "displayname" => self.name = text(value, "displayName")?,
            "name.formatted" => self.name = text(value, "name.formatted")?,
            "name" => {
                let all = object(value)?;
                let part = |name: &str| attribute(all, name).and_then(Value::as_str).unwrap_or_default().trim();
                let joined = format!("{} {}", part("givenName"), part("familyName")).trim().to_owned();
                let formatted = if part("formatted").is_empty() { joined } else { part("formatted").to_owned() };
                // The name to display counts first, whatever the order.
                if self.name.is_empty() {
                    self.name = formatted;
                }
            }
            "emails" => {
                let all = value.as_array().ok_or_else(|| Fault::value("emails has to be a list."))?;
                let primary = all.iter().find(|one| one["primary"] == true).or(all.first());
                if let Some(one) = primary {
                    self.email = text(&one["value"], "emails.value")?;
                }
            }
            "emails[type eq \"work\"].value" | "emails[primary eq true].value" | "emails.value" => {
                self.email = text(value, "emails.value")?;
            }
            _ => {}
        }
        Ok(())
    }

    fn finished(mut self) -> Result<Self, Fault> {
        if self.email.is_empty() {
            self.email.clone_from(&self.user_name);
        }
        if !self.email.contains('@') {
            return Err(Fault::value("An e-mail address is needed: as userName, or in emails."));
        }
        if self.name.is_empty() {
            self.name = self.email.split('@').next().unwrap_or(&self.email).to_owned();
        }
        Ok(self)
    }

    /// The user after a PATCH.
    pub fn patched(mut self, patch: &Value) -> Result<Self, Fault> {
        for step in steps(patch)? {
            match (&step.path, step.removes) {
                (None, true) => return Err(Fault { kind: Some("noTarget"), ..Fault::value("Say what to remove.") }),
                (None, false) => {
                    for (key, value) in object(&step.value)? {
                        self.set(key, value)?;
                    }
                }
                (Some(path), true) if path.eq_ignore_ascii_case("externalId") => self.external_id = None,
                (Some(path), true) => return Err(Fault::path(path)),
                (Some(path), false) => self.set(path, &step.value)?,
            }
        }
        self.finished()
    }

    /// As it is answered.
    pub fn shown(&self, meta: &Meta<'_>) -> Value {
        json!({ "schemas": [USER], "id": meta.id, "externalId": self.external_id, "userName": self.user_name,
            "displayName": self.name, "name": { "formatted": self.name },
            "emails": [{ "value": self.email, "primary": true, "type": "work" }], "active": self.active,
            "meta": meta.shown("User", "Users") })
    }
}

impl Group {
    /// A whole group, as POST and PUT send it.
    pub fn read(value: &Value) -> Result<Self, Fault> {
        let all = object(value)?;
        let name = attribute(all, "displayName").ok_or_else(|| Fault::value("displayName is missing."))?;
        Ok(Self {
            display_name: text(name, "displayName")?,
            external_id: attribute(all, "externalId").map(|id| text(id, "externalId")).transpose()?,
            members: attribute(all, "members").map(members).transpose()?.unwrap_or_default(),
        })
    }

    /// The group after a PATCH.
    pub fn patched(mut self, patch: &Value) -> Result<Self, Fault> {
        for step in steps(patch)? {
            let path = step.path.clone().unwrap_or_default();
            let lower = path.to_ascii_lowercase();
            if let Some(id) = lower.strip_prefix("members[value eq \"").and_then(|rest| rest.strip_suffix("\"]")) {
                let id: Uuid = id.parse().map_err(|_| Fault::value("members.value has to be an id of Muster's."))?;
                self.members.retain(|member| step.replaces || *member != id);
                continue;
            }
            match (lower.as_str(), step.removes) {
                ("members", true) if step.value.is_null() => self.members.clear(),
                ("members", true) => {
                    let gone = members(&step.value)?;
                    self.members.retain(|member| !gone.contains(member));
                }
                ("members", false) => {
                    let new = members(&step.value)?;
                    if step.replaces {
                        self.members.clear();
                    }
                    self.members.extend(new);
                }
                ("displayname", false) => self.display_name = text(&step.value, "displayName")?,
                ("externalid", false) => self.external_id = Some(text(&step.value, "externalId")?),
                ("", false) => {
                    let all = object(&step.value)?;
                    if let Some(name) = attribute(all, "displayName") {
                        self.display_name = text(name, "displayName")?;
                    }
                    if let Some(new) = attribute(all, "members") {
                        if step.replaces {
                            self.members.clear();
                        }
                        self.members.extend(members(new)?);
                    }
                }
                _ => return Err(Fault::path(&path)),
            }
        }
        self.members.sort_unstable();
        self.members.dedup();
        Ok(self)
    }

    /// As it is answered.
    pub fn shown(&self, meta: &Meta<'_>) -> Value {
        let members: Vec<Value> = self.members.iter().map(|id| json!({ "value": id, "type": "User" })).collect();
        json!({ "schemas": [GROUP], "id": meta.id, "externalId": self.external_id, "displayName": self.display_name,
            "members": members, "meta": meta.shown("Group", "Groups") })
    }
}

fn members(value: &Value) -> Result<Vec<Uuid>, Fault> {
    let one = |member: &Value| {
        let id = member["value"].as_str().or(member.as_str()).and_then(|id| id.parse().ok());
        id.ok_or_else(|| Fault::value("members.value has to be an id of Muster's."))
    };
    match value {
        Value::Array(all) => all.iter().map(one).collect(),
        other => Ok(vec![one(other)?]),
    }
}

/// One step of a PATCH.
struct Step {
    removes: bool,
    replaces: bool,
    path: Option<String>,
    value: Value,
}

fn steps(patch: &Value) -> Result<Vec<Step>, Fault> {
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
            path: attribute(all, "path").map(|path| text(path, "path")).transpose()?,
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
    fn shown(&self, kind: &str, place: &str) -> Value {
        json!({ "resourceType": kind, "created": self.created, "lastModified": self.changed,
            "version": format!("W/\"{}\"", self.revision), "location": format!("{}/{place}/{}", self.base, self.id) })
    }
}

/// The filters that are answered: one attribute that equals a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// The attribute, in lower case.
    pub attribute: String,
    /// The text.
    pub value: String,
}

/// What a list is asked (RFC 7644, 3.4.2).
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Question {
    /// A filter.
    pub filter: Option<String>,
    /// From which on, 1 being the first.
    pub start_index: Option<i64>,
    /// How many at most.
    pub count: Option<i64>,
}

impl Filter {
    /// `attribute eq "text"`, of one of these attributes.
    pub fn read(text: &str, known: &[&str]) -> Result<Self, Fault> {
        let unfit = || Fault {
            status: 400,
            kind: Some("invalidFilter"),
            detail: format!("Filter by one of {} with eq and a text in double quotes.", known.join(", ")),
        };
        let mut parts = text.trim().splitn(3, ' ');
        let (Some(attribute), Some(word), Some(value)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(unfit());
        };
        let value: String = serde_json::from_str(value.trim()).map_err(|_| unfit())?;
        let named = known.iter().any(|one| one.eq_ignore_ascii_case(attribute));
        if !named || !word.eq_ignore_ascii_case("eq") {
            return Err(unfit());
        }
        Ok(Self { attribute: attribute.to_ascii_lowercase(), value })
    }
}

#[cfg(test)]
#[path = "scim_tests.rs"]
mod tests;
