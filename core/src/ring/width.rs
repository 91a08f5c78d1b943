//! How 64-bit words are stored, chosen by what the machine can do, and how the words of events are.

use core::ptr::NonNull;
use core::sync::atomic::{AtomicU32, Ordering};

use super::halves::{self, Half, HalfWords};

/// Atomic loads and stores of a 64-bit word.
///
/// # Safety
///
/// Implementations touch the 8 bytes at `at`, for `store_next` and `recover` also those behind them, and
/// nothing else, by atomic operations of one width.
pub unsafe trait Width {
    /// Bytes of the widest atomic operation: what the header of a ring says of it.
    const BYTES: u32;

    /// Loads a word.
    ///
    /// # Safety
    ///
    /// `at` is a multiple of 8, the 8 bytes are valid for atomics of this width.
    unsafe fn load(at: NonNull<u64>, order: Ordering) -> u64;

    /// Stores a word.
    ///
    /// # Safety
    ///
    /// As [`Width::load`].
    unsafe fn store(at: NonNull<u64>, value: u64, order: Ordering);

    /// Stores a word so that [`Width::recover`] finds it stored or not stored, whenever this is killed.
    ///
    /// # Safety
    ///
    /// As [`Width::load`], for the word behind it as well.
    // SAFETY: as the trait asks of callers.
    #[inline(always)]
    unsafe fn store_next(at: NonNull<u64>, value: u64, order: Ordering) {
        // SAFETY: as the caller promises.
        unsafe { Self::store(at, value, order) };
    }

    /// The word as the last [`Width::store_next`] left it.
    ///
    /// # Safety
    ///
    /// As [`Width::store_next`]; nobody else stores the word meanwhile.
    // SAFETY: as the trait asks of callers.
    unsafe fn recover(at: NonNull<u64>) -> u64 {
        // ORDER: Acquire. Pairs with the store of the owner before.
        // SAFETY: as the caller promises.
        unsafe { Self::load(at, Ordering::Acquire) }
    }
}

/// One 64-bit atomic: the layout of Go.
#[cfg(target_has_atomic = "64")]
#[derive(Clone, Copy, Debug)]
pub enum Whole {}

// SAFETY: one AtomicU64 at `at`.
#[cfg(target_has_atomic = "64")]
unsafe impl Width for Whole {
    const BYTES: u32 = 8;

    // SAFETY: as the trait asks of callers.
    #[inline(always)]
    unsafe fn load(at: NonNull<u64>, order: Ordering) -> u64 {
        // SAFETY: as the caller promises.
        let word = unsafe { core::sync::atomic::AtomicU64::from_ptr(at.as_ptr()) };
        word.load(order)
    }

    // SAFETY: as the trait asks of callers.
    #[inline(always)]
    unsafe fn store(at: NonNull<u64>, value: u64, order: Ordering) {
        // SAFETY: as the caller promises.
        let word = unsafe { core::sync::atomic::AtomicU64::from_ptr(at.as_ptr()) };
        word.store(value, order);
    }
}

/// Two 32-bit atomics, for machines that have no wider ones: see [`halves`].
#[derive(Clone, Copy, Debug)]
pub enum Halves {}

/// The halves of a word in memory, and of the word behind it.
///
/// Invariant (P1): `at` is a multiple of 8; the 8 bytes at `at` are valid for 32-bit atomics as long as
/// this lives, and so are the 8 bytes behind them if `NextLow` or `NextHigh` is asked for.
struct Pair(NonNull<AtomicU32>);

impl Pair {
    #[inline(always)]
    fn half(&self, half: Half) -> &AtomicU32 {
        let is_high = matches!(half, Half::High | Half::NextHigh);
        let in_word = usize::from(is_high == cfg!(target_endian = "little"));
        let at = in_word + if matches!(half, Half::NextLow | Half::NextHigh) { 2 } else { 0 };
        // SAFETY: inside the 8 or 16 bytes (P1).
        let half = unsafe { self.0.add(at) };
        // SAFETY: (P1).
        unsafe { half.as_ref() }
    }
}

impl HalfWords for Pair {
    #[inline(always)]
    fn load(&self, half: Half, order: Ordering) -> u32 {
        self.half(half).load(order)
    }

    #[inline(always)]
    fn store(&self, half: Half, value: u32, order: Ordering) {
        self.half(half).store(value, order);
    }
}

// SAFETY: AtomicU32s, two for each word.
unsafe impl Width for Halves {
    const BYTES: u32 = 4;

    // SAFETY: as the trait asks of callers; so for the others below.
    #[inline(always)]
    unsafe fn load(at: NonNull<u64>, order: Ordering) -> u64 {
        halves::load(&Pair(at.cast()), order)
    }

    // SAFETY: as above.
    #[inline(always)]
    unsafe fn store(at: NonNull<u64>, value: u64, order: Ordering) {
        halves::store(&Pair(at.cast()), value, order);
    }

    // SAFETY: as above.
    #[inline(always)]
    unsafe fn store_next(at: NonNull<u64>, value: u64, order: Ordering) {
        halves::store_next(&Pair(at.cast()), value, order);
    }

    // SAFETY: as above.
    unsafe fn recover(at: NonNull<u64>) -> u64 {
        halves::recover(&Pair(at.cast()))
    }
}

/// What this machine can do best.
#[cfg(target_has_atomic = "64")]
pub type Native = Whole;
/// What this machine can do best.
#[cfg(not(target_has_atomic = "64"))]
pub type Native = Halves;

/// How the words of events, which belong to one end at a time, are read and written.
///
/// # Safety
///
/// Implementations touch exactly the words that they are given.
pub unsafe trait Access {
    /// Loads a word.
    ///
    /// # Safety
    ///
    /// `at` is a multiple of 8 and valid for reads of 8 bytes in the way of this access.
    unsafe fn load<W: Width>(at: NonNull<u64>) -> u64;

    /// Stores a word.
    ///
    /// # Safety
    ///
    /// `at` is a multiple of 8 and valid for writes of 8 bytes in the way of this access.
    unsafe fn store<W: Width>(at: NonNull<u64>, value: u64);

    /// Stores the addresses, a word each.
    ///
    /// # Safety
    ///
    /// As [`Access::store`], for `frames.len()` words.
    // SAFETY: as the trait asks of callers.
    #[inline(always)]
    unsafe fn store_frames<W: Width>(at: NonNull<u64>, frames: &[usize]) {
        let mut at = at;
        for &frame in frames {
            // SAFETY: one of the words.
            unsafe { Self::store::<W>(at, frame as u64) };
            // SAFETY: at most one past the last of the words.
            at = unsafe { at.add(1) };
        }
    }
}

/// Plain memory: nobody else touches the words that the protocol gives to this end.
#[derive(Clone, Copy, Debug)]
pub enum Plain {}

// SAFETY: one read or write of the word at `at`.
unsafe impl Access for Plain {
    // SAFETY: as the trait asks of callers.
    #[inline(always)]
    unsafe fn load<W: Width>(at: NonNull<u64>) -> u64 {
        // SAFETY: as the caller promises.
        unsafe { at.read() }
    }

    // SAFETY: as the trait asks of callers.
    #[inline(always)]
    unsafe fn store<W: Width>(at: NonNull<u64>, value: u64) {
        // SAFETY: as the caller promises.
        unsafe { at.write(value) };
    }

    #[cfg(target_pointer_width = "64")]
    // SAFETY: as the trait asks of callers.
    #[inline(always)]
    unsafe fn store_frames<W: Width>(at: NonNull<u64>, frames: &[usize]) {
        let from = NonNull::from(frames).cast::<u64>();
        // SAFETY: as many words as there are frames, of the same size. The protocol gives the words in the
        // ring to the writer alone, so the frames are none of them.
        unsafe { at.copy_from_nonoverlapping(from, frames.len()) };
    }
}

/// Memory that another process, a device or a debugger may write at any time: each word is an atomic.
#[derive(Clone, Copy, Debug)]
pub enum Shared {}

// SAFETY: one access of that width.
unsafe impl Access for Shared {
    // SAFETY: as the trait asks of callers.
    #[inline(always)]
    unsafe fn load<W: Width>(at: NonNull<u64>) -> u64 {
        // ORDER: Relaxed. Ordered by the index; if the other side breaks the protocol, by nothing.
        // SAFETY: as the caller promises.
        unsafe { W::load(at, Ordering::Relaxed) }
    }

    // SAFETY: as the trait asks of callers.
    #[inline(always)]
    unsafe fn store<W: Width>(at: NonNull<u64>, value: u64) {
        // ORDER: Relaxed. As above.
        // SAFETY: as the caller promises.
        unsafe { W::store(at, value, Ordering::Relaxed) };
    }
}
