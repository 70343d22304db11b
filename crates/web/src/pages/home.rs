//! The start: what each role comes for. Every number is a link to its list.

use askama::Template;
use axum::{Router, extract::State, response::Response, routing::get};
use chrono::NaiveDate;

use super::{
    Shell,
    charts::{Bars, YearStrip},
    html,
    integrations::cells,
    list::Cell,
    view::{EventView, ago},
};
use crate::{
    Web,
    error::PageError,
    extract::{Pairs, Signed},
};
use base::{
    audit::{self, AuditFilter},
    drafts,
    error::Error,
    lists::{self, Alike, Count, Facet, Query, Spec},
};
use governance::{
    approvals::ops::{self as approvals, RequestRow},
    assessments::ops as assessments,
    campaigns::ops as campaigns,
    dashboard,
    policy::ops as policy,
};
use identity::{GroupKind, Permission, Role};
use register::{
    catalog::{Sensitivity, ops as catalog},
    integrations::ops::{self as uses, CredentialRow, IntegrationRow},
};

pub fn router() -> Router<Web> {
    Router::new().route("/", get(home))
}

/// A number that is a link.
struct Stat {
    count: Count,
    label: String,
    href: String,
    hot: bool,
}

/// A request in a list of the home page.
struct Waiting {
    row: RequestRow,
    age: String,
    old: bool,
    class: &'static str,
}

/// Requests that wait, from where somebody stands.
struct Block {
    title: &'static str,
    href: String,
    waiting: Vec<Waiting>,
}

/// A credential in a list of the home page.
struct Due {
    row: CredentialRow,
    cell: Cell,
}

/// One facet as a small table of links.
struct Division {
    title: &'static str,
    path: &'static str,
    facet: Facet,
}

#[derive(Template)]
#[template(path = "home/index.html")]
struct HomePage {
    shell: Shell,
    greeting: String,
    lead: String,
    stats: Vec<Stat>,
    blocks: Vec<Block>,
    due: Vec<Due>,
    mine: Vec<IntegrationRow>,
    mine_href: String,
    strip: Option<YearStrip>,
    times: Option<Bars>,
    divisions: Vec<Division>,
    events: Vec<EventView>,
    events_title: String,
    may_propose: bool,
    empty: bool,
}

impl HomePage {
    fn shown(&self, n: &i64) -> Count {
        Count(*n)
    }
    fn level(&self, facet: &Facet, value: &str) -> Option<u8> {
        (facet.name == "sensitivity").then(|| value.parse::<Sensitivity>().ok()).flatten().map(Sensitivity::level)
    }
    fn state_class(&self, row: &IntegrationRow) -> &'static str {
        cells::state_class(&row.state)
    }
    fn label(&self, key: &str) -> String {
        base::words::label(key)
    }
}

/// Who looks, and on which day.
struct Look<'a> {
    web: &'a Web,
    signed: &'a Signed,
    today: NaiveDate,
}

type Pair = (String, String);

fn pairs(text: &str) -> Vec<Pair> {
    url::form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

impl Look<'_> {
    fn has(&self, role: Role) -> bool {
        self.signed.actor.authority.roles.contains(&role)
    }

    /// A number with the list that it counts: path and query.
    async fn stat(&self, spec: &'static Spec, label: &str, href: String) -> Result<Stat, Error> {
        let question = href.split_once('?').map_or("", |(_, query)| query);
        let query = Query::parse(spec, &pairs(question), &["sort"])?;
        let count = lists::ops::list_total(&self.web.app, &self.signed.actor, spec, &query).await?;
        Ok(Stat { count, label: label.into(), href, hot: false })
    }

    async fn rows<R>(&self, spec: &'static Spec, question: &str, limit: usize) -> Result<Vec<R>, Error>
    where
        R: for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow> + Send + Unpin,
    {
        let mut asked = pairs(question);
        asked.push(("limit".into(), limit.to_string()));
        let query = Query::parse(spec, &asked, &[])?;
        Ok(lists::ops::list::<R>(&self.web.app, &self.signed.actor, spec, &query).await?.rows)
    }

    async fn waiting(&self, question: &str) -> Result<Vec<Waiting>, Error> {
        let now = self.web.app.clock.now();
        let rows = self.rows::<RequestRow>(&approvals::REQUESTS, question, 8).await?;
        let waiting = |row: RequestRow| {
            let since = row.waiting_since.unwrap_or(row.updated_at);
            Waiting {
                age: ago(since, now).trim_end_matches(" ago").to_owned(),
                old: row.state == "open" && (now - since).num_days() > 7,
                class: cells::request_class(&row.state),
                row,
            }
        };
        Ok(rows.into_iter().map(waiting).collect())
    }

    async fn due(&self, question: &str) -> Result<Vec<Due>, Error> {
        let rows = self.rows::<CredentialRow>(&uses::CREDENTIALS, question, 6).await?;
        Ok(rows.into_iter().map(|row| Due { cell: cells::rotation(row.next_rotation_on, self.today), row }).collect())
    }

    /// The slugs of one's teams or review groups, as a query.
    async fn groups(&self, kind: GroupKind, name: &str) -> Result<Option<String>, Error> {
        let authority = &self.signed.actor.authority;
        let ids = if kind == GroupKind::Team { &authority.teams } else { &authority.review_groups };
        if ids.is_empty() {
            return Ok(None);
        }
        let groups = identity::ops::get_groups(&self.web.app, &self.signed.actor, kind, ids).await?;
        let parts: Vec<String> = groups.iter().map(|group| format!("{name}={}", group.content.slug)).collect();
        Ok(Some(parts.join("&")))
    }

    async fn divisions(&self, names: &[(&'static str, &'static str)]) -> Result<Vec<Division>, Error> {
        let query = Query::parse(&uses::INTEGRATIONS, &[], &[])?;
        let counted =
            lists::ops::list_facets(&self.web.app, &self.signed.actor, &uses::INTEGRATIONS, &query, Alike::No).await?;
        let one = |(name, title): &(&'static str, &'static str)| {
            let facet = counted.1.iter().find(|facet| facet.name == *name)?.clone();
            (!facet.values.is_empty()).then_some(Division { title, path: "/integrations", facet })
        };
        Ok(names.iter().filter_map(one).collect())
    }

    async fn strip(&self) -> Result<YearStrip, Error> {
        let weeks = uses::rotation_weeks(&self.web.app, &self.signed.actor, self.today).await?;
        Ok(YearStrip::new(&weeks, self.today))
    }
}

async fn home(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    let shell = Shell::new(&web, &signed, "/", "Home", &pairs).await?;
    let look = Look { web: &web, signed: &signed, today: web.app.today().await? };
    let name = shell.name().split(' ').next().unwrap_or_default().to_owned();
    let everything = Query::parse(&uses::INTEGRATIONS, &[], &[])?;
    let total = lists::ops::list_total(&web.app, &signed.actor, &uses::INTEGRATIONS, &everything).await?;
    let mut page = HomePage {
        greeting: format!("Hello, {name}"),
        lead: String::new(),
        stats: Vec::new(),
        blocks: Vec::new(),
        due: Vec::new(),
        mine: Vec::new(),
        mine_href: "/integrations".into(),
        strip: None,
        times: None,
        divisions: Vec::new(),
        events: Vec::new(),
        events_title: String::new(),
        may_propose: signed.actor.may(Permission::Propose),
        empty: total.0 == 0,
        shell,
    };
    if look.has(Role::Auditor) {
        auditor(&look, &mut page).await?;
        return html(&page);
    }
    // Whoever has several roles comes for all of them.
    let governs = look.has(Role::GovernanceLead) || look.has(Role::Admin);
    let mut leads = Vec::new();
    if look.has(Role::Reviewer) {
        leads.push(reviewer(&look, &mut page).await?);
    }
    if governs {
        leads.push(lead(&look, &mut page).await?);
    }
    if look.has(Role::Requester) || !(governs || look.has(Role::Reviewer)) {
        leads.push(requester(&look, &mut page).await?);
    }
    others(&look, &mut page).await?;
    page.lead = leads.join(" ");
    let mut seen = std::collections::HashSet::new();
    page.stats.retain(|stat| seen.insert(stat.href.clone()));
    html(&page)
}

/// What one asked for or decided on, and somebody else has to go on with.
async fn others(look: &Look<'_>, page: &mut HomePage) -> Result<(), Error> {
    let Some(me) = look.signed.actor.person() else { return Ok(()) };
    let href = format!("awaits_others_for={me}&sort=waiting_since");
    let waiting = look.waiting(&href).await?;
    page.blocks.push(Block { title: "Waiting for others", href: format!("/requests?{href}"), waiting });
    Ok(())
}

/// My integrations and requests, and what is due.
async fn requester(look: &Look<'_>, page: &mut HomePage) -> Result<String, Error> {
    let me = look.signed.actor.person().map(|me| me.to_string()).unwrap_or_default();
    let mine = format!("participant={me}&state=draft&state=changes_requested");
    let waiting = look.waiting(&format!("{mine}&sort=waiting_since")).await?;
    let back = waiting.iter().filter(|waiting| waiting.row.state == "changes_requested").count();
    let told = match back {
        0 => "What your teams use, and what waits.".into(),
        1 => "One request came back to you.".into(),
        n => format!("{n} requests came back to you."),
    };
    page.blocks.push(Block { title: "My requests", href: format!("/requests?participant={me}"), waiting });
    let open = format!("{mine}&state=open");
    page.stats.push(look.stat(&approvals::REQUESTS, "open requests of yours", format!("/requests?{open}")).await?);
    // Without a team there is nothing of one's own to look for among all.
    let Some(teams) = look.groups(GroupKind::Team, "team").await? else {
        return Ok("You are in no team yet: an admin puts you into one, and you register for it.".into());
    };
    page.due =
        look.due(&format!("{teams}&standing=active&standing=due&standing=overdue&sort=next_rotation_on")).await?;
    page.mine = look.rows::<IntegrationRow>(&uses::INTEGRATIONS, &format!("{teams}&sort=-updated_at"), 8).await?;
    page.mine_href = format!("/integrations?{teams}");
    let due = format!("/credentials?{teams}&standing=due&standing=overdue");
    let gaps = format!("/integrations?{teams}&gap=no_business_owner&gap=no_technical_owner&gap=no_backup_owner");
    page.stats.extend([
        look.stat(&uses::INTEGRATIONS, "integrations of your teams", page.mine_href.clone()).await?,
        hot(look.stat(&uses::CREDENTIALS, "credentials due or overdue", due).await?),
        look.stat(&uses::INTEGRATIONS, "of them lack an owner or backup", gaps).await?,
        look.stat(&policy::VIOLATIONS, "open violations of theirs", format!("/violations?{teams}&standing=open"))
            .await?,
    ]);
    let owned = teams.replace("team=", "owner=");
    let items = format!("/review-items?{owned}&state=pending&state=escalated");
    let answers = format!("/assessments?{teams}&standing=sent&standing=answering");
    let owed = format!("/conditions?{owned}&standing=open&standing=overdue&sort=due_on");
    let late = format!("/conditions?{owned}&standing=overdue&sort=due_on");
    let asked = [
        look.stat(&campaigns::REVIEW_ITEMS, "to be certified again", items).await?,
        look.stat(&assessments::ASSESSMENTS, "assessments to answer", answers).await?,
        look.stat(&approvals::CONDITIONS, "conditions to meet", owed).await?,
        hot(look.stat(&approvals::CONDITIONS, "conditions overdue", late).await?),
    ];
    page.stats.extend(asked.into_iter().filter(|stat| stat.count.0 > 0));
    Ok(told)
}

fn hot(stat: Stat) -> Stat {
    Stat { hot: stat.count.0 > 0, ..stat }
}

/// What waits for me, by age: by my groups, by what came up to them, and for whoever is away.
async fn reviewer(look: &Look<'_>, page: &mut HomePage) -> Result<String, Error> {
    let me = look.signed.actor.person().map(|me| me.to_string()).unwrap_or_default();
    let href = format!("/requests?decider={me}&sort=waiting_since");
    let waiting = look.waiting(&format!("decider={me}&sort=waiting_since")).await?;
    let stat = look.stat(&approvals::REQUESTS, "decisions wait for you", href.clone()).await?;
    let told = match (stat.count.0, waiting.first()) {
        (0, _) => "Nothing waits for you.".into(),
        (1, Some(first)) => format!("One decision waits, for {}.", first.age),
        (n, Some(first)) => format!("{n} decisions wait, the oldest for {}.", first.age),
        (n, None) => format!("{n} decisions wait."),
    };
    page.blocks.push(Block { title: "Waiting for you", href, waiting });
    page.stats.extend([
        hot(stat),
        look.stat(&approvals::REQUESTS, "requests you decided on", format!("/requests?decided_by={me}")).await?,
        look.stat(&catalog::VENDORS, "vendors nobody has verified", "/vendors?state=active&verified=no".into()).await?,
        hot(look
            .stat(
                &assessments::ASSESSMENTS,
                "assessments to look at",
                "/assessments?standing=submitted&standing=reviewed".into(),
            )
            .await?),
        look.stat(&assessments::DEMANDS, "assessments wanted", "/assessment-demands?state=open".into()).await?,
        look.stat(
            &uses::INTEGRATIONS,
            "integrations carry restricted data",
            "/integrations?sensitivity=restricted".into(),
        )
        .await?,
    ]);
    page.divisions = look.divisions(&[("sensitivity", "By sensitivity")]).await?;
    page.strip = Some(look.strip().await?);
    Ok(told)
}

/// What changed since the last visit, and the register by vendor, state and sensitivity.
async fn auditor(look: &Look<'_>, page: &mut HomePage) -> Result<(), Error> {
    let (app, actor) = (&look.web.app, &look.signed.actor);
    let since = drafts::visit(app, actor).await?;
    let filter = AuditFilter { newest_first: true, limit: 15, from: since, ..AuditFilter::default() };
    let now = app.clock.now();
    page.events = EventView::all(audit::ops::list(app, actor, &filter).await?, now);
    page.events_title = match since {
        Some(since) => format!("Since your last visit, {}", ago(since, now)),
        None => "What happened last".into(),
    };
    page.lead = "The register as it stands, and what changed.".into();
    page.divisions =
        look.divisions(&[("vendor", "By vendor"), ("state", "By state"), ("sensitivity", "By sensitivity")]).await?;
    page.stats = vec![
        look.stat(&uses::INTEGRATIONS, "integrations", "/integrations".into()).await?,
        look.stat(
            &uses::DATA_FLOWS,
            "flows of restricted data outside the EU",
            "/data-flows?sensitivity=restricted&outside_eu=yes".into(),
        )
        .await?,
        look.stat(&uses::SCOPES, "scopes granted and not approved", "/scopes?granted=yes&approved=no".into()).await?,
        look.stat(&uses::CREDENTIALS, "credentials overdue", "/credentials?standing=overdue".into()).await?,
    ];
    Ok(())
}

/// Gaps, rotation health, approval times.
async fn lead(look: &Look<'_>, page: &mut HomePage) -> Result<String, Error> {
    let (app, actor) = (&look.web.app, &look.signed.actor);
    let waiting = look.waiting("state=open&sort=waiting_since").await?;
    let href = "/requests?state=open&sort=waiting_since".into();
    page.blocks.push(Block { title: "Waiting for decisions", href, waiting });
    page.strip = Some(look.strip().await?);
    let times = dashboard::approval_times(app, actor).await?;
    let bars: Vec<(String, f64)> =
        times.iter().map(|time| (time.month.get(2..).unwrap_or_default().to_owned(), time.median_days)).collect();
    page.times = if bars.is_empty() { None } else { Some(Bars::new("Median days to a decision", "days", &bars)) };
    page.divisions = look.divisions(&[("gap", "Gaps"), ("sensitivity", "By sensitivity")]).await?;
    page.stats.extend([
        hot(look.stat(&policy::EXCEPTIONS, "exceptions asked for", "/exceptions?standing=requested".into()).await?),
        hot(look.stat(&policy::RULES, "rules proposed", "/rules?standing=proposed".into()).await?),
        look.stat(&policy::VIOLATIONS, "open violations", "/violations?standing=open".into()).await?,
        hot(look.stat(&approvals::REQUESTS, "requests wait for a decision", "/requests?state=open".into()).await?),
        hot(look.stat(&uses::CREDENTIALS, "credentials overdue", "/credentials?standing=overdue".into()).await?),
        look.stat(&uses::CREDENTIALS, "credentials due in 30 days", "/credentials?standing=due".into()).await?,
        look.stat(
            &campaigns::REVIEW_ITEMS,
            "to be certified again",
            "/review-items?state=pending&state=escalated".into(),
        )
        .await?,
        look.stat(&uses::SCOPES, "scopes granted and not approved", "/scopes?granted=yes&approved=no".into()).await?,
        hot(look.stat(&approvals::CONDITIONS, "conditions overdue", "/conditions?standing=overdue".into()).await?),
    ]);
    Ok("Gaps, rotation and how long decisions take.".into())
}
