//! What an organisation depends on: vendors, their APIs, the systems that call them, the integrations between them with
//! their credentials, and the documents that all of it is imported from. Also what is drafted by one person and published
//! by another, and the settings of the organisation.

pub mod catalog;
pub mod imports;
pub mod integrations;
pub mod publications;
pub mod settings;
