//! The record of one operation that is stepped through: see [`replay`](super::replay) for the method.

use std::cell::{Cell, RefCell};

/// Answers what is on record, performs one operation more, then dreams.
///
/// `W` is the shared memory, `R` the result of an operation.
#[derive(Debug)]
pub struct Recorder<'s, W, R> {
    world: RefCell<&'s mut W>,
    history: RefCell<&'s mut Vec<R>>,
    used: Cell<usize>,
    performed: Cell<bool>,
    dreaming: Cell<bool>,
}

impl<'s, W, R: Copy> Recorder<'s, W, R> {
    /// An operation with these results so far.
    pub fn new(world: &'s mut W, history: &'s mut Vec<R>) -> Self {
        Recorder {
            world: RefCell::new(world),
            history: RefCell::new(history),
            used: Cell::new(0),
            performed: Cell::new(false),
            dreaming: Cell::new(false),
        }
    }

    /// One memory operation: from the record, or the step itself, or a dream.
    pub fn step(&self, perform: impl FnOnce(&mut W) -> R, dream: R) -> R {
        if let Some(result) = self.recorded() {
            return result;
        }
        if self.performed.replace(true) {
            self.dreaming.set(true);
            return dream;
        }
        self.perform(perform)
    }

    /// An operation that no other actor can tell from one a step earlier, so it comes with the step
    /// before: a load of what nobody changes meanwhile, or an addition to what nobody reads.
    pub fn along(&self, perform: impl FnOnce(&mut W) -> R, dream: R) -> R {
        match self.recorded() {
            Some(result) => result,
            None if self.performed.get() && !self.dreaming.get() => self.perform(perform),
            None => self.step(perform, dream),
        }
    }

    /// Whether the step was performed: else the operation ended before it touched memory again.
    pub fn has_performed(&self) -> bool {
        self.performed.get()
    }

    /// Whether the operation came to its end, and not a dream of it.
    pub fn is_over(&self) -> bool {
        !self.dreaming.get()
    }

    fn recorded(&self) -> Option<R> {
        let result = self.history.borrow().get(self.used.get()).copied();
        self.used.set(self.used.get() + usize::from(result.is_some()));
        result
    }

    fn perform(&self, perform: impl FnOnce(&mut W) -> R) -> R {
        let result = perform(&mut self.world.borrow_mut());
        self.history.borrow_mut().push(result);
        self.used.set(self.used.get() + 1);
        result
    }
}
