//! Who is to be mailed what waits: mentions and answers that nobody has read, neither in the list nor in the room.

use crate::clock::Micros;
use crate::db::{Reader, Value, Writer};
use crate::error::Result;
use crate::id::UserId;
use crate::user::notice::{self, Notice};
use crate::user::{self, User};
use crate::{params, sql};

const MINUTE: Micros = 60_000_000;
/// What has waited so long is mailed: who is there has read it by then.
pub const WAITED: Micros = 10 * MINUTE;
/// One letter in so long, at most.
pub const BETWEEN: Micros = 60 * MINUTE;
/// What is older is no news: a server that sends mail for the first time does not begin with last year.
const OLDEST: Micros = 3 * 24 * 60 * MINUTE;
/// Lines of a letter.
pub const LINES: usize = 10;
/// People in one round; the next round has the others.
const PEOPLE: i64 = 200;

/// What a person had been mailed before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Before {
    revision: i64,
    at: Option<Micros>,
}

/// A person with what waits, newest first.
#[derive(Debug)]
pub struct Waiting {
    /// Who.
    pub user: User,
    /// What.
    pub notices: Vec<Notice>,
}

/// Whom to write to, now.
pub fn due(db: &mut Reader<'_>, now: Micros) -> Result<Vec<UserId>> {
    Ok(db.all(
        sql!(
            r#"
            select distinct n.user_id
            from notice_view n
            join "user" u on u.id = n.user_id
            where n.created_at > $1
                and n.created_at <= $2
                and n.kind in ('mention', 'reply')
                and n.seen = 0
                and n.notification_level <> 'none'
                and n.revision > u.mailed_revision
                and u.email_notices = 'digest'
                and u.status = 'active'
                and (u.mailed_at is null or u.mailed_at <= $3)
            order by n.user_id
            limit $4
            "#
        ),
        params![now - OLDEST, now - WAITED, now - BETWEEN, PEOPLE],
        |row| row.get("user_id"),
    )?)
}

/// Takes on the letter to a person: nobody else writes it from now on. Nothing when what waited was read meanwhile.
pub fn claim(tx: &mut Writer<'_>, user: UserId, now: Micros) -> Result<Option<(Waiting, Before)>> {
    let before: Option<Before> = tx.first(
        sql!(
            r#"
            select mailed_revision, mailed_at
            from "user"
            where id = $1 and email_notices = 'digest' and status = 'active' and (mailed_at is null or mailed_at <= $2)
            {for_update}
            "#
        ),
        params![user, now - BETWEEN],
        |row| Ok(Before { revision: row.get("mailed_revision")?, at: row.get("mailed_at")? }),
    )?;
    let Some(before) = before else { return Ok(None) };
    let notices: Vec<Notice> = tx.all(
        sql!(
            r#"
            select *
            from notice_view
            where user_id = $1
                and revision > $2
                and created_at > $3
                and kind in ('mention', 'reply')
                and seen = 0
                and notification_level <> 'none'
            order by revision desc
            limit 100
            "#
        ),
        params![user, before.revision, now - OLDEST],
        notice::from_row,
    )?;
    let Some(newest) = notices.first().map(|notice| notice.revision) else { return Ok(None) };
    put(tx, user, Before { revision: newest, at: Some(now) })?;
    let user = tx.one(
        sql!(
            r#"
            select id, email, first_name, last_name, locale, status, site_role
            from "user"
            where id = $1
            "#
        ),
        params![user],
        user::from_row,
    )?;
    Ok(Some((Waiting { user, notices }, before)))
}

/// The letter could not be sent: as if it had not been taken on.
pub fn give_back(tx: &mut Writer<'_>, user: UserId, before: Before) -> Result<()> {
    put(tx, user, before)
}

fn put(tx: &mut Writer<'_>, user: UserId, mailed: Before) -> Result<()> {
    let at = mailed.at.map_or(Value::Null, Value::Int);
    tx.execute(
        sql!(r#"update "user" set mailed_revision = $2, mailed_at = $3 where id = $1"#),
        params![user, mailed.revision, at],
    )?;
    Ok(())
}
