//! A questionnaire is written on pages: sections and questions, one change at a time.

use muster::{assessments::QuestionnaireContent, identity::Role, publications::ops};

use crate::support::{Browser, TestApp};

const EDIT: &str = "/questionnaires/security-of-a-tool/edit";

async fn shown(test: &TestApp) -> (QuestionnaireContent, String) {
    let known = ops::find::<QuestionnaireContent>(&test.app, &test.cli(), "security-of-a-tool").await.expect("it");
    (known.shown().expect("a draft").clone(), known.revision.to_string())
}

async fn step(test: &TestApp, lead: &Browser, word: &str, title: &str) -> u16 {
    let (_, revision) = shown(test).await;
    lead.post(EDIT, &[("revision", &revision), ("step", word), ("title", title)]).await.status.as_u16()
}

fn shape(content: &QuestionnaireContent) -> String {
    let section = |section: &muster::assessments::QuestionSection| {
        let keys: Vec<&str> = section.questions.iter().map(|question| question.key.as_str()).collect();
        format!("{}: {}", section.title, keys.join(" "))
    };
    content.sections.iter().map(section).collect::<Vec<_>>().join("; ")
}

#[allow(clippy::too_many_lines, reason = "one sitting")]
#[tokio::test]
async fn a_questionnaire_is_begun_written_and_set_in_order_on_pages() {
    let test = TestApp::new().await;
    let lead = test.browser("Gina Lead", &[Role::GovernanceLead]).await;
    let missing = lead.post("/questionnaires/new", &[("title", "Security of a tool"), ("valid_months", "99")]).await;
    assert_eq!(missing.status, 422);
    for field in ["f-valid_months", "f-section", "f-text"] {
        assert!(missing.text().contains(&format!("href=\"#{field}\"")), "{field}: {}", missing.text());
    }
    let first = [
        ("title", "Security of a tool"),
        ("audience", "vendor"),
        ("valid_months", "6"),
        ("section", "Encryption"),
        ("text", "Is all traffic encrypted?"),
    ];
    let made = lead.post("/questionnaires/new", &first).await;
    assert_eq!((made.status.as_u16(), made.header("location")), (303, &*format!("{EDIT}?note=drafted")));
    assert_eq!(step(&test, &lead, "section.add", "Incidents").await, 303);
    assert_eq!(step(&test, &lead, "section.add", "").await, 422, "a section has a title");
    let (content, revision) = shown(&test).await;
    assert_eq!(shape(&content), "Encryption: is-all-traffic-encrypted; Incidents: ");
    assert_eq!((content.valid_months, content.chosen_when.is_none()), (6, true));
    // What is wrong stands at its field, and what was typed is still there.
    let question = [
        ("revision", revision.as_str()),
        ("section", "Incidents"),
        ("text", "How often are keys changed?"),
        ("kind", "choice"),
        ("weight", "3"),
        ("answering.present", "1"),
        ("answering", "optional"),
        ("options.present", "1"),
        ("options.0.value", "yearly"),
        ("options.0.label", "Every year"),
        ("options.0.score", "60"),
        ("options.1.value", "never"),
        ("options.1.score", "0"),
        ("ask_if.present", "1"),
        ("ask_if.0.question", "is-all-traffic-encrypted"),
        ("ask_if.0.is", "yes, maybe"),
        ("red_flags.present", "1"),
        ("red_flags.0.is", "never"),
        ("red_flags.0.severity", "high"),
        ("red_flags.0.finding", "Keys stay for ever"),
    ];
    let new = "/questionnaires/security-of-a-tool/sections/1/new";
    let wrong = lead.post(new, &question).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.text().contains("is no answer to"), "{}", wrong.text());
    assert!(wrong.text().contains("value=\"Every year\"") && wrong.text().contains("Keys stay for ever"));
    let right = question.map(|(name, value)| (name, if name == "ask_if.0.is" { "yes" } else { value }));
    let other = right.map(|(name, value)| (name, if name == "section" { "Encryption" } else { value }));
    let moved = lead.post(new, &other).await;
    assert!(moved.status == 422 && moved.text().contains("Copy what you wrote"), "{}", moved.text());
    assert!(
        moved.text().contains("name=\"section\" value=\"Encryption\""),
        "it does not turn to another one by itself"
    );
    assert_eq!(lead.post(new, &right).await.status, 303);
    let (content, _) = shown(&test).await;
    let asked = content.question("how-often-are-keys-changed").expect("the question");
    assert!(asked.optional && asked.options.len() == 2 && asked.red_flags[0].is == ["never"], "{asked:?}");
    // A key that changes takes along what depends on it; what depends on something keeps it there.
    let path = "/questionnaires/security-of-a-tool/questions/is-all-traffic-encrypted";
    assert!(lead.get(path).await.text().contains("Is all traffic encrypted?"));
    let (_, revision) = shown(&test).await;
    let renamed =
        [("revision", revision.as_str()), ("text", "Is traffic encrypted?"), ("kind", "yes_no"), ("key", "tls")];
    assert_eq!(lead.post(path, &renamed).await.status, 303);
    let (content, _) = shown(&test).await;
    assert_eq!(content.question("how-often-are-keys-changed").map(|one| one.ask_if[0].question.as_str()), Some("tls"));
    assert_eq!(step(&test, &lead, "question.remove.tls", "").await, 422);
    assert_eq!(step(&test, &lead, "question.down.tls", "").await, 303);
    assert_eq!(shape(&shown(&test).await.0), "Encryption: ; Incidents: tls how-often-are-keys-changed");
    assert_eq!(step(&test, &lead, "question.down.tls", "").await, 422, "what it leads to comes after it");
    assert_eq!(step(&test, &lead, "section.remove.0", "").await, 303);
    assert_eq!(step(&test, &lead, "section.rename.0", "All of it").await, 303);
    assert_eq!(shape(&shown(&test).await.0), "All of it: tls how-often-are-keys-changed");
    // Somebody else was faster: what they wrote is not overwritten, and nothing typed is lost.
    let settings = [("revision", "1"), ("title", "Mine"), ("audience", "owner"), ("valid_months", "6")];
    let stale = lead.post("/questionnaires/security-of-a-tool/settings", &settings).await;
    assert_eq!(stale.status, 422);
    assert!(stale.text().contains("Somebody changed this meanwhile") && stale.text().contains("value=\"Mine\""));
    let (_, revision) = shown(&test).await;
    let settings = [("revision", revision.as_str()), ("title", "Ours"), ("audience", "owner"), ("valid_months", "6")];
    assert_eq!(lead.post("/questionnaires/security-of-a-tool/settings", &settings).await.status, 303);
    let (content, _) = shown(&test).await;
    assert_eq!((content.title.as_str(), content.audience.key()), ("Ours", "owner"));
    for page in [EDIT, "/questionnaires/new", "/questionnaires/as-yaml", "/questionnaires/security-of-a-tool/as-yaml"] {
        assert_eq!(lead.get(page).await.status, 200, "{page}");
    }
    // What is long, or many, comes back as it is.
    let (mut content, revision) = shown(&test).await;
    let long = format!("First line.\n{}", "x".repeat(3000));
    content.sections[0].questions[1].red_flags[0].remediation = Some(long.clone());
    let words: Vec<String> = (0..15).map(|n| format!("word-{n}")).collect();
    let option = |word: &String| muster::assessments::AnswerOption { value: word.clone(), ..Default::default() };
    content.sections[0].questions[1].options.extend(words.iter().map(option));
    content.sections[0].questions[1].red_flags[0].is.clone_from(&words);
    let known = ops::find::<QuestionnaireContent>(&test.app, &test.cli(), "security-of-a-tool").await.expect("it");
    let actor = test.page(&test.person("Luis Lead", &[Role::GovernanceLead]).await).await;
    ops::edit(&test.app, &actor, known.id, revision.parse().expect("a revision"), content).await.expect("edited");
    let form = lead.get("/questionnaires/security-of-a-tool/questions/how-often-are-keys-changed").await.text();
    assert!(form.contains(&long) && form.contains(&words.join(", ")), "{form}");
    for gone in ["sections/7/new", "sections/x/new", "questions/none"] {
        assert_eq!(lead.get(&format!("/questionnaires/security-of-a-tool/{gone}")).await.status, 404, "{gone}");
    }
    let other = test.browser("Ada", &[Role::Requester]).await;
    assert_eq!(other.get(EDIT).await.status, 403);
}
