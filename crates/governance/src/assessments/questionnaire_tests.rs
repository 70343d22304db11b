//! What a questionnaire is refused for, with the place.

use serde_json::{Value, json};

use super::*;

fn refused(change: impl FnOnce(&mut Value)) -> Vec<String> {
    let mut value = json!({
        "key": "q", "title": "Q", "audience": "vendor", "valid_months": 12,
        "sections": [{ "title": "One", "questions": [
            { "key": "tls", "text": "Is it encrypted?", "kind": "choice", "weight": 5,
              "options": [{ "value": "all" }, { "value": "some" }],
              "red_flags": [{ "severity": "high", "is": ["some"], "finding": "Not all." }] }] }]
    });
    change(&mut value);
    let content: QuestionnaireContent = serde_json::from_value(value).expect("a questionnaire");
    match content.checked() {
        Ok(_) => Vec::new(),
        Err(Error::Invalid(errors)) => errors.as_slice().iter().map(|error| error.pointer.clone()).collect(),
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn every_invalid_value_is_named_at_its_place() {
    assert!(refused(|_| {}).is_empty());
    let question = "/sections/0/questions/0";
    let wrong: [(&str, Value, String); 13] = [
        ("/key", json!("new"), "/key".into()),
        ("/title", json!(" "), "/title".into()),
        ("/valid_months", json!(0), "/valid_months".into()),
        ("/valid_months", json!(61), "/valid_months".into()),
        ("/sections/0/questions", json!([]), "/sections".into()),
        ("/sections/0/questions/0/key", json!("Not a key"), format!("{question}/key")),
        ("/sections/0/questions/0/key", json!(".."), format!("{question}/key")),
        ("/sections/0/questions/0/weight", json!(101), format!("{question}/weight")),
        ("/sections/0/questions/0/options", json!([{ "value": "some" }]), format!("{question}/options")),
        (
            "/sections/0/questions/0/options",
            json!([{ "value": "some" }, { "value": "some" }]),
            format!("{question}/options"),
        ),
        ("/sections/0/questions/0/options/0/value", json!("a,b"), format!("{question}/options/0/value")),
        ("/sections/0/questions/0/options/0/score", json!(101), format!("{question}/options/0/score")),
        ("/sections/0/questions/0/red_flags/0/is", json!(["none"]), format!("{question}/red_flags/0/is/0")),
    ];
    for (at, value, pointer) in wrong {
        let found = refused(|whole| {
            let (above, name) = at.rsplit_once('/').expect("a pointer");
            whole.pointer_mut(above).expect("a place")[name] = value.clone();
        });
        assert_eq!(found, [pointer], "{at} {value}");
    }
}

#[test]
fn red_flags_and_choosing_fit_to_the_kind() {
    let flag = "/sections/0/questions/0/red_flags/0";
    let with = |flag: Value| refused(|whole| whole["sections"][0]["questions"][0]["red_flags"] = json!([flag]));
    assert_eq!(with(json!({ "severity": "high", "below": 3, "finding": "Few." })), [flag]);
    assert_eq!(with(json!({ "severity": "high", "finding": "Nothing said." })), [flag]);
    let chosen = refused(|whole| {
        whole["audience"] = json!("owner");
        whole["chosen_when"] = json!("vendor.verified");
    });
    assert_eq!(chosen, ["/chosen_when"]);
    assert_eq!(
        refused(|whole| whole["chosen_when"] = json!("vendor.")).first().map(String::as_str),
        Some("/chosen_when")
    );
}
