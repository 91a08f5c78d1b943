//! Counts that wait in the memory of the process for a place in a file.

#[cfg(target_has_atomic = "64")]
pub(crate) use native::Pending;
#[cfg(not(target_has_atomic = "64"))]
pub(crate) use split::Pending;

/// For machines with 64-bit atomics.
#[cfg(target_has_atomic = "64")]
mod native {
    use core::sync::atomic::{AtomicU64, Ordering};

    /// A sum that is added to and taken away whole. Saturates at `u64::MAX`.
    #[derive(Debug)]
    pub(crate) struct Pending(AtomicU64);

    impl Pending {
        pub(crate) const fn new() -> Self {
            Pending(AtomicU64::new(0))
        }

        /// Adds `n`. Bound: lock-free; a failure is another's success.
        pub(crate) fn add(&self, n: u64, order: Ordering) {
            // ORDER: Relaxed, for the load and for failures: only the exchange carries anything.
            let mut old = self.0.load(Ordering::Relaxed);
            while let Err(found) =
                self.0.compare_exchange_weak(old, old.saturating_add(n), order, Ordering::Relaxed)
            {
                old = found;
            }
        }

        /// Takes everything.
        pub(crate) fn take(&self, order: Ordering) -> u64 {
            self.0.swap(0, order)
        }

        /// What waits.
        pub(crate) fn value(&self) -> u64 {
            // ORDER: Relaxed. A look; who acts on it takes.
            self.0.load(Ordering::Relaxed)
        }
    }
}

/// For machines with 32-bit atomics only: two sums, of the low halves and of the rest. Both are taken
/// apart, so what is taken may be 2^32 too small while a carry is on its way; it is taken next time.
#[cfg(any(test, not(target_has_atomic = "64")))]
mod split {
    use core::sync::atomic::{AtomicU32, Ordering};

    /// A sum that is added to and taken away. Saturates at `u64::MAX`.
    #[derive(Debug)]
    #[expect(unreachable_pub, reason = "tested on every host")]
    pub struct Pending {
        low: AtomicU32,
        high: AtomicU32,
    }

    impl Pending {
        pub(crate) const fn new() -> Self {
            Pending { low: AtomicU32::new(0), high: AtomicU32::new(0) }
        }

        /// Adds `n`. Bound: lock-free; a failure is another's success.
        pub(crate) fn add(&self, n: u64, order: Ordering) {
            let below = self.low.fetch_add(n as u32, order);
            let step = (n >> 32) + u64::from(below.checked_add(n as u32).is_none());
            if step == 0 {
                return;
            }
            // ORDER: Relaxed, for the load and for failures: only the exchange carries anything.
            let mut above = self.high.load(Ordering::Relaxed);
            loop {
                let sum = u32::try_from(u64::from(above) + step).unwrap_or(u32::MAX);
                match self.high.compare_exchange_weak(above, sum, order, Ordering::Relaxed) {
                    Ok(_) => return,
                    Err(found) => above = found,
                }
            }
        }

        /// Takes everything that has arrived.
        pub(crate) fn take(&self, order: Ordering) -> u64 {
            let below = self.low.swap(0, order);
            u64::from(self.high.swap(0, order)) << 32 | u64::from(below)
        }

        /// What waits.
        pub(crate) fn value(&self) -> u64 {
            // ORDER: Relaxed, twice. A look; who acts on it takes.
            let below = self.low.load(Ordering::Relaxed);
            u64::from(self.high.load(Ordering::Relaxed)) << 32 | u64::from(below)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{native, split};
    use core::sync::atomic::Ordering::AcqRel;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(crate::proptest_config())]
        #[test]
        fn what_is_taken_is_what_was_added(steps in proptest::collection::vec(any::<(u64, bool)>().prop_map(|(n, take)| (n >> (n % 64), take)), 1..20)) {
            let (whole, halves) = (native::Pending::new(), split::Pending::new());
            let mut waiting = 0u64;
            for (n, take) in steps {
                // The halves stop at their own ends; sums that pass 2^63 are another test's.
                let n = n >> 6;
                whole.add(n, AcqRel);
                halves.add(n, AcqRel);
                waiting += n;
                prop_assert_eq!((whole.value(), halves.value()), (waiting, waiting));
                if take {
                    prop_assert_eq!((whole.take(AcqRel), halves.take(AcqRel)), (waiting, waiting));
                    waiting = 0;
                }
            }
        }
    }

    #[test]
    fn a_waiting_sum_wraps() {
        let (whole, halves) = (native::Pending::new(), split::Pending::new());
        for n in [u64::MAX - 1, 1, u64::MAX] {
            whole.add(n, AcqRel);
            halves.add(n, AcqRel);
        }
        assert_eq!(whole.take(AcqRel), u64::MAX);
        assert_eq!(halves.take(AcqRel) >> 32, u64::from(u32::MAX));
    }
}
