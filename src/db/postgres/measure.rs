//! The cost of a statement on PostgreSQL, for [`crate::db::Recorder`]: it is run once more beside itself, under `explain`, and
//! undone.

use super::{DbError, Session, Sql, Value, place};
use crate::db::record::{Cost, Recorder};
use ::postgres::SimpleQueryMessage;
use serde_json::Value as Json;
use std::fmt::Write as _;

/// Runs the statement with these parameters under `explain`. The plan is the one that the session's `plan_cache_mode` asks for.
/// None for what was measured before with the same parameters.
pub(super) fn cost(
    session: &mut Session,
    recorder: &Recorder,
    sql: Sql,
    params: &[Value<'_>],
) -> Result<Option<Cost>, DbError> {
    let fail = |error| DbError::postgres(error, sql.text());
    let text = session.texts.get(sql)?;
    let (mut types, mut values, mut name) =
        (Vec::new(), Vec::new(), format!("cost_{:x}_{:x}", place(sql).0, place(sql).1));
    for param in params {
        let (of_value, value) = literal(param);
        // Infallible: it is a String.
        let _ = write!(name, "_{}", &of_value[..2]);
        types.push(of_value);
        values.push(value);
    }
    let in_brackets = |list: &[String]| if list.is_empty() { String::new() } else { format!("({})", list.join(", ")) };
    let types: Vec<String> = types.into_iter().map(str::to_owned).collect();
    let explain = format!("explain (analyze, buffers, timing off, format json) execute {name}{}", in_brackets(&values));
    if !recorder.is_new(&explain) {
        return Ok(None);
    }
    session.client.batch_execute("savepoint cost").map_err(fail)?;
    if session.measured.insert(name.clone()) {
        session.client.batch_execute(&format!("prepare {name}{} as {text}", in_brackets(&types))).map_err(fail)?;
    }
    let rows = session.client.simple_query(&explain).map_err(fail)?;
    session.client.batch_execute("rollback to savepoint cost; release savepoint cost").map_err(fail)?;
    let plan: String = rows
        .iter()
        .filter_map(|message| if let SimpleQueryMessage::Row(row) = message { row.get(0) } else { None })
        .collect();
    let plan: Json = serde_json::from_str(&plan)
        .map_err(|error| DbError::Statement { sql: sql.text().to_owned(), reason: error.to_string() })?;
    let mut cost = Cost { runs: 1, ..Cost::default() };
    add(&mut cost, &plan[0]["Plan"], true);
    Ok(Some(cost))
}

/// A parameter as SQL writes it, and its type.
fn literal(value: &Value<'_>) -> (&'static str, String) {
    match value {
        Value::Null => ("unknown", "null".to_owned()),
        Value::Int(number) => ("bigint", format!("({number})::bigint")),
        Value::Text(text) => ("text", format!("'{}'", text.replace('\'', "''"))),
        Value::Blob(bytes) => {
            let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            ("bytea", format!("'\\x{digits}'"))
        }
    }
}

/// Adds up the nodes of a plan: the pages of the whole, and the rows that each node gave or left out.
fn add(cost: &mut Cost, node: &Json, is_top: bool) {
    let number = |name: &str| node[name].as_f64().unwrap_or(0.0);
    let count = |number: f64| number.max(0.0) as u64;
    let kind = node["Node Type"].as_str().unwrap_or_default();
    if is_top {
        // What a statement changes is what its only part gives.
        let given = if kind == "ModifyTable" { &node["Plans"][0]["Actual Rows"] } else { &node["Actual Rows"] };
        cost.rows = count(given.as_f64().unwrap_or(0.0));
        cost.work += count(number("Shared Hit Blocks") + number("Shared Read Blocks"));
    }
    let left_out = ["Rows Removed by Filter", "Rows Removed by Index Recheck", "Rows Removed by Join Filter"];
    let rows = number("Actual Rows") + left_out.iter().map(|name| number(name)).sum::<f64>();
    let rows = count(rows * number("Actual Loops"));
    cost.work += rows;
    if kind == "Seq Scan" {
        cost.scanned += rows;
    }
    cost.sorts += u64::from(kind.contains("Sort"));
    for child in node["Plans"].as_array().into_iter().flatten() {
        add(cost, child, false);
    }
}
