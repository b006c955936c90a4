//! The body of a publication: it never panics, and what it makes is one event, whatever its fields hold.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Some(text) = mercure_hub::fuzzing::form(bytes) {
        let text = std::str::from_utf8(&text).expect("text");
        let event = text.strip_suffix("\n\n").expect("an empty line ends it");
        assert!(!event.contains(['\r']) && !event.contains("\n\n"));
        let count = |field: &str| event.lines().filter(|line| line.starts_with(field)).count();
        assert_eq!((count("id: "), count("event: ") < 2, count("retry: ") < 2), (1, true, true));
    }
});
