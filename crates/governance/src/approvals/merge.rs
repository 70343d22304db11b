//! Rebasing: what was proposed on an older content, on the one that is in force now.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use base::error::Error;
use register::integrations::{FIELDS, IntegrationContent};

/// A proposal on its new base.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Merged {
    /// What is proposed now.
    pub content: IntegrationContent,
    /// Fields that came from the new base.
    pub taken: Vec<String>,
    /// Fields that both changed, each in its own way; the proposal's value stands.
    pub both: Vec<String>,
}

/// Field by field: what the proposal did not touch comes from `live`, what it changed stays.
pub fn three_way(
    base: &IntegrationContent,
    live: &IntegrationContent,
    proposed: &IntegrationContent,
) -> Result<Merged, Error> {
    let fields = |content: &IntegrationContent| -> Result<Map<String, Value>, Error> {
        match serde_json::to_value(content).map_err(Error::internal)? {
            Value::Object(fields) => Ok(fields),
            _ => Err(Error::internal("a content that is no object")),
        }
    };
    let (base, live, mut proposed) = (fields(base)?, fields(live)?, fields(proposed)?);
    let (mut taken, mut both) = (Vec::new(), Vec::new());
    for (name, _) in FIELDS {
        let (was, is, wanted) = (base.get(*name), live.get(*name), proposed.get(*name));
        if was == is || is == wanted {
            continue;
        }
        if was == wanted {
            taken.push((*name).to_owned());
            proposed.insert((*name).to_owned(), is.cloned().unwrap_or(Value::Null));
        } else {
            both.push((*name).to_owned());
        }
    }
    Ok(Merged { content: base::json::from_value(Value::Object(proposed))?, taken, both })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn untouched_fields_follow_the_base_and_touched_ones_stay() {
        let content = |purpose: &str, tags: &[&str], exit: &str| IntegrationContent {
            purpose: Some(purpose.into()),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            exit_plan: Some(exit.into()),
            ..IntegrationContent::default()
        };
        let merged =
            three_way(&content("a", &[], "x"), &content("b", &["t"], "x"), &content("c", &[], "y")).expect("merged");
        assert_eq!(merged.content, content("c", &["t"], "y"));
        assert_eq!((merged.taken, merged.both), (vec!["tags".to_owned()], vec!["purpose".to_owned()]));
    }
}
