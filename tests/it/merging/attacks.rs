//! Hierarchies, merges of one target, who gains from a merge, and documents of what was merged.

use super::*;
use muster::identity::{GroupKind, ops as people};

/// A vendor with a parent.
async fn below(test: &TestApp, name: &str, parent: Option<&str>) -> muster::catalog::Vendor {
    let content = VendorContent { parent: parent.map(str::to_owned), ..builders::vendor(name) };
    catalog::create_vendor(&test.app, &test.cli(), content).await.expect("a vendor")
}

#[tokio::test]
async fn the_hierarchy_of_vendors_stays_one() {
    let test = TestApp::new().await;
    let lead = test.person("Lea Lead", &[Role::GovernanceLead]).await;
    let lead = test.page(&lead).await;
    below(&test, "Top", None).await;
    below(&test, "Mid", Some("top")).await;
    below(&test, "Leaf", Some("mid")).await;
    let before = everything(&test).await;
    let revision = |key: &'static str| {
        let (app, lead) = (test.app.clone(), lead.clone());
        async move { catalog::find_vendor(&app, &lead, key).await.expect("it").revision }
    };
    let refused = ops::merge_vendor(&test.app, &lead, ("top", revision("top").await), into("leaf"), Run::Merge).await;
    assert!(matches!(&refused, Err(Error::Conflict(text)) if text.contains("hierarchy")), "{refused:?}");
    for (from, to) in [("top", "mid"), ("mid", "top"), ("leaf", "top"), ("mid", "leaf"), ("leaf", "mid")] {
        let at = (from, revision(from).await);
        let merge = ops::merge_vendor(&test.app, &lead, at, into(to), Run::Merge).await.expect("merged");
        let target = catalog::find_vendor(&test.app, &lead, to).await.expect("it");
        let (id, revision, content) = (target.id, target.revision, target.content.clone());
        let edited = VendorContent { description: Some(format!("After {from}.")), ..content.clone() };
        let edited = catalog::update_vendor(&test.app, &test.cli(), id, revision, edited).await.expect("no circle");
        let again = VendorContent { description: None, ..edited.content.clone() };
        catalog::update_vendor(&test.app, &test.cli(), id, edited.revision, again).await.expect("changed");
        ops::undo(&test.app, &lead, merge.id, merge.revision).await.expect("undone");
        assert_eq!(everything(&test).await["vendors"], before["vendors"], "{from} into {to}");
    }
}

#[tokio::test]
async fn merges_of_one_target_are_undone_in_their_order_and_lists_lose_only_what_came() {
    let test = TestApp::new().await;
    let lead = test.person("Lea Lead", &[Role::GovernanceLead]).await;
    let lead = test.page(&lead).await;
    for name in ["Target", "First", "Second"] {
        let content = VendorContent { tags: vec![name.to_lowercase()], ..builders::vendor(name) };
        catalog::create_vendor(&test.app, &test.cli(), content).await.expect("a vendor");
    }
    let first = ops::merge_vendor(&test.app, &lead, ("first", 1), into("target"), Run::Merge).await.expect("merged");
    let second = ops::merge_vendor(&test.app, &lead, ("second", 1), into("target"), Run::Merge).await.expect("merged");
    let early = ops::undo(&test.app, &lead, first.id, first.revision).await;
    assert!(matches!(early, Err(Error::Conflict(_))), "{early:?}");
    let target = catalog::find_vendor(&test.app, &lead, "target").await.expect("it");
    let mut content = target.content.clone();
    content.tags.push("by-hand".into());
    catalog::update_vendor(&test.app, &test.cli(), target.id, target.revision, content).await.expect("changed");
    for merge in [second, first] {
        ops::undo(&test.app, &lead, merge.id, merge.revision).await.expect("undone");
    }
    let target = catalog::find_vendor(&test.app, &lead, "target").await.expect("it");
    assert_eq!((target.content.tags, target.content.aliases), (vec!["by-hand".into(), "target".into()], Vec::new()));
}

#[tokio::test]
async fn no_one_chooses_by_a_merge_what_their_approved_integration_calls() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let active = builders::active(&test, &shop, "Checkout").await;
    let (cli, reviewer) = (test.cli(), test.page(&shop.reviewer).await);
    let old = catalog::get_apis(&test.app, &cli, &[active.api_id]).await.expect("it").remove(0);
    let twin = catalog::create_api(&test.app, &cli, api("stripe", "Stripe core", None)).await.expect("an API");
    // The owner, although a lead.
    let at = (old.content.slug.as_str(), old.revision);
    let owner = test.person("Lea Lead", &[Role::GovernanceLead, Role::Requester]).await;
    let team = people::find_group(&test.app, &cli, GroupKind::Team, "payments").await.expect("a team");
    let mut content = team.content.clone();
    content.members.push(owner.id);
    people::update_group(&test.app, &cli, GroupKind::Team, team.id, team.revision, content).await.expect("a member");
    let owner = test.page(&owner).await;
    let refused = ops::merge_api(&test.app, &owner, at, into(&twin.content.slug), Run::Merge).await;
    assert!(matches!(&refused, Err(Error::Forbidden(text)) if text.contains("own")), "{refused:?}");

    // A request that was open names what is merged away: approving it does not put it there.
    let start = uses::Start::AsGiven;
    let content = builders::content("Later");
    let request = muster::approvals::ops::register(&test.app, &owner, content, start).await.expect("registered").1;
    muster::approvals::ops::submit_request(&test.app, &owner, request.id, 1, None).await.expect("submitted");
    ops::merge_api(&test.app, &reviewer, at, into(&twin.content.slug), Run::Merge).await.expect("merged");
    let open = muster::approvals::ops::find_request(&test.app, &reviewer, request.id).await.expect("it");
    let hash = open.phase.bound().expect("bound").content_hash.clone();
    let new = muster::approvals::NewDecision::new(muster::approvals::Verdict::Approve, "Fine.", hash);
    let decided = muster::approvals::ops::decide(&test.app, &reviewer, request.id, new).await;
    assert!(matches!(&decided, Err(Error::Conflict(text)) if text.contains("merged")), "{decided:?}");
}

#[tokio::test]
async fn documents_of_a_merged_api_update_the_other_and_leave_its_names() {
    let test = TestApp::new().await;
    let lead = test.person("Lea Lead", &[Role::GovernanceLead]).await;
    let lead = test.page(&lead).await;
    let import = async |service: &str, version: &str| {
        let document = builders::read(&builders::document("acme.com", service, version));
        catalog::apply_document(&test.app, &test.cli(), &document, &catalog::Identity::default())
            .await
            .expect("imported")
    };
    let (pay, payments) = (import("pay", "1").await, import("payments", "1").await);
    assert_ne!(pay.api_id, payments.api_id);
    let source = catalog::find_api(&test.app, &lead, &payments.api_id.to_string()).await.expect("it");
    let target = catalog::find_api(&test.app, &lead, &pay.api_id.to_string()).await.expect("it");
    let at = (source.content.slug.as_str(), source.revision);
    ops::merge_api(&test.app, &lead, at, into(&target.content.slug), Run::Merge).await.expect("merged");
    for (service, version) in [("payments", "2"), ("pay", "3"), ("payments", "4")] {
        let next = import(service, version).await;
        assert_eq!(next.api_id, target.id, "{service}");
    }
    let after = catalog::find_api(&test.app, &lead, &target.id.to_string()).await.expect("it");
    assert_eq!((after.content.name, after.content.service_name), (target.content.name, target.content.service_name));
}

#[tokio::test]
async fn who_verified_a_vendor_still_did_after_a_merge_that_was_a_mistake() {
    let test = TestApp::new().await;
    let [lead, reviewer] = [Role::GovernanceLead, Role::Reviewer];
    let lead = test.page(&test.person("Lea Lead", &[lead]).await).await;
    let reviewer = test.page(&test.person("Rita Reviewer", &[reviewer]).await).await;
    let lei = Some("529900T8BM49AURSDO55".to_owned());
    catalog::create_vendor(&test.app, &test.cli(), builders::vendor("Target")).await.expect("a vendor");
    let source = VendorContent { lei, ..builders::vendor("Source") };
    catalog::create_vendor(&test.app, &test.cli(), source).await.expect("a vendor");
    let target = catalog::find_vendor(&test.app, &lead, "target").await.expect("it");
    let verified = catalog::verify_vendor(&test.app, &reviewer, target.id, 1).await.expect("verified");
    let merge = ops::merge_vendor(&test.app, &lead, ("source", 1), into("target"), Run::Merge).await.expect("merged");
    let merged = catalog::find_vendor(&test.app, &lead, "target").await.expect("it");
    assert_eq!((merged.content.lei.is_some(), merged.verified_by), (true, None), "another company than was verified");
    ops::undo(&test.app, &lead, merge.id, merge.revision).await.expect("undone");
    let back = catalog::find_vendor(&test.app, &lead, "target").await.expect("it");
    assert_eq!((back.verified_at, back.verified_by), (verified.verified_at, verified.verified_by));
}
