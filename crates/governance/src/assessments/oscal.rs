//! Controls of an OSCAL catalog (NIST, Open Security Controls Assessment Language 1.x) as a
//! questionnaire. The Minimum Viable Secure Product publishes its controls in this form (CC0), and so
//! do others.

use serde::Deserialize;

use super::{Question, QuestionKind, QuestionSection, QuestionnaireContent, questionnaire};
use base::{error::Error, foreign::Deadline, text};

/// Objects in a catalog, at most. NIST SP 800-53, the largest in use, has 60,000.
const MOST_OBJECTS: usize = 200_000;
/// Controls in a catalog, at most: a questionnaire takes far fewer.
const MOST_CONTROLS: usize = 5_000;

#[derive(Deserialize)]
struct Document {
    catalog: Catalog,
}

#[derive(Deserialize)]
struct Catalog {
    metadata: Metadata,
    #[serde(default)]
    groups: Vec<Group>,
    #[serde(default)]
    controls: Vec<Control>,
}

#[derive(Deserialize)]
struct Metadata {
    title: String,
    #[serde(default)]
    version: Option<String>,
}

#[derive(Deserialize)]
struct Group {
    title: String,
    #[serde(default)]
    groups: Vec<Group>,
    #[serde(default)]
    controls: Vec<Control>,
}

#[derive(Deserialize)]
struct Control {
    id: String,
    title: String,
    #[serde(default)]
    props: Vec<Prop>,
    #[serde(default)]
    parts: Vec<Part>,
}

#[derive(Deserialize)]
struct Prop {
    name: String,
    value: String,
}

#[derive(Deserialize)]
struct Part {
    name: String,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    prose: Option<String>,
    #[serde(default)]
    parts: Vec<Part>,
}

/// A catalog's controls, each asked as a question of yes and no: the control's title, with its
/// statement and guidance as help. Refuses what would become much larger in memory than it is, and stops at the deadline.
pub fn read(json: &[u8], deadline: &Deadline) -> Result<QuestionnaireContent, Error> {
    // Each object takes some hundred bytes in memory, and three in the file.
    if memchr::memchr_iter(b'{', json).count() > MOST_OBJECTS {
        return Err(Error::field("/file", format!("This catalog has more than {MOST_OBJECTS} parts. Divide it.")));
    }
    deadline.check()?;
    let document: Document = serde_json::from_slice(json)
        .map_err(|error| Error::field("/file", format!("This is no OSCAL catalog in JSON: {error}.")))?;
    let Catalog { metadata, groups, controls } = document.catalog;
    let mut sections = Vec::new();
    let mut count = controls.len();
    if !controls.is_empty() {
        sections.push(section("Controls".into(), controls));
    }
    let mut waiting: Vec<Group> = groups.into_iter().rev().collect();
    while let Some(group) = waiting.pop() {
        deadline.check()?;
        count += group.controls.len();
        if count > MOST_CONTROLS {
            return Err(Error::field(
                "/file",
                format!("This catalog has more than {MOST_CONTROLS} controls. Divide it."),
            ));
        }
        if !group.controls.is_empty() {
            sections.push(section(group.title, group.controls));
        }
        waiting.extend(group.groups.into_iter().rev());
    }
    let title = match metadata.version {
        Some(version) if !metadata.title.contains(&version) => format!("{} {version}", metadata.title),
        _ => metadata.title,
    };
    let title = text::clip(&title.split_whitespace().collect::<Vec<_>>().join(" "), 200).to_owned();
    Ok(QuestionnaireContent { title, valid_months: 12, sections, ..QuestionnaireContent::default() })
}

fn section(title: String, controls: Vec<Control>) -> QuestionSection {
    let questions = controls.into_iter().map(question).collect();
    QuestionSection { title: text::clip(title.trim(), 200).to_owned(), guidance: None, questions }
}

fn question(control: Control) -> Question {
    let label = control.props.iter().find(|prop| prop.name == "label").map(|prop| prop.value.clone());
    let mut prose = Vec::new();
    collect(&control.parts, &mut prose);
    let text = match &label {
        Some(label) => format!("{label} {}", control.title),
        None => control.title.clone(),
    };
    let guidance = prose.join("\n\n");
    Question {
        key: questionnaire::key_of(&control.id),
        text: text::clip(&text, 1000).to_owned(),
        kind: QuestionKind::YesNo,
        guidance: Some(text::clip(&guidance, 4000).to_owned()).filter(|text| !text.is_empty()),
        weight: 1,
        ..Question::default()
    }
}

fn collect(parts: &[Part], prose: &mut Vec<String>) {
    for part in parts.iter().filter(|part| matches!(part.name.as_str(), "statement" | "guidance" | "item")) {
        if let Some(text) = part.prose.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
            match &part.title {
                Some(title) => prose.push(format!("{title}: {text}")),
                None => prose.push(text.to_owned()),
            }
        }
        collect(&part.parts, prose);
    }
}

#[cfg(test)]
mod tests {
    use super::read;
    use base::{error::Error, foreign::Deadline};
    use register::publications::Publishable;

    #[test]
    fn a_catalog_becomes_questions() {
        let catalog = serde_json::json!({ "catalog": { "uuid": "x", "metadata": { "title": "A baseline", "version": "v2" },
            "groups": [{ "id": "g", "title": "Design", "controls": [
                { "id": "ctl_1.1-x", "title": "Sign-in", "props": [{ "name": "label", "value": "1.1" }],
                  "parts": [{ "name": "statement", "prose": "Offer single sign-on." },
                            { "name": "guidance", "title": "Why", "prose": "It can be switched off in one place." }] }] }] } });
        let soon = Deadline::within(std::time::Duration::from_secs(10));
        let content = read(catalog.to_string().as_bytes(), &soon).expect("read").checked().expect("sound");
        assert_eq!((content.key.as_str(), content.title.as_str()), ("a-baseline-v2", "A baseline v2"));
        let (_, question) = content.questions().next().expect("one");
        assert_eq!((question.key.as_str(), question.text.as_str()), ("ctl_1.1-x", "1.1 Sign-in"));
        assert!(question.guidance.as_deref().is_some_and(|text| text.contains("Why: It can")));
        assert!(read(b"{}", &soon).is_err());
        let over = Deadline::within(std::time::Duration::ZERO);
        assert!(matches!(read(catalog.to_string().as_bytes(), &over), Err(Error::TooLarge(_))));
    }

    #[test]
    fn small_catalogs_do_not_become_large_in_memory() {
        if !base::foreign::alone() {
            return;
        }
        let head = r#"{"catalog":{"metadata":{"title":"A"},"controls":[{"id":"a","title":"b","parts":["#;
        let parts = |count: usize| format!("{head}{}{{\"name\":\"\"}}]}}]}}}}", "{\"name\":\"\"},".repeat(count));
        let deep = format!("{head}{}", "{\"name\":\"\",\"parts\":[".repeat(50_000));
        for (name, json) in
            [("a million parts", parts(1_000_000)), ("as many as there may be", parts(199_990)), ("deep", deep)]
        {
            let soon = Deadline::within(std::time::Duration::from_secs(20));
            let (grown, outcome) = base::foreign::growth(|| read(json.as_bytes(), &soon).map(|_| ()));
            assert!(grown < 128, "{name}: {} bytes became {grown} MiB ({outcome:?})", json.len());
        }
    }
}
