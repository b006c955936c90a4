//! The room's page.

pub mod people;
pub mod state;

use crate::app::App;
use crate::chatroom::member::{self, Level};
use crate::chatroom::people::{First, HERE_MAX, Shown, shown};
use crate::chatroom::receipt::{self, Marks};
use crate::chatroom::{self, Listed, Member};
use crate::error::{Error, Fields, Result, Text};
use crate::goal::participation::{self, Request};
use crate::goal::{self, Goal, Standing};
use crate::id::{MessageId, UserId};
use crate::message::page::{self, Cursor, NEWEST, Page};
use crate::message::reaction::QUICK;
use crate::message::{self, Message, Quoted, attachment, pin};
use crate::user::sharing::Sharing;
use crate::user::{notice, notification};
use crate::view::context::{
    Chatroom, Composer, Editing, Entry, GoalView, ListedView, May, MemberView, RequestView, RoomView, Told, mark_alike,
};
use crate::web::access::InRoom;
use crate::web::asking::Asking;
use crate::web::reply;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::collections::HashMap;

/// What a page of the room shows besides its newest messages.
#[derive(Debug, Default)]
pub struct Wanted {
    /// History above this position.
    pub before: Option<i64>,
    /// The composer answers this message.
    pub reply_to: Option<MessageId>,
    /// The composer edits this message.
    pub edit: Option<MessageId>,
    /// What was typed, when it could not be taken.
    pub content: Option<String>,
    /// What is wrong with it.
    pub faults: Fields,
}

impl Wanted {
    fn parse(query: &str) -> Result<Self> {
        let number = |name: &'static str| {
            let text = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
            text.map(|text| text.parse().map_err(|_| Error::field(name, Text::new("field-number")))).transpose()
        };
        Ok(Self {
            before: number("before")?,
            reply_to: number("reply_to")?.map(MessageId),
            edit: number("edit")?.map(MessageId),
            ..Self::default()
        })
    }
}

/// GET `/message/chatroom/{id}`.
pub async fn show(
    State(app): State<App>,
    asking: Asking,
    InRoom(member): InRoom,
    RawQuery(query): RawQuery,
) -> Result<Response> {
    let wanted = Wanted::parse(query.as_deref().unwrap_or_default())?;
    render(&app, &asking, member, wanted, StatusCode::OK).await
}

/// Everything that the page shows, read in one snapshot.
struct Read {
    room: chatroom::Room,
    goal: Goal,
    rooms: Vec<Listed>,
    page: Page,
    people: Shown,
    requests: Vec<Request>,
    user_revision: i64,
    level: Level,
    unseen: i64,
    reply_to: Option<Quoted>,
    editing: Option<Message>,
    sharing: Sharing,
    reads: i64,
    marks: Marks,
    pins: Vec<Quoted>,
}

/// Renders the room.
///
/// # Errors
/// `NotFound` when the room went away meanwhile.
pub async fn render(
    app: &App,
    asking: &Asking,
    member: Member,
    wanted: Wanted,
    status: StatusCode,
) -> Result<Response> {
    let who = member.clone();
    let (before, reply_to, edit) = (wanted.before, wanted.reply_to, wanted.edit);
    let sharing = app.live.aware.sharing_of(&app.db, member.user()).await?;
    // Before the snapshot: what is newer is told again.
    let reads = app.live.aware.quiet.get(member.room()).reads;
    let here = seen_here(app, sharing);
    let read = app
        .db
        .read(move |db| -> Result<Read> {
            let room = chatroom::find(db, who.room())?.ok_or(Error::NotFound)?;
            let goal = goal::find(db, room.goal_id.ok_or(Error::NotFound)?, Some(who.user()))?;
            let in_room = |db: &mut crate::db::Reader<'_>, id: Option<MessageId>| {
                id.map_or(Ok(None), |id| message::find(db, &who, id))
            };
            let page = page::read_with(db, &who, before.map_or(Cursor::Newest, Cursor::Before), NEWEST, &here)?;
            Ok(Read {
                people: listed(db, &who, &page, &here)?,
                reply_to: in_room(db, reply_to)?.map(|source| source.as_quoted()),
                editing: in_room(db, edit)?.filter(|own| own.author.id == who.user() && !own.is_deleted()),
                page,
                pins: pin::list(db, &who)?,
                requests: if who.role().may_moderate() { participation::requests(db, goal.id)? } else { Vec::new() },
                rooms: chatroom::of_user_beside(db, who.user(), who.room())?,
                user_revision: notification::top(db, who.user())?,
                level: member::level(db, &who)?,
                unseen: notice::unseen(db, who.user())?,
                marks: if sharing.reads { receipt::list(db, who.room())? } else { Marks::default() },
                sharing,
                reads,
                room,
                goal,
            })
        })
        .await?;
    let context = context(app, asking, &member, read, wanted)?;
    reply::page(app, status, "chatroom/chatroom.html", &context)
}

fn context(app: &App, asking: &Asking, member: &Member, read: Read, wanted: Wanted) -> Result<Chatroom> {
    let quoted: HashMap<MessageId, Quoted> = read.page.quoted.into_iter().map(|source| (source.id, source)).collect();
    let beside = Beside { quoted, pins: &read.pins, hidden: &read.page.hidden };
    let entries: Vec<Entry> =
        read.page.messages.iter().map(|message| entry(app, member, &beside, message)).collect::<Result<_>>()?;
    let earlier_url = entries
        .first()
        .filter(|_| read.page.has_earlier)
        .map(|first| format!("/message/chatroom/{}?before={}", member.room(), first.position));
    let mine = read.rooms.iter().find(|listed| listed.room.id == member.room());
    let editing = read.editing.map(|own| Editing { id: own.id, content: own.content });
    let typed = wanted.content.unwrap_or_default();
    let mut members: Vec<MemberView> = read.people.members.into_iter().map(MemberView::from).collect();
    let mut requests: Vec<RequestView> = read.requests.into_iter().map(RequestView::from).collect();
    mark_alike(&mut members, &mut requests);
    Ok(Chatroom {
        page: asking.page(app),
        user_revision: read.user_revision,
        level: read.level.as_str(),
        unseen: read.unseen,
        read_position: mine.map_or(0, |listed| listed.read_position),
        sharing: read.sharing,
        reads: read.reads,
        marks: serde_json::to_string(&read.marks.marks).map_err(Error::internal)?,
        marks_partial: read.marks.is_partial,
        room: RoomView::new(read.room, read.page.revision, &app.live.epoch, app.live.topics.room(member.room())),
        rooms: read.rooms.into_iter().map(|listed| ListedView::new(listed, &app.live.epoch, member.room())).collect(),
        entries,
        pins: read.pins,
        quick: QUICK,
        edit_window: app.config.edit_window.map_or(0, |window| window / 60_000_000),
        has_earlier: read.page.has_earlier,
        earlier_url,
        members,
        member_count: read.people.count,
        requests,
        my: member.role().as_str(),
        may: May::of(read.goal.my.or(Some(Standing::Approved(member.role())))),
        goal: GoalView::from(read.goal),
        editing: match editing {
            Some(own) if !typed.is_empty() => Some(Editing { content: typed.clone(), ..own }),
            other => other,
        },
        file_limit: app.config.file_limit,
        voice_limit: app.config.voice_limit.as_secs(),
        file_count: attachment::MAX,
        form: Composer {
            content: typed,
            reply_to: read.reply_to,
            client_nonce: URL_SAFE_NO_PAD.encode(app.clock.random::<16>()),
        },
        errors: reply::errors(&wanted.faults, asking.locale()),
    })
}

/// Some who are here, for a viewer who may see that: those who show it are looked for among them.
pub(super) fn seen_here(app: &App, sharing: Sharing) -> Vec<UserId> {
    if sharing.presence { app.live.aware.presence.some_here(HERE_MAX, app.clock.now()) } else { Vec::new() }
}

/// The people beside a page: read with the newest one already.
fn listed(db: &mut crate::db::Reader<'_>, who: &Member, page: &Page, here: &[UserId]) -> Result<Shown> {
    match page.member_count {
        Some(count) => Ok(Shown { members: page.members.clone(), count }),
        None => shown(db, who.room(), First { viewer: Some(who.user()), authors: &[], here }),
    }
}

/// What stands beside the messages of a page.
struct Beside<'a> {
    quoted: HashMap<MessageId, Quoted>,
    pins: &'a [Quoted],
    hidden: &'a [MessageId],
}

fn entry(app: &App, member: &Member, beside: &Beside<'_>, message: &Message) -> Result<Entry> {
    let mine = message.author.id == member.user();
    let moderates = member.role().may_moderate();
    let open = !message.is_deleted() && !message.is_system();
    Ok(Entry {
        html: app.views.message(message)?,
        id: message.id,
        position: message.position,
        author_id: message.author.id,
        mine,
        deleted: message.is_deleted(),
        may_edit: open
            && mine
            && message.kind != "voice"
            && message.is_editable(app.config.edit_window, app.clock.now()),
        may_delete: open && (mine || moderates),
        may_pin: open && moderates,
        has_versions: open && message.edited_at.is_some() && (mine || moderates),
        pinned: beside.pins.iter().any(|pin| pin.id == message.id),
        hidden: beside.hidden.contains(&message.id),
        told: message.system.clone().map(|what| Told {
            what,
            name: message.author.full(),
            about: message.content.clone(),
        }),
        quoted: message.reply_to.and_then(|source| beside.quoted.get(&source.id).cloned()),
    })
}
