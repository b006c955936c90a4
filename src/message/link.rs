//! Links of a message, and what was found behind them: a title and a few words, as text. No picture: it would tell a stranger's server who
//! reads, or be one more address that this server fetches for somebody.

mod page;

use crate::chatroom::{self, Member};
use crate::clock::Micros;
use crate::db::{DbError, Reader, Row, Value, Writer};
use crate::error::{Error, Result, Text};
use crate::id::MessageId;
use crate::message::{self, Message, Shown};
use crate::{params, sql};
pub use page::About;
use serde::Serialize;

/// Previews of one message, at most.
pub const MAX: usize = 3;
/// How long what was found is believed, in microseconds: a week.
const BELIEVED: Micros = 7 * 24 * 3_600 * 1_000_000;
/// How long an address that gave nothing is left alone: an hour.
pub const LEFT_ALONE: Micros = 3_600 * 1_000_000;

/// What stands behind a link, as everybody in the room sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Preview {
    /// The address, as it stands in the message.
    pub url: String,
    /// The page's title.
    pub title: String,
    /// What it is about; empty when it does not say.
    pub description: String,
    /// The site's name, or its host.
    pub site: String,
}

/// Which links of a text may have a preview, in their order: not this site's own.
pub fn addresses(links: &[String], own_site: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for url in links {
        let is_web = url.starts_with("https://") || url.starts_with("http://");
        if is_web && !is_within(url, own_site) && !found.contains(url) {
            found.push(url.clone());
        }
        if found.len() == MAX {
            break;
        }
    }
    found
}

/// Whether an address is the site or lies below it, whatever scheme it is called by.
fn is_within(url: &str, site: &str) -> bool {
    let bare = |text: &str| text.split_once("://").map_or("", |(_, rest)| rest).to_ascii_lowercase();
    bare(url).strip_prefix(&bare(site)).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']))
}

/// What is known of some addresses at this moment: those that need not be asked again, with nothing where there was nothing.
pub fn known(db: &mut Reader<'_>, urls: &[String], now: Micros) -> Result<Vec<(String, Option<Preview>)>> {
    let list = serde_json::to_string(urls).map_err(Error::internal)?;
    Ok(db.all(
        sql!(
            r#"
            select url, title, description, site
            from link_preview
            where url in (select value from {texts:$1} t) and (fetched_at > $2 or title <> '' and fetched_at > $3)
            "#
        ),
        params![list, now - LEFT_ALONE, now - BELIEVED],
        |row| {
            let preview = from_row(row)?;
            Ok((preview.url.clone(), (!preview.title.is_empty()).then_some(preview)))
        },
    )?)
}

/// Remembers what was found behind an address, or that nothing was. What is still believed stays: messages show it.
pub fn remember(tx: &mut Writer<'_>, url: &str, about: Option<&About>, now: Micros) -> Result<()> {
    let [title, description, site] =
        about.map_or([""; 3], |about| [about.title.as_str(), about.description.as_str(), about.site.as_str()]);
    tx.execute(
        sql!(
            r#"
            insert into link_preview (url, title, description, site, fetched_at)
            values ($1, $2, $3, $4, $5)
            on conflict (url) do update
            set title = excluded.title, description = excluded.description, site = excluded.site, fetched_at = excluded.fetched_at
            where link_preview.title = '' or link_preview.fetched_at <= $6
            "#
        ),
        params![url, title, description, site, now, now - BELIEVED],
    )?;
    Ok(())
}

/// Forgets what no message shows and nobody has asked for within the hour: it may have stood in a message that was deleted since.
pub fn forget_unshown(tx: &mut Writer<'_>, now: Micros) -> Result<()> {
    tx.execute(
        sql!(
            r#"
            delete from link_preview
            where fetched_at <= $1 and not exists (select 1 from message_link l where l.url = link_preview.url)
            "#
        ),
        params![now.saturating_sub(LEFT_ALONE)],
    )?;
    Ok(())
}

/// Shows the previews of addresses that a message holds. Nothing to tell when it does not say any more what they were found in (`markdown`;
/// its new text has been looked at too), shows them already, wants none, or is gone.
pub fn show(tx: &mut Writer<'_>, id: MessageId, urls: &[String], markdown: &str) -> Result<Option<Shown>> {
    let author = tx.first(
        sql!("select chatroom_id, author_id from message where id = $1 and shows_previews = 1 and deleted_at is null"),
        params![id],
        |row| Ok((row.get("chatroom_id")?, row.get("author_id")?)),
    )?;
    let Some((room, author)) = author else { return Ok(None) };
    let Some(member) = Member::find(tx, room, author)? else { return Ok(None) };
    let present = message::of_room(tx, &member, id)?.message;
    let is_shown = present.links.iter().map(|link| &link.url).eq(urls);
    if present.is_deleted() || present.content != markdown || urls.is_empty() || is_shown {
        return Ok(None);
    }
    let revision = match chatroom::advance(tx, &member) {
        Ok(revision) => revision,
        // Locked meanwhile: the message stays as it is.
        Err(Error::Conflict(_) | Error::NotFound) => return Ok(None),
        Err(error) => return Err(error),
    };
    tx.execute(sql!("delete from message_link where message_id = $1"), params![id])?;
    for (ordinal, url) in urls.iter().enumerate() {
        tx.execute(
            sql!("insert into message_link (message_id, ordinal, url) values ($1, $2, $3)"),
            params![id, i64::try_from(ordinal).unwrap_or(i64::MAX), url],
        )?;
    }
    message::touch(tx, id, revision)?;
    Ok(Some(message::shown(tx, &member, id)?))
}

/// Takes the previews of one's own message away, for good.
///
/// # Errors
/// `NotFound` outside of the room, `Forbidden` for another's, `Conflict` for a deleted one.
pub fn remove(tx: &mut Writer<'_>, member: &Member, id: MessageId) -> Result<(bool, Shown)> {
    let present = message::of_room(tx, member, id)?;
    if present.message.author.id != member.user() {
        return Err(Error::Forbidden(Text::new("error-forbidden")));
    }
    if present.message.is_deleted() {
        return Err(Error::Conflict(Text::new("message-deleted")));
    }
    tx.execute(sql!("update message set shows_previews = 0 where id = $1"), params![id])?;
    if present.message.links.is_empty() {
        return Ok((false, present));
    }
    let revision = chatroom::advance(tx, member)?;
    tx.execute(sql!("delete from message_link where message_id = $1"), params![id])?;
    message::touch(tx, id, revision)?;
    Ok((true, message::shown(tx, member, id)?))
}

/// Drops the previews of addresses that an edit took away; in the edit's transaction.
pub(super) fn keep_only(tx: &mut Writer<'_>, present: &Message, left: &[String]) -> Result<()> {
    for link in present.links.iter().filter(|link| !left.contains(&link.url)) {
        tx.execute(
            sql!("delete from message_link where message_id = $1 and url = $2"),
            params![present.id, &link.url],
        )?;
    }
    Ok(())
}

/// The previews of some messages, by message and place.
pub(super) fn of_messages(db: &mut Reader<'_>, messages: &[i64]) -> Result<Vec<(MessageId, Preview)>> {
    Ok(db.all(
        sql!(
            r#"
            select
                l.message_id, l.url,
                (select p.title from link_preview p where p.url = l.url) as title,
                (select p.description from link_preview p where p.url = l.url) as description,
                (select p.site from link_preview p where p.url = l.url) as site
            from message_link l
            where l.message_id in {ids:$1} and (select p.title from link_preview p where p.url = l.url) <> ''
            order by l.message_id, l.ordinal
            "#
        ),
        params![Value::ids(messages)],
        |row| {
            let preview = from_row(row)?;
            Ok((row.get("message_id")?, preview))
        },
    )?)
}

fn from_row(row: &Row<'_>) -> std::result::Result<Preview, DbError> {
    Ok(Preview {
        url: row.get("url")?,
        title: row.get("title")?,
        description: row.get("description")?,
        site: row.get("site")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::markdown;

    #[test]
    fn a_few_addresses_of_the_web_outside_of_code() {
        let found = |text: &str| addresses(&markdown::links(text), "https://palabre.example");
        assert_eq!(
            found("voir https://a.fr/x, [ici](http://b.fr) et https://a.fr/x."),
            ["https://a.fr/x", "http://b.fr"]
        );
        let none = [
            "`https://a.fr`",
            "```\nhttps://a.fr\n```",
            "<https://a.fr>",
            "[x](javascript:alert(1)) [y](mailto:a@b.fr) ftp://a.fr",
            "https://palabre.example/message/1 http://PALABRE.example",
            "![x](data:text/html,x)",
        ];
        for text in none {
            assert_eq!(found(text), Vec::<String>::new(), "{text}");
        }
        assert_eq!(found("https://palabre.example.evil.fr"), ["https://palabre.example.evil.fr"]);
        assert_eq!(found("https://a.fr https://b.fr https://c.fr https://d.fr").len(), MAX);
    }
}
