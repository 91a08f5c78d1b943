//! The queue that a ring is compared with: what was written and lost, in order, until it is read.

use std::collections::VecDeque;

use tallymark_core::ring::{Capacity, Item, Lend, Loss, Memory, Read, Reason};

/// An event, or what became of some.
#[derive(Clone, Debug, PartialEq)]
enum Sent {
    Event {
        tag: u64,
        time: u64,
        header: Vec<u64>,
        stack: Vec<u64>,
    },
    Loss(Loss),
    /// A loss that was told of, and will be told of again.
    Again(Loss),
}

/// What an event to be written is made of; its time is its number.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    /// Its number.
    pub(super) time: u64,
    /// Header words.
    pub(super) header: Vec<u64>,
    /// Stack words.
    pub(super) stack: Vec<usize>,
}

impl Draft {
    /// The event of this number, with so many header and stack words.
    pub(super) fn new(time: u64, header: usize, stack: usize) -> Draft {
        let word = |n: u64| time << 8 | n;
        Draft {
            time,
            header: (0..header as u64).map(word).collect(),
            stack: (0..stack).map(|n| word(n as u64 ^ 0x80) as usize).collect(),
        }
    }

    /// Its tag, which is no other event's.
    pub(super) fn tag(&self) -> u64 {
        !self.time
    }
}

/// The books of a ring.
#[derive(Debug)]
pub(super) struct Book {
    capacity: Capacity,
    /// Written or lost, and not read.
    sent: VecDeque<Sent>,
    /// Read, and not given back.
    held: Vec<Sent>,
    /// How many were tried; how many were read, or told of as lost.
    tried: u64,
    found: u64,
    /// The writer has closed the ring.
    pub(super) is_closed: bool,
    /// An end has been attached to the ring: it may not know of a loss in it that it was told.
    pub(super) has_heirs: bool,
}

impl Book {
    pub(super) fn new(capacity: Capacity) -> Book {
        let (sent, held) = (VecDeque::new(), Vec::new());
        Book { capacity, sent, held, tried: 0, found: 0, is_closed: false, has_heirs: false }
    }

    /// Whether there is nothing to be read.
    pub(super) fn is_empty(&self) -> bool {
        self.sent.is_empty()
    }

    /// Whether losses wait that come behind all events.
    pub(super) fn has_loss(&self) -> bool {
        matches!(self.sent.back(), Some(Sent::Loss(_)))
    }

    /// What became of an event.
    pub(super) fn write(&mut self, draft: Draft, outcome: Result<(), Reason>) {
        self.tried += 1;
        let header_words = self.capacity.header_words() as usize;
        match outcome {
            Ok(()) => {
                assert!(draft.header.len() <= header_words, "a part of the header");
                let (tag, time) = (draft.tag(), draft.time);
                let mut header = draft.header;
                header.resize(header_words, 0);
                let stack = draft.stack.iter().map(|&frame| frame as u64).collect();
                self.sent.push_back(Sent::Event { tag, time, header, stack });
            }
            Err(reason) => {
                self.check(&draft, reason);
                self.lose(&draft, reason);
            }
        }
    }

    /// Whether there was that reason.
    fn check(&self, draft: &Draft, reason: Reason) {
        let [header, data] = [self.capacity.header_words(), self.capacity.data_words()].map(|n| n as usize);
        let want = 2 + header + draft.stack.len();
        let never_fits = draft.header.len() > header || want > data;
        let loss = if self.has_loss() || self.has_heirs { 3 + header } else { 0 };
        let is_event = |sent: &Sent| matches!(sent, Sent::Event { .. });
        let has_no_event = !self.held.iter().chain(&self.sent).any(is_event);
        // An event that tells of losses may be in the ring, if one was read.
        let is_empty = has_no_event && self.held.is_empty();
        let has_tags = loss == 0 || self.capacity.tags() > 1;
        match reason {
            Reason::TooLarge if never_fits => {}
            Reason::TooLarge => assert!(has_no_event && 2 * want > data, "not too large: {draft:?}"),
            Reason::Full => {
                let always_fits = is_empty && has_tags && 2 * (loss + want) <= data;
                assert!(!never_fits && !always_fits, "not full: {draft:?}");
            }
            other => panic!("{other} on top of nothing: {draft:?}"),
        }
    }

    /// A new run of losses, or one more of the last.
    fn lose(&mut self, draft: &Draft, reason: Reason) {
        let time = draft.time;
        if !self.has_loss() {
            self.sent.push_back(Sent::Loss(Loss { first_time: time, ..Loss::default() }));
        }
        if let Some(Sent::Loss(loss)) = self.sent.back_mut() {
            loss.count += 1;
            loss.too_large += u32::from(reason == Reason::TooLarge);
            loss.last_time = time;
            if self.capacity.header_words() > 0 {
                loss.weight = loss.weight.wrapping_add(draft.header.first().copied().unwrap_or(0));
            }
        }
    }

    /// The reader has given back what it held.
    pub(super) fn release(&mut self) {
        self.held.clear();
    }

    /// The reader is gone before it gave back what it held: the next is given that again.
    pub(super) fn hold_again(&mut self) {
        for sent in self.held.drain(..).rev() {
            self.found -= sent.events();
            self.sent.push_front(match sent {
                Sent::Loss(loss) => Sent::Again(loss),
                sent => sent,
            });
        }
    }

    /// What a read gave.
    pub(super) fn read<M: Lend>(&mut self, read: Read<'_, M, u64>) {
        self.release();
        match read {
            Read::Nothing => assert!(self.is_empty() && !self.is_closed, "still to come: {:?}", self.sent),
            Read::End => assert!(self.is_empty() && self.is_closed, "lost at the end: {:?}", self.sent),
            Read::Events(batch) => {
                for item in batch {
                    let item = sent(item);
                    let expected = self.sent.pop_front();
                    assert_eq!(Some(&item), self.forgive(&item, expected).as_ref(), "found, and expected");
                    self.found += item.events();
                    self.held.push(item);
                }
                assert!(!self.held.is_empty(), "a read of nothing");
            }
        }
    }

    /// What is expected, with the time of a first loss that an heir may take for a later part of a run.
    fn forgive(&self, item: &Sent, expected: Option<Sent>) -> Option<Sent> {
        match (item, expected) {
            (Sent::Loss(item), Some(Sent::Loss(expected)))
                if self.has_heirs && item.first_time <= expected.first_time =>
            {
                Some(Sent::Loss(Loss { first_time: item.first_time, ..expected }))
            }
            (_, Some(Sent::Again(loss))) => Some(Sent::Loss(loss)),
            (_, expected) => expected,
        }
    }

    /// What was written is what was read and lost.
    pub(super) fn check_sums(&self) {
        assert!(self.is_empty());
        assert_eq!(self.found, self.tried, "read or lost, and tried");
    }
}

impl Sent {
    fn events(&self) -> u64 {
        match self {
            Sent::Event { .. } => 1,
            Sent::Loss(loss) | Sent::Again(loss) => loss.count.into(),
        }
    }
}

fn sent<M: Lend + Memory>(item: Item<'_, M, u64>) -> Sent {
    match item {
        Item::Loss(loss) => Sent::Loss(loss),
        Item::Event(event) => {
            assert!(event.stack_words().eq(event.stack().iter().copied()));
            let (header, stack) = (event.header().to_vec(), event.stack().to_vec());
            Sent::Event { tag: event.tag(), time: event.time(), header, stack }
        }
    }
}
