//! A token, its header, its claims, and the keys that could verify it.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    mercure_hub::fuzzing::token(bytes);
    mercure_hub::fuzzing::token_header(bytes);
    mercure_hub::fuzzing::keys(bytes);
});
