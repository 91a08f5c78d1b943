//! Goal: whichever end is killed at whichever store, again and again, each event is given once, or told of
//! as lost once, in order; and what was given and not given back is given again, in front.
//! Method: random scripts over memory that takes so many stores of an end and no more, in both layouts. The
//! weight of event `n` is `1 << n`: a loss says by its weight which events it is of.

use core::cell::{Cell, RefCell};
use core::mem::take;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::*;
use crate::ring::halves::{self, Half, HalfWords};
use crate::ring::memory::{Record, Stack, Word32, Word64};
use proptest::prelude::*;

/// What the ends share. Words by their offset, in halves of 4 bytes.
#[derive(Default)]
struct Shelf {
    words: RefCell<BTreeMap<usize, u64>>,
    data: RefCell<Vec<u64>>,
    tags: RefCell<Vec<u64>>,
}

/// The memory of an end that is killed after so many stores: the others do nothing.
struct Mortal {
    shelf: Rc<Shelf>,
    stores_left: Cell<u32>,
    has_halves: bool,
    capacity: Capacity,
}

impl Mortal {
    fn is_dead(&self) -> bool {
        self.stores_left.get() == 0
    }

    fn store(&self, store: impl FnOnce(&Shelf)) {
        if let Some(left) = self.stores_left.get().checked_sub(1) {
            self.stores_left.set(left);
            store(&self.shelf);
        }
    }

    fn load_at(&self, at: usize) -> u64 {
        self.shelf.words.borrow().get(&at).copied().unwrap_or(0)
    }

    fn store_at(&self, at: usize, value: u64) {
        self.store(|shelf| {
            shelf.words.borrow_mut().insert(at, value);
        });
    }
}

/// A word as halves.
struct Halved<'m>(&'m Mortal, Word64);

impl Halved<'_> {
    fn at(&self, half: Half) -> usize {
        2 * crate::ring::layout::at64(self.1) + half as usize
    }
}

impl HalfWords for Halved<'_> {
    fn load(&self, half: Half, _: Ordering) -> u32 {
        self.0.load_at(self.at(half)) as u32
    }

    fn store(&self, half: Half, value: u32, _: Ordering) {
        self.0.store_at(self.at(half), value.into());
    }
}

impl Memory for Mortal {
    type Sleeper = ();

    fn sleeper(&self) -> &() {
        &()
    }

    fn capacity(&self) -> Capacity {
        self.capacity
    }

    fn load32(&self, word: Word32, _: Ordering) -> u32 {
        self.load_at(crate::ring::layout::at32(word)) as u32
    }

    fn store32(&self, word: Word32, value: u32, _: Ordering) {
        self.store_at(crate::ring::layout::at32(word), value.into());
    }

    fn load64(&self, word: Word64, order: Ordering) -> u64 {
        if self.has_halves {
            halves::load(&Halved(self, word), order)
        } else {
            self.load_at(2 * crate::ring::layout::at64(word))
        }
    }

    fn store64(&self, word: Word64, value: u64, order: Ordering) {
        match word {
            Word64::Written if self.has_halves => halves::store_next(&Halved(self, word), value, order),
            _ if self.has_halves => halves::store(&Halved(self, word), value, order),
            _ => self.store_at(2 * crate::ring::layout::at64(word), value),
        }
    }

    fn recover_written(&self) -> u64 {
        if self.has_halves {
            halves::recover(&Halved(self, Word64::Written))
        } else {
            self.load64(Word64::Written, Ordering::Acquire)
        }
    }

    fn fence(&self, _: Ordering) {}

    fn load_word(&self, place: u32) -> u64 {
        self.shelf.data.borrow().get(place as usize).copied().unwrap_or(0)
    }

    fn store_record(&self, place: u32, record: &Record<'_>) {
        let mut words = std::vec![record.length, record.time];
        words.extend((0..self.capacity.header as usize).map(|n| record.header.get(n).copied().unwrap_or(0)));
        match record.stack {
            Stack::Frames(frames) => words.extend(frames.iter().map(|&frame| frame as u64)),
            Stack::Lost(counts) => words.push(counts),
        }
        for (at, word) in (place as usize..).zip(words) {
            self.store(|shelf| shelf.data.borrow_mut()[at] = word);
        }
    }

    fn store_rewind(&self, place: u32) {
        self.store(|shelf| shelf.data.borrow_mut()[place as usize] = 0);
    }

    fn load_tag(&self, place: u32) -> u64 {
        self.shelf.tags.borrow()[place as usize]
    }

    fn store_tag(&self, place: u32, tag: u64) {
        self.store(|shelf| shelf.tags.borrow_mut()[place as usize] = tag);
    }
}

/// What happens; an end that is attached lives for so many stores.
#[derive(Clone, Debug)]
enum Do {
    Write(usize),
    Read,
    Close,
    NewWriter(u32),
    NewReader(u32),
}

fn script() -> impl Strategy<Value = Vec<Do>> {
    let stores = || prop_oneof![1..8_u32, 1..120_u32];
    let step = prop_oneof![
        5 => (0..20_usize).prop_map(Do::Write),
        1 => Just(Do::Write(100)),
        4 => Just(Do::Read),
        1 => Just(Do::Close),
        2 => stores().prop_map(Do::NewWriter),
        2 => stores().prop_map(Do::NewReader),
    ];
    // Each event has a bit of a word.
    proptest::collection::vec(step, 1..64)
}

/// The ring, its ends, and what was given: items by the bits of their events.
struct Play {
    shelf: Rc<Shelf>,
    has_halves: bool,
    capacity: Capacity,
    writer: Writer<Mortal, Polling>,
    reader: Reader<Mortal, Polling>,
    /// Events tried, and those during which the writer was killed.
    tried: u64,
    perhaps: u64,
    /// Events that were too large.
    too_large: u64,
    /// Given and given back for certain; given last; may be given again.
    seen: u64,
    held: Vec<u64>,
    again: Vec<u64>,
}

impl Play {
    fn new(has_halves: bool, capacity: Capacity, start: Index) -> Play {
        let shelf = Rc::new(Shelf {
            words: RefCell::default(),
            data: RefCell::new(std::vec![3; capacity.data as usize]),
            tags: RefCell::new(std::vec![9; capacity.tags as usize]),
        });
        let memory = |stores| Mortal {
            shelf: Rc::clone(&shelf),
            stores_left: Cell::new(stores),
            has_halves,
            capacity,
        };
        crate::ring::inspect::begin(&memory(u32::MAX), start);
        let wake = Header::new(capacity).wake;
        // SAFETY: the only writer.
        let writer = unsafe { Writer::attach(memory(u32::MAX), Polling, wake) };
        // SAFETY: the only reader.
        let reader = unsafe { Reader::attach(memory(u32::MAX), Polling, wake) };
        let (held, again) = (Vec::new(), Vec::new());
        Play {
            shelf,
            has_halves,
            capacity,
            writer,
            reader,
            tried: 0,
            perhaps: 0,
            too_large: 0,
            seen: 0,
            held,
            again,
        }
    }

    fn memory(&self, stores: u32) -> Mortal {
        let (shelf, stores_left) = (Rc::clone(&self.shelf), Cell::new(stores));
        Mortal { shelf, stores_left, has_halves: self.has_halves, capacity: self.capacity }
    }

    /// Another writer, and another if that is killed when it attaches.
    fn new_writer(&mut self, stores: u32) {
        for stores in [stores, u32::MAX] {
            // What it does when it is dropped comes to nothing.
            self.writer.memory.stores_left.set(0);
            let wake = Header::new(self.capacity).wake;
            // SAFETY: the one before is killed.
            self.writer = unsafe { Writer::attach(self.memory(stores), Polling, wake) };
            if !self.writer.memory.is_dead() {
                return;
            }
        }
    }

    /// The same for the reader: what it held may come again, all of it or nothing.
    fn new_reader(&mut self, stores: u32) {
        let rest = take(&mut self.again);
        self.again = take(&mut self.held);
        self.again.extend(rest);
        for stores in [stores, u32::MAX] {
            let wake = Header::new(self.capacity).wake;
            // SAFETY: the one before is killed.
            self.reader = unsafe { Reader::attach(self.memory(stores), Polling, wake) };
            if !self.reader.memory.is_dead() {
                return;
            }
        }
    }

    fn write(&mut self, stack: usize) {
        let number = u64::from(self.tried.count_ones());
        let outcome = self.writer.write(number, number, &[1 << number], &[7; 100][..stack]);
        self.tried |= 1 << number;
        self.too_large |= u64::from(outcome == Err(Reason::TooLarge)) << number;
        if self.writer.memory.is_dead() {
            self.perhaps |= 1 << number;
            self.new_writer(u32::MAX);
        }
    }

    /// Reads, and holds what comes against what came before; true at the end of the stream.
    fn read(&mut self) -> Result<bool, TestCaseError> {
        let (mut items, mut is_end) = (Vec::new(), false);
        match self.reader.read() {
            Err(fault) => prop_assert!(false, "{fault}"),
            Ok(Read::Nothing) => {}
            Ok(Read::End) => is_end = true,
            Ok(Read::Events(batch)) => {
                for item in batch {
                    items.push(match item {
                        Item::Event(event) => {
                            let (number, weight) = (event.tag(), event.header_word(0));
                            prop_assert_eq!((event.time(), weight), (number, 1 << number), "mixed");
                            (weight, None)
                        }
                        Item::Loss(loss) => (loss.weight, Some(loss)),
                    });
                }
            }
        }
        if self.reader.memory.is_dead() {
            // What this gave nobody has got.
            self.new_reader(u32::MAX);
            return Ok(false);
        }
        self.held.clear();
        // What does not come was given back.
        let again = take(&mut self.again);
        let from = again.iter().position(|bits| items.first().is_some_and(|(first, _)| first == bits));
        let mut again = again.into_iter().skip(from.unwrap_or(usize::MAX));
        for (bits, loss) in items {
            self.held.push(bits);
            if let Some(expected) = again.next() {
                prop_assert_eq!(bits, expected, "not what was given before");
                continue;
            }
            prop_assert!(bits > self.seen, "{:b} after {:b}", bits, self.seen);
            prop_assert_eq!(bits & self.seen, 0, "twice");
            self.seen |= bits;
            match loss {
                None => prop_assert_eq!(bits.count_ones(), 1),
                Some(loss) => {
                    prop_assert_eq!(loss.count, bits.count_ones());
                    prop_assert_eq!(loss.too_large, (bits & self.too_large).count_ones());
                    prop_assert_eq!(loss.last_time, u64::from(bits.ilog2()));
                }
            }
        }
        // The rest comes with the next read.
        self.again = again.collect();
        Ok(is_end)
    }

    fn end(&mut self) -> Result<(), TestCaseError> {
        self.new_writer(u32::MAX);
        self.writer.end_stream();
        for _ in 0..200 {
            if self.read()? {
                prop_assert_eq!(self.seen | self.perhaps, self.tried, "missing");
                return Ok(());
            }
        }
        Err(TestCaseError::fail("no end"))
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 2 } else { 2048 }, ..crate::proptest_config() })]

    #[test]
    fn a_kill_loses_or_doubles_an_event_or_a_loss(
        has_halves: bool,
        data in 3..6_u32,
        tags in 0..4_u32,
        start in (0..60_u32, 0..12_u32),
        script in script(),
    ) {
        let capacity = Capacity::new(1, 1 << data, 1 << tags).unwrap();
        let start = Index::default()
            .add_counts_and_clear_flags(start.0.wrapping_sub(40), start.1.wrapping_sub(8) & 0x3fff_ffff);
        let mut play = Play::new(has_halves, capacity, start);
        for step in &script {
            match *step {
                Do::Write(stack) => play.write(stack),
                Do::Read => drop(play.read()?),
                Do::Close => play.writer.end_stream(),
                Do::NewWriter(stores) => play.new_writer(stores),
                Do::NewReader(stores) => play.new_reader(stores),
            }
        }
        play.end()?;
    }
}
