//! What expressions are refused for, and what they say.

use serde_json::json;

use super::{Expression, Judged, Outcome};
use crate::policy::Facts;

fn fault(source: &str) -> String {
    let faults = Expression::compile(source).expect_err(source);
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

fn judge(source: &str, patch: serde_json::Value) -> Outcome {
    let facts = Facts::sample_with(&patch).expect("facts");
    let expression = Expression::compile(source).unwrap_or_else(|faults| panic!("{source}: {faults:?}"));
    expression.judge(&Judged::new(&facts))
}

#[test]
fn names_types_and_functions_are_checked_with_their_place() {
    assert_eq!(fault("vendor.teir > 2"), "Line 1, column 7: There is no 'teir' in it. Did you mean 'tier'?");
    assert!(fault("true &&\n  vendr.tier > 2").starts_with("Line 2, column 3: There is no 'vendr' here."));
    assert!(fault("data_flows.sensitivity == 'restricted'").contains("exists(x, x.sensitivity"));
    assert!(fault("vendor.tier == 'one'").contains("compares number or null with text"));
    assert!(fault("vendor.tier").contains("A rule says true where it fires"));
    assert!(fault("vendor.tier && true").contains("true or false"));
    assert!(fault("vendor.name.upper() == 'X'").contains("no function 'upper'"));
    assert!(fault("vendor.name.matches('(')").contains("pattern"));
    assert!(fault("vendor.name.matches(api.name)").contains("Write the pattern as a text"));
    assert!(fault("vendor.tier > ").contains("Line 1"));
    assert!(fault("scopes.exists(s, s.wrong)").contains("'wrong'"));
    assert!(fault("vendor.exists(s, true)").contains("not a list"));
    assert!(fault("").contains("Write an expression"));
}

#[test]
fn what_would_explode_is_refused() {
    let nested = "data_flows.all(a, data_flows.all(b, data_flows.all(c, a == b && b == c)))";
    assert!(fault(nested).contains("at most 2 deep"));
    assert!(fault("scopes.all(a, scopes.all(b, a.scope != b.scope || a.offered == b.offered))").contains("steps"));
    let long = vec!["1<2"; 300].join("||");
    assert!(fault(&long).contains("at most 500"), "{}", fault(&long));
    assert!(fault(&"a".repeat(5000)).contains("bytes"));
    assert!(Expression::compile("data_flows.all(f, f.locations.all(l, l in vendor.locations))").is_ok());
    // Deep nesting ends in a fault, not in a crash.
    assert!(fault(&format!("{}true{}", "(".repeat(1900), ")".repeat(1900))).contains("Brackets"));
    // Pairs of negations fall away in the parser.
    assert!(Expression::compile(&format!("{}true", "!".repeat(3900))).is_ok());
    let chain = fault(&format!("{}true", "true?true:".repeat(390)));
    assert!(chain.contains("deep"), "{chain}");
    assert!(fault(&format!("vendor{}", ".name".repeat(700))).contains("it has no 'name'"));
}

#[test]
fn values_that_would_grow_beyond_bounds_are_refused_before_they_do() {
    let doubling = |times: usize, step: &str| {
        let start = "['aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa']".to_owned();
        let maps =
            (0..times).fold(start, |text, n| format!("{text}.map(x{n}, {})", step.replace('x', &format!("x{n}"))));
        format!("size({maps}) == 1")
    };
    for (times, step) in [
        (24, "x + x"),
        (10, "x + x + x + x + x + x + x + x"),
        (20, "[x, x]"),
        (20, "{'a': x, 'b': x}"),
        (24, "string(x) + string(x)"),
    ] {
        assert!(fault(&doubling(times, step)).contains("MiB"), "{step}");
    }
    assert!(
        fault("[[1, 2].map(a, data_flows)].map(b, b + b).map(c, c + c).map(d, d + d)[0].exists(e, true)")
            .contains("MiB")
    );
    assert!(
        fault("data_flows.exists(f, data_flows.map(g, g.locations).exists(l, l.exists(m, m == 'US')))")
            .contains("at most")
    );
    // A few doublings are fine, and so is what rules are made of.
    for fine in [
        &doubling(3, "x + x"),
        "data_flows.filter(f, f.direction == 'sent').exists(g, g.sensitivity == 'restricted')",
        "size(data_flows.map(f, f.regulations)) > 1",
        "('a' + vendor.name + 'b').contains('x')",
    ] {
        assert!(Expression::compile(fine).is_ok(), "{fine}");
    }
    // What was saved before is compiled, and says why it cannot be evaluated.
    let facts = Facts::sample_with(&json!({})).expect("facts");
    let stored = Expression::stored(&doubling(24, "x + x")).expect("compiled");
    assert!(matches!(stored.judge(&Judged::new(&facts)), Outcome::Failed(why) if why.contains("MiB")));
}

#[test]
fn what_made_it_fire_is_shown() {
    let patch = json!({ "data_flows": [
        { "data_class": "user.name", "sensitivity": "internal" },
        { "data_class": "user.payment", "sensitivity": "restricted", "locations": ["US"] } ],
        "vendor": { "dpa_status": "requested" } });
    let fired = judge("data_flows.exists(f, f.sensitivity == 'restricted') && vendor.dpa_status != 'signed'", patch);
    let Outcome::Fires(matched) = fired else { panic!("{fired:?}") };
    assert_eq!(matched[0].path, "data_flows");
    assert_eq!(matched[0].value, json!([{ "data_class": "user.payment", "sensitivity": "restricted" }]));
    assert_eq!((matched[1].path.as_str(), &matched[1].value), ("vendor.dpa_status", &json!("requested")));
    let fired = judge("!credentials.all(c, c.has_holder)", json!({ "credentials": [{ "name": "key" }] }));
    let Outcome::Fires(matched) = fired else { panic!("{fired:?}") };
    assert_eq!(matched[0].value, json!([{ "name": "key", "has_holder": false }]));
}

#[test]
fn what_cannot_be_evaluated_says_so() {
    assert_eq!(
        judge("vendor.tier <= 2", json!({})),
        Outcome::Fires(vec![super::Matched { path: "vendor.tier".into(), value: json!(1) }])
    );
    assert!(matches!(judge("vendor.tier <= 2", json!({ "vendor": { "tier": null } })), Outcome::Failed(_)));
    assert!(matches!(judge("owners.backup.members < 1", json!({ "owners": { "backup": null } })), Outcome::Failed(_)));
    assert_eq!(judge("vendor.tier != null && vendor.tier > 2", json!({ "vendor": { "tier": null } })), Outcome::Quiet);
}

#[test]
fn what_may_be_null_and_is_not_asked_for_is_hinted_at_with_its_place() {
    let hints = |source: &str| -> Vec<String> {
        let expression = Expression::compile(source).unwrap_or_else(|faults| panic!("{source}: {faults:?}"));
        expression.hints().iter().map(ToString::to_string).collect()
    };
    assert_eq!(
        hints("vendor.verified &&\n  vendor.tier <= 2"),
        [
            "Line 2, column 9: 'vendor.tier' may be null, and then this cannot be evaluated: ask vendor.tier != null first."
        ]
    );
    assert!(hints("owners.backup.members < 1")[0].contains("'owners.backup' may be null"));
    assert!(hints("vendor.country.startsWith('D')")[0].contains("'vendor.country'"));
    assert!(hints("credentials.exists(c, c.expires_in_days < 30)")[0].contains("'c.expires_in_days'"));
    for sound in [
        "vendor.tier != null && vendor.tier <= 2",
        "vendor.tier == null || vendor.tier <= 2",
        "vendor.tier == null ? true : vendor.tier <= 2",
        "!(vendor.tier == null) && vendor.tier <= 2",
        "vendor.verified && vendor.tier != null && api.verified && vendor.tier <= 2",
        "owners.backup == null || !owners.backup.active || owners.backup.members < 1",
        "credentials.exists(c, c.expires_in_days != null && c.expires_in_days < 30)",
        "vendor.country == 'DE'",
        "vendor.tier <= 2 && vendor.tier != null",
        "vendor.tier <= 2 || vendor.tier == null",
        "integration.criticality in ['high', 'critical']",
    ] {
        assert_eq!(hints(sound), Vec::<String>::new(), "{sound}");
    }
    for sound in ["vendor.tier <= 2 && vendor.tier != null", "vendor.tier <= 2 || vendor.tier == null"] {
        let none = judge(sound, json!({ "vendor": { "tier": null } }));
        assert!(!matches!(none, Outcome::Failed(_)), "{sound}: {none:?}");
    }
    // What was asked in one branch says nothing in another.
    assert_eq!(hints("vendor.tier != null ? true : vendor.tier <= 2").len(), 1);
    assert_eq!(hints("(vendor.tier != null && vendor.verified) || vendor.tier <= 2").len(), 1);
}

#[test]
fn a_pattern_is_compiled_once_and_says_the_same_each_time() {
    let rule = "vendor.name.matches('^[A-Z][a-z]+$') && !vendor.name.matches('^Ac')";
    for _ in 0..3 {
        let named = |name: &str| judge(rule, json!({ "vendor": { "name": name } }));
        assert!(matches!(named("Stripe"), Outcome::Fires(_)));
        assert_eq!((named("stripe"), named("Acme")), (Outcome::Quiet, Outcome::Quiet));
    }
    // The language has it as a function, too.
    let named = |name: &str| judge("matches(vendor.name, '^St')", json!({ "vendor": { "name": name } }));
    assert!(matches!(named("Stripe"), Outcome::Fires(_)), "{:?}", named("Stripe"));
    assert_eq!(named("Acme"), Outcome::Quiet);
}

#[test]
fn facts_that_were_stored_before_there_was_such_a_name_lack_it() {
    let stored = serde_json::to_value(Facts::sample().expect("the sample")).expect("JSON");
    let lacks = |source: &str, facts: &serde_json::Value| Expression::compile(source).expect(source).lacks(facts);
    let rule = "vendor.tier != null && vendor.tier < 3";
    assert!(!lacks(rule, &stored));
    let mut null = stored.clone();
    null["vendor"]["tier"] = serde_json::Value::Null;
    assert!(!lacks(rule, &null), "what is null is known");
    let mut older = stored.clone();
    older["vendor"].as_object_mut().expect("a vendor").remove("tier");
    assert!(lacks(rule, &older));
    let of_list = "credentials.exists(c, c.expires_in_days != null && c.expires_in_days < 30)";
    let mut older = stored.clone();
    older["credentials"] = json!([{ "name": "key" }]);
    assert!(lacks(of_list, &older));
    older["credentials"] = json!([]);
    assert!(!lacks(of_list, &older), "there was none");
}
