//! What a subscriber asks for: names, values, templates, URL patterns.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    mercure_hub::fuzzing::query(bytes);
});
