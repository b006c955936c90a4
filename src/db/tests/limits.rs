//! Statements that never end: they are ended, and the others are served meanwhile.

use super::{Store, add_note, bodies, gate, options, stores};
use crate::db::{DbError, Lane, Options, Reader};
use crate::{params, sql};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::sync::oneshot;

const DEADLINE: Duration = Duration::from_secs(30);
const NEVER: Duration = Duration::from_secs(3_600);

async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future).await.unwrap_or_else(|_| panic!("this did not happen in time"))
}

fn forever(r: &mut Reader<'_>) -> Result<i64, DbError> {
    let endless = sql!(
        "with recursive n (i) as (select cast(1 as bigint) union all select i + 0 from n) select count(*) as n from n"
    );
    r.one(endless, params![], |row| row.get("n"))
}

async fn is_served(store: &Store) {
    let served = store.db.read(|r| r.one(sql!("select 1 as n"), params![], |row| row.get::<i64>("n")));
    assert_eq!(within(served).await.unwrap(), 1);
}

#[tokio::test]
async fn a_statement_has_an_end() {
    for store in stores(Options { statement_timeout: Duration::from_millis(200), ..options() }).await {
        let error = within(store.db.read(forever)).await.unwrap_err();
        assert!(error.is_temporary(), "{error}");
        let error = within(store.db.write(Lane::Room(1), |w| forever(w))).await.unwrap_err();
        assert!(error.is_temporary(), "{error}");
        assert_eq!(
            store.db.last_write().map(|error| error.to_string()),
            None,
            "one slow statement is not a store that takes no writes"
        );
        is_served(&store).await;
        store.close().await;
    }
}

#[tokio::test]
async fn a_statement_ends_when_nobody_waits_for_it() {
    for store in stores(Options { readers: 1, workers: 1, statement_timeout: NEVER, ..options() }).await {
        let (started, is_started) = oneshot::channel();
        let db = store.db.clone();
        let asked = tokio::spawn(async move {
            db.read(move |r| {
                let _ = started.send(());
                forever(r)
            })
            .await
        });
        is_started.await.unwrap();
        asked.abort();
        is_served(&store).await;
        store.close().await;
    }
}

#[tokio::test]
async fn statements_that_never_end_leave_room_for_others() {
    for store in stores(Options { readers: 8, workers: 8, statement_timeout: NEVER, ..options() }).await {
        let started = Arc::new(AtomicU32::new(0));
        let mut askers = Vec::new();
        for _ in 0..20 {
            let (db, started) = (store.db.clone(), Arc::clone(&started));
            askers.push(tokio::spawn(async move {
                let counted = Arc::clone(&started);
                let first = db.read(move |r| {
                    counted.fetch_add(1, Ordering::Relaxed);
                    forever(r)
                });
                let second = db.read(move |r| {
                    started.fetch_add(1, Ordering::Relaxed);
                    forever(r)
                });
                tokio::join!(first, second)
            }));
        }
        // As many as ever will: three of each kind.
        within(async {
            while started.load(Ordering::Relaxed) < 6 {
                tokio::task::yield_now().await;
            }
        })
        .await;
        for _ in 0..50 {
            is_served(&store).await;
        }
        within(store.db.write(Lane::Room(1), |w| add_note(w, 1, "meanwhile"))).await.unwrap();
        assert_eq!(started.load(Ordering::Relaxed), 6);
        // The end of the program waits for none of them.
        within(store.db.close()).await;
        for asker in askers {
            let (first, second) = within(asker).await.unwrap();
            assert!(first.unwrap_err().is_temporary() && second.unwrap_err().is_temporary());
        }
        store.close().await;
    }
}

#[tokio::test]
async fn a_slow_write_fails_alone() {
    for store in stores(Options { statement_timeout: Duration::from_millis(300), ..options() }).await {
        let closed = gate(&store.db, Lane::Room(1)).await;
        let mut answers = Vec::new();
        for number in 0..5_i64 {
            let db = store.db.clone();
            answers.push(tokio::spawn(async move {
                db.write(Lane::Room(1), move |w| {
                    if number != 2 {
                        return add_note(w, 1, &number.to_string());
                    }
                    let endless = sql!(
                        "insert into store_note (room, body)
                         with recursive n (i) as (select cast(1 as bigint) union all select i + 0 from n)
                         select 1, 'x' from n where i = 2"
                    );
                    w.execute(endless, params![]).map(|_| 0)
                })
                .await
            }));
        }
        while store.db.waiting() < 5 {
            tokio::task::yield_now().await;
        }
        drop(closed);
        for (number, answer) in answers.into_iter().enumerate() {
            let answer = within(answer).await.unwrap();
            assert_eq!(answer.as_ref().is_err_and(DbError::is_temporary), number == 2, "{number}: {answer:?}");
            assert_eq!(answer.is_ok(), number != 2);
        }
        assert_eq!(bodies(&store.db).await, ["0", "1", "3", "4"]);
        store.close().await;
    }
}

#[tokio::test]
async fn the_end_waits_for_no_write_that_never_ends() {
    for store in stores(Options { statement_timeout: NEVER, grace: Duration::from_millis(100), ..options() }).await {
        let (started, is_started) = oneshot::channel();
        let (db, mut started) = (store.db.clone(), Some(started));
        let write = tokio::spawn(async move {
            db.write(Lane::None, move |w| {
                started.take().map(|started| started.send(()));
                forever(w)
            })
            .await
        });
        is_started.await.unwrap();
        let waiting = {
            let db = store.db.clone();
            tokio::spawn(async move { db.write(Lane::Room(7), |w| add_note(w, 7, "in time")).await })
        };
        while store.db.engine() == crate::db::Engine::Sqlite && store.db.waiting() < 1 {
            tokio::task::yield_now().await;
        }
        within(store.db.close()).await;
        assert!(within(write).await.unwrap().unwrap_err().is_temporary());
        // Answered in either way, and at once.
        drop(within(waiting).await.unwrap());
        store.close().await;
    }
}
