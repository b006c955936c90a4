//! The life of a job: what it sees, what it leaves behind, when it is answered.

use super::{add_note, bodies, gate, options, stores};
use crate::db::{DbError, Lane, Options};
use crate::{params, sql};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const ROOM: Lane = Lane::Room(1);

#[derive(Debug)]
enum OwnError {
    Refused,
    Db(DbError),
}

impl From<DbError> for OwnError {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

#[tokio::test]
async fn actions_run_in_the_order_of_the_writes_and_before_the_answers() {
    for store in stores(options()).await {
        let rung = Arc::new(Mutex::new(Vec::new()));
        let closed = gate(&store.db, ROOM).await;
        let mut answers = Vec::new();
        for number in 0..150_i64 {
            let (db, rung) = (store.db.clone(), Arc::clone(&rung));
            answers.push(tokio::spawn(async move {
                let bell = Arc::clone(&rung);
                let id = db.write(ROOM, move |w| {
                    let id = add_note(w, 1, &number.to_string())?;
                    let bell = Arc::clone(&bell);
                    w.after_commit(move || bell.lock().unwrap().push(id));
                    Ok::<_, DbError>(id)
                });
                let id = id.await.unwrap();
                assert!(rung.lock().unwrap().contains(&id), "answered before the action");
            }));
        }
        while store.db.waiting() < 150 {
            tokio::task::yield_now().await;
        }
        drop(closed);
        for answer in answers {
            answer.await.unwrap();
        }
        let rung = rung.lock().unwrap().clone();
        assert!(rung.is_sorted() && rung.len() == 150, "{rung:?}");
        store.close().await;
    }
}

#[tokio::test]
async fn what_the_program_looks_at_by_itself_is_not_counted() {
    for store in stores(options()).await {
        let before = store.db.statements();
        let room = |db: &mut crate::db::Reader<'_>| {
            db.all(sql!("select room from store_note"), params![], |row| row.get::<i64>("room"))
        };
        let looked: Result<Vec<i64>, DbError> = store.db.look(room).await;
        assert_eq!((looked.unwrap(), store.db.statements() - before), (Vec::new(), 0));
        let read: Result<Vec<i64>, DbError> = store.db.read(room).await;
        assert_eq!((read.unwrap(), store.db.statements() - before), (Vec::new(), 1));
        store.close().await;
    }
}

#[tokio::test]
async fn a_job_that_fails_leaves_nothing_and_spoils_nothing() {
    for store in stores(options()).await {
        let rung = Arc::new(Mutex::new(Vec::new()));
        let closed = gate(&store.db, ROOM).await;
        let mut answers = Vec::new();
        for number in 0..20_i64 {
            let (db, rung) = (store.db.clone(), Arc::clone(&rung));
            answers.push(tokio::spawn(async move {
                db.write(ROOM, move |w| {
                    add_note(w, 1, &number.to_string())?;
                    let rung = Arc::clone(&rung);
                    w.after_commit(move || rung.lock().unwrap().push(number));
                    match number % 5 {
                        1 => Err(OwnError::Refused),
                        2 => panic!("a job that panics, on purpose"),
                        3 => {
                            let broken = w.execute(sql!("insert into store_note (room) values ($1)"), params![1]);
                            assert!(broken.is_err());
                            // Going on after that is a mistake, whatever the job answers.
                            assert!(matches!(add_note(w, 1, "more"), Err(DbError::Aborted)));
                            Ok(number)
                        }
                        _ => Ok(number),
                    }
                })
                .await
            }));
        }
        while store.db.waiting() < 20 {
            tokio::task::yield_now().await;
        }
        drop(closed);
        for (number, answer) in answers.into_iter().enumerate() {
            let answer = answer.await.unwrap();
            let is_right = match number % 5 {
                1 => matches!(answer, Err(OwnError::Refused)),
                2 => matches!(answer, Err(OwnError::Db(DbError::Panicked))),
                3 => matches!(answer, Err(OwnError::Db(DbError::Aborted))),
                _ => answer.is_ok(),
            };
            assert!(is_right, "{number}");
        }
        let kept = [0, 4, 5, 9, 10, 14, 15, 19];
        assert_eq!(*rung.lock().unwrap(), kept);
        assert_eq!(bodies(&store.db).await, kept.map(|number| number.to_string()));
        store.close().await;
    }
}

#[tokio::test]
async fn a_single_failing_job_is_rolled_back_too() {
    for store in stores(options()).await {
        for lane in [ROOM, Lane::None] {
            let refused = store.db.write(lane, |w| {
                add_note(w, 1, "x")?;
                Err::<(), _>(OwnError::Refused)
            });
            assert!(matches!(refused.await, Err(OwnError::Refused)));
        }
        assert!(bodies(&store.db).await.is_empty());
        store.close().await;
    }
}

#[tokio::test]
async fn a_panic_in_a_read_or_an_action_harms_nobody() {
    for store in stores(options()).await {
        for _ in 0..8 {
            let read = store.db.read(|_| -> Result<(), DbError> { panic!("a read that panics, on purpose") });
            assert!(matches!(read.await, Err(DbError::Panicked)));
        }
        let write = store.db.write(ROOM, |w| {
            w.after_commit(|| panic!("an action that panics, on purpose"));
            add_note(w, 1, "kept")
        });
        write.await.unwrap();
        assert_eq!(bodies(&store.db).await, ["kept"]);
        store.close().await;
    }
}

#[tokio::test]
async fn a_write_runs_even_when_its_caller_has_left() {
    for store in stores(options()).await {
        let closed = gate(&store.db, ROOM).await;
        let left = store.db.write(ROOM, |w| add_note(w, 1, "left"));
        assert!(tokio::time::timeout(Duration::from_millis(20), left).await.is_err());
        drop(closed);
        store.db.write(ROOM, |w| add_note(w, 1, "stayed")).await.unwrap();
        assert_eq!(bodies(&store.db).await, ["left", "stayed"]);
        store.close().await;
    }
}

#[tokio::test]
async fn a_read_sees_one_moment() {
    for store in stores(options()).await {
        store.db.write(ROOM, |w| add_note(w, 1, "before")).await.unwrap();
        let (seen, first_is_seen) = tokio::sync::oneshot::channel();
        let (go_on, wait) = std::sync::mpsc::channel::<()>();
        let db = store.db.clone();
        let read = tokio::spawn(async move {
            db.read(move |r| {
                let count = sql!("select count(*) as n from store_note");
                let first = r.one(count, params![], |row| row.get::<i64>("n"))?;
                seen.send(()).unwrap();
                let _ = wait.recv();
                Ok::<_, DbError>((first, r.one(count, params![], |row| row.get::<i64>("n"))?))
            })
            .await
        });
        first_is_seen.await.unwrap();
        store.db.write(ROOM, |w| add_note(w, 1, "meanwhile")).await.unwrap();
        drop(go_on);
        assert_eq!(read.await.unwrap().unwrap(), (1, 1));
        assert_eq!(bodies(&store.db).await.len(), 2);
        store.close().await;
    }
}

#[tokio::test]
async fn a_read_cannot_write() {
    for store in stores(options()).await {
        let sneaky = store.db.read(|r| {
            r.first(sql!("insert into store_note (room, body) values (1, 'x') returning id"), params![], |row| {
                row.get::<i64>("id")
            })
        });
        assert!(matches!(sneaky.await, Err(DbError::Sqlite(..) | DbError::Postgres(..))));
        assert!(bodies(&store.db).await.is_empty());
        store.close().await;
    }
}

#[tokio::test]
async fn a_full_queue_says_so_at_once() {
    for store in stores(Options { queue: 3, workers: 1, ..options() }).await {
        let closed = gate(&store.db, ROOM).await;
        let mut waiting = Vec::new();
        for _ in 0..3 {
            let db = store.db.clone();
            waiting.push(tokio::spawn(async move { db.write(ROOM, |w| add_note(w, 1, "x")).await }));
        }
        while store.db.waiting() < 3 {
            tokio::task::yield_now().await;
        }
        assert!(matches!(store.db.write(ROOM, |w| add_note(w, 1, "x")).await, Err(DbError::Busy)));
        drop(closed);
        for answer in waiting {
            answer.await.unwrap().unwrap();
        }
        store.close().await;
    }
}

#[tokio::test]
async fn closing_finishes_what_waits_and_refuses_the_rest() {
    for store in stores(options()).await {
        let closed = gate(&store.db, ROOM).await;
        let db = store.db.clone();
        let late = tokio::spawn(async move { db.write(ROOM, |w| add_note(w, 1, "late")).await });
        while store.db.waiting() < 1 {
            tokio::task::yield_now().await;
        }
        let db = store.db.clone();
        let closing = tokio::spawn(async move { db.close().await });
        tokio::time::timeout(Duration::from_millis(20), store.db.close()).await.unwrap_err();
        drop(closed);
        late.await.unwrap().unwrap();
        closing.await.unwrap();
        assert!(matches!(store.db.write(ROOM, |w| add_note(w, 1, "x")).await, Err(DbError::Closed)));
        assert!(matches!(store.db.read(|_| Ok::<_, DbError>(())).await, Err(DbError::Closed)));
        store.close().await;
    }
}

#[tokio::test]
async fn a_unique_violation_is_told_apart() {
    for store in stores(options()).await {
        let add =
            || store.db.write(ROOM, |w| w.execute(sql!("insert into store_top (room, top) values (1, 1)"), params![]));
        add().await.unwrap();
        assert!(add().await.unwrap_err().is_unique_violation());
        let other = store.db.write(ROOM, |w| w.execute(sql!("insert into store_top (room) values (2)"), params![]));
        assert!(!other.await.unwrap_err().is_unique_violation());
        store.close().await;
    }
}
