//! How fast: run with `--release -- --ignored --nocapture throughput`.

use super::{Store, options, stores};
use crate::db::{Db, DbError, Lane, Options};
use crate::{params, sql};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

const TASKS: usize = 64;

async fn measure(what: &str, store: &Store, each: usize, run: impl AsyncFn(&Db, i64) + Clone + 'static) {
    let started = Instant::now();
    let local = tokio::task::LocalSet::new();
    for task in 0..TASKS {
        let (db, run) = (store.db.clone(), run.clone());
        local.spawn_local(async move {
            for _ in 0..each {
                run(&db, i64::try_from(task).unwrap()).await;
            }
        });
    }
    local.await;
    let rate = (TASKS * each) as f64 / started.elapsed().as_secs_f64();
    println!("{:?} {what}: {rate:.0}/s", store.db.engine());
}

#[tokio::test]
#[ignore = "a measurement"]
async fn throughput() {
    let sizes = Options { workers: 16, ..options() };
    for store in stores(sizes).await {
        let each = if store.database.is_some() { 100 } else { 500 };
        let insert = |room| {
            move |w: &mut super::Writer<'_>| {
                let revision = w.one(
                    sql!("insert into store_top (room, top) values ($1, 1) on conflict (room) do update set top = store_top.top + 1 returning top"),
                    params![room],
                    |row| row.get::<i64>("top"),
                )?;
                w.execute(
                    sql!("insert into store_note (room, body) values ($1, $2)"),
                    params![revision, "Bonjour à toutes et à tous"],
                )
            }
        };
        measure("single-statement inserts", &store, each, async move |db, room| {
            db.write(Lane::Room(room), move |w| super::add_note(w, room, "Bonjour à toutes et à tous")).await.unwrap();
        })
        .await;
        measure("message-like writes in one room", &store, each, async move |db, _| {
            db.write(Lane::Room(1), insert(1)).await.unwrap();
        })
        .await;
        measure("message-like writes in 64 rooms", &store, each, async move |db, room| {
            db.write(Lane::Room(room), insert(room)).await.unwrap();
        })
        .await;
        measure("reads of 50 rows", &store, each, async |db, _| {
            let page = db.read(|r| {
                r.all(sql!("select id, room, body from store_note order by id desc limit 50"), params![], |row| {
                    Ok((row.get::<i64>("id")?, row.get::<i64>("room")?, row.get::<String>("body")?))
                })
            });
            assert_eq!(page.await.unwrap_or_else(|error: DbError| panic!("{error}")).len(), 50);
        })
        .await;
        measure("empty polls", &store, each, async |db, room| {
            let poll = db.read(move |r| {
                r.first(sql!("select top from store_top where room = $1 and top > 900000"), params![room], |_| Ok(()))
            });
            assert!(poll.await.unwrap_or_else(|error: DbError| panic!("{error}")).is_none());
        })
        .await;
        store.close().await;
    }
}

#[tokio::test]
#[ignore = "a measurement"]
async fn the_log_stays_small_under_constant_reading() {
    let store = Store::sqlite(options()).await;
    let most = Arc::new(AtomicU64::new(0));
    let (seen, log) = (Arc::clone(&most), store.folder.join("store.db-wal"));
    measure("reads and writes mixed", &store, 3000, async move |db, task| {
        if task < 32 {
            db.write(Lane::Room(task), move |w| super::add_note(w, task, &"x".repeat(500))).await.unwrap();
            seen.fetch_max(log.metadata().unwrap().len(), Ordering::Relaxed);
        } else {
            let page = db.read(|r| {
                r.all(sql!("select id, body from store_note order by id desc limit 200"), params![], |row| {
                    row.get::<i64>("id")
                })
            });
            page.await.unwrap_or_else(|error: DbError| panic!("{error}"));
        }
    })
    .await;
    println!("the log grew to {} KiB", most.load(Ordering::Relaxed) / 1024);
    store.close().await;
}
