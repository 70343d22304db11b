//! Signing in at a provider: begun for one browser, finished once, by nobody else.

use chrono::TimeDelta;
use url::Url;
use uuid::Uuid;

use super::{
    access,
    arrivals::{link, sign_in, step_up},
};
use crate::{
    Actor, Arrival, FRESH, Proof, Session,
    oidc::{self, Answer, Demand, Pending, Refusal},
    seal, secrets,
    store::flows,
};
use base::{app::App, audit::Event, error::Error};

/// What a sign-in at a provider is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To begin a session.
    SignIn,
    /// To tie the provider's account to the person who is signed in.
    Link,
    /// To confirm that it is still they, freshly and strongly.
    StepUp,
}

impl Purpose {
    fn key(self) -> &'static str {
        match self {
            Self::SignIn => "sign_in",
            Self::Link => "link",
            Self::StepUp => "step_up",
        }
    }

    fn of(key: &str) -> Self {
        match key {
            "link" => Self::Link,
            "step_up" => Self::StepUp,
            _ => Self::SignIn,
        }
    }
}

/// Who asks for more than to sign in: the person, and their session.
#[derive(Clone, Copy, Debug)]
pub struct Present<'a> {
    /// The person.
    pub person: Uuid,
    /// Their session.
    pub session: &'a Session,
}

/// Where the browser goes, and the secret that binds it to what was begun.
#[derive(Debug)]
pub struct Begun {
    /// The provider's page.
    pub url: Url,
    /// For a cookie of this browser alone.
    pub browser: String,
}

/// Why it did not come to a session.
#[derive(Debug)]
pub enum Fault {
    /// Refused; the reason is for the log alone.
    Refused(Refusal),
    /// Refused, with what the person can do.
    Told(String),
    /// Something of ours.
    Error(Error),
}

impl<E: Into<Error>> From<E> for Fault {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// To begin a session, a sign-in that the provider remembers will do; anything more takes one made now.
fn demand(purpose: Purpose) -> Demand {
    if purpose == Purpose::SignIn { Demand::Any } else { Demand::Fresh }
}

/// Where our provider's answers come back: one address for each, so that they cannot be mixed up.
fn redirect(app: &App, provider: &str) -> Result<Url, Error> {
    app.config.public_url.join(&format!("sign-in/callback/{provider}")).map_err(Error::internal)
}

/// An address of ours that a browser may be sent to: a path, and nothing that leads elsewhere.
pub fn safe_back(back: &str) -> &str {
    let inside = back.starts_with('/') && !back.starts_with("//") && !back.contains(['\\', '\r', '\n', '\t']);
    if inside && back.len() <= 2000 { back } else { "/" }
}

/// Begins a sign-in at a provider.
pub async fn begin_at_provider(
    app: &App,
    provider: &str,
    purpose: Purpose,
    present: Option<Present<'_>>,
    back: &str,
) -> Result<Begun, Fault> {
    let known = crate::providers(app).known(provider).await.map_err(|refusal| {
        tracing::warn!(provider, why = refusal.0, "a sign-in could not begin");
        Fault::Told("This provider does not answer right now. Try again in a minute, or sign in another way.".into())
    })?;
    if purpose != Purpose::SignIn && present.is_none() {
        return Err(Error::Unauthenticated.into());
    }
    let demand = demand(purpose);
    let (url, pending) = oidc::begin(&known, &redirect(app, provider)?, demand);
    let browser = secrets::generate()?;
    let flow = flows::Flow {
        provider: provider.to_owned(),
        nonce: pending.nonce,
        verifier: seal::seal(crate::pepper(app), "pkce verifier", pending.verifier.as_bytes())?,
        purpose: purpose.key().into(),
        session: present.map(|present| present.session.id),
        person: present.map(|present| present.person),
        back: safe_back(back).to_owned(),
    };
    let hashes = (secrets::hash(&pending.state), secrets::hash(&browser));
    flows::begin(&mut *app.db.housekeeping().await?, (&hashes.0, &hashes.1), &flow, app.clock.now()).await?;
    Ok(Begun { url, browser })
}

/// What a browser brings back.
#[derive(Clone, Debug)]
pub struct Returned<'a> {
    /// The key in the address that it came to.
    pub provider: &'a str,
    /// The state in it.
    pub state: &'a str,
    /// The secret of its cookie.
    pub browser: &'a str,
    /// The rest of the answer.
    pub answer: Answer,
}

/// A session to go on with.
#[derive(Debug)]
pub struct Arrived {
    /// Its secret, for the cookie; none where the present one goes on.
    pub secret: Option<String>,
    /// Where to go.
    pub back: String,
    /// What it was for.
    pub purpose: Purpose,
}

/// Finishes a sign-in at a provider: the flow is used up before anything else, whatever comes of it. A refusal is
/// recorded in the audit log.
pub async fn finish_at_provider(
    app: &App,
    returned: Returned<'_>,
    present: Option<Present<'_>>,
    previous: Option<&str>,
    arrival: Arrival,
) -> Result<Arrived, Fault> {
    let provider =
        crate::providers(app).get(returned.provider).map_or("unknown", |provider| provider.key.as_str()).to_owned();
    let who = present.map(|present| present.person);
    let from = arrival.clone();
    let finished = finish(app, returned, present, previous, arrival).await;
    let reason = match &finished {
        Err(Fault::Refused(refusal)) => refusal.0.as_str(),
        Err(Fault::Told(text)) => text,
        Ok(_) | Err(Fault::Error(_)) => return finished,
    };
    if let Err(error) = record_refusal(app, &provider, who, reason, from).await {
        tracing::error!(%error, "a refused sign-in could not be recorded");
    }
    finished
}

/// Records a refused sign-in: which provider, and why in our own words; nothing of what the provider said of anyone.
/// Strangers may cause it, so that each reason of a provider is recorded once a minute.
async fn record_refusal(
    app: &App,
    provider: &str,
    person: Option<Uuid>,
    reason: &str,
    arrival: Arrival,
) -> Result<(), Error> {
    if !app.slot::<super::RefusedSignIns>().0.first_this_minute(format!("{provider} {reason}"), app.clock.now()) {
        return Ok(());
    }
    let actor = match person {
        Some(person) => access::signing_in(person, &arrival),
        None => Actor::link("system:sign_in", arrival),
    };
    let (kind, about) = if person.is_some() { ("person", person) } else { ("attempt", None) };
    let detail = serde_json::json!({ "provider": provider, "reason": reason });
    let tx = app.db.write(&actor).await?;
    tx.record(Event::happened("sign_in.refused", kind, about, detail)).await?.commit().await
}

async fn finish(
    app: &App,
    returned: Returned<'_>,
    present: Option<Present<'_>>,
    previous: Option<&str>,
    arrival: Arrival,
) -> Result<Arrived, Fault> {
    let key = returned.provider;
    let hashes = (secrets::hash(returned.state), secrets::hash(returned.browser));
    let now = app.clock.now();
    let flow = flows::take(&mut *app.db.housekeeping().await?, &hashes.0, &hashes.1, key, now).await?;
    let Some(flow) = flow else {
        return Err(Refusal("state: unknown, used, too old, of another provider, or of another browser".into()).into());
    };
    let purpose = Purpose::of(&flow.purpose);
    let verifier = seal::open(crate::pepper(app), "pkce verifier", &flow.verifier)?;
    let verifier = verifier.and_then(|bytes| String::from_utf8(bytes).ok());
    let verifier = verifier.ok_or_else(|| Refusal("the flow was begun under another pepper".into()))?;
    let demand = demand(purpose);
    let known = crate::providers(app).known(key).await?;
    let pending = Pending { state: String::new(), nonce: flow.nonce, verifier };
    let proved =
        oidc::finish(crate::providers(app), known, &redirect(app, key)?, (returned.answer, pending), demand, now)
            .await?;
    let provider = crate::providers(app).get(key).ok_or_else(|| Error::internal("a provider that is gone"))?;
    let proof = Proof {
        method: "provider",
        provider: Some(key.to_owned()),
        strong: provider.is_strong(proved.acr.as_deref(), &proved.amr),
        acr: proved.acr.clone(),
        amr: proved.amr.clone(),
        // A provider that does not say when remembers somebody: that is no fresh sign-in.
        authenticated_at: Some(proved.authenticated_at.unwrap_or(now - FRESH - TimeDelta::minutes(1))),
        id_token: Some(seal::seal(crate::pepper(app), "id token", proved.id_token.as_bytes())?),
    };
    // What asks for more than a sign-in goes on in the session that asked, or not at all.
    let same = present.filter(|one| flow.session == Some(one.session.id) && flow.person == Some(one.person));
    let secret = match (purpose, same) {
        (Purpose::SignIn, _) => Some(sign_in(app, key, &proved, &proof, previous, arrival).await?),
        (_, None) => return Err(Refusal("the session that began it is not here any more".into()).into()),
        (Purpose::Link, Some(present)) => {
            link(app, key, &proved, present, arrival).await?;
            None
        }
        (Purpose::StepUp, Some(present)) => Some(step_up(app, &proved, &proof, present, arrival).await?),
    };
    Ok(Arrived { secret, back: flow.back, purpose })
}
