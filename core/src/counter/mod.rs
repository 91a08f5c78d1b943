//! Handles: a counter by name, ready before any file is, at one load and one addition a count.
//!
//! A [`Counter`] is a static. It belongs to one [`Session`], which gives it
//! its place in a file and takes it away again when the week ends; what is counted while there is no
//! place waits in the handle. The steps are in [`protocol`], over a small trait, so that the same code
//! runs on atomics, on loom's, and in a simulator.

pub mod gate;
pub mod protocol;
pub mod state;

use core::fmt;
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicU32};

use crate::format::name::Name;
use crate::port::Host;
use crate::session::Session;
use crate::words::{Count, Ordering, Pending};
use gate::{Gate, GateWord};
use protocol::{Cells, Chain, Link};
use state::State;

/// A counter by name: where its counts go now, and those that wait.
///
/// Invariants: (C1) an address in `target` is that of a `&'static Count`; (C2) an address in `next`
/// is that of a `&'static Counter`, or the mark for the end.
pub struct Counter<H: Host + 'static> {
    target: AtomicPtr<Count>,
    next: AtomicPtr<Counter<H>>,
    pending: Pending,
    name: Name<'static>,
    session: &'static Session<H>,
}

impl<H: Host> Counter<H> {
    /// A counter of a session. It costs nothing at start-up, and is in no file before it has counted.
    #[must_use]
    pub const fn new(session: &'static Session<H>, name: Name<'static>) -> Self {
        Counter {
            target: AtomicPtr::new(ptr::null_mut()),
            next: AtomicPtr::new(ptr::null_mut()),
            pending: Pending::new(),
            name,
            session,
        }
    }

    /// Counts `n`.
    ///
    /// With a place in a file this is one load and one atomic addition, without a lock, an allocation
    /// or a system call. Without one the count waits in the handle, and the session is asked to find
    /// a place; in a signal handler too, as far as the [`Host`] may be called there.
    #[inline]
    pub fn add(&'static self, n: u64) {
        // As `protocol::add` begins; here, so that what is seldom done costs no instruction.
        match self.target() {
            Some(count) => {
                count.add(n);
            }
            None => self.add_slowly(n),
        }
    }

    #[cold]
    #[inline(never)]
    fn add_slowly(&'static self, n: u64) {
        if !protocol::add(self, self.session.counters(), Member(self), n) {
            self.session.serve(self);
        }
    }

    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &Name<'static> {
        &self.name
    }

    /// Counts that wait for a place in a file.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.pending.value()
    }

    /// Its place in a file, if it has one now.
    #[inline]
    #[must_use]
    pub fn target(&self) -> Option<&'static Count> {
        // ORDER: Acquire. As in `protocol::add`.
        let target = self.target.load(Ordering::Acquire);
        // SAFETY: the address of a `&'static Count` (C1).
        State::is_attached(target.addr()).then(|| unsafe { &*target })
    }
}

/// The mark for the end of a list: no counter is at this address.
const fn end<H: Host>() -> *mut Counter<H> {
    ptr::without_provenance_mut(align_of::<Counter<H>>())
}

impl<H: Host> Cells for Counter<H> {
    type Count = &'static Count;

    #[inline]
    fn state(&self, order: Ordering) -> State<&'static Count> {
        let target = self.target.load(order);
        match State::of_bits(target.addr()) {
            // SAFETY: the address of a `&'static Count` (C1).
            State::Attached(_) => State::Attached(unsafe { &*target }),
            State::Waiting => State::Waiting,
            State::Fresh => State::Fresh,
        }
    }

    fn set_state(&self, state: State<&'static Count>, order: Ordering) {
        self.target.store(pointer(state), order);
    }

    fn leave_fresh(&self, order: Ordering) {
        let (fresh, waiting) = (pointer(State::Fresh), pointer(State::Waiting));
        // ORDER: Relaxed, if it was not fresh: nothing is done then.
        let _ = self.target.compare_exchange(fresh, waiting, order, Ordering::Relaxed);
    }

    fn add_pending(&self, n: u64, order: Ordering) {
        self.pending.add(n, order);
    }

    fn take_pending(&self, order: Ordering) -> u64 {
        self.pending.take(order)
    }

    #[inline]
    fn land(&self, count: &'static Count, n: u64) {
        count.add(n);
    }
}

/// The word of a state.
fn pointer(state: State<&'static Count>) -> *mut Count {
    match state {
        State::Attached(count) => ptr::from_ref(count).cast_mut(),
        State::Waiting => ptr::without_provenance_mut(State::Waiting.bits()),
        State::Fresh => ptr::without_provenance_mut(State::Fresh.bits()),
    }
}

impl<H: Host> fmt::Debug for Counter<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counter")
            .field("name", &self.name)
            // ORDER: Relaxed. For people.
            .field("state", &self.state(Ordering::Relaxed))
            .field("waiting", &self.waiting())
            .finish()
    }
}

/// The counters of a session, the youngest first.
pub struct Counters<H: Host + 'static>(AtomicPtr<Counter<H>>);

impl<H: Host> Counters<H> {
    pub(crate) const fn new() -> Self {
        Counters(AtomicPtr::new(end()))
    }

    /// All that are enlisted now.
    pub fn iter(&self) -> impl Iterator<Item = &'static Counter<H>> {
        // ORDER: Acquire. As in `protocol::enlist`.
        let mut at = self.head(Ordering::Acquire);
        core::iter::from_fn(move || {
            let Link::To(member) = at else { return None };
            // ORDER: Relaxed. A member's link does not change any more.
            at = self.link(member, Ordering::Relaxed);
            Some(member.0)
        })
    }
}

/// A counter as a member of a list: equal if it is the same one.
pub struct Member<H: Host + 'static>(&'static Counter<H>);

impl<H: Host> Clone for Member<H> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<H: Host> Copy for Member<H> {}

impl<H: Host> PartialEq for Member<H> {
    fn eq(&self, other: &Self) -> bool {
        ptr::eq(self.0, other.0)
    }
}

/// The link of a word.
fn link<H: Host>(address: *mut Counter<H>) -> Link<Member<H>> {
    if address.is_null() {
        Link::Unset
    } else if address == end() {
        Link::End
    } else {
        // SAFETY: the address of a `&'static Counter` (C2).
        Link::To(Member(unsafe { &*address }))
    }
}

/// The word of a link.
fn address<H: Host>(link: Link<Member<H>>) -> *mut Counter<H> {
    match link {
        Link::Unset => ptr::null_mut(),
        Link::End => end(),
        Link::To(Member(counter)) => ptr::from_ref(counter).cast_mut(),
    }
}

impl<H: Host> Chain for Counters<H> {
    type Node = Member<H>;

    fn head(&self, order: Ordering) -> Link<Member<H>> {
        link(self.0.load(order))
    }

    fn exchange_head(&self, current: Link<Member<H>>, node: Member<H>, success: Ordering) -> bool {
        let new = address(Link::To(node));
        // ORDER: Relaxed, on failure: the head is loaded again.
        self.0.compare_exchange(address(current), new, success, Ordering::Relaxed).is_ok()
    }

    fn link(&self, node: Member<H>, order: Ordering) -> Link<Member<H>> {
        link(node.0.next.load(order))
    }

    fn exchange_link(
        &self,
        node: Member<H>,
        current: Link<Member<H>>,
        next: Link<Member<H>>,
        success: Ordering,
    ) {
        // ORDER: Relaxed, on failure: the link is loaded again.
        let _ = node.0.next.compare_exchange(address(current), address(next), success, Ordering::Relaxed);
    }
}

/// The gate of a session.
#[derive(Debug)]
pub(crate) struct GateCell(AtomicU32);

impl GateCell {
    pub(crate) const fn new() -> Self {
        GateCell(AtomicU32::new(Gate::Open.bits()))
    }
}

impl GateWord for GateCell {
    fn load(&self, order: Ordering) -> Gate {
        Gate::of_bits(self.0.load(order))
    }

    fn exchange(&self, current: Gate, new: Gate, success: Ordering, failure: Ordering) -> Result<(), Gate> {
        match self.0.compare_exchange(current.bits(), new.bits(), success, failure) {
            Ok(_) => Ok(()),
            Err(found) => Err(Gate::of_bits(found)),
        }
    }
}
