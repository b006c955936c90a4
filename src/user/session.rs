//! A signed-in browser: an opaque random token in its cookie, the token's SHA-256 in the database.

use crate::clock::{Clock, Micros};
use crate::db::{DbError, Reader, Row, Writer};
use crate::error::{Error, Result, Text};
use crate::id::{SessionId, UserId};
use crate::user::{self, User};
use crate::{params, sql};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// How long a session lives, in microseconds: 30 days.
pub const LIFETIME: Micros = 30 * 24 * 3_600 * 1_000_000;

/// Open sessions of one account, at most: the oldest makes room for the next.
pub const SESSIONS_MAX: i64 = 50;

/// What stands in the database for a token.
pub type TokenHash = [u8; 32];

/// A secret that opens one session; only the browser keeps it.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// 256 random bits.
    pub fn new(clock: &Clock) -> Self {
        Self(URL_SAFE_NO_PAD.encode(clock.random::<32>()))
    }

    /// A token as a cookie brought it; anything of another length is none.
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == 43).then(|| Self(text.to_owned()))
    }

    /// What to put into the cookie.
    pub fn secret(&self) -> &str {
        &self.0
    }

    /// What to look up.
    pub fn hash(&self) -> TokenHash {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, self.0.as_bytes()).as_ref());
        hash
    }
}

/// An open session and its person.
#[derive(Debug, Clone)]
pub struct Session {
    /// What may be told of it: it stands in the live link's tokens.
    pub id: SessionId,
    /// Whose.
    pub user: User,
    /// When it ends by itself.
    pub expires_at: Micros,
    /// Its key in the database.
    pub token_hash: TokenHash,
}

/// A session that is no more. Whoever deletes sessions gets these, and has to end what hangs on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Ended {
    /// Which.
    pub id: SessionId,
    /// Whose.
    pub user: UserId,
    /// Its key in the database and in memory.
    pub token_hash: TokenHash,
}

/// Opens a session. Those that it replaces, because they have run out or are too many, are no more.
///
/// # Errors
/// `Invalid` for an account that was suspended meanwhile.
pub fn create(tx: &mut Writer<'_>, user: UserId, hash: &TokenHash, now: Micros) -> Result<Vec<Ended>> {
    // The lock orders this behind a suspension, and the sessions of one account behind one another.
    let active = sql!(r#"select id from "user" where id = $1 and status = 'active' {for_update}"#);
    if tx.first(active, params![user], |_| Ok(()))?.is_none() {
        return Err(Error::field("form", Text::new("login-suspended")));
    }
    tx.execute(
        sql!("insert into session (token_hash, user_id, created_at, expires_at) values ($1, $2, $3, $4)"),
        params![hash.as_slice(), user, now, now.saturating_add(LIFETIME)],
    )?;
    Ok(tx.all(
        sql!(
            r#"
            delete from session {by:session_by_user}
            where user_id = $1 and (
                expires_at <= $2
                or id not in (
                    select id
                    from session
                    where user_id = $1 and expires_at > $2
                    order by id + 0 desc
                    limit $3
                )
            )
            returning id, user_id, token_hash
            "#
        ),
        params![user, now, SESSIONS_MAX],
        ended,
    )?)
}

/// The session of a token, if it is still open and its person may sign in.
pub fn find(db: &mut Reader<'_>, hash: &TokenHash, now: Micros) -> Result<Option<Session>> {
    Ok(db.first(
        sql!(
            r#"
            select
                u.id, u.email, u.first_name, u.last_name, u.locale, u.status, u.site_role,
                (select s.id from session s where s.token_hash = $1) as session_id,
                (select s.expires_at from session s where s.token_hash = $1) as expires_at
            from "user" u
            where u.id = (select s.user_id from session s where s.token_hash = $1 and s.expires_at > $2)
                and u.status = 'active'
            "#
        ),
        params![hash.as_slice(), now],
        |row| {
            let (id, user) = (row.get("session_id")?, user::from_row(row)?);
            Ok(Session { id, user, expires_at: row.get("expires_at")?, token_hash: *hash })
        },
    )?)
}

/// Ends a session; nothing when it was ended already.
pub fn delete(tx: &mut Writer<'_>, id: SessionId) -> Result<Option<Ended>> {
    Ok(tx.first(sql!("delete from session where id = $1 returning id, user_id, token_hash"), params![id], ended)?)
}

/// Ends all sessions of a person, but for the one that is named.
pub fn delete_all(tx: &mut Writer<'_>, user: UserId, but: Option<SessionId>) -> Result<Vec<Ended>> {
    Ok(tx.all(
        sql!(
            "delete from session {by:session_by_user} where user_id = $1 and id <> $2 returning id, user_id, token_hash"
        ),
        params![user, but.map_or(0, |kept| kept.0)],
        ended,
    )?)
}

/// The numbers of revocations between two, both included: what [`ended_between`] is asked for.
pub type Numbers = (i64, i64);

/// Revocations that are read at once.
pub const REVOCATIONS_MAX: i64 = 1_000;

/// Which sessions have ended, whoever ended them, with the numbers of their revocations: in their order, at most [`REVOCATIONS_MAX`].
pub fn ended_between(db: &mut Reader<'_>, (first, last): Numbers) -> Result<Vec<(i64, Ended)>> {
    Ok(db.all(
        sql!(
            r#"
            select id as number, session_id as id, user_id, token_hash
            from revocation
            where id between $1 and $2
            order by number
            limit $3
            "#
        ),
        params![first, last, REVOCATIONS_MAX],
        |row| Ok((row.get("number")?, ended(row)?)),
    )?)
}

/// Deletes revocations that were there when this was called `kept` ago.
pub fn forget_revocations(tx: &mut Writer<'_>, kept: Micros, now: Micros) -> Result<()> {
    tx.execute(sql!("delete from revocation where noted_at <= $1"), params![now - kept])?;
    tx.execute(sql!("update revocation set noted_at = $1 where noted_at is null"), params![now])?;
    Ok(())
}

fn ended(row: &Row<'_>) -> std::result::Result<Ended, DbError> {
    let hash: Vec<u8> = row.get("token_hash")?;
    let token_hash = TokenHash::try_from(hash).unwrap_or_default();
    Ok(Ended { id: row.get("id")?, user: row.get("user_id")?, token_hash })
}
