//! Handles, their list and the gate made of loom's atomics. Orderings can be weakened one at a time,
//! to see that the protocol then fails.

use loom::cell::UnsafeCell;
use loom::sync::atomic::AtomicUsize;
use tallymark_core::counter::gate::{Gate, GateWord};
use tallymark_core::counter::protocol::{Cells, Chain, Link};
use tallymark_core::counter::state::State;
use tallymark_core::words::Ordering;

/// Which ordering is made Relaxed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names of the operations")]
pub enum Weakened {
    Nothing,
    StateStore,
    StateLoad,
    AddPending,
    TakePending,
    HeadLoad,
    HeadExchange,
    LinkLoad,
    LinkExchange,
    Knock,
    Leave,
    LeaveWithNote,
}

impl Weakened {
    /// The ordering of an operation.
    fn at(self, operation: Weakened, order: Ordering) -> Ordering {
        if self == operation { Ordering::Relaxed } else { order }
    }
}

/// One handle. Its count in a file exists once `exists` has been written.
#[derive(Debug)]
pub struct LoomHandle {
    state: AtomicUsize,
    pending: AtomicUsize,
    /// The count in the file.
    pub landed: AtomicUsize,
    /// What is done to make the count: 1 when it is there.
    pub exists: UnsafeCell<usize>,
    weakened: Weakened,
}

impl LoomHandle {
    /// A handle that is enlisted, if `waiting`.
    #[must_use]
    pub fn new(waiting: bool, weakened: Weakened) -> Self {
        LoomHandle {
            state: AtomicUsize::new(usize::from(waiting)),
            pending: AtomicUsize::new(0),
            landed: AtomicUsize::new(0),
            exists: UnsafeCell::new(0),
            weakened,
        }
    }

    /// What waits and what has landed.
    #[must_use]
    pub fn sums(&self) -> (usize, usize) {
        (self.pending.load(Ordering::Relaxed), self.landed.load(Ordering::Relaxed))
    }
}

impl Cells for LoomHandle {
    type Count = ();

    fn state(&self, order: Ordering) -> State<()> {
        match self.state.load(self.weakened.at(Weakened::StateLoad, order)) {
            0 => State::Fresh,
            1 => State::Waiting,
            _ => State::Attached(()),
        }
    }

    fn set_state(&self, state: State<()>, order: Ordering) {
        let word = match state {
            State::Fresh => 0,
            State::Waiting => 1,
            State::Attached(()) => 2,
        };
        self.state.store(word, self.weakened.at(Weakened::StateStore, order));
    }

    fn leave_fresh(&self, order: Ordering) {
        let _ = self.state.compare_exchange(0, 1, order, Ordering::Relaxed);
    }

    fn add_pending(&self, n: u64, order: Ordering) {
        self.pending.fetch_add(n as usize, self.weakened.at(Weakened::AddPending, order));
    }

    fn take_pending(&self, order: Ordering) -> u64 {
        self.pending.swap(0, self.weakened.at(Weakened::TakePending, order)) as u64
    }

    fn land(&self, (): (), n: u64) {
        // SAFETY: loom reports a read that races with the write, before it can do harm.
        let exists = self.exists.with(|exists| unsafe { *exists });
        assert_eq!(exists, 1, "counted into what is not there yet");
        self.landed.fetch_add(n as usize, Ordering::Relaxed);
    }
}

/// A list of handles by number.
#[derive(Debug)]
pub struct LoomList {
    head: AtomicUsize,
    links: Vec<AtomicUsize>,
    weakened: Weakened,
}

impl LoomList {
    /// An empty list with room for so many.
    #[must_use]
    pub fn new(handles: usize, weakened: Weakened) -> Self {
        let links = (0..handles).map(|_| AtomicUsize::new(0)).collect();
        LoomList { head: AtomicUsize::new(1), links, weakened }
    }

    /// The members, as `Counters::iter` walks them. The head is read by a read-modify-write that changes
    /// nothing: loom tries no order of a load and a later exchange of a thread that loads in between.
    ///
    /// # Panics
    ///
    /// If a member's link is not set or the list has a ring.
    #[must_use]
    pub fn members(&self) -> Vec<usize> {
        let mut members = Vec::new();
        let order = self.weakened.at(Weakened::HeadLoad, Ordering::Acquire);
        let mut at = link_of(self.head.fetch_add(0, order));
        while let Link::To(member) = at {
            assert!(!members.contains(&member), "a handle is in the list twice");
            members.push(member);
            at = self.link(member, Ordering::Relaxed);
            assert_ne!(at, Link::Unset, "a member is seen without its link");
        }
        members
    }
}

fn link_of(word: usize) -> Link<usize> {
    match word {
        0 => Link::Unset,
        1 => Link::End,
        node => Link::To(node - 2),
    }
}

fn word_of(link: Link<usize>) -> usize {
    match link {
        Link::Unset => 0,
        Link::End => 1,
        Link::To(node) => node + 2,
    }
}

impl Chain for LoomList {
    type Node = usize;

    fn head(&self, order: Ordering) -> Link<usize> {
        link_of(self.head.load(self.weakened.at(Weakened::HeadLoad, order)))
    }

    fn exchange_head(&self, current: Link<usize>, node: usize, success: Ordering) -> bool {
        let success = self.weakened.at(Weakened::HeadExchange, success);
        self.head.compare_exchange(word_of(current), node + 2, success, Ordering::Relaxed).is_ok()
    }

    fn link(&self, node: usize, order: Ordering) -> Link<usize> {
        link_of(self.links[node].load(self.weakened.at(Weakened::LinkLoad, order)))
    }

    fn exchange_link(&self, node: usize, current: Link<usize>, next: Link<usize>, success: Ordering) {
        let success = self.weakened.at(Weakened::LinkExchange, success);
        let words = (word_of(current), word_of(next));
        let _ = self.links[node].compare_exchange(words.0, words.1, success, Ordering::Relaxed);
    }
}

/// A gate.
#[derive(Debug)]
pub struct LoomGate {
    word: AtomicUsize,
    weakened: Weakened,
}

impl LoomGate {
    /// An open gate.
    #[must_use]
    pub fn new(weakened: Weakened) -> Self {
        LoomGate { word: AtomicUsize::new(0), weakened }
    }
}

fn gate_of(word: usize) -> Gate {
    match word {
        0 => Gate::Open,
        1 => Gate::Shut,
        _ => Gate::Noted,
    }
}

impl GateWord for LoomGate {
    fn load(&self, order: Ordering) -> Gate {
        gate_of(self.word.load(order))
    }

    fn exchange(&self, current: Gate, new: Gate, success: Ordering, failure: Ordering) -> Result<(), Gate> {
        let operation = match (current, new) {
            (Gate::Shut, Gate::Open) => Weakened::Leave,
            (Gate::Noted, Gate::Shut) => Weakened::LeaveWithNote,
            _ => Weakened::Knock,
        };
        let success = self.weakened.at(operation, success);
        let exchanged = self.word.compare_exchange(current as usize, new as usize, success, failure);
        exchanged.map(drop).map_err(gate_of)
    }
}
