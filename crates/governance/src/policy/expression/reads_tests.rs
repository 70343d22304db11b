//! An expression that remembers says what one says that does not.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Expression, Judged};
use crate::policy::{Facts, ops};

/// Ways to read facts that the pack does not use.
const OTHERS: &[&str] = &[
    "data_flows.filter(f, f.direction == 'sent').exists(g, g.sensitivity == 'restricted')",
    "size(data_flows.map(f, f.regulations)) > 1",
    "data_flows.map(f, f.data_class).exists(k, k == 'gdpr')",
    "data_flows.exists(f, f.regulations.exists(r, r == 'gdpr'))",
    "credentials.exists(c, credentials.exists(d, d.name == c.name && d.kind != c.kind))",
    "data_flows.exists(f, credentials.exists(c, c.environment in f.environments))",
    "data_flows.exists(f, true)",
    "vendor.locations.exists(l, vendor.tier == 1)",
    "integration.tags.filter(t, true).size() > 0",
    "!integration.endpoints.all(e, integration.tls_minimum == '1.3')",
    "size(data_flows) > 0 && data_flows[0].sensitivity == 'restricted'",
    "data_flows == data_flows && vendor != null",
    "integration.environments.all(integration, integration != 'gdpr')",
    "version != null && version.sunset_in_days != null && version.sunset_in_days < 0",
    "owners.business != null && owners.business.members < 1",
    "has(vendor.tier) && vendor.tier == 1",
    "vendor.tier > 0",
    "data_flows.exists_one(f, f.outside_eea) ? vendor.verified : api.verified",
    "scopes.exists(s, s.unused_days > 0)",
    "{'a': vendor.country}['a'] == 'gdpr' || [api.protocol, request].exists(x, x == 'gdpr')",
];

fn expressions() -> Vec<Expression> {
    let pack = ops::rules_of_pack().expect("the pack").into_iter().map(|rule| rule.expression);
    let all = pack.chain(OTHERS.iter().map(|source| (*source).to_owned()));
    all.map(|source| Expression::compile(&source).unwrap_or_else(|faults| panic!("{source}: {faults:?}"))).collect()
}

/// Changes one place of the facts; which one and to what is told by numbers.
fn change(value: &mut Value, place: usize, to: usize) {
    let texts = ["", "restricted", "gdpr", "signed", "active", "password", "http://x", "1.3"];
    match value {
        Value::Object(fields) => {
            let n = fields.len().max(1);
            if let Some((_, inner)) = fields.iter_mut().nth(place % n) {
                if to.is_multiple_of(11) { *inner = Value::Null } else { change(inner, place / n, to) }
            }
        }
        Value::Array(entries) => match (to % 5, entries.first().cloned()) {
            (0, _) => entries.clear(),
            (1, Some(first)) => entries.push(first),
            (2, None) => entries.push(json!("gdpr")),
            _ => {
                let n = entries.len().max(1);
                if let Some(inner) = entries.get_mut(place % n) {
                    change(inner, place / n, to);
                }
            }
        },
        Value::Bool(said) => *said = !*said,
        Value::Number(_) => *value = json!([-5, 0, 1, 2, 400][to % 5]),
        Value::String(_) | Value::Null => {
            *value = if to.is_multiple_of(3) { json!(400) } else { json!(texts[to % texts.len()]) };
        }
    }
}

#[test]
fn what_is_remembered_is_what_would_be_worked_out() {
    let (remembering, forgetting) = (expressions(), expressions());
    let sample = serde_json::to_value(Facts::sample().expect("the sample")).expect("JSON");
    let changes = proptest::collection::vec((any::<usize>(), any::<usize>()), 1..6);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig { cases: 150, ..ProptestConfig::default() });
    let told_apart = std::cell::Cell::new(0);
    let done = runner.run(&changes, |changes| {
        let mut facts = sample.clone();
        for (place, to) in changes {
            let mut changed = facts.clone();
            change(&mut changed, place, to);
            if serde_json::from_value::<Facts>(changed.clone()).is_ok() {
                facts = changed;
            }
        }
        let facts: Facts = serde_json::from_value(facts).expect("facts");
        for (known, fresh) in remembering.iter().zip(&forgetting) {
            fresh.forget();
            let said = fresh.judge(&Judged::new(&facts));
            prop_assert_eq!(&known.judge(&Judged::new(&facts)), &said, "{:?}", known);
            let brief = fresh.brief(&Judged::new(&facts));
            prop_assert_eq!(known.brief(&Judged::new(&facts)), brief, "{:?}", known);
            let fits = match &said {
                super::Outcome::Quiet => brief == super::Brief::Quiet,
                super::Outcome::Fires(_) => matches!(brief, super::Brief::Fires(_)),
                super::Outcome::Failed(why) => brief == super::Brief::failed(why),
            };
            prop_assert!(fits, "{:?} says {:?} and {:?}", known, said, brief);
            told_apart.set(told_apart.get() + usize::from(said != super::Outcome::Quiet));
        }
        Ok(())
    });
    done.unwrap_or_else(|error| panic!("{error}"));
    assert!(told_apart.get() > 500, "the changes made expressions fire: {}", told_apart.get());
}
