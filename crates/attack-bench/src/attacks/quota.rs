//! Much of what is allowed: files, long messages, goals, requests to join.

use super::Context;
use super::files::upload;
use crate::Trouble;
use crate::bystanders::TITLE;
use crate::person::{Person, Request};
use bytes::Bytes;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// Megabytes of one file, less than what may be attached.
const FILE: u64 = 24;
/// Letters of the longest message.
const LETTERS: usize = 10_000;

/// Files that are nothing in particular, three at a time.
pub(super) async fn uploads(context: &Arc<Context>) {
    let total = u32::try_from(context.options.megabytes.div_ceil(FILE)).unwrap_or(1);
    let file = Bytes::from(vec![0x5a; (FILE as usize) << 20]);
    upload(context, "", "attachment", vec![file], (3, Some(context.options.scaled(total)))).await;
}

/// Ideographs, of which each is a word to the search's index; four messages at a time.
pub(super) async fn long_messages(context: &Arc<Context>) {
    context
        .repeat(4, None, |context, number| async move {
            let letter =
                |at: usize| char::from_u32(0x4e00 + (at * 7 + number as usize * 31) as u32 % 20_000).unwrap_or('一');
            let text: String = (0..LETTERS).map(letter).collect();
            context.attacker.say(context.goal, &text).await
        })
        .await;
}

/// Goals of one account.
pub(super) async fn goals(context: &Arc<Context>) {
    let total = context.options.scaled(500);
    context
        .repeat(4, Some(total), |context, number| async move {
            context.attacker.ask(&Request::post("/goal/new", &[("title", &format!("Goal number {number}"))])).await
        })
        .await;
}

/// What the public list shows afterwards.
pub(super) async fn list_of_goals(context: &Context) -> Result<String, Trouble> {
    // Without an account, and so without a list of one's own goals.
    let visitor = Person::visitor(context.attacker.target, Ipv4Addr::LOCALHOST)?;
    let page = visitor.send(&Request::page("/goals")).await?.text().await?;
    let is_shown = page.contains(TITLE);
    let shown = if is_shown { "still" } else { "not" };
    Ok(format!("the others' goal is {shown} on the first page of /goals, of {} kB", page.len() / 1_000))
}

/// Asks to join the others' goal and takes it back, again and again.
pub(super) async fn joins(context: &Arc<Context>) {
    let total = context.options.scaled(200) * 2;
    context
        .repeat(1, Some(total), |context, number| async move {
            let verb = if number % 2 == 0 { "join" } else { "leave" };
            context.attacker.ask(&Request::post(format!("/goal/{}/{verb}", context.others.goal.id), &[])).await
        })
        .await;
}

/// How much of what the others' goal's owner is told is the attacker's.
pub(super) async fn bell(context: &Context) -> Result<String, Trouble> {
    let owner = context.others.people.first().ok_or(Trouble::Nobody)?;
    let told = owner.json("/notifications").await?;
    let notices = told["notices"].as_array().map(Vec::as_slice).unwrap_or_default();
    let from_attacker = notices.iter().filter(|notice| notice.to_string().contains("Mallory")).count();
    Ok(format!(
        "{from_attacker} of {} notices of the decider are the attacker's, {} unseen",
        notices.len(),
        told["unseen"]
    ))
}
