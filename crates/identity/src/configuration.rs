//! The section of the configuration file that is about signing in.

use serde::Deserialize;
use toml::Table;

use super::{FixedMapping, MappingOptions, Provider, ProviderOptions};

/// The names of the file that this section reads.
pub const NAMES: [&str; 2] = ["providers", "group_mappings"];

/// Identity providers, and what their groups give.
#[derive(Clone, Debug, Default)]
pub struct Configuration {
    /// The providers.
    pub providers: Vec<Provider>,
    /// What their groups give, as the file says.
    pub group_mappings: Vec<FixedMapping>,
}

#[derive(Default, Deserialize)]
struct Section {
    #[serde(default)]
    providers: Vec<ProviderOptions>,
    #[serde(default)]
    group_mappings: Vec<MappingOptions>,
}

impl Configuration {
    /// Reads and checks the section; every invalid value is named.
    pub fn checked(sections: &Table) -> Result<Self, Vec<String>> {
        let own: Table = sections.iter().filter(|(name, _)| NAMES.contains(&name.as_str())).map(cloned).collect();
        let section: Section =
            own.try_into().map_err(|error| vec![format!("config: {}", error.to_string().replace('\n', " "))])?;
        let mut faults = Vec::new();
        let mut found = Self::default();
        for (n, options) in section.providers.into_iter().enumerate() {
            match Provider::checked(options, n) {
                Ok(new) if found.providers.iter().any(|known| known.key == new.key || known.issuer == new.issuer) => {
                    faults.push(format!("providers.{}: its key or issuer is there already", new.key));
                }
                Ok(new) => found.providers.push(new),
                Err(more) => faults.extend(more),
            }
        }
        for (n, options) in section.group_mappings.into_iter().enumerate() {
            match FixedMapping::checked(options, n, &found.providers) {
                Ok(mapping) => found.group_mappings.push(mapping),
                Err(fault) => faults.push(fault),
            }
        }
        if faults.is_empty() { Ok(found) } else { Err(faults) }
    }
}

fn cloned((name, value): (&String, &toml::Value)) -> (String, toml::Value) {
    (name.clone(), value.clone())
}
