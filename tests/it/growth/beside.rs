//! What no route does and the program does beside its answers: mails, pushes, previews, tidying, the index. And statements as they once
//! were, which must be seen to grow.

use super::fill::Site;
use crate::harness::{START, Town};
use palabre::chatroom::{company, reader};
use palabre::db::{DbError, Lane, Reader, Writer};
use palabre::error::Result;
use palabre::id::{MessageId, UserId};
use palabre::message::{attachment, audience, link, search};
use palabre::user::{digest, push};
use palabre::{params, sql, user};

/// Runs all of it once.
pub async fn work(town: &Town, site: &Site) {
    let carol = UserId(site.people.iter().find(|person| person.name == "Carol").expect("Carol").id);
    let newest = *site.messages.last().expect("a message");
    let read = move |db: &mut Reader<'_>| -> Result<()> {
        digest::due(db, START, digest::Place::default())?;
        company::rooms_of(db, &[carol])?;
        user::find_name(db, carol)?;
        audience::of(db, &[newest], START)?;
        attachment::named(db, "ab")?;
        link::known(db, &[format!("https://example.org/{newest}")], START)?;
        Ok(())
    };
    town.app.db.read(read).await.unwrap();
    let write = move |tx: &mut Writer<'_>| -> Result<()> {
        if let Some((_, before)) = digest::claim(tx, carol, START)? {
            digest::give_back(tx, carol, before)?;
        }
        push::forget(tx, "https://push.example/nobody")?;
        reader::forget_old(tx, 0)?;
        attachment::forgotten(tx)?;
        attachment::is_gone(tx, &["gone".to_owned()])?;
        link::remember(tx, "https://example.org/x", None, START)?;
        link::show(tx, MessageId(newest), &["https://example.org/y".to_owned()], "https://example.com")?;
        index(tx, newest)
    };
    town.app.db.write(Lane::None, write).await.unwrap();
}

/// Forty messages as they were before there was an index.
fn index(tx: &mut Writer<'_>, newest: i64) -> Result<()> {
    tx.execute(sql!("delete from message_gram where rowid > $1 and rowid <= $1 + 40"), params![newest - 40])?;
    tx.execute(sql!("delete from message_text where message_id > $1 and message_id <= $1 + 40"), params![newest - 40])?;
    tx.execute(
        sql!("update setting set value = cast(cast($1 as bigint) as text) where name = 'search_backlog'"),
        params![newest],
    )?;
    search::catch_up_some(tx, 40)?;
    tx.execute(sql!("update setting set value = '0' where name = 'search_backlog'"), params![])?;
    Ok(())
}

/// Statements as they were: a name, and a part of the text.
pub const PLANTED: &[(&str, &str)] = &[
    ("pins", "/* old pins */"),
    ("the bell", "/* old bell */"),
    ("receipts", "/* old receipts */"),
    ("search", "/* old search */"),
];

/// Runs what must be seen to grow.
pub fn planted(db: &mut Reader<'_>, room: i64, user: i64) -> std::result::Result<(), DbError> {
    db.all(
        sql!(
            r#"
            /* old pins */
            select m.id
            from message m
            join "user" a on a.id = m.author_id
            where m.chatroom_id = $1 and m.pinned_at + 0 is not null and m.deleted_at is null and m.position > $2
            order by m.pinned_at desc, m.id desc
            limit $3
            "#
        ),
        params![room, 0, 50],
        |_| Ok(()),
    )?;
    db.all(
        sql!(
            r#"
            /* old bell */
            select count(*) as unseen
            from (select 1 from notice_view where user_id = $1 and revision > 0 and created_at > 0 limit $2) n
            "#
        ),
        params![user, 100_000],
        |_| Ok(()),
    )?;
    db.all(
        sql!(
            r#"
            /* old receipts */
            select r.user_id, min(r.read_at) as read_at
            from message_read_receipt r
            join chatroom_member m on m.chatroom_id = r.chatroom_id and m.user_id = r.user_id
            where r.chatroom_id = $1 and r.position >= $2
            group by r.user_id
            "#
        ),
        params![room, 1],
        |_| Ok(()),
    )?;
    // A word that stands in no message of the newest: its candidates are all messages of the room.
    db.all(
        sql!(
            r#"
            /* old search */
            select m.id
            from chatroom_member v
            join message m on m.chatroom_id = v.chatroom_id
            join message_text t on t.message_id = m.id
            where v.user_id = $1 and v.left_at is null and {place:t.folded, $2} > 0 and m.position > v.first_position
            order by m.id desc
            limit 21
            "#
        ),
        params![user, "introuvable"],
        |_| Ok(()),
    )?;
    Ok(())
}
