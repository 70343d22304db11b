//! The rules and the risk model that are in force, compiled. What a version says never changes, so that only which
//! versions hold is asked for each time.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use sqlx::PgConnection;
use uuid::Uuid;

use crate::policy::{Compiled, Expression, Mode, RiskModelContent, RuleContent, rule::faulty};
use base::error::Error;
use register::publications::ops as publications;

/// A rule in force, ready to judge.
#[derive(Debug)]
pub(super) struct Ready {
    pub id: Uuid,
    pub version: i32,
    pub content: RuleContent,
    pub expression: Expression,
}

/// The model that scores: its id, version, and what it says, ready to score.
#[derive(Debug)]
pub(super) struct Model {
    pub id: Uuid,
    pub version: i32,
    pub compiled: Compiled,
}

/// Versions by their id and number.
type Known<T> = Mutex<HashMap<(Uuid, i32), Arc<T>>>;

/// The versions that were compiled already.
#[derive(Debug, Default)]
pub struct RuleCache {
    rules: Known<Ready>,
    models: Known<Model>,
}

/// What is made of a version once.
trait Made: Sized {
    type Content: register::publications::Publishable;
    fn make(id: Uuid, version: i32, content: Self::Content) -> Result<Self, Error>;
}

impl Made for Ready {
    type Content = RuleContent;
    fn make(id: Uuid, version: i32, content: RuleContent) -> Result<Self, Error> {
        let expression = Expression::stored(&content.expression).map_err(|faults| faulty("/expression", &faults))?;
        Ok(Self { id, version, content, expression })
    }
}

impl Made for Model {
    type Content = RiskModelContent;
    fn make(id: Uuid, version: i32, content: RiskModelContent) -> Result<Self, Error> {
        Ok(Self { id, version, compiled: content.compile()? })
    }
}

/// The versions of a kind that hold now, in the order of their keys.
async fn held<T: Made>(conn: &mut PgConnection, known: &Known<T>) -> Result<Vec<Arc<T>>, Error> {
    let held = publications::versions_in_force::<T::Content>(conn).await?;
    let mut here: HashMap<(Uuid, i32), Arc<T>> = {
        let known = known.lock().unwrap_or_else(PoisonError::into_inner);
        held.iter().filter_map(|key| Some((*key, known.get(key)?.clone()))).collect()
    };
    let missing: Vec<(Uuid, i32)> = held.iter().copied().filter(|key| !here.contains_key(key)).collect();
    if !missing.is_empty() {
        for (id, version, content) in publications::contents::<T::Content>(conn, &missing).await? {
            here.insert((id, version), Arc::new(T::make(id, version, content)?));
        }
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        // What no longer holds is forgotten, with all that it remembers.
        known.retain(|key, _| here.contains_key(key));
        known.extend(missing.iter().filter_map(|key| Some((*key, here.get(key)?.clone()))));
    }
    let one = |key: &(Uuid, i32)| here.remove(key).ok_or_else(|| Error::internal("a version in force says nothing"));
    held.iter().map(one).collect()
}

/// The rules that are evaluated, in the order of their keys.
pub(super) async fn rules(conn: &mut PgConnection, cache: &RuleCache) -> Result<Vec<Arc<Ready>>, Error> {
    let mut all = held(conn, &cache.rules).await?;
    all.retain(|rule| rule.content.mode != Mode::Off);
    Ok(all)
}

/// The model in force, if there is one.
pub(super) async fn model(conn: &mut PgConnection, cache: &RuleCache) -> Result<Option<Arc<Model>>, Error> {
    Ok(held(conn, &cache.models).await?.pop())
}
