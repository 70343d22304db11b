//! Random sequences of operations by three people, beside a small model of what a request is: after
//! each step both say the same, and what must always hold does.

use muster::{
    approvals::{NewDecision, RequestKind, Verdict, ops},
    identity::{Actor, GroupContent, GroupKind, Role, ops as people},
    integrations::{self, ops::Start},
};
use uuid::Uuid;

use crate::support::{TestApp, builders};

/// Where a request stands, as the model has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Draft,
    /// Open, with so many stages approved.
    Open(usize),
    ChangesRequested,
    Applied,
    Rejected,
    Withdrawn,
}

impl Phase {
    fn key(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Open(_) => "open",
            Self::ChangesRequested => "changes_requested",
            Self::Applied => "applied",
            Self::Rejected => "rejected",
            Self::Withdrawn => "withdrawn",
        }
    }
    fn is_closed(self) -> bool {
        matches!(self, Self::Applied | Self::Rejected | Self::Withdrawn)
    }
}

/// All that the model knows.
#[derive(Clone, Debug)]
struct Model {
    phase: Phase,
    /// What is in force; nothing before the first approval.
    live: Option<String>,
    /// What is proposed.
    proposed: String,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Submit,
    EditMaterially(u32),
    EditImmaterially(u32),
    Decide(usize, Verdict),
    Withdraw,
    Propose(u32),
}

/// A sequence that is the same for the same seed (Marsaglia, Xorshift RNGs, 2003).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
    fn step(&mut self, n: u32) -> Step {
        let who = usize::try_from(self.roll(3)).expect("small");
        match self.roll(12) {
            0 | 1 => Step::Submit,
            2 => Step::EditMaterially(n),
            3 => Step::EditImmaterially(n),
            4..=7 => Step::Decide(who, Verdict::Approve),
            8 => Step::Decide(who, Verdict::RequestChanges),
            9 => Step::Decide(who, Verdict::Reject),
            10 if self.roll(3) == 0 => Step::Withdraw,
            _ => Step::Propose(n),
        }
    }
}

impl Model {
    /// What follows from a step; nothing where it is refused. Of the three, the first asks, the second
    /// decides the first stage, the third the second one.
    fn after(&self, step: Step) -> Option<Self> {
        let with = |phase| Some(Self { phase, ..self.clone() });
        match (step, self.phase) {
            (Step::Submit, Phase::Draft | Phase::ChangesRequested) => with(Phase::Open(0)),
            (Step::EditMaterially(n), Phase::Draft | Phase::ChangesRequested) => {
                Some(Self { proposed: purpose(n), ..self.clone() })
            }
            (Step::EditMaterially(n), Phase::Open(_)) => {
                Some(Self { proposed: purpose(n), phase: Phase::Open(0), ..self.clone() })
            }
            (Step::EditImmaterially(_), phase) if !phase.is_closed() => Some(self.clone()),
            (Step::Decide(who, verdict), Phase::Open(stage)) if who == stage + 1 => match (verdict, stage) {
                (Verdict::Approve, 0) => with(Phase::Open(1)),
                (Verdict::Approve, _) => {
                    Some(Self { phase: Phase::Applied, live: Some(self.proposed.clone()), ..self.clone() })
                }
                (Verdict::Reject, _) => with(Phase::Rejected),
                _ => with(Phase::ChangesRequested),
            },
            (Step::Withdraw, phase) if !phase.is_closed() => with(Phase::Withdrawn),
            (Step::Propose(n), phase) if phase.is_closed() => {
                Some(Self { phase: Phase::Draft, proposed: purpose(n), live: self.live.clone() })
            }
            _ => None,
        }
    }
}

fn purpose(n: u32) -> String {
    format!("Takes card payments, as of step {n}.")
}

/// The register under test, with its three people.
struct Bench {
    test: TestApp,
    people: [Actor; 3],
    integration: Uuid,
    request: Uuid,
}

impl Bench {
    async fn new() -> Self {
        let test = TestApp::new().await;
        let shop = builders::shop(&test).await;
        let privacy = test.person("Petra Privacy", &[Role::Reviewer]).await;
        let group = GroupContent { name: "Privacy".into(), members: vec![privacy.id], ..GroupContent::default() };
        people::create_group(&test.app, &test.cli(), GroupKind::ReviewGroup, group).await.expect("a group");
        let stages = vec![super::stage("Security", "security"), super::stage("Privacy", "privacy")];
        let kinds = vec!["register".into(), "change".into()];
        builders::publish(&test, muster::policy::WorkflowContent { kinds, ..super::workflow(stages) }).await;
        let people = [test.page(&shop.requester).await, test.page(&shop.reviewer).await, test.page(&privacy).await];
        let content = integrations::IntegrationContent { purpose: Some(purpose(0)), ..builders::content("Stripe") };
        let (integration, request) =
            ops::register(&test.app, &people[0], content, Start::AsGiven).await.expect("registered");
        Self { test, people, integration: integration.id, request: request.id }
    }

    /// Does it; whether it was done.
    async fn take(&mut self, step: Step) -> bool {
        let (app, asking) = (&self.test.app, &self.people[0]);
        let now = ops::find_request(app, asking, self.request).await.expect("the request");
        let (id, revision) = (now.id, now.revision);
        match step {
            Step::Submit => ops::submit_request(app, asking, id, revision, None).await.is_ok(),
            Step::EditMaterially(n) => {
                let content = integrations::IntegrationContent { purpose: Some(purpose(n)), ..now.content };
                ops::edit_request(app, asking, id, revision, content, now.reason).await.is_ok()
            }
            Step::EditImmaterially(n) => {
                let content = integrations::IntegrationContent { tags: vec![format!("step-{n}")], ..now.content };
                ops::edit_request(app, asking, id, revision, content, now.reason).await.is_ok()
            }
            Step::Decide(who, verdict) => {
                let hash = now.phase.bound().map(|bound| bound.content_hash.clone()).unwrap_or_default();
                let new = NewDecision::new(verdict, "Looked at.", hash);
                ops::decide(app, &self.people[who], id, new).await.is_ok()
            }
            Step::Withdraw => ops::withdraw_request(app, asking, id, revision).await.is_ok(),
            Step::Propose(n) => {
                let key = self.integration.to_string();
                let live = integrations::ops::find_integration(app, asking, &key).await.expect("the integration");
                let kind = if live.state.key() == "proposed" { RequestKind::Register } else { RequestKind::Change };
                let content = integrations::IntegrationContent { purpose: Some(purpose(n)), ..live.content };
                match ops::propose(app, asking, &key, kind, Some(content), Some("Needed.".into())).await {
                    Ok(made) => {
                        self.request = made.id;
                        true
                    }
                    Err(_) => false,
                }
            }
        }
    }

    /// What must hold, whatever was done.
    async fn agrees(&self, model: &Model) {
        let asking = &self.people[0];
        let request = ops::find_request(&self.test.app, asking, self.request).await.expect("the request");
        assert_eq!(request.phase.key(), model.phase.key());
        assert_eq!(request.content.purpose.as_deref(), Some(model.proposed.as_str()));
        if let Phase::Open(stage) = model.phase {
            assert_eq!(request.open_stage().map(|open| open.position), i32::try_from(stage + 1).ok());
        }
        let key = self.integration.to_string();
        let now = integrations::ops::find_integration(&self.test.app, asking, &key).await.expect("the integration");
        match &model.live {
            Some(live) => {
                assert_eq!((now.state.key(), now.content.purpose.as_ref()), ("active", Some(live)));
            }
            None => assert_eq!(now.state.key(), "proposed"),
        }
        let mut conn = self.test.owner().await;
        let unclosed: i64 = sqlx::query_scalar(
            "select count(*) from change_requests where integration_id = $1 and state in ('draft', 'open', 'changes_requested', 'approved')",
        )
        .bind(self.integration)
        .fetch_one(&mut conn)
        .await
        .expect("counted");
        assert_eq!(unclosed, i64::from(!model.phase.is_closed()), "at most one is under way");
        let own: i64 = sqlx::query_scalar(
            "select count(*) from request_decisions d join change_requests r on r.id = d.request_id where d.decided_by = r.requested_by",
        )
        .fetch_one(&mut conn)
        .await
        .expect("counted");
        assert_eq!(own, 0, "nobody decided on what they asked for");
    }
}

#[tokio::test]
async fn what_three_people_do_at_random_is_what_the_model_says() {
    let seed: u64 = std::env::var("MUSTER_TEST_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(20_270_301);
    let mut dice = Dice(seed);
    let (mut applied, mut taken) = (0, 0);
    for round in 0..3 {
        let mut bench = Bench::new().await;
        let mut model = Model { phase: Phase::Draft, live: None, proposed: purpose(0) };
        let mut way = Vec::new();
        for n in 1..=45_u32 {
            let step = dice.step(round * 100 + n);
            way.push(step);
            let events = bench.test.events().await;
            let expected = model.after(step);
            let done = bench.take(step).await;
            assert_eq!(done, expected.is_some(), "seed {seed}, round {round}: {model:?} after {way:?}");
            taken += i32::from(done);
            model = expected.unwrap_or(model);
            applied += i32::from(done && model.phase == Phase::Applied);
            bench.agrees(&model).await;
            let recorded = bench.test.events().await > events;
            assert_eq!(recorded, done, "a change is on record, and a refusal changes nothing: {way:?}");
            bench.test.clock.advance(chrono::TimeDelta::minutes(7));
        }
    }
    assert!(taken > 30 && applied > 1, "the dice lead somewhere: {taken} steps, {applied} applied");
}
