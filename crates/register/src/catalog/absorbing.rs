//! What a record gains from another one that is merged into it: whatever it lacks. What it says itself stays.

use serde_json::{Map, Value};

use super::{ApiContent, AuthMethod, DpaStatus, Upstream, VendorContent};

/// Aliases of a vendor, at most.
const MOST_ALIASES: usize = 20;
/// Tags of a record, at most.
const MOST_TAGS: usize = 50;

impl VendorContent {
    /// This vendor with what it lacks of the other one, apart from the parent. The other's names become aliases; of two
    /// tiers the more critical one holds.
    #[must_use]
    pub fn absorbing(&self, other: &Self) -> Self {
        let mut all = self.clone();
        for (mine, theirs) in [
            (&mut all.legal_name, other.legal_name.as_ref()),
            (&mut all.description, other.description.as_ref()),
            (&mut all.lei, other.lei.as_ref()),
            (&mut all.country, other.country.as_ref()),
            (&mut all.website, other.website.as_ref()),
            (&mut all.provider_name, other.provider_name.as_ref()),
            (&mut all.security_contact, other.security_contact.as_ref()),
            (&mut all.incident_contact, other.incident_contact.as_ref()),
            (&mut all.status_page, other.status_page.as_ref()),
        ] {
            fill(mine, theirs);
        }
        if all.dpa_status == DpaStatus::Unknown {
            all.dpa_status = other.dpa_status;
            all.dpa_signed_on = other.dpa_signed_on;
            all.dpa_expires_on = other.dpa_expires_on;
            all.dpa_reference = other.dpa_reference.clone();
        }
        all.tier = [self.tier, other.tier].into_iter().flatten().min();
        let names = std::iter::once(&other.name).chain(&other.aliases).filter(|name| !name.contains([',', '|']));
        let names: Vec<String> = names.filter(|name| **name != self.name).cloned().collect();
        unite(&mut all.aliases, &names, MOST_ALIASES);
        unite(&mut all.tags, &other.tags, MOST_TAGS);
        unite(&mut all.locations, &other.locations, 250);
        all.aliases.sort();
        all.locations.sort();
        for identifier in &other.identifiers {
            if all.identifiers.len() < 20 && !all.identifiers.contains(identifier) {
                all.identifiers.push(identifier.clone());
            }
        }
        for one in &other.certifications {
            if all.certifications.len() < 50 && !all.certifications.iter().any(|known| known.name == one.name) {
                all.certifications.push(one.clone());
            }
        }
        for one in &other.sub_processors {
            if all.sub_processors.len() < 500 && !all.sub_processors.iter().any(|known| known.name == one.name) {
                all.sub_processors.push(one.clone());
            }
        }
        all
    }
}

impl ApiContent {
    /// This API with what it lacks of the other one. Of two sensitivities the higher one holds. The service name stays
    /// with the other one, and leads here through it.
    #[must_use]
    pub fn absorbing(&self, other: &Self) -> Self {
        let mut all = self.clone();
        for (mine, theirs) in [
            (&mut all.description, other.description.as_ref()),
            (&mut all.documentation_url, other.documentation_url.as_ref()),
            (&mut all.terms_url, other.terms_url.as_ref()),
            (&mut all.contact_name, other.contact_name.as_ref()),
            (&mut all.contact_email, other.contact_email.as_ref()),
            (&mut all.contact_url, other.contact_url.as_ref()),
        ] {
            fill(mine, theirs);
        }
        if all.licence.is_none() {
            all.licence = other.licence.clone();
            all.licence_url = other.licence_url.clone();
        }
        all.tls_minimum = all.tls_minimum.or(other.tls_minimum);
        all.data_sensitivity =
            [self.data_sensitivity, other.data_sensitivity].into_iter().flatten().max_by_key(|one| one.level());
        if all.auth_methods != [AuthMethod::None] && other.auth_methods != [AuthMethod::None] {
            all.auth_methods.extend(&other.auth_methods);
            all.auth_methods.sort_unstable();
            all.auth_methods.dedup();
        }
        let of_another = |upstream: &&Upstream| upstream.api.as_ref() != Some(&self.slug);
        for upstream in other.upstreams.iter().filter(of_another) {
            if all.upstreams.len() < 100 && !all.upstreams.contains(upstream) {
                all.upstreams.push(upstream.clone());
            }
        }
        all.upstreams.retain(|upstream| upstream.api.as_ref() != Some(&other.slug));
        unite(&mut all.tags, &other.tags, MOST_TAGS);
        all
    }
}

/// The fields of a record after a merge is undone: what the merge changed and no one changed since is as it was.
pub fn without_absorbed(present: &Value, before: &Value, after: &Value) -> Value {
    let empty = Map::new();
    let fields = |value: &'_ Value| value.as_object().unwrap_or(&empty).clone();
    let (before, after) = (fields(before), fields(after));
    let mut result = fields(present);
    for (name, absorbed) in &after {
        let was = before.get(name).cloned().unwrap_or(Value::Null);
        if was == *absorbed {
            continue;
        }
        match (result.get_mut(name), &was, absorbed) {
            // Of a list only what the merge brought goes.
            (Some(Value::Array(now)), Value::Array(was), Value::Array(absorbed)) => {
                now.retain(|one| was.contains(one) || !absorbed.contains(one));
            }
            (Some(now), was, absorbed) if *now == *absorbed => *now = was.clone(),
            _ => {}
        }
    }
    Value::Object(result)
}

fn fill(mine: &mut Option<String>, theirs: Option<&String>) {
    if mine.is_none() {
        *mine = theirs.cloned();
    }
}

fn unite(mine: &mut Vec<String>, theirs: &[String], most: usize) {
    for one in theirs {
        if mine.len() < most && !mine.contains(one) {
            mine.push(one.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_lacking_is_taken_and_the_rest_stays() {
        let one = VendorContent {
            name: "Acme".into(),
            country: Some("DE".into()),
            tier: Some(3),
            aliases: vec!["Acme Cloud".into()],
            ..VendorContent::default()
        };
        let other = VendorContent {
            name: "ACME GmbH".into(),
            country: Some("AT".into()),
            lei: Some("529900T8BM49AURSDO55".into()),
            tier: Some(1),
            dpa_status: DpaStatus::Signed,
            aliases: vec!["Acme Cloud".into(), "Acme, Inc.".into()],
            ..VendorContent::default()
        };
        let all = one.absorbing(&other);
        assert_eq!((all.name.as_str(), all.country.as_deref(), all.tier), ("Acme", Some("DE"), Some(1)));
        assert_eq!((all.lei, all.dpa_status), (other.lei.clone(), DpaStatus::Signed));
        assert_eq!(all.aliases, ["ACME GmbH", "Acme Cloud"]);
    }

    #[test]
    fn what_was_changed_since_stays_when_a_merge_is_undone() {
        let before = json!({ "name": "Acme", "lei": null, "country": null, "tags": [] });
        let after = json!({ "name": "Acme", "lei": "X", "country": "AT", "tags": ["a"] });
        let present = json!({ "name": "Acme Cloud", "lei": "X", "country": "DE", "tags": ["a", "b"] });
        let undone = without_absorbed(&present, &before, &after);
        assert_eq!(undone, json!({ "name": "Acme Cloud", "lei": null, "country": "DE", "tags": ["b"] }));
    }
}
