//! What identity declares: its kinds of records, tables, constraints and scheduled work.

use base::feature::{Constraint, Feature, RecordKind, Scheduled, When};

use crate::{ops, tables};

/// What this feature declares.
pub static FEATURE: Feature = Feature {
    records: &[
        RecordKind { acts: true, ..RecordKind::of("person").named("select name from people where id = e.subject_id").found("select id from people where lower(email) = lower($1) or sort_key = $2").at("people") },
        RecordKind::of("team").named("select name from teams where id = e.subject_id").found("select id from teams where slug = lower($1) or sort_key = $2").at("teams"),
        RecordKind::of("review_group").named("select name from review_groups where id = e.subject_id").found("select id from review_groups where slug = lower($1) or sort_key = $2").at("review-groups"),
        RecordKind { acts: true, ..RecordKind::of("service_account").named("select name from service_accounts where id = e.subject_id").found("select id from service_accounts where slug = lower($1) or sort_key = $2").at("service-accounts") },
        RecordKind::of("token").named("select name from api_tokens where id = e.subject_id"),
        RecordKind::of("identity").named("select p.name || ' at ' || t.provider from identities t join people p on p.id = t.person_id where t.id = e.subject_id"),
        RecordKind::of("passkey").named("select p.name || ', ' || t.name from passkeys t join people p on p.id = t.person_id where t.id = e.subject_id"),
        RecordKind::of("group_mapping").named("select group_name from group_mappings where id = e.subject_id"),
        RecordKind::of("provider_group").named("select display_name from provider_groups where id = e.subject_id"),
    ],
    tables: tables::ALL,
    constraints: &[
        Constraint::field("people_email_key", "/email", "Somebody with this e-mail address is already here."),
        Constraint::field("teams_slug_key", "/slug", "This slug is taken. Choose another."),
        Constraint::field("teams_name_key", "/name", "This name is taken. Choose another."),
        Constraint::field("review_groups_slug_key", "/slug", "This slug is taken. Choose another."),
        Constraint::field("review_groups_name_key", "/name", "This name is taken. Choose another."),
        Constraint::field("service_accounts_slug_key", "/slug", "This slug is taken. Choose another."),
        Constraint::field("service_accounts_name_key", "/name", "This name is taken. Choose another."),
        Constraint::forbidden("role_grants_not_to_oneself", "Nobody grants a role to themselves."),
        Constraint::conflict("identities_subject_key", "This account of the provider belongs to somebody already."),
        Constraint::field("people_user_name", "/userName", "This userName is taken."),
        Constraint::field("people_external_id", "/externalId", "This externalId is taken."),
        Constraint::field("group_mappings_once", "/group_name", "This group gives this already."),
        Constraint::conflict("passkeys_credential_id_key", "This passkey is registered already."),
    ],
    scheduled: &[
        Scheduled { name: "end roles", when: When::EachMinute, run: |app| Box::pin(async { ops::end_roles(app).await.map(|_| ()) }) },
        Scheduled { name: "remind of roles that end", when: When::EachMinute, run: |app| Box::pin(async { ops::remind_of_ends(app).await.map(|_| ()) }) },
        Scheduled { name: "remove what has expired", when: When::Cleaning, run: |app| Box::pin(async { ops::housekeep(app).await.map(|_| ()) }) },
    ],
    housekeeping: &["held_forms", "known_networks", "passkey_ceremonies", "sessions", "sign_in_failures", "sign_in_flows", "token_uses"],
    ..Feature::named("identity")
};
