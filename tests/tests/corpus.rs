//! Goal: what a fuzzer once found stays found.
//! Method: every committed input goes through its fuzz target's function.

use std::fs;
use std::path::Path;

use tallymark_tests::fuzzing;

fn replay(target: &str, run: fn(&[u8])) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let inputs: Vec<_> = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(inputs.len() >= 10, "{}: only {} inputs", directory.display(), inputs.len());
    for input in inputs {
        run(&fs::read(input).unwrap());
    }
}

#[test]
fn the_reader_fails_on_an_input_of_the_corpus() {
    replay("reader", fuzzing::reader);
}

#[test]
fn the_writer_fails_on_an_input_of_the_corpus() {
    replay("writer", fuzzing::writer);
}

#[test]
fn the_stack_codec_fails_on_an_input_of_the_corpus() {
    replay("stack", fuzzing::stack);
}

#[test]
fn the_ring_fails_on_an_input_of_the_corpus() {
    replay("ring", fuzzing::ring);
}

#[test]
fn the_reader_of_a_damaged_ring_fails_on_an_input_of_the_corpus() {
    replay("ring_damage", fuzzing::ring_damage);
}
