//! The same work at any size: every statement that the product runs, with the parameters that it passes, on a small site and on one that is
//! twenty times as large, in three states of the engine's statistics and with both kinds of PostgreSQL's plans. Counted, not timed.

mod beside;
mod fill;
mod found;
#[path = "../../src/db/tests/source.rs"]
mod source;
mod visit;

use crate::harness::{Database, START, Town};
use beside::{PLANTED, planted, work};
use fill::{Site, TIMES};
use palabre::db::{Cost, Options, Recorder};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use visit::Visit;

type Costs = BTreeMap<&'static str, Cost>;

/// Work may be a few times as much, and a little more: indexes are deeper, pages are full. What grows with the site is twenty times as much.
const FACTOR: u64 = 6;

/// What may come on top, on one engine.
struct Bounds {
    /// The little more.
    slack: u64,
    /// For each row more that is given or changed.
    row: u64,
}

/// Steps of the virtual machine.
const SQLITE: Bounds = Bounds { slack: 600, row: 120 };
/// Pages and rows.
const POSTGRES: Bounds = Bounds { slack: 150, row: 40 };

/// What the engine knows of its tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Statistics {
    /// Of the day when there was one account.
    OneAccount,
    /// Of the present day.
    Full,
    /// Nothing.
    None,
}

const STATES: [Statistics; 3] = [Statistics::OneAccount, Statistics::Full, Statistics::None];

impl Statistics {
    fn set(self, database: &Database) {
        if database.is_postgres() {
            return match self {
                // Taken while the site was filled.
                Self::OneAccount => {}
                Self::Full => database.beside("analyze"),
                Self::None => database.beside(
                    "delete from pg_statistic where starelid in (select oid from pg_class where relnamespace = 'public'::regnamespace);
                    update pg_class set reltuples = -1, relpages = 0 where relnamespace = 'public'::regnamespace",
                ),
            };
        }
        let path = database.folder.path().join("palabre.sqlite");
        let db = rusqlite::Connection::open(path).unwrap();
        // The other connections read the statistics with the schema: it has to change.
        let rest = match self {
            Self::OneAccount => {
                "analyze; delete from sqlite_stat1;
                insert into sqlite_stat1 (tbl, idx, stat)
                select tbl_name, name, '1 1' from sqlite_schema where type = 'index' and tbl_name in ('user', 'session')"
            }
            Self::Full => "analyze",
            Self::None => "drop table if exists sqlite_stat1; drop table if exists sqlite_stat4",
        };
        db.execute_batch(&format!("{rest}; create table bump (x); drop table bump")).unwrap();
    }
}

/// What one visit of a site costs, statement by statement.
async fn visited(site: &Site, statistics: Statistics, mode: Option<&str>) -> Costs {
    let recorder = Recorder::default();
    let mut flags = vec!["--link-previews".to_owned(), "off".to_owned()];
    if let Some(mode) = mode {
        let url = format!("{}?options=-c%20plan_cache_mode%3D{mode}", site.database.url);
        flags.extend(["--database-url".to_owned(), url]);
    }
    let options = Options { recorder: Some(recorder.clone()), ..Options::default() };
    let town = Town::open_with(site.database.clone(), flags, Vec::new(), START, options).await;
    statistics.set(&site.database);
    recorder.take();
    let mut visit = Visit::new(&town, site);
    visit.everything().await;
    assert_eq!(visit.left(), [], "routes that nobody asked for");
    work(&town, site).await;
    let (room, carol) = (site.goal.room, visit.who("Carol").id);
    town.app.db.read(move |db| planted(db, room, carol)).await.unwrap();
    Site::restore(&town).await;
    let mut town = town;
    town.stop().await;
    recorder.take()
}

/// What grows from the small site to the large one, with the figures: beyond what it gives, or in what it gives.
fn grown(small: &Costs, large: &Costs, bounds: &Bounds) -> Vec<(&'static str, String)> {
    let mut grown = Vec::new();
    for (text, large) in large {
        let small = small.get(text).copied().unwrap_or_default();
        let figures = format!(
            "{} to {} for {} to {} rows, {} scanned, {} sorts",
            small.work, large.work, small.rows, large.rows, large.scanned, large.sorts
        );
        let more_rows = large.rows.saturating_sub(small.rows);
        if text.starts_with("update chatroom set state = 'active' where state = 'deleted'") {
            // The fill's own.
            continue;
        }
        if large.work > small.work * FACTOR + bounds.slack + bounds.row * more_rows {
            let is_known = LOOKS.iter().any(|(part, _)| text.contains(part));
            grown.extend((!is_known).then(|| (*text, format!("work: {figures}"))));
        }
        if large.rows > small.rows * FACTOR + 60 && !SHOWS.iter().any(|(part, _)| text.contains(part)) {
            grown.push((*text, format!("rows: {figures}")));
        }
    }
    grown
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_statement_grows_with_the_site() {
    let at_first = |database: &Database| {
        if database.is_postgres() {
            database.beside(
                "do $$ declare t record; begin
                    for t in select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace loop
                        execute format('alter table %I set (autovacuum_enabled = false)', t.relname);
                    end loop;
                end $$;
                analyze",
            );
        }
    };
    let (small, large) = (Site::fill(1, at_first).await, Site::fill(TIMES, at_first).await);
    let is_postgres = small.database.is_postgres();
    let bounds = if is_postgres { &POSTGRES } else { &SQLITE };
    let modes: &[Option<&str>] =
        if is_postgres { &[Some("force_custom_plan"), Some("force_generic_plan")] } else { &[None] };
    let mut told = BTreeMap::new();
    let mut run = BTreeSet::new();
    let mut caught = BTreeSet::new();
    for statistics in STATES {
        for mode in modes {
            let costs = (visited(&small, statistics, *mode).await, visited(&large, statistics, *mode).await);
            run.extend(costs.1.keys().copied());
            for (text, figures) in grown(&costs.0, &costs.1, bounds) {
                if let Some((name, _)) = PLANTED.iter().find(|(_, part)| text.contains(part)) {
                    caught.insert(*name);
                } else if statistics == Statistics::Full || !ASTRAY.iter().any(|(part, _)| text.contains(part)) {
                    told.entry(text).or_insert_with(Vec::new).push(format!("{statistics:?} {mode:?}: {figures}"));
                }
            }
        }
    }
    let told: Vec<String> =
        told.iter().map(|(text, where_)| format!("{text}\n    {}", where_.join("\n    "))).collect();
    assert!(told.is_empty(), "{} statements grow with the site:\n{}", told.len(), told.join("\n"));
    let planted: BTreeSet<&str> = PLANTED.iter().map(|(name, _)| *name).collect();
    assert_eq!(caught, planted, "the planted statements grow, and are seen to");
    let mut all = Vec::new();
    source::collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut all);
    let idle: Vec<&String> = all
        .iter()
        .filter(|text| !run.contains(text.as_str()) && !NOT_RUN.iter().any(|(part, _)| text.contains(part)))
        .collect();
    assert!(idle.is_empty(), "no route runs, and no reason is given for:\n{idle:#?}");
}

/// Statements that give more on a larger site: a part of the text, and why.
const SHOWS: &[(&str, &str)] = &[
    (
        "and coalesce(left_at, 0) = 0\n            order by name_key, user_id\n            ",
        "everybody of an export, or of a room that is deleted",
    ),
    ("and (active_at, id) < ($1, $2)", "goals that a search looks at: 200 a step, 2,000 an answer"),
    ("and (title_key, id) > ($1, $2)", "the same"),
    ("and (name_key, user_id) > ($2, $3)", "people that a search looks at: 250 a step, 2,000 an answer"),
    ("and (reads, user_id) < ($3, $4)", "people among whom readers are looked for: 2,000 an answer"),
    ("m.reads > $2", "receipts when the page opens, 200 at most"),
    ("select u.id, u.first_name, u.last_name\n                from chatroom_member m", "who can be named"),
    ("from message_hidden", "what a person hid, 200 at most"),
    ("deleted_at is null and position + 0 > $2\n            order by id desc", "the same"),
    ("select created_at, user_id", "a round of the digest, 2,000 events at most"),
    ("order by a.id", "files of a page of an export, of 1,000 messages at most"),
    ("select id, position", "a page of an export, 1,000 messages at most"),
    ("m.first_position < $2 and m.user_id <> $4", "@all is told to everybody"),
    ("select u.id\n            from \"user\" u\n            where u.id in {ids:$2}", "the same"),
    ("where (user_id, revision) in", "the same"),
    ("insert into notification (user_id, revision, kind, chatroom_id, message_id, actor_id, created_at)", "the same"),
    ("select id from \"user\" where id in", "the same"),
    ("update \"user\" set revision = revision + 1 where id in", "the same"),
];

/// Statements that look at more on a larger site: a part of the text, and why.
const LOOKS: &[(&str, &str)] = &[
    ("where (user_id, revision) in", "@all is told to everybody: a look a person"),
    ("cross join push_subscription s", "a message is pushed to everybody in the room: a look a person"),
    ("{greatest:$2, revision - $4}", "of a person's newest 200 events, more than the small site has"),
    ("u.revision - $3}", "the same"),
    (") reader", "who has read a message is counted up to 1,000"),
    ("select count(*) as messages from message_gram", "not asked on the small site; it counts some hundred ids"),
];

/// Statements that are led astray by statistics of another day or by none, for whom no other wording was found: a part of the text, and why.
/// Such statistics are forgotten at each start of the program on SQLite, and renewed by PostgreSQL itself within a minute.
const ASTRAY: &[(&str, &str)] = &[
    (
        "update \"user\" set seen_at = $2",
        "SQLite reads all people for a list of ids where it believes that there is one",
    ),
    ("and u.shows_presence = 1", "the same; a list of at most 200 who are here, and fifty who are listed"),
    (") newer", "PostgreSQL sorts what changed where it believes that little did"),
    (
        "revision > (select revision - $3 from",
        "PostgreSQL sorts a person's events, 1,000 at most, where it believes that there are few",
    ),
];

/// Statements that no route runs: a part of the text, and why.
const NOT_RUN: &[(&str, &str)] = &[
    ("max(reads) as reads", "at the start: a row a room"),
    ("name_key is null", "once, after the step to pages"),
    ("update chatroom_member set name_key", "the same"),
    ("title_key is null", "the same"),
    ("limit 1 offset $3", "one advance of sixteen: 500 entries of an index"),
    ("receipts_from = $3", "where times of reading are forgotten: by its key"),
    ("select id, revision from chatroom", "the same"),
    ("on conflict (name) do nothing", "at the start: by its key"),
    ("insert into message_link", "where a preview was found: a row by its key"),
    ("update \"user\" set mailed_revision", "where there is something to mail: by its key"),
    ("select id, email, first_name, last_name, locale, status, site_role\n", "the same"),
    ("t.author_first_name, t.author_last_name", "where somebody is pushed to: by ids"),
    ("where user_id = $1 and id <> $2 returning", "at a suspension: by the index of a person's sessions"),
    ("g.history = 'none'", "with an external hub: by its key"),
    // A room that was deleted is erased once, a page at a time, where nobody waits (src/message/storage.rs and its like).
    ("set deleted_at = $1 where state = 'deleted'", "erasure"),
    ("erased_at", "erasure"),
    ("select id, position, content\n", "erasure"),
    (
        "select id, position\n            from message\n            where chatroom_id = $1 and position > $2\n            order by position\n",
        "erasure",
    ),
    (
        "and m.user_id = $2\n                    and c.id = m.chatroom_id",
        "where a stream opens: the rooms that it names, by their keys",
    ),
    ("deleted_at = coalesce(deleted_at, $3)", "erasure"),
    ("delete from message_hidden where message_id", "erasure"),
    ("delete from message_read_receipt where chatroom_id", "erasure"),
    ("delete from notification where", "erasure"),
    ("update goal set title = ''", "erasure"),
    ("{compact_grams:$1}", "erasure"),
    ("delete from link_preview", "erasure, and previews that are old"),
    ("set revision = revision - 1", "where two tabs send the same at the same moment: by its key"),
];

/// What was measured of the tables on another day leads no plan after a start, and a stop measures nothing.
#[tokio::test]
async fn statistics_of_another_day_are_forgotten_at_the_start() {
    let mut town = Town::start().await;
    if town.database.is_postgres() {
        return;
    }
    let path = town.database.folder.path().join("palabre.sqlite");
    let has_statistics = || {
        let db = rusqlite::Connection::open(&path).unwrap();
        let count = "select count(*) from sqlite_schema where name in ('sqlite_stat1', 'sqlite_stat4')";
        db.query_row(count, [], |row| row.get::<_, i64>(0)).unwrap() > 0
    };
    town.person("Zoe").await;
    town.stop().await;
    assert!(!has_statistics(), "a stop leaves none");
    Statistics::OneAccount.set(&town.database);
    assert!(has_statistics());
    let mut town = town.restart().await;
    assert!(!has_statistics(), "a start forgets them");
    town.stop().await;
}
