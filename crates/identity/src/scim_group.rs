//! A group in SCIM (RFC 7643, 4.2): read, changed by a PATCH, shown.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    scim::{Fault, GROUP, Meta, Step, attribute, object, steps, text},
    scim_path::Path,
};

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
            match &step.path {
                None if step.removes => {
                    return Err(Fault { kind: Some("noTarget"), ..Fault::value("Say what to remove.") });
                }
                None => self.set_all(&step)?,
                Some(path) => self.step(path, &step)?,
            }
        }
        self.members.sort_unstable();
        self.members.dedup();
        Ok(self)
    }

    /// Everything that a value without a path says.
    fn set_all(&mut self, step: &Step) -> Result<(), Fault> {
        for (key, value) in object(&step.value)? {
            if !value.is_null() {
                let one = Step { value: value.clone(), path: None, ..*step };
                self.step(&Path::read(key)?, &one)?;
            }
        }
        Ok(())
    }

    fn step(&mut self, path: &Path, step: &Step) -> Result<(), Fault> {
        if path.is_foreign {
            return Ok(());
        }
        match (path.name().as_str(), step.removes) {
            ("", false) => self.set_all(step)?,
            ("members", removes) => match path.condition("value") {
                // An id that is none of ours is no one's: nothing to remove.
                Some(id) if removes => self.members.retain(|member| id.parse() != Ok(*member)),
                Some(id) => self.members.push(member(id)?),
                None if removes && step.value.is_null() => self.members.clear(),
                None if removes => {
                    let gone: Vec<Uuid> = member_ids(&step.value).iter().filter_map(|id| id.parse().ok()).collect();
                    self.members.retain(|member| !gone.contains(member));
                }
                None => {
                    let new = members(&step.value)?;
                    if step.replaces {
                        self.members.clear();
                    }
                    self.members.extend(new);
                }
            },
            ("displayname", true) => return Err(Fault::stays("displayName stays: rights are mapped by it.")),
            ("displayname", false) => self.display_name = text(&step.value, "displayName")?,
            ("externalid", true) => self.external_id = None,
            ("externalid", false) => self.external_id = Some(text(&step.value, "externalId")?),
            _ => {}
        }
        Ok(())
    }

    /// As it is answered.
    pub fn shown(&self, meta: &Meta<'_>) -> Value {
        let members: Vec<Value> = self.members.iter().map(|id| json!({ "value": id, "type": "User" })).collect();
        json!({ "schemas": [GROUP], "id": meta.id, "externalId": self.external_id, "displayName": self.display_name,
            "members": members, "meta": meta.shown("Group", "Groups") })
    }
}

/// The ids that a value names: of objects, or plain.
fn member_ids(value: &Value) -> Vec<&str> {
    let all: &[Value] = match value {
        Value::Array(all) => all,
        Value::Null => &[],
        other => std::slice::from_ref(other),
    };
    all.iter().map(|member| member["value"].as_str().or(member.as_str()).unwrap_or_default()).collect()
}

fn member(id: &str) -> Result<Uuid, Fault> {
    id.parse().map_err(|_| Fault::value("members.value has to be an id of Muster's."))
}

fn members(value: &Value) -> Result<Vec<Uuid>, Fault> {
    member_ids(value).into_iter().map(member).collect()
}
