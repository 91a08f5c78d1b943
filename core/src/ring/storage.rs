//! Memory for a ring in a static.

use core::cell::UnsafeCell;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicBool, Ordering};

use super::layout::{Header, HeaderError};
use super::{Ring, width};

/// `WORDS` words for one ring, zero at the start; [`words_of`](super::words_of) tells how many it needs.
///
/// ```
/// use tallymark_core::ring::{Capacity, Header, RingStorage, words_of};
///
/// const CAPACITY: Capacity = Capacity::new(1, 1 << 12, 1 << 8).unwrap();
/// static STORAGE: RingStorage<{ words_of(CAPACITY) }> = RingStorage::new();
///
/// assert!(STORAGE.take(&Header::new(CAPACITY))?.is_some());
/// assert!(STORAGE.take(&Header::new(CAPACITY))?.is_none(), "it is taken");
/// # Ok::<(), tallymark_core::ring::HeaderError>(())
/// ```
#[repr(C, align(128))]
#[derive(Debug)]
pub struct RingStorage<const WORDS: usize> {
    words: UnsafeCell<[u64; WORDS]>,
    is_taken: AtomicBool,
}

// SAFETY: the words are given away at most once.
unsafe impl<const WORDS: usize> Sync for RingStorage<WORDS> {}

impl<const WORDS: usize> RingStorage<WORDS> {
    /// Zeros.
    #[must_use]
    pub const fn new() -> Self {
        RingStorage { words: UnsafeCell::new([0; WORDS]), is_taken: AtomicBool::new(false) }
    }

    /// Makes an empty ring in it; `None` if that was done before.
    ///
    /// # Errors
    ///
    /// [`HeaderError`] if there are too few words. The storage is taken nevertheless.
    pub fn take(&'static self, header: &Header) -> Result<Option<Ring<(), width::Plain>>, HeaderError> {
        // ORDER: Relaxed. Who comes first takes all; nothing was stored before.
        if self.is_taken.swap(true, Ordering::Relaxed) {
            return Ok(None);
        }
        let Some(base) = NonNull::new(self.words.get().cast::<u64>()) else { return Ok(None) };
        // SAFETY: a static lives for ever, and nobody else gets the words.
        unsafe { Ring::format_raw(base, WORDS, (), header) }.map(Some)
    }
}

impl<const WORDS: usize> Default for RingStorage<WORDS> {
    fn default() -> Self {
        Self::new()
    }
}
