//! A signed-in browser: an opaque random token in its cookie, the token's SHA-256 in the database.

use crate::clock::{Clock, Micros};
use crate::db::{Reader, Writer};
use crate::error::Result;
use crate::id::UserId;
use crate::user::{self, User, push};
use crate::{params, sql};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// How long a session lives, in microseconds: 30 days.
pub const LIFETIME: Micros = 30 * 24 * 3_600 * 1_000_000;

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
    /// Whose.
    pub user: User,
    /// When it ends by itself.
    pub expires_at: Micros,
    /// Its key in the database.
    pub token_hash: TokenHash,
}

/// Opens a session.
pub fn create(tx: &mut Writer<'_>, user: UserId, hash: &TokenHash, now: Micros) -> Result<()> {
    tx.execute(sql!("delete from session where user_id = $1 and expires_at <= $2"), params![user, now])?;
    tx.execute(
        sql!("insert into session (token_hash, user_id, created_at, expires_at) values ($1, $2, $3, $4)"),
        params![hash.as_slice(), user, now, now.saturating_add(LIFETIME)],
    )?;
    Ok(())
}

/// The session of a token, if it is still open and its person may sign in.
pub fn find(db: &mut Reader<'_>, hash: &TokenHash, now: Micros) -> Result<Option<Session>> {
    Ok(db.first(
        sql!(
            r#"
            select u.id, u.email, u.first_name, u.last_name, u.locale, u.status, u.site_role, s.expires_at
            from session s
            cross join "user" u
            where s.token_hash = $1 and s.expires_at > $2 and u.id = s.user_id and u.status = 'active'
            "#
        ),
        params![hash.as_slice(), now],
        |row| Ok(Session { user: user::from_row(row)?, expires_at: row.get("expires_at")?, token_hash: *hash }),
    )?)
}

/// Ends a session, and what its browser is told by push.
pub fn delete(tx: &mut Writer<'_>, hash: &TokenHash) -> Result<()> {
    push::forget_session(tx, hash)?;
    tx.execute(sql!("delete from session where token_hash = $1"), params![hash.as_slice()])?;
    Ok(())
}
