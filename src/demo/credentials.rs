//! The credentials of the demonstration: metadata and made-up fingerprints.

use chrono::{DateTime, Days, NaiveDate, Utc};
use sha2::{Digest, Sha256};

use super::{Stage, life::Used, organisation::Cast};
use base::error::Error;
use register::{
    catalog::Environment,
    integrations::{CredentialContent, CredentialKind, Rotation, ops},
};

fn fingerprint(name: &str) -> String {
    format!("sha256:{}", data_encoding::HEXLOWER.encode(&Sha256::digest(name.as_bytes())))
}

fn before(day: NaiveDate, days: u64) -> Option<NaiveDate> {
    day.checked_sub_days(Days::new(days))
}

/// Notes credentials for what is live, and rotates some; how many there are.
pub async fn note(stage: &Stage, cast: &Cast, made: &[Used], now: DateTime<Utc>) -> Result<usize, Error> {
    let today = now.date_naive();
    let mut count = 0;
    for used in made.iter().filter(|used| used.live) {
        let n = used.n;
        let actor = cast.of_team(used.team, n);
        let kind = [
            CredentialKind::ApiKey,
            CredentialKind::OauthClient,
            CredentialKind::WebhookSecret,
            CredentialKind::Certificate,
        ][n % 4];
        let (age, days) = [("P90D", 90), ("P6M", 182), ("P1Y", 365), ("P1Y", 365)][n % 4];
        let name = format!("{}-live", used.slug);
        // Most are well within their age, a few are due, two are overdue.
        let old = match n % 13 {
            3 => days - 12,
            7 if n < 30 => days + 6,
            _ => days * (10 + n as u64 % 60) / 100,
        };
        let content = CredentialContent {
            name: name.clone(),
            kind,
            environment: Environment::Production,
            vault_reference: Some(format!("vault:kv/{}/{}", used.team, used.slug)),
            fingerprint: Some(fingerprint(&name)),
            holder: Some(used.team.into()),
            created_on: before(today, old + if n.is_multiple_of(3) { 200 } else { 0 }),
            maximum_age: Some(age.into()),
            expires_on: (kind == CredentialKind::Certificate)
                .then(|| today.checked_add_days(Days::new(40 + n as u64 * 3)))
                .flatten(),
            integrations: shared(made, used),
            ..CredentialContent::default()
        };
        let made_one = ops::create_credential(&stage.app, &actor, content).await?;
        count += 1;
        if n.is_multiple_of(3) {
            let rotation = Rotation {
                fingerprint: fingerprint(&format!("{name} 2")),
                rotated_on: before(today, old),
                expires_on: None,
            };
            ops::record_rotation(&stage.app, &actor, made_one.id, made_one.revision, rotation).await?;
        }
        if n % 3 == 1 {
            sandbox(stage, &actor, used, today, n).await?;
            count += 1;
        }
        if n == 23 {
            let found = ops::find_credential(&stage.app, &actor, &made_one.content.slug).await?;
            let how = "It stood in a public build log for two hours.";
            ops::mark_compromised(&stage.app, &actor, found.id, found.revision, how).await?;
        }
    }
    Ok(count)
}

/// One key of two integrations now and then.
fn shared(made: &[Used], used: &Used) -> Vec<String> {
    let mut all = vec![used.slug.clone()];
    if used.n % 17 == 2
        && let Some(other) = made.iter().find(|other| other.live && other.team == used.team && other.id != used.id)
    {
        all.push(other.slug.clone());
    }
    all
}

async fn sandbox(stage: &Stage, actor: &identity::Actor, used: &Used, today: NaiveDate, n: usize) -> Result<(), Error> {
    // One was copied from production: the register says so.
    let source = if n == 10 { format!("{}-live", used.slug) } else { format!("{}-sandbox", used.slug) };
    let content = CredentialContent {
        name: format!("{}-sandbox", used.slug),
        environment: Environment::Sandbox,
        vault_reference: Some(format!("vault:kv/{}/{}-sandbox", used.team, used.slug)),
        fingerprint: Some(fingerprint(&source)),
        holder: Some(used.team.into()),
        created_on: before(today, 30 + n as u64 * 4),
        maximum_age: Some("P1Y".into()),
        integrations: vec![used.slug.clone()],
        description: Some(format!("For tests of {}.", used.name)),
        ..CredentialContent::default()
    };
    ops::create_credential(&stage.app, actor, content).await?;
    Ok(())
}
