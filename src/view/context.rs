//! What templates are given: a type a template, so that a template's needs are written down.

mod goal;
mod people;
mod search;
mod settings;

use crate::chatroom::{Listed, Room};
use crate::clock::Micros;
use crate::goal::Standing;
use crate::id::{GoalId, MessageId, RoomId, UserId};
use crate::message::link::Preview;
use crate::message::{Attachment, Message, Quoted, Reaction, ReplyTo};
use crate::user::sharing::Sharing;
use crate::user::{Name, User};
pub use goal::{GoalEdit, GoalEditView, GoalFormView, GoalIndex, GoalListForm, GoalNew, GoalShow, GoalView};
pub use people::{MemberView, PeopleList, RequestView, mark_alike};
pub use search::{FoundView, Search, SearchForm};
use serde::Serialize;
pub use settings::{ChoicesView, MailLocale, MailPage, NoticeView, Notifications, Settings, Unsubscribe};
use std::collections::BTreeMap;

/// What every page knows: who looks, in which language and theme.
#[derive(Debug, Clone, Serialize)]
pub struct Page {
    /// `fr` or `en`.
    pub locale: &'static str,
    /// `auto`, `light` or `dark`.
    pub theme: &'static str,
    /// The address of the page, to come back to.
    pub path: String,
    /// Whether somebody is signed in.
    pub signed_in: bool,
    /// Who.
    pub viewer: Option<Viewer>,
    /// The browser's texts as JSON, safe inside a script element.
    pub strings: &'static str,
    /// `hybrid`, `mercure` or `polling`.
    pub realtime: &'static str,
    /// A sentence about what was just done.
    pub notice: Option<String>,
}

/// Who looks at a page.
#[derive(Debug, Clone, Serialize)]
pub struct Viewer {
    /// Who.
    #[serde(flatten)]
    pub name: Name,
    /// The address that the person signs in with.
    pub email: String,
    /// Whether the person manages the site.
    pub is_site_admin: bool,
}

impl From<&User> for Viewer {
    fn from(user: &User) -> Self {
        Self { name: user.name.clone(), email: user.email.clone(), is_site_admin: user.is_site_admin }
    }
}

/// Faults by field, in the person's language.
pub type Errors = BTreeMap<String, String>;

/// `security/login.html`.
#[derive(Debug, Serialize)]
pub struct Login {
    /// The page.
    pub page: Page,
    /// What was typed.
    pub form: LoginForm,
    /// What is wrong with it.
    pub errors: Errors,
}

/// What is typed to sign in, but for the password.
#[derive(Debug, Default, Serialize)]
pub struct LoginForm {
    /// The address.
    pub email: String,
    /// Where to go then.
    pub next: String,
}

/// `security/register.html`.
#[derive(Debug, Serialize)]
pub struct Register {
    /// The page.
    pub page: Page,
    /// What was typed.
    pub form: RegisterForm,
    /// What is wrong with it.
    pub errors: Errors,
    /// Whether this account will administer the site.
    pub first_account: bool,
    /// Whether it needs the code that the server printed.
    pub needs_code: bool,
    /// Whether accounts may be opened.
    pub open: bool,
}

/// What is typed to open an account, but for the password.
#[derive(Debug, Default, Serialize)]
pub struct RegisterForm {
    /// The address.
    pub email: String,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// Where to go then.
    pub next: String,
    /// The code of the first account.
    pub code: String,
}

/// `chatroom/marked.html`: what is pinned in a room, or what somebody hid there.
#[derive(Debug, Serialize)]
pub struct Marked {
    /// The page.
    pub page: Page,
    /// The room.
    pub room: RoomId,
    /// What stands above it.
    pub title: String,
    /// `pins` or `hidden`.
    pub kind: &'static str,
    /// Whether the viewer may take the mark away.
    pub may_act: bool,
    /// The messages.
    pub items: Vec<Quoted>,
}

/// What the viewer may do in a goal.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct May {
    /// Approve, refuse, remove members.
    pub decide: bool,
    /// Remove admins.
    pub remove_admins: bool,
    /// Change roles, hand over.
    pub change_roles: bool,
    /// Edit the goal; lock, archive, restore its room; pin.
    pub edit: bool,
    /// Delete it.
    pub delete: bool,
    /// Leave.
    pub leave: bool,
    /// Read the room.
    pub read: bool,
}

impl May {
    /// What somebody of that standing may do.
    pub fn of(standing: Option<Standing>) -> Self {
        use crate::chatroom::Role;
        match standing {
            None => Self::default(),
            Some(Standing::Pending) => Self { leave: true, ..Self::default() },
            Some(Standing::Approved(role)) => Self {
                decide: role.may_moderate(),
                remove_admins: role == Role::Owner,
                change_roles: role == Role::Owner,
                edit: role.may_moderate(),
                delete: role == Role::Owner,
                leave: role != Role::Owner,
                read: true,
            },
        }
    }
}

/// `chatroom/chatroom.html`.
#[derive(Debug, Serialize)]
pub struct Chatroom {
    /// The page.
    pub page: Page,
    /// The room.
    pub room: RoomView,
    /// Its goal.
    pub goal: GoalView,
    /// The viewer's rooms.
    pub rooms: Vec<ListedView>,
    /// The messages, in the order of reading.
    pub entries: Vec<Entry>,
    /// What is pinned, the latest first.
    pub pins: Vec<Quoted>,
    /// The emoji that are one click away: name and emoji.
    pub quick: [(&'static str, &'static str); 4],
    /// For how many minutes after sending a message may be edited; 0 is for ever.
    pub edit_window: i64,
    /// Whether older ones stand above.
    pub has_earlier: bool,
    /// Where they are, for who runs no JavaScript.
    pub earlier_url: Option<String>,
    /// Who is in the room; of a large one some.
    pub members: Vec<MemberView>,
    /// How many are in it.
    pub member_count: i64,
    /// Who asks to join; for those who decide.
    pub requests: Vec<RequestView>,
    /// The viewer's role.
    pub my: &'static str,
    /// What the viewer may do.
    pub may: May,
    /// How much of the room the viewer wants to be told: `all`, `mentions` or `none`.
    pub level: &'static str,
    /// New lines behind the bell.
    pub unseen: i64,
    /// The viewer has read everything up to here.
    pub read_position: i64,
    /// What the viewer shows, and so sees of others.
    pub sharing: Sharing,
    /// The room's count of receipts.
    pub reads: i64,
    /// How far the others have read, as JSON.
    pub marks: String,
    /// Whether that leaves some of them out.
    pub marks_partial: bool,
    /// The person's own top revision: what the page shows of requests and rooms is as new as this.
    pub user_revision: i64,
    /// What was typed.
    pub form: Composer,
    /// The largest file that may be attached, in bytes.
    pub file_limit: u64,
    /// The longest recording that may be sent, in seconds.
    pub voice_limit: u64,
    /// Files of one message, at most.
    pub file_count: usize,
    /// The message that is being edited without JavaScript.
    pub editing: Option<Editing>,
    /// What is wrong with what was typed.
    pub errors: Errors,
}

/// What stands in the composer.
#[derive(Debug, Default, Serialize)]
pub struct Composer {
    /// The text.
    pub content: String,
    /// What it answers.
    pub reply_to: Option<Quoted>,
    /// A fresh nonce: a form sent twice is one message.
    pub client_nonce: String,
}

/// A message that is being edited without JavaScript.
#[derive(Debug, Serialize)]
pub struct Editing {
    /// Which.
    pub id: MessageId,
    /// Its text.
    pub content: String,
}

/// The room of a page.
#[derive(Debug, Serialize)]
pub struct RoomView {
    /// Which.
    pub id: RoomId,
    /// `goal`, `group` or `direct`.
    pub kind: String,
    /// What stands above it.
    pub title: String,
    /// `active`, `locked` or `archived`.
    pub state: &'static str,
    /// Its goal.
    pub goal_id: Option<GoalId>,
    /// The cursor that the page stands at.
    pub revision: i64,
    /// The history that the cursor belongs to.
    pub epoch: String,
    /// The room's topic on the live link.
    pub topic: String,
}

impl RoomView {
    /// The room of a page that stands at a revision.
    pub fn new(room: Room, revision: i64, epoch: &str, topic: String) -> Self {
        Self {
            id: room.id,
            kind: room.kind,
            title: room.title,
            state: room.state.as_str(),
            goal_id: room.goal_id,
            revision,
            epoch: epoch.to_owned(),
            topic,
        }
    }
}

/// A room in the viewer's list.
#[derive(Debug, Serialize)]
pub struct ListedView {
    /// Which.
    pub id: RoomId,
    /// What stands above it.
    pub title: String,
    /// `goal`, `group` or `direct`.
    pub kind: String,
    /// `active`, `locked` or `archived`.
    pub state: &'static str,
    /// Unread messages.
    pub unread: i64,
    /// Those that name the viewer.
    pub mentions: i64,
    /// Whether the viewer wants to hear nothing of it.
    pub muted: bool,
    /// Its top.
    pub revision: i64,
    /// The history that the revision belongs to.
    pub epoch: String,
    /// Whether it is the page's room.
    pub current: bool,
}

impl ListedView {
    /// A room in the list of a page.
    pub fn new(listed: Listed, epoch: &str, current: RoomId) -> Self {
        Self {
            id: listed.room.id,
            title: listed.room.title,
            kind: listed.room.kind,
            state: listed.room.state.as_str(),
            unread: listed.unread,
            mentions: listed.mentions,
            muted: listed.is_muted,
            revision: listed.room.top,
            epoch: epoch.to_owned(),
            current: listed.room.id == current,
        }
    }
}

/// A message in the list: the fragment, and what only this viewer sees around it.
#[derive(Debug, Serialize)]
pub struct Entry {
    /// The fragment.
    pub html: String,
    /// Which message.
    pub id: MessageId,
    /// Its place.
    pub position: i64,
    /// Whose.
    pub author_id: UserId,
    /// Whether the viewer's.
    pub mine: bool,
    /// Whether a tombstone.
    pub deleted: bool,
    /// Whether the viewer may edit it.
    pub may_edit: bool,
    /// Whether the viewer may delete it.
    pub may_delete: bool,
    /// Whether the viewer may pin it.
    pub may_pin: bool,
    /// Whether there are earlier versions that the viewer may see.
    pub has_versions: bool,
    /// Whether it is pinned.
    pub pinned: bool,
    /// Whether the viewer has hidden it.
    pub hidden: bool,
    /// What happened, where the room says it itself.
    pub told: Option<Told>,
    /// What it answers.
    pub quoted: Option<Quoted>,
}

/// What happened in a room, for the words of the page.
#[derive(Debug, Serialize)]
pub struct Told {
    /// A word of [`crate::message::system::What`].
    pub what: String,
    /// Who did it.
    pub name: String,
    /// About whom or what.
    pub about: String,
}

/// What the fragment is made from.
#[derive(Debug, Serialize)]
pub struct Fragment<'a> {
    id: MessageId,
    position: i64,
    revision: i64,
    kind: &'a str,
    client_nonce: &'a str,
    author: &'a Name,
    created_at: Micros,
    edited_at: Option<Micros>,
    deleted: bool,
    reply_to: Option<ReplyTo>,
    system: Option<&'a str>,
    attachments: &'a [Attachment],
    reactions: &'a [Reaction],
    links: &'a [Preview],
    body_html: &'a str,
}

impl<'a> Fragment<'a> {
    /// Takes what everybody may see of a message.
    pub fn new(message: &'a Message) -> Self {
        Self {
            id: message.id,
            position: message.position,
            revision: message.revision,
            kind: &message.kind,
            client_nonce: &message.client_nonce,
            author: &message.author,
            created_at: message.created_at,
            edited_at: message.edited_at,
            deleted: message.is_deleted(),
            reply_to: message.reply_to,
            system: message.system.as_deref(),
            attachments: &message.attachments,
            reactions: &message.reactions,
            links: &message.links,
            body_html: &message.body_html,
        }
    }
}

/// `error.html`.
#[derive(Debug, Serialize)]
pub struct ErrorPage {
    /// The page.
    pub page: Page,
    /// The HTTP status.
    pub status: u16,
    /// In a few words.
    pub title: String,
    /// In a sentence.
    pub message: String,
}
