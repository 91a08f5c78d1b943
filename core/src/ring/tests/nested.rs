//! A writer that is interrupted by itself: at each operation on the memory, and at all of them.

use core::cell::{Cell, RefCell};
use std::boxed::Box;
use std::rc::Rc;

use super::*;
use crate::ring::memory::{Record, Word32, Word64};

/// Memory of a writer whose operations a handler interrupts.
#[derive(Clone)]
struct Interrupted<'m, W: Width> {
    words: Rc<Words<'m, W>>,
    signal: Rc<Signal<'m>>,
}

/// When the handler comes, and what it does.
#[derive(Default)]
struct Signal<'m> {
    /// Operations since it was set.
    step: Cell<usize>,
    /// Before which it comes.
    due: Cell<(usize, usize)>,
    handler: RefCell<Option<Box<dyn Fn() + 'm>>>,
}

impl<'m, W: Width> Interrupted<'m, W> {
    fn operate(&self) -> &Words<'m, W> {
        let step = self.signal.step.replace(self.signal.step.get() + 1);
        let (from, to) = self.signal.due.get();
        if (from..to).contains(&step)
            && let Some(handler) = &*self.signal.handler.borrow()
        {
            handler();
        }
        &self.words
    }
}

impl<W: Width> Memory for Interrupted<'_, W> {
    type Sleeper = AtomicU32;

    fn sleeper(&self) -> &AtomicU32 {
        self.words.sleeper()
    }

    fn recover_written(&self) -> u64 {
        self.operate().recover_written()
    }

    fn capacity(&self) -> Capacity {
        self.words.capacity()
    }

    fn load32(&self, word: Word32, order: Ordering) -> u32 {
        self.operate().load32(word, order)
    }

    fn store32(&self, word: Word32, value: u32, order: Ordering) {
        self.operate().store32(word, value, order);
    }

    fn load64(&self, word: Word64, order: Ordering) -> u64 {
        self.operate().load64(word, order)
    }

    fn store64(&self, word: Word64, value: u64, order: Ordering) {
        self.operate().store64(word, value, order);
    }

    fn fence(&self, order: Ordering) {
        self.operate().fence(order);
    }

    fn load_word(&self, place: u32) -> u64 {
        self.operate().load_word(place)
    }

    fn store_record(&self, place: u32, record: &Record<'_>) {
        self.operate().store_record(place, record);
    }

    fn store_rewind(&self, place: u32) {
        self.operate().store_rewind(place);
    }

    fn load_tag(&self, place: u32) -> u64 {
        self.operate().load_tag(place)
    }

    fn store_tag(&self, place: u32, tag: u64) {
        self.operate().store_tag(place, tag);
    }
}

/// What went before, what was interrupted, and what it comes to.
struct Case {
    /// Lengths of stacks; `None`: all is read.
    before: &'static [Option<usize>],
    stack: usize,
    outcome: Result<(), Reason>,
}

const CASES: [Case; 6] = [
    Case { before: &[], stack: 2, outcome: Ok(()) },
    // Words at the end of the array are given up.
    Case { before: &[Some(7), None], stack: 5, outcome: Ok(()) },
    // Losses are told of before it.
    Case { before: &[Some(14)], stack: 2, outcome: Ok(()) },
    Case { before: &[], stack: 14, outcome: Err(Reason::TooLarge) },
    Case { before: &[Some(10)], stack: 4, outcome: Err(Reason::Full) },
    // Refused as the one before it.
    Case { before: &[Some(10), Some(4), Some(4)], stack: 4, outcome: Err(Reason::Full) },
];

/// What handlers write: weight and time, which is not told of.
const HANDLER: [u64; 2] = [1000, 77];

/// Runs a case in which the handler comes before these operations, and returns how often it came.
fn interrupt<W: Width>(case: &Case, due: (usize, usize)) -> u32 {
    let capacity = Capacity::new(1, 16, 8).unwrap();
    let mut words = memory(capacity);
    let (writer, mut reader) = ring::<W, _>(&mut words, capacity, Index::new(0, 0), Polling);
    let signal = Rc::new(Signal::default());
    let memory = Interrupted { words: Rc::new(writer.memory.other_end()), signal: Rc::clone(&signal) };
    core::mem::forget(writer);
    // SAFETY: the one before is gone.
    let writer = Rc::new(unsafe { Writer::<_, _>::attach(memory, Polling, Header::new(capacity).wake) });
    let frames = [3; 16];
    // What is found: events by their times, and the losses added up.
    let (mut found, mut lost) = (Vec::new(), Loss::default());
    let mut take = |reader: &mut Reader<Words<'_, W>, _>| {
        while let Read::Events(batch) = reader.read().unwrap() {
            for item in batch {
                match item {
                    Item::Event(event) => {
                        assert_eq!(event.header(), [event.time()]);
                        assert_eq!(event.tag(), event.time() << 32);
                        assert!(event.stack().iter().all(|&word| word == 3));
                        found.push((event.time(), event.stack().len()));
                    }
                    Item::Loss(loss) => {
                        lost.count += loss.count;
                        lost.too_large += loss.too_large;
                        lost.nested += loss.nested;
                        lost.weight += loss.weight;
                        lost.last_time = loss.last_time;
                    }
                }
            }
        }
    };
    let mut expected = Vec::new();
    let (mut time, mut weight, mut losses) = (0, 0, 0);
    let mut write = |stack: usize| {
        time += 1;
        let outcome = writer.write(time << 32, time, &[time], &frames[..stack]);
        match outcome {
            Ok(()) => expected.push((time, stack)),
            Err(_) => (losses, weight) = (losses + 1, weight + time),
        }
        outcome
    };
    for before in case.before {
        match *before {
            Some(stack) => drop(write(stack)),
            None => take(&mut reader),
        }
    }
    reader.release();
    let came = Rc::new(Cell::new(0));
    let (inner, counted) = (Rc::clone(&writer), Rc::clone(&came));
    *signal.handler.borrow_mut() = Some(Box::new(move || {
        counted.set(counted.get() + 1);
        let [weight, time] = HANDLER;
        assert_eq!(inner.write(0, time, &[weight], &[9; 3]), Err(Reason::Nested));
    }));
    signal.step.set(0);
    signal.due.set(due);
    assert_eq!(write(case.stack), case.outcome, "interrupted before {due:?}");
    // The handler holds a writer that holds the handler.
    signal.handler.take();
    drop(writer);
    let came = came.get();
    take(&mut reader);
    assert!(matches!(reader.read().unwrap(), Read::End));
    assert_eq!(found, expected, "interrupted before {due:?}");
    let weight = weight + u64::from(came) * HANDLER[0];
    assert_eq!((lost.count, lost.nested, lost.weight), (losses + came, came, weight), "{due:?}");
    assert!(came == 0 || lost.last_time == time, "the time is that of the event it interrupted");
    came
}

fn interrupt_everywhere<W: Width>() {
    // Miri is slow: each kind of outcome once.
    for case in CASES.iter().step_by(if cfg!(miri) { 2 } else { 1 }) {
        let steps = (0..).take_while(|&step| interrupt::<W>(case, (step, step + 1)) == 1).count();
        assert!(steps >= 4, "{steps} steps of a write with {} words", case.stack);
        for from in 0..if cfg!(miri) { 1 } else { steps } {
            assert!(interrupt::<W>(case, (from, steps)) as usize >= steps - from);
        }
        // More than one round in which what handlers lost is gathered.
        assert_eq!(interrupt::<W>(case, (0, 60)), 60);
    }
}

#[test]
fn a_write_on_top_of_a_write_breaks_it_or_is_not_counted() {
    #[cfg(target_has_atomic = "64")]
    interrupt_everywhere::<Whole>();
    interrupt_everywhere::<Halves>();
}

/// Goal: a write that nothing interrupts takes at most so many operations on the memory, an event's words
/// counted as one: the bound of docs/ring.md, but for one more if the reader gives back in between.
/// Method: all sequences of so many writes and reads on a small ring, the reader asleep at each operation.
#[test]
fn a_write_takes_more_operations_than_promised() {
    const BOUND: usize = 19;
    let deeds = [Some(0), Some(1), Some(5), Some(7), Some(14), None];
    let length = if cfg!(miri) { 2 } else { 7 };
    let mut most = 0;
    for sequence in 0..deeds.len().pow(length) {
        let capacity = Capacity::new(1, 16, 4).unwrap();
        let mut words = memory(capacity);
        let (writer, mut reader) = ring::<Native, _>(&mut words, capacity, Index::default(), Polling);
        let signal = Rc::new(Signal::default());
        let words = Rc::new(writer.memory.other_end());
        let memory = Interrupted { words: Rc::clone(&words), signal: Rc::clone(&signal) };
        core::mem::forget(writer);
        let wake = Threshold { data: 1, tags: 1 };
        // SAFETY: the one before is gone.
        let writer = unsafe { Writer::<_, _>::attach(memory, Polling, wake) };
        *signal.handler.borrow_mut() =
            Some(Box::new(move || words.store32(Word32::Sleeping, 1, Ordering::Relaxed)));
        signal.due.set((0, usize::MAX));
        for n in 0..length {
            let Some(stack) = deeds[sequence / deeds.len().pow(n) % deeds.len()] else {
                let _ = reader.read().unwrap();
                continue;
            };
            signal.step.set(0);
            let _ = writer.write(1, 2, &[3], &[4; 16][..stack]);
            most = most.max(signal.step.get());
        }
        signal.handler.take();
    }
    assert!(most <= BOUND, "{most} operations");
    assert!(cfg!(miri) || most == BOUND, "the bound is {most}, say so");
}
