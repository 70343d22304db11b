//! Muster: the register of every third-party API that an organisation depends on, and the place
//! where its use is governed. Requests flow web → ops → model → store; `docs/architecture.md`
//! draws it.

pub mod app;
pub mod approvals;
pub mod assessments;
pub mod audit;
pub mod background;
pub mod backup;
pub mod campaigns;
pub mod catalog;
pub mod check;
pub mod cli;
pub mod clock;
pub mod config;
pub mod dashboard;
pub mod db;
pub mod demo;
pub mod drafts;
pub mod error;
pub mod files;
pub mod foreign;
pub mod idempotency;
pub mod identity;
pub mod imports;
pub mod integrations;
pub mod json;
pub mod lists;
pub mod mail;
pub mod policy;
pub mod publications;
pub mod secret;
pub mod settings;
pub mod slugs;
pub mod text;
pub mod web;
pub mod words;
