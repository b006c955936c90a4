//! `authorization_details` (RFC 9396) of the type that Mercure defines: what a token of the newer generation grants (draft-08 section "Authorization Details").

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use crate::{
    auth::{
        jws::{self, Object},
        token::FailedCheck,
    },
    topic::{
        Topic,
        matcher::{Grants, MatchType, Matcher, Target},
        pattern::Patterns,
    },
};

/// The `type` of the entries that concern the hub.
pub(crate) const TYPE: &str = "https://mercure.rocks/authorization-detail";

/// Entries in one token, and topics in all of them together.
const MAX_DETAILS: usize = 100;
const MAX_TOPICS: usize = 100;
const MAX_PATTERN_BYTES: usize = 4_096;

/// What the entries grant, and what they say about subscriptions.
#[derive(Debug, Default)]
pub(crate) struct Details {
    pub(crate) publish: Grants,
    pub(crate) subscribe: Grants,
    pub(crate) payloads: Payloads,
}

/// What describes a subscriber's subscriptions to those who watch them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Payloads {
    /// The one of the older generation.
    for_all: Option<Value>,
    /// The order of the token is kept: the first that matches counts.
    entries: Vec<(Vec<Matcher>, Option<Value>)>,
}

impl Payloads {
    /// The same payload for all subscriptions, as the older generation has it.
    pub(crate) fn for_all(payload: Option<Value>) -> Self {
        Self { for_all: payload, entries: Vec::new() }
    }

    /// The payload for a subscription: its matcher's text is taken as a topic and compared with the topics of each entry.
    pub(crate) fn of(&self, matcher: &Matcher) -> Option<&Value> {
        if self.for_all.is_some() {
            return self.for_all.as_ref();
        }
        // `*` is no topic, so only what grants everything stands for it.
        let topic = Topic::new(matcher.text()).ok();
        let covers = |granted: &Matcher| match &topic {
            Some(topic) => granted.matches(topic),
            None => matches!(granted.target(), Target::Everything),
        };
        self.entries.iter().find(|(topics, _)| topics.iter().any(covers))?.1.as_ref()
    }
}

/// One entry, its members not read further: those of other types are nobody's business here.
#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    actions: Option<&'a RawValue>,
    #[serde(borrow)]
    topics: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "jws::present")]
    payload: Option<&'a RawValue>,
}

/// One topic of an entry.
#[derive(Deserialize)]
struct Granted<'a> {
    #[serde(borrow, rename = "match")]
    text: Cow<'a, str>,
    #[serde(borrow, default, deserialize_with = "jws::present")]
    match_type: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Action<'a>(#[serde(borrow)] Cow<'a, str>);

/// Reads the claim. One bad entry of ours spoils the token: half a grant would be a guess. Entries of other types are left alone.
pub(crate) fn read(claim: &RawValue, patterns: &Patterns) -> Result<Details, FailedCheck> {
    let entries: Vec<Object<Entry<'_>>> = serde_json::from_str(claim.get()).map_err(|_| "authorization_details")?;
    let (mut publish, mut subscribe, mut payloads) = (Vec::new(), Vec::new(), Vec::new());
    let (mut count, mut room) = (0, MAX_TOPICS);
    for Object(entry) in entries.iter().filter(|Object(entry)| entry.kind == TYPE) {
        count += 1;
        if count > MAX_DETAILS {
            return Err("too many authorization_details");
        }
        let (publishes, subscribes) = actions(entry)?;
        let topics = topics(entry, patterns, &mut room)?;
        let payload =
            match entry.payload.map(|payload| jws::value(payload, "authorization_details payload")).transpose()? {
                None => None,
                Some(payload @ Value::Object(_)) => Some(payload),
                Some(_) => return Err("authorization_details payload"),
            };
        if publishes {
            publish.extend_from_slice(&topics);
        }
        if subscribes {
            subscribe.extend_from_slice(&topics);
            payloads.push((topics, payload));
        }
    }
    if payloads.iter().all(|(_, payload)| payload.is_none()) {
        payloads.clear();
    }
    let payloads = Payloads { for_all: None, entries: payloads };
    Ok(Details { publish: Grants::new(publish), subscribe: Grants::new(subscribe), payloads })
}

/// Whether the entry lets its bearer publish, and subscribe. Actions that the hub does not know grant nothing and spoil nothing.
fn actions(entry: &Entry<'_>) -> Result<(bool, bool), FailedCheck> {
    let names: Vec<Action<'_>> = list(entry.actions).ok_or("authorization_details actions")?;
    let has = |name: &str| names.iter().any(|action| action.0 == name);
    Ok((has("publish"), has("subscribe")))
}

fn topics(entry: &Entry<'_>, patterns: &Patterns, room: &mut usize) -> Result<Vec<Matcher>, FailedCheck> {
    const CHECK: FailedCheck = "authorization_details topics";
    let granted: Vec<Object<Granted<'_>>> = list(entry.topics).ok_or(CHECK)?;
    *room = room.checked_sub(granted.len()).ok_or("too many topics")?;
    let matcher = |Object(granted): &Object<Granted<'_>>| {
        let kind = match granted.match_type.as_deref() {
            None | Some("exact") => MatchType::Exact,
            Some("urlpattern") => MatchType::UrlPattern,
            Some(_) => return None,
        };
        let text = Some(&granted.text).filter(|text| text.len() <= MAX_PATTERN_BYTES)?;
        Matcher::new(kind, text, patterns).ok()
    };
    granted.iter().map(matcher).collect::<Option<Vec<_>>>().ok_or(CHECK)
}

/// A list that is not empty.
fn list<'a, T: Deserialize<'a>>(member: Option<&'a RawValue>) -> Option<Vec<T>> {
    serde_json::from_str(member?.get()).ok().filter(|list: &Vec<T>| !list.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(claim: &Value) -> Result<Details, FailedCheck> {
        let raw = RawValue::from_string(claim.to_string()).unwrap();
        read(&raw, &Patterns::new(None))
    }

    fn detail(actions: Value, topics: Value) -> Value {
        json!({"type": TYPE, "actions": actions, "topics": topics})
    }

    fn one() -> Value {
        json!([{"match": "a"}])
    }

    fn many(count: usize) -> Value {
        (0..count).map(|n| json!({"match": n.to_string()})).collect()
    }

    #[test]
    fn what_is_not_whole_is_refused() {
        let both = || json!(["publish", "subscribe"]);
        for (claim, check) in [
            (json!([]), None),
            (json!([detail(both(), one())]), None),
            (json!([{"type": "payment", "actions": 3}]), None),
            (json!([detail(json!(["fly", "publish"]), one())]), None),
            (json!([detail(both(), json!([{"match": "a", "match_type": "exact", "more": 1}]))]), None),
            (json!([detail(both(), json!([{"match": "*", "match_type": "urlpattern"}]))]), None),
            (json!([detail(both(), many(100))]), None),
            (Value::from(vec![detail(both(), one()); 100]), None),
            (json!(null), Some("authorization_details")),
            (json!({}), Some("authorization_details")),
            (json!(["text"]), Some("authorization_details")),
            (json!([{"actions": ["publish"]}]), Some("authorization_details")),
            (json!([{"type": 1}]), Some("authorization_details")),
            (json!([detail(json!([]), one())]), Some("authorization_details actions")),
            (json!([detail(json!(null), one())]), Some("authorization_details actions")),
            (json!([detail(json!("publish"), one())]), Some("authorization_details actions")),
            (json!([detail(json!(["publish", 1]), one())]), Some("authorization_details actions")),
            (json!([detail(both(), json!([]))]), Some("authorization_details topics")),
            (json!([detail(both(), json!("a"))]), Some("authorization_details topics")),
            (json!([[["publish"], [{"match": "a"}], null, TYPE]]), Some("authorization_details")),
            (json!([detail(both(), json!([["a", "exact"]]))]), Some("authorization_details topics")),
            (json!([detail(both(), json!(["a"]))]), Some("authorization_details topics")),
            (json!([detail(both(), json!([{}]))]), Some("authorization_details topics")),
            (json!([detail(both(), json!([{"match": ""}]))]), Some("authorization_details topics")),
            (json!([detail(both(), json!([{"match": 1}]))]), Some("authorization_details topics")),
            (json!([detail(both(), json!([{"match": "a\n"}]))]), Some("authorization_details topics")),
            (json!([detail(both(), json!([{"match": "a\u{200b}"}]))]), Some("authorization_details topics")),
            (
                json!([detail(both(), json!([{"match": "a", "match_type": "Exact"}]))]),
                Some("authorization_details topics"),
            ),
            (
                json!([detail(both(), json!([{"match": "a", "match_type": "regexp"}]))]),
                Some("authorization_details topics"),
            ),
            (
                json!([detail(both(), json!([{"match": "a", "match_type": null}]))]),
                Some("authorization_details topics"),
            ),
            (json!([detail(both(), json!([{"match": "x".repeat(4_097)}]))]), Some("authorization_details topics")),
            (json!([detail(both(), many(101))]), Some("too many topics")),
            (json!([detail(both(), many(50)), detail(both(), many(51))]), Some("too many topics")),
            (Value::from(vec![detail(both(), one()); 101]), Some("too many authorization_details")),
            (json!([detail(both(), one()), detail(both(), json!([]))]), Some("authorization_details topics")),
            (
                json!([{"type": TYPE, "actions": ["subscribe"], "topics": [{"match": "a"}], "payload": "x"}]),
                Some("authorization_details payload"),
            ),
        ] {
            assert_eq!(parse(&claim).err(), check, "{claim}");
        }
    }

    #[test]
    fn each_action_has_its_own_topics() {
        let details = parse(&json!([
            detail(json!(["publish"]), json!([{"match": "a"}])),
            detail(json!(["subscribe", "fly"]), json!([{"match": "b"}, {"match": "{c}"}])),
            detail(json!(["fly"]), json!([{"match": "*"}])),
        ]))
        .unwrap();
        let granted = |grants: &Grants| ["a", "b", "{c}", "c"].map(|topic| grants.cover(&Topic::new(topic).unwrap()));
        assert_eq!(granted(&details.publish), [true, false, false, false]);
        assert_eq!(granted(&details.subscribe), [false, true, true, false]);
    }

    #[test]
    fn the_first_entry_that_matches_describes_the_subscription() {
        let entry = |text: &str, payload: Option<i32>| {
            let mut entry = detail(json!(["subscribe"]), json!([{"match": text}]));
            if let Some(payload) = payload {
                entry["payload"] = json!({"is": payload});
            }
            entry
        };
        let mut publishes = entry("a", Some(0));
        publishes["actions"] = json!(["publish"]);
        let claim = json!([publishes, entry("a", Some(1)), entry("a", Some(2)), entry("b", None), entry("*", Some(3))]);
        let payloads = parse(&claim).unwrap().payloads;
        let of = |text: &str| {
            let matcher = Matcher::new(MatchType::Exact, text, &Patterns::new(None)).unwrap();
            payloads.of(&matcher).cloned()
        };
        assert_eq!(of("a"), Some(json!({"is": 1})));
        assert_eq!(of("b"), None, "it matches first, and says nothing");
        assert_eq!(of("else"), Some(json!({"is": 3})), "a star at the end is the default");
        assert_eq!(of("*"), Some(json!({"is": 3})));
        assert_eq!(
            parse(&json!([])).unwrap().payloads.of(&Matcher::new(MatchType::Exact, "a", &Patterns::new(None)).unwrap()),
            None
        );
    }
}
