//! What only SQLite has: a file.

use super::{Store, add_note, bodies, gate, options};
use crate::db::{Db, DbError, Lane, Target};
use crate::{params, sql};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

#[tokio::test]
async fn a_second_server_is_kept_off_the_file() {
    let store = Store::sqlite(options()).await;
    store.db.write(Lane::None, |w| add_note(w, 1, "kept")).await.unwrap();
    let second = Db::open(&store.target, options()).map(drop).unwrap_err();
    assert!(matches!(second, DbError::Locked(_)), "{second}");
    assert!(second.to_string().contains("store.db"));
    store.db.close().await;
    let reopened = Db::open(&store.target, options()).unwrap();
    assert_eq!(bodies(&reopened).await, ["kept"]);
    reopened.close().await;
    let journal = store.folder.join("store.db-wal");
    assert!(journal.metadata().map_or(0, |file| file.len()) == 0, "the log is emptied at the end");
    store.close().await;
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let store = Store::sqlite(options()).await;
    store.db.write(Lane::None, |w| add_note(w, 1, "x")).await.unwrap();
    for name in ["store.db", "store.db-wal"] {
        let mode = store.folder.join(name).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name}");
    }
    store.close().await;
}

#[tokio::test]
async fn dropping_every_handle_ends_the_threads() {
    let store = Store::sqlite(options()).await;
    let mut done = store.db.inner.done.clone();
    drop(store.db);
    assert!(done.changed().await.is_err());
    std::fs::remove_dir_all(store.folder).unwrap();
}

#[test]
fn urls() {
    let file = |path: &str| Ok(Target::Sqlite(PathBuf::from(path)));
    assert_eq!(Target::parse("sqlite:data/palabre.db"), file("data/palabre.db"));
    assert_eq!(Target::parse("sqlite:///var/lib/palabre.db"), file("/var/lib/palabre.db"));
    assert_eq!(Target::parse("sqlite:/var/lib/palabre.db"), file("/var/lib/palabre.db"));
    let server = "postgresql://zoe:secret@db.example/palabre";
    assert_eq!(Target::parse(server), Ok(Target::Postgres(server.to_owned())));
    assert!(!format!("{:?}", Target::parse(server)).contains("secret"));
    for wrong in ["", "mysql://x", "sqlite:", "sqlite::memory:", "sqlite:x?mode=rwc", "palabre.db"] {
        assert!(Target::parse(wrong).is_err(), "{wrong}");
    }
}

#[tokio::test]
async fn a_commit_that_fails_fails_the_whole_batch_and_nothing_later() {
    let store = Store::sqlite(options()).await;
    let table = store.db.write(Lane::None, |w| {
        w.execute(
            sql!("create table store_child (top bigint references store_top (room) deferrable initially deferred)"),
            params![],
        )
    });
    table.await.unwrap();
    let rung = Arc::new(AtomicBool::new(false));
    let closed = gate(&store.db, Lane::None).await;
    let (db, bell) = (store.db.clone(), Arc::clone(&rung));
    let innocent = tokio::spawn(async move {
        db.write(Lane::None, move |w| {
            let bell = Arc::clone(&bell);
            w.after_commit(move || bell.store(true, Ordering::Relaxed));
            add_note(w, 1, "lost")
        })
        .await
    });
    let db = store.db.clone();
    let guilty = tokio::spawn(async move {
        db.write(Lane::None, |w| w.execute(sql!("insert into store_child (top) values (404)"), params![])).await
    });
    while store.db.waiting() < 2 {
        tokio::task::yield_now().await;
    }
    drop(closed);
    for error in [innocent.await.unwrap().map(drop), guilty.await.unwrap().map(drop)] {
        assert!(matches!(error, Err(DbError::Sqlite(_, "commit"))), "{error:?}");
    }
    assert!(!rung.load(Ordering::Relaxed));
    store.db.write(Lane::None, |w| add_note(w, 1, "later")).await.unwrap();
    assert_eq!(bodies(&store.db).await, ["later"]);
    store.close().await;
}
