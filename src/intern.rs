//! One counter for each name that is made at run time. Looking one up takes no lock.

use std::hash::{BuildHasher, Hasher as _};
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use foldhash::fast::FixedState;
use tallymark_core::{Name, NameError};

use crate::{Counter, fork};

/// The counter of a name: the same one for the same name, made at its first use and kept for ever.
///
/// A static [`Counter`] is faster to reach; both may have the same name and then share the place in
/// the file.
///
/// ```
/// for status in [200, 404, 200] {
///     tallymark::counter(&format!("http/status:{status}"))?.inc();
/// }
/// assert_eq!(tallymark::counter("http/status:200")?.waiting(), 2);
/// # Ok::<(), tallymark::NameError>(())
/// ```
///
/// # Errors
///
/// [`NameError`] if the name is empty, longer than 4096 bytes, or has a newline.
pub fn counter(name: &str) -> Result<&'static Counter, NameError> {
    // Only names that have been checked are found.
    match PLAIN.find(name.as_bytes()) {
        Some(found) => Ok(found),
        None => {
            fork::give_way();
            Ok(PLAIN.make(Name::plain(name.as_bytes())?))
        }
    }
}

/// The counter of a stack.
#[cfg(any(test, feature = "stacks"))]
pub(crate) fn stack(name: Name<'_>) -> &'static Counter {
    STACKS.make(name)
}

/// The locks that keep others from making counters.
#[cfg(unix)]
pub(crate) fn locks() -> [&'static Mutex<()>; 2] {
    [&PLAIN, &STACKS].map(|table| &table.growing)
}

static PLAIN: Interned = Interned::new();
#[cfg(any(unix, test, feature = "stacks"))]
static STACKS: Interned = Interned::new();

/// Slots of the first table; each further one has twice as many. A power of two.
const FIRST_SLOTS: usize = 256;

/// An open hash table that is only added to. Each time it has become half full it is copied to one
/// of double size; the old ones, together as large as the newest, stay for readers that are still in
/// them.
struct Interned {
    slots: AtomicPtr<Slots>,
    growing: Mutex<()>,
}

/// Invariant (I1): a slot is null or has the address of a `&'static Counter`; at least half are null.
struct Slots {
    counters: Box<[AtomicPtr<Counter>]>,
    used: AtomicUsize,
}

impl Slots {
    fn new(length: usize) -> Self {
        let counters = (0..length).map(|_| AtomicPtr::new(ptr::null_mut())).collect();
        Slots { counters, used: AtomicUsize::new(0) }
    }

    /// The slot of a name: with its counter, or the empty one where it belongs. Bound: half of the
    /// slots are empty.
    fn find(&self, name: &[u8]) -> (&AtomicPtr<Counter>, Option<&'static Counter>) {
        let mask = self.counters.len() - 1;
        let mut at = hash(name) as usize & mask;
        loop {
            let slot = &self.counters[at];
            let found = slot.load(Ordering::Acquire);
            if found.is_null() {
                return (slot, None);
            }
            // SAFETY: the address of a `&'static Counter` (I1).
            let counter: &'static Counter = unsafe { &*found };
            if counter.name() == name {
                return (slot, Some(counter));
            }
            at = (at + 1) & mask;
        }
    }

    /// Adds a counter whose name is not there yet; for the holder of the lock.
    fn add(&self, counter: &'static Counter) {
        let (slot, _) = self.find(counter.name());
        slot.store(ptr::from_ref(counter).cast_mut(), Ordering::Release);
        self.used.fetch_add(1, Ordering::Relaxed);
    }
}

impl Interned {
    const fn new() -> Self {
        Interned { slots: AtomicPtr::new(ptr::null_mut()), growing: Mutex::new(()) }
    }

    fn slots(&self) -> Option<&'static Slots> {
        let slots = self.slots.load(Ordering::Acquire);
        // SAFETY: null or a table that was leaked.
        unsafe { slots.as_ref() }
    }

    fn find(&self, name: &[u8]) -> Option<&'static Counter> {
        self.slots()?.find(name).1
    }

    #[cold]
    fn make(&self, name: Name<'_>) -> &'static Counter {
        let _lock = self.growing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = self.find(name.bytes()) {
            return found;
        }
        let slots = self.roomy();
        let bytes: &'static [u8] = Box::leak(name.bytes().into());
        let name = Name::new(bytes).unwrap_or_else(|_| unreachable!("it has been a name before"));
        let counter = Box::leak(Box::new(Counter::of(name)));
        slots.add(counter);
        counter
    }

    /// The newest table, with room for one more. For the holder of the lock.
    fn roomy(&self) -> &'static Slots {
        let old = self.slots();
        let length = old.map_or(0, |slots| slots.counters.len());
        if let Some(slots) = old.filter(|slots| slots.used.load(Ordering::Relaxed) < length / 2) {
            return slots;
        }
        let new: &'static Slots = Box::leak(Box::new(Slots::new((length * 2).max(FIRST_SLOTS))));
        for slot in old.iter().flat_map(|slots| &slots.counters) {
            // SAFETY: null or the address of a `&'static Counter` (I1).
            if let Some(counter) = unsafe { slot.load(Ordering::Relaxed).as_ref() } {
                new.add(counter);
            }
        }
        self.slots.store(ptr::from_ref(new).cast_mut(), Ordering::Release);
        new
    }
}

/// A hash that nobody outside can aim at.
fn hash(name: &[u8]) -> u64 {
    static STATE: OnceLock<FixedState> = OnceLock::new();
    let state = STATE.get_or_init(|| FixedState::with_seed(std::hash::RandomState::new().hash_one(0)));
    let mut hasher = state.build_hasher();
    hasher.write(name);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::thread;

    /// Method: threads that intern the same names in different orders, through many growths.
    #[test]
    fn a_name_has_two_counters() {
        let names: Vec<String> = (0..5000).map(|n| format!("interned-{n}")).collect();
        let found: Vec<Vec<usize>> = thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|start| {
                    let names = &names;
                    scope.spawn(move || {
                        let order = (0..names.len()).map(|n| (n * 7919 + start * 1250) % names.len());
                        let mut addresses = vec![0; names.len()];
                        order.for_each(|n| addresses[n] = ptr::from_ref(counter(&names[n]).unwrap()).addr());
                        addresses
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(found.iter().all(|addresses| *addresses == found[0]));
        assert_eq!(found[0].iter().collect::<HashSet<_>>().len(), names.len());
        assert!(names.iter().all(|name| counter(name).unwrap().name() == name.as_bytes()));
    }

    #[test]
    fn a_bad_name_is_interned() {
        assert_eq!(counter("").unwrap_err(), NameError::Empty);
        assert_eq!(counter("a\nb").unwrap_err(), NameError::Newline { at: 1 });
        stack(Name::stack(b"stack\nframe").unwrap());
        assert_eq!(counter("stack\nframe").unwrap_err(), NameError::Newline { at: 5 });
    }
}
