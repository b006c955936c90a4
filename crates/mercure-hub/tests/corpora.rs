//! What the fuzzers begin with, run as plain tests: nothing in it makes the hub panic, and each file does what its name says.

use std::{collections::BTreeMap, fs, path::Path};

use mercure_hub::fuzzing;

/// The files of one target, by name.
fn corpus(target: &str) -> BTreeMap<String, Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let files = fs::read_dir(folder).expect("the folder is there").map(|entry| entry.expect("a file").path());
    let read = |path: std::path::PathBuf| {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        (name, fs::read(&path).expect("it can be read"))
    };
    files.map(read).collect()
}

/// The file, and what becomes of it when it is cut, and when one byte is another.
fn variants(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let changed = |at: usize, with: u8| {
        let mut bytes = bytes.to_vec();
        bytes[at] = with;
        bytes
    };
    (0..bytes.len()).flat_map(move |at| [bytes[..at].to_vec(), changed(at, b'%'), changed(at, b'{'), changed(at, 0xff)])
}

// C event_test, H 111
#[test]
fn forms() {
    let files = corpus("form");
    for (name, bytes) in &files {
        assert_eq!(fuzzing::form(bytes).is_some(), ["symfony", "lines"].contains(&name.as_str()), "{name}");
        for text in variants(bytes).filter_map(|bytes| fuzzing::form(&bytes)) {
            let text = String::from_utf8(text).expect("text");
            let event = text.strip_suffix("\n\n").expect("an empty line ends it");
            assert!(!event.contains('\r') && !event.contains("\n\n"), "{text:?}");
            assert_eq!(event.lines().filter(|line| line.starts_with("id: ")).count(), 1, "{text:?}");
        }
    }
    assert!(files.len() > 5);
}

// H 30
#[test]
fn queries() {
    let files = corpus("query");
    for (name, bytes) in &files {
        let matchers = fuzzing::query(bytes).is_some();
        assert_eq!(matchers, ["both", "templates", "patterns"].contains(&name.as_str()), "{name}");
        for bytes in variants(bytes) {
            fuzzing::query(&bytes);
        }
    }
    assert!(files.len() > 5);
}

#[test]
fn tokens() {
    let files = corpus("token");
    for (name, bytes) in &files {
        assert_eq!(fuzzing::token(bytes), name == "strict_claims", "{name}");
        assert_eq!(fuzzing::keys(bytes), name == "pem" || name == "key_set", "{name}");
        for bytes in variants(bytes) {
            fuzzing::token(&bytes);
            fuzzing::token_header(&bytes);
            fuzzing::keys(&bytes);
        }
    }
    assert!(files.len() > 5);
}
