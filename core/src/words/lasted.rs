//! Memory that lasts as long as the program, such as a static.

use core::sync::atomic::AtomicU32;

use super::{Count, Mapped, MemoryError, Outside};
use crate::port::{Full, Lasting, Store};
use crate::table::Slot;

/// A store of a fixed length over memory that lasts.
#[derive(Debug)]
pub struct Lasted(Mapped<'static>);

impl Lasted {
    /// A store over a static slice, such as that of a [`Region`](super::Region).
    ///
    /// # Errors
    ///
    /// As [`Mapped::from_words`].
    pub fn new(words: &'static [AtomicU32]) -> Result<Self, MemoryError> {
        Ok(Lasted(Mapped::from_words(words)?))
    }
}

impl Store for Lasted {
    type Words = Mapped<'static>;
    type Error = Full;

    fn words(&self) -> &Mapped<'static> {
        &self.0
    }

    fn grow(&self, to: u32) -> Result<(), Full> {
        self.0.grow(to)
    }

    fn remap(&self) -> Result<(), Full> {
        Ok(())
    }
}

impl Lasting for Lasted {
    fn count(&self, slot: Slot) -> Result<&'static Count, Outside> {
        // SAFETY: the memory is a static slice.
        unsafe { self.0.lasting_count(slot.offset()) }
    }
}
