//! Muster: the register of every third-party API that an organisation depends on, and the place
//! where its use is governed. Requests flow web → ops → model → store; `docs/architecture.md`
//! draws it.

pub mod backup;
pub mod cli;
pub mod demo;
pub mod house;

pub use base::{
    actor, app, audit, background, check, clock, config, db, drafts, error, files, foreign, idempotency, json, lists,
    mail, secret, slots, slugs, tables, text, words,
};
pub use governance::{approvals, assessments, campaigns, dashboard, merges, policy};
pub use identity;
pub use register::{catalog, imports, integrations, publications, settings};
pub use web;
