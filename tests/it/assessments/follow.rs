//! What changes make stale, what is wanted once, what is carried over, and letters.

use std::sync::{Arc, Mutex};

use muster::{
    assessments::{Assessment, ConclusionVerdict, NewAnswer, NewAssessment, Occurrence, ops},
    catalog::{self, VendorContent},
    identity::Actor,
    mail,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
};

use super::{begun, reviewer, submitted, through};
use crate::support::{TestApp, builders};

async fn concluded(test: &TestApp, reviewer: &Actor) -> Assessment {
    let handed = submitted(test, reviewer, &[]).await;
    let reviewed = ops::review(&test.app, reviewer, handed.id, handed.revision).await.expect("reviewed");
    let verdict = (ConclusionVerdict::Ok, "Fine.", None);
    ops::conclude(&test.app, reviewer, handed.id, reviewed.revision, verdict).await.expect("concluded")
}

async fn wanted(test: &TestApp) -> Vec<(String, String, String)> {
    sqlx::query_as("select cause, reference, state from assessment_demands order by created_at, cause")
        .fetch_all(&mut test.owner().await)
        .await
        .expect("demands")
}

/// The vendor is looked at again, whether anything changed or not.
async fn vendor_looked_at(test: &TestApp, vendor: uuid::Uuid) {
    sqlx::query("update vendors set description = coalesce(description, '') where id = $1")
        .bind(vendor)
        .execute(&mut test.owner().await)
        .await
        .expect("touched");
    ops::follow_due(&test.app).await.expect("looked");
}

#[tokio::test]
async fn intake_asks_once_and_a_change_of_the_vendor_makes_stale_and_asks_once() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    builders::active(&test, &shop, "Stripe for Shop").await;
    for _ in 0..2 {
        ops::follow_due(&test.app).await.expect("looked");
    }
    assert_eq!(wanted(&test).await.len(), 1, "{:?}", wanted(&test).await);
    assert_eq!(wanted(&test).await[0].0, "intake");
    let reviewer = reviewer(&test).await;
    let done = concluded(&test, &reviewer).await;
    let vendor = catalog::ops::find_vendor(&test.app, &reviewer, "stripe").await.expect("stripe");
    let moved = catalog::VendorContent { locations: vec!["IE".into(), "SG".into()], ..vendor.content.clone() };
    let vendor =
        catalog::ops::update_vendor(&test.app, &reviewer, vendor.id, vendor.revision, moved).await.expect("moved");
    ops::follow_due(&test.app).await.expect("looked");
    let now = ops::find_assessment(&test.app, &reviewer, done.id).await.expect("it");
    assert_eq!(now.state.key(), "stale");
    assert!(now.stale_because.as_deref().is_some_and(|why| why.contains("SG")), "{:?}", now.stale_because);
    let asked: Vec<_> = wanted(&test).await.into_iter().filter(|(cause, ..)| cause == "new_country").collect();
    assert_eq!(asked.len(), 2, "one for each country: {asked:?}");
    // What only tells more of it changes nothing.
    let told = catalog::VendorContent { description: Some("Takes payments.".into()), ..vendor.content.clone() };
    let vendor =
        catalog::ops::update_vendor(&test.app, &test.cli(), vendor.id, vendor.revision, told).await.expect("told");
    ops::follow_due(&test.app).await.expect("looked");
    assert_eq!(wanted(&test).await.len(), 3);
    // What comes after it went stale is asked for under its own cause, once.
    let company = serde_json::from_value(serde_json::json!({ "name": "Hosting: North" })).expect("a company");
    let more = catalog::VendorContent { sub_processors: vec![company], ..vendor.content.clone() };
    catalog::ops::update_vendor(&test.app, &test.cli(), vendor.id, vendor.revision, more).await.expect("told");
    for _ in 0..2 {
        vendor_looked_at(&test, vendor.id).await;
    }
    let all = wanted(&test).await;
    assert_eq!(all.len(), 4, "{all:?}");
    let other = ("new_sub_processor".to_owned(), "Hosting: North".to_owned(), "open".to_owned());
    assert!(all.contains(&other), "{all:?}");
}

#[tokio::test]
async fn a_new_kind_of_data_and_other_questions_make_stale_wording_does_not() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    builders::active(&test, &shop, "Stripe for Shop").await;
    let reviewer = reviewer(&test).await;
    let done = concluded(&test, &reviewer).await;
    let mut content = ops::questionnaire_of_pack().expect("the questionnaire");
    content.guidance = Some("Answer soon.".into());
    builders::publish(&test, content.clone()).await;
    ops::follow_due(&test.app).await.expect("looked");
    assert_eq!(ops::find_assessment(&test.app, &reviewer, done.id).await.expect("it").state.key(), "concluded");
    let requester = test.page(&shop.requester).await;
    let mut other = builders::content("Stripe Terminal");
    other.data_flows[0].data_class = "user.financial".into();
    let start = muster::integrations::ops::Start::AsGiven;
    let (_, request) = muster::approvals::ops::register(&test.app, &requester, other, start).await.expect("registered");
    ops::follow_due(&test.app).await.expect("looked");
    assert_eq!(ops::find_assessment(&test.app, &reviewer, done.id).await.expect("it").state.key(), "concluded");
    muster::approvals::ops::submit_request(&test.app, &requester, request.id, request.revision, Some("Needed.".into()))
        .await
        .expect("submitted");
    ops::follow_due(&test.app).await.expect("looked");
    let stale = ops::find_assessment(&test.app, &reviewer, done.id).await.expect("it");
    assert_eq!(stale.stale_because.as_deref(), Some("a new data class: user.financial"));
    assert!(
        wanted(&test)
            .await
            .iter()
            .any(|(cause, what, _)| (cause.as_str(), what.as_str()) == ("new_data_class", "user.financial"))
    );
    // And what is asked otherwise.
    let done = concluded(&test, &reviewer).await;
    content.sections[0].questions[0].weight = 9;
    builders::publish(&test, content).await;
    ops::follow_due(&test.app).await.expect("looked");
    let stale = ops::find_assessment(&test.app, &reviewer, done.id).await.expect("it");
    assert_eq!(stale.state.key(), "stale", "{:?}", stale.stale_because);
}

/// What was asked of one vendor is not answered with another one, and an assessment of a vendor is not about an
/// integration of another.
async fn another_vendor_does_not_answer_it(test: &TestApp, reviewer: &muster::identity::Actor) {
    let other = VendorContent { name: "Adyen".into(), ..VendorContent::default() };
    catalog::ops::create_vendor(&test.app, &test.cli(), other).await.expect("a vendor");
    let demand: uuid::Uuid =
        sqlx::query_scalar("select id from assessment_demands where state = 'open' and cause = 'incident'")
            .fetch_one(&mut test.owner().await)
            .await
            .expect("a demand");
    let new = NewAssessment {
        questionnaire: "vendor-security".into(),
        vendor: "adyen".into(),
        recipient: Some("security@adyen.example".into()),
        ..NewAssessment::default()
    };
    for (bad, pointer) in [
        (NewAssessment { demand: Some(demand), ..new.clone() }, "/demand"),
        (NewAssessment { demand: Some(uuid::Uuid::new_v4()), ..new.clone() }, "/demand"),
        (NewAssessment { integration: Some("stripe-for-shop".into()), ..new }, "/integration"),
    ] {
        assert_eq!(crate::governance::pointers(ops::begin(&test.app, reviewer, bad).await), [pointer]);
    }
}

#[tokio::test]
async fn an_incident_and_a_renewal_ask_once_each() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    builders::active(&test, &shop, "Stripe for Shop").await;
    let reviewer = reviewer(&test).await;
    let done = concluded(&test, &reviewer).await;
    let breach = || Occurrence { vendor: "stripe".into(), reference: "INC-7".into() };
    assert_eq!(ops::report(&test.app, &reviewer, breach()).await.expect("reported").len(), 1);
    assert_eq!(ops::report(&test.app, &reviewer, breach()).await.expect("known").len(), 0);
    another_vendor_does_not_answer_it(&test, &reviewer).await;
    test.clock.advance(chrono::TimeDelta::days(340));
    for _ in 0..2 {
        ops::begin_day(&test.app).await.expect("a day");
        ops::follow_due(&test.app).await.expect("looked");
        test.clock.advance(chrono::TimeDelta::days(1));
    }
    let all = wanted(&test).await;
    let renewals: Vec<_> = all.iter().filter(|(cause, ..)| cause == "renewal").collect();
    assert_eq!(renewals.len(), 1, "{all:?}");
    assert_eq!(renewals[0].1, done.id.to_string());
    let again = NewAssessment {
        questionnaire: "vendor-security".into(),
        vendor: "stripe".into(),
        recipient: Some("security@stripe.example".into()),
        carry_over: true,
        ..NewAssessment::default()
    };
    let next = ops::begin(&test.app, &reviewer, again).await.expect("begun");
    assert_eq!(next.carried_from, Some(done.id));
    assert!(next.answers.len() > 40 && next.answers.values().all(|answer| answer.carried && answer.remark.is_none()));
    // A page that saves all that it shows confirms nothing unseen: each one is confirmed by itself.
    let sent = ops::send(&test.app, &reviewer, next.id, next.revision).await.expect("sent");
    let door = through(&test, &sent.link.expect("a link")).await;
    let shown = || {
        let same = next.answers.iter();
        same.map(|(key, old)| {
            let new = NewAnswer { value: old.value.clone(), note: old.note.clone(), confirmed: false };
            (key.clone(), new)
        })
    };
    let carried = |one: &Assessment| one.answers.values().filter(|answer| answer.carried).count();
    let saved = ops::answer(&test.app, &door, shown().collect()).await.expect("saved");
    assert_eq!(carried(&saved), next.answers.len());
    let mut one: std::collections::BTreeMap<String, NewAnswer> = shown().collect();
    one.get_mut("tls").expect("it").confirmed = true;
    let saved = ops::answer(&test.app, &door, one).await.expect("saved");
    assert_eq!((carried(&saved), saved.answers["tls"].carried), (next.answers.len() - 1, false));
}

/// A mail server that takes everything and keeps it.
async fn mail_server() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("smtp://{}", listener.local_addr().expect("an address"));
    let letters = Arc::new(Mutex::new(Vec::new()));
    let kept = letters.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let kept = kept.clone();
            tokio::spawn(async move {
                let (read, mut write) = stream.into_split();
                let mut lines = BufReader::new(read).lines();
                write.write_all(b"220 here\r\n").await.expect("said");
                let (mut letter, mut inside) = (String::new(), false);
                while let Ok(Some(line)) = lines.next_line().await {
                    if inside && line == "." {
                        kept.lock().expect("kept").push(std::mem::take(&mut letter));
                        inside = false;
                        write.write_all(b"250 taken\r\n").await.expect("said");
                    } else if inside {
                        letter.push_str(&line);
                        letter.push('\n');
                    } else if line.eq_ignore_ascii_case("data") {
                        inside = true;
                        write.write_all(b"354 go on\r\n").await.expect("said");
                    } else if line.to_lowercase().starts_with("quit") {
                        write.write_all(b"221 bye\r\n").await.expect("said");
                    } else {
                        write.write_all(b"250 fine\r\n").await.expect("said");
                    }
                }
            });
        }
    });
    (url, letters)
}

/// A letter is what another program takes it for: text in UTF-8, whole links, an id, and sent by a machine.
fn well_formed(letter: &str, words: &[&str]) -> mail_parser::Message<'static> {
    let message = mail_parser::MessageParser::default().parse(letter.as_bytes()).expect("a message").into_owned();
    let header = |name: &str| message.header_raw(name).unwrap_or_default().trim().to_owned();
    assert_eq!(header("MIME-Version"), "1.0", "{letter}");
    assert_eq!(header("Content-Type"), "text/plain; charset=utf-8", "{letter}");
    assert_eq!(header("Auto-Submitted"), "auto-generated", "{letter}");
    assert!(header("Date").ends_with("+0000"), "{letter}");
    let id = message.message_id().expect("an id");
    assert!(id.split('@').count() == 2 && !id.contains(char::is_whitespace), "{id}");
    let text = message.body_text(0).expect("a text");
    assert!(!text.contains("=3D") && !text.contains("=\n"), "{text}");
    for word in words {
        assert!(text.contains(word), "{word}: {text}");
    }
    for line in letter.lines() {
        assert!(line.len() <= 998, "RFC 5322 2.1.1: {line}");
    }
    message
}

#[tokio::test]
async fn a_notice_says_where_to_have_no_more_and_then_none_comes() {
    let (url, letters) = mail_server().await;
    let test = TestApp::mailing(&url).await;
    let shop = builders::shop(&test).await;
    let submit = async |name: &str| {
        let id = crate::governance::drafted(&test, &shop, name).await;
        crate::governance::submit(&test, &shop, id).await.expect("submitted");
        let open = muster::approvals::ops::find_request(&test.app, &test.cli(), id).await.expect("it");
        let hash = open.phase.bound().expect("bound").content_hash.clone();
        // An approval that a material edit voids is told of by letter.
        let yes = muster::approvals::NewDecision {
            conditions: vec![muster::approvals::NewCondition {
                text: "Limit the key.".into(),
                owner: "payments".into(),
                due_on: Some(test.app.today().await.expect("a day") + chrono::TimeDelta::days(9)),
                ..Default::default()
            }],
            ..muster::approvals::NewDecision::new(
                muster::approvals::Verdict::ApproveWithConditions,
                "If so – fine.",
                hash,
            )
        };
        muster::approvals::ops::decide(&test.app, &test.page(&shop.reviewer).await, id, yes).await.expect("decided");
        test.clock.advance(chrono::TimeDelta::days(7));
        muster::approvals::ops::remind_conditions(&test.app).await.expect("reminded");
        mail::deliver(&test.app).await.expect("delivered")
    };
    assert!(submit("Zahlungen über Stripe").await > 0);
    let first = letters.lock().expect("letters")[0].clone();
    let message = well_formed(&first, &["Zahlungen über Stripe"]);
    let fewer = message.header_raw("List-Unsubscribe").unwrap_or_default().trim().to_owned();
    assert_eq!(fewer, format!("<{}account#profile>", test.app.config.public_url));
    let me = test.sign_in(&shop.requester).await;
    let saved =
        me.post("/account/profile", &[("language", "en-GB"), ("theme", "system"), ("notices", "on_pages")]).await;
    assert_eq!(saved.header("location"), "/account?note=profile_set", "{}", saved.text());
    let to = format!("To: {}", shop.requester.content.email);
    let theirs = || letters.lock().expect("letters").iter().filter(|letter| letter.contains(&to)).count();
    assert_eq!(theirs(), 1);
    submit("Stripe again").await;
    assert_eq!(theirs(), 1, "they want none");
}

#[tokio::test]
async fn a_letter_takes_the_link_and_a_reminder_brings_a_new_one() {
    let (url, letters) = mail_server().await;
    let test = TestApp::mailing(&url).await;
    builders::shop(&test).await;
    let reviewer = reviewer(&test).await;
    let draft = begun(&test, &reviewer).await;
    ops::send(&test.app, &reviewer, draft.id, draft.revision).await.expect("sent");
    assert_eq!(mail::deliver(&test.app).await.expect("delivered"), 1);
    assert_eq!(mail::deliver(&test.app).await.expect("nothing left"), 0);
    let link = |letter: &str| {
        let text = letter.replace("=\n", "").replace("=3D", "=");
        text.split_whitespace().find(|word| word.contains("/answer/")).expect("a link").to_owned()
    };
    let first = link(&letters.lock().expect("letters")[0]);
    well_formed(&letters.lock().expect("letters")[0], &["/answer/"]);
    through(&test, &first).await;
    // Nothing of it is left here once it is gone.
    let left: i64 =
        sqlx::query_scalar("select count(*) from mails_due").fetch_one(&mut test.owner().await).await.expect("counted");
    assert_eq!(left, 0);
    assert_eq!(ops::remind_due(&test.app).await.expect("not due yet"), 0);
    test.clock.advance(chrono::TimeDelta::days(19));
    assert_eq!(ops::remind_due(&test.app).await.expect("reminded"), 1);
    assert_eq!(ops::remind_due(&test.app).await.expect("once a week"), 0);
    mail::deliver(&test.app).await.expect("delivered");
    let second = link(&letters.lock().expect("letters")[1]);
    assert_ne!(first, second);
    let told = letters.lock().expect("letters")[1].replace("=\n", "");
    assert!(told.contains("had before shows nothing now"), "{told}");
    let recorded: i64 = sqlx::query_scalar("select count(*) from audit_events where action = 'mail.sent'")
        .fetch_one(&mut test.owner().await)
        .await
        .expect("counted");
    assert_eq!(recorded, 2);
    through(&test, &second).await;
}

#[tokio::test]
async fn a_letter_waits_while_the_server_is_away() {
    let test = TestApp::mailing("smtp://127.0.0.1:9").await;
    builders::shop(&test).await;
    let reviewer = reviewer(&test).await;
    let draft = begun(&test, &reviewer).await;
    ops::send(&test.app, &reviewer, draft.id, draft.revision).await.expect("sent all the same");
    assert_eq!(mail::deliver(&test.app).await.expect("tried"), 0);
    let (attempts, later): (i32, bool) = sqlx::query_as("select attempts, next_at > $1 from mails_due")
        .bind(test.clock.now())
        .fetch_one(&mut test.owner().await)
        .await
        .expect("it waits");
    assert_eq!((attempts, later), (1, true));
}
