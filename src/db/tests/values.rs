//! What goes in comes out, the same on both engines.

use super::{add_note, options, stores};
use crate::db::{DbError, Engine, Lane, Value};
use crate::{params, sql};

#[tokio::test]
async fn placeholders_go_by_their_number() {
    for store in stores(options()).await {
        let found = store.db.read(|r| {
            r.one(
                sql!("select cast($2 as text) || '$1' as joined, cast($1 as bigint) + cast($1 as bigint) as twice"),
                params![5, "b"],
                |row| Ok((row.get::<String>("joined")?, row.get::<i64>("twice")?)),
            )
        });
        assert_eq!(found.await.unwrap_or_else(|error: DbError| panic!("{error}")), ("b$1".to_owned(), 10));
        store.close().await;
    }
}

#[tokio::test]
async fn values_of_every_type_come_back() {
    for store in stores(options()).await {
        let text = "Zoë 🐟 \u{fffd} '$1' {blob} \\ \"".to_owned();
        let (sent, big) = (text.clone(), i64::MAX - 7);
        let row = store.db.write(Lane::None, move |w| {
            w.execute(
                sql!("insert into store_note (bytes, body, room) values ($3, $1, $2)"),
                params![&sent, big, &[0_u8, 255, 10]],
            )?;
            w.execute(
                sql!("insert into store_note (room, body, bytes) values ($1, $2, $3)"),
                params![1, "", None::<Vec<u8>>],
            )?;
            w.all(sql!("select bytes, body, room, room > 5 as large from store_note order by id"), params![], |row| {
                // In another order than the statement's.
                let room: i64 = row.get("room")?;
                Ok((room, row.get::<Option<Vec<u8>>>("bytes")?, row.get::<String>("body")?, row.get::<bool>("large")?))
            })
        });
        let rows = row.await.unwrap_or_else(|error: DbError| panic!("{error}"));
        assert_eq!(rows[0], (big, Some(vec![0, 255, 10]), text, true));
        assert_eq!(rows[1], (1, None, String::new(), false));
        store.close().await;
    }
}

#[tokio::test]
async fn integers_are_bigints_wherever_they_stand() {
    for store in stores(options()).await {
        let big = 5_000_000_000_i64;
        let found = store.db.write(Lane::None, move |w| {
            w.execute(sql!("insert into store_top (room, top) values ($1, $2)"), params![1, big])?;
            w.execute(sql!("update store_top set top = {greatest:top, $1} + 1 where room = $2"), params![big + 4, 1])?;
            w.one(
                sql!("select top, case when $1 > 3 then $1 + 1 else 0 end as more from store_top where room = $2 limit $3"),
                params![big, 1, 1],
                |row| Ok((row.get::<i64>("top")?, row.get::<i64>("more")?)),
            )
        });
        assert_eq!(found.await.unwrap_or_else(|error: DbError| panic!("{error}")), (big + 5, big + 1));
        store.close().await;
    }
}

#[tokio::test]
async fn nulls_fit_any_column_and_any_comparison() {
    for store in stores(options()).await {
        let count = store.db.write(Lane::None, |w| {
            for room in [Some(3), None] {
                for body in [Some("a"), None] {
                    w.execute(
                        sql!("insert into store_note (room, body, bytes) values (coalesce($1, 9), coalesce($2, 'none'), $3)"),
                        params![room, body, None::<Vec<u8>>],
                    )?;
                }
            }
            let filter = sql!("select count(*) as n from store_note where (cast($1 as bigint) is null or room = $1) and bytes is null");
            let some = w.one(filter, params![9], |row| row.get::<i64>("n"))?;
            Ok((some, w.one(filter, params![None::<i64>], |row| row.get::<i64>("n"))?))
        });
        assert_eq!(count.await.unwrap_or_else(|error: DbError| panic!("{error}")), (2, 4));
        store.close().await;
    }
}

#[tokio::test]
async fn lists_of_ids() {
    for store in stores(options()).await {
        let found = store.db.write(Lane::None, |w| {
            let ids = (0..5).map(|n| add_note(w, n, "x")).collect::<Result<Vec<_>, _>>()?;
            let among = sql!("select room from store_note where id in {ids:$1} order by id");
            let none = w.all(among, params![Value::ids(&[])], |row| row.get::<i64>("room"))?;
            Ok((none, w.all(among, params![Value::ids(&[ids[3], 999, ids[1]])], |row| row.get::<i64>("room"))?))
        });
        assert_eq!(found.await.unwrap_or_else(|error: DbError| panic!("{error}")), (vec![], vec![1, 3]));
        store.close().await;
    }
}

#[tokio::test]
async fn rows_that_are_not_as_expected_are_errors_and_spoil_nothing() {
    for store in stores(options()).await {
        let told = store.db.write(Lane::None, |w| {
            add_note(w, 1, "first")?;
            let mut wrong = |name: &'static str| {
                let read =
                    w.first(sql!("select body, bytes from store_note"), params![], move |row| row.get::<i64>(name));
                read.unwrap_err().to_string()
            };
            let told = ["body", "bytes", "nobody"].map(&mut wrong);
            let missing = w.one(sql!("select 1 as x where 1 = 0"), params![], |_| Ok(()));
            assert!(matches!(missing, Err(DbError::Missing)));
            Ok::<_, DbError>(told)
        });
        let expected = [("body", "text"), ("bytes", "null"), ("nobody", "no such column")]
            .map(|(name, found)| format!("column {name:?}: expected bigint, found {found}"));
        assert_eq!(told.await.unwrap(), expected);
        let twice = store.db.read(|r| r.all(sql!("select 1 as x, 2 as x"), params![], |row| row.get::<i64>("x")));
        assert!(matches!(twice.await, Err(DbError::Column { .. })));
        store.close().await;
    }
}

#[tokio::test]
async fn texts_are_checked_without_being_run() {
    for store in stores(options()).await {
        let good = "insert into store_note (room, body) values ($1, $2) on conflict do nothing returning id";
        let bad = ["select nothing from store_note", "select {token}", "selct 1"];
        let errors = store.db.prepare_all(&[good, bad[0], bad[1], bad[2], "delete from store_note"]).unwrap();
        assert_eq!(errors.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>(), bad);
        assert!(errors[0].1.contains("nothing"), "{}", errors[0].1);
        store.close().await;
    }
}

#[tokio::test]
async fn statements_are_counted() {
    for store in stores(options()).await {
        let before = store.db.statements();
        store.db.write(Lane::None, |w| add_note(w, 1, "x")).await.unwrap();
        store.db.read(|_| Ok::<_, DbError>(())).await.unwrap();
        assert_eq!(store.db.statements() - before, 1);
        assert!(matches!(store.db.engine(), Engine::Sqlite | Engine::Postgres));
        store.close().await;
    }
}
