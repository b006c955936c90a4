//! People: who they are, how an account begins. Knows nothing of goals, rooms or HTTP.

pub mod choice;
pub mod digest;
pub mod notice;
pub mod notification;
pub mod password;
pub mod push;
pub mod session;
pub mod sharing;

use crate::clock::Micros;
use crate::db::{DbError, Reader, Row, Writer};
use crate::error::{Error, Fields, Result, Text};
use crate::id::UserId;
use crate::{params, sql, text};
use serde::Serialize;
use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

/// The longest first or last name, in characters.
pub const NAME_MAX: usize = 80;

/// A person's account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Who.
    pub id: UserId,
    /// The address as the person wrote it.
    pub email: String,
    /// What everybody sees.
    pub name: Name,
    /// `fr` or `en`.
    pub locale: String,
    /// May manage users; reads no private room by that.
    pub is_site_admin: bool,
    /// A suspended person cannot sign in.
    pub is_suspended: bool,
}

/// A person as others see them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Name {
    /// Who.
    pub id: UserId,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// First letters of both, by grapheme.
    pub initials: String,
}

impl Name {
    /// A name with its initials.
    pub fn new(id: UserId, first_name: String, last_name: String) -> Self {
        let initials = [&first_name, &last_name]
            .into_iter()
            .filter_map(|part| part.graphemes(true).next())
            .map(str::to_uppercase)
            .collect();
        Self { id, first_name, last_name, initials }
    }

    /// Both names, as people say them.
    pub fn full(&self) -> String {
        format!("{} {}", self.first_name, self.last_name).trim().to_owned()
    }

    /// Reads `id`, `first_name` and `last_name` under the given column names.
    pub fn from_row(row: &Row<'_>, id: &str, first: &str, last: &str) -> std::result::Result<Self, DbError> {
        Ok(Self::new(row.get(id)?, row.get(first)?, row.get(last)?))
    }
}

/// What a person types to open an account.
#[derive(Debug, Clone, Default)]
pub struct Registration {
    /// The address to sign in with.
    pub email: String,
    /// In clear; never logged, never kept.
    pub password: String,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// `fr` or `en`.
    pub locale: String,
}

impl Registration {
    /// Takes away what is not seen of what was typed, and says what is wrong with the rest.
    ///
    /// # Errors
    /// `Invalid`, every field at once.
    pub fn checked(mut self) -> Result<Self> {
        let mut fields = Fields::default();
        self.email = self.email.trim().nfc().collect();
        if self.email.is_empty() {
            fields.add("email", Text::new("field-required"));
        } else if !is_email(&self.email) {
            fields.add("email", Text::new("field-email"));
        }
        for (field, name) in [("first_name", &mut self.first_name), ("last_name", &mut self.last_name)] {
            if let Err(fault) = check_name(name) {
                fields.add(field, fault);
            }
        }
        password::check(&self.password, &mut fields);
        fields.check().map(|()| self)
    }
}

/// Makes a name what it looks like; what is wrong with it otherwise.
fn check_name(name: &mut String) -> std::result::Result<(), Text> {
    let typed = std::mem::take(name).trim().to_owned();
    *name = text::line(&typed);
    if typed.is_empty() {
        Err(Text::new("field-required"))
    } else if typed.chars().any(char::is_control) {
        Err(Text::new("error-invalid"))
    } else if text::is_blank(name) {
        Err(Text::new("field-name-unseen"))
    } else if name.chars().count() > NAME_MAX {
        Err(Text::new("field-name-long").with("max", NAME_MAX as i64))
    } else {
        Ok(())
    }
}

/// Whether mail could be sent there: something, an `@`, a host with a dot or `localhost`; no spaces, no controls.
fn is_email(address: &str) -> bool {
    let Some((local, host)) = address.rsplit_once('@') else { return false };
    let host_is_plain = host.split('.').all(|label| {
        !label.is_empty()
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    });
    address.len() <= 254
        && !local.is_empty()
        && !local.contains('@')
        && !address.chars().any(char::is_whitespace)
        // Nothing in it that is not seen: two addresses that look the same are the same.
        && text::visible(address) == address
        && host_is_plain
}

/// Opens an account; the first of an installation is site admin.
///
/// # Errors
/// `Invalid` when the address is taken.
pub fn create(tx: &mut Writer<'_>, new: &Registration, password_hash: &str, now: Micros) -> Result<User> {
    // The lock makes "is this the first account?" a question that only one registration asks at a time.
    tx.first(sql!("select value from setting where name = 'epoch' {for_update}"), params![], |_| Ok(()))?;
    let is_first = tx.first(sql!(r#"select id from "user" limit 1"#), params![], |_| Ok(()))?.is_none();
    let key = email_key(&new.email);
    let id: Option<UserId> = tx.first(
        sql!(
            r#"
            insert into "user"
                (email, email_key, first_name, last_name, password_hash, locale, site_role, created_at)
            values ($1, $2, $3, $4, $5, $6, $7, $8)
            on conflict (email_key) do nothing
            returning id
            "#
        ),
        params![
            &new.email,
            &key,
            &new.first_name,
            &new.last_name,
            password_hash,
            &new.locale,
            if is_first { "admin" } else { "member" },
            now
        ],
        |row| row.get("id"),
    )?;
    let id = id.ok_or_else(|| Error::field("email", Text::new("field-email-taken")))?;
    Ok(User {
        id,
        email: new.email.clone(),
        name: Name::new(id, new.first_name.clone(), new.last_name.clone()),
        locale: new.locale.clone(),
        is_site_admin: is_first,
        is_suspended: false,
    })
}

/// Whether nobody has an account yet.
pub fn is_first_account(db: &mut Reader<'_>) -> Result<bool> {
    Ok(db.first(sql!(r#"select id from "user" limit 1"#), params![], |_| Ok(()))?.is_none())
}

/// The account of an address, with its password hash.
pub fn find_by_email(db: &mut Reader<'_>, email: &str) -> Result<Option<(User, String)>> {
    let (key, former) = (email_key(email), former_email_key(email));
    Ok(db.first(
        sql!(
            r#"
            select id, email, first_name, last_name, locale, status, site_role, password_hash
            from "user"
            where id = coalesce(
                (select id from "user" where email_key = $1),
                (select id from "user" where email_key = $2)
            )
            "#
        ),
        params![&key, &former],
        |row| Ok((from_row(row)?, row.get("password_hash")?)),
    )?)
}

/// A person as others see them.
pub fn find_name(db: &mut Reader<'_>, id: UserId) -> Result<Option<Name>> {
    Ok(db.first(sql!(r#"select id, first_name, last_name from "user" where id = $1"#), params![id], |row| {
        Name::from_row(row, "id", "first_name", "last_name")
    })?)
}

/// Keeps the language that a person chose.
pub fn update_locale(tx: &mut Writer<'_>, id: UserId, locale: &str) -> Result<()> {
    tx.execute(sql!(r#"update "user" set locale = $2 where id = $1"#), params![id, locale])?;
    Ok(())
}

/// What "the same address" means: case does not matter, nor how its letters are composed (RFC 8265, 3.3).
pub fn email_key(email: &str) -> String {
    email.trim().nfc().collect::<String>().to_lowercase().nfc().collect()
}

/// The same before addresses were composed: those of that day are kept so.
fn former_email_key(email: &str) -> String {
    email.trim().to_lowercase()
}

fn from_row(row: &Row<'_>) -> std::result::Result<User, DbError> {
    Ok(User {
        id: row.get("id")?,
        email: row.get("email")?,
        name: Name::from_row(row, "id", "first_name", "last_name")?,
        locale: row.get("locale")?,
        is_site_admin: row.get::<String>("site_role")? == "admin",
        is_suspended: row.get::<String>("status")? != "active",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn initials(first: &str, last: &str) -> String {
        Name::new(UserId(1), first.into(), last.into()).initials
    }

    #[test]
    fn initials_are_letters_as_people_see_them() {
        assert_eq!(initials("Alice", "Martin"), "AM");
        assert_eq!(initials("élodie", "o'brien"), "ÉO");
        assert_eq!(initials("e\u{301}ric", "ßtein"), "E\u{301}SS", "a letter and its accent are one");
        assert_eq!(initials("👩‍🚀 Zoé", "李"), "👩‍🚀李");
        assert_eq!(initials("Cher", ""), "C");
    }

    #[test]
    fn an_address_is_recognised() {
        for good in ["a@b.fr", "Zoé.D+x@exemple-été.fr", "root@localhost"] {
            assert!(is_email(good), "{good}");
        }
        for bad in [
            "",
            "a",
            "@b.fr",
            "a@",
            "a@b..fr",
            "a b@c.fr",
            "a@b@c.fr",
            "a@-b.fr",
            "a@b.fr\n",
            "a\u{200b}@b.fr",
            "\u{202e}a@b.fr",
        ] {
            assert!(!is_email(bad), "{bad:?}");
        }
    }

    #[test]
    fn every_fault_of_a_registration_is_told_at_once() {
        let fault = Registration { email: "x".into(), ..Registration::default() }.checked();
        let Err(Error::Invalid(fields)) = fault else { panic!("accepted") };
        let names: Vec<_> = fields.0.iter().map(|(name, _)| name.as_ref()).collect();
        assert_eq!(names, ["email", "first_name", "last_name", "password"]);
    }
}
