//! What tests stand on: a throwaway cluster, an app with a database of its own, a client.

pub mod app;
pub mod builders;
pub mod chrome;
pub mod client;
mod cluster;
pub mod provider;
pub mod strict;

pub use app::TestApp;
pub use client::{Browser, Reply};
