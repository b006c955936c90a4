//! What the installation knows of itself (table `setting`).

use crate::db::{Reader, Writer};
use crate::error::Result;
use crate::{params, sql};

/// A random id of this history of the database, renewed by a restore.
pub const EPOCH: &str = "epoch";
/// The secret that signs the live link's tokens, when no setting names one.
pub const JWT_SECRET: &str = "jwt_secret";
/// Our key towards push services (VAPID), made at the first start: browsers' subscriptions are bound to it.
pub const PUSH_KEY: &str = "push_key";
/// The secret that signs the links at the end of our mails.
pub const MAIL_SECRET: &str = "mail_secret";
/// The secret that marks browsers which have signed in before.
pub const DEVICE_SECRET: &str = "device_secret";
/// The mode of the live link that the administrator chose while running.
pub const REALTIME: &str = "realtime";
/// Stands here within a test of the store only.
const PROBE: &str = "probe";
/// Some of SQLite's pages.
const PROBE_BYTES: usize = 16_384;

/// What stands under a name.
pub fn find(db: &mut Reader<'_>, name: &str) -> Result<Option<String>> {
    Ok(db.first(sql!("select value from setting where name = $1"), params![name], |row| row.get("value"))?)
}

/// Puts a value under a name, over what stood there.
pub fn put(tx: &mut Writer<'_>, name: &str, value: &str) -> Result<()> {
    tx.execute(
        sql!(
            r#"
            insert into setting (name, value)
            values ($1, $2)
            on conflict (name) do update set value = excluded.value
            "#
        ),
        params![name, value],
    )?;
    Ok(())
}

/// What stands under a name, which is `fresh` from now on if nothing did.
pub fn find_or_put(tx: &mut Writer<'_>, name: &str, fresh: &str) -> Result<String> {
    tx.execute(
        sql!("insert into setting (name, value) values ($1, $2) on conflict (name) do nothing"),
        params![name, fresh],
    )?;
    Ok(tx.one(sql!("select value from setting where name = $1"), params![name], |row| row.get("value"))?)
}

/// Writes something large enough to need room of its own, and takes it away again: whether the database takes writes.
pub fn probe(tx: &mut Writer<'_>) -> Result<()> {
    put(tx, PROBE, &"x".repeat(PROBE_BYTES))?;
    tx.execute(sql!("delete from setting where name = $1"), params![PROBE])?;
    Ok(())
}
