//! What happened to a person, in a sentence of the person's language: for the list behind the bell and for mail.

use crate::clock::rfc3339;
use crate::user::Name;
use crate::user::notice::Notice;
use crate::view::context::NoticeView;
use crate::view::locale::Locale;

/// A line in the person's language.
pub fn line(notice: Notice, locale: Locale) -> NoticeView {
    let name = |name: &Name| format!("{} {}", name.first_name, name.last_name).trim().to_owned();
    let actor = notice.actor.as_ref().map(name).unwrap_or_default();
    let place = notice.chatroom.as_ref().map(|(_, title)| title).or(notice.goal.as_ref().map(|(_, title)| title));
    let role = notice.role.as_deref().and_then(|role| locale.translate(&format!("told-role-{role}"), []));
    let args = [("name", actor), ("place", place.cloned().unwrap_or_default()), ("role", role.unwrap_or_default())];
    let key = format!("told-{}", notice.kind.replace('_', "-"));
    let text = locale.translate(&key, args.map(|(name, value)| (name, value.into()))).unwrap_or_default();
    let url = match (&notice.chatroom, notice.message, &notice.goal) {
        (Some((room, _)), Some(message), _) => format!("/message/chatroom/{room}#message-{message}"),
        (_, _, Some((goal, _))) => format!("/goal/{goal}"),
        (Some(_) | None, Some(_) | None, None) => "/goals".to_owned(),
    };
    NoticeView {
        revision: notice.revision,
        kind: notice.kind,
        text,
        excerpt: notice.excerpt.unwrap_or_default(),
        actor: notice.actor,
        at: rfc3339(notice.created_at),
        created_at: notice.created_at,
        seen: notice.is_seen,
        url,
    }
}
