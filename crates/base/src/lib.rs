//! What every feature stands on: errors, checks, the database and its audit log, lists and tables, jobs in the
//! background, e-mail, actors and their permissions. It names no feature.

pub mod actor;
pub mod app;
pub mod audit;
pub mod background;
pub mod check;
pub mod clock;
pub mod config;
pub mod db;
pub mod drafts;
pub mod error;
pub mod feature;
pub mod files;
pub mod foreign;
pub mod idempotency;
pub mod json;
pub mod lists;
pub mod mail;
pub mod secret;
pub mod slots;
pub mod slugs;
pub mod tables;
pub mod text;
pub mod words;
