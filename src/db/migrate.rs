//! The schema's steps, embedded in the program, applied in order and never changed once published.

use super::error::causes;
use super::{DbError, Engine, sql};
use refinery::{Migration, Runner, error::Kind};

/// Every file of `migrations/`; a test compares the list with the folder.
const FILES: &[(&str, &str)] = &[
    ("V1__schema", include_str!("../../migrations/V1__schema.sql")),
    ("V2__message", include_str!("../../migrations/V2__message.sql")),
    ("V3__file", include_str!("../../migrations/V3__file.sql")),
    ("V6__presence", include_str!("../../migrations/V6__presence.sql")),
    ("V7__notify", include_str!("../../migrations/V7__notify.sql")),
    ("V8__search", include_str!("../../migrations/V8__search.sql")),
    ("V9__session", include_str!("../../migrations/V9__session.sql")),
    ("V10__budget", include_str!("../../migrations/V10__budget.sql")),
    ("V11__erasure", include_str!("../../migrations/V11__erasure.sql")),
    ("V12__plans", include_str!("../../migrations/V12__plans.sql")),
    ("V13__search_ranges", include_str!("../../migrations/V13__search_ranges.sql")),
    ("V14__goal_list", include_str!("../../migrations/V14__goal_list.sql")),
    ("V15__people", include_str!("../../migrations/V15__people.sql")),
];

/// Only one server at a time may migrate a PostgreSQL database; the others wait here, as long as it takes. The number is ours alone.
const ADVISORY_LOCK: &str =
    "set statement_timeout = 0; set lock_timeout = 0; set idle_in_transaction_session_timeout = 0;
    select pg_advisory_lock(31634408213344869)";

pub(super) fn sqlite(connection: &mut rusqlite::Connection) -> Result<(), DbError> {
    run(connection, Engine::Sqlite, FILES)
}

pub(super) fn postgres(client: &mut postgres::Client) -> Result<(), DbError> {
    client.batch_execute(ADVISORY_LOCK).map_err(|error| DbError::postgres(error, "advisory lock for migrations"))?;
    // The caller closes this connection, which lets the lock go.
    run(client, Engine::Postgres, FILES)
}

fn run<C: refinery::Migrate>(connection: &mut C, engine: Engine, files: &[(&str, &str)]) -> Result<(), DbError> {
    let mut migrations = Vec::new();
    for (name, text) in files {
        let text = sql::expand(text, engine).map_err(|reason| DbError::Migration(format!("{name}: {reason}")))?;
        migrations
            .push(Migration::unapplied(name, &text).map_err(|error| DbError::Migration(format!("{name}: {error}")))?);
    }
    let report = Runner::new(&migrations).run(connection).map_err(|error| DbError::Migration(explain(&error)))?;
    for applied in report.applied_migrations() {
        tracing::info!(migration = %applied, "schema brought forward");
    }
    Ok(())
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the library's other kinds speak for themselves")]
fn explain(error: &refinery::Error) -> String {
    match error.kind() {
        Kind::DivergentVersion(applied, _) => {
            format!(
                "{applied} was applied to this database with another text than this program has; an applied migration must not be edited"
            )
        }
        Kind::MissingVersion(missing) => {
            format!(
                "{missing} is known on one side only; this database was last used by a newer or another version of the program"
            )
        }
        Kind::Connection(doing, source) => format!("{doing}: {}", causes(&**source)),
        // What the database itself says stands at the end of the chain.
        _ => causes(error),
    }
}

#[cfg(test)]
mod tests {
    use super::{Engine, FILES, run};
    use std::path::Path;

    #[test]
    fn every_file_of_the_folder_is_embedded() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
        let mut found: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "sql"))
            .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        found.sort();
        let mut embedded: Vec<&str> = FILES.iter().map(|(name, _)| *name).collect();
        embedded.sort_unstable();
        assert_eq!(found, embedded);
    }

    #[test]
    fn an_edited_or_unknown_migration_is_refused() {
        let mut connection = rusqlite::Connection::open_in_memory().unwrap();
        let first = ("V1__a", "create table a (id {identity})");
        let second = ("V2__b", "create table b (id {identity})");
        run(&mut connection, Engine::Sqlite, &[first, second]).unwrap();
        run(&mut connection, Engine::Sqlite, &[first, second]).unwrap();
        let edited = ("V2__b", "create table b (id {identity}, c bigint)");
        let error = run(&mut connection, Engine::Sqlite, &[first, edited]).unwrap_err().to_string();
        assert!(error.contains("must not be edited"), "{error}");
        let error = run(&mut connection, Engine::Sqlite, &[first]).unwrap_err().to_string();
        assert!(error.contains("newer"), "{error}");
        let broken = ("V3__c", "create table c (id {identity}); create tabel d (id bigint)");
        let error = run(&mut connection, Engine::Sqlite, &[first, second, broken]).unwrap_err().to_string();
        assert!(error.contains("tabel"), "the database's own reason is told: {error}");
        let fixed = ("V3__c", "create table c (id {identity})");
        run(&mut connection, Engine::Sqlite, &[first, second, fixed]).unwrap();
    }
}
