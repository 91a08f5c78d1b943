//! The reader on a damaged file.

use std::collections::BTreeSet;

use arbitrary::Unstructured;
use tallymark::Contents;
use tallymark_core::format::layout::{BUCKETS, hash};

use super::plan::Subject;

/// Reads the file that the input describes.
///
/// # Panics
///
/// If reading takes too long, invents a record, or loses one of a healthy file.
pub fn reader(input: &[u8]) {
    let Ok(subject) = Subject::new(&mut Unstructured::new(input)) else { return };
    let Ok(contents) = Contents::parse(&subject.image.bytes) else {
        assert!(subject.counted.is_none(), "a healthy file is not read");
        return;
    };
    // Linear in the file: each unit is a counter once, and each link or bucket a fault once.
    let units = subject.image.bytes.len() / 32;
    assert!(contents.counters.len() + contents.orphans.len() <= units);
    assert!(contents.faults.len() <= 2 * units + 2 * BUCKETS as usize + 16);
    let offsets: BTreeSet<u32> = contents.counters.iter().map(|counter| counter.offset).collect();
    assert_eq!(offsets.len(), contents.counters.len(), "a record is read twice");
    for counter in contents.counters.iter().chain(&contents.orphans) {
        assert!((1..=4096).contains(&counter.name.len()));
        assert!(hash(&counter.name) < BUCKETS);
        let at = counter.offset as usize;
        assert_eq!(subject.image.bytes[at + 16..at + 16 + counter.name.len()], counter.name);
    }
    if let Some(mut counted) = subject.counted {
        let mut read: Vec<_> = contents.counters.into_iter().map(|c| (c.name, c.value)).collect();
        read.sort();
        counted.sort();
        assert_eq!(read, counted);
        assert_eq!((contents.faults, contents.orphans), (vec![], vec![]));
    }
}
