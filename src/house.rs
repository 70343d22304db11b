//! The features of this house: the one list of what each of them brings along.

use base::{
    app::App,
    clock::Clock,
    config::Config,
    db::Db,
    slots::Slots,
    tables::{Table, Tables},
};
use governance::{approvals, assessments, campaigns, policy};
use register::{catalog, integrations};

/// The tables that can be exported or imported, feature by feature.
const TABLES: [&[&Table]; 7] = [
    catalog::tables::ALL,
    identity::tables::ALL,
    integrations::tables::ALL,
    approvals::tables::ALL,
    policy::tables::ALL,
    assessments::tables::ALL,
    campaigns::tables::ALL,
];

/// All tables.
pub fn tables() -> Tables {
    Tables(TABLES.iter().flat_map(|of_feature| of_feature.iter().copied()).collect())
}

/// The tables that are written without an audit event, feature by feature.
pub fn housekeeping() -> Vec<&'static str> {
    let declared = [
        base::audit::HOUSEKEEPING,
        base::drafts::HOUSEKEEPING,
        base::idempotency::HOUSEKEEPING,
        base::mail::HOUSEKEEPING,
        identity::HOUSEKEEPING,
        register::imports::HOUSEKEEPING,
        policy::HOUSEKEEPING,
        assessments::HOUSEKEEPING,
    ];
    declared.concat()
}

/// Puts the application together.
pub fn app(db: Db, clock: Clock, config: Config, pepper: identity::Pepper) -> App {
    let slots = slots(&config, pepper);
    App::new(db, clock, config, slots)
}

/// What the features bring along.
fn slots(config: &Config, pepper: identity::Pepper) -> Slots {
    identity::slots(Slots::default(), config, pepper)
        .with(policy::ops::RuleCache::default())
        .with(governance::dashboard::RailCache::default())
        .with(tables())
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
    use base::config::Options;

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
        assert!(slots.get::<Tables>().is_some());
    }

    #[test]
    fn tables_have_words_of_their_own() {
        let Tables(all) = tables();
        for word in [|table: &Table| table.key, |table: &Table| table.command] {
            let words: std::collections::BTreeSet<&str> = all.iter().map(|table| word(table)).collect();
            assert_eq!(words.len(), all.len());
        }
        let refused = tables().importable("people").expect_err("refused").to_string();
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
