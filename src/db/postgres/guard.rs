//! The lock that keeps a second server off the same database: memory is right only while this one sees every write. A session holds it, so
//! it goes with the process. When the connection breaks it is taken again before any other connection is opened.

use super::{DbError, Server, Session};
use ::postgres::Client;
use rand::RngExt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The lock's number is ours alone; it holds in one database.
const TAKE: &str = "select pg_try_advisory_lock(31634408213344870)";
/// Who holds it: the name and number of the session, and where it is connected from. A role sees the sessions of its own.
const HOLDER: &str = "select coalesce(a.application_name, ''), l.pid, \
    ' (connected from ' || coalesce(host(a.client_addr), 'its own machine') \
    || ' since ' || to_char(a.backend_start, 'YYYY-MM-DD HH24:MI:SS') || ')' \
    from pg_locks l left join pg_stat_activity a on a.pid = l.pid where l.locktype = 'advisory' and l.granted \
    and l.database = (select oid from pg_database where datname = current_database()) \
    and l.classid = 7365459 and l.objid = 2688316006 limit 1";
/// A server whose machine is gone holds the lock no longer than half a minute.
const KEEPALIVE: &str = "set tcp_keepalives_idle = 10; set tcp_keepalives_interval = 5; set tcp_keepalives_count = 3";
/// How long a failure is the answer to all who ask: many workers do so at once when the server is away.
const FRESH: Duration = Duration::from_millis(250);
/// How long the connection may take to show that it lives.
const ALIVE_WITHIN: Duration = Duration::from_secs(5);

pub(super) struct Guard {
    server: Server,
    /// The name of this server's session, by which it knows one of its own that the network has cut off.
    name: String,
    state: Mutex<State>,
}

struct State {
    session: Option<Session>,
    failed: Option<(Instant, DbError)>,
    /// Another server had the lock after this one: what this one knows is out of date for good.
    taken: Option<DbError>,
}

impl Guard {
    /// Takes the lock.
    ///
    /// # Errors
    /// `Taken` while another server holds it.
    pub(super) fn take(server: &Server) -> Result<Self, DbError> {
        let name = format!("palabre lock {:032x}", rand::rng().random::<u128>());
        let state = State { session: Some(take(server, &name)?), failed: None, taken: None };
        Ok(Self { server: server.clone(), name, state: Mutex::new(state) })
    }

    /// Sees to it that the lock is held, by taking it again if need be.
    ///
    /// # Errors
    /// `Taken` once another server has had it, whatever became of that one since.
    pub(super) fn confirm(&self) -> Result<(), DbError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = &state.taken {
            return Err(taken.clone());
        }
        if let Some((at, error)) = &state.failed
            && at.elapsed() < FRESH
        {
            return Err(error.clone());
        }
        let is_alive = state.session.as_mut().is_some_and(|session| session.client().is_valid(ALIVE_WITHIN).is_ok());
        let result = if is_alive {
            Ok(())
        } else {
            state.session = None;
            take(&self.server, &self.name).map(|session| state.session = Some(session))
        };
        if let Err(DbError::Taken(_)) = &result {
            state.taken = result.clone().err();
        }
        state.failed = result.clone().err().map(|error| (Instant::now(), error));
        result
    }
}

fn take(server: &Server, name: &str) -> Result<Session, DbError> {
    let mut session = server.connect()?;
    let fail = |error| DbError::postgres(error, "advisory lock");
    let client = session.client();
    client.batch_execute(KEEPALIVE).map_err(fail)?;
    // The name is hexadecimal but for two words of ours.
    client.batch_execute(&format!("set application_name = '{name}'")).map_err(fail)?;
    let is_ours = |client: &mut Client| -> Result<bool, DbError> {
        client.query_one(TAKE, &[]).and_then(|row| row.try_get(0)).map_err(fail)
    };
    if is_ours(client)? {
        return Ok(session);
    }
    let Some(holder) = client.query_opt(HOLDER, &[]).map_err(fail)? else {
        // It was let go between the two questions.
        return if is_ours(client)? { Ok(session) } else { Err(DbError::Taken(String::new())) };
    };
    let (of, pid): (String, Option<i32>) = (holder.get(0), holder.get(1));
    if of == name {
        client.execute("select pg_terminate_backend($1)", &[&pid]).map_err(fail)?;
        return Err(DbError::Closed);
    }
    Err(DbError::Taken(holder.get::<_, Option<String>>(2).unwrap_or_default()))
}
