//! The statements as they stand in the source: for tests of the store, and for `tests/it/growth.rs`, which includes this file.

use std::fs;
use std::path::Path;

/// The texts of all `sql!` calls in a source file.
pub(crate) fn texts(source: &str) -> Vec<String> {
    let mut texts = Vec::new();
    for (start, call) in source.match_indices("sql!(") {
        let mut rest = source[start + call.len()..].trim_start();
        let mut text = String::new();
        while let Some((literal, after)) = literal(rest) {
            text.push_str(&literal);
            rest = after.trim_start().trim_start_matches(',').trim_start();
        }
        if rest.starts_with(')') && !text.is_empty() {
            texts.push(text);
        }
    }
    texts
}

/// The literal that `source` begins with, and what follows it.
fn literal(source: &str) -> Option<(String, &str)> {
    if let Some(raw) = source.strip_prefix('r') {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        let body = raw[hashes..].strip_prefix('"')?;
        let (text, after) = body.split_once(&format!("\"{}", "#".repeat(hashes)))?;
        return Some((text.to_owned(), after));
    }
    let mut text = String::new();
    let mut rest = source.strip_prefix('"')?;
    loop {
        let stop = rest.find(['"', '\\'])?;
        text.push_str(&rest[..stop]);
        let mut after = rest[stop..].chars();
        if after.next() == Some('"') {
            return Some((text, after.as_str()));
        }
        match after.next()? {
            '\n' => after = after.as_str().trim_start().chars(),
            'n' => text.push('\n'),
            't' => text.push('\t'),
            other => text.push(other),
        }
        rest = after.as_str();
    }
}

/// The texts of all source files of a folder, but for those that test the store.
pub(crate) fn collect(folder: &Path, into: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with("db/tests") || path.ends_with("db/tests.rs") || path.ends_with("db/sql.rs") {
            continue;
        }
        if path.is_dir() {
            collect(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.extend(texts(&fs::read_to_string(path).unwrap()));
        }
    }
}
