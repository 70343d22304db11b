//! What a decision is bound to: SHA-256 over the canonical JSON (RFC 8785) of the kind, the reason and the content, with
//! the sensitivity of each data class and the text of each scope as they were when it was submitted.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;

use super::RequestKind;
use base::error::Error;
use register::integrations::{FIELDS, IntegrationContent, Refs, Weight, ops::OfferedScope};

/// The version of the form. Before 2 neither kind nor reason was in it.
const SCHEMA: i32 = 2;

/// Canonical bytes with the hashes over them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// Canonical bytes of `{schema, kind, reason, content}`.
    pub bytes: Vec<u8>,
    /// SHA-256 of these bytes.
    pub full: [u8; 32],
    /// SHA-256 of the same without what is immaterial.
    pub material: [u8; 32],
}

/// What is asked for as well the content: where only the state changes, the reason is the whole request.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The kind of the request.
    pub kind: RequestKind,
    /// Why.
    pub reason: Option<&'a str>,
}

/// Binds a content that was checked: its sets are sorted already.
pub fn bind(
    asked: Asked<'_>,
    content: &IntegrationContent,
    refs: &Refs,
    offered: &[OfferedScope],
) -> Result<Binding, Error> {
    let Value::Object(mut fields) = serde_json::to_value(content).map_err(Error::internal)? else {
        return Err(Error::internal("a content that is no object"));
    };
    if let Some(Value::Array(flows)) = fields.get_mut("data_flows") {
        for (flow, (_, sensitivity)) in flows.iter_mut().zip(&refs.data_classes) {
            flow["sensitivity"] = json!(sensitivity);
        }
    }
    if let Some(Value::Array(scopes)) = fields.get_mut("scopes") {
        for (scope, asked) in scopes.iter_mut().zip(&content.scopes) {
            let text = offered.iter().find(|offered| offered.name == asked.scope);
            scope["description"] = json!(text.and_then(|scope| scope.description.as_deref()));
        }
    }
    let bytes = canonical(asked, fields.clone())?;
    for (name, _) in FIELDS.iter().filter(|(_, weight)| *weight == Weight::Immaterial) {
        fields.remove(*name);
    }
    let material = canonical(asked, fields)?;
    Ok(Binding { full: Sha256::digest(&bytes).into(), material: Sha256::digest(&material).into(), bytes })
}

fn canonical(asked: Asked<'_>, fields: Map<String, Value>) -> Result<Vec<u8>, Error> {
    let mut whole = json!({
        "schema": SCHEMA, "kind": asked.kind.key(), "reason": asked.reason, "content": Value::Object(fields),
    });
    compose(&mut whole);
    serde_json_canonicalizer::to_vec(&whole).map_err(Error::internal)
}

/// Brings every string into Unicode normalisation form C.
fn compose(value: &mut Value) {
    match value {
        Value::String(text) => *text = text.nfc().collect(),
        Value::Array(items) => items.iter_mut().for_each(compose),
        Value::Object(fields) => fields.values_mut().for_each(compose),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(content: &IntegrationContent) -> Binding {
        bind(Asked { kind: RequestKind::Change, reason: None }, content, &Refs::default(), &[]).expect("bound")
    }

    #[test]
    fn only_material_fields_move_the_material_hash() {
        let content = IntegrationContent { name: "Café".into(), ..IntegrationContent::default() };
        let first = bound(&content);
        let tagged = bound(&IntegrationContent { tags: vec!["pay".into()], ..content.clone() });
        assert_ne!(first.full, tagged.full);
        assert_eq!(first.material, tagged.material);
        let other = bound(&IntegrationContent { purpose: Some("x".into()), ..content.clone() });
        assert_ne!(first.material, other.material);
        let decomposed = bound(&IntegrationContent { name: "Cafe\u{301}".into(), ..content });
        assert_eq!(first, decomposed);
    }

    /// Two values that a field may have, one of them not its first.
    fn values(field: &str, text: &str) -> [Value; 2] {
        match field {
            "data_flows" => [json!([]), json!([{ "data_class": text, "direction": "sent" }])],
            "scopes" => [json!([]), json!([{ "scope": text }])],
            "environments" => [json!([]), json!([{ "environment": "production", "endpoints": [text] }])],
            "upstreams" => [json!([]), json!([{ "vendor": text }])],
            "tags" => [json!([]), json!([text])],
            "inbound_validation" => [json!([]), json!(["signature"])],
            "inbound_inspection" => [json!([]), json!(["schema"])],
            "criticality" => [Value::Null, json!("high")],
            "exposure" => [Value::Null, json!("internal")],
            "initiated_by" => [Value::Null, json!("both")],
            "tls_minimum" => [Value::Null, json!("1.2")],
            "peer_verification" => [Value::Null, json!("pinning")],
            "rate_limit_per" => [Value::Null, json!("minute")],
            "rate_limit" | "token_lifetime_minutes" => [json!(1), json!(text.len() + 2)],
            "next_review_on" => [Value::Null, json!("2027-01-01")],
            "slug" | "name" | "system" | "api" => [json!("before"), json!(format!("after {text}"))],
            _ => [Value::Null, json!(text)],
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
        /// Whatever else a content says: a material field moves the material hash, which voids approvals, an
        /// immaterial one moves the full hash alone.
        #[test]
        fn each_field_moves_the_hash_that_its_weight_says(
            text in "[a-z]{1,12}",
            others in proptest::collection::vec(0_usize..FIELDS.len(), 0..6),
        ) {
            let mut base = serde_json::to_value(IntegrationContent::default()).expect("JSON");
            for other in others {
                let (name, _) = FIELDS[other];
                base[name] = values(name, "else")[1].clone();
            }
            for (name, weight) in FIELDS {
                let [before, after] = values(name, &text).map(|value| {
                    let mut content = base.clone();
                    content[*name] = value;
                    let content: IntegrationContent = serde_json::from_value(content.clone())
                        .unwrap_or_else(|error| panic!("{name}: {error} in {content}"));
                    bound(&content)
                });
                proptest::prop_assert_ne!(&before.full, &after.full, "{}", name);
                let moved = before.material != after.material;
                proptest::prop_assert_eq!(moved, *weight == Weight::Material, "{}", name);
            }
        }
    }

    #[test]
    fn what_is_asked_and_why_are_bound_too() {
        let content = IntegrationContent { name: "Payments".into(), ..IntegrationContent::default() };
        let bind = |kind, reason| bind(Asked { kind, reason }, &content, &Refs::default(), &[]).expect("bound");
        let first = bind(RequestKind::Change, Some("A new region"));
        assert_ne!(first.full, bind(RequestKind::Change, Some("Another reason")).full);
        assert_ne!(first.material, bind(RequestKind::Change, Some("Another reason")).material);
        assert_ne!(first.material, bind(RequestKind::Retire, Some("A new region")).material);
        assert_eq!(first, bind(RequestKind::Change, Some("A new region")));
    }

    #[test]
    fn the_text_of_a_scope_is_bound_too() {
        let content: IntegrationContent =
            serde_json::from_value(json!({ "system": "a", "api": "b", "scopes": [{ "scope": "r" }] })).expect("one");
        let asked = Asked { kind: RequestKind::Change, reason: None };
        let offered = |text: &str| vec![OfferedScope { name: "r".into(), description: Some(text.into()) }];
        let read = bind(asked, &content, &Refs::default(), &offered("Read")).expect("bound");
        let write = bind(asked, &content, &Refs::default(), &offered("Read and write")).expect("bound");
        assert_ne!(read.material, write.material);
        let text = String::from_utf8(read.bytes).expect("UTF-8");
        assert!(text.starts_with("{\"content\":{\"api\":\"b\"") && text.contains("\"description\":\"Read\""), "{text}");
    }
}
