//! What a person chose about being told: mail, and what may stand on a locked screen.

use crate::db::{Reader, Writer};
use crate::error::Result;
use crate::id::UserId;
use crate::{params, sql};

/// The choices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choices {
    /// A digest by mail of what waits.
    pub digest: bool,
    /// The text of a message may stand in a notification.
    pub push_text: bool,
}

/// A person's choices.
pub fn find(db: &mut Reader<'_>, user: UserId) -> Result<Choices> {
    Ok(db.one(sql!(r#"select email_notices, push_text from "user" where id = $1"#), params![user], |row| {
        let digest = row.get::<String>("email_notices")? == "digest";
        Ok(Choices { digest, push_text: row.get::<i64>("push_text")? != 0 })
    })?)
}

/// Keeps a person's choices.
pub fn keep(tx: &mut Writer<'_>, user: UserId, choices: Choices) -> Result<()> {
    tx.execute(
        sql!(r#"update "user" set email_notices = $2, push_text = $3 where id = $1"#),
        params![user, if choices.digest { "digest" } else { "none" }, i64::from(choices.push_text)],
    )?;
    Ok(())
}
