//! Faults in the ring. Those that change an order of steps are for the simulator, those that change a
//! number for the core's unit tests of the ring.
//!
//! Changes that are left out because nobody could tell them from the original:
//! * a reader that goes to sleep without a fence, without a last look, or looks before it says that it
//!   sleeps: its first sleep is a short one, and it looks again after that;
//! * an end that does not look for losses of handlers: who leaves a write has done so;
//! * a loss that does not mark the index because losses wait already: the mark is there then;
//! * a loss that marks the index when it is counted, not before: who is killed in between leaves a loss that
//!   is told of later, and a reader may always look later.
//!
//! Not to be found here: a handler between a load and a store of `Nested`. The simulator's handlers come
//! before operations on the ring's memory only, and `ring_signal` interrupts anywhere.

use super::Mutant;

const WRITER: &str = "core/src/ring/writer.rs";
const READER: &str = "core/src/ring/reader.rs";
const TALLY: &str = "core/src/ring/tally.rs";
const LOSS: &str = "core/src/ring/loss.rs";
const SLEEPING: &str = "core/src/ring/sleeping.rs";
const LOSING: &str = "core/src/ring/losing.rs";
const DONE: &str = "core/src/ring/done.rs";
const HALVES: &str = "core/src/ring/halves.rs";
const NESTED: &str = "core/src/ring/nested.rs";
const PLACE: &str = "core/src/ring/place.rs";
const INDEX: &str = "core/src/ring/index.rs";

pub(super) const OF_THE_SIMULATOR: &[Mutant] = &[
    Mutant {
        name: "the index is stored before the event",
        file: WRITER,
        old: "        let skip = capacity.skip(place, want);
",
        new: "        let skip = capacity.skip(place, want);
        let early = written.add_counts_and_clear_flags(skip + want, 1);
        self.memory.store64(Word64::Written, early.bits(), Ordering::Release);
",
    },
    Mutant {
        name: "the index is stored before the tag",
        file: WRITER,
        old: "        self.memory.store_tag(capacity.tag_place(written), tag);
        let written = written.add_counts_and_clear_flags(skip + want, 1);
",
        new: "        let tag_place = capacity.tag_place(written);
        let written = written.add_counts_and_clear_flags(skip + want, 1);
        self.memory.store64(Word64::Written, written.bits(), Ordering::Release);
        self.memory.store_tag(tag_place, tag);
",
    },
    Mutant {
        name: "nobody looks whether the reader sleeps",
        file: WRITER,
        old: "if written.words_since(self.due.get()) >= 0 || written.events_since(self.due.get()) >= 0 {",
        new: "if false {",
    },
    Mutant {
        name: "who has looked for a sleeper does so again too late",
        file: WRITER,
        old: "let from = if has_reached { written } else { read };",
        new: "let from = written;",
    },
    Mutant {
        name: "there is no fence before the look at the sleeper",
        file: WRITER,
        old: "        self.memory.fence(Ordering::SeqCst);
        self.load_read();",
        new: "        self.load_read();",
    },
    Mutant {
        name: "there is no fence between a loss and the look at the sleeper",
        file: WRITER,
        old: "        self.memory.fence(Ordering::SeqCst);
        self.wake_sleeper();",
        new: "        self.wake_sleeper();",
    },
    Mutant {
        name: "a reader is woken before it is said to be awake",
        file: WRITER,
        old: "        self.memory.store32(Word32::Sleeping, 0, Ordering::Release);
        self.port.wake(self.memory.sleeper());
    }",
        new: "        self.port.wake(self.memory.sleeper());
        self.memory.store32(Word32::Sleeping, 0, Ordering::Release);
    }",
    },
    Mutant {
        name: "a reader whose waker was killed is left asleep",
        file: WRITER,
        old: "        port.wake(memory.sleeper());
",
        new: "",
    },
    Mutant {
        name: "the end is stored after the reader is woken",
        file: WRITER,
        old: "        self.memory.store32(Word32::EndOfStream, 1, Ordering::Release);
        self.mark_extra();
        self.wakeup_extra();",
        new: "        self.mark_extra();
        self.wakeup_extra();
        self.memory.store32(Word32::EndOfStream, 1, Ordering::Release);",
    },
    Mutant {
        name: "later losses of a run wake nobody",
        file: LOSING,
        old: "            self.wakeup_extra();
        } else {
            self.wake_sleeper();
        }
",
        new: "            self.wakeup_extra();
        }
",
    },
    Mutant {
        name: "one more refused event wakes nobody",
        file: LOSING,
        old: "            self.tally.add(&self.memory, Reason::Full, 1, time, weight);
            self.wake_sleeper();",
        new: "            self.tally.add(&self.memory, Reason::Full, 1, time, weight);",
    },
    Mutant {
        name: "losses have no room for the event that tells of them",
        file: WRITER,
        old: "if !capacity.can_write_two_records(self.read.get(), self.written.get(), length, want) {",
        new: "if !capacity.can_write_record(self.read.get(), self.written.get(), length) {",
    },
    Mutant {
        name: "a new writer takes the losses for told",
        file: WRITER,
        old: "told: Cell::new(told),",
        new: "told: Cell::new(tally.lost()),",
    },
    Mutant {
        name: "losses of handlers are left for later",
        file: WRITER,
        old: "        if self.nested.has_any() {
            self.gather_nested(time);
        }
        outcome",
        new: "        outcome",
    },
    Mutant {
        name: "losses on top of the count of losses are left for later",
        file: LOSING,
        old: "            if !self.nested.has_any() {
                return;
            }",
        new: "            return;",
    },
    Mutant {
        name: "there is no mark where the array ends early",
        file: WRITER,
        old: "            self.memory.store_rewind(place);
",
        new: "",
    },
    Mutant {
        name: "losses are published without the turn",
        file: TALLY,
        old: "        memory.store32(Word32::LossTurn, turn, Ordering::Release);
",
        new: "",
    },
    Mutant {
        name: "the turn is stored before the losses",
        file: TALLY,
        old: "        let copy = (turn & 1) as u8;
",
        new: "        let copy = (turn & 1) as u8;
        memory.store32(Word32::LossTurn, turn, Ordering::Release);
",
    },
    Mutant {
        name: "a new writer counts losses from 0",
        file: TALLY,
        old: "let sums = snapshot(memory).unwrap_or_default();",
        new: "let sums = Sums::default();",
    },
    Mutant {
        name: "a new writer begins with the first turn",
        file: TALLY,
        old: "turn: Cell::new(memory.load32(Word32::LossTurn, Ordering::Acquire)),",
        new: "turn: Cell::new(0),",
    },
    Mutant {
        name: "losses are read without a second look at the turn",
        file: LOSS,
        old: "if again == turn {",
        new: "if true {",
    },
    Mutant {
        name: "a handler writes in the middle of a write",
        file: NESTED,
        old: "if self.is_busy.load(Ordering::Relaxed) {",
        new: "if false {",
    },
    Mutant {
        name: "an event may lie on words that are not free",
        file: PLACE,
        old: "free >= (self.skip(self.data_place(written), want) + want) as i32",
        new: "free >= want as i32",
    },
    Mutant {
        name: "the count of events is not cut to its bits",
        file: INDEX,
        old: "(x.wrapping_sub(y) << 2) as i32 >> 2",
        new: "x.wrapping_sub(y) as i32",
    },
    Mutant {
        name: "the index is read before the losses, as Go does",
        file: READER,
        old: "                let sums = snapshot(&self.memory);
                written = self.load_written();
",
        new: "                let sums = snapshot(&self.memory);
",
    },
    Mutant {
        name: "the index is read before the end, as Go does",
        file: READER,
        old: "                let is_end = self.load_end();
                let sums = snapshot(&self.memory);
                written = self.load_written();
",
        new: "                let sums = snapshot(&self.memory);
                written = self.load_written();
                let is_end = self.load_end();
",
    },
    Mutant {
        name: "the end comes before the losses",
        file: READER,
        old: "return Ok(match sums.and_then(|sums|",
        new: "return Ok(match sums.filter(|_| !is_end).and_then(|sums|",
    },
    Mutant {
        name: "a reader forgets what it has told of",
        file: READER,
        old: "        self.told = sums;
        self.done",
        new: "        self.done",
    },
    Mutant {
        name: "a reader takes the mark off the index",
        file: READER,
        old: "        self.told = sums;
        self.done",
        new: "        self.told = sums;
        let index = self.load_written().add_counts_and_clear_flags(0, 0);
        self.memory.store64(Word64::Written, index.bits(), Ordering::Relaxed);
        self.done",
    },
    Mutant {
        name: "a loss that was told of is told of again",
        file: READER,
        old: "let is_told = sums.since(&self.told).is_none();",
        new: "let is_told = false;",
    },
    Mutant {
        name: "events are given back while they are given out",
        file: READER,
        old: "        Ok((extent, items))
",
        new: "        self.release();
        Ok((extent, items))
",
    },
    Mutant {
        name: "a batch goes past the last tag",
        file: READER,
        old: "let events = events.min(capacity.tags - tag_place);",
        new: "let _ = capacity.tags;",
    },
    Mutant {
        name: "what the reader is done with is put into the copy that is current",
        file: DONE,
        old: "        let turn = self.turn.wrapping_add(1);
        if",
        new: "        let turn = self.turn;
        if",
    },
    Mutant {
        name: "what the reader is done with is published before it is there",
        file: DONE,
        old: "        let turn = self.turn.wrapping_add(1);
        if",
        new: "        let turn = self.turn.wrapping_add(1);
        memory.store32(Word32::DoneTurn, turn, Ordering::Release);
        if",
    },
    Mutant {
        name: "the writer is told what was given back before the next reader",
        file: READER,
        old: "            self.done.publish(&self.memory, self.next, &self.told);
",
        new: "            self.memory.store64(Word64::Read, self.next.bits(), Ordering::Release);
            self.done.publish(&self.memory, self.next, &self.told);
",
    },
    Mutant {
        name: "a loss told of at the end is gone with the reader",
        file: DONE,
        old: "pending: (is_later && staged.lost == taken).then_some(staged),",
        new: "pending: (is_later && staged.lost == taken).then_some(staged).filter(|_| false),",
    },
    Mutant {
        name: "half a store is taken for a whole one",
        file: HALVES,
        old: "if words.load(Half::High, Ordering::Acquire) != next_high {",
        new: "if words.load(Half::High, Ordering::Acquire) != next_high && next_high == 0 {",
    },
    Mutant {
        name: "the high half is stored before the low one",
        file: HALVES,
        old: "    words.store(Half::Low, value as u32, order);
    words.store(Half::High, (value >> 32) as u32, order);
",
        new: "    words.store(Half::High, (value >> 32) as u32, order);
    words.store(Half::Low, value as u32, order);
",
    },
    Mutant {
        name: "the low half is loaded before the high one",
        file: HALVES,
        old: "    let high = words.load(Half::High, order);
    u64::from(high) << 32 | u64::from(words.load(Half::Low, order))
",
        new: "    let low = words.load(Half::Low, order);
    u64::from(words.load(Half::High, order)) << 32 | u64::from(low)
",
    },
    Mutant {
        name: "a writer says that it has told of losses before it does",
        file: WRITER,
        old: "        self.put(event.tag, ",
        new: "        self.memory.store32(Word32::WrittenLost, sums.lost, Ordering::Release);
        self.put(event.tag, ",
    },
    Mutant {
        name: "there is no short sleep before the long one",
        file: SLEEPING,
        old: "let mut unsettled = SETTLE;",
        new: "let mut unsettled = Duration::ZERO;",
    },
];

pub(super) const OF_THE_TESTS: &[Mutant] = &[
    Mutant {
        name: "an event too large is called one too many",
        file: WRITER,
        old: "if is_too_large { Reason::TooLarge } else { Reason::Full }",
        new: "let _ = is_too_large;
        Reason::Full",
    },
    Mutant {
        name: "an event with no room in an empty ring is called one too many",
        file: WRITER,
        old: "        let is_too_large = want > self.memory.capacity().data
            || is_empty",
        new: "        let is_too_large = want > self.memory.capacity().data
            || false && is_empty",
    },
    Mutant {
        name: "what was refused once is refused later",
        file: WRITER,
        old: "        self.refused.set(usize::MAX);
        self.load_read();",
        new: "        self.load_read();",
    },
    Mutant {
        name: "a writer does not look at what was given back",
        file: WRITER,
        old: "        self.load_read();
        let (read, written) = (self.read.get(), self.written.get());
        if self.memory.capacity()",
        new: "        let (read, written) = (self.read.get(), self.written.get());
        if self.memory.capacity()",
    },
    Mutant {
        name: "a header too long is cut",
        file: WRITER,
        old: "if stack.len() > LIMIT as usize || header.len() > capacity.header as usize {",
        new: "if stack.len() > LIMIT as usize {",
    },
    Mutant {
        name: "two events get the words of one piece",
        file: PLACE,
        old: "        if !self.can_write_record(read, written, first) {
            return false;
        }",
        new: "        if self.can_write_record(read, written, first + second) {
            return true;
        }",
    },
    Mutant {
        name: "words are given up where an event just fits",
        file: PLACE,
        old: "if place + want > self.data {",
        new: "if place + want >= self.data {",
    },
    Mutant {
        name: "a full tag ring takes one more",
        file: PLACE,
        old: "written.events_since(read) >= self.tags as i32",
        new: "written.events_since(read) > self.tags as i32",
    },
    Mutant {
        name: "a run of losses has the first time of the one before",
        file: TALLY,
        old: "        self.first_time.set(time);
        self.stale.set(2);",
        new: "        self.first_time.set(time);
        self.stale.set(1);",
    },
    Mutant {
        name: "events too large are seen in every second publication",
        file: TALLY,
        old: "                self.stale.set(2);
            }
            Reason::Nested",
        new: "                self.stale.set(1);
            }
            Reason::Nested",
    },
    Mutant {
        name: "a new writer believes both copies of the losses",
        file: TALLY,
        old: "stale: Cell::new(2),",
        new: "stale: Cell::new(0),",
    },
    Mutant {
        name: "a new reader tells again of the losses",
        file: DONE,
        old: "            told,
            pending",
        new: "            told: Sums::default(),
            pending",
    },
    Mutant {
        name: "a new reader does not tell the writer what was given back",
        file: READER,
        old: "        memory.store64(Word64::Read, read.bits(), Ordering::Release);
        let wake",
        new: "        let wake",
    },
    Mutant {
        name: "losses told of are in every second copy",
        file: DONE,
        old: "        if self.lacks(told) {
            self.stale = 2;
        }",
        new: "        if self.lacks(told) {
            self.stale = 1;
        }",
    },
    Mutant {
        name: "a new reader believes both copies of what was told",
        file: DONE,
        old: "done: Done { turn, stale: 2,",
        new: "done: Done { turn, stale: 0,",
    },
    Mutant {
        name: "the ends of damaged memory go on from two places",
        file: "core/src/ring/mod.rs",
        old: "        reader.agree(written);
",
        new: "",
    },
    Mutant {
        name: "what the reader has told of is forgotten 2^32 losses later",
        file: LOSING,
        old: "            self.told.set(taken);
",
        new: "",
    },
    Mutant {
        name: "losses that a dead reader told of are older if they are many",
        file: DONE,
        old: "behind(&staged, &newest) < behind(&told, &newest)",
        new: "(staged.lost.wrapping_sub(told.lost) as i32) > 0 * newest.lost as i32",
    },
    Mutant {
        name: "the writer believes any index of the reader",
        file: WRITER,
        old: "if self.memory.capacity().holds(read, self.written.get()) {",
        new: "if true {",
    },
    Mutant {
        name: "events before damage are thrown away",
        file: READER,
        old: "                if extent.events > 0 {
",
        new: "                if false {
",
    },
    Mutant {
        name: "a writer forgets what it has told of",
        file: WRITER,
        old: "        self.told.set(sums.lost);
",
        new: "",
    },
    Mutant {
        name: "a reader says nothing of what it has told",
        file: DONE,
        old: "        memory.store32(Word32::TakenLost, told.lost, Ordering::Release);
",
        new: "",
    },
];
