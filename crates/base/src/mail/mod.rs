//! Letters: written with the change that they tell of, sent afterwards, tried again while the
//! server is away.

mod store;

use chrono::TimeDelta;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{
        Mailbox, SinglePart,
        header::{HeaderName, HeaderValue},
    },
    transport::smtp::client::TlsParameters,
};
use serde_json::json;
use sqlx::PgConnection;
use url::Url;
use uuid::Uuid;

use crate::{actor::Actor, app::App, audit::Event, error::Error};

/// How often a letter is tried before it is given up; each time after twice as long a pause.
const ATTEMPTS: i32 = 8;

/// Where letters go out.
#[derive(Clone)]
pub struct Post {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl std::fmt::Debug for Post {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Post({})", self.from)
    }
}

impl Post {
    /// Of a server's URL (`smtp://`, `smtps://`, with name and password where it asks for them) and the
    /// address that letters come from. Says what is wrong, without the password. Unless the server is
    /// on this machine, the connection is encrypted.
    pub fn new(url: &str, from: &str) -> Result<Self, String> {
        let from: Mailbox = from.parse().map_err(|_| format!("mail-from: '{from}' is no address"))?;
        let parsed = Url::parse(url).map_err(|error| format!("smtp-url: not a URL ({error})"))?;
        let host = parsed.host_str().filter(|_| matches!(parsed.scheme(), "smtp" | "smtps"));
        let host = host.ok_or("smtp-url: give smtp:// or smtps:// with a host")?;
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
            .map_err(|_| "smtp-url: this is no SMTP server's URL".to_owned())?;
        let local = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
        let builder = if parsed.scheme() == "smtp" && !local {
            let tls = TlsParameters::new(host.to_owned()).map_err(|error| format!("smtp-url: {error}"))?;
            builder.tls(lettre::transport::smtp::client::Tls::Required(tls))
        } else {
            builder
        };
        let transport = builder.timeout(Some(std::time::Duration::from_secs(20))).build();
        Ok(Self { transport, from })
    }

    /// A letter as it goes out (RFC 5322, RFC 2045). Sent again, it keeps its id, by which mailboxes know it; that it was
    /// sent by a machine keeps absence notices away (RFC 3834), and a notice says where to have no more (RFC 2369).
    fn message(&self, letter: &store::Waiting, public_url: &Url) -> Result<Message, String> {
        let to: Mailbox = letter.recipient.parse().map_err(|_| "the address is none".to_owned())?;
        let header = |name: &'static str, value: String| {
            HeaderName::new_from_ascii(name.to_owned()).map(|name| HeaderValue::new(name, value))
        };
        let header = |name, value| header(name, value).map_err(|error| error.to_string());
        let mut message = Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(&letter.subject)
            .message_id(Some(format!("<{}.{}@{}>", letter.id, letter.about_id, self.from.email.domain())))
            .raw_header(header("Auto-Submitted", "auto-generated".into())?);
        if letter.notice {
            let fewer = public_url.join("account#profile").map_err(|error| error.to_string())?;
            message = message.raw_header(header("List-Unsubscribe", format!("<{fewer}>"))?);
        }
        message.singlepart(SinglePart::plain(letter.body.clone())).map_err(|error| error.to_string())
    }

    async fn send(&self, letter: &store::Waiting, public_url: &Url) -> Result<(), String> {
        let message = self.message(letter, public_url)?;
        self.transport.send(message).await.map(|_| ()).map_err(|error| error.to_string())
    }
}

/// A letter to be sent.
#[derive(Debug, Clone)]
pub struct Letter<'a> {
    /// Whom it is for.
    pub to: &'a str,
    /// Its subject.
    pub subject: String,
    /// Its text.
    pub text: String,
    /// The record that it is about.
    pub about: (&'static str, Uuid),
    /// Whether someone may have said that they want none such.
    pub kind: Kind,
}

/// What a letter is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It tells of something: those who said so get none.
    Notice,
    /// It carries what is needed, such as a link to answer by.
    Needed,
}

/// Puts a letter in the way, within the transaction of what it tells of.
pub async fn write(
    conn: &mut PgConnection,
    letter: Letter<'_>,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<(), Error> {
    store::insert(conn, &letter, now).await
}

/// Puts the same letter in the way of several people.
pub async fn write_to_each(
    conn: &mut PgConnection,
    people: &[String],
    letter: Letter<'_>,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<(), Error> {
    for to in people {
        store::insert(conn, &Letter { to, ..letter.clone() }, now).await?;
    }
    Ok(())
}

/// Sends what waits; how many letters went out. None where no server is configured.
pub async fn deliver(app: &App) -> Result<usize, Error> {
    let Some(post) = app.config.post.as_ref() else { return Ok(0) };
    let mut sent = 0;
    while !app.stop.is_requested() {
        let now = app.clock.now();
        // It is ours for five minutes; nothing is held while the server is talked to.
        let taken = store::take(&mut *app.db.housekeeping().await?, now, now + TimeDelta::minutes(5)).await?;
        let Some(letter) = taken else { break };
        match post.send(&letter, &app.config.public_url).await {
            Ok(()) => {
                sent += 1;
                settle(app, &letter, "mail.sent").await?;
            }
            Err(error) if letter.attempts + 1 >= ATTEMPTS => {
                tracing::error!(%error, about = letter.about_kind, id = %letter.about_id, "a letter was given up");
                settle(app, &letter, "mail.given_up").await?;
            }
            Err(error) => {
                tracing::warn!(%error, about = letter.about_kind, id = %letter.about_id, "a letter is tried again later");
                let pause = TimeDelta::minutes(1 << letter.attempts.clamp(0, 10));
                store::later(&mut *app.db.housekeeping().await?, letter.id, now + pause).await?;
            }
        }
    }
    Ok(sent)
}

/// Takes a letter out of the queue and records what became of it, without its text: both or neither.
/// Should Muster stop before, the letter goes out once more rather than unrecorded.
async fn settle(app: &App, letter: &store::Waiting, action: &'static str) -> Result<(), Error> {
    let actor = Actor::job("system:mail", Uuid::now_v7().to_string());
    let detail = json!({ "about": format!("{} {}", letter.about_kind, letter.about_id), "subject": letter.subject });
    let mut tx = app.db.write(&actor).await?;
    store::remove(tx.conn(), letter.id).await?;
    tx.record(Event::happened(action, "mail", Some(letter.about_id), detail)).await?.commit().await
}

#[cfg(test)]
mod tests {
    use super::Post;

    #[test]
    fn what_is_no_server_is_refused_without_its_password() {
        let faults =
            [("http://x", "a@b.example"), ("smtp://", "a@b.example"), ("smtp://u:topsecret@mail.example", "nobody")];
        for (url, from) in faults {
            let fault = Post::new(url, from).expect_err("refused");
            assert!(!fault.contains("topsecret"), "{fault}");
        }
        assert!(Post::new("smtp://127.0.0.1:2525", "Muster <muster@example.com>").is_ok());
    }
}
