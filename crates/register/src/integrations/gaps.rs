//! What an integration lacks: before it can be submitted, and as work to do in the register.

use serde::Serialize;
use utoipa::ToSchema;

use super::{Criticality, Initiator, IntegrationContent, LegalBasis, TransferSafeguard, hints, is_outside_eea};
use base::words;

words! {
    /// A gap in a record that is here.
    Gap, "/gap" {
        /// No team answers for it.
        NoBusinessOwner = "no_business_owner",
        /// No team runs it.
        NoTechnicalOwner = "no_technical_owner",
        /// No team steps in.
        NoBackupOwner = "no_backup_owner",
        /// Nobody said which data goes there.
        Unclassified = "unclassified",
        /// Critical, and nobody said what happens when the vendor goes away.
        NoExitPlan = "no_exit_plan",
        /// Nobody verified the vendor.
        UnverifiedVendor = "unverified_vendor",
    }
}

/// Something that must be there before a request can be submitted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Missing {
    /// RFC 6901 pointer to the field.
    pub pointer: String,
    /// What to do.
    pub message: String,
}

/// What must be there before the content can be submitted; `offered` are the version's scopes.
pub fn missing(content: &IntegrationContent, offered: &[String]) -> Vec<Missing> {
    let mut found = Vec::new();
    let mut need = |lacks: bool, pointer: &str, message: &str| {
        if lacks {
            found.push(Missing { pointer: pointer.into(), message: message.into() });
        }
    };
    need(content.purpose.is_none(), "/purpose", "Say what it is for.");
    need(content.business_owner.is_none(), "/business_owner", "Name the team that answers for it.");
    need(content.technical_owner.is_none(), "/technical_owner", "Name the team that runs it.");
    need(content.backup_owner.is_none(), "/backup_owner", "Name the team that steps in.");
    need(
        content.backup_owner.is_some() && content.backup_owner == content.business_owner,
        "/backup_owner",
        "Name another team than the one that answers for it.",
    );
    need(content.criticality.is_none(), "/criticality", "Say how bad it is when it does not work.");
    need(content.exposure.is_none(), "/exposure", "Say whether customers meet it.");
    need(content.initiated_by.is_none(), "/initiated_by", "Say who opens the connection.");
    need(content.environments.is_empty(), "/environments", "Name at least one environment.");
    need(content.data_flows.is_empty(), "/data_flows", "Say which data goes there; system data counts too.");
    need(
        content.criticality == Some(Criticality::Critical) && content.exit_plan.is_none(),
        "/exit_plan",
        "Say what we do when the vendor goes away: it is critical.",
    );
    need(
        matches!(content.initiated_by, Some(Initiator::Vendor | Initiator::Both))
            && content.inbound_validation.is_empty(),
        "/inbound_validation",
        "Say how we know that an inbound call is the vendor's.",
    );
    for (n, flow) in content.data_flows.iter().enumerate() {
        let personal = flow.data_class.starts_with("user");
        need(
            personal && flow.legal_basis.is_none(),
            &format!("/data_flows/{n}/legal_basis"),
            "Say why this personal data may flow, or that it is not personal.",
        );
        need(flow.locations.is_empty(), &format!("/data_flows/{n}/locations"), "Say in which countries it is kept.");
        let leaves = is_outside_eea(&flow.locations) && flow.legal_basis != Some(LegalBasis::NotPersonal);
        need(
            personal && leaves && matches!(flow.transfer_safeguard, None | Some(TransferSafeguard::NotNeeded)),
            &format!("/data_flows/{n}/transfer_safeguard"),
            "It leaves the EEA: name the safeguard, or say that it is missing.",
        );
    }
    for (n, scope) in content.scopes.iter().enumerate() {
        need(
            scope.justification.is_none() && hints::is_broad(&scope.scope, offered),
            &format!("/scopes/{n}/justification"),
            "This scope is broad: say why a narrower one does not do.",
        );
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::integrations::{DataFlow, Exposure, FlowDirection, ScopeRequest};

    fn whole() -> IntegrationContent {
        IntegrationContent {
            purpose: Some("Takes payments".into()),
            business_owner: Some("payments".into()),
            technical_owner: Some("platform".into()),
            backup_owner: Some("platform".into()),
            criticality: Some(Criticality::High),
            exposure: Some(Exposure::CustomerFacing),
            initiated_by: Some(Initiator::Us),
            environments: vec![
                serde_json::from_value(serde_json::json!({ "environment": "production" })).expect("one"),
            ],
            data_flows: vec![DataFlow {
                data_class: "user.contact.email".into(),
                direction: FlowDirection::Sent,
                environments: Vec::new(),
                legal_basis: Some(LegalBasis::Contract),
                locations: vec!["IE".into()],
                transfer_safeguard: None,
                retention_days: None,
                field_encryption: None,
            }],
            ..IntegrationContent::default()
        }
    }

    #[test]
    fn a_whole_record_lacks_nothing_and_each_omission_is_named() {
        assert_eq!(missing(&whole(), &[]), []);
        let pointers = |content: &IntegrationContent| -> Vec<String> {
            missing(content, &["drive".into(), "drive.readonly".into()]).into_iter().map(|gap| gap.pointer).collect()
        };
        let mut content = whole();
        content.criticality = Some(Criticality::Critical);
        assert_eq!(pointers(&content), ["/exit_plan"]);
        let mut content = whole();
        content.data_flows[0].locations.push("US".into());
        assert_eq!(pointers(&content), ["/data_flows/0/transfer_safeguard"]);
        let mut content = whole();
        content.scopes = vec![ScopeRequest { scope: "drive".into(), justification: None }];
        assert_eq!(pointers(&content), ["/scopes/0/justification"]);
        assert_eq!(pointers(&IntegrationContent::default()).len(), 9);
    }
}
