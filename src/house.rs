//! The features of this house: the one list of what each of them brings along.

use base::{
    app::App,
    clock::Clock,
    config::Config,
    db::Db,
    feature::{self, Feature},
    slots::Slots,
};
use governance::{approvals, assessments, campaigns, merges, policy};
use register::{catalog, imports, integrations, publications, settings};

/// The features of Muster. Work that runs at the same time runs in this order.
pub static FEATURES: &[&Feature] = &[
    &feature::BASE,
    &catalog::FEATURE,
    &identity::FEATURE,
    &settings::FEATURE,
    &publications::FEATURE,
    &integrations::FEATURE,
    &imports::FEATURE,
    &policy::FEATURE,
    &approvals::FEATURE,
    &assessments::FEATURE,
    &campaigns::FEATURE,
    &merges::FEATURE,
];

/// Puts the application together.
pub fn app(db: Db, clock: Clock, config: Config, pepper: identity::Pepper) -> App {
    feature::declare(FEATURES);
    let slots = slots(&config, pepper);
    App::new(db, clock, config, slots)
}

/// What the features bring along.
fn slots(config: &Config, pepper: identity::Pepper) -> Slots {
    identity::slots(Slots::default(), config, pepper)
        .with(policy::ops::RuleCache::default())
        .with(governance::dashboard::RailCache::default())
}

/// Reads what features have in the configuration file. Every invalid value is named, and so is every name that no
/// feature knows.
pub fn sections(file: &toml::Table) -> Result<Slots, Vec<String>> {
    let unknown = file.keys().filter(|name| !identity::CONFIGURATION_NAMES.contains(&name.as_str()));
    let mut faults: Vec<String> = unknown.map(|name| format!("config: there is no setting '{name}'")).collect();
    match identity::Configuration::checked(file) {
        Ok(configuration) if faults.is_empty() => return Ok(Slots::default().with(configuration)),
        Ok(_) => {}
        Err(more) => faults.extend(more),
    }
    Err(faults)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::{
        config::Options,
        tables::{Table, Tables},
    };

    #[test]
    fn every_slot_that_is_asked_for_is_there() {
        let config = Config::load(Options::default(), sections).expect("valid");
        let slots = slots(&config, identity::Pepper::from_key([7; 32]));
        assert!(slots.get::<identity::Pepper>().is_some());
        assert!(slots.get::<identity::Authorities>().is_some());
        assert!(slots.get::<identity::Configuration>().is_some());
        assert!(slots.get::<identity::oidc::Providers>().is_some());
        assert!(slots.get::<identity::ops::RefusedSignIns>().is_some());
        assert!(slots.get::<policy::ops::RuleCache>().is_some());
        assert!(slots.get::<governance::dashboard::RailCache>().is_some());
    }

    #[test]
    fn tables_have_words_of_their_own() {
        feature::declare(FEATURES);
        let Tables(all) = feature::tables();
        for word in [|table: &Table| table.key, |table: &Table| table.command] {
            let words: std::collections::BTreeSet<&str> = all.iter().map(|table| word(table)).collect();
            assert_eq!(words.len(), all.len());
        }
        let refused = feature::tables().importable("people").expect_err("refused").to_string();
        assert!(refused.contains("'people' is not one of vendors, apis, systems, teams, integrations."), "{refused}");
    }

    #[test]
    fn a_setting_that_no_feature_knows_is_named_beside_all_else_that_is_wrong() {
        let read = |text: &str| sections(&text.parse().expect("a table"));
        let faults =
            read("colour = 'red'\n[[providers]]\nkey = ''\nissuer = 'x'\nclient_id = ''\n").expect_err("wrong");
        assert!(faults.len() > 1 && faults[0] == "config: there is no setting 'colour'", "{faults:?}");
        let faults = read("[[providers]]\nkey = 'a'\ncolour = 'red'\n").expect_err("wrong");
        assert!(faults[0].contains("colour"), "{faults:?}");
        assert!(read("").is_ok());
    }
}
