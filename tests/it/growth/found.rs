//! A search through ranges of ids finds what a look at every message finds, page after page.

use super::fill::{Site, TIMES};
use crate::harness::{START, Town};
use palabre::db::{DbError, Reader};
use palabre::error::Result;
use palabre::id::{MessageId, RoomId, UserId};
use palabre::message::search::{self, Filter, Query};
use palabre::{params, sql};

/// So many results are compared.
const ENOUGH: usize = 200;

/// A message as a look at everything sees it.
struct Seen {
    id: i64,
    room: i64,
    author: i64,
    created_at: i64,
    folded: String,
    has_file: bool,
}

/// All that a person may find, newest first.
fn everything(db: &mut Reader<'_>, user: i64) -> std::result::Result<Vec<Seen>, DbError> {
    db.all(
        sql!(
            r#"
            select
                m.id, m.chatroom_id, m.author_id, m.created_at, t.folded,
                (select count(*) from attachment a where a.message_id = m.id) as files
            from message m
            join message_text t on t.message_id = m.id
            join chatroom_member v on v.chatroom_id = m.chatroom_id and v.user_id = $1 and v.left_at is null
            where m.deleted_at is null
                and m.position > v.first_position
                and m.id not in (select h.message_id from message_hidden h where h.user_id = $1)
            order by m.id desc
            "#
        ),
        params![user],
        |row| {
            Ok(Seen {
                id: row.get("id")?,
                room: row.get("chatroom_id")?,
                author: row.get("author_id")?,
                created_at: row.get("created_at")?,
                folded: row.get("folded")?,
                has_file: row.get::<i64>("files")? > 0,
            })
        },
    )
}

fn naive(all: &[Seen], query: &Query) -> Vec<i64> {
    let filter = &query.filter;
    let is_meant = |seen: &&Seen| {
        filter.room.is_none_or(|room| room.0 == seen.room)
            && filter.author.is_none_or(|author| author.0 == seen.author)
            && filter.from.is_none_or(|from| seen.created_at >= from)
            && filter.until.is_none_or(|until| seen.created_at < until)
            && filter.before.is_none_or(|before| seen.id < before.0)
            && (!filter.has_file || seen.has_file)
            && query.matches(&seen.folded)
    };
    all.iter().filter(is_meant).map(|seen| seen.id).collect()
}

/// The pages of a search until there is enough, and how many there were.
fn pages(db: &mut Reader<'_>, user: UserId, mut query: Query) -> Result<(Vec<i64>, usize)> {
    let (mut ids, mut count) = (Vec::new(), 0);
    loop {
        let page = search::find(db, user, &query)?.results(&query);
        count += 1;
        assert!(page.found.len() <= search::PAGE);
        ids.extend(page.found.iter().map(|found| found.message.id.0));
        let Some(next) = page.next.filter(|_| ids.len() < ENOUGH) else { return Ok((ids, count)) };
        assert!(query.filter.before.is_none_or(|before| next < before), "each page goes on");
        query.filter.before = Some(next);
    }
}

#[tokio::test]
async fn a_search_through_ranges_finds_what_a_look_at_everything_finds() {
    let site = Site::fill(TIMES, |_| {}).await;
    let town = Town::open(site.database.clone(), Vec::new(), START).await;
    let person = |name: &str| site.people.iter().find(|person| person.name == name).expect("somebody").id;
    let (people, alice, room) = ([person("Carol"), person("Dan"), person("Frank")], person("Alice"), site.goal.room);
    let (oldest, newest) = (site.messages[0], *site.messages.last().expect("a message"));
    let words = ["reunion", "demain", "demain photo", "東京", "numero4e", "introuvable", "me", "o9", "devis", "水"];
    let filters = move || {
        let all = [None, Some(RoomId(room)), Some(RoomId(room + 1)), Some(RoomId(999_999))];
        let rooms = all.into_iter().map(|room| Filter { room, ..Filter::default() });
        let within = |from: i64, until: i64| Filter {
            room: Some(RoomId(room)),
            from: Some(START - from * 1_000_000),
            until: Some(START - until * 1_000_000),
            ..Filter::default()
        };
        rooms.chain([
            Filter { author: Some(UserId(alice)), ..Filter::default() },
            Filter { room: Some(RoomId(room)), author: Some(UserId(alice)), has_file: true, ..Filter::default() },
            Filter { has_file: true, ..Filter::default() },
            within(4_000, 3_000),
            within(-99, -999),
            Filter { from: Some(START - 500_000_000), ..Filter::default() },
            Filter { until: Some(START - 7_000_000_000), ..Filter::default() },
            Filter { before: Some(MessageId((oldest + newest) / 2)), ..Filter::default() },
            Filter { before: Some(MessageId(1)), ..Filter::default() },
        ])
    };
    let look = move |db: &mut Reader<'_>| -> Result<()> {
        for user in people {
            let all = everything(db, user)?;
            for word in words {
                for filter in filters() {
                    let query = Query::new(word, filter)?;
                    let mut expected = naive(&all, &query);
                    let told = format!("{word:?} for {user} in {:?}", query.filter);
                    let (found, pages) = pages(db, UserId(user), query)?;
                    if expected.len() > ENOUGH {
                        expected.truncate(found.len().max(ENOUGH));
                    }
                    assert_eq!(found, expected, "{told}");
                    assert!(pages <= expected.len() / search::PAGE + 4, "{told}: {pages} pages");
                }
            }
        }
        Ok(())
    };
    town.app.db.read(look).await.unwrap();
}
