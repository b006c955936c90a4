//! Who is to be mailed what waits: mentions and answers that nobody has read, neither in the list nor in the room.

use crate::clock::Micros;
use crate::db::{Reader, Value, Writer};
use crate::error::Result;
use crate::id::UserId;
use crate::user::notice::{self, Notice};
use crate::user::{self, User};
use crate::{params, sql};
use std::collections::BTreeSet;

const MINUTE: Micros = 60_000_000;
/// What has waited so long is mailed: who is there has read it by then.
pub const WAITED: Micros = 10 * MINUTE;
/// One letter in so long, at most.
pub const BETWEEN: Micros = 60 * MINUTE;
/// What is older is no news: a server that sends mail for the first time does not begin with last year.
const OLDEST: Micros = 3 * 24 * 60 * MINUTE;
/// Lines of a letter.
pub const LINES: usize = 10;
/// Events that one round looks at; the next round has the others.
const EVENTS: i64 = 2_000;

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

/// Where a round ended among the events that are old enough to be mailed; the next one goes on from there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    created_at: Micros,
    user: i64,
}

/// Whom to write to, now, and where to go on. A round looks at a number of events, however many wait; after the last one it begins anew.
pub fn due(db: &mut Reader<'_>, now: Micros, from: Place) -> Result<(Vec<UserId>, Place)> {
    let from = if from.created_at > now - OLDEST { from } else { Place { created_at: now - OLDEST, user: i64::MAX } };
    let looked_at: Vec<Place> = db.all(
        sql!(
            r#"
            select created_at, user_id
            from notification
            where created_at >= $1
                and created_at <= $2
                and (created_at > $1 or user_id + 0 > $3)
            order by created_at, user_id
            limit $4
            "#
        ),
        params![from.created_at, now - WAITED, from.user, EVENTS],
        |row| Ok(Place { created_at: row.get("created_at")?, user: row.get("user_id")? }),
    )?;
    let is_whole = i64::try_from(looked_at.len()).is_ok_and(|count| count < EVENTS);
    let next = looked_at.last().copied().filter(|_| !is_whole).unwrap_or_default();
    let people: BTreeSet<i64> = looked_at.into_iter().map(|place| place.user).collect();
    let people: Vec<i64> = people.into_iter().collect();
    Ok((waiting(db, &people, now)?, next))
}

/// Those of some people who have something to be mailed.
fn waiting(db: &mut Reader<'_>, people: &[i64], now: Micros) -> Result<Vec<UserId>> {
    Ok(db.all(
        sql!(
            r#"
            select u.id
            from "user" u
            where u.id in {ids:$1}
                and u.email_notices = 'digest'
                and u.status = 'active'
                and (u.mailed_at is null or u.mailed_at <= $2)
                and (
                    select count(*)
                    from (
                        select 1
                        from notice_view n
                        where n.user_id = u.id
                            and n.revision > {greatest:u.mailed_revision, u.noticed_revision, u.revision - $3}
                            and n.created_at > $4
                            and n.created_at <= $5
                            and n.kind in ('mention', 'reply')
                            and n.seen = 0
                            and n.notification_level <> 'none'
                        limit 1
                    ) one
                ) = 1
            order by u.id
            "#
        ),
        params![Value::ids(people), now - BETWEEN, notice::COUNTED, now - OLDEST, now - WAITED],
        |row| row.get("id"),
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
                and revision > (select {greatest:$2, revision - $4} from "user" where id = $1)
                and created_at > $3
                and kind in ('mention', 'reply')
                and seen = 0
                and notification_level <> 'none'
            order by revision desc
            limit 100
            "#
        ),
        params![user, before.revision, now - OLDEST, notice::COUNTED],
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
