//! Goal: no damage of one place costs a counter that it does not touch, makes one up, or ends in a
//! panic (T15).
//! Method: a file of 40 counters is cut at every length, each bit of its first 4 KiB is turned, and each
//! of its words is replaced by 12 values; every file is read, and written to. An unoptimised build takes
//! every 9th file.

use std::collections::HashMap;
use std::ops::Range;

use tallymark::{Contents, StoredCounter};
use tallymark_core::format::layout::record_size;
use tallymark_core::{CounterFile, Name};
use tallymark_tests::damage::image::{Image, header, layout, memory};

const STRIDE: usize = if cfg!(debug_assertions) { 9 } else { 1 };

/// A healthy file and what each of its counters depends on.
struct Subject {
    image: Image,
    counters: Vec<StoredCounter>,
    /// For each counter the words that lead to it: its bucket, and the records before it.
    paths: HashMap<u32, Vec<Range<u32>>>,
}

impl Subject {
    fn new() -> Self {
        let names: Vec<String> =
            (0..40).map(|i| format!("counter-{}", "x".repeat(i % 3 * 20) + &i.to_string())).collect();
        let counters: Vec<(&[u8], u64)> =
            names.iter().zip(1..).map(|(name, n)| (name.as_bytes(), n)).collect();
        // Two more in the chain of another, so that chains are longer than one.
        let image =
            Image::healthy(&[&counters[..], &[(b"gophers", 41), (b"n988", 42), (b"n1426", 43)]].concat());
        let counters = Contents::parse(&image.bytes).unwrap().counters;
        assert_eq!(counters.len(), 43);
        let mut paths = HashMap::new();
        for bucket in 0..512 {
            let head = layout().bucket_at(bucket);
            let mut path: Vec<Range<u32>> = std::iter::once(head..head + 4).collect();
            let mut at = image.word(layout().bucket_at(bucket));
            while at != 0 {
                paths.insert(at, path.clone());
                path.push(record(&image, at));
                at = image.word(at + 12);
            }
        }
        Subject { image, counters, paths }
    }

    /// Reads and writes a file that differs in one range of bytes.
    fn examine(&self, damaged: &Image, range: Range<u32>) {
        let context = || format!("damage at {range:#x?}");
        let touches = |other: &Range<u32>| range.start < other.end && other.start < range.end;
        let Ok(contents) = Contents::parse(&damaged.bytes) else {
            assert!(range.start < 32 || damaged.bytes.len() < 544, "{}: unreadable", context());
            return;
        };
        assert!(contents.counters.len() + contents.orphans.len() <= damaged.bytes.len() / 32);
        if touches(&(28..32)) {
            return; // Another header length moves everything.
        }
        let intact: Vec<&StoredCounter> =
            self.counters.iter().filter(|c| !touches(&record(&self.image, c.offset))).collect();
        for counter in &intact {
            let reached = !self.paths[&counter.offset].iter().any(touches);
            let is_linked = contents.counters.contains(counter);
            assert!(is_linked || !reached, "{}: {counter:?} is not read", context());
            assert!(is_linked || contents.orphans.contains(counter), "{}: {counter:?} is lost", context());
        }
        for counter in &contents.counters {
            let known = self.counters.contains(counter);
            assert!(
                known || touches(&(counter.offset..counter.offset + 80)),
                "{}: {counter:?} is made up",
                context()
            );
        }
        self.write(damaged, &intact, &context);
    }

    /// Insertions end, and leave intact counters as they are.
    fn write(&self, damaged: &Image, intact: &[&StoredCounter], context: &dyn Fn() -> String) {
        let region = memory();
        let Ok(file) = CounterFile::attach(damaged.lay(&region), &header()) else { return };
        for name in ["n1667", "counter-new", "counter-0"] {
            if let Ok(slot) = file.slot(&Name::plain(name.as_bytes()).unwrap()) {
                file.add(slot, 0).unwrap();
            }
        }
        let after = Contents::parse(&Image::of(&region, damaged.bytes.len()).bytes).unwrap();
        for counter in intact {
            let found = after.counters.iter().chain(&after.orphans).any(|found| found == *counter);
            assert!(found, "{}: writing changed {counter:?}", context());
        }
    }
}

fn record(image: &Image, offset: u32) -> Range<u32> {
    offset..offset + record_size(image.word(offset + 8))
}

#[test]
fn a_cut_costs_a_counter_before_it() {
    let subject = Subject::new();
    for length in (0..subject.image.bytes.len()).step_by(STRIDE) {
        let mut damaged = subject.image.clone();
        damaged.bytes.truncate(length);
        subject.examine(&damaged, length as u32..u32::MAX);
    }
}

#[test]
fn a_bit_costs_a_counter_elsewhere() {
    let subject = Subject::new();
    for bit in (0..4096 * 8).step_by(STRIDE) {
        let mut damaged = subject.image.clone();
        damaged.bytes[bit / 8] ^= 1 << (bit % 8);
        subject.examine(&damaged, bit as u32 / 8..bit as u32 / 8 + 1);
    }
}

#[test]
fn a_word_costs_a_counter_elsewhere() {
    let subject = Subject::new();
    let limit = subject.image.word(layout().limit_at());
    for offset in (0..16384).step_by(4 * STRIDE) {
        let old = subject.image.word(offset);
        let neighbours = [offset.wrapping_sub(32) & !31, offset & !31, (offset + 32) & !31];
        let others = [0, 1, u32::MAX, 1 << 31, limit, limit - 32, 16384, old ^ 32, 0xff00_0001];
        for value in neighbours.into_iter().chain(others) {
            let mut damaged = subject.image.clone();
            damaged.set(offset, value);
            if value != old {
                subject.examine(&damaged, offset..offset + 4);
            }
        }
    }
}
