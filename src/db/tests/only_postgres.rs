//! What only a server brings: collisions, lost connections, several nodes.

use super::{Store, add_note, admin, bodies, gate, options};
use crate::db::{Db, DbError, Lane, Options, Target};
use crate::{params, sql};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;

#[tokio::test]
async fn writes_of_one_room_share_a_transaction() {
    let Some(store) = Store::postgres(options()).await else {
        return;
    };
    let closed = gate(&store.db, Lane::Room(1)).await;
    let transactions = Arc::new(Mutex::new(Vec::new()));
    let mut answers = Vec::new();
    for number in 0..100_i64 {
        let (db, transactions) = (store.db.clone(), Arc::clone(&transactions));
        let lane = if number < 90 { Lane::Room(1) } else { Lane::None };
        answers.push(tokio::spawn(async move {
            db.write(lane, move |w| {
                add_note(w, number, "x")?;
                let id =
                    w.one(sql!("select cast(cast(pg_current_xact_id() as text) as bigint) as id"), params![], |row| {
                        row.get::<i64>("id")
                    })?;
                transactions.lock().unwrap().push((number, id));
                Ok::<_, DbError>(())
            })
            .await
        }));
    }
    while store.db.waiting() < 90 {
        tokio::task::yield_now().await;
    }
    drop(closed);
    for answer in answers {
        answer.await.unwrap().unwrap();
    }
    let transactions = transactions.lock().unwrap().clone();
    let count = |of_room: bool| {
        let mut ids: Vec<_> = transactions.iter().filter(|(n, _)| (*n < 90) == of_room).map(|(_, id)| id).collect();
        ids.sort_unstable();
        ids.dedup();
        ids.len()
    };
    assert_eq!((count(true), count(false)), (2, 10));
    store.close().await;
}

#[tokio::test]
async fn a_deadlock_is_tried_again() {
    // Two jobs of one kind at once.
    let Some(store) = Store::postgres(Options { workers: 8, ..options() }).await else {
        return;
    };
    let tops = store
        .db
        .write(Lane::None, |w| w.execute(sql!("insert into store_top (room, top) values (1, 0), (2, 0)"), params![]));
    tops.await.unwrap();
    let (meet, runs, rung) = (Arc::new(Barrier::new(2)), Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let mut answers = Vec::new();
    for (first, second) in [(1, 2), (2, 1)] {
        let (db, meet, runs, rung) = (store.db.clone(), Arc::clone(&meet), Arc::clone(&runs), Arc::clone(&rung));
        answers.push(tokio::spawn(async move {
            let mut is_first_run = true;
            db.write(Lane::None, move |w| {
                runs.fetch_add(1, Ordering::Relaxed);
                let rung = Arc::clone(&rung);
                w.after_commit(move || {
                    rung.fetch_add(1, Ordering::Relaxed);
                });
                let add = sql!("update store_top set top = top + 1 where room = $1");
                w.execute(add, params![first])?;
                if std::mem::take(&mut is_first_run) {
                    meet.wait();
                }
                w.execute(add, params![second])
            })
            .await
        }));
    }
    for answer in answers {
        answer.await.unwrap().unwrap();
    }
    assert_eq!((runs.load(Ordering::Relaxed), rung.load(Ordering::Relaxed)), (3, 2));
    let tops = store.db.read(|r| r.all(sql!("select top from store_top"), params![], |row| row.get::<i64>("top")));
    assert_eq!(tops.await.unwrap_or_else(|error: DbError| panic!("{error}")), [2, 2]);
    store.close().await;
}

fn terminate(store: &Store) {
    let name = store.database.as_deref().unwrap();
    admin(&format!("select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = '{name}'"));
}

#[tokio::test]
async fn a_broken_connection_is_replaced() {
    let Some(store) = Store::postgres(Options { workers: 2, ..options() }).await else {
        return;
    };
    for round in 0..3 {
        store.db.write(Lane::Room(1), move |w| add_note(w, 1, &round.to_string())).await.unwrap();
        terminate(&store);
        assert_eq!(bodies(&store.db).await.len(), round + 1);
        terminate(&store);
    }
    // In the middle of a job: nothing of the first try is left.
    let (name, mut tries) = (store.database.clone().unwrap(), 0);
    let write = store.db.write(Lane::Room(1), move |w| {
        add_note(w, 1, "once")?;
        tries += 1;
        if tries == 1 {
            admin(&format!("select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'"));
        }
        add_note(w, 1, "twice").map(|_| tries)
    });
    assert_eq!(write.await.unwrap_or_else(|error: DbError| panic!("{error}")), 2);
    assert_eq!(bodies(&store.db).await, ["0", "1", "2", "once", "twice"]);
    store.close().await;
}

#[tokio::test]
async fn an_unreachable_server_is_an_error_after_a_while() {
    let Some(store) = Store::postgres(Options { workers: 2, patience: Duration::from_millis(300), ..options() }).await
    else {
        return;
    };
    let name = store.database.clone().unwrap();
    admin(&format!("alter database {name} with allow_connections false"));
    terminate(&store);
    let write = store.db.write(Lane::Room(1), |w| add_note(w, 1, "x")).await;
    assert!(matches!(write, Err(DbError::Postgres(..))), "{write:?}");
    let read = store.db.read(|_| Ok::<_, DbError>(())).await;
    assert!(matches!(read, Err(DbError::Postgres(..))), "{read:?}");
    admin(&format!("alter database {name} with allow_connections true"));
    store.db.write(Lane::Room(1), |w| add_note(w, 1, "again")).await.unwrap();
    assert_eq!(bodies(&store.db).await, ["again"]);
    store.close().await;
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_stopped() {
    let Some(store) = Store::postgres(Options { statement_timeout: Duration::from_millis(200), ..options() }).await
    else {
        return;
    };
    let slow = store.db.read(|r| r.first(sql!("select cast(pg_sleep(20) as text) as x"), params![], |_| Ok(())));
    let error = slow.await.map(drop).unwrap_err();
    assert!(error.to_string().contains("57014"), "{error}");
    store.close().await;
}

/// One of several servers.
fn several() -> Options {
    Options { is_alone: false, ..options() }
}

#[tokio::test]
async fn several_nodes_may_start_at_once() {
    let Some(store) = Store::postgres(options()).await else {
        return;
    };
    let name = super::fresh_name();
    admin(&format!("create database {name}"));
    let url = super::in_database(&std::env::var("PALABRE_TEST_POSTGRES").unwrap(), &name);
    let nodes: Vec<Db> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..4).map(|_| scope.spawn(|| Db::open(&Target::Postgres(url.clone()), several()).unwrap())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for node in nodes {
        node.close().await;
    }
    admin(&format!("drop database {name} with (force)"));
    store.close().await;
}

#[tokio::test]
async fn a_second_server_is_kept_off_the_database() {
    let impatient = || Options { start_patience: Duration::ZERO, ..options() };
    let Some(store) = Store::postgres(impatient()).await else {
        return;
    };
    let refusal = || Db::open(&store.target, impatient()).map(drop).unwrap_err();
    assert!(matches!(refusal(), DbError::Taken(_)), "{}", refusal());
    assert!(refusal().to_string().contains("several servers"), "{}", refusal());
    // The lock's connection breaks with all the others: it is taken again before anything is written.
    for round in 0..3 {
        terminate(&store);
        store.db.write(Lane::Room(1), move |w| add_note(w, 1, &round.to_string())).await.unwrap();
        assert!(matches!(refusal(), DbError::Taken(_)), "{}", refusal());
    }
    // A start has patience with a server that is just ending.
    let (target, late) = (store.target.clone(), Options { start_patience: Duration::from_secs(30), ..options() });
    let next = tokio::task::spawn_blocking(move || Db::open(&target, late));
    store.db.close().await;
    let next = next.await.unwrap().unwrap();
    assert_eq!(bodies(&next).await, ["0", "1", "2"]);
    next.close().await;
    store.close().await;
}

#[tokio::test]
async fn who_has_lost_the_database_to_another_server_serves_nothing() {
    let Some(store) = Store::postgres(options()).await else {
        return;
    };
    let Target::Postgres(url) = store.target.clone() else { unreachable!() };
    let (waits, is_waiting) = std::sync::mpsc::channel();
    let (end, ended) = std::sync::mpsc::channel::<()>();
    let other = std::thread::spawn(move || {
        let mut client = postgres::Client::connect(&url, postgres::NoTls).unwrap();
        client.batch_execute("set application_name = 'other'").unwrap();
        waits.send(()).unwrap();
        client.batch_execute("select pg_advisory_lock(31634408213344870)").unwrap();
        let _ = ended.recv();
    });
    is_waiting.recv().unwrap();
    let name = store.database.clone().unwrap();
    let queued = format!("select count(*) from pg_stat_activity where datname = '{name}' and wait_event = 'advisory'");
    while number(&queued) == 0 {}
    admin(&format!(
        "select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = '{name}' and application_name <> 'other'"
    ));
    let mut count = 0;
    let loses = async {
        while !matches!(store.db.last_write(), Some(DbError::Taken(_))) {
            match store.db.write(Lane::Room(1), |w| add_note(w, 1, "x")).await {
                Ok(_) => count += 1,
                Err(error) => assert!(error.is_temporary(), "{error}"),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), loses).await.unwrap();
    assert_eq!(count, 0, "no connection was opened without the lock");
    let refused = store.db.read(|_| Ok::<_, DbError>(())).await;
    assert!(matches!(refused, Err(DbError::Taken(_))), "{refused:?}");
    drop(end);
    other.join().unwrap();
    let refused = store.db.read(|_| Ok::<_, DbError>(())).await;
    assert!(matches!(refused, Err(DbError::Taken(_))), "what it knows stays out of date: {refused:?}");
    store.close().await;
}

fn number(query: &str) -> i64 {
    let server = std::env::var("PALABRE_TEST_POSTGRES").unwrap();
    super::super::on_own_thread(|| {
        let mut client = postgres::Client::connect(&server, postgres::NoTls).unwrap();
        Ok(client.query_one(query, &[]).unwrap().get(0))
    })
    .unwrap()
}

/// Gives the database a trigger that runs at COMMIT.
async fn at_commit(store: &Store, body: &'static str) {
    let name = store.database.clone().unwrap();
    let url = super::in_database(&std::env::var("PALABRE_TEST_POSTGRES").unwrap(), &name);
    super::super::on_own_thread(|| {
        let mut client = postgres::Client::connect(&url, postgres::NoTls).unwrap();
        let function =
            format!("create function last() returns trigger language plpgsql as $$ begin {body}; return null; end $$;");
        let trigger = "create constraint trigger last after insert on store_note deferrable initially deferred \
                       for each row execute function last()";
        client.batch_execute(&format!("create sequence tried; {function} {trigger}")).unwrap();
        Ok(())
    })
    .unwrap();
}

async fn write_and_ring(store: &Store) -> (Result<i64, DbError>, u32) {
    let rung = Arc::new(AtomicU32::new(0));
    let bell = Arc::clone(&rung);
    let write = store.db.write(Lane::Room(1), move |w| {
        let bell = Arc::clone(&bell);
        w.after_commit(move || {
            bell.fetch_add(1, Ordering::Relaxed);
        });
        add_note(w, 1, "x")
    });
    (write.await, rung.load(Ordering::Relaxed))
}

#[tokio::test]
async fn a_commit_that_is_refused_for_a_moment_is_tried_again() {
    let Some(store) = Store::postgres(options()).await else {
        return;
    };
    at_commit(&store, "if nextval('tried') < 3 then raise exception using errcode = '40001'; end if").await;
    let (result, rung) = write_and_ring(&store).await;
    result.unwrap();
    assert_eq!((rung, bodies(&store.db).await.len()), (1, 1));
    store.close().await;
}

#[tokio::test]
async fn a_commit_that_is_refused_is_an_error() {
    let Some(store) = Store::postgres(options()).await else {
        return;
    };
    at_commit(&store, "raise exception 'no'").await;
    let (result, rung) = write_and_ring(&store).await;
    assert!(matches!(result, Err(DbError::Postgres(_, "commit"))), "{result:?}");
    assert_eq!((rung, bodies(&store.db).await.len()), (0, 0));
    store.close().await;
}

#[tokio::test]
async fn a_commit_without_an_answer_is_not_tried_again() {
    let Some(store) = Store::postgres(options()).await else {
        return;
    };
    at_commit(&store, "perform pg_terminate_backend(pg_backend_pid())").await;
    let (result, rung) = write_and_ring(&store).await;
    assert!(matches!(result, Err(DbError::OutcomeUnknown)), "{result:?}");
    assert_eq!((rung, bodies(&store.db).await.len()), (0, 0));
    store.close().await;
}
