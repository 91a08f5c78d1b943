//! Goal: no memory contents, also none that change between two loads, make the core panic, hang, or
//! work longer than its bounds say.
//! Method: insertion, look-up and reader over memory that lies, with many seeds; operations are counted.

use tallymark_core::format::reader::{Reader, marks_needed};
use tallymark_core::{CounterFile, Name, ReadWords};
use tallymark_tests::damage::image::header;
use tallymark_tests::hostile::Hostile;

const SEEDS: u64 = if cfg!(debug_assertions) { 5_000 } else { 100_000 };
const LENGTH: u32 = 2 * 16384;
/// Visits an insertion may make, each with a length, a link and a name of 11 words at most; the visits
/// of one look-up follow in the same budget.
const INSERTION: u64 = (LENGTH / 16) as u64 * 13 + 4 * (LENGTH / 32) as u64 * 16;

#[test]
fn an_insertion_into_lying_memory_never_ends() {
    let name = Name::plain(b"a-name-of-forty-bytes-or-so-it-would-be").unwrap();
    let (mut most, mut found) = (0, 0);
    for seed in 0..SEEDS {
        let file = CounterFile::new(Hostile::new(&header(), LENGTH, seed), header());
        found += u32::from(file.slot(&name).is_ok());
        let _ = file.table().lookup(&name);
        most = most.max(file.store().operations());
    }
    println!("{SEEDS} files: {most} operations at most, {found} insertions came through");
    assert!(most <= INSERTION, "{most} operations, {INSERTION} are allowed");
    assert!(found > 0 && u64::from(found) < SEEDS, "the memory lies too much or too little");
}

#[test]
fn reading_lying_memory_never_ends() {
    let (mut most, mut items) = (0, 0);
    for seed in 0..SEEDS / 20 {
        let words = Hostile::new(&header(), LENGTH, seed);
        let mut marks = vec![0; marks_needed(words.length())];
        let mut reader = Reader::open(&words, &mut marks).unwrap().unwrap();
        while reader.next().is_some() {
            items += 1;
        }
        most = most.max(words.operations());
    }
    println!("{} files: {most} operations at most, {items} counters and faults", SEEDS / 20);
    // Each record is read once along the chains (two words, up to 4096 bytes of name hashed twice) and
    // each unit is looked at once more.
    let bound = u64::from(LENGTH / 32) * 64 + 512 * 8 + 1_000;
    assert!(most <= bound, "{most} operations, {bound} are expected at most");
    assert!(items > 0);
}
