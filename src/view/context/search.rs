//! What the page of a search is given.

use super::{Errors, MemberView, Page};
use crate::chatroom::Room;
use crate::clock::Micros;
use crate::id::{MessageId, RoomId};
use crate::message::search::{Found, Segment};
use crate::user::Name;
use serde::Serialize;

/// `chatroom/search.html`.
#[derive(Debug, Serialize)]
pub struct Search {
    /// The page.
    pub page: Page,
    /// The room that is searched; none means all of the viewer's.
    pub room: Option<Room>,
    /// The viewer's rooms.
    pub rooms: Vec<Room>,
    /// Who is in the room that is searched.
    pub people: Vec<MemberView>,
    /// What was asked.
    pub form: SearchForm,
    /// What is wrong with it.
    pub errors: Errors,
    /// Whether anything was looked for.
    pub has_query: bool,
    /// What was found, newest first.
    pub found: Vec<FoundView>,
    /// Where older results are.
    pub next_url: Option<String>,
}

/// What was asked of a search.
#[derive(Debug, Default, Serialize)]
pub struct SearchForm {
    /// The words.
    pub q: String,
    /// A room's id, or nothing.
    pub room: String,
    /// A person's id, or nothing.
    pub author: String,
    /// YYYY-MM-DD, or nothing.
    pub from: String,
    /// YYYY-MM-DD, or nothing.
    pub to: String,
    /// Only messages with files.
    pub has_file: bool,
}

/// A message that was found.
#[derive(Debug, Serialize)]
pub struct FoundView {
    /// Which.
    pub id: MessageId,
    /// Where.
    pub chatroom_id: RoomId,
    /// What the room is called.
    pub room_title: String,
    /// Whose.
    pub author: Name,
    /// When.
    pub created_at: Micros,
    /// Its text, with what was hit.
    pub excerpt: Vec<Segment>,
    /// The names of its files.
    pub files: Vec<String>,
}

impl From<Found> for FoundView {
    fn from(found: Found) -> Self {
        Self {
            id: found.message.id,
            chatroom_id: found.message.chatroom,
            room_title: found.room_title,
            author: found.message.author,
            created_at: found.message.created_at,
            excerpt: found.excerpt,
            files: found.message.attachments.into_iter().map(|file| file.name).collect(),
        }
    }
}
