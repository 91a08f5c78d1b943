//! What reader and writer make of a file, in one line.

use tallymark::Contents;
use tallymark_core::{CounterFile, FileError, Mapped, Name};

use super::image::{Image, header, memory};

/// What is read, and what an insertion comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Exit status of `tallymark verify`.
    pub exit: u8,
    /// Counters read and salvaged, and every fault by offset and rule.
    pub reader: String,
    /// What a new name of the bucket of `gophers` comes to, and one of another bucket.
    pub writer: String,
}

/// Judges a file.
///
/// # Panics
///
/// If the writer has changed a counter that was good.
#[must_use]
pub fn judge(image: &Image) -> Verdict {
    let (exit, reader) = match Contents::parse(&image.bytes) {
        Err(fault) => (2, format!("unreadable: {:#x} {}", fault.offset, fault.rule.name())),
        Ok(contents) => {
            let (read, salvaged) = (contents.counters.len(), contents.orphans.len());
            let mut said = format!("read {read}");
            if salvaged > 0 {
                said += &format!(", salvaged {salvaged}");
            }
            let mut faults = contents.faults.iter().map(|f| format!("{:#x} {}", f.offset, f.rule.name()));
            // A file where everything is wrong is cut after four.
            let first: Vec<String> = faults.by_ref().take(4).collect();
            let more = faults.count();
            said += if first.is_empty() { "" } else { ": " };
            said += &first.join(", ");
            if more > 0 {
                said += &format!(" and {more} more");
            }
            (u8::from(!contents.faults.is_empty()), said)
        }
    };
    Verdict { exit, reader, writer: write(image) }
}

/// Two insertions into the file; no good counter may change.
fn write(image: &Image) -> String {
    let region = memory();
    let memory = image.lay(&region);
    let good = Contents::parse(&image.bytes).map(|contents| contents.counters).unwrap_or_default();
    let file = match CounterFile::attach(memory, &header()) {
        Err(fault) => return format!("not opened: {}", fault.rule.name()),
        Ok(file) => file,
    };
    let said = [&b"n1697"[..], b"new"].map(|name| insert(&file, name));
    let after =
        Contents::parse(&Image::of(&region, image.bytes.len()).bytes).expect("the header is as it was");
    for counter in good {
        let found = after.counters.iter().chain(&after.orphans).find(|c| c.offset == counter.offset);
        // A name that stands twice is reported with both counts together.
        assert!(found.is_some_and(|found| found.name == counter.name), "{counter:?} is gone");
        assert_eq!(found.map(|found| found.value), Some(counter.value));
    }
    if said[0] == said[1] { said[0].clone() } else { said.join(", elsewhere ") }
}

fn insert(file: &CounterFile<Mapped<'_>>, name: &[u8]) -> String {
    let slot = match file.slot(&Name::new(name).expect("a good name")) {
        Ok(slot) => slot,
        Err(FileError::Fault(fault)) => return fault.rule.name().to_owned(),
        Err(FileError::Store(full)) => return format!("full at {}", full.need),
    };
    file.add(slot, 1).expect("a slot of this file");
    "counted".to_owned()
}
