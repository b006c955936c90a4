//! Documents: subscriptions as JSON (draft-08) and as JSON-LD (draft-07), indented by two spaces.

use serde::Serialize;
use serde_json::Value;

use crate::{subscriptions::path, subscriptions::roster::Subscription, topic::matcher::MatchType};

const CONTEXT: &str = "https://mercure.rocks/";

/// One subscription, in either shape.
#[derive(Serialize)]
struct Document<'a> {
    #[serde(rename = "@context", skip_serializing_if = "Option::is_none")]
    context: Option<&'static str>,
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    match_type: Option<&'static str>,
    #[serde(rename = "match", skip_serializing_if = "Option::is_none")]
    matcher: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<&'a str>,
    subscriber: &'a str,
    active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<&'a Value>,
    #[serde(rename = "lastEventID", skip_serializing_if = "Option::is_none")]
    last_event_id: Option<&'a str>,
}

impl<'a> Document<'a> {
    fn new(subscription: &'a Subscription, id: &'a str, active: bool) -> Self {
        let legacy = subscription.kind == MatchType::Legacy;
        let text = &*subscription.text;
        Self {
            context: legacy.then_some(CONTEXT),
            id,
            kind: if legacy { "Subscription" } else { "subscription" },
            match_type: (!legacy).then(|| subscription.kind.name()),
            matcher: (!legacy).then_some(text),
            topic: legacy.then_some(text),
            subscriber: subscription.subscriber.as_str(),
            active,
            payload: subscription.payload.as_ref(),
            last_event_id: None,
        }
    }
}

/// Strings, numbers and payloads that were read from JSON always serialise.
fn write(document: &impl Serialize) -> String {
    serde_json::to_string_pretty(document).unwrap_or_default()
}

/// What an update about a subscription says.
pub(crate) fn event(subscription: &Subscription, id: &str, active: bool) -> String {
    write(&Document::new(subscription, id, active))
}

/// One subscription that is active; `last` is the last update's id, which draft-07 puts into the document.
pub(crate) fn one(subscription: &Subscription, id: &str, last: &str) -> String {
    let last_event_id = (subscription.kind == MatchType::Legacy).then_some(last);
    write(&Document { last_event_id, ..Document::new(subscription, id, true) })
}

/// A collection, written piece by piece.
#[derive(Debug)]
pub(crate) struct Collection {
    first: bool,
}

impl Collection {
    /// Begins the document of the collection at this URL.
    pub(crate) fn begin(id: &str, legacy: bool, last: &str, out: &mut String) -> Self {
        let id = Value::from(id);
        out.push_str("{\n");
        if legacy {
            out.extend(["  \"@context\": \"", CONTEXT, "\",\n"]);
        }
        out.extend(["  \"id\": ", &id.to_string(), ",\n"]);
        if legacy {
            out.extend(["  \"type\": \"Subscriptions\",\n  \"lastEventID\": ", &Value::from(last).to_string(), ",\n"]);
        } else {
            out.push_str("  \"type\": \"subscriptions\",\n");
        }
        out.push_str("  \"subscriptions\": [");
        Self { first: true }
    }

    /// Adds one. The context stands at the top alone.
    pub(crate) fn add(&mut self, hub: &str, subscription: &Subscription, out: &mut String) {
        let id = path::of_subscription(hub, subscription);
        let document = write(&Document { context: None, ..Document::new(subscription, &id, true) });
        out.push_str(if std::mem::replace(&mut self.first, false) { "\n    " } else { ",\n    " });
        // A line break inside of a JSON string is always escaped.
        out.push_str(&document.replace('\n', "\n    "));
    }

    pub(crate) fn end(self, out: &mut String) {
        out.push_str(if self.first { "]\n}" } else { "\n  ]\n}" });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::update::UpdateId;

    const HUB: &str = "/.well-known/mercure";

    fn subscription(kind: MatchType, payload: Option<Value>) -> (Subscription, String) {
        let subscription = Subscription::new(kind, "a/b", UpdateId::random(), payload);
        let id = path::of_subscription(HUB, &subscription);
        (subscription, id)
    }

    #[test]
    fn each_generation_has_its_shape() {
        let (new, id) = subscription(MatchType::Exact, Some(json!({"ip": "::1"})));
        let name = new.subscriber.as_str();
        assert_eq!(
            event(&new, &id, false),
            format!(
                "{{\n  \"id\": \"{id}\",\n  \"type\": \"subscription\",\n  \"match_type\": \"exact\",\n  \"match\": \"a/b\",\n  \
                 \"subscriber\": \"{name}\",\n  \"active\": false,\n  \"payload\": {{\n    \"ip\": \"::1\"\n  }}\n}}"
            )
        );
        let (old, id) = subscription(MatchType::Legacy, None);
        let name = old.subscriber.as_str();
        assert_eq!(
            one(&old, &id, "x"),
            format!(
                "{{\n  \"@context\": \"https://mercure.rocks/\",\n  \"id\": \"{id}\",\n  \"type\": \"Subscription\",\n  \"topic\": \"a/b\",\n  \
                 \"subscriber\": \"{name}\",\n  \"active\": true,\n  \"lastEventID\": \"x\"\n}}"
            )
        );
    }

    #[test]
    fn a_collection_in_pieces_is_one_pretty_document() {
        for (kind, count) in
            [(MatchType::Exact, 0), (MatchType::Legacy, 0), (MatchType::Exact, 1), (MatchType::Legacy, 3)]
        {
            let mut out = String::new();
            let mut collection = Collection::begin("/s", kind == MatchType::Legacy, "l\"1", &mut out);
            for _ in 0..count {
                let (one, _) = subscription(kind, Some(json!({"a": [1, {"b": "line\nbreak"}], "c": []})));
                collection.add(HUB, &one, &mut out);
            }
            collection.end(&mut out);
            let value: Value = serde_json::from_str(&out).unwrap();
            assert_eq!(value["subscriptions"].as_array().unwrap().len(), count);
            assert_eq!(value.get("lastEventID"), (kind == MatchType::Legacy).then_some(&json!("l\"1")));
            // The same lines, whichever order the keys have.
            let sorted = |text: &str| {
                let mut lines: Vec<_> = text.lines().map(|line| line.trim_end_matches(',').to_owned()).collect();
                lines.sort();
                lines
            };
            assert_eq!(sorted(&out), sorted(&serde_json::to_string_pretty(&value).unwrap()));
        }
    }
}
