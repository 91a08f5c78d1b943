//! See `tallymark_tests::fuzzing::ring_damage`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| tallymark_tests::fuzzing::ring_damage(input));
