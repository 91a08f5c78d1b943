//! The only door to shared memory: single words at checked offsets.
//!
//! Memory that another process can write is touched by atomic operations only, and the width of an
//! operation follows from the offset alone, so that no two threads ever meet on one address with
//! different widths, whatever a damaged file says (invariant W1):
//!
//! * from the first record on, the first 8 bytes of each 32-byte unit are one 64-bit word: the value
//!   of a record, or 8 bytes of a long name;
//! * everything else is 32-bit words.
//!
//! Callers keep W1; implementations keep every operation inside the memory. Implementations: a
//! mapping or static ([`Mapped`]), a private copy of a file ([`Bytes`]), and in the test package loom
//! cells, a step simulator and hostile memory.

mod bytes;
mod count;
mod lasted;
mod mapped;
mod pending;
mod region;
mod wide;

pub use bytes::Bytes;
pub use core::sync::atomic::Ordering;
pub use count::Count;
pub use lasted::Lasted;
pub use mapped::{Mapped, MemoryError};
pub(crate) use pending::Pending;
pub use region::Region;

/// An operation would leave the memory, or its offset is not a multiple of its width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outside {
    /// The offset in bytes.
    pub offset: u32,
}

/// Memory that can be read word by word. Offsets are in bytes.
pub trait ReadWords {
    /// Bytes that can be touched now. It may grow between two calls; it never shrinks.
    fn length(&self) -> u32;

    /// Loads the 32-bit word at `offset`, in the byte order of this machine.
    ///
    /// # Errors
    ///
    /// [`Outside`] if `offset` is no multiple of 4 or the word is not inside the memory.
    fn load32(&self, offset: u32, order: Ordering) -> Result<u32, Outside>;

    /// Loads the 64-bit word at `offset`, in the byte order of this machine.
    ///
    /// # Errors
    ///
    /// [`Outside`] if `offset` is no multiple of 8 or the word is not inside the memory.
    fn load64(&self, offset: u32, order: Ordering) -> Result<u64, Outside>;

    /// The memory as bytes, if nobody can write it: a private copy.
    fn private(&self) -> Option<&[u8]> {
        None
    }
}

/// Memory that can be written word by word while other processes do the same.
pub trait Words: ReadWords {
    /// Stores the 32-bit word at `offset`.
    ///
    /// # Errors
    ///
    /// As [`ReadWords::load32`].
    fn store32(&self, offset: u32, value: u32, order: Ordering) -> Result<(), Outside>;

    /// Stores the 64-bit word at `offset`.
    ///
    /// # Errors
    ///
    /// As [`ReadWords::load64`].
    fn store64(&self, offset: u32, value: u64, order: Ordering) -> Result<(), Outside>;

    /// Replaces the 32-bit word at `offset` by `new` if it is `current`. The inner result is
    /// `Err(found)` if it was not.
    ///
    /// # Errors
    ///
    /// As [`ReadWords::load32`].
    fn compare_exchange32(
        &self,
        offset: u32,
        current: u32,
        new: u32,
        success: Ordering,
        failure: Ordering,
    ) -> Result<Result<u32, u32>, Outside>;

    /// Adds `n` to the 64-bit word at `offset`, stopping at `u64::MAX`, and returns the word before.
    ///
    /// Where the sum would pass `u64::MAX`, another thread may for an instant see the wrapped sum,
    /// and only if `n` is below 2^32 and the word was within 2^32 of `u64::MAX`.
    ///
    /// # Errors
    ///
    /// As [`ReadWords::load64`].
    fn add64(&self, offset: u32, n: u64) -> Result<u64, Outside>;
}

impl<W: ReadWords + ?Sized> ReadWords for &W {
    #[inline]
    fn length(&self) -> u32 {
        (**self).length()
    }
    #[inline]
    fn load32(&self, offset: u32, order: Ordering) -> Result<u32, Outside> {
        (**self).load32(offset, order)
    }
    #[inline]
    fn load64(&self, offset: u32, order: Ordering) -> Result<u64, Outside> {
        (**self).load64(offset, order)
    }
    #[inline]
    fn private(&self) -> Option<&[u8]> {
        (**self).private()
    }
}

impl<W: Words + ?Sized> Words for &W {
    #[inline]
    fn store32(&self, offset: u32, value: u32, order: Ordering) -> Result<(), Outside> {
        (**self).store32(offset, value, order)
    }
    #[inline]
    fn store64(&self, offset: u32, value: u64, order: Ordering) -> Result<(), Outside> {
        (**self).store64(offset, value, order)
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
        (**self).compare_exchange32(offset, current, new, success, failure)
    }
    #[inline]
    fn add64(&self, offset: u32, n: u64) -> Result<u64, Outside> {
        (**self).add64(offset, n)
    }
}

impl core::fmt::Display for Outside {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "offset {:#x} is outside the memory or not aligned", self.offset)
    }
}

impl core::error::Error for Outside {}
