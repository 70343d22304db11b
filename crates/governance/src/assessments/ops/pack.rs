//! The questionnaire that Muster brings along, in force from the first start.

use crate::assessments::QuestionnaireContent;
use base::{app::App, error::Error};
use identity::Actor;
use register::publications;

/// The starter questionnaire as it is written.
pub fn questionnaire_of_pack() -> Result<QuestionnaireContent, Error> {
    serde_saphyr::from_str(include_str!("../starter.yaml")).map_err(Error::internal)
}

/// Publishes it where no questionnaire is in force yet; how many were added.
pub async fn seed_questionnaires(app: &App, actor: &Actor) -> Result<usize, Error> {
    publications::ops::seed(app, actor, vec![questionnaire_of_pack()?]).await
}

#[cfg(test)]
mod tests {
    use super::questionnaire_of_pack;
    use register::publications::Publishable;

    #[test]
    fn the_starter_questionnaire_holds_its_own_rules() {
        let content = questionnaire_of_pack().expect("the questionnaire");
        let checked = content.clone().checked().unwrap_or_else(|error| panic!("{error:?}"));
        checked.ready().expect("fit to be published");
        assert!(checked.questions().count() >= 40, "{}", checked.questions().count());
        assert!(checked.questions().any(|(_, question)| !question.red_flags.is_empty()));
        assert!(checked.questions().any(|(_, question)| !question.ask_if.is_empty()));
    }
}
