//! A publication and its life: draft, proposed, published as the next version.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::ToSchema;
use uuid::Uuid;

use base::{audit::Record, error::Error};
use identity::seats::Twice;

/// What can be published.
pub trait Publishable: Clone + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The record's word.
    const KIND: &'static str;
    /// What people call one.
    const NOUN: &'static str;
    /// Its key; does not change.
    fn key(&self) -> &str;
    /// Its title.
    fn title(&self) -> &str;
    /// Tidies and checks; names every fault.
    fn checked(self) -> Result<Self, Error>;
    /// Refuses what is whole but not fit to be published, such as a rule whose tests fail.
    fn ready(&self) -> Result<(), Error>;
    /// Refuses what cannot hold beside another one that does.
    fn beside(&self, _other: &Self) -> Result<(), Error> {
        Ok(())
    }
    /// The review groups that it names.
    fn groups(&self) -> Vec<NamedGroup> {
        Vec::new()
    }
    /// Where these decide one after the other: whether one person may do so for several. None where each
    /// is called in by itself.
    fn twice(&self) -> Option<Twice> {
        None
    }
    /// For lists: how it acts, and how grave it is.
    fn facets(&self) -> (&'static str, &'static str) {
        ("", "")
    }
}

/// A review group that is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedGroup {
    /// Where: an RFC 6901 pointer.
    pub pointer: String,
    /// Its slug.
    pub group: String,
    /// How many of it have to approve.
    pub approvals: usize,
}

/// That somebody asks for its publication.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Proposal {
    /// Who.
    pub by: Uuid,
    /// When.
    pub at: DateTime<Utc>,
}

/// What is being written.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Draft<C> {
    /// The next version as it stands.
    pub content: C,
    /// Who wrote at it; they do not publish it.
    pub edited_by: Vec<Uuid>,
    /// Whether it waits for a second person.
    pub proposal: Option<Proposal>,
}

/// What holds.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Published<C> {
    /// From 1 on.
    pub version: i32,
    /// What it says.
    pub content: C,
}

/// A published version on record.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Version<C> {
    /// From 1 on.
    pub version: i32,
    /// What it says.
    pub content: C,
    /// Who wrote at it.
    pub edited_by: Vec<Uuid>,
    /// Who asked for it; nobody where Muster brought it along.
    pub proposed_by: Option<Uuid>,
    /// Who published it.
    pub published_by: Option<Uuid>,
    /// When.
    pub published_at: DateTime<Utc>,
}

/// The published versions of one, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Versions<C> {
    /// The versions.
    pub items: Vec<Version<C>>,
}

/// A rule, workflow or questionnaire with its draft and what holds.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Publication<C> {
    /// Immutable id.
    pub id: Uuid,
    /// Rises with each change.
    pub revision: i64,
    /// What is being written.
    pub draft: Option<Draft<C>>,
    /// What holds.
    pub published: Option<Published<C>>,
    /// When it was begun.
    pub created_at: DateTime<Utc>,
    /// When anything of it last changed.
    pub updated_at: DateTime<Utc>,
}

impl<C: Publishable> Record for Publication<C> {
    const KIND: &'static str = C::KIND;
    fn id(&self) -> Uuid {
        self.id
    }
    fn revision(&self) -> i64 {
        self.revision
    }
}

impl<C: Publishable> Publication<C> {
    /// What people look at: the draft where there is one, else what holds.
    pub fn shown(&self) -> Result<&C, Error> {
        let draft = self.draft.as_ref().map(|draft| &draft.content);
        let published = self.published.as_ref().map(|published| &published.content);
        draft.or(published).ok_or_else(|| Error::internal("a publication without any content"))
    }

    /// Somebody writes at the draft; a proposal of something else falls.
    pub fn edit(self, content: C, by: Option<Uuid>, now: DateTime<Utc>) -> Result<Self, Error> {
        if content.key() != self.shown()?.key() {
            return Err(Error::field("/key", "A key does not change. Begin another one instead."));
        }
        let mut edited_by = self.draft.as_ref().map(|draft| draft.edited_by.clone()).unwrap_or_default();
        edited_by.extend(by);
        edited_by.sort_unstable();
        edited_by.dedup();
        let draft = Some(Draft { content, edited_by, proposal: None });
        Ok(Self { draft, revision: self.revision + 1, updated_at: now, ..self })
    }

    /// Somebody asks for publication.
    pub fn propose(self, by: Uuid, now: DateTime<Utc>) -> Result<Self, Error> {
        let Some(draft) = self.draft else {
            return Err(Error::Conflict("There is no draft to propose. Edit it first.".into()));
        };
        if draft.proposal.is_some() {
            return Err(Error::Conflict("It is proposed already; a second person publishes it.".into()));
        }
        if self.published.as_ref().is_some_and(|published| published.content == draft.content) {
            return Err(Error::Conflict("The draft says what is published already.".into()));
        }
        draft.content.ready()?;
        let draft = Some(Draft { proposal: Some(Proposal { by, at: now }), ..draft });
        Ok(Self { draft, revision: self.revision + 1, updated_at: now, ..self })
    }

    /// A second person publishes what was proposed: somebody who neither proposed nor wrote it.
    pub fn publish(self, by: Uuid, now: DateTime<Utc>) -> Result<(Self, Version<C>), Error> {
        let Some((draft, proposal)) = self.draft.as_ref().and_then(|draft| Some((draft, draft.proposal?))) else {
            return Err(Error::Conflict("Nothing is proposed.".into()));
        };
        if proposal.by == by {
            return Err(Error::Forbidden("You proposed this; somebody else publishes it.".into()));
        }
        if draft.edited_by.contains(&by) {
            return Err(Error::Forbidden("You wrote at this draft; somebody else publishes it.".into()));
        }
        draft.content.ready()?;
        let version = Version {
            version: self.published.as_ref().map_or(0, |published| published.version) + 1,
            content: draft.content.clone(),
            edited_by: draft.edited_by.clone(),
            proposed_by: Some(proposal.by),
            published_by: Some(by),
            published_at: now,
        };
        let published = Some(Published { version: version.version, content: version.content.clone() });
        Ok((Self { draft: None, published, revision: self.revision + 1, updated_at: now, ..self }, version))
    }

    /// The draft is given up.
    pub fn discard(self, now: DateTime<Utc>) -> Result<Self, Error> {
        if self.draft.is_none() {
            return Err(Error::Conflict("There is no draft.".into()));
        }
        if self.published.is_none() {
            return Err(Error::Conflict("Nothing of it is published yet: edit the draft instead.".into()));
        }
        Ok(Self { draft: None, revision: self.revision + 1, updated_at: now, ..self })
    }
}
