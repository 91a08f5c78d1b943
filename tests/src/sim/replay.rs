//! Single steps out of code that runs to its end.
//!
//! A process inside an operation is nothing but the results that its memory operations have had so far.
//! To take one step more, the operation is run again from its start: memory answers the results on
//! record, then performs one operation on the shared file and records its result. After that it is a
//! dream: loads give 0, exchanges succeed, stores are dropped, growth fails. The core's bounds on any
//! memory (every loop ends whatever is in it) bring the dream to an end, and its outcome is thrown away.
//! So the very code that ships is what is stepped through, and local variables need no model.

use std::cell::{Cell, RefCell};

use tallymark_core::words::Ordering;
use tallymark_core::{Outside, ReadWords, Store, Words};

use super::memory::{Memory, inside};

/// The results so far of an operation.
pub type History = Vec<u64>;

/// Memory and store of one process that takes one step.
#[derive(Debug)]
pub struct Stepping<'s> {
    memory: RefCell<&'s mut Memory>,
    history: RefCell<&'s mut History>,
    /// Results used up again.
    used: Cell<usize>,
    /// Bytes that this process has mapped.
    mapped: Cell<u32>,
    /// What the one step did.
    done: RefCell<Option<String>>,
    dreaming: Cell<bool>,
    spare_growth: bool,
}

/// Growth fails in a dream only.
#[derive(Debug, PartialEq, Eq)]
pub struct Dreaming;

impl<'s> Stepping<'s> {
    /// A process that has `mapped` bytes of the file at the start of its operation.
    pub fn new(memory: &'s mut Memory, history: &'s mut History, mapped: u32) -> Self {
        Stepping {
            memory: RefCell::new(memory),
            history: RefCell::new(history),
            used: Cell::new(0),
            mapped: Cell::new(mapped),
            done: RefCell::new(None),
            dreaming: Cell::new(false),
            spare_growth: false,
        }
    }

    /// As Go does: the file grows when the 4 zero bytes at its new end are written, whoever has grown
    /// it and used the page in between.
    #[must_use]
    pub fn growing_like_go(mut self) -> Self {
        self.spare_growth = true;
        self
    }

    /// After a run: what the step did (`None`: the run needed no step), whether the operation came to
    /// its end, and how much is mapped now.
    pub fn outcome(self) -> (Option<String>, bool, u32) {
        (self.done.into_inner(), !self.dreaming.get(), self.mapped.get())
    }

    /// One memory operation: on record, or the step, or a dream.
    fn step(
        &self,
        what: impl FnOnce() -> String,
        perform: impl FnOnce(&mut Memory) -> u64,
        dream: u64,
    ) -> u64 {
        let mut history = self.history.borrow_mut();
        if let Some(&result) = history.get(self.used.get()) {
            self.used.set(self.used.get() + 1);
            return result;
        }
        if self.done.borrow().is_some() {
            self.dreaming.set(true);
            return dream;
        }
        let result = perform(&mut self.memory.borrow_mut());
        *self.done.borrow_mut() = Some(what());
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
        Ok(self.step(|| format!("load {offset:#x}"), |memory| memory.get(offset).into(), 0) as u32)
    }

    fn load64(&self, offset: u32, _: Ordering) -> Result<u64, Outside> {
        self.inside(offset, 8)?;
        Ok(self.step(|| format!("load64 {offset:#x}"), |memory| memory.get64(offset), 0))
    }
}

impl Words for Stepping<'_> {
    fn store32(&self, offset: u32, value: u32, _: Ordering) -> Result<(), Outside> {
        self.inside(offset, 4)?;
        let perform = |memory: &mut Memory| {
            memory.set(offset, value);
            0
        };
        self.step(|| format!("store {offset:#x} = {value:#x}"), perform, 0);
        Ok(())
    }

    fn store64(&self, offset: u32, value: u64, _: Ordering) -> Result<(), Outside> {
        self.inside(offset, 8)?;
        let perform = |memory: &mut Memory| {
            memory.set64(offset, value);
            0
        };
        self.step(|| format!("store64 {offset:#x} = {value:#x}"), perform, 0);
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
            }
            found.into()
        };
        let what = || format!("exchange {offset:#x}: {current:#x} -> {new:#x}");
        let found = self.step(what, perform, current.into()) as u32;
        Ok(if found == current { Ok(found) } else { Err(found) })
    }

    fn add64(&self, offset: u32, n: u64) -> Result<u64, Outside> {
        self.inside(offset, 8)?;
        let perform = |memory: &mut Memory| {
            let old = memory.get64(offset);
            memory.set64(offset, old.saturating_add(n));
            old
        };
        Ok(self.step(|| format!("add {offset:#x} += {n}"), perform, 0))
    }
}

impl Store for Stepping<'_> {
    type Words = Self;
    type Error = Dreaming;

    fn words(&self) -> &Self {
        self
    }

    fn grow(&self, to: u32) -> Result<(), Dreaming> {
        if self.spare_growth {
            // Go looks at the length first; what it then writes may come late.
            let length =
                self.step(|| "look at the length".into(), |memory| memory.file_length.into(), 0) as u32;
            if length >= to {
                return self.map(length);
            }
        }
        let like_go = self.spare_growth;
        let perform = |memory: &mut Memory| {
            memory.file_length = memory.file_length.max(to);
            if like_go {
                memory.set(to - 4, 0);
            }
            memory.file_length.into()
        };
        let length = self.step(|| format!("grow to {to:#x}"), perform, 0) as u32;
        self.map(length)
    }

    fn remap(&self) -> Result<(), Dreaming> {
        let length = self.step(|| "remap".into(), |memory| memory.file_length.into(), 0) as u32;
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
