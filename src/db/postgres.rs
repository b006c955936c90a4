//! PostgreSQL: one connection and what is prepared on it. The threads that use connections are in `worker`.

mod cancel;
mod guard;
mod measure;
mod scheduler;
mod start;
mod tls;
mod worker;

pub(super) use scheduler::Scheduler;
pub(super) use start::open;

use super::connection::Trouble;
use super::error::CONNECT;
use super::record::Recorder;
use super::row::{Cell, Columns, Row, Source};
use super::sql::{Sql, Texts, place};
use super::value::Value;
use super::{Common, DbError, Done, Engine, Options};
use ::postgres::error::SqlState;
use ::postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use ::postgres::{Client, Config, Statement};
use std::collections::{HashMap, HashSet};
use std::error::Error;
use std::time::Duration;

/// Every statement is a walk along an index with lookups beside it, and shows a page: reading a whole table to join it, or compiling the
/// plan, is what the planner chooses on figures that are wrong (of another day, or of no parameters in a generic plan).
const PLANS: &str = "-c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c jit=off \
    -c max_parallel_workers_per_gather=0";

/// Where the server is and how to speak with it.
#[derive(Clone)]
pub(super) struct Server {
    config: Config,
    tls: tls::Connector,
    recorder: Option<Recorder>,
}

impl Server {
    pub(super) fn new(url: &str, options: &Options) -> Result<Self, DbError> {
        let (url, mode) = tls::mode(url);
        let mut config: Config = url.parse().map_err(|error: ::postgres::Error| DbError::Open(reason(&error)))?;
        config.ssl_mode(mode.of_driver());
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(options.patience);
        }
        if config.get_application_name().is_none() {
            config.application_name("palabre");
        }
        keep_alive(&mut config, options.statement_timeout);
        let own = format!(
            "-c statement_timeout={} -c lock_timeout={} -c idle_in_transaction_session_timeout={} {PLANS}",
            options.statement_timeout.as_millis(),
            options.patience.as_millis(),
            options.statement_timeout.as_millis().saturating_mul(4),
        );
        // What the administrator writes in the URL comes later and wins.
        let all = config.get_options().map_or_else(|| own.clone(), |theirs| format!("{own} {theirs}"));
        config.options(&all);
        // Notices belong into the log of the server that sends them.
        config.notice_callback(|_| {});
        Ok(Self { tls: tls::connector(mode)?, config, recorder: options.recorder.clone() })
    }

    /// Connects. Must not be called from an async context: the driver brings its own runtime.
    pub(super) fn connect(&self) -> Result<Session, DbError> {
        let client = self.config.connect(self.tls.clone()).map_err(|error| DbError::postgres(error, CONNECT))?;
        let (recorder, measured) = (self.recorder.clone(), HashSet::new());
        Ok(Session { client, texts: Texts::new(Engine::Postgres), prepared: HashMap::new(), recorder, measured })
    }
}

/// Notices within a minute that the other machine is gone, which the driver's defaults take hours for.
fn keep_alive(config: &mut Config, statement_timeout: Duration) {
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(statement_timeout + Duration::from_secs(15));
    }
    if config.get_keepalives_interval().is_none() && config.get_keepalives_retries().is_none() {
        config.keepalives_idle(Duration::from_secs(30));
        config.keepalives_interval(Duration::from_secs(10));
        config.keepalives_retries(3);
    }
}

fn reason(error: &::postgres::Error) -> String {
    error.source().map_or_else(|| error.to_string(), ToString::to_string)
}

/// A statement's place and the types of its parameters, two bits each.
type Key = ((usize, usize), u128);

/// One connection with what it has prepared.
pub(super) struct Session {
    client: Client,
    texts: Texts,
    prepared: HashMap<Key, (Statement, Columns)>,
    recorder: Option<Recorder>,
    /// What is prepared under a name of its own, to be measured.
    measured: HashSet<String>,
}

impl Session {
    pub(super) fn client(&mut self) -> &mut Client {
        &mut self.client
    }

    /// A step of the transaction itself.
    fn step(&mut self, sql: &'static str) -> Result<(), DbError> {
        self.client.batch_execute(sql).map_err(|error| DbError::postgres(error, sql))
    }

    /// Runs the statement and hands its rows over until `each` answers false.
    pub(super) fn rows(
        &mut self,
        sql: Sql,
        params: &[Value<'_>],
        each: &mut dyn FnMut(&Row<'_>) -> bool,
    ) -> Result<(), DbError> {
        self.record(sql, params)?;
        let (statement, columns) = self.prepare(sql, params)?;
        let params: Vec<&(dyn ToSql + Sync)> = params.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        let rows = self.client.query(&statement, &params).map_err(|error| DbError::postgres(error, sql.text()))?;
        for row in &rows {
            if !each(&Row::new(Source::Postgres(row), &columns)) {
                break;
            }
        }
        Ok(())
    }

    fn record(&mut self, sql: Sql, params: &[Value<'_>]) -> Result<(), DbError> {
        let Some(recorder) = self.recorder.clone() else { return Ok(()) };
        if let Some(cost) = measure::cost(self, &recorder, sql, params)? {
            recorder.add(sql, cost);
        }
        Ok(())
    }

    pub(super) fn execute(&mut self, sql: Sql, params: &[Value<'_>]) -> Result<u64, DbError> {
        self.record(sql, params)?;
        let (statement, _) = self.prepare(sql, params)?;
        let params: Vec<&(dyn ToSql + Sync)> = params.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        self.client.execute(&statement, &params).map_err(|error| DbError::postgres(error, sql.text()))
    }

    /// Prepares at the first use. The types are ours, not inferred: `$1 + 1` would make an int4 of `$1`. Only nulls take the type
    /// that the statement gives them, so a statement is prepared once per pattern of nulls.
    fn prepare(&mut self, sql: Sql, params: &[Value<'_>]) -> Result<(Statement, Columns), DbError> {
        let slip = |reason: &str| DbError::Statement { sql: sql.text().to_owned(), reason: reason.to_owned() };
        if params.len() > 63 {
            return Err(slip("more than 63 parameters"));
        }
        let mut types = Vec::with_capacity(params.len());
        let mut pattern: u128 = 1;
        for value in params {
            let (of_value, bits) = match value {
                Value::Null => (Type::UNKNOWN, 0),
                Value::Int(_) => (Type::INT8, 1),
                Value::Text(_) => (Type::TEXT, 2),
                Value::Blob(_) => (Type::BYTEA, 3),
            };
            types.push(of_value);
            pattern = pattern << 2 | bits;
        }
        let key = (place(sql), pattern);
        if let Some((statement, columns)) = self.prepared.get(&key) {
            return Ok((statement.clone(), columns.clone()));
        }
        let text = self.texts.get(sql)?;
        let statement =
            self.client.prepare_typed(&text, &types).map_err(|error| DbError::postgres(error, sql.text()))?;
        let columns = Columns::new(statement.columns().iter().map(::postgres::Column::name))?;
        self.prepared.insert(key, (statement.clone(), columns.clone()));
        Ok((statement, columns))
    }

    /// What an error of the engine means for the transaction it happened in.
    pub(super) fn trouble(&self, error: &DbError) -> Trouble {
        let DbError::Postgres(cause, _) = error else {
            return Trouble::Failed(error.clone());
        };
        let Some(db) = cause.as_db_error() else {
            return if self.client.is_closed() || cause.is_closed() {
                Trouble::Lost(error.clone())
            } else {
                Trouble::Failed(error.clone())
            };
        };
        let code = db.code();
        if *code == SqlState::T_R_SERIALIZATION_FAILURE || *code == SqlState::T_R_DEADLOCK_DETECTED {
            Trouble::Retry(error.clone())
        } else if is_end_of_session(code) || self.client.is_closed() || is_stale(db) {
            Trouble::Lost(error.clone())
        } else {
            Trouble::Failed(error.clone())
        }
    }
}

fn is_end_of_session(code: &SqlState) -> bool {
    let ends = [SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN, SqlState::CANNOT_CONNECT_NOW];
    ends.contains(code) || *code == SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT
}

/// Another node has changed the schema under a prepared statement: a new connection prepares it anew.
fn is_stale(error: &::postgres::error::DbError) -> bool {
    *error.code() == SqlState::FEATURE_NOT_SUPPORTED && error.routine() == Some("RevalidateCachedQuery")
}

/// Prepares texts without running them, for the test that checks every statement of the program.
pub(super) fn prepare(server: &Server, texts: &[&str]) -> Result<Vec<(String, String)>, DbError> {
    let mut session = server.connect()?;
    let mut errors = Vec::new();
    for text in texts {
        let expanded = super::sql::expand(text, Engine::Postgres);
        let prepare = |text: String| {
            let prepared = session.client.prepare(&text);
            prepared.map(drop).map_err(|error| DbError::postgres(error, "prepare").to_string())
        };
        if let Err(error) = expanded.and_then(prepare) {
            errors.push(((*text).to_owned(), error));
        }
    }
    Ok(errors)
}

pub(super) fn cell(row: &::postgres::Row, index: usize) -> Cell<'_> {
    row.try_get::<usize, Raw<'_>>(index).map_or(Cell::Other("an undecodable value"), |raw| raw.0)
}

/// A value of any type, as far as the store knows types.
struct Raw<'a>(Cell<'a>);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(of: &Type, bytes: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(match *of {
            Type::INT8 => Cell::Int(i64::from_sql(of, bytes)?),
            Type::INT4 => Cell::Int(i32::from_sql(of, bytes)?.into()),
            Type::INT2 => Cell::Int(i16::from_sql(of, bytes)?.into()),
            Type::BOOL => Cell::Int(bool::from_sql(of, bytes)?.into()),
            Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN => {
                Cell::Text(<&str>::from_sql(of, bytes)?)
            }
            Type::BYTEA => Cell::Blob(bytes),
            Type::NUMERIC => Cell::Other("numeric (cast it as bigint)"),
            _ => Cell::Other("a type of PostgreSQL's own"),
        }))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(Cell::Null))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self, of: &Type, out: &mut bytes::BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(number) => number.to_sql(of, out),
            Self::Text(text) => text.as_ref().to_sql(of, out),
            Self::Blob(bytes) => bytes.as_ref().to_sql(of, out),
        }
    }

    // `prepare` has declared the types.
    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}
