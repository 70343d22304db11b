//! Everything that needs a database, the binary or a browser: one file a capability.

#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a test says what it expected by failing")]

mod support;

mod approvals;
mod architecture;
mod assessments;
mod catalog;
mod cli;
mod coverage;
mod credentials;
mod declared;
mod documents;
mod governance;
mod hostile;
mod identity;
mod imports;
mod integrations;
mod journey;
mod journeys;
mod journeys_governance;
mod letters;
mod lists;
mod merging;
mod names;
mod people;
mod recertification;
mod record;
mod rights;
mod sign_in;
mod statements;
mod tables;
mod web;
