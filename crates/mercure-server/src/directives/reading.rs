//! Directives into what they mean.

use std::time::Duration;

use super::lexer::Word;
use super::tree::Node;
use super::{Directives, Fault, Issuer, KeyText, Position, Verifier, known, transport, value};

pub(super) fn read(nodes: &[Node]) -> Result<Directives, Fault> {
    let mut directives = Directives::default();
    for node in nodes {
        directives.read(node)?;
    }
    Ok(directives)
}

impl Directives {
    fn read(&mut self, node: &Node) -> Result<(), Fault> {
        match node.name.as_str() {
            // The block as it stands in a Caddyfile may be given whole.
            "mercure" => {
                for inner in block(node)? {
                    self.read(inner)?;
                }
            }
            "issuer" => {
                let issuer = issuer(node)?;
                if self.issuers.iter().any(|known| known.id == issuer.id) {
                    let why = format!("a second issuer {:?}; put its keys into one block", issuer.id);
                    return Err(Fault::new(node.at, why));
                }
                self.issuers.push(issuer);
            }
            "transport" => self.transport = Some(transport::directive(node)?),
            name => {
                self.read_line(name, node)?;
                no_block(node)?;
            }
        }
        Ok(())
    }

    /// A directive without a block.
    fn read_line(&mut self, name: &str, node: &Node) -> Result<(), Fault> {
        match name {
            "name" => self.name = Some(hub_name(node)?),
            "publisher_jwt" => self.publisher = Some(key(node)?),
            "subscriber_jwt" => self.subscriber = Some(key(node)?),
            "publisher_jwks_url" => self.publisher = Some(jwks(node)?),
            "subscriber_jwks_url" => self.subscriber = Some(jwks(node)?),
            "resource_identifier" => self.resource_identifier = Some(resource(one(node)?)?),
            // Lists may be spread over several lines.
            "public_urls" => {
                let urls = several(node)?.iter().map(web_url).collect::<Result<Vec<_>, _>>()?;
                extend(&mut self.public_urls, urls);
            }
            "anonymous" => self.anonymous = flag(node)?,
            "publish_origins" => extend(&mut self.publish_origins, texts(several(node)?)),
            "cors_origins" => extend(&mut self.cors_origins, texts(several(node)?)),
            "cookie_name" => self.cookie_name = Some(cookie(one(node)?)?),
            "protocol_version_compatibility" => self.compatibility = Some(self.compatibility(one(node)?)?),
            "subscriptions" => self.subscriptions = flag(node)?,
            "heartbeat" => self.heartbeat = Some(duration(node)?),
            "write_timeout" => self.write_timeout = Some(duration(node)?),
            "dispatch_timeout" => self.dispatch_timeout = Some(duration(node)?),
            "drain_timeout" => self.drain_timeout = Some(duration(node)?),
            "max_request_body_size" => self.max_request_body_size = Some(size(node)?),
            "max_field_size" => self.max_field_size = Some(size(node)?),
            "max_topics" => self.max_topics = Some(count(one(node)?)?),
            "max_matchers" => self.max_matchers = Some(count(one(node)?)?),
            "initial_event_id" => self.initial_event_id = flag(node)?,
            "transport_url" => {
                let word = one(node)?;
                self.transport = Some(transport::url(&word.text, word.at)?);
            }
            "debugger" | "ui" => self.debugger = flag(node)?,
            "demo" => self.demo = flag(node)?,
            "playground" => self.playground = flag(node)?,
            "topic_matcher_cache" | "topic_selector_cache" | "subscriber_list_cache_size" => {
                several(node)?;
                self.notice(node, "there is no such cache to size: topics are indexed");
            }
            "license" => self.notice(node, "no licence is needed, and nothing is capped"),
            "events_query" => self.notice(node, "this extension is not served"),
            _ => return Err(Fault::new(node.at, known::unknown(name, "", &known::TOP))),
        }
        Ok(())
    }

    fn compatibility(&mut self, word: &Word) -> Result<u8, Fault> {
        let version = match word.text.as_str() {
            "7" => 7,
            "8" => 8,
            _ => return Err(Fault::new(word.at, "the versions are 7 and 8".to_owned())),
        };
        let mut notice = "protocol_version_compatibility: both generations are always spoken; here it lets old clients send their token in the address, which ends up in logs".to_owned();
        if version == 7 {
            notice.push_str(", and publish public updates on topics that their token does not list");
        }
        self.notices.push(notice);
        Ok(version)
    }

    fn notice(&mut self, node: &Node, why: &str) {
        self.notices.push(format!("{} means nothing here: {why}", node.name));
    }
}

fn issuer(node: &Node) -> Result<Issuer, Fault> {
    let id = one(node)?;
    if id.text.is_empty() {
        return Err(Fault::new(id.at, "the issuer is empty".to_owned()));
    }
    let mut issuer = Issuer { id: id.text.clone(), ..Issuer::default() };
    for inner in block(node)? {
        match inner.name.as_str() {
            "authorization_server" => {
                issuer.is_authorization_server = flag(inner)?;
                no_block(inner)?;
            }
            "publisher" => issuer.publisher = role(inner)?,
            "subscriber" => issuer.subscriber = role(inner)?,
            name => return Err(Fault::new(inner.at, known::unknown(name, " in issuer", &known::ISSUER))),
        }
    }
    Ok(issuer)
}

fn role(node: &Node) -> Result<Option<Verifier>, Fault> {
    flag(node)?;
    let mut verifier = None;
    for inner in block(node)? {
        let read = match inner.name.as_str() {
            "jwt" => {
                no_block(inner)?;
                key(inner)?
            }
            "jwks_uri" => jwks(inner)?,
            name => {
                let place = format!(" in {}", node.name);
                return Err(Fault::new(inner.at, known::unknown(name, &place, &known::ROLE)));
            }
        };
        if verifier.replace(read).is_some() {
            return Err(Fault::new(inner.at, format!("{} takes one key or one key set", node.name)));
        }
    }
    Ok(verifier)
}

fn key(node: &Node) -> Result<Verifier, Fault> {
    let (text, algorithm) = match node.arguments.as_slice() {
        [text] => (text, None),
        // A variable that is unset leaves an empty word: the same as no word.
        [text, algorithm] => (text, Some(algorithm.text.clone()).filter(|text| !text.is_empty())),
        [] => return Err(Fault::new(node.at, format!("{} needs a key", node.name))),
        [_, _, more, ..] => return Err(Fault::new(more.at, format!("{} takes a key and an algorithm", node.name))),
    };
    if text.text.is_empty() {
        return Err(Fault::new(text.at, format!("the key of {} is empty; is its variable set?", node.name)));
    }
    Ok(Verifier::Key(KeyText { text: text.text.clone(), algorithm }))
}

fn jwks(node: &Node) -> Result<Verifier, Fault> {
    let Some((url, algorithms)) = node.arguments.split_first() else {
        return Err(Fault::new(node.at, format!("{} needs a URL", node.name)));
    };
    if !["https://", "http://", "file://"].iter().any(|scheme| url.text.starts_with(scheme)) {
        let why = format!("{:?} is no https:, http: or file: URL", url.text);
        return Err(Fault::new(url.at, why));
    }
    let mut algorithms = texts(algorithms);
    for inner in node.block.as_deref().unwrap_or_default() {
        match inner.name.as_str() {
            "algorithms" => algorithms.extend(texts(several(inner)?)),
            name => return Err(Fault::new(inner.at, known::unknown(name, " in jwks_uri", &known::JWKS))),
        }
    }
    Ok(Verifier::Jwks { url: url.text.clone(), algorithms })
}

fn block(node: &Node) -> Result<&[Node], Fault> {
    node.block.as_deref().ok_or_else(|| Fault::new(node.at, format!("{} needs a block: {{ … }}", node.name)))
}

fn no_block(node: &Node) -> Result<(), Fault> {
    match node.block {
        Some(_) => Err(Fault::new(node.at, format!("{} has no block", node.name))),
        None => Ok(()),
    }
}

/// A directive that stands alone.
fn flag(node: &Node) -> Result<bool, Fault> {
    match node.arguments.first() {
        Some(word) => {
            Err(Fault::new(word.at, format!("{} stands alone; leave the line out to switch it off", node.name)))
        }
        None => Ok(true),
    }
}

fn one(node: &Node) -> Result<&Word, Fault> {
    match node.arguments.as_slice() {
        [word] => Ok(word),
        [] => Err(Fault::new(node.at, format!("{} needs a value", node.name))),
        [_, more, ..] => Err(Fault::new(more.at, format!("{} takes one value", node.name))),
    }
}

fn several(node: &Node) -> Result<&[Word], Fault> {
    match node.arguments.as_slice() {
        [] => Err(Fault::new(node.at, format!("{} needs a value", node.name))),
        words => Ok(words),
    }
}

fn texts(words: &[Word]) -> Vec<String> {
    // Commas between origins are a habit from other configuration files.
    let parts = words.iter().flat_map(|word| word.text.split(','));
    parts.map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

fn duration(node: &Node) -> Result<Duration, Fault> {
    let word = one(node)?;
    value::duration(&word.text).map_err(|why| Fault::new(word.at, why))
}

fn size(node: &Node) -> Result<usize, Fault> {
    let words = several(node)?;
    let text: Vec<_> = words.iter().map(|word| word.text.as_str()).collect();
    value::size(&text.join(" ")).map_err(|why| Fault::new(first_place(words, node.at), why))
}

fn first_place(words: &[Word], otherwise: Position) -> Position {
    words.first().map_or(otherwise, |word| word.at)
}

fn hub_name(node: &Node) -> Result<String, Fault> {
    let word = one(node)?;
    let is_plain = |char: char| char.is_ascii_alphanumeric() || "-_.~".contains(char);
    if word.text.is_empty() || !word.text.chars().all(is_plain) {
        let why = "a name is made of letters, digits and -_.~: it stands in the path of the health check";
        return Err(Fault::new(word.at, why.to_owned()));
    }
    Ok(word.text.clone())
}

/// A cookie's name is a token (RFC 6265 section 4.1.1).
fn cookie(word: &Word) -> Result<String, Fault> {
    let is_token = |char: char| char.is_ascii_graphic() && !"()<>@,;:\\\"/[]?={}".contains(char);
    if word.text.is_empty() || !word.text.chars().all(is_token) {
        return Err(Fault::new(word.at, format!("{:?} cannot be a cookie's name", word.text)));
    }
    Ok(word.text.clone())
}

/// A resource identifier has no fragment (RFC 9728 section 1.2).
fn resource(word: &Word) -> Result<String, Fault> {
    if word.text.contains('#') {
        return Err(Fault::new(word.at, format!("{:?} has a fragment, and a resource identifier has none", word.text)));
    }
    web_url(word)
}

fn count(word: &Word) -> Result<usize, Fault> {
    word.text.parse().map_err(|_| Fault::new(word.at, format!("{:?} is no number", word.text)))
}

/// Adds what is not there yet.
fn extend(list: &mut Vec<String>, more: Vec<String>) {
    for one in more {
        if !list.contains(&one) {
            list.push(one);
        }
    }
}

fn web_url(word: &Word) -> Result<String, Fault> {
    let is_url =
        url::Url::parse(&word.text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if is_url {
        Ok(word.text.clone())
    } else {
        Err(Fault::new(word.at, format!("{:?} is no http: or https: URL", word.text)))
    }
}
