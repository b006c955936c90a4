//! The parser against whatever stands in the fuzzer's collection, and against random changes of it.

use std::path::PathBuf;

use mercure_server::directives::parse_with;

fn corpus() -> Vec<(PathBuf, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../mercure-hub/fuzz/corpus/directives");
    let files = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> =
        files.map(|file| file.unwrap().path()).map(|path| (path.clone(), std::fs::read(path).unwrap())).collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

fn parse(text: &str) -> bool {
    parse_with(text, &|name| (name != "UNSET").then(|| "value".to_owned())).is_ok()
}

#[test]
fn good_texts_are_read_and_bad_ones_refused() {
    for (path, bytes) in corpus() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let is_read = parse(&String::from_utf8_lossy(&bytes));
        assert_eq!(is_read, name.starts_with("good"), "{name}");
    }
}

#[test]
fn no_cut_and_no_change_of_a_text_makes_the_parser_panic() {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random % below as u64).unwrap()
    };
    for (_, bytes) in corpus() {
        for cut in 0..bytes.len().min(2_000) {
            parse(&String::from_utf8_lossy(&bytes[..cut]));
        }
        for _ in 0..500 {
            let mut changed = bytes.clone();
            for _ in 0..=next(4) {
                let place = next(changed.len().max(1));
                let byte = b"{}\"`\\#\n$: \xff\0a9"[next(14)];
                if place < changed.len() {
                    changed[place] = byte;
                } else {
                    changed.push(byte);
                }
            }
            parse(&String::from_utf8_lossy(&changed));
        }
    }
}
