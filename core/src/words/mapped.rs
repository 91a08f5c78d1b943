//! Words over raw memory that others may write: a file mapping, a static, a device's RAM.
//!
//! All pointer arithmetic of the counter side is in this room.

use core::fmt;
use core::marker::PhantomData;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU32, Ordering};

use super::{Count, Outside, ReadWords, Words, wide};

/// Raw memory of at most 4 GiB, shared with other threads and processes.
///
/// The memory may become longer inside the range it was given ([`Mapped::lengthen`]); it never moves
/// and never shrinks, so an offset that was good once stays good.
///
/// Invariants: (M1) `base..base + capacity` stays reserved for `'m`, and the first `length` bytes of
/// it can be read and written by atomics throughout `'m`, and are touched by nothing else in this
/// program; (M2) `base` is a multiple of 8; (M3) `length <= capacity`, and `length` only rises.
pub struct Mapped<'m> {
    base: NonNull<u8>,
    length: AtomicU32,
    capacity: u32,
    memory: PhantomData<&'m [AtomicU32]>,
}

// SAFETY: the memory is reached by atomic operations only (M1), which any thread may do.
unsafe impl Send for Mapped<'_> {}
// SAFETY: as for Send; the only field that changes is an atomic.
unsafe impl Sync for Mapped<'_> {}

/// Memory that cannot hold words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MemoryError {
    /// The address is no multiple of 8. [`Region`](super::Region) is aligned.
    Misaligned {
        /// The address.
        address: usize,
    },
    /// There are more bytes than 32-bit offsets can name.
    TooLong {
        /// The length in bytes.
        length: usize,
    },
}

impl<'m> Mapped<'m> {
    /// Words over a slice of atomics.
    ///
    /// # Errors
    ///
    /// [`MemoryError`] if the slice does not start at a multiple of 8 (64-bit counts need it also on
    /// 32-bit machines) or is longer than 4 GiB - 1.
    pub fn from_words(words: &'m [AtomicU32]) -> Result<Mapped<'m>, MemoryError> {
        let length = size_of_val(words);
        let capacity = u32::try_from(length).map_err(|_| MemoryError::TooLong { length })?;
        let base = NonNull::from(words).cast::<u8>();
        if !base.addr().get().is_multiple_of(8) {
            return Err(MemoryError::Misaligned { address: base.addr().get() });
        }
        Ok(Mapped { base, length: AtomicU32::new(capacity), capacity, memory: PhantomData })
    }

    /// Words over memory at `base`, of which `length` bytes can be touched now and which may become
    /// as long as `capacity` bytes.
    ///
    /// For a kernel or firmware this is a fixed physical or mapped range with `length == capacity`;
    /// the platform adapters pass a reserved range of which the first `length` bytes are file.
    ///
    /// # Errors
    ///
    /// [`MemoryError::Misaligned`] if `base` is no multiple of 8.
    ///
    /// # Safety
    ///
    /// For the whole of `'m`: the range `base..base + capacity` belongs to this mapping; its first
    /// `length` bytes are memory that atomics may read and write; and in this program nothing but
    /// `Mapped` and atomics of the same width touch them. Other processes may do what they like.
    pub unsafe fn from_raw_parts(
        base: NonNull<u8>,
        length: u32,
        capacity: u32,
    ) -> Result<Mapped<'m>, MemoryError> {
        if !base.addr().get().is_multiple_of(8) {
            return Err(MemoryError::Misaligned { address: base.addr().get() });
        }
        let length = AtomicU32::new(length.min(capacity));
        Ok(Mapped { base, length, capacity, memory: PhantomData })
    }

    /// Where the memory starts.
    #[must_use]
    pub const fn base(&self) -> NonNull<u8> {
        self.base
    }

    /// The most bytes the memory can become.
    #[must_use]
    pub const fn capacity(&self) -> u32 {
        self.capacity
    }

    /// Makes the first `length` bytes usable. Does nothing if they are already, or if `length` is
    /// past the capacity.
    ///
    /// # Safety
    ///
    /// The first `length` bytes can be read and written from now on until the end of `'m`.
    pub unsafe fn lengthen(&self, length: u32) {
        if length <= self.capacity {
            // ORDER: Release. The bytes were made usable before this; pairs with the Acquire load in
            // `length`, so that who sees the new length may touch them.
            self.length.fetch_max(length, Ordering::Release);
        }
    }

    /// A pointer to `width` bytes at `offset`, all of them usable, `offset` a multiple of `width`.
    #[inline]
    fn at(&self, offset: u32, width: u32) -> Result<NonNull<u8>, Outside> {
        let inside = self.length().checked_sub(width).is_some_and(|last| offset <= last);
        if !inside || !offset.is_multiple_of(width) {
            return Err(Outside { offset });
        }
        // SAFETY: offset + width <= length <= capacity (M3), and the range belongs to us (M1).
        Ok(unsafe { self.base.add(offset as usize) })
    }

    /// The 32-bit word at `offset`, which must be a multiple of 4.
    #[inline]
    fn word(&self, offset: u32) -> Result<&AtomicU32, Outside> {
        let pointer = self.at(offset, 4)?;
        // SAFETY: 4 usable bytes (M1), 4-aligned because base is (M2) and offset is; touched by
        // atomics of this width only, because width follows from the offset (W1).
        Ok(unsafe { pointer.cast().as_ref() })
    }

    /// The count at `offset`, which must be a multiple of 8, for as long as the memory lasts and not
    /// only as long as this value.
    ///
    /// # Errors
    ///
    /// [`Outside`], as [`ReadWords::load64`].
    ///
    /// # Safety
    ///
    /// What [`Mapped::from_raw_parts`] asks for holds for the whole of `'m` in this program's terms,
    /// not only until this value is dropped.
    pub unsafe fn lasting_count(&self, offset: u32) -> Result<&'m Count, Outside> {
        let pointer = self.at(offset, 8)?;
        // SAFETY: as in `wide`; `Count` is a `wide::Cell`, and the caller vouches for the lifetime.
        Ok(unsafe { pointer.cast().as_ref() })
    }

    /// The 64-bit word at `offset`, which must be a multiple of 8.
    #[inline]
    fn wide(&self, offset: u32) -> Result<&wide::Cell, Outside> {
        let pointer = self.at(offset, 8)?;
        // SAFETY: 8 usable bytes (M1), 8-aligned because base is (M2) and offset is; touched by
        // atomics of this width only, because width follows from the offset (W1).
        Ok(unsafe { pointer.cast().as_ref() })
    }
}

impl ReadWords for Mapped<'_> {
    #[inline]
    fn length(&self) -> u32 {
        // ORDER: Acquire. Pairs with the Release in `lengthen`.
        self.length.load(Ordering::Acquire)
    }

    #[inline]
    fn load32(&self, offset: u32, order: Ordering) -> Result<u32, Outside> {
        Ok(self.word(offset)?.load(order))
    }

    #[inline]
    fn load64(&self, offset: u32, order: Ordering) -> Result<u64, Outside> {
        Ok(wide::load(self.wide(offset)?, order))
    }
}

impl Words for Mapped<'_> {
    #[inline]
    fn store32(&self, offset: u32, value: u32, order: Ordering) -> Result<(), Outside> {
        self.word(offset)?.store(value, order);
        Ok(())
    }

    #[inline]
    fn store64(&self, offset: u32, value: u64, order: Ordering) -> Result<(), Outside> {
        wide::store(self.wide(offset)?, value, order);
        Ok(())
    }

    #[inline]
    fn compare_exchange32(
        &self,
        offset: u32,
        current: u32,
        new: u32,
        success: Ordering,
        failure: Ordering,
    ) -> Result<Result<u32, u32>, Outside> {
        Ok(self.word(offset)?.compare_exchange(current, new, success, failure))
    }

    #[inline]
    fn add64(&self, offset: u32, n: u64) -> Result<u64, Outside> {
        Ok(wide::add(self.wide(offset)?, n))
    }
}

impl fmt::Debug for Mapped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mapped")
            .field("base", &self.base)
            .field("length", &self.length)
            .field("capacity", &self.capacity)
            .finish()
    }
}

impl fmt::Display for MemoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MemoryError::Misaligned { address } => {
                write!(f, "the memory starts at {address:#x}, which is no multiple of 8")
            }
            MemoryError::TooLong { length } => {
                write!(f, "the memory has {length} bytes; 32-bit offsets name at most {}", u32::MAX)
            }
        }
    }
}

impl core::error::Error for MemoryError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Region;
    use std::thread;

    #[test]
    fn no_operation_leaves_the_memory() {
        let region = Region::<4>::new();
        let memory = Mapped::from_words(region.words()).unwrap();
        assert_eq!(memory.store32(12, 7, Ordering::Relaxed), Ok(()));
        assert_eq!(memory.load32(12, Ordering::Relaxed), Ok(7));
        for offset in [13, 14, 16, u32::MAX, u32::MAX - 3] {
            assert_eq!(memory.load32(offset, Ordering::Relaxed), Err(Outside { offset }));
        }
        for offset in [4, 12, 16, u32::MAX - 7] {
            assert_eq!(memory.add64(offset, 1), Err(Outside { offset }));
        }
    }

    #[test]
    fn memory_that_is_not_8_aligned_is_refused() {
        let region = Region::<4>::new();
        assert!(matches!(Mapped::from_words(&region.words()[1..]), Err(MemoryError::Misaligned { .. })));
    }

    #[test]
    fn length_rises_up_to_the_capacity_and_never_falls() {
        let region = Region::<8>::new();
        let base = NonNull::from(region.words()).cast();
        // SAFETY: the region is 32 bytes long and outlives `memory`; only atomics touch it.
        let memory = unsafe { Mapped::from_raw_parts(base, 8, 32) }.unwrap();
        assert_eq!((memory.length(), memory.capacity()), (8, 32));
        for (length, then) in [(16, 16), (8, 16), (64, 16), (32, 32)] {
            // SAFETY: all 32 bytes of the region are usable.
            unsafe { memory.lengthen(length) };
            assert_eq!(memory.length(), then);
        }
    }

    #[test]
    fn threads_add_without_loss() {
        let region = Region::<8>::new();
        let memory = Mapped::from_words(region.words()).unwrap();
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..100).for_each(|_| assert!(memory.add64(8, 3).is_ok())));
            }
        });
        assert_eq!(memory.load64(8, Ordering::Relaxed), Ok(1200));
    }
}
