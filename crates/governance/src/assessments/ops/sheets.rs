//! Spreadsheets of one assessment, out and in.

use super::{Door, answer, opened};
use crate::assessments::{Assessment, sheet};
use base::{app::App, audit::Event, error::Error};
use identity::Actor;
use serde_json::json;

/// The workbook of whoever stands at the door.
pub async fn sheet_of(app: &App, door: &Door) -> Result<Vec<u8>, Error> {
    let (one, content, _) = opened(app, door).await?;
    sheet::write(&content, &one.answers)
}

/// The workbook for somebody who reads the register; that it is taken away is recorded.
pub async fn sheet_for(app: &App, actor: &Actor, id: uuid::Uuid) -> Result<Vec<u8>, Error> {
    let one = super::find_assessment(app, actor, id).await?;
    let content = super::questions_of(app, actor, &one).await?;
    let bytes = sheet::write(&content, &one.answers)?;
    let tx = app.db.write(actor).await?;
    let detail = json!({ "format": "xlsx" });
    tx.record(Event::happened("assessment.exported", "assessment", Some(id), detail)).await?.commit().await?;
    Ok(bytes)
}

/// Reads a filled workbook in. What does not fit is refused with its line, and then nothing is saved.
/// Questions that the sheet leaves empty keep their answers.
pub async fn read_sheet(app: &App, door: &Door, bytes: &[u8]) -> Result<Assessment, Error> {
    if bytes.len() as u64 > app.config.limits.upload {
        return Err(Error::TooLarge("This workbook is too large.".into()));
    }
    let (_, content, _) = opened(app, door).await?;
    let bytes = bytes.to_vec();
    let answers = base::foreign::read(app, move |deadline| sheet::read_answers(&content, &bytes, deadline)).await?;
    answer(app, door, answers).await
}
