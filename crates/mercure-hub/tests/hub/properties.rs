//! Whatever was published, kept and asked for: who reads a stream sees no gap, no repeat, and one order.

use mercure_hub::{Hub, HubConfig, Update};
use proptest::{collection::vec, option, prelude::*, test_runner::TestCaseError};

use crate::{
    client::{Event, Server, Sse, open_config},
    durable::Folder,
};

const TOPICS: [&str; 3] = ["a", "b", "c"];
const ALL: u8 = 0b111;

/// An update to be published.
#[derive(Clone, Debug)]
struct Sent {
    /// One of few, so that some repeat; or the hub makes one.
    id: Option<u8>,
    /// A bit for each topic.
    topics: u8,
    ephemeral: bool,
}

/// What a subscriber asks to continue from.
#[derive(Clone, Debug)]
enum Last {
    Nothing,
    Earliest,
    Unknown,
    /// The id of the update published at this point of all, in 256ths.
    At(u8),
}

#[derive(Clone, Debug)]
struct Visit {
    last: Last,
    topics: u8,
    everything: bool,
    /// Where the connection is cut, for another to continue, in 256ths.
    cut: u8,
}

#[derive(Clone, Debug)]
struct Kept {
    memory: usize,
    disk: Option<u64>,
    is_durable: bool,
}

fn sent() -> impl Strategy<Value = Sent> {
    (option::weighted(0.3, 0..40_u8), 1..=ALL, prop::bool::weighted(0.1)).prop_map(|(id, topics, ephemeral)| Sent {
        id,
        topics,
        ephemeral,
    })
}

fn visit() -> impl Strategy<Value = Visit> {
    let last =
        prop_oneof![Just(Last::Nothing), Just(Last::Earliest), Just(Last::Unknown), any::<u8>().prop_map(Last::At)];
    (last, 1..=ALL, prop::bool::weighted(0.3), any::<u8>()).prop_map(|(last, topics, everything, cut)| Visit {
        last,
        topics,
        everything,
        cut,
    })
}

fn kept() -> impl Strategy<Value = Kept> {
    let memory = prop_oneof![Just(0), 1..30_usize, Just(300), Just(10_000)];
    let disk = prop_oneof![Just(None), (1..50_u64).prop_map(Some), Just(Some(400))];
    (memory, disk, any::<bool>()).prop_map(|(memory, disk, is_durable)| Kept { memory, disk, is_durable })
}

/// An update that was published.
struct Entry {
    /// What it says: its number, for ids repeat.
    data: String,
    id: String,
    topics: u8,
    stored: bool,
}

/// All that was published, and what of it must be there.
struct Model {
    published: usize,
    entries: Vec<Entry>,
    most: usize,
    has_marks: bool,
}

impl Model {
    /// The first entry that is kept.
    fn floor(&self) -> usize {
        let stored = self.entries.iter().enumerate().rev().filter(|(_, entry)| entry.stored);
        match self.most {
            0 => self.entries.len(),
            most => stored.take(most).last().map_or(self.entries.len(), |(index, _)| index),
        }
    }

    /// The first entry after the one with this id, if that is known.
    fn after(&self, id: &str) -> Option<usize> {
        let floor = self.floor();
        let is = |entry: &Entry, stored| entry.id == id && entry.stored == stored;
        let stored = (floor..self.entries.len()).find(|index| is(&self.entries[*index], true));
        let marked = || {
            let mark = self.entries.iter().rposition(|entry| is(entry, false)).filter(|_| self.has_marks)?;
            // All that was stored after it must be there still.
            let lost = |index: usize| index < floor && self.entries[index].stored;
            (!(mark..self.entries.len()).any(lost)).then_some(mark)
        };
        stored.or_else(marked).map(|index| index + 1)
    }
}

/// An open stream and what it must bring.
struct Reader {
    sse: Sse,
    visit: Visit,
    /// The first entry that it may bring.
    from: usize,
    is_earliest: bool,
}

async fn connect(server: &Server, model: &Model, visit: Visit, last: Option<String>) -> Result<Reader, TestCaseError> {
    let mut query = if visit.everything { "topic=*".to_owned() } else { String::new() };
    for (bit, topic) in TOPICS.iter().enumerate().filter(|(bit, _)| visit.topics >> bit & 1 == 1) {
        query.push_str(&format!("{}match={topic}", if bit > 0 || visit.everything { "&" } else { "" }));
    }
    let header = last.as_ref().map(|id| format!("Last-Event-ID: {id}\r\n")).unwrap_or_default();
    let sse = server.sse(query.trim_start_matches('&'), &header).await;
    let is_earliest = last.as_deref() == Some("earliest");
    let after = last.as_deref().and_then(|id| model.after(id));
    let expected = match &last {
        Some(id) if after.is_some() => Some(id.as_str()),
        Some(_) => Some("earliest"),
        None => None,
    };
    prop_assert_eq!(sse.head.header("mercure-last-event-id"), expected);
    let from = if is_earliest { model.floor() } else { after.unwrap_or(model.entries.len()) };
    Ok(Reader { sse, visit, from, is_earliest })
}

/// Whether this is what these entries look like to a subscriber. What is not stored may be missing, where it came before the stream had reached
/// the present. Nothing else may, and nothing may be more.
fn fit(entries: &[Entry], visit: &Visit, seen: &[Event]) -> Result<(), String> {
    let mut expected = entries.iter().filter(|entry| visit.everything || entry.topics & visit.topics != 0);
    for Event { id, data, .. } in seen {
        loop {
            let entry = expected.next().ok_or_else(|| format!("{data} is one too many, or out of order"))?;
            if entry.data == *data {
                assert_eq!(entry.id, *id);
                break;
            }
            if entry.stored {
                return Err(format!("{} is missing before {data}", entry.data));
            }
        }
    }
    Ok(())
}

/// Reads up to the last entry, and checks every one. Returns the events.
async fn read(mut reader: Reader, model: &Model) -> Result<Vec<Event>, TestCaseError> {
    let end = &model.entries.last().unwrap().data;
    let mut seen = Vec::new();
    while let Some(event) = reader.sse.next().await {
        let is_end = event.data == *end;
        seen.push(event);
        if is_end {
            break;
        }
    }
    // The oldest may have moved on between the question and the look.
    let latest = if reader.is_earliest { model.floor().max(reader.from) } else { reader.from };
    let mut fits = Err("nothing was tried".to_owned());
    for from in reader.from..=latest {
        fits = fit(&model.entries[from..], &reader.visit, &seen);
        if fits.is_ok() {
            break;
        }
    }
    prop_assert!(fits.is_ok(), "{fits:?}, {:?} from {}", reader.visit, reader.from);
    let is_bounded = model.most < model.entries.len();
    prop_assert!(is_bounded || seen.last().is_some_and(|last| last.data == *end), "nothing was there to overtake it");
    Ok(seen)
}

async fn publish(hub: &Hub, model: &mut Model, sent: &[Sent]) {
    let mut publications = Vec::new();
    let number = |index: usize| (model.published + index).to_string();
    for (index, Sent { id, topics, ephemeral }) in sent.iter().enumerate() {
        let mut names = TOPICS.iter().enumerate().filter(|(bit, _)| topics >> bit & 1 == 1).map(|(_, name)| *name);
        let mut update = Update::new(names.next().unwrap(), number(index)).unwrap();
        for name in names {
            update = update.alternate(name).unwrap();
        }
        if let Some(id) = id {
            update = update.id(format!("id{id}")).unwrap();
        }
        publications.push(hub.publish_async(if *ephemeral { update.ephemeral() } else { update }));
    }
    for (publication, sent) in publications.into_iter().zip(sent) {
        let (id, data) = (publication.await.unwrap().to_string(), model.published.to_string());
        model.published += 1;
        model.entries.push(Entry { data, id, topics: sent.topics, stored: !sent.ephemeral });
    }
}

async fn run(kept: Kept, first: Vec<Sent>, second: Vec<Sent>, visits: Vec<Visit>) -> Result<(), TestCaseError> {
    let folder = Folder::new();
    let config = || HubConfig { history_events: kept.memory, ..open_config() };
    let open = || {
        let mut log = folder.log();
        log.events = kept.disk.unwrap_or(0);
        if kept.is_durable { Hub::open(config(), &log).unwrap() } else { Hub::new(config()) }
    };
    let most = if kept.is_durable { kept.disk.map_or(usize::MAX, |most| most as usize) } else { kept.memory };
    let mut model = Model { published: 0, entries: Vec::new(), most, has_marks: kept.is_durable || kept.memory > 0 };
    let mut server = Server::serve(open()).await;
    publish(&server.hub, &mut model, &first).await;
    if kept.is_durable && first.len().is_multiple_of(2) {
        server.hub.close().await;
        server = Server::serve(open()).await;
        // Who restarts remembers no place of what was not stored.
        model.entries.retain(|entry| entry.stored);
    }
    let mut readers = Vec::new();
    for visit in visits {
        let last = match &visit.last {
            Last::Nothing => None,
            Last::Earliest => Some("earliest".to_owned()),
            Last::Unknown => Some("unknown".to_owned()),
            Last::At(at) => {
                model.entries.get(model.entries.len() * usize::from(*at) / 256).map(|entry| entry.id.clone())
            }
        };
        readers.push(connect(&server, &model, visit, last).await?);
    }
    publish(&server.hub, &mut model, &second).await;
    let end = Sent { id: None, topics: ALL, ephemeral: false };
    publish(&server.hub, &mut model, std::slice::from_ref(&end)).await;
    let mut cuts = Vec::new();
    for reader in readers {
        let visit = reader.visit.clone();
        let seen = read(reader, &model).await?;
        if let Some(event) = seen.get(seen.len() * usize::from(visit.cut) / 256) {
            cuts.push(connect(&server, &model, visit, Some(event.id.clone())).await?);
        }
    }
    publish(&server.hub, &mut model, &[end]).await;
    for reader in cuts {
        read(reader, &model).await?;
    }
    server.hub.close().await;
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    // H 83, H 85, H 87, H 88, H 89, H 90, D1, D2, D3
    #[test]
    fn any_cut_resumes_without_gap_or_repeat(
        kept in kept(),
        first in vec(sent(), 0..700),
        second in vec(sent(), 0..100),
        visits in vec(visit(), 1..6),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(run(kept, first, second, visits))?;
    }
}
