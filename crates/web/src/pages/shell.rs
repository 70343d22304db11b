//! What stands around every page: rail, search, person, note.

use crate::{
    Web,
    extract::{Pairs, Signed},
    statics,
};
use base::{error::Error, lists::Count};
use governance::dashboard::{self, RailCounts};
use identity::{Actor, Permission};

/// The frame of a page.
#[derive(Debug)]
pub struct Shell {
    /// The page's title.
    pub title: String,
    /// The token that every form carries.
    pub csrf: String,
    /// What is in the search field.
    pub q: String,
    /// What was just done.
    pub note: Option<&'static str>,
    /// The request that was just decided on, where another has come up since.
    pub decided: Option<uuid::Uuid>,
    /// A mark of style and script.
    pub mark: &'static str,
    /// The moment at which the page is made.
    pub now: chrono::DateTime<chrono::Utc>,
    /// Whether this is the register of the demonstration.
    pub demo: bool,
    actor: Actor,
    counts: RailCounts,
    path: &'static str,
}

/// A group of the rail.
pub struct NavGroup {
    pub label: &'static str,
    pub items: Vec<NavItem>,
}

/// An entry of the rail.
pub struct NavItem {
    pub label: &'static str,
    pub href: &'static str,
    pub count: Option<Count>,
    pub current: bool,
}

impl Shell {
    /// The frame for a page below `path`, the address of its entry in the rail.
    pub async fn new(
        web: &Web,
        signed: &Signed,
        path: &'static str,
        title: impl Into<String>,
        pairs: &Pairs,
    ) -> Result<Self, Error> {
        Ok(Self {
            title: title.into(),
            csrf: signed.session.csrf.clone(),
            q: String::new(),
            note: pairs.get("note").and_then(note),
            decided: pairs.get("decided").and_then(|id| id.parse().ok()),
            mark: statics::mark(),
            now: web.app.clock.now(),
            demo: web.app.config.demo,
            actor: signed.actor.clone(),
            counts: dashboard::rail(&web.app).await?,
            path,
        })
    }

    /// Whether the person has a right; pages show only what would work.
    pub fn may(&self, permission: Permission) -> bool {
        self.actor.may(permission)
    }

    /// The person's name.
    pub fn name(&self) -> &str {
        &self.actor.authority.name
    }

    /// The language of the page (BCP 47).
    pub fn language(&self) -> &'static str {
        self.actor.authority.reading.language.key()
    }

    /// How the page looks: `system`, `light` or `dark`.
    pub fn theme(&self) -> &'static str {
        self.actor.authority.reading.theme.key()
    }

    /// Two letters of it.
    pub fn initials(&self) -> String {
        let words = self.name().split_whitespace().filter_map(|word| word.chars().next());
        words.take(2).flat_map(char::to_uppercase).collect()
    }

    /// The person's roles in words.
    pub fn roles(&self) -> String {
        let labels: Vec<&str> = self.actor.authority.roles.iter().map(|role| role.label()).collect();
        if labels.is_empty() { "Reader".into() } else { labels.join(", ") }
    }

    /// The rail: only pages that this person can open.
    pub fn nav(&self) -> Vec<NavGroup> {
        let item = |label, href, count: Option<i64>| NavItem {
            label,
            href,
            count: count.map(Count),
            current: self.path == href,
        };
        let mut settings = vec![
            item("People", "/people", Some(self.counts.people)),
            item("Teams", "/teams", None),
            item("Review groups", "/review-groups", None),
        ];
        if self.may(Permission::ManagePeople) {
            settings.push(item("Group mappings", "/group-mappings", None));
            settings.push(item("Service accounts", "/service-accounts", None));
        }
        if self.may(Permission::ManageSettings) {
            settings.push(item("Organisation", "/settings", None));
        }
        if self.may(Permission::ManagePeople) || self.may(Permission::ReadAudit) {
            settings.push(item("Access review", "/access-review", None));
        }
        let mut evidence = vec![item("Evidence", "/evidence", None)];
        if self.may(Permission::ReadAudit) {
            evidence.push(item("Audit log", "/audit", None));
        }
        evidence.push(item("API reference", "/api/v1/docs/", None));
        let mut inventory = vec![
            item("Integrations", "/integrations", Some(self.counts.integrations)),
            item("APIs", "/apis", Some(self.counts.apis)),
            item("Vendors", "/vendors", Some(self.counts.vendors)),
            item("Systems", "/systems", Some(self.counts.systems)),
            item("Credentials", "/credentials", Some(self.counts.credentials)),
            item("Data flows", "/data-flows", None),
            item("Scopes", "/scopes", None),
            item("Data classes", "/data-classes", Some(self.counts.data_classes)),
        ];
        let governance = vec![
            item("Requests", "/requests", Some(self.counts.open_requests)),
            item("Conditions", "/conditions", Some(self.counts.conditions)),
            item("Violations", "/violations", Some(self.counts.open_violations)),
            item("Exceptions", "/exceptions", Some(self.counts.exceptions)),
            item("Assessments", "/assessments", Some(self.counts.assessments)),
            item("Campaigns", "/campaigns", Some(self.counts.review_items)),
            item("Worklist", "/worklist", None),
            item("Rules", "/rules", None),
            item("Workflows", "/workflows", None),
            item("Questionnaires", "/questionnaires", None),
            item("Risk model", "/risk-models/risk", None),
        ];
        if self.may(Permission::EditCatalog) || self.may(Permission::ManagePeople) {
            inventory.push(item("Import", "/imports", None));
        }
        vec![
            NavGroup { label: "", items: vec![item("Home", "/", None)] },
            NavGroup { label: "Inventory", items: inventory },
            NavGroup { label: "Governance", items: governance },
            NavGroup { label: "Evidence", items: evidence },
            NavGroup { label: "Settings", items: settings },
        ]
    }
}

/// What a redirect says was done; only these texts can be shown.
#[allow(clippy::too_many_lines, reason = "a table of texts")]
fn note(key: &str) -> Option<&'static str> {
    Some(match key {
        "saved" => "Saved.",
        "unchanged" => "Nothing had changed, so nothing was saved.",
        "created" => "Created.",
        "verified" => "Verified.",
        "merged" => "Merged. What referred to the other one refers to this one now.",
        "merge_undone" => "Merge undone. Both are separate again.",
        "imported" => "Imported. Every change is on record.",
        "same" => "This document was imported before. Nothing changed.",
        "commented" => "Comment added.",
        "withdrawn" => "Comment withdrawn.",
        "revoked" => "Revoked. It no longer works.",
        "ended" => "Session ended.",
        "all_ended" => "All your other sessions have ended.",
        "profile_set" => "Saved. Pages look so from now on.",
        "allowed" => "They can link this account again.",
        "linked" => "Linked. You can sign in with it from now on.",
        "unlinked" => "Unlinked. It signs you in no more.",
        "password_set" => "Password set. Your other sessions have ended.",
        "app_removed" => "Your authenticator app is taken away.",
        "passkey_added" => "Passkey added. It signs you in without a password.",
        "passkey_retired" => "Passkey taken out of use.",
        "mapped" => "Saved. Whoever is in the group has it now.",
        "unmapped" => "Taken back. What it alone gave has ended.",
        "current" => "Current version set.",
        "registered" => "Registered as a draft. What the API version says is filled in.",
        "submitted" => "Submitted. You see here who has to act next.",
        "approved" => "Approved, and in force.",
        "rejected" => "Rejected. The requester sees your reason.",
        "returned" => "Returned to the requester with your reason.",
        "request_withdrawn" => "Withdrawn.",
        "rebased" => "Based on what is in force now. Look through it, then submit.",
        "suspended" => "Suspended at once. Running again takes a request.",
        "rotated" => "Rotation recorded.",
        "begun" => "Marked as rotating.",
        "compromised" => "Marked as compromised. Rotate it now.",
        "drafted" => "Saved as a draft. Try it, then propose it.",
        "proposed" => "Proposed. A second governance lead publishes it.",
        "published" => "Published, and in force.",
        "discarded" => "Draft discarded.",
        "gone_back" => "The earlier version is the draft now. Propose it.",
        "asked" => "Asked for. A governance lead decides.",
        "granted" => "Granted until its last day.",
        "denied" => "Denied.",
        "exception_revoked" | "undelegated" => "Taken back.",
        "condition_met" => "Noted as met.",
        "stage_approved" => "Approved; the next stage decides.",
        "held" => "Approved. It goes live once its conditions are met.",
        "delegated" => "They decide for you on these days.",
        "assessment_begun" => "Begun as a draft. Look at its checks, then send it.",
        "assessment_sent" => "Sent.",
        "assessment_returned" => "Returned for other answers.",
        "reminded" => "A reminder with a new link is on its way.",
        "assessment_withdrawn" => "Given up; its link has ended.",
        "remarked" => "Remarks saved.",
        "reviewed" => "Reviewed. Conclude it now.",
        "concluded" => "Concluded.",
        "finding_closed" => "Finding closed.",
        "planned" => "Planned. Its items are made on its first day.",
        "kept" => "Noted.",
        "review_opened" => "Noted, and this change request is filled in. Look through it, then submit.",
        "overridden" => "Overridden until its last day.",
        "lifted" => "Taken back; the score counts again.",
        "demanded" => "Assessments are wanted because of it.",
        "known" => "The same was reported before; nothing new is wanted.",
        "demand_dismissed" => "Noted that none is needed.",
        "evidence" => "Evidence added.",
        "evidence_retired" => "Taken out of use; it is kept.",
        "answers_saved" => "Saved. You can stop here and come back.",
        "answers_submitted" => "Submitted. Thank you.",
        "sheet_read" => "The workbook's answers are saved.",
        "view" => "View saved.",
        "removed" => "View removed.",
        "choose" => "Choose at least one row first.",
        "welcome" => "You are signed in.",
        _ => return None,
    })
}
