//! That finding is a look-up, whatever is stored, and that what is discarded leaves the file.

use std::{sync::Arc, time::Duration};

use rusqlite::StatementStatus;

use super::{
    Retention, reader,
    store::*,
    writer::{give_back, trim},
};
use crate::{
    event::{Event, Wire},
    history::{NoPage, Page, Position, Reading},
    topic::Topic,
    update::Update,
};

const STORED: u64 = 1_000_000;
const TOPICS: u64 = 1_000;

/// A file with a million updates, `id000000` to `id999999`, each of one topic in turn; written by SQLite alone, which is quicker than we are in a test.
fn filled(folder: &tempfile::TempDir) -> Store {
    let store = Store::create(&folder.path().join("updates.db")).unwrap();
    // Each index is filled in its own order, which spares SQLite the search.
    let mut hashes: Vec<_> = (0..TOPICS).map(|n| (hash(&format!("topic/{n}")), n)).collect();
    hashes.sort_unstable();
    store
        .raw
        .execute_batch("pragma synchronous = off; begin; create temp table named (hash integer, n integer)")
        .unwrap();
    for (hash, n) in hashes {
        store.raw.execute("insert into named values (?1, ?2)", (hash, n as i64)).unwrap();
    }
    let numbers = |last| format!("with recursive n(n) as (select 0 union all select n + 1 from n where n < {last})");
    let sql = format!(
        "create temp table steps as {} select n * {TOPICS} as n from n;
         insert into topic_place select hash, named.n + steps.n from named cross join steps;
         {} insert into update_ select n, format('id%06d', n), 'topic/' || (n % {TOPICS}), 'x', null, null, 0, n, n * 100 from n;
         commit",
        numbers(STORED / TOPICS - 1),
        numbers(STORED - 1)
    );
    store.raw.execute_batch(&sql).unwrap();
    store
}

/// What SQLite's machine did since the last time this was asked, in its steps: a row that is looked at takes five to thirty.
fn steps(store: &Store) -> i32 {
    let all = [FIND, OF_TOPIC, FROM, AT, OLDEST, LAST, TIME];
    all.iter().map(|sql| store.raw.prepare_cached(sql).unwrap().reset_status(StatementStatus::VmStep)).sum()
}

fn reading(from: u64, named: Option<&[&str]>) -> Reading {
    let topics = |names: &[&str]| names.iter().map(|name| Topic::new(name).unwrap()).collect::<Vec<_>>();
    let named = named.map(topics);
    let wanted = named.clone();
    let wants =
        move |topics: &[Topic]| wanted.as_ref().is_none_or(|wanted| topics.iter().any(|topic| wanted.contains(topic)));
    Reading { from: Position::Place(from), until: STORED, named, wants: Box::new(wants), wire: Wire::Sse }
}

fn ids(page: &Page) -> Vec<String> {
    page.events.iter().map(|event| event.id.to_string()).collect()
}

// D1
#[test]
fn a_million_updates_are_found_without_a_scan() {
    let folder = tempfile::TempDir::new().unwrap();
    let store = filled(&folder);
    steps(&store);
    for (last, oldest) in
        [0, 1, 499_999, 500_000, 998_000, 999_999].into_iter().flat_map(|n| [(n, None), (n, Some(-1.0))])
    {
        assert_eq!(reader::find(&store, &format!("id{last:06}"), oldest).unwrap(), Some(last + 1));
        assert!(steps(&store) < 1_000, "a look-up in an index");

        let page =
            reader::page(&store, &reading(last + 1, Some(&["topic/7", "topic/300", "nothing"])), oldest).unwrap();
        let expected: Vec<_> =
            (last + 1..STORED).filter(|n| n % TOPICS == 7 || n % TOPICS == 300).take(Page::EVENTS).collect();
        assert_eq!(ids(&page), expected.iter().map(|n| format!("id{n:06}")).collect::<Vec<_>>());
        assert!(steps(&store) < 100 * Page::EVENTS as i32, "only what is wanted is looked at");

        let page = reader::page(&store, &reading(last + 1, None), oldest).unwrap();
        assert_eq!(page.events.len() as u64, (STORED - last - 1).min(Page::EVENTS as u64));
        assert!(steps(&store) < 100 * Page::EVENTS as i32, "a page is what is looked at");
    }
    assert_eq!(reader::find(&store, "unknown", None).unwrap(), None);
    let page = reader::page(&store, &reading(0, Some(&["nothing"])), None).unwrap();
    assert_eq!((page.events.len(), page.next), (0, STORED));
    assert!(steps(&store) < 1_000, "nothing is found at once");
    // What is too old is not found, even before it is deleted.
    assert_eq!(reader::find(&store, "id000041", Some(42.0)).unwrap(), None);
    assert_eq!(reader::find(&store, "id000042", Some(42.0)).unwrap(), Some(43));
    assert_eq!(reader::page(&store, &reading(41, None), Some(42.0)).err(), Some(NoPage::Outrun));
}

// D1
#[test]
fn every_statement_searches_by_an_index() {
    let folder = tempfile::TempDir::new().unwrap();
    let store = Store::create(&folder.path().join("updates.db")).unwrap();
    for sql in [FIND, OF_TOPIC, FROM, AT, TIME, EDGE, DELETE, DELETE_TOPIC] {
        let mut statement = store.raw.prepare(&format!("explain query plan {sql}")).unwrap();
        let parameters = vec![0; statement.parameter_count()];
        let lines = statement.query_map(rusqlite::params_from_iter(parameters), |row| row.get::<_, String>(3)).unwrap();
        let plan: Vec<_> = lines.map(Result::unwrap).collect();
        assert!(plan.iter().all(|line| line.starts_with("SEARCH")), "{sql}: {plan:?}");
    }
}

/// A topic whose hash is another's is told apart by its name.
#[test]
fn topics_that_share_a_hash_stay_apart() {
    let folder = tempfile::TempDir::new().unwrap();
    let store = Store::create(&folder.path().join("updates.db")).unwrap();
    let mut ends = store.ends().unwrap();
    for topic in ["a", "b"] {
        let update = Update::new(topic, topic).unwrap();
        store.insert(&mut ends, &Event::new(update.clone()), 0.0).unwrap();
    }
    store.raw.execute("update topic_place set topic = ?1", [hash("a")]).unwrap();
    let page = reader::page(&store, &Reading { until: 2, ..reading(0, Some(&["a"])) }, None).unwrap();
    assert_eq!(page.events.len(), 1);
    assert_eq!(page.events[0].topics[0].as_str(), "a");
}

#[test]
fn free_pages_go_back_to_the_file_system_in_steps() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("updates.db");
    let store = Store::create(&path).unwrap();
    let mut ends = store.ends().unwrap();
    let update = Update::new("a", "x".repeat(100_000)).unwrap();
    store.raw.execute_batch("pragma synchronous = off; begin").unwrap();
    for _ in 0..400 {
        store.insert(&mut ends, &Event::new(update.clone()), 0.0).unwrap();
    }
    store.raw.execute_batch("commit").unwrap();
    let retention = Retention { events: 10, bytes: 0, age: Duration::ZERO, clock: Arc::new(|| 0.0) };
    while trim(&store, &mut ends, &retention, 100).unwrap() {}
    assert_eq!((ends.floor, store.ends().unwrap()), (390, ends));
    let (before, free) = store.pages().unwrap();
    assert!(free > before / 2);
    let mut rounds = 0;
    while give_back(&store).unwrap() {
        rounds += 1;
    }
    let (after, _) = store.pages().unwrap();
    assert!(rounds > 3 && after < before / 2, "{before} pages, then {after}, in {rounds} steps");
}
