//! An application with a database and a clock of its own.

use axum::Router;
use chrono::{DateTime, Utc};
use muster::{
    app::App,
    clock::Clock,
    db::Db,
    identity::{
        Actor, Authority, NewToken, Origin, Permission, Permissions, Person, PersonContent, Principal, Role,
        ServiceAccountContent, TokenOwner, Via, ops,
    },
    web::{self, Web},
};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};

use super::{
    client::{Browser, Reply},
    cluster,
};

/// An application under test.
pub struct TestApp {
    pub app: App,
    pub web: Web,
    pub router: Router,
    pub clock: Clock,
    pub app_options: PgConnectOptions,
    pub owner_options: PgConnectOptions,
    _dir: tempfile::TempDir,
}

impl TestApp {
    /// A fresh register, at noon on a Monday.
    pub async fn new() -> Self {
        Self::configured(|_| {}).await
    }

    /// The same with letters that go to a server.
    pub async fn mailing(url: &str) -> Self {
        let post = muster::mail::Post::new(url, "Muster <muster@example.com>").expect("a server");
        Self::configured(|config| config.post = Some(post)).await
    }

    /// The same with a configuration of its own.
    pub async fn configured(change: impl FnOnce(&mut muster::config::Config)) -> Self {
        let now: DateTime<Utc> = "2027-03-01T12:00:00Z".parse().expect("a moment");
        Self::at(Clock::fixed(now), change).await
    }

    /// The same at the time of a clock.
    pub async fn at(clock: Clock, change: impl FnOnce(&mut muster::config::Config)) -> Self {
        let (app_options, owner_options) = cluster::database().await;
        let dir = tempfile::tempdir().expect("a folder");
        let db = Db::new(&app_options, 6, clock.clone());
        let mut config = cluster::config(dir.path().to_owned());
        change(&mut config);
        let app = muster::house::app(db, clock.clone(), config, muster::identity::Pepper::from_key([7; 32]));
        let web = Web::new(app.clone());
        Self { router: web::router(web.clone()), web, app, clock, app_options, owner_options, _dir: dir }
    }

    /// The command line as an actor.
    pub fn cli(&self) -> Actor {
        Actor::cli("tester".into(), "test".into())
    }

    /// A person with roles.
    pub async fn person(&self, name: &str, roles: &[Role]) -> Person {
        let email = format!("{}@example.com", uuid::Uuid::new_v4());
        let content = PersonContent { name: name.into(), email, roles: roles.to_vec(), ..PersonContent::default() };
        ops::create_person(&self.app, &self.cli(), content).await.expect("a person")
    }

    /// A person's browser, signed in by link.
    pub async fn browser(&self, name: &str, roles: &[Role]) -> Browser {
        let person = self.person(name, roles).await;
        self.sign_in(&person).await
    }

    /// Signs a person in by link.
    pub async fn sign_in(&self, person: &Person) -> Browser {
        let link = ops::mint_link(&self.app, &self.cli(), person.id).await.expect("a link");
        Browser::sign_in(self.router.clone(), &link.secret).await
    }

    /// A person acting on a page, with the rights, teams and groups that they have now.
    pub async fn page(&self, person: &Person) -> Actor {
        let mut conn = self.owner().await;
        let teams = sqlx::query_scalar("select team_id from team_members where person_id = $1")
            .bind(person.id)
            .fetch_all(&mut conn)
            .await
            .expect("teams");
        let roles = person.content.roles.clone();
        let authority = Authority {
            principal: Principal::Person(person.id),
            name: person.content.name.clone(),
            email: person.content.email.clone(),
            permissions: Permissions::of_roles(&roles),
            roles,
            teams,
            review_groups: Vec::new(),
            token_id: None,
            minted_by: None,
            session: None,
            reading: muster::identity::Reading::default(),
        };
        Actor { authority: authority.into(), via: Via::Page, request_id: "test".into(), origin: Origin::default() }
    }

    /// A service token with scopes.
    pub async fn token(&self, scopes: &[Permission]) -> String {
        let name = format!("script {}", uuid::Uuid::new_v4());
        let content = ServiceAccountContent { name, scopes: scopes.to_vec(), ..ServiceAccountContent::default() };
        let account = ops::create_service_account(&self.app, &self.cli(), content).await.expect("an account");
        let new = NewToken { name: "test".into(), scopes: scopes.to_vec(), expires_in_days: 30 };
        let minted = ops::mint_token(&self.app, &self.cli(), TokenOwner::ServiceAccount(account.id), new)
            .await
            .expect("a token");
        minted.bearer.reveal().to_owned()
    }

    /// Calls the API.
    pub async fn api(
        &self,
        method: &str,
        path: &str,
        token: &str,
        headers: &[(&str, &str)],
        body: Option<serde_json::Value>,
    ) -> Reply {
        let mut all = vec![("authorization", format!("Bearer {token}"))];
        all.extend(headers.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let bytes = body.map(|body| serde_json::to_vec(&body).expect("JSON"));
        if bytes.is_some() && !headers.iter().any(|(name, _)| *name == "content-type") {
            all.push(("content-type", "application/json".into()));
        }
        super::client::send(self.router.clone(), method, path, &all, bytes.unwrap_or_default()).await
    }

    /// How many events are on record.
    pub async fn events(&self) -> i64 {
        let mut conn = self.owner().await;
        sqlx::query_scalar("select count(*) from audit_events").fetch_one(&mut conn).await.expect("counted")
    }

    /// The action of the last event.
    pub async fn last_action(&self) -> String {
        let mut conn = self.owner().await;
        sqlx::query_scalar("select action from audit_events order by ordinal desc limit 1")
            .fetch_one(&mut conn)
            .await
            .expect("an event")
    }

    /// A connection as the owner of the schema.
    pub async fn owner(&self) -> PgConnection {
        PgConnection::connect_with(&self.owner_options).await.expect("owner")
    }

    /// A connection with the application's rights.
    pub async fn as_app(&self) -> PgConnection {
        PgConnection::connect_with(&self.app_options).await.expect("application")
    }
}
