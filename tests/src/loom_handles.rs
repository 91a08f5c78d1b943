//! Handles, their list and the gate made of loom's atomics. Orderings can be weakened one at a time,
//! to see that the protocol then fails.

use std::cell::Cell;

use loom::cell::UnsafeCell;
use loom::sync::atomic::AtomicUsize;
use tallymark_core::counter::gate::{Gate, GateWord};
use tallymark_core::counter::protocol::{Cells, Chain, Link};
use tallymark_core::counter::state::State;
use tallymark_core::words::Ordering;

use crate::weakened;

/// An operation of the protocol that carries an ordering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names of the operations")]
pub enum Operation {
    StateStore,
    StateLoad,
    /// The second look at the state, after an addition to the pending sum.
    StateCheck,
    AddPending,
    TakePending,
    HeadLoad,
    HeadExchange,
    LinkLoad,
    LinkExchange,
    TryEnter,
    Knock,
    Leave,
    LeaveWithNote,
}

/// At most one operation of these, weakened.
pub type Weakened = weakened::Weakened<Operation>;

/// One handle, and its counts in two files. A count exists once its `exists` has been written.
#[derive(Debug)]
pub struct LoomHandle {
    state: AtomicUsize,
    pending: AtomicUsize,
    landed: [AtomicUsize; 2],
    exists: [UnsafeCell<bool>; 2],
    weakened: Weakened,
}

impl LoomHandle {
    /// A handle that the session knows, without a place.
    #[must_use]
    pub fn new(weakened: Weakened) -> Self {
        LoomHandle {
            state: AtomicUsize::new(word_of_state(State::Waiting)),
            pending: AtomicUsize::new(0),
            landed: [AtomicUsize::new(0), AtomicUsize::new(0)],
            exists: [UnsafeCell::new(false), UnsafeCell::new(false)],
            weakened,
        }
    }

    /// Does what has to be done before anybody counts into that file.
    pub fn make(&self, count: usize) {
        // SAFETY: loom reports a read that races with this, before it can do harm.
        self.exists[count].with_mut(|exists| unsafe { *exists = true });
    }

    /// The words, for one addition of one thread.
    #[must_use]
    pub fn cells(&self) -> LoomCells<'_> {
        LoomCells { handle: self, has_added: Cell::new(false) }
    }

    /// What waits, as `Counter::waiting`.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.pending.load(Ordering::Relaxed)
    }

    /// What waits and what has landed.
    #[must_use]
    pub fn sums(&self) -> (usize, usize) {
        (self.waiting(), self.landed.iter().map(|count| count.load(Ordering::Relaxed)).sum())
    }
}

/// The words of a handle as one thread sees them.
#[derive(Debug)]
pub struct LoomCells<'h> {
    handle: &'h LoomHandle,
    has_added: Cell<bool>,
}

impl Cells for LoomCells<'_> {
    type Count = usize;

    fn state(&self, order: Ordering) -> State<usize> {
        let operation = if self.has_added.get() { Operation::StateCheck } else { Operation::StateLoad };
        match self.handle.state.load(self.handle.weakened.at(operation, order)) {
            0 => State::Fresh,
            1 => State::Waiting,
            count => State::Attached(count - 2),
        }
    }

    fn set_state(&self, state: State<usize>, order: Ordering) {
        let order = self.handle.weakened.at(Operation::StateStore, order);
        self.handle.state.store(word_of_state(state), order);
    }

    fn leave_fresh(&self, order: Ordering) {
        let _ = self.handle.state.compare_exchange(0, 1, order, Ordering::Relaxed);
    }

    fn add_pending(&self, n: u64, order: Ordering) {
        self.has_added.set(true);
        let order = self.handle.weakened.at(Operation::AddPending, order);
        self.handle.pending.fetch_add(n as usize, order);
    }

    fn take_pending(&self, order: Ordering) -> u64 {
        let order = self.handle.weakened.at(Operation::TakePending, order);
        self.handle.pending.swap(0, order) as u64
    }

    fn land(&self, count: usize, n: u64) {
        // SAFETY: loom reports a read that races with the write, before it can do harm.
        let exists = self.handle.exists[count].with(|exists| unsafe { *exists });
        assert!(exists, "counted into what is not there yet");
        self.handle.landed[count].fetch_add(n as usize, Ordering::Relaxed);
    }
}

fn word_of_state(state: State<usize>) -> usize {
    match state {
        State::Fresh => 0,
        State::Waiting => 1,
        State::Attached(count) => count + 2,
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
        let order = self.weakened.at(Operation::HeadLoad, Ordering::Acquire);
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
        link_of(self.head.load(self.weakened.at(Operation::HeadLoad, order)))
    }

    fn exchange_head(&self, current: Link<usize>, node: usize, success: Ordering) -> bool {
        let success = self.weakened.at(Operation::HeadExchange, success);
        self.head.compare_exchange(word_of(current), node + 2, success, Ordering::Relaxed).is_ok()
    }

    fn link(&self, node: usize, order: Ordering) -> Link<usize> {
        link_of(self.links[node].load(self.weakened.at(Operation::LinkLoad, order)))
    }

    fn exchange_link(&self, node: usize, current: Link<usize>, next: Link<usize>, success: Ordering) {
        let success = self.weakened.at(Operation::LinkExchange, success);
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
            (Gate::Shut, Gate::Open) => Operation::Leave,
            (Gate::Noted, Gate::Shut) => Operation::LeaveWithNote,
            // `knock` passes on what others have asked for, and asks for AcqRel.
            _ if success == Ordering::Acquire => Operation::TryEnter,
            _ => Operation::Knock,
        };
        let success = self.weakened.at(operation, success);
        let exchanged = self.word.compare_exchange(current as usize, new as usize, success, failure);
        exchanged.map(drop).map_err(gate_of)
    }
}
