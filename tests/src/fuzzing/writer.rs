//! The writer on a damaged file.

use std::collections::HashMap;

use arbitrary::{Arbitrary, Unstructured};
use tallymark::Contents;
use tallymark_core::{CounterFile, FileError, Slot};

use super::plan::{Name, Subject};
use crate::damage::image::{Image, header, memory};

#[derive(Debug, Arbitrary)]
struct Count {
    name: Name,
    n: u64,
}

/// Counts into the file that the input describes.
///
/// # Panics
///
/// If a counter that was good before is changed by counting another, or a count does not land.
pub fn writer(input: &[u8]) {
    let mut input = Unstructured::new(input);
    let Ok(subject) = Subject::new(&mut input) else { return };
    let Ok(counts) = input.arbitrary::<Vec<Count>>() else { return };
    let Ok(before) = Contents::parse(&subject.image.bytes) else { return };
    let region = memory();
    let Ok(file) = CounterFile::attach(subject.image.lay(&region), &header()) else { return };
    let mut expected: HashMap<Slot, u64> = HashMap::new();
    for count in counts.iter().take(16) {
        let name = count.name.bytes();
        match file.slot(&tallymark_core::Name::new(&name).expect("1 to 4096 bytes")) {
            Ok(slot) => {
                let value = expected.entry(slot).or_insert_with(|| file.value(slot).expect("a slot"));
                *value = value.saturating_add(count.n);
                file.add(slot, count.n).expect("a slot of this file");
            }
            Err(FileError::Fault(_) | FileError::Store(_)) => {}
        }
    }
    let overlapping = before.faults.iter().any(|fault| fault.rule == tallymark_core::Rule::RecordApart);
    if overlapping {
        return; // Counts of records that overlap are in each other's names.
    }
    for (slot, value) in &expected {
        assert_eq!(file.value(*slot), Ok(*value), "a count did not land");
    }
    let after = Contents::parse(&Image::of(&region, subject.image.bytes.len()).bytes)
        .expect("the header is as it was");
    for counter in &before.counters {
        let found = after.counters.iter().chain(&after.orphans).find(|c| c.offset == counter.offset);
        if counter.value == 0 && found.is_none() {
            continue; // A chain that was cut by damage leaves nothing to salvage of a count of 0.
        }
        // A limit that went back into a name of zeros finds what looks like a place not in use: the one
        // way to lose a counter that is known. Names are text.
        if counter.name.windows(32).any(|part| part == [0; 32]) {
            continue;
        }
        let found = found.unwrap_or_else(|| panic!("{counter:?} is gone"));
        assert_eq!(found.name, counter.name);
        let is_ours = expected.keys().any(|slot| slot.offset() == counter.offset);
        assert!(is_ours || found.value == counter.value, "{counter:?} became {}", found.value);
    }
}
