//! See `tallymark_tests::fuzzing::ring`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| tallymark_tests::fuzzing::ring(input));
