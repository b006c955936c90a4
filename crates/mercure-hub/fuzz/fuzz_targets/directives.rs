//! The configuration of the reference hub, as the environment holds it.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes) {
        // No look-up in the environment: the outcome depends on the text alone.
        let _ = mercure_server::directives::parse_with(text, &|_| None);
    }
});
