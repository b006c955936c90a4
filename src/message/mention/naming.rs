//! Whom a content names, found out before the transaction that writes it, and checked there by one number.

use super::{Named, People};
use crate::chatroom::Member;
use crate::db::Reader;
use crate::error::Result;
use crate::id::{MessageId, RoomId};
use crate::message::{self, Content};
use crate::{params, sql};
use std::borrow::Cow;

/// Who was in the room when it was asked whom a text names.
#[derive(Debug)]
pub struct Snapshot {
    basis: Basis,
    people: People,
}

/// What the answer to whom a text names rests on: while it is the same, so is the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Basis {
    room: RoomId,
    /// The revision of the latest change of a member.
    members: i64,
    /// The message's place; of one that is not there yet, behind all others.
    position: i64,
    /// The rendered text that an edit replaces.
    before: String,
}

/// Whom a text names, and how that looks.
#[derive(Debug, Clone)]
pub struct Naming {
    basis: Basis,
    named: Named,
    html: String,
    excerpt: String,
}

/// Where a text is to stand.
#[derive(Debug, Clone, Copy)]
pub(in crate::message) enum Place<'a> {
    /// Behind everything else in the room.
    New,
    /// In place of what a message says: its position and its rendered text.
    Of(i64, &'a str),
}

impl Basis {
    fn read(db: &mut Reader<'_>, room: RoomId, place: Place<'_>) -> Result<Self> {
        let members = db.first(
            sql!("select revision from chatroom_member where chatroom_id = $1 order by revision desc limit 1"),
            params![room],
            |row| row.get("revision"),
        )?;
        let (position, before) = match place {
            Place::New => (i64::MAX, ""),
            Place::Of(position, before) => (position, before),
        };
        Ok(Self { room, members: members.unwrap_or(0), position, before: before.to_owned() })
    }
}

impl Naming {
    /// How the text looks.
    pub fn html(&self) -> &str {
        &self.html
    }
}

impl Snapshot {
    /// The people of a member's room, for a text that is to stand in place of a message or is a new one.
    ///
    /// # Errors
    /// Those of the store. A message that is not there is left to the act itself.
    pub fn read(db: &mut Reader<'_>, member: &Member, edits: Option<MessageId>) -> Result<Self> {
        let message = match edits {
            Some(id) => message::find(db, member, id)?,
            None => None,
        };
        let place = match &message {
            Some(message) => Place::Of(message.position, &message.body_html),
            None => Place::New,
        };
        let basis = Basis::read(db, member.room(), place)?;
        Self::on(basis, db, member)
    }

    fn on(basis: Basis, db: &mut Reader<'_>, member: &Member) -> Result<Self> {
        let people = People::read(db, member, basis.position, &basis.before)?;
        Ok(Self { basis, people })
    }

    /// Whom a content names among them.
    pub fn naming(self, content: &Content) -> Naming {
        let mut named = Named::default();
        let (html, excerpt) = content.fill(&self.people, &mut named);
        Naming { basis: self.basis, named, html, excerpt }
    }
}

/// A content in its place: its HTML, its excerpt, and whom it names.
#[derive(Debug)]
pub(in crate::message) struct Resolved<'a> {
    pub(in crate::message) html: Cow<'a, str>,
    pub(in crate::message) excerpt: Cow<'a, str>,
    pub(in crate::message) named: Cow<'a, Named>,
}

/// What a content says in its place. What was found out before the transaction holds unless a member came, left or changed meanwhile; then
/// it is found out once more. Nothing is parsed or rendered here.
pub(in crate::message) fn resolve<'a>(
    db: &mut Reader<'_>,
    member: &Member,
    content: &'a Content,
    place: Place<'_>,
) -> Result<Resolved<'a>> {
    if !content.may_name() {
        let named = Cow::Owned(Named::default());
        return Ok(Resolved { html: content.html().into(), excerpt: content.excerpt().into(), named });
    }
    let basis = Basis::read(db, member.room(), place)?;
    if let Some(known) = content.naming().filter(|known| known.basis == basis) {
        let (html, excerpt) = (known.html.as_str().into(), known.excerpt.as_str().into());
        return Ok(Resolved { html, excerpt, named: Cow::Borrowed(&known.named) });
    }
    let Naming { named, html, excerpt, .. } = Snapshot::on(basis, db, member)?.naming(content);
    Ok(Resolved { html: html.into(), excerpt: excerpt.into(), named: Cow::Owned(named) })
}
