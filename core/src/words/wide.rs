//! A 64-bit count in shared memory: one 64-bit atomic where the machine has them, else two 32-bit
//! atomics. Never a lock: a lock is wrong between processes and in interrupt handlers.

#[cfg(target_has_atomic = "64")]
pub(super) use native::{Cell, add, load, store};
#[cfg(not(target_has_atomic = "64"))]
pub(super) use split::{Cell, add, load, store};

/// For machines with 64-bit atomics.
#[cfg(target_has_atomic = "64")]
mod native {
    use core::sync::atomic::{AtomicU64, Ordering};

    pub(in crate::words) type Cell = AtomicU64;

    #[inline]
    pub(in crate::words) fn load(cell: &Cell, order: Ordering) -> u64 {
        cell.load(order)
    }

    #[inline]
    pub(in crate::words) fn store(cell: &Cell, value: u64, order: Ordering) {
        cell.store(value, order);
    }

    /// Adds and stops at `u64::MAX`: one read-modify-write, unless the sum comes near the end.
    #[inline]
    pub(in crate::words) fn add(cell: &Cell, n: u64) -> u64 {
        if n > u64::from(u32::MAX) {
            return add_large(cell, n);
        }
        // ORDER: Relaxed. A count orders nothing; readers need each addition once, not in order.
        let old = cell.fetch_add(n, Ordering::Relaxed);
        if old.checked_add(n).is_none() {
            // ORDER: Relaxed. As above. Every thread that wraps the count repairs it.
            cell.store(u64::MAX, Ordering::Relaxed);
        }
        old
    }

    /// Large steps never let the wrapped sum be seen. Bound: lock-free; a failure is another's
    /// success.
    #[cold]
    fn add_large(cell: &Cell, n: u64) -> u64 {
        // ORDER: Relaxed, three times. As in `add`.
        let mut old = cell.load(Ordering::Relaxed);
        loop {
            let sum = old.saturating_add(n);
            // ORDER: Relaxed. As in `add`.
            match cell.compare_exchange_weak(old, sum, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(old) => return old,
                Err(found) => old = found,
            }
        }
    }
}

/// For machines with 32-bit atomics only. Counts stay exact; while the low half carries into the high
/// half a reader may see the count 2^32 too small, and a crash at that instant leaves it so.
#[cfg(any(test, not(target_has_atomic = "64")))]
mod split {
    use core::sync::atomic::{AtomicU32, Ordering};

    /// The two halves in memory order.
    #[repr(C, align(8))]
    pub(in crate::words) struct Cell([AtomicU32; 2]);

    impl Cell {
        fn halves(&self) -> (&AtomicU32, &AtomicU32) {
            let [first, second] = &self.0;
            if cfg!(target_endian = "little") { (first, second) } else { (second, first) }
        }

        #[cfg(test)]
        pub(super) const fn new() -> Self {
            Cell([const { AtomicU32::new(0) }; 2])
        }
    }

    pub(in crate::words) fn load(cell: &Cell, order: Ordering) -> u64 {
        let (low, high) = cell.halves();
        let mut above = high.load(order);
        let mut below = low.load(order);
        // The high half changes once in 2^32 additions; four looks are enough, and a bound.
        for _ in 0..4 {
            let again = high.load(order);
            if again == above {
                break;
            }
            above = again;
            below = low.load(order);
        }
        u64::from(above) << 32 | u64::from(below)
    }

    pub(in crate::words) fn store(cell: &Cell, value: u64, order: Ordering) {
        let (low, high) = cell.halves();
        low.store(value as u32, order);
        high.store((value >> 32) as u32, order);
    }

    pub(in crate::words) fn add(cell: &Cell, n: u64) -> u64 {
        let (low, high) = cell.halves();
        // ORDER: Relaxed. A count orders nothing.
        let below = low.fetch_add(n as u32, Ordering::Relaxed);
        let carry = below.checked_add(n as u32).is_none();
        let step = (n >> 32) + u64::from(carry);
        if step == 0 {
            // ORDER: Relaxed. Only for the value returned.
            return u64::from(high.load(Ordering::Relaxed)) << 32 | u64::from(below);
        }
        // ORDER: Relaxed. As above. Bound: lock-free; a failure is another's success.
        let mut above = high.load(Ordering::Relaxed);
        loop {
            let sum = u64::from(above) + step;
            let kept = u32::try_from(sum).unwrap_or(u32::MAX);
            // ORDER: Relaxed. As above.
            match high.compare_exchange_weak(above, kept, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) if sum > u64::from(u32::MAX) => {
                    // ORDER: Relaxed. The count has passed its end: it stays there.
                    low.store(u32::MAX, Ordering::Relaxed);
                    break;
                }
                Ok(_) => break,
                Err(found) => above = found,
            }
        }
        u64::from(above) << 32 | u64::from(below)
    }
}

#[cfg(test)]
mod tests {
    use super::{native, split};
    use core::sync::atomic::Ordering;
    use proptest::prelude::*;

    #[test]
    fn counts_stop_at_the_greatest_value() {
        for (start, n) in [(u64::MAX, 1), (u64::MAX - 1, 2), (u64::MAX - 5, u64::MAX), (1, u64::MAX)] {
            let (cell, halves) = (native::Cell::new(0), split::Cell::new());
            native::store(&cell, start, Ordering::Relaxed);
            split::store(&halves, start, Ordering::Relaxed);
            assert_eq!((native::add(&cell, n), split::add(&halves, n)), (start, start));
            assert_eq!(native::load(&cell, Ordering::Relaxed), u64::MAX);
            assert_eq!(split::load(&halves, Ordering::Relaxed), u64::MAX);
        }
    }

    proptest! {
        #![proptest_config(crate::proptest_config())]
        #[test]
        fn both_cells_are_a_saturating_sum(steps in proptest::collection::vec(any::<u64>().prop_map(|n| n >> (n % 64)), 1..20)) {
            let (cell, halves) = (native::Cell::new(0), split::Cell::new());
            let mut sum = 0u64;
            for n in steps {
                prop_assert_eq!((native::add(&cell, n), split::add(&halves, n)), (sum, sum));
                sum = sum.saturating_add(n);
            }
            prop_assert_eq!(native::load(&cell, Ordering::Relaxed), sum);
            prop_assert_eq!(split::load(&halves, Ordering::Relaxed), sum);
        }
    }
}
