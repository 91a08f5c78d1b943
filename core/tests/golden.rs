//! The same operations leave the same bytes as Go, and the reader gives them back.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU32;
use std::thread;

use tallymark_core::format::reader::marks_needed;
use tallymark_core::{
    Bytes, CounterFile, Day, Header, Item, Leftovers, Mapped, Metadata, Name, ReadWords, Reader, Region,
    Rule, Table, Words, words::Ordering,
};

fn header() -> Header {
    let metadata = Metadata {
        time_begin: Day::from_civil(2026, 1, 5).unwrap(),
        time_end: Day::from_civil(2026, 1, 7).unwrap(),
        program: "example.com/cmd/tool",
        version: "v1.2.3",
        toolchain: "go1.27.3",
        os: "linux",
        arch: "amd64",
    };
    metadata.encode().unwrap()
}

fn bytes(words: &[AtomicU32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.load(Ordering::Relaxed).to_ne_bytes()).collect()
}

fn name(text: &str) -> Name<'_> {
    Name::plain(text.as_bytes()).unwrap()
}

type Counts = BTreeMap<String, u64>;

/// Counters, orphans, broken rules and leftovers of a file.
fn read<W: ReadWords>(words: W) -> (Counts, Counts, Vec<Rule>, Leftovers) {
    let mut marks = vec![0; marks_needed(words.length())];
    let mut reader = Reader::open(words, &mut marks).unwrap().unwrap();
    let (mut counts, mut orphans, mut rules) = (Counts::new(), Counts::new(), Vec::new());
    while let Some(item) = reader.next() {
        match item {
            Item::Entry(entry) => {
                let name = String::from_utf8(entry.name.to_vec()).unwrap();
                assert!(counts.insert(name, entry.value).is_none(), "a name came twice");
            }
            Item::Orphan(entry) => {
                orphans.insert(String::from_utf8_lossy(entry.name).into_owned(), entry.value);
            }
            Item::Fault(fault) => rules.push(fault.rule),
        }
    }
    let leftovers = reader.leftovers();
    (counts, orphans, rules, leftovers)
}

fn four_counters(region: &Region<4096>) -> CounterFile<Mapped<'_>> {
    let memory = Mapped::from_words(region.words()).unwrap();
    let file = CounterFile::format(memory, &header()).unwrap();
    for (text, n) in [("gophers", 1), ("n988", 2), ("n1426", 2), ("n1667", 2)] {
        let slot = file.slot(&name(text)).unwrap();
        assert_eq!(file.add(slot, n), Ok(0));
        assert_eq!(file.slot(&name(text)), Ok(slot));
    }
    file
}

#[test]
fn four_counters_of_one_bucket_read_back_in_both_byte_orders() {
    let region = Region::<4096>::new();
    four_counters(&region);
    let expected: Counts =
        [("gophers", 1), ("n988", 2), ("n1426", 2), ("n1667", 2)].map(|(n, v)| (n.to_owned(), v)).into();
    let gap = Leftovers::default();
    let native = bytes(region.words());
    assert_eq!(read(Bytes(&native)), (expected.clone(), Counts::new(), vec![], gap));
    assert_eq!(read(Mapped::from_words(region.words()).unwrap()).0, expected);

    // The same file from a machine of the other byte order: every integer reversed, names as they are.
    let mut foreign = native;
    let mut swap = |range: std::ops::Range<usize>| foreign[range].reverse();
    swap(28..32);
    (192..2244).step_by(4).for_each(|at| swap(at..at + 4));
    for record in (2272..2400).step_by(32) {
        swap(record..record + 8);
        swap(record + 8..record + 12);
        swap(record + 12..record + 16);
    }
    assert_eq!(read(Bytes(&foreign)), (expected, Counts::new(), vec![], gap));
}

#[test]
fn a_limit_that_went_back_never_overwrites_a_counter() {
    let region = Region::<4096>::new();
    let file = four_counters(&region);
    file.store().store32(192, 0, Ordering::Relaxed).unwrap();
    let slot = file.slot(&name("late")).unwrap();
    assert_eq!(slot.offset(), 2272 + 4 * 32);
    let (counts, ..) = read(Bytes(&bytes(region.words())));
    assert_eq!(counts.len(), 5);
    assert_eq!(counts["gophers"], 1);
}

#[test]
fn a_ring_ends_the_walk_and_the_rest_is_salvaged() {
    let region = Region::<4096>::new();
    let file = four_counters(&region);
    // n988 links to gophers; let gophers link back to n988.
    file.store().store32(2272 + 12, 2304, Ordering::Relaxed).unwrap();
    assert!(file.slot(&name("other bucket")).is_ok());
    let same_bucket = (0..).map(|i| format!("m{i}")).find(|n| name(n).bucket() == 304).unwrap();
    assert_eq!(file.table().lookup(&name(&same_bucket)).unwrap_err().rule, Rule::LinkOnce);
    let (counts, orphans, rules, _) = read(Bytes(&bytes(region.words())));
    assert_eq!((counts.len(), orphans.len(), rules), (5, 0, vec![Rule::LinkOnce]));
}

#[test]
fn a_broken_link_loses_no_counter() {
    let region = Region::<4096>::new();
    let file = four_counters(&region);
    file.store().store32(2368 + 12, 7, Ordering::Relaxed).unwrap();
    let (counts, orphans, rules, _) = read(Bytes(&bytes(region.words())));
    assert_eq!((counts.len(), orphans.len(), rules), (1, 3, vec![Rule::LinkAligned]));
    assert_eq!(orphans["n988"], 2);
}

#[test]
fn threads_agree_on_one_record_for_each_name() {
    let region = Region::<16384>::new();
    let memory = Mapped::from_words(region.words()).unwrap();
    let file = CounterFile::format(memory, &header()).unwrap();
    let names: Vec<String> = (0..if cfg!(miri) { 6 } else { 300 }).map(|i| format!("n{i}")).collect();
    thread::scope(|scope| {
        for start in 0..4 {
            let (file, names) = (&file, &names);
            scope.spawn(move || {
                for i in 0..names.len() {
                    let slot = file.slot(&name(&names[(i + start * 7) % names.len()])).unwrap();
                    file.add(slot, 1).unwrap();
                }
            });
        }
    });
    let (counts, orphans, rules, leftovers) = read(file.store());
    assert_eq!((counts.len(), orphans.len(), rules), (names.len(), 0, vec![]));
    assert!(counts.values().all(|&count| count == 4));
    assert_eq!(leftovers.unlinked, 0);
}

#[test]
fn a_full_memory_is_an_error_and_what_is_there_stays() {
    let region = Region::<4096>::new();
    let file = four_counters(&region);
    let long = "x".repeat(4000);
    let error = (0..5).find_map(|i| file.slot(&name(&format!("{long}{i}"))).err()).unwrap();
    assert_eq!(error.to_string(), "the memory is full: 32768 bytes are needed, it has 16384");
    assert_eq!(read(file.store()).2, []);
    let table = Table::new(file.store(), file.header().layout());
    assert!(table.lookup(&name("gophers")).unwrap().is_some());
}
