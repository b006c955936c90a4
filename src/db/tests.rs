//! The store's promises, on SQLite and, when `PALABRE_TEST_POSTGRES` names a server, on PostgreSQL.

mod jobs;
mod limits;
mod only_postgres;
mod only_sqlite;
mod source;
mod texts;
mod throughput;
mod values;

use super::{Db, DbError, Lane, Options, Target, Writer};
use crate::{params, sql};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;

/// A database of its own for one test.
struct Store {
    db: Db,
    target: Target,
    folder: PathBuf,
    database: Option<String>,
}

fn fresh_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("palabre_store_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

fn options() -> Options {
    Options { workers: 4, readers: 2, ..Options::default() }
}

impl Store {
    async fn sqlite(options: Options) -> Self {
        let folder = std::env::temp_dir().join(fresh_name());
        std::fs::create_dir_all(&folder).unwrap();
        let target = Target::Sqlite(folder.join("store.db"));
        Self::open(target, options, folder, None).await
    }

    /// None without a server to test on.
    async fn postgres(options: Options) -> Option<Self> {
        let server = std::env::var("PALABRE_TEST_POSTGRES").ok()?;
        let name = fresh_name();
        admin(&format!("create database {name}"));
        let target = Target::Postgres(in_database(&server, &name));
        Some(Self::open(target, options, std::env::temp_dir().join(&name), Some(name)).await)
    }

    async fn open(target: Target, options: Options, folder: PathBuf, database: Option<String>) -> Self {
        let db = Db::open(&target, options).unwrap();
        create_tables(&db).await;
        Self { db, target, folder, database }
    }

    async fn close(self) {
        self.db.close().await;
        drop(std::fs::remove_dir_all(&self.folder));
        if let Some(name) = self.database {
            admin(&format!("drop database {name} with (force)"));
        }
    }
}

/// The same server, another database.
fn in_database(url: &str, name: &str) -> String {
    let (address, query) = url.split_once('?').map_or((url, None), |(address, query)| (address, Some(query)));
    let host = address.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
    query.map_or_else(|| format!("{host}/{name}"), |query| format!("{host}/{name}?{query}"))
}

fn admin(statement: &str) {
    let server = std::env::var("PALABRE_TEST_POSTGRES").unwrap();
    super::on_own_thread(|| {
        let mut client = postgres::Client::connect(&server, postgres::NoTls).unwrap();
        client.batch_execute(statement).unwrap();
        Ok(())
    })
    .unwrap();
}

/// Every engine there is to test on.
async fn stores(options: Options) -> Vec<Store> {
    let mut stores = vec![Store::sqlite(options.clone()).await];
    stores.extend(Store::postgres(options).await);
    stores
}

async fn create_tables(db: &Db) {
    db.write(Lane::None, |w| {
        w.execute(
            sql!("create table store_note (id {identity}, room bigint not null, body text not null, bytes {blob})"),
            params![],
        )?;
        w.execute(sql!("create table store_top (room bigint primary key, top bigint not null)"), params![])
    })
    .await
    .map(|_: u64| ())
    .unwrap_or_else(|error: DbError| panic!("{error}"));
}

fn add_note(w: &mut Writer<'_>, room: i64, body: &str) -> Result<i64, DbError> {
    w.one(sql!("insert into store_note (room, body) values ($1, $2) returning id"), params![room, body], |row| {
        row.get("id")
    })
}

async fn bodies(db: &Db) -> Vec<String> {
    let read = db.read(|r| r.all(sql!("select body from store_note order by id"), params![], |row| row.get("body")));
    read.await.unwrap_or_else(|error: DbError| panic!("{error}"))
}

/// Keeps one lane busy until the returned sender is dropped.
async fn gate(db: &Db, lane: Lane) -> mpsc::Sender<()> {
    let (open, wait) = mpsc::channel::<()>();
    let (started, is_started) = tokio::sync::oneshot::channel();
    let (db, mut started) = (db.clone(), Some(started));
    tokio::spawn(async move {
        db.write(lane, move |_| {
            if let Some(started) = started.take() {
                let _ = started.send(());
            }
            let _ = wait.recv();
            Ok::<_, DbError>(())
        })
        .await
    });
    is_started.await.unwrap();
    open
}
