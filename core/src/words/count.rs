//! A count that lasts: what a handle points to.

use core::fmt;
use core::sync::atomic::Ordering;

use super::wide;

/// A 64-bit count in shared memory, by reference. It saturates at `u64::MAX`.
#[repr(transparent)]
pub struct Count(wide::Cell);

impl Count {
    /// Adds `n`, stopping at `u64::MAX`, and returns the count before.
    ///
    /// One atomic read-modify-write for `n` below 2^32, unless the sum passes the end.
    #[inline]
    pub fn add(&self, n: u64) -> u64 {
        wide::add(&self.0, n)
    }

    /// The count.
    #[must_use]
    pub fn value(&self) -> u64 {
        // ORDER: Relaxed. A count orders nothing.
        wide::load(&self.0, Ordering::Relaxed)
    }
}

impl fmt::Debug for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Count").field(&self.value()).finish()
    }
}
