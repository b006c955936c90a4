//! Code blocks whose lines are slow to colour: in messages that name somebody, and in previews, of which nothing is kept.

use super::Context;
use crate::person::Request;
use std::sync::Arc;

/// Bytes of one line, and lines of one block.
const LINE: usize = 990;
const LINES: u32 = 6;

/// ` ```make ` with lines of parameters, and an `@` that makes the server look for names.
pub(super) async fn messages(context: &Arc<Context>, connections: u32) {
    let text: Arc<str> = format!("{}@", block(context, "make", "int a(int b, ")).into();
    context
        .repeat(connections, None, move |context, _| {
            let text = text.clone();
            async move { context.attacker.say(context.goal, &text).await }
        })
        .await;
}

/// ` ```cs ` with lines of underscores.
pub(super) async fn previews(context: &Arc<Context>, connections: u32) {
    let request = Request::post(context.goal.path("/preview"), &[("content", &block(context, "cs", "_"))]);
    let request = Arc::new(request);
    context
        .repeat(connections, None, move |context, _| {
            let request = request.clone();
            async move { context.attacker.ask(&request).await }
        })
        .await;
}

fn block(context: &Context, language: &str, part: &str) -> String {
    let line = format!("{}\n", part.repeat(LINE / part.len()));
    format!("```{language}\n{}```\n", line.repeat(context.options.scaled(LINES) as usize))
}
