//! Browsers that want to be told of news while no page is open (RFC 8030): a row each, which lives no longer than the browser's session.

use crate::clock::Micros;
use crate::db::{DbError, Reader, Row, Writer};
use crate::error::{Error, Result, Text};
use crate::id::UserId;
use crate::user::session::TokenHash;
use crate::webpush::Keys;
use crate::{params, sql};

/// Browsers of one person, at most; the oldest makes room for the next.
pub const BROWSERS_MAX: i64 = 10;

/// What a browser gave out when it subscribed.
#[derive(Clone)]
pub struct Subscription {
    /// Where to post.
    pub endpoint: String,
    /// The browser's public key, base64url.
    pub p256dh: String,
    /// The browser's secret, base64url.
    pub auth: String,
}

impl Subscription {
    /// A subscription whose keys are keys. Whether its address may be called is for the outgoing client to say.
    ///
    /// # Errors
    /// `Invalid`.
    pub fn new(endpoint: &str, p256dh: &str, auth: &str) -> Result<Self> {
        Keys::parse(p256dh, auth).map_err(|_| Error::field("p256dh", Text::new("error-invalid")))?;
        Ok(Self { endpoint: endpoint.to_owned(), p256dh: p256dh.to_owned(), auth: auth.to_owned() })
    }

    /// Reads the three columns.
    pub fn from_row(row: &Row<'_>) -> std::result::Result<Self, DbError> {
        Ok(Self { endpoint: row.get("endpoint")?, p256dh: row.get("p256dh")?, auth: row.get("auth")? })
    }
}

/// Keeps a browser's subscription; the same browser again, or another person in it, replaces what it gave before.
pub fn subscribe(
    tx: &mut Writer<'_>,
    user: UserId,
    session: &TokenHash,
    new: &Subscription,
    now: Micros,
) -> Result<()> {
    tx.execute(
        sql!(
            r#"
            insert into push_subscription (user_id, endpoint, p256dh, auth, session_hash, created_at)
            values ($1, $2, $3, $4, $5, $6)
            on conflict (endpoint) do update
            set user_id = excluded.user_id,
                p256dh = excluded.p256dh,
                auth = excluded.auth,
                session_hash = excluded.session_hash,
                created_at = excluded.created_at
            "#
        ),
        params![user, &new.endpoint, &new.p256dh, &new.auth, session.as_slice(), now],
    )?;
    tx.execute(
        sql!(
            r#"
            delete from push_subscription
            where user_id = $1 and id not in (
                select id
                from push_subscription
                where user_id = $1
                order by created_at desc, id desc
                limit $2
            )
            "#
        ),
        params![user, BROWSERS_MAX],
    )?;
    Ok(())
}

/// Takes back a browser's subscription.
pub fn unsubscribe(tx: &mut Writer<'_>, user: UserId, endpoint: &str) -> Result<()> {
    tx.execute(sql!("delete from push_subscription where user_id = $1 and endpoint = $2"), params![user, endpoint])?;
    Ok(())
}

/// The push service says that there is no such browser any more.
pub fn forget(tx: &mut Writer<'_>, endpoint: &str) -> Result<()> {
    tx.execute(sql!("delete from push_subscription where endpoint = $1"), params![endpoint])?;
    Ok(())
}

/// A person's own subscription at an address.
pub fn find(db: &mut Reader<'_>, user: UserId, endpoint: &str) -> Result<Option<Subscription>> {
    Ok(db.first(
        sql!("select endpoint, p256dh, auth from push_subscription where user_id = $1 and endpoint = $2"),
        params![user, endpoint],
        Subscription::from_row,
    )?)
}

/// How many browsers of a person want to be told.
pub fn count(db: &mut Reader<'_>, user: UserId) -> Result<i64> {
    Ok(db.one(sql!("select count(*) as browsers from push_subscription where user_id = $1"), params![user], |row| {
        row.get("browsers")
    })?)
}
