//! The starter pack: rules that say what the field asks for, in force as warnings from the first start.

use serde::Deserialize;

use crate::policy::RuleContent;
use base::{app::App, error::Error};
use identity::Actor;
use register::publications;

#[derive(Deserialize)]
struct Pack {
    rules: Vec<RuleContent>,
}

/// The rules of the pack as they are written.
pub fn rules_of_pack() -> Result<Vec<RuleContent>, Error> {
    let pack: Pack = serde_saphyr::from_str(include_str!("../pack.yaml")).map_err(Error::internal)?;
    Ok(pack.rules)
}

/// Publishes the pack where no rule is in force yet; how many rules were added.
pub async fn seed_rules(app: &App, actor: &Actor) -> Result<usize, Error> {
    publications::ops::seed(app, actor, rules_of_pack()?).await
}

#[cfg(test)]
mod tests {
    use super::rules_of_pack;
    use crate::policy::{Facts, Judged, Outcome, vocabulary::Ty};
    use register::publications::Publishable;

    #[test]
    fn every_rule_of_the_pack_is_checked_proved_and_quiet_on_the_sample() {
        let rules = rules_of_pack().expect("the pack");
        assert!(rules.len() >= 25, "{}", rules.len());
        let sample = Facts::sample().expect("the sample");
        let judged = Judged::new(&sample);
        for rule in rules {
            let name = rule.key.clone();
            let rule = rule.checked().unwrap_or_else(|error| panic!("{name}: {error:?}"));
            rule.ready().unwrap_or_else(|error| panic!("{name}: {error:?}"));
            assert!(rule.why.is_some() && rule.remediation.is_some(), "{name}");
            let compiled = rule.compile().expect("compiled");
            assert_eq!(compiled.judge(&judged), Outcome::Quiet, "{name}");
            assert_eq!(compiled.hints(), [], "{name}");
        }
    }

    #[test]
    fn every_fact_is_a_name_and_every_name_a_fact() {
        fn compare(value: &serde_json::Value, ty: &'static Ty, path: &str) {
            match (value, ty.present()) {
                (serde_json::Value::Object(all), Ty::Object(fields)) => {
                    let mut here: Vec<&str> = all.keys().map(String::as_str).collect();
                    let mut known: Vec<&str> = fields.iter().map(|field| field.name).collect();
                    here.sort_unstable();
                    known.sort_unstable();
                    assert_eq!(here, known, "{path}");
                    for field in *fields {
                        assert!(!field.doc.trim().is_empty(), "{path}.{}", field.name);
                        compare(&all[field.name], &field.ty, &format!("{path}.{}", field.name));
                    }
                }
                (serde_json::Value::Array(items), Ty::List { of, .. }) => {
                    for item in items {
                        compare(item, of, path);
                    }
                }
                _ => {}
            }
        }
        let sample = serde_json::to_value(Facts::sample().expect("the sample")).expect("JSON");
        let fields = Facts::fields();
        for field in fields {
            compare(&sample[field.name], &field.ty, field.name);
        }
        assert!(Facts::names().iter().any(|name| name.path == "data_flows[].sensitivity"));
    }
}
