//! Whom a message names: `@First Last`, a first name that one person alone has, `@First Last#12` for one of several of that name, `@all`.
//!
//! Names are looked up when the message is written, among those who can read it. What was found stands in the rendered text by its number,
//! so that another name later changes nothing. A name that nobody there bears is text like any other: it tells nothing of people elsewhere.

mod naming;

use crate::chatroom::Member;
use crate::db::{Reader, Row, Value, Writer};
use crate::error::Result;
use crate::id::{MessageId, UserId};
use crate::{params, sql};
pub use naming::{Naming, Snapshot};
pub(super) use naming::{Place, Resolved, resolve};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;

/// In a room of so many people or fewer, each of them may call everybody; in a larger one, those who moderate
/// (`public/room/mention.js` knows the same number).
pub const SMALL_ROOM: usize = 20;
/// Words that call everybody, in both languages of the interface.
const ALL: [&str; 2] = ["all", "tous"];
/// First and last name with the space between them, as [`crate::user::NAME_MAX`] allows.
const NAME_MAX: usize = 2 * crate::user::NAME_MAX + 1;

/// Who can be named in a room, by folded name.
#[derive(Debug, Default)]
pub struct People {
    names: BTreeMap<String, Vec<UserId>>,
    whole: HashMap<UserId, String>,
    may_call_all: bool,
}

/// Whom a text names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    /// People, one by one.
    pub users: BTreeSet<UserId>,
    /// Everybody in the room.
    pub all: bool,
}

impl Named {
    /// Whether nobody is named.
    pub fn is_empty(&self) -> bool {
        self.users.is_empty() && !self.all
    }
}

/// A part of a text.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// As it stands.
    Text(&'a str),
    /// A mention: a person's number or `all`, and what is shown.
    Name(String, Cow<'a, str>),
}

impl People {
    /// Those who see a message at a position, for a member who writes it. `before` is the rendered text that an edit replaces: who is
    /// named there may still be called by the name of that day.
    fn read(db: &mut Reader<'_>, member: &Member, position: i64, before: &str) -> Result<Self> {
        let rows: Vec<(UserId, String, String)> = db.all(
            sql!(
                r#"
                select u.id, u.first_name, u.last_name
                from chatroom_member m
                join "user" u on u.id = m.user_id
                where m.chatroom_id = $1 and m.left_at is null and m.first_position < $2
                order by u.id
                "#
            ),
            params![member.room(), position],
            |row| Ok((row.get("id")?, row.get("first_name")?, row.get("last_name")?)),
        )?;
        let may_call_all = member.role().may_moderate() || rows.len() <= SMALL_ROOM;
        let mut people = Self { may_call_all, ..Self::default() };
        for (id, first, last) in rows {
            people.add(id, &first, &last);
        }
        for (id, label) in labels(before) {
            if people.whole.contains_key(&id) {
                people.names.entry(folded(&label)).or_insert_with(|| vec![id]);
            }
        }
        Ok(people)
    }

    fn add(&mut self, id: UserId, first: &str, last: &str) {
        let whole = format!("{first} {last}").trim().to_owned();
        let names = BTreeSet::from([folded(first), folded(&whole)]);
        for name in names.into_iter().filter(|name| !name.is_empty()) {
            self.names.entry(name).or_default().push(id);
        }
        self.whole.insert(id, whole);
    }

    /// Cuts a text at its mentions and notes whom they name.
    pub fn split<'a>(&self, text: &'a str, named: &mut Named) -> Vec<Piece<'a>> {
        let mut pieces = Vec::new();
        let mut plain = 0;
        let mut at = 0;
        while let Some(sign) = text[at..].find('@').map(|found| at + found) {
            at = sign + 1;
            let is_open =
                text[..sign].chars().next_back().is_none_or(|c| !c.is_alphanumeric() && !"@._-+/".contains(c));
            let Some((key, shown, length)) = is_open.then(|| self.name_at(&text[at..])).flatten() else { continue };
            match key {
                Some(user) => drop(named.users.insert(user)),
                None => named.all = true,
            }
            if plain < sign {
                pieces.push(Piece::Text(&text[plain..sign]));
            }
            pieces.push(Piece::Name(key.map_or_else(|| "all".to_owned(), |user| user.to_string()), shown));
            at += length;
            plain = at;
        }
        if plain < text.len() {
            pieces.push(Piece::Text(&text[plain..]));
        }
        pieces
    }

    /// The longest name that a text begins with: whose it is (nobody's: everybody), what to show, and its length in bytes.
    fn name_at<'a>(&self, text: &'a str) -> Option<(Option<UserId>, Cow<'a, str>, usize)> {
        let mut found = None;
        let mut name = String::new();
        for (start, c) in text.char_indices().take(NAME_MAX + 1) {
            push_folded(&mut name, c);
            if !self.is_beginning(&name) {
                break;
            }
            let end = start + c.len_utf8();
            if c.is_whitespace() || !ends_here(&text[end..]) {
                continue;
            }
            if self.may_call_all && ALL.contains(&name.as_str()) {
                found = Some((None, Cow::Borrowed(&text[..end]), end));
            }
            let Some(bearers) = self.names.get(&name) else { continue };
            if let Some((user, digits)) = number_after(&text[end..]).filter(|(user, _)| bearers.contains(user)) {
                found = Some((Some(user), Cow::Borrowed(&text[..end]), end + digits));
            } else if let [only] = bearers.as_slice() {
                found = Some((Some(*only), Cow::Borrowed(&text[..end]), end));
            }
        }
        found.map(|(user, shown, length)| (user, Cow::Owned(format!("@{shown}")), length))
    }

    /// Whether some name begins so: a text full of signs costs no more than what is alike.
    fn is_beginning(&self, text: &str) -> bool {
        let next = self.names.range::<str, _>((Bound::Included(text), Bound::Unbounded)).next();
        next.is_some_and(|(name, _)| name.starts_with(text)) || ALL.iter().any(|word| word.starts_with(text))
    }
}

/// Whether a name may end before this text: not in the middle of a word.
fn ends_here(rest: &str) -> bool {
    let mut chars = rest.chars();
    match chars.next() {
        None => true,
        Some('-' | '_') => chars.next().is_none_or(|next| !next.is_alphanumeric()),
        Some(next) => !next.is_alphanumeric(),
    }
}

/// `#12` at the beginning of a text, and its length.
fn number_after(text: &str) -> Option<(UserId, usize)> {
    let digits = text.strip_prefix('#')?.split(|c: char| !c.is_ascii_digit()).next()?;
    let rest = &text[1 + digits.len()..];
    digits.parse().ok().filter(|_| ends_here(rest)).map(|id| (UserId(id), 1 + digits.len()))
}

/// A name as it is compared: case, kinds of space and of apostrophe do not matter.
fn folded(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    name.trim().chars().for_each(|c| push_folded(&mut text, c));
    text
}

fn push_folded(text: &mut String, c: char) {
    match c {
        '’' => text.push('\''),
        _ if c.is_whitespace() => text.push(' '),
        _ => text.extend(c.to_lowercase()),
    }
}

/// Who is named in a rendered text, and by which name: the only spans with a number are ours.
fn labels(html: &str) -> Vec<(UserId, String)> {
    let label = |part: &str| {
        let (id, rest) = part.split_once('"')?;
        let name = rest.split_once(">@")?.1.split('<').next()?;
        let name = name.replace("&nbsp;", " ").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
        Some((UserId(id.parse().ok()?), name))
    };
    html.split(" data-user=\"").skip(1).filter_map(label).collect()
}

/// Keeps the rows of a message in step with whom it names now: who was not named before. An author is never named to themselves.
pub(super) fn keep(
    tx: &mut Writer<'_>,
    member: &Member,
    message: MessageId,
    position: i64,
    named: &Named,
) -> Result<Vec<UserId>> {
    if named.is_empty() {
        return Ok(Vec::new());
    }
    let read = |row: &Row<'_>| row.get("user_id");
    if named.all {
        return Ok(tx.all(
            sql!(
                r#"
                insert into message_mention (message_id, user_id, chatroom_id, position)
                select $1, m.user_id, m.chatroom_id, $2
                from chatroom_member m
                where m.chatroom_id = $3 and m.left_at is null and m.first_position < $2 and m.user_id <> $4
                on conflict (message_id, user_id) do nothing
                returning user_id
                "#
            ),
            params![message, position, member.room(), member.user()],
            read,
        )?);
    }
    let ids: Vec<i64> = named.users.iter().map(|user| user.0).collect();
    Ok(tx.all(
        sql!(
            r#"
            insert into message_mention (message_id, user_id, chatroom_id, position)
            select $1, u.id, $3, $2
            from "user" u
            where u.id in {ids:$5}
                and u.id <> $4
                and (
                    select m.first_position
                    from chatroom_member m
                    where m.chatroom_id = $3 and m.user_id = u.id and m.left_at is null
                ) < $2
            on conflict (message_id, user_id) do nothing
            returning user_id
            "#
        ),
        params![message, position, member.room(), member.user(), Value::ids(&ids)],
        read,
    )?)
}

/// Takes back the rows of those whom an edited message names no more.
pub(super) fn forget_others(tx: &mut Writer<'_>, message: MessageId, named: &Named) -> Result<()> {
    let ids: Vec<i64> = named.users.iter().map(|user| user.0).collect();
    if !named.all {
        tx.execute(
            sql!("delete from message_mention where message_id = $1 and user_id not in {ids:$2}"),
            params![message, Value::ids(&ids)],
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people() -> People {
        let mut people = People { may_call_all: true, ..People::default() };
        for (id, first, last) in [
            (1, "Ben", "Diop"),
            (2, "Élodie", "Martin"),
            (3, "Jean-Luc", "O’Brien"),
            (4, "Awa", "Sow"),
            (5, "Awa", "Sow"),
            (6, "Awa", "Ba"),
            (7, "Ben", "Diop-Sow"),
            (8, "李", ""),
        ] {
            people.add(UserId(id), first, last);
        }
        people
    }

    /// The text with its mentions in brackets.
    fn marked(text: &str) -> String {
        let mut named = Named::default();
        let pieces = people().split(text, &mut named);
        let show = |piece: &Piece<'_>| match piece {
            Piece::Text(text) => (*text).to_owned(),
            Piece::Name(key, shown) => format!("[{key}:{shown}]"),
        };
        pieces.iter().map(show).collect()
    }

    #[test]
    fn names_are_found_whole_and_the_longest_counts() {
        assert_eq!(marked("Salut @Ben Diop !"), "Salut [1:@Ben Diop] !");
        assert_eq!(marked("@ben diop-sow, viens"), "[7:@ben diop-sow], viens");
        assert_eq!(marked("@élodie et (@Élodie Martin)"), "[2:@élodie] et ([2:@Élodie Martin])");
        assert_eq!(marked("@Jean-Luc O'Brien"), "[3:@Jean-Luc O'Brien]");
        assert_eq!(marked("@Élodie\u{a0}Martin’s"), "[2:@Élodie\u{a0}Martin]’s");
        assert_eq!(marked("@李你好 @李 你好"), "@李你好 [8:@李] 你好", "no word ends inside of a word");
        assert_eq!(marked("@Ben Diop@Élodie"), "[1:@Ben Diop]@Élodie");
    }

    #[test]
    fn a_shared_name_needs_a_number() {
        assert_eq!(marked("@Awa Sow @Awa @Ben"), "@Awa Sow @Awa @Ben");
        assert_eq!(marked("@Awa Sow#5 et @Awa Ba"), "[5:@Awa Sow] et [6:@Awa Ba]");
        assert_eq!(marked("@Awa Sow#6, @Awa Sow#55, @Awa#4."), "@Awa Sow#6, @Awa Sow#55, [4:@Awa].");
        assert_eq!(marked("@Ben Diop#1"), "[1:@Ben Diop]");
        assert_eq!(marked("@Ben Diop#99999999999999999999"), "[1:@Ben Diop]#99999999999999999999");
    }

    #[test]
    fn what_only_looks_like_a_name_is_text() {
        for text in [
            "ben@Ben Diop.fr",
            "a.@Ben Diop",
            "@",
            "@@",
            "@Bena Diop",
            "@Ben Diopé",
            "@Charles",
            "@ Ben Diop",
            "@allo",
            "@tous-ensemble",
        ] {
            assert_eq!(marked(text), text);
        }
        assert_eq!(marked("@all et @Tous"), "[all:@all] et [all:@Tous]");
    }

    #[test]
    fn an_older_name_is_read_from_the_rendered_text() {
        let html = r#"<p>a <span class="mention" data-user="7">@L&amp;A d’Été</span> <span class="mention" data-user="all">@all</span></p>"#;
        assert_eq!(labels(html), [(UserId(7), "L&A d’Été".to_owned())]);
        assert_eq!(labels("<p> data-user=&quot;7&quot;&gt;@x</p>"), []);
    }
}
