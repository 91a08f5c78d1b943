//! A 64-bit word as two 32-bit words, for machines without 64-bit atomics. No lock: an interrupt handler
//! could find it taken.
//!
//! The low half is stored first and loaded last, so it is never older than the high half. Of an index
//! the high half, the events, is what counts; of words newer than that the protocol makes no use.
//!
//! Somebody who is killed, or a machine that is reset, between the two leaves a low half that is newer for
//! good. `Written`, from which the next writer goes on, therefore has a second word beside it that is stored
//! first: if the high halves of the two differ, the store was begun, and [`recover`] ends it. (What the
//! next reader goes on from lies in two copies.)

use core::sync::atomic::Ordering;

/// The halves, for simulators as well as for memory.
pub trait HalfWords {
    /// Loads a half.
    fn load(&self, half: Half, order: Ordering) -> u32;

    /// Stores a half.
    fn store(&self, half: Half, value: u32, order: Ordering);
}

/// One half of the word, or of the one beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    /// The low half.
    Low,
    /// The high half.
    High,
    /// The low half of what is being stored.
    NextLow,
    /// The high half of what is being stored.
    NextHigh,
}

/// The value: its high half is a value's that was stored, its low half the same value's or a later one's.
#[inline(always)]
pub fn load(words: &impl HalfWords, order: Ordering) -> u64 {
    let high = words.load(Half::High, order);
    u64::from(high) << 32 | u64::from(words.load(Half::Low, order))
}

/// Stores a value.
#[inline(always)]
pub fn store(words: &impl HalfWords, value: u64, order: Ordering) {
    words.store(Half::Low, value as u32, order);
    words.store(Half::High, (value >> 32) as u32, order);
}

/// Stores a value that [`recover`] finds, whatever happens meanwhile.
#[inline(always)]
pub fn store_next(words: &impl HalfWords, value: u64, order: Ordering) {
    words.store(Half::NextLow, value as u32, order);
    words.store(Half::NextHigh, (value >> 32) as u32, order);
    store(words, value, order);
}

/// The value as [`store_next`] left it: all of it or nothing. Ends what was begun.
pub fn recover(words: &impl HalfWords) -> u64 {
    // ORDER: Acquire, here and below. Pairs with the stores of the owner before.
    let next_high = words.load(Half::NextHigh, Ordering::Acquire);
    if words.load(Half::High, Ordering::Acquire) != next_high {
        let next_low = words.load(Half::NextLow, Ordering::Acquire);
        // ORDER: Release. What the owner before stored is published as by itself.
        store(words, u64::from(next_high) << 32 | u64::from(next_low), Ordering::Release);
    }
    load(words, Ordering::Acquire)
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::cell::{Cell, RefCell};

    /// Words whose owner is killed after so many stores.
    #[derive(Default)]
    struct Mortal {
        words: RefCell<[u32; 4]>,
        stores_left: Cell<usize>,
    }

    impl HalfWords for Mortal {
        fn load(&self, half: Half, _: Ordering) -> u32 {
            self.words.borrow()[half as usize]
        }

        fn store(&self, half: Half, value: u32, _: Ordering) {
            if let Some(left) = self.stores_left.get().checked_sub(1) {
                self.stores_left.set(left);
                self.words.borrow_mut()[half as usize] = value;
            }
        }
    }

    #[test]
    fn a_store_is_found_half_done() {
        for (old, new) in [(0, 5 << 32 | 7), (5 << 32 | 7, 6 << 32 | 3), (5 << 32 | 7, 5 << 32 | 7 | 2 << 32)]
        {
            for stores in 0..=4 {
                let words = Mortal::default();
                words.stores_left.set(usize::MAX);
                store_next(&words, old, Ordering::Release);
                words.stores_left.set(stores);
                store_next(&words, new, Ordering::Release);
                words.stores_left.set(usize::MAX);
                let expected = if stores < 2 { old } else { new };
                assert_eq!(recover(&words), expected, "{old:x} {new:x} {stores}");
                assert_eq!(load(&words, Ordering::Acquire), expected);
                assert_eq!(recover(&words), expected);
            }
        }
    }
}
