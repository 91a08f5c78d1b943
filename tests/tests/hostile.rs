//! Goal: no memory, whatever it answers and however often it changes its mind, makes a look-up, an
//! insertion or the reader panic, or go on for longer than its documented bound (P2, P4).
//! Method: memory that lies (`tallymark_tests::sim::hostile`), 10^5 seeds in a debug build and 10^6 in
//! a release build. It counts operations and panics at the first one past the bound.

use std::cell::Cell;

use tallymark_core::format::layout::{BUCKETS, NAME_MAX, PAGE, UNIT};
use tallymark_core::format::reader::marks_needed;
use tallymark_core::{CounterFile, FileError, Header, Layout, Name, Reader, Rule, Step, Table};
use tallymark_tests::sim::hostile::{Hostile, Manner};
use tallymark_tests::sim::reading::header;

const SEEDS: u64 = if cfg!(debug_assertions) { 100_000 } else { 1_000_000 };

/// How far a memory grows at most.
const PAGES: u32 = 4;

/// Words of a record's name and padding, at most: per unit one of 64 bits and six of 32.
fn pieces(name_length: u32) -> u64 {
    u64::from(name_length.div_ceil(UNIT) + 1) * 7
}

/// Records that one insertion may visit: twice the units of the memory.
fn visits(length: u32) -> u64 {
    u64::from(length / UNIT) * 2
}

/// Operations of one look-up: the bucket; and for each visit length, link and name.
fn bound_of_lookup(length: u32, name_length: u32) -> u64 {
    1 + visits(length) * (2 + pieces(name_length))
}

/// Operations of one insertion: a look-up with, for each visit, also a link set and an exchange; a try to
/// reserve for each unit, which looks at a place; the record written once and marked dead once.
fn bound_of_insertion(length: u32, capacity: u32, name_length: u32) -> u64 {
    let tries = u64::from(capacity / UNIT) + 2;
    bound_of_lookup(length, name_length) + 2 * visits(length) + 6 + (tries + 1) * (4 + pieces(name_length))
}

/// Operations of the reader: the header; for each bucket its head and one record that spoils the chain;
/// for each unit one record in a chain, read twice, and in the second pass the same again.
fn bound_of_reader(length: u32) -> u64 {
    let record = 4 + pieces(NAME_MAX);
    200 + u64::from(BUCKETS) * (1 + record) + u64::from(length / UNIT) * 2 * (2 * record + 8)
}

/// Lengths as they come: not much more than the buckets, whole pages, and at times almost 4 GiB.
fn length(header: &Header, seed: u64) -> u32 {
    let first = header.layout().first_record();
    match seed % 16 {
        0..=9 => first + (seed / 16 % 40) as u32 * UNIT,
        10..=12 => first + (seed / 16 % 3000) as u32 * 4,
        13 | 14 => PAGE * (1 + (seed / 16 % 2) as u32),
        _ => 0xffff_ffff - (seed / 16 % 3 * 16_384) as u32,
    }
}

fn name_bytes(seed: u64) -> Vec<u8> {
    let length = match seed / 7 % 64 {
        0 => 4096 - seed / 448 % 40,
        n => 1 + n % 40,
    };
    (0..length).map(|at| b'a' + ((seed + at) % 26) as u8).collect()
}

/// The largest share of its bound that any seed has used, in thousandths.
#[derive(Default)]
struct Share {
    largest: Cell<u64>,
    operations: Cell<u64>,
}

impl Share {
    fn note(&self, used: u64, bound: u64) {
        self.largest.set(self.largest.get().max(used * 1000 / bound));
        self.operations.set(self.operations.get().max(used));
    }

    fn print(&self, what: &str) {
        let (operations, largest) = (self.operations.get(), self.largest.get() as f64 / 10.0);
        println!("{what}: {SEEDS} seeds, at most {operations} operations, at most {largest} % of the bound");
    }
}

#[test]
fn a_look_up_panics_or_passes_its_bound() {
    let header = header();
    let (share, found) = (Share::default(), Cell::new(0));
    for seed in 0..SEEDS {
        let (bytes, length) = (name_bytes(seed), length(&header, seed));
        let bound = bound_of_lookup(length, bytes.len() as u32);
        let memory = Hostile::new(&header, &bytes, length, length, bound, seed);
        let table = Table::new(&memory, header.layout());
        if let Ok(Some(slot)) = table.lookup(&Name::new(&bytes).unwrap()) {
            assert_slot(slot.offset(), header.layout(), length);
            found.set(found.get() + 1);
        }
        share.note(memory.operations(), bound);
    }
    share.print("look-up");
    assert!(found.get() > SEEDS / 100, "only {} names were found: the lies are too crude", found.get());
}

#[test]
fn an_insertion_panics_or_passes_its_bound() {
    let header = header();
    let share = Share::default();
    // How often it ended by: found or made, growth wanted, new length wanted, fault.
    let mut ends = [0_u64; 4];
    for seed in 0..SEEDS {
        let (bytes, length) = (name_bytes(seed), length(&header, seed));
        let capacity = length.saturating_add(PAGES * PAGE);
        let bound = bound_of_insertion(length, capacity, bytes.len() as u32);
        let memory = Hostile::new(&header, &bytes, length, capacity, bound, seed);
        let table = Table::new(&memory, header.layout());
        ends[match table.new_counter(&Name::new(&bytes).unwrap()) {
            Ok(Step::Found(slot)) => {
                assert_slot(slot.offset(), header.layout(), capacity);
                0
            }
            Ok(Step::Grow { to }) => {
                assert!(to.is_multiple_of(PAGE) && to > length);
                1
            }
            Ok(Step::Remap { .. }) => 2,
            Err(_) => 3,
        }] += 1;
        share.note(memory.operations(), bound);
    }
    share.print("insertion");
    assert!(ends.iter().all(|&count| count > SEEDS / 1000), "the lies are too crude: {ends:?}");
}

#[test]
fn a_counter_file_panics_or_passes_its_bound() {
    let header = header();
    let (share, counted) = (Share::default(), Cell::new(0));
    for seed in 0..SEEDS {
        let (bytes, length) = (name_bytes(seed), length(&header, seed));
        let capacity = length.saturating_add(PAGES * PAGE);
        // Each further turn needs a memory that is longer by a page.
        let turns = u64::from(PAGES) + 2;
        let bound = turns * bound_of_insertion(capacity, capacity, bytes.len() as u32) + 1;
        let memory = Hostile::new(&header, &bytes, length, capacity, bound, seed);
        let file = CounterFile::new(memory, header.clone());
        match file.slot(&Name::new(&bytes).unwrap()) {
            Ok(slot) => {
                assert!(file.add(slot, 1).is_ok(), "a slot is outside the memory");
                counted.set(counted.get() + 1);
            }
            Err(FileError::Fault(_) | FileError::Store(_)) => {}
        }
        share.note(file.store().operations(), bound);
    }
    share.print("counter file");
    assert!(counted.get() > SEEDS / 100, "only {} counts landed: the lies are too crude", counted.get());
}

#[test]
fn the_reader_panics_or_passes_its_bound() {
    let header = header();
    let (share, mut seen) = (Share::default(), [0_u64; 3]);
    // A file of 4 GiB takes minutes.
    for seed in (0..SEEDS).filter(|seed| seed % 16 != 15) {
        let (bytes, length) = (name_bytes(seed), length(&header, seed));
        // Reading a memory of pages takes long in a debug build.
        let length = if cfg!(debug_assertions) && seed % 256 > 16 { length.min(3072) } else { length };
        let capacity = length + PAGE;
        let bound = bound_of_reader(capacity);
        let memory = Hostile::new(&header, &bytes, length, capacity, bound, seed);
        let mut marks = vec![0; marks_needed(capacity)];
        if let Ok(Ok(mut reader)) = Reader::open(&memory, &mut marks) {
            let mut items = 0;
            while let Some(item) = reader.next() {
                seen[match item {
                    tallymark_core::Item::Entry(_) => 0,
                    tallymark_core::Item::Orphan(_) => 1,
                    tallymark_core::Item::Fault(_) => 2,
                }] += 1;
                items += 1;
            }
            // Each unit is a record at most once, and each record and each bucket has one fault at most.
            assert!(items <= 16 + BUCKETS + 3 * (capacity / UNIT), "{items} items");
        }
        share.note(memory.operations(), bound);
    }
    share.print("reader");
    assert!(seen.iter().all(|&count| count > SEEDS / 100), "the lies are too crude: {seen:?}");
}

/// The bound is exact: memory that never ends a chain is left after just so many visits.
#[test]
fn an_endless_chain_is_followed_for_more_than_two_visits_a_unit() {
    let header = header();
    for length in [PAGE, 4 * PAGE] {
        let most = bound_of_insertion(length, length, 8);
        let memory = Hostile::new(&header, b"looked for", length, length, most, 1).with_manner(Manner::ENDLESS);
        let table = Table::new(&memory, header.layout());
        // Far links lead past the end where the name does not fit; such a visit ends the walk too.
        let end = (0..200).map(|_| {
            let before = memory.visits();
            let result = table.lookup(&Name::plain(b"looked for").unwrap());
            (memory.visits() - before, result.unwrap_err().rule)
        });
        let longest = end.filter(|(_, rule)| *rule == Rule::LinkOnce).map(|(visits, _)| visits).max();
        assert_eq!(longest, Some(visits(length)));
    }
}

#[test]
fn a_limit_that_keeps_rising_is_chased_for_more_than_one_try_a_unit() {
    let header = header();
    let tries = u64::from(PAGE / UNIT);
    let memory = Hostile::new(&header, b"a", PAGE, PAGE, 4 + tries, 1).with_manner(Manner::CROWDED);
    let step = Table::new(&memory, header.layout()).new_counter(&Name::plain(b"a").unwrap());
    assert!(matches!(step, Ok(Step::Grow { .. })), "{step:?}");
    let free = u64::from((PAGE - header.layout().first_record()) / UNIT);
    assert!(memory.operations() >= free, "only {} tries", memory.operations());
}

fn assert_slot(offset: u32, layout: Layout, length: u32) {
    assert!(offset.is_multiple_of(UNIT) && offset >= layout.first_record());
    assert!(offset.checked_add(UNIT).is_some_and(|end| end <= length), "a slot is outside the memory");
}
