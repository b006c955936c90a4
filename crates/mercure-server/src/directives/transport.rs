//! Where the history lives, in both spellings: `transport bolt { path … }` and the older `transport_url bolt://…`.

use std::path::PathBuf;

use url::form_urlencoded;

use super::known;
use super::tree::Node;
use super::{Fault, Position};

/// Where the history lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    /// On disk.
    Bolt {
        /// The reference's file. Ours is a folder beside it.
        path: Option<PathBuf>,
        /// How many updates are kept; zero is all.
        size: u64,
    },
    /// Nowhere.
    Local,
}

/// `transport <name> { … }`.
pub(super) fn directive(node: &Node) -> Result<Transport, Fault> {
    let name = match node.arguments.as_slice() {
        [name] => name,
        [] => return Err(Fault::new(node.at, "transport needs a name: bolt or local".to_owned())),
        [_, more, ..] => return Err(Fault::new(more.at, "transport takes one name".to_owned())),
    };
    let options = node.block.as_deref().unwrap_or_default();
    match kind(&name.text, name.at)? {
        Kind::Local => match options.first() {
            None => Ok(Transport::Local),
            Some(option) => Err(Fault::new(option.at, "transport local has no options".to_owned())),
        },
        Kind::Bolt => {
            let mut options_read = Options::default();
            for option in options {
                let [value] = option.arguments.as_slice() else {
                    return Err(Fault::new(option.at, format!("{} needs one value", option.name)));
                };
                if option.block.is_some() {
                    return Err(Fault::new(option.at, format!("{} has no block", option.name)));
                }
                options_read.set(&option.name, &value.text, option.at, value.at)?;
            }
            Ok(options_read.into())
        }
    }
}

/// `transport_url <url>`, and the variable `MERCURE_TRANSPORT_URL`.
pub(crate) fn url(text: &str, at: Position) -> Result<Transport, Fault> {
    let Some((scheme, rest)) = text.split_once("://") else {
        let why = format!("{text:?} is no transport; write bolt:///data/mercure.db or local://local");
        return Err(Fault::new(at, why));
    };
    if let Kind::Local = kind(scheme, at)? {
        return Ok(Transport::Local);
    }
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut options = Options { path: (!path.is_empty()).then(|| path.into()), ..Options::default() };
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        options.set(&name, &value, at, at)?;
    }
    Ok(options.into())
}

enum Kind {
    Bolt,
    Local,
}

fn kind(name: &str, at: Position) -> Result<Kind, Fault> {
    match name {
        "bolt" => Ok(Kind::Bolt),
        "local" | "null" => Ok(Kind::Local),
        "redis" | "valkey" | "postgres" | "postgresql" | "kafka" | "pulsar" => {
            let why = format!(
                "the transport {name} is not served: this hub is one process with a history of its own; use transport bolt (kept on disk) or transport local (none)"
            );
            Err(Fault::new(at, why))
        }
        _ => {
            let near = super::value::nearest(name, ["bolt", "local"].into_iter()).unwrap_or("bolt");
            Err(Fault::new(at, format!("unknown transport {name:?}; is {near:?} meant?")))
        }
    }
}

#[derive(Default)]
struct Options {
    path: Option<PathBuf>,
    size: u64,
}

impl Options {
    fn set(&mut self, name: &str, value: &str, at: Position, value_at: Position) -> Result<(), Fault> {
        match name {
            "path" if value.is_empty() => return Err(Fault::new(value_at, "path is empty".to_owned())),
            "path" => self.path = Some(value.into()),
            "size" => {
                self.size = value.parse().map_err(|_| Fault::new(value_at, format!("{value:?} is no number")))?;
            }
            // The log keeps its own house: it has no buckets, and trims itself as it grows.
            "bucket_name" => {}
            "cleanup_frequency" => {
                if !value.parse::<f64>().is_ok_and(|number| (0.0..=1.0).contains(&number)) {
                    return Err(Fault::new(value_at, format!("{value:?} is no number from 0 to 1")));
                }
            }
            _ => return Err(Fault::new(at, known::unknown(name, " in transport bolt", &known::BOLT))),
        }
        Ok(())
    }
}

impl From<Options> for Transport {
    fn from(options: Options) -> Self {
        Self::Bolt { path: options.path, size: options.size }
    }
}
