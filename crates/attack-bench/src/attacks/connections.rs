//! Connections that wait: with half a request, with a long poll, with an event stream of patterns.

use super::{Context, PAUSE};
use crate::person::Request;
use crate::tally::Outcome;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

const HALF: &[u8] = b"GET /goals HTTP/1.1\r\nhost: 127.0.0.1\r\nx-never: ";
/// The address of all half requests.
const FROM: Ipv4Addr = Ipv4Addr::new(127, 0, 9, 2);
/// Patterns of one stream.
const PATTERNS: u32 = 1_000;

/// Each connection sends the first lines of a request and no more, and is opened again when the server closes it.
pub(super) async fn half_requests(context: &Arc<Context>) {
    hold(context, 1_200, |context| async move {
        let Ok(Ok(mut stream)) = timeout(Duration::from_secs(5), context.attacker.target.connect(FROM)).await else {
            context.tally.add(Outcome::NoAnswer);
            return;
        };
        context.held.up();
        if stream.write_all(HALF).await.is_ok() {
            // Until the server has had enough of it.
            let _ = stream.read_to_end(&mut Vec::new()).await;
        }
        context.held.down();
    })
    .await;
}

/// Each waits for news that never come, in the attacker's own room.
pub(super) async fn long_polls(context: &Arc<Context>) {
    let top = context.attacker.json(&context.goal.path("/fetch")).await;
    let top = top.ok().and_then(|page| page["revision"].as_i64()).unwrap_or_default();
    let request = Arc::new(Request::get(context.goal.path(&format!("/fetch?since={top}&wait=25"))));
    hold(context, 1_500, move |context| {
        let request = request.clone();
        async move {
            context.tally.begin();
            context.held.up();
            let outcome = context.attacker.ask(&request).await;
            context.held.down();
            context.tally.add(outcome);
        }
    })
    .await;
}

/// Each stream is asked for with patterns of its own, and read until the server ends it.
pub(super) async fn patterns(context: &Arc<Context>) {
    let stream = AtomicU32::new(0);
    let count = context.options.scaled(PATTERNS);
    let next = Arc::new(move || {
        // No two streams have a pattern in common, so that keeping equal ones once is no help.
        let stream = stream.fetch_add(1, Ordering::Relaxed);
        let patterns: Vec<String> = (0..count).map(|n| format!("/s{stream}n{n}/:name/(\\w+)/:rest*")).collect();
        let matchers: Vec<_> = patterns.iter().map(|pattern| ("match_urlpattern", pattern.as_str())).collect();
        Request::query("/.well-known/mercure", &matchers)
    });
    hold(context, 60, move |context| {
        let request = next();
        async move {
            context.tally.begin();
            match context.attacker.send(&request).await {
                Ok(mut stream) => {
                    let outcome = Outcome::Status(stream.status().as_u16());
                    context.tally.add(outcome);
                    context.held.up();
                    while outcome.is_success() && matches!(stream.chunk().await, Ok(Some(_))) {}
                    context.held.down();
                }
                Err(_) => context.tally.add(Outcome::NoAnswer),
            }
        }
    })
    .await;
}

/// Keeps so many connections, each opened anew when it has ended, until the time is over.
async fn hold<A, F>(context: &Arc<Context>, count: u32, open: A)
where
    A: Fn(Arc<Context>) -> F + Clone + Send + 'static,
    F: Future<Output = ()> + Send,
{
    let mut connections = JoinSet::new();
    for _ in 0..context.options.scaled(count) {
        let (context, open) = (context.clone(), open.clone());
        connections.spawn(async move {
            loop {
                open(context.clone()).await;
                sleep(PAUSE * 10).await;
            }
        });
    }
    sleep(context.options.seconds).await;
    connections.shutdown().await;
}
