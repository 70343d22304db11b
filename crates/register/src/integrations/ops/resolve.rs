//! From what a content names to the records behind it, and who may propose it.

use uuid::Uuid;

use crate::integrations::{
    Integration, IntegrationContent, Refs,
    store::references::{self, Extra, Found, Name},
};
use base::{
    db::WriteTx,
    error::{Error, FieldErrors},
    slugs, text,
};
use identity::{Actor, Permission};

/// Where a name stands in the content.
struct Place {
    pointer: String,
    name: Name,
}

fn places(content: &IntegrationContent) -> Vec<Place> {
    let mut all = Vec::new();
    let mut push = |pointer: String, kind: &'static str, key: &str, parent: &str| {
        all.push(Place { pointer, name: Name { kind, key: key.to_owned(), parent: parent.to_owned() } });
    };
    push("/system".into(), "system", &content.system, "");
    push("/api".into(), "api", &content.api, "");
    if let Some(version) = &content.version {
        push("/version".into(), "version", version, &content.api);
    }
    let owners = [
        ("/business_owner", &content.business_owner),
        ("/technical_owner", &content.technical_owner),
        ("/backup_owner", &content.backup_owner),
    ];
    for (pointer, owner) in owners {
        if let Some(owner) = owner {
            push(pointer.into(), "team", owner, "");
        }
    }
    for (n, flow) in content.data_flows.iter().enumerate() {
        push(format!("/data_flows/{n}/data_class"), "data_class", &flow.data_class, "");
    }
    for (n, upstream) in content.upstreams.iter().enumerate() {
        if let Some(api) = &upstream.api {
            push(format!("/upstreams/{n}/api"), "api", api, "");
        } else if let Some(vendor) = &upstream.vendor {
            push(format!("/upstreams/{n}/vendor"), "vendor", vendor, "");
        }
    }
    all
}

fn word(kind: &str) -> &'static str {
    match kind {
        "system" => "system",
        "api" => "API",
        "version" => "version of this API",
        "team" => "team",
        "vendor" => "vendor",
        _ => "data class",
    }
}

/// The one record that a name means, or what is wrong with the name.
fn the_one<'a>(name: &Name, found: &[&'a Found], is_kept: impl Fn(&Found) -> bool) -> Result<&'a Found, String> {
    let Some(first) = found.first() else {
        return Err(format!("There is no {} '{}'.", word(name.kind), text::clip(&name.key, 100)));
    };
    if first.rank == 3 && found.len() > 1 {
        let slugs: Vec<&str> = found.iter().map(|found| found.slug.as_str()).collect();
        return Err(format!("Several have this name: write {}.", slugs.join(" or ")));
    }
    if first.state == "retired" && !is_kept(first) {
        return Err(format!("{} is retired. Choose another.", first.name));
    }
    Ok(first)
}

/// Tidies and checks a content, finds every record that it names, and gives it a name and a slug.
/// `present` is the integration that it is for, where there is one: what it names already may have
/// retired meanwhile, what is named anew may not.
pub async fn resolve_in<S>(
    tx: &mut WriteTx<S>,
    present: Option<&Integration>,
    content: IntegrationContent,
) -> Result<(IntegrationContent, Refs), Error> {
    let mut content = content.checked()?;
    let places = places(&content);
    let mut names: Vec<Name> = places.iter().map(|place| place.name.clone()).collect();
    names.extend(slug_candidate(&content));
    let found = references::find(tx.conn(), &names).await?;
    let kept: Vec<Name> = present
        .map(|present| self::places(&present.content))
        .unwrap_or_default()
        .into_iter()
        .map(|place| place.name)
        .collect();
    let mut errors = FieldErrors::new();
    let mut records: Vec<Option<&Found>> = Vec::with_capacity(places.len());
    for (place, n) in places.iter().zip(1_i64..) {
        let matching: Vec<&Found> = found.iter().filter(|found| found.n == n).collect();
        let is_kept = |found: &Found| kept.iter().any(|name| name.kind == place.name.kind && name.key == found.slug);
        let one =
            the_one(&place.name, &matching, is_kept).map_err(|message| errors.add(place.pointer.clone(), message));
        records.push(one.ok());
    }
    errors.finish()?;
    let records: Vec<&Found> = records.into_iter().flatten().collect();
    let refs = take_up(&mut content, &records)?;
    let made = content.slug.is_empty();
    name_it(&mut content, &records, &found, present.map(|present| present.id));
    if made && present.is_none_or(|present| present.content.slug != content.slug) {
        let slug = content.slug.clone();
        slugs::number(tx.conn(), "integration", &content.name, (&slug, &mut content.slug)).await?;
    }
    Ok((content, refs))
}

/// The slug that would be made, to see whether it is free.
fn slug_candidate(content: &IntegrationContent) -> Option<Name> {
    let slug = if content.slug.is_empty() && !content.name.is_empty() {
        text::slug(&content.name, "integration")
    } else {
        return None;
    };
    Some(Name { kind: "integration", key: slug, parent: String::new() })
}

fn take_up(content: &mut IntegrationContent, records: &[&Found]) -> Result<Refs, Error> {
    let mut refs = Refs::default();
    let mut left = records.iter();
    let mut next = || left.next().ok_or_else(|| Error::internal("a name without its record"));
    let system = next()?;
    let Extra { kind, team, .. } = system.extra;
    (refs.system, refs.system_kind, refs.system_team) = (system.id, kind, team);
    content.system = system.slug.clone();
    let api = next()?;
    (refs.api, refs.vendor) = (api.id, api.extra.vendor.unwrap_or_default());
    content.api = api.slug.clone();
    refs.names.extend([system.name.clone(), api.name.clone()]);
    refs.names.extend(api.extra.vendor_name.clone());
    if let Some(version) = &mut content.version {
        let found = next()?;
        refs.version = Some(found.id);
        *version = found.slug.clone();
    }
    let owners = [
        (&mut content.business_owner, &mut refs.business_owner),
        (&mut content.technical_owner, &mut refs.technical_owner),
        (&mut content.backup_owner, &mut refs.backup_owner),
    ];
    for (slug, id) in owners {
        if let Some(slug) = slug {
            let team = next()?;
            *id = Some(team.id);
            *slug = team.slug.clone();
            refs.names.push(team.name.clone());
        }
    }
    let mut flows = Vec::new();
    for mut flow in std::mem::take(&mut content.data_flows) {
        let class = next()?;
        let sensitivity = class.extra.sensitivity.ok_or_else(|| Error::internal("a class without sensitivity"))?;
        flow.data_class = class.slug.clone();
        flows.push((flow, (class.id, sensitivity)));
    }
    content.data_flows = flows.iter().map(|(flow, _)| flow.clone()).collect();
    content.order_flows()?;
    flows.sort_by(|(a, _), (b, _)| (&a.data_class, a.direction).cmp(&(&b.data_class, b.direction)));
    refs.data_classes = flows.into_iter().map(|(_, class)| class).collect();
    for upstream in &mut content.upstreams {
        let found = next()?;
        refs.upstreams.push(found.id);
        let slug = Some(found.slug.clone());
        if upstream.api.is_some() { upstream.api = slug } else { upstream.vendor = slug }
    }
    Ok(refs)
}

/// Name and slug where they were left out: 'Stripe API for Web shop'.
fn name_it(content: &mut IntegrationContent, records: &[&Found], found: &[Found], id: Option<Uuid>) {
    if content.name.is_empty()
        && let [system, api, ..] = records
    {
        content.name = text::clip(&format!("{} for {}", api.name, system.name), 200).to_owned();
    }
    if content.slug.is_empty() {
        let plain = text::slug(&content.name, "integration");
        let taken = found.iter().any(|found| found.slug == plain && found.rank == 0 && Some(found.id) != id);
        let parts = format!("{} {}", content.name, content.system);
        content.slug = if taken { text::slug(&parts, "integration") } else { plain };
    }
}

/// Refuses who may not propose this: it takes the right, and for people a team of theirs that owns
/// the system or the integration, now or as proposed. Stewards propose for any team.
pub fn may_propose(actor: &Actor, refs: &Refs, live_owners: &[Uuid]) -> Result<(), Error> {
    actor.require(Permission::Propose)?;
    if actor.person().is_none() || actor.may(Permission::Steward) {
        return Ok(());
    }
    let teams = refs.system_team.into_iter().chain(refs.owners()).chain(live_owners.iter().copied());
    if actor.is_in_team(teams) {
        return Ok(());
    }
    Err(Error::Forbidden(
        "You propose for your own teams: be in the team of the system, or in a team that owns the integration.".into(),
    ))
}
