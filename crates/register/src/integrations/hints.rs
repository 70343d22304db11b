//! 'Less data' hints: scopes that give more than narrower ones on offer, data above what the API
//! is for. A hint never refuses anything.

use serde::Serialize;
use utoipa::ToSchema;

use super::IntegrationContent;
use crate::catalog::Sensitivity;

/// A hint that less would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Hint {
    /// RFC 6901 pointer to what it is about.
    pub pointer: String,
    /// The hint.
    pub message: String,
}

/// What a hint compares with.
#[derive(Clone, Debug, Default)]
pub struct Around<'a> {
    /// Scopes that the version offers.
    pub offered: &'a [String],
    /// The most sensitive data that the API's purpose needs, as the catalogue says.
    pub purpose: Option<Sensitivity>,
    /// The most sensitive data of this API's other integrations, and how many there are.
    pub others: Option<(usize, Option<Sensitivity>)>,
    /// Each flow's sensitivity, in the order of the flows.
    pub sensitivities: &'a [Sensitivity],
    /// Whether each flow's class has narrower ones below it, in the same order.
    pub divisible: &'a [bool],
}

/// Words in a scope that stand for everything.
const WHOLE: [&str; 9] = ["all", "full", "admin", "root", "superuser", "everything", "full_access", "fullaccess", "*"];

/// Whether a scope gives everything, or contains narrower ones that are on offer.
pub(super) fn is_broad(scope: &str, offered: &[String]) -> bool {
    let lower = scope.to_lowercase();
    let mut parts = lower.split([':', '.', '/', '-', ' ', '_']);
    if lower.contains('*') || lower.contains("full_access") || parts.any(|part| WHOLE.contains(&part)) {
        return true;
    }
    !narrower(scope, offered).is_empty()
}

/// Scopes on offer that are parts of this one: it, then a separator, then more.
fn narrower<'a>(scope: &str, offered: &'a [String]) -> Vec<&'a str> {
    let below = |other: &&String| {
        other.strip_prefix(scope).is_some_and(|rest| rest.starts_with([':', '.', '/']) && rest.len() > 1)
    };
    offered.iter().filter(below).map(String::as_str).take(3).collect()
}

/// The hints for a content.
pub fn hints(content: &IntegrationContent, around: &Around<'_>) -> Vec<Hint> {
    let mut found = Vec::new();
    for (n, scope) in content.scopes.iter().enumerate() {
        let pointer = format!("/scopes/{n}/scope");
        let narrow = narrower(&scope.scope, around.offered);
        if !narrow.is_empty() {
            found.push(Hint {
                pointer,
                message: format!("{} contains narrower scopes: {}.", scope.scope, narrow.join(", ")),
            });
        } else if is_broad(&scope.scope, around.offered) && around.offered.len() > 1 {
            let message = format!("{} gives everything; {} scopes are on offer.", scope.scope, around.offered.len());
            found.push(Hint { pointer, message });
        }
    }
    for (n, flow) in content.data_flows.iter().enumerate() {
        let pointer = format!("/data_flows/{n}/data_class");
        let Some(sensitivity) = around.sensitivities.get(n) else { continue };
        if around.purpose.is_some_and(|purpose| sensitivity.level() > purpose.level()) {
            let message = format!(
                "{} is {}: more than this API's purpose needs ({}).",
                flow.data_class,
                sensitivity.key(),
                around.purpose.map(Sensitivity::key).unwrap_or_default()
            );
            found.push(Hint { pointer: pointer.clone(), message });
        } else if let Some((count, most)) = around.others
            && count > 0
            && most.is_some_and(|most| sensitivity.level() > most.level())
        {
            let message = format!(
                "{} is {}; none of this API's {count} other integrations carries more than {}.",
                flow.data_class,
                sensitivity.key(),
                most.map(Sensitivity::key).unwrap_or_default()
            );
            found.push(Hint { pointer: pointer.clone(), message });
        }
        if around.divisible.get(n).copied().unwrap_or(false) {
            let message = format!("{} has narrower classes below it: name only what really flows.", flow.data_class);
            found.push(Hint { pointer, message });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broad_scopes_are_told_from_narrow_ones() {
        let offered: Vec<String> =
            ["repo", "repo:status", "user", "admin:org", "read:jira-work"].map(str::to_owned).to_vec();
        assert!(is_broad("repo", &offered) && is_broad("admin:org", &offered) && is_broad("files.*", &offered));
        assert!(
            !is_broad("user", &offered) && !is_broad("read:jira-work", &offered) && !is_broad("allocation", &offered)
        );
    }

    #[test]
    fn data_above_the_purpose_is_named() {
        let content: IntegrationContent = serde_json::from_value(
            serde_json::json!({ "system": "a", "api": "b", "data_flows": [{ "data_class": "user.financial" }] }),
        )
        .expect("a content");
        let around = Around {
            purpose: Some(Sensitivity::Internal),
            sensitivities: &[Sensitivity::Restricted],
            divisible: &[true],
            ..Around::default()
        };
        let found = hints(&content, &around);
        assert_eq!(found.len(), 2);
        assert!(found[0].message.contains("more than this API's purpose needs (internal)"), "{}", found[0].message);
    }
}
