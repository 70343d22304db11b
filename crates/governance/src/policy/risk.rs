//! A risk model: factors that add, mitigations that take away, and bands. Weights are data; what
//! each contributes is shown and adds up.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::policy::{Expression, Judged};
use base::{check::Check, error::Error};
use register::publications::Publishable;

/// A level of a factor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// What it means.
    pub title: String,
    /// CEL over the facts; always where left out, so the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// Points that it adds, 0 to the factor's weight.
    pub points: i32,
}

/// What makes an integration risky.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Factor {
    /// Its key.
    pub key: String,
    /// What it looks at.
    pub title: String,
    /// Points at most. All weights together are 100.
    pub weight: i32,
    /// Its levels; the first that holds counts.
    pub levels: Vec<Level>,
}

/// What makes it less risky.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Mitigation {
    /// Its key.
    pub key: String,
    /// What it looks at.
    pub title: String,
    /// CEL over the facts.
    pub when: String,
    /// Points that it takes away, 1 to 100.
    pub points: i32,
}

/// A range of scores with a name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Band {
    /// Its word: low, medium, high or critical.
    pub name: String,
    /// The lowest score in it.
    pub from: i32,
}

/// What a governance lead writes of a risk model. The one with the key `risk` scores.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RiskModelContent {
    /// Its key: `risk`.
    #[serde(default = "risk")]
    pub key: String,
    /// What it is called.
    pub title: String,
    /// What makes an integration risky.
    pub factors: Vec<Factor>,
    /// What makes it less risky.
    #[serde(default)]
    pub mitigations: Vec<Mitigation>,
    /// Names for ranges of scores, the lowest first.
    pub bands: Vec<Band>,
}

fn risk() -> String {
    "risk".into()
}

/// The words of bands.
const BANDS: [&str; 4] = ["low", "medium", "high", "critical"];

impl Publishable for RiskModelContent {
    const KIND: &'static str = "risk_model";
    const NOUN: &'static str = "risk model";
    fn key(&self) -> &str {
        &self.key
    }
    fn title(&self) -> &str {
        &self.title
    }
    fn checked(mut self) -> Result<Self, Error> {
        let mut check = Check::new();
        if self.key != "risk" {
            check.fault("/key", "There is one risk model; its key is 'risk'.");
        }
        check.required("/title", &mut self.title, 200);
        check.at_most("/factors", self.factors.len(), 30);
        check.at_most("/mitigations", self.mitigations.len(), 30);
        let sum: i32 = self.factors.iter().map(|factor| factor.weight).fold(0, i32::saturating_add);
        if sum != 100 {
            check.fault("/factors", format!("All weights together are 100; these are {sum}."));
        }
        for (n, factor) in self.factors.iter_mut().enumerate() {
            factor.check(&mut check, &format!("/factors/{n}"));
        }
        for (n, one) in self.mitigations.iter_mut().enumerate() {
            let at = format!("/mitigations/{n}");
            check.required(&format!("{at}/key"), &mut one.key, 60);
            check.required(&format!("{at}/title"), &mut one.title, 200);
            expression(&mut check, &format!("{at}/when"), &one.when);
            if !(1..=100).contains(&one.points) {
                check.fault(&format!("{at}/points"), "Give 1 to 100.");
            }
        }
        let mut keys: Vec<&str> = self.factors.iter().map(|factor| factor.key.as_str()).collect();
        keys.extend(self.mitigations.iter().map(|one| one.key.as_str()));
        keys.sort_unstable();
        if let Some([key, _]) = keys.windows(2).find(|pair| pair[0] == pair[1]) {
            check.fault("/factors", format!("The key '{key}' is used twice."));
        }
        for (n, band) in self.bands.iter().enumerate().filter(|(_, band)| !BANDS.contains(&band.name.as_str())) {
            check.fault(&format!("/bands/{n}/name"), format!("'{}' is none of {}.", band.name, BANDS.join(", ")));
        }
        let rising = self.bands.windows(2).all(|pair| pair[0].from < pair[1].from);
        if self.bands.first().is_none_or(|band| band.from != 0) || !rising {
            check.fault("/bands", "The first band begins at 0, and each further one above it.");
        }
        check.finish()?;
        Ok(self)
    }
    fn ready(&self) -> Result<(), Error> {
        Ok(())
    }
}

fn expression(check: &mut Check, at: &str, text: &str) {
    for fault in Expression::compile(text).err().unwrap_or_default() {
        check.fault(at, fault.to_string());
    }
}

impl Factor {
    fn check(&mut self, check: &mut Check, at: &str) {
        check.required(&format!("{at}/key"), &mut self.key, 60);
        check.required(&format!("{at}/title"), &mut self.title, 200);
        if !(1..=100).contains(&self.weight) {
            check.fault(&format!("{at}/weight"), "Give 1 to 100.");
        }
        let last = self.levels.len().checked_sub(1);
        for (n, level) in self.levels.iter_mut().enumerate() {
            let at = format!("{at}/levels/{n}");
            check.required(&format!("{at}/title"), &mut level.title, 200);
            if !(0..=self.weight).contains(&level.points) {
                check.fault(&format!("{at}/points"), format!("Give 0 to the factor's weight, {}.", self.weight));
            }
            match (&level.when, Some(n) == last) {
                (Some(when), false) => expression(check, &format!("{at}/when"), when),
                (Some(_), true) => check.fault(&format!("{at}/when"), "The last level holds always; leave this out."),
                (None, false) => check.fault(&format!("{at}/when"), "Only the last level holds always."),
                (None, true) => {}
            }
        }
        if self.levels.len() < 2 {
            check.fault(&format!("{at}/levels"), "Give at least two levels.");
        }
    }
}

/// What one factor adds, or one mitigation takes away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Part {
    /// Key of the factor or mitigation.
    pub key: String,
    /// What it looks at.
    pub title: String,
    /// What holds.
    pub level: String,
    /// Points: above zero added to the inherent risk, below zero taken away from it.
    pub points: i32,
    /// Points at most.
    pub most: i32,
}

/// A score with how it comes about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Scored {
    /// The factors' points together, 0 to 100.
    pub inherent: i32,
    /// The same less what mitigates, 0 to 100: the sum of all parts.
    pub residual: i32,
    /// The name of the residual's range.
    pub band: String,
    /// What adds and what takes away, in the model's order.
    pub parts: Vec<Part>,
}

/// A model with its expressions compiled.
#[derive(Debug)]
pub struct Compiled {
    content: RiskModelContent,
    levels: Vec<Vec<Option<Expression>>>,
    mitigations: Vec<Expression>,
}

impl RiskModelContent {
    /// Compiles it once for many integrations.
    pub fn compile(self) -> Result<Compiled, Error> {
        let broken = |_| Error::internal("a published risk model does not compile");
        let one = |level: &Level| level.when.as_deref().map(Expression::stored).transpose().map_err(broken);
        let levels = self.factors.iter().map(|factor| factor.levels.iter().map(one).collect());
        let levels = levels.collect::<Result<_, _>>()?;
        let mitigations = self.mitigations.iter().map(|one| Expression::stored(&one.when).map_err(broken));
        let mitigations = mitigations.collect::<Result<_, _>>()?;
        Ok(Compiled { content: self, levels, mitigations })
    }

    /// The name of a score's range.
    pub fn band(&self, score: i32) -> &str {
        self.bands.iter().rev().find(|band| band.from <= score).map_or("low", |band| band.name.as_str())
    }
}

/// What of a model holds for an integration: the same where it is scored the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// Of each factor, the place of the level that holds.
    levels: Vec<Option<usize>>,
    /// Of each mitigation, whether it does.
    mitigations: Vec<bool>,
}

impl Holding {
    /// As bytes, to be hashed: which version it is of is not in them.
    pub fn bytes(&self) -> Vec<u8> {
        let level = |level: &Option<usize>| level.map_or(u64::MAX, |n| n as u64).to_le_bytes();
        let levels = self.levels.iter().flat_map(level);
        levels.chain(self.mitigations.iter().map(|holds| u8::from(*holds))).collect()
    }
}

impl Compiled {
    /// What of it holds for an integration. What cannot be evaluated counts as if it held for a factor, and as if
    /// it did not for a mitigation: not knowing makes nothing less risky.
    pub fn holding(&self, facts: &Judged) -> Holding {
        let holds = |when: &Option<Expression>| when.as_ref().is_none_or(|when| when.holds(facts) != Ok(false));
        Holding {
            levels: self.levels.iter().map(|levels| levels.iter().position(holds)).collect(),
            mitigations: self.mitigations.iter().map(|when| when.holds(facts) == Ok(true)).collect(),
        }
    }

    /// Scores an integration. More than there is is not taken away, so that the parts add up.
    pub fn score(&self, facts: &Judged) -> Scored {
        let holding = self.holding(facts);
        let mut parts = Vec::new();
        for (factor, level) in self.content.factors.iter().zip(&holding.levels) {
            let found = level.and_then(|n| factor.levels.get(n));
            parts.push(Part {
                key: factor.key.clone(),
                title: factor.title.clone(),
                level: found.map(|level| level.title.clone()).unwrap_or_default(),
                points: found.map_or(0, |level| level.points),
                most: factor.weight,
            });
        }
        let inherent: i32 = parts.iter().map(|part| part.points).sum();
        let mut residual = inherent;
        for (one, holds) in self.content.mitigations.iter().zip(&holding.mitigations) {
            let taken = if *holds { one.points.min(residual) } else { 0 };
            residual -= taken;
            parts.push(Part {
                key: one.key.clone(),
                title: one.title.clone(),
                level: if *holds { "holds" } else { "does not hold" }.into(),
                points: -taken,
                most: one.points,
            });
        }
        Scored { inherent, residual, band: self.content.band(residual).to_owned(), parts }
    }
}
