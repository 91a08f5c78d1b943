//! The memory and the port that the two ends are given: each operation that the other end can tell is a
//! step. See [`replay`](crate::sim::replay) for the method.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use tallymark_core::ring::halves::{self, Half, HalfWords};
use tallymark_core::ring::memory::{Record, Stack, Word32, Word64};
use tallymark_core::ring::{Capacity, Index, Memory, Reader, Wait, Writer};
use tallymark_core::words::Ordering;

use super::world::{
    Control, DATA, END_OF_STREAM, Pending, READER, SLEEPING, TAGS, Thread, WRITER, WRITTEN, WRITTEN_HIGH,
    World,
};

pub(super) type SimWriter = Writer<Side, Side>;
pub(super) type SimReader = Reader<Side, Side>;

/// Stores that wait in a buffer at most.
const BUFFER: usize = 6;

/// An operation done: its result, and whether a handler wrote before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Done {
    pub(super) result: u64,
    pub(super) is_interrupted: bool,
}

/// Where the one step is played.
#[derive(Debug, Default)]
pub(super) struct Stage {
    pub(super) world: RefCell<World>,
    pub(super) history: RefCell<Vec<Done>>,
    used: Cell<usize>,
    performed: Cell<bool>,
    dreaming: Cell<bool>,
    waiting: Cell<bool>,
    /// The word that the step loaded, for people; `None`: it was a fence, a sleep or a wake.
    pub(super) loaded: Cell<Option<Control>>,
    /// All operations are done, without steps: for what comes before the first state.
    pub(super) is_free: Cell<bool>,
    /// A handler is to write before the step.
    pub(super) interrupts: Cell<bool>,
    /// `Written` and `Read` have halves.
    pub(super) has_halves: Cell<bool>,
    /// An end may be killed.
    pub(super) has_kills: Cell<bool>,
    /// A short sleep may be over at any time.
    pub(super) naps_are_too_short: Cell<bool>,
    /// The writer that the handler writes with.
    pub(super) writer: RefCell<Option<Rc<std::mem::ManuallyDrop<SimWriter>>>>,
}

impl Stage {
    /// Prepares for one step.
    pub(super) fn set(&self, world: World, history: Vec<Done>) {
        *self.world.borrow_mut() = world;
        *self.history.borrow_mut() = history;
        self.used.set(0);
        self.performed.set(false);
        self.dreaming.set(false);
        self.waiting.set(false);
        self.loaded.set(None);
    }

    pub(super) fn is_waiting(&self) -> bool {
        self.waiting.get()
    }

    pub(super) fn is_over(&self) -> bool {
        !self.dreaming.get()
    }

    fn recorded(&self) -> Option<u64> {
        let done = self.history.borrow().get(self.used.get()).copied()?;
        self.used.set(self.used.get() + 1);
        if done.is_interrupted {
            self.interrupt();
        }
        Some(done.result)
    }

    /// A handler writes on top of the writer's call.
    fn interrupt(&self) {
        let writer = self.writer.borrow().clone();
        if let Some(writer) = writer {
            let _ = writer.write(0, 0, &[], &[]);
        }
    }

    fn perform(&self, perform: impl FnOnce(&mut World) -> Option<u64>, dream: u64) -> u64 {
        let is_interrupted = self.interrupts.take();
        let result = perform(&mut self.world.borrow_mut());
        let Some(result) = result else {
            self.waiting.set(!self.performed.get());
            self.dreaming.set(true);
            return dream;
        };
        if self.is_free.get() {
            return result;
        }
        if is_interrupted {
            self.interrupt();
        }
        self.history.borrow_mut().push(Done { result, is_interrupted });
        self.used.set(self.used.get() + 1);
        self.performed.set(true);
        result
    }

    /// An operation that is a step; `None`: it has to wait.
    fn step(&self, perform: impl FnOnce(&mut World) -> Option<u64>, dream: u64) -> u64 {
        if let Some(result) = self.recorded() {
            return result;
        }
        if !self.is_free.get() && (self.dreaming.get() || self.performed.get()) {
            self.dreaming.set(true);
            return dream;
        }
        self.perform(perform, dream)
    }

    /// An operation that the other end cannot tell from one a step earlier.
    fn along(&self, perform: impl FnOnce(&mut World) -> Option<u64>, dream: u64) -> u64 {
        match self.recorded() {
            Some(result) => result,
            None if self.dreaming.get() => dream,
            None => self.perform(perform, dream),
        }
    }
}

/// The memory and the port of one end.
#[derive(Clone, Debug)]
pub(super) struct Side {
    pub(super) stage: Rc<Stage>,
    pub(super) actor: usize,
}

impl Side {
    /// An operation that is a step.
    fn step(&self, perform: impl FnOnce(&mut World) -> Option<u64>, dream: u64) -> u64 {
        let perform = |world: &mut World| {
            let result = perform(world)?;
            world.fresh[self.actor] = 0;
            Some(result)
        };
        self.stage.step(perform, dream)
    }

    /// The begin or the end of a call: a step if it makes a difference to what a kill leaves. A handler does
    /// not come here: it would be on top of nothing.
    pub(super) fn edge(&self) {
        if self.stage.has_kills.get() {
            let is_interrupted = self.stage.interrupts.get();
            self.step(|_| (!is_interrupted).then_some(0), 0);
        }
    }

    fn store(&self, store: Pending) {
        let actor = self.actor;
        let is_free = self.stage.is_free.get();
        let push = |world: &mut World| {
            let has_room = world.buffers[actor].len() < BUFFER;
            has_room.then(|| world.buffers[actor].push(store))?;
            world.fresh[actor] += 1;
            if is_free {
                world.flush(actor);
            }
            Some(0)
        };
        self.stage.along(push, 0);
    }

    fn load(&self, word: Control) -> u64 {
        let is_own = word.is_of(self.actor);
        let read = |world: &mut World| {
            self.stage.loaded.set(Some(word).filter(|_| !is_own).or(self.stage.loaded.get()));
            Some(world.seen(self.actor, word))
        };
        // In a dream the ring is at its end, so that every wait ends.
        let dream = match word {
            WRITTEN => Index::WRITE_EXTRA,
            WRITTEN_HIGH => Index::WRITE_EXTRA >> 32,
            END_OF_STREAM => 1,
            _ => 0,
        };
        if is_own { self.stage.along(read, dream) } else { self.step(read, dream) }
    }
}

/// `Written` or `Read`, as halves.
struct Halved<'s>(&'s Side, Word64);

impl HalfWords for Halved<'_> {
    fn load(&self, half: Half, _: Ordering) -> u32 {
        self.0.load(Control::of_half(self.1, half)) as u32
    }

    fn store(&self, half: Half, value: u32, _: Ordering) {
        self.0.store(Pending::Word(Control::of_half(self.1, half), value.into()));
    }
}

impl Memory for Side {
    type Sleeper = Side;

    fn sleeper(&self) -> &Side {
        self
    }

    fn capacity(&self) -> Capacity {
        Capacity::new(0, DATA as u32, TAGS as u32).expect("small")
    }

    fn load32(&self, word: Word32, _: Ordering) -> u32 {
        self.load(Control::of32(word)) as u32
    }

    fn store32(&self, word: Word32, value: u32, _: Ordering) {
        self.store(Pending::Word(Control::of32(word), value.into()));
    }

    fn load64(&self, word: Word64, order: Ordering) -> u64 {
        match word {
            Word64::Written | Word64::Read if self.stage.has_halves.get() => {
                halves::load(&Halved(self, word), order)
            }
            _ => Control::of64(word).map_or(0, |word| self.load(word)),
        }
    }

    fn store64(&self, word: Word64, value: u64, order: Ordering) {
        match (word, Control::of64(word)) {
            (Word64::Written, _) if self.stage.has_halves.get() => {
                halves::store_next(&Halved(self, word), value, order);
            }
            (Word64::Read, _) if self.stage.has_halves.get() => {
                halves::store(&Halved(self, word), value, order);
            }
            (_, Some(control)) => self.store(Pending::Word(control, value)),
            (_, None) => {}
        }
    }

    fn recover_written(&self) -> u64 {
        if self.stage.has_halves.get() {
            halves::recover(&Halved(self, Word64::Written))
        } else {
            self.load64(Word64::Written, Ordering::Acquire)
        }
    }

    fn fence(&self, order: Ordering) {
        // The others do nothing on x86, where stores keep their order and so do loads.
        if order == Ordering::SeqCst {
            self.step(|world| world.buffers[self.actor].is_empty().then_some(0), 0);
        }
    }

    fn load_word(&self, place: u32) -> u64 {
        self.stage.along(|world| Some(world.data.get(place as usize).copied().unwrap_or(0)), 0)
    }

    fn store_record(&self, place: u32, record: &Record<'_>) {
        let mut words = vec![record.length, record.time];
        match record.stack {
            Stack::Frames(frames) => words.extend(frames.iter().map(|&frame| frame as u64)),
            Stack::Lost(counts) => words.push(counts),
        }
        self.store(Pending::Record(place, words));
    }

    fn store_rewind(&self, place: u32) {
        self.store(Pending::Record(place, vec![0]));
    }

    fn load_tag(&self, place: u32) -> u64 {
        self.stage.along(|world| Some(world.tags.get(place as usize).copied().unwrap_or(0)), 0)
    }

    fn store_tag(&self, place: u32, tag: u64) {
        self.store(Pending::Tag(place, tag));
    }
}

impl Wait<Side> for Side {
    fn sleep(&self, memory: &Side, limit: &mut Option<Duration>) {
        assert_eq!(self.actor, READER);
        let stage = &memory.stage;
        let is_short = limit.is_some();
        let enter = |world: &mut World| {
            if !world.buffers[READER].is_empty() {
                return None;
            }
            if world.controls[SLEEPING.0 as usize] != 1 {
                return Some(0);
            }
            world.thread = Thread::Asleep;
            let is_long_enough = is_short && !stage.naps_are_too_short.get();
            world.unsettled =
                if is_long_enough { world.buffers[WRITER].len() - world.fresh[WRITER] } else { 0 };
            Some(1)
        };
        // In a dream it wakes at once, and the call ends.
        if memory.step(enter, 0) == 0 {
            if !stage.is_over() {
                *limit = Some(Duration::ZERO);
            }
            return;
        }
        let leave = |world: &mut World| {
            let is_over = is_short && world.unsettled == 0;
            let is_woken = world.thread == Thread::Woken;
            (is_woken || is_over).then(|| {
                world.thread = Thread::Awake;
                u64::from(!is_woken)
            })
        };
        if memory.step(leave, 1) == 1 {
            *limit = Some(Duration::ZERO);
        }
    }

    fn wake(&self, memory: &Side) {
        assert_eq!(self.actor, WRITER);
        let wake = |world: &mut World| {
            if !world.buffers[WRITER].is_empty() {
                return None;
            }
            if world.thread == Thread::Asleep {
                world.thread = Thread::Woken;
            }
            Some(0)
        };
        memory.step(wake, 0);
    }
}
