//! Single steps out of code that runs to its end.
//!
//! A process inside an operation is nothing but the results that its memory operations have had so far.
//! To take one step more, the operation is run again from its start: memory answers the results on
//! record, then performs one operation on the shared file and records its result. After that it is a
//! dream: loads give 0, exchanges succeed, stores are dropped, growth fails. The core's bounds on any
//! memory (every loop ends whatever is in it) bring the dream to an end, and its outcome is thrown away.
//! So the very code that ships is what is stepped through, and local variables need no model.

use std::cell::{Cell, RefCell};
use std::fmt;

use tallymark_core::words::Ordering;
use tallymark_core::{Outside, ReadWords, Store, Words};

use super::memory::{Memory, inside};

/// The results so far of an operation.
pub type History = Vec<u64>;

/// One operation on the file, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A load of 32 or 64 bits.
    Load(u32),
    /// A store.
    Store(u32, u64),
    /// A compare-and-exchange.
    Exchange(u32, u32, u32),
    /// An addition.
    Add(u32, u64),
    /// The length of the file is looked at.
    Look,
    /// The file is made longer.
    Grow(u32),
    /// No memory is touched: the operation only comes to its end.
    Return,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Action::Load(offset) => write!(f, "load {offset:#x}"),
            Action::Store(offset, value) => write!(f, "store {offset:#x} = {value:#x}"),
            Action::Exchange(offset, old, new) => write!(f, "exchange {offset:#x}: {old:#x} -> {new:#x}"),
            Action::Add(offset, n) => write!(f, "add {offset:#x} += {n}"),
            Action::Look => f.write_str("look at the file's length"),
            Action::Grow(to) => write!(f, "grow to {to:#x}"),
            Action::Return => f.write_str("return"),
        }
    }
}

/// What a run has come to.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// The one step.
    pub action: Action,
    /// It touched only a place that belongs to this process.
    pub is_private: bool,
    /// The operation came to its end.
    pub is_over: bool,
    /// Bytes that the process has mapped now.
    pub mapped: u32,
}

/// Memory and store of one process that takes one step.
#[derive(Debug)]
pub struct Stepping<'s> {
    actor: usize,
    memory: RefCell<&'s mut Memory>,
    history: RefCell<&'s mut History>,
    /// Results used up again.
    used: Cell<usize>,
    /// Bytes that this process has mapped.
    mapped: Cell<u32>,
    /// What the one step did.
    done: Cell<Option<Action>>,
    is_private: Cell<bool>,
    dreaming: Cell<bool>,
    like_go: bool,
}

/// Growth fails in a dream only.
#[derive(Debug, PartialEq, Eq)]
pub struct Dreaming;

impl<'s> Stepping<'s> {
    /// A process that has `mapped` bytes of the file at the start of its operation.
    pub fn new(actor: usize, memory: &'s mut Memory, history: &'s mut History, mapped: u32) -> Self {
        Stepping {
            actor,
            memory: RefCell::new(memory),
            history: RefCell::new(history),
            used: Cell::new(0),
            mapped: Cell::new(mapped),
            done: Cell::new(None),
            is_private: Cell::new(false),
            dreaming: Cell::new(false),
            like_go: false,
        }
    }

    /// As Go does: the file grows when the 4 zero bytes at its new end are written, whoever has grown
    /// it and used the page in between.
    #[must_use]
    pub fn growing_like_go(mut self) -> Self {
        self.like_go = true;
        self
    }

    /// What a run has come to.
    pub fn outcome(self) -> Outcome {
        Outcome {
            action: self.done.get().unwrap_or(Action::Return),
            is_private: self.is_private.get(),
            is_over: !self.dreaming.get(),
            mapped: self.mapped.get(),
        }
    }

    /// One memory operation: on record, or the step, or a dream.
    fn step(&self, action: Action, perform: impl FnOnce(&mut Memory) -> u64, dream: u64) -> u64 {
        let mut history = self.history.borrow_mut();
        if let Some(&result) = history.get(self.used.get()) {
            self.used.set(self.used.get() + 1);
            return result;
        }
        if self.done.get().is_some() {
            self.dreaming.set(true);
            return dream;
        }
        let memory = &mut **self.memory.borrow_mut();
        if let Action::Load(at) | Action::Store(at, _) | Action::Exchange(at, ..) | Action::Add(at, _) =
            action
        {
            self.is_private.set(memory.touch(self.actor, at));
        }
        let result = perform(memory);
        self.done.set(Some(action));
        history.push(result);
        self.used.set(self.used.get() + 1);
        result
    }

    fn inside(&self, offset: u32, width: u32) -> Result<(), Outside> {
        inside(offset, width, self.mapped.get())
    }
}

impl ReadWords for Stepping<'_> {
    fn length(&self) -> u32 {
        self.mapped.get()
    }

    fn load32(&self, offset: u32, _: Ordering) -> Result<u32, Outside> {
        self.inside(offset, 4)?;
        Ok(self.step(Action::Load(offset), |memory| memory.get(offset).into(), 0) as u32)
    }

    fn load64(&self, offset: u32, _: Ordering) -> Result<u64, Outside> {
        self.inside(offset, 8)?;
        Ok(self.step(Action::Load(offset), |memory| memory.get64(offset), 0))
    }
}

impl Words for Stepping<'_> {
    fn store32(&self, offset: u32, value: u32, _: Ordering) -> Result<(), Outside> {
        self.inside(offset, 4)?;
        let perform = |memory: &mut Memory| {
            memory.set(offset, value);
            0
        };
        self.step(Action::Store(offset, value.into()), perform, 0);
        Ok(())
    }

    fn store64(&self, offset: u32, value: u64, _: Ordering) -> Result<(), Outside> {
        self.inside(offset, 8)?;
        let perform = |memory: &mut Memory| {
            memory.set64(offset, value);
            0
        };
        self.step(Action::Store(offset, value), perform, 0);
        Ok(())
    }

    fn compare_exchange32(
        &self,
        offset: u32,
        current: u32,
        new: u32,
        _: Ordering,
        _: Ordering,
    ) -> Result<Result<u32, u32>, Outside> {
        self.inside(offset, 4)?;
        let perform = |memory: &mut Memory| {
            let found = memory.get(offset);
            if found == current {
                memory.set(offset, new);
                if offset == memory.plan().layout().limit_at() {
                    memory.reserve(self.actor, current, new);
                } else {
                    memory.publish(new);
                }
            }
            found.into()
        };
        let action = Action::Exchange(offset, current, new);
        let found = self.step(action, perform, current.into()) as u32;
        Ok(if found == current { Ok(found) } else { Err(found) })
    }

    fn add64(&self, offset: u32, n: u64) -> Result<u64, Outside> {
        self.inside(offset, 8)?;
        let perform = |memory: &mut Memory| {
            let old = memory.get64(offset);
            memory.set64(offset, old.saturating_add(n));
            old
        };
        Ok(self.step(Action::Add(offset, n), perform, 0))
    }
}

impl Store for Stepping<'_> {
    type Words = Self;
    type Error = Dreaming;

    fn words(&self) -> &Self {
        self
    }

    fn grow(&self, to: u32) -> Result<(), Dreaming> {
        if self.like_go {
            // Go looks at the length first; what it then writes may come late.
            let length = self.step(Action::Look, |memory| memory.file_length.into(), 0) as u32;
            if length >= to {
                return self.map(length);
            }
        }
        let like_go = self.like_go;
        let perform = |memory: &mut Memory| {
            memory.file_length = memory.file_length.max(to);
            if like_go {
                memory.set(to - 4, 0);
            }
            memory.file_length.into()
        };
        let length = self.step(Action::Grow(to), perform, 0) as u32;
        self.map(length)
    }

    fn remap(&self) -> Result<(), Dreaming> {
        let length = self.step(Action::Look, |memory| memory.file_length.into(), 0) as u32;
        self.map(length)
    }
}

impl Stepping<'_> {
    fn map(&self, length: u32) -> Result<(), Dreaming> {
        if self.dreaming.get() {
            return Err(Dreaming);
        }
        self.mapped.set(self.mapped.get().max(length));
        Ok(())
    }
}
