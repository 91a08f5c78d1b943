//! How the reader falls asleep without missing what the writer does meanwhile.

use core::sync::atomic::Ordering;
use core::time::Duration;

use super::loss::snapshot;
use super::memory::{Memory, Word32};
use super::reader::Reader;
use super::tag::Tag;
use super::wait::Wait;

/// A store of the writer becomes visible to other threads within this time. The reader looks once more
/// after so long a sleep before it sleeps without end: see "sleeping" in docs/ring.md.
pub const SETTLE: Duration = Duration::from_millis(1);

impl<M: Memory, P: Wait<M::Sleeper>, T: Tag> Reader<M, P, T> {
    /// Sleeps until woken, or until there is something that the writer did not wake for because it
    /// looked too early, or until the limit is over.
    pub(super) fn sleep(&self, limit: &mut Option<Duration>) {
        if !self.fall_asleep() {
            return;
        }
        let mut unsettled = SETTLE;
        loop {
            self.nap(&mut unsettled, limit);
            // Not 1, whoever stored that: nobody sleeps at another number.
            // ORDER: Acquire. What the writer stored before it woke us is seen; pairs with its Release
            // store of 0. More than needed: the fence of the next sleep makes it seen at the latest.
            if self.memory.load32(Word32::Sleeping, Ordering::Acquire) != 1 {
                return;
            }
            if *limit == Some(Duration::ZERO) || self.is_awaited() {
                self.stay_awake();
                return;
            }
        }
    }

    /// One sleep: a short one until all stores from before it are visible, then a long one.
    fn nap(&self, unsettled: &mut Duration, limit: &mut Option<Duration>) {
        if *unsettled == Duration::ZERO {
            return self.port.sleep(self.memory.sleeper(), limit);
        }
        let mut short = Some(limit.map_or(*unsettled, |limit| limit.min(*unsettled)));
        let before = short.unwrap_or_default();
        self.port.sleep(self.memory.sleeper(), &mut short);
        let slept = before.saturating_sub(short.unwrap_or_default());
        *unsettled = unsettled.saturating_sub(slept);
        if let Some(limit) = limit {
            *limit = limit.saturating_sub(slept);
        }
    }

    /// Marks the reader as asleep; false if there is something to read after all.
    fn fall_asleep(&self) -> bool {
        // ORDER: Relaxed. The fence orders it.
        self.memory.store32(Word32::Sleeping, 1, Ordering::Relaxed);
        // ORDER: SeqCst fence, between the store of `Sleeping` and the load of `Written`; pairs with the
        // one in `Writer::look_for_sleeper`. Weaker, and both miss each other: the reader sleeps on.
        self.memory.fence(Ordering::SeqCst);
        let is_anything = self.load_written().events_since(self.next) != 0 || self.has_extra();
        if is_anything {
            self.stay_awake();
        }
        !is_anything
    }

    fn stay_awake(&self) {
        // ORDER: Relaxed. A wake that comes later finds nobody, which is as well.
        self.memory.store32(Word32::Sleeping, 0, Ordering::Relaxed);
    }

    /// Whether there is something that a sleeping reader is woken for. Words alone are not: those of
    /// [halves](super::halves) may be seen before their event, or for good without it.
    fn is_awaited(&self) -> bool {
        let written = self.load_written();
        let is_more = written.events_since(self.next) != 0;
        is_more && self.wake.is_reached(self.next, written) || self.has_extra()
    }

    /// Whether a loss or the end waits. Not if the sums are written all the time: who writes them will see
    /// that the reader sleeps.
    fn has_extra(&self) -> bool {
        self.load_written().has_extra()
            && (self.load_end()
                || snapshot(&self.memory).is_some_and(|sums| sums.since(&self.told).is_some()))
    }
}
