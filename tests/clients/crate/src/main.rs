//! Publishes with the crate `mercure` and reads with `reqwest-eventsource`, as a Rust application would that knows nothing of this hub.
//!
//! Arguments: the hub's URL to publish to, the one to read from, the secret, the template of topics to subscribe to. What happens is written to the
//! output, one JSON value a line: `{"open": true}`, `{"id", "type", "data"}` for an event, `{"published": id}`. Each line of the input is a JSON
//! object `{"topics": [url], "data", "private"}` to publish; the end of the input ends the program.

use std::{error::Error, io};

use futures_util::StreamExt;
use mercure::{
    Client, HubUrl, PublisherJwt, SubscriberJwt, Topic, TopicSelector, client::PublishUpdatePrivacy,
    jwt::SubscriberJwtMaxAge,
};
use reqwest_eventsource::{Event, EventSource};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use url::Url;

type Fault = Box<dyn Error>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Fault> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [publish_to, read_from, secret, template] = arguments.as_slice() else { return Err("four arguments".into()) };
    let mut source = subscribe(read_from, secret, template)?;
    let publisher = PublisherJwt::new(&secret.clone().into_bytes().into(), vec![TopicSelector::Wildcard])?;
    let client = Client::new(
        reqwest::Client::new(),
        HubUrl::try_from(publish_to.parse::<Url>()?).map_err(|error| error.to_string())?,
        publisher,
    );

    let (sender, mut orders) = mpsc::unbounded_channel();
    std::thread::spawn(move || io::stdin().lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
    loop {
        tokio::select! {
            order = orders.recv() => {
                let Some(order) = order else { return Ok(()) };
                println!("{}", json!({ "published": publish(&client, &serde_json::from_str(&order)?).await? }));
            }
            event = source.next() => match event {
                Some(Ok(Event::Open)) => println!("{}", json!({ "open": true })),
                Some(Ok(Event::Message(event))) => println!("{}", json!({ "id": event.id, "type": event.event, "data": event.data })),
                Some(Err(_)) => {} // It comes back by itself.
                None => return Err("the stream ended for good".into()),
            },
        }
    }
}

fn subscribe(hub: &str, secret: &str, template: &str) -> Result<EventSource, Fault> {
    let selector = TopicSelector::UriTemplate(template.try_into()?);
    let token =
        SubscriberJwt::new(&secret.to_owned().into_bytes().into(), Some(SubscriberJwtMaxAge::MAX), vec![selector])?;
    let url = Url::parse_with_params(hub, [("topic", template)])?;
    Ok(EventSource::new(reqwest::Client::new().get(url).bearer_auth(token))?)
}

async fn publish(client: &Client, order: &Value) -> Result<String, Fault> {
    let topics = order["topics"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let mut topics = topics.map(str::parse).collect::<Result<Vec<Url>, _>>()?.into_iter();
    let topic = Topic::new(topics.next().ok_or("no topic")?, topics.collect());
    let privacy = if order["private"] == true { PublishUpdatePrivacy::Private } else { PublishUpdatePrivacy::Public };
    Ok(client.publish_update(topic, order["data"].as_str(), privacy).await?.to_string())
}
