//! A rival for reference: axum's `Sse` over a broadcast channel, the way its own examples do it.

use super::READY;
use axum::Router;
use axum::extract::{Query, State};
use axum::response::sse::{Event, Sse};
use axum::routing::{get, post};
use futures_util::Stream;
use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpListener;
use tokio::sync::broadcast::{self, error::RecvError};

/// Messages that may wait for the slowest reader.
const WAITING: usize = 1024;

type Topics = Arc<Mutex<HashMap<String, broadcast::Sender<Arc<str>>>>>;
type Asked = Query<HashMap<String, String>>;

/// Serves until the process is ended.
pub(crate) async fn serve() -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    println!("{READY}{}", listener.local_addr()?.port());
    let routes = Router::new().route("/publish", post(publish)).route("/subscribe", get(subscribe));
    axum::serve(listener, routes.with_state(Topics::default())).await
}

fn channel(topics: &Topics, asked: &Asked) -> broadcast::Sender<Arc<str>> {
    let topic = asked.get("topic").cloned().unwrap_or_default();
    let mut topics = topics.lock().unwrap_or_else(PoisonError::into_inner);
    topics.entry(topic).or_insert_with(|| broadcast::channel(WAITING).0).clone()
}

async fn publish(State(topics): State<Topics>, asked: Asked, text: String) {
    // Nobody listening is no error.
    let _ = channel(&topics, &asked).send(text.into());
}

async fn subscribe(State(topics): State<Topics>, asked: Asked) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let receiver = channel(&topics, &asked).subscribe();
    let events = futures_util::stream::unfold(receiver, async |mut receiver| {
        loop {
            match receiver.recv().await {
                Ok(text) => return Some((Ok(Event::default().data(&*text)), receiver)),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    });
    Sse::new(events)
}
