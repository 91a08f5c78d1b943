//! The protocol of a handle: count, wait, enlist, attach, detach, settle.
//!
//! Every thread may [`add`] at any time, in a signal handler too. One thread at a time, the one that
//! holds the session's [gate](super::gate), may [`attach`] and [`detach`]. Why no count is lost
//! (invariant H1):
//!
//! * A count that finds the handle attached goes to the file, also if the handle is detached or
//!   attached elsewhere meanwhile: the count it goes to lasts for ever.
//! * Any other is added to the pending sum by a read-modify-write, and then the state is looked at
//!   once more. `attach` stores the state and then takes the sum, by a read-modify-write of the same
//!   word. Whichever of the two comes first in the order of that word: if the addition does, it is
//!   taken; if the taking does, the addition has seen it and sees the state as well, and settles the
//!   sum itself.
//!
//! The handles of a session are a list that only grows. Enlisting has no step at which a thread that
//! stops there keeps others waiting: everyone who finds it begun finishes it.

use super::state::State;
use crate::words::Ordering;

/// The words of one handle.
pub trait Cells {
    /// A count in a file.
    type Count: Copy;

    /// Loads the state.
    fn state(&self, order: Ordering) -> State<Self::Count>;

    /// Stores a state that may follow; for the holder of the gate.
    fn set_state(&self, state: State<Self::Count>, order: Ordering);

    /// Makes the state `Waiting` if it is `Fresh`.
    fn leave_fresh(&self, order: Ordering);

    /// Adds to the pending sum, stopping at `u64::MAX`.
    fn add_pending(&self, n: u64, order: Ordering);

    /// Takes the pending sum away.
    fn take_pending(&self, order: Ordering) -> u64;

    /// Adds to a count in a file.
    fn land(&self, count: Self::Count, n: u64);
}

/// What a member of a list is followed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Link<N> {
    /// Nobody has begun to enlist it.
    Unset,
    /// Nothing: it is, or may become, the first that was enlisted.
    End,
    /// The member that was enlisted before it.
    To(N),
}

/// A list of handles that only grows, and grows at its head.
pub trait Chain {
    /// A handle.
    type Node: Copy + PartialEq;

    /// Loads the head: `End` or `To`.
    fn head(&self, order: Ordering) -> Link<Self::Node>;

    /// Makes `node` the head if the head is `current`.
    fn exchange_head(&self, current: Link<Self::Node>, node: Self::Node, success: Ordering) -> bool;

    /// Loads what follows a handle.
    fn link(&self, node: Self::Node, order: Ordering) -> Link<Self::Node>;

    /// Makes `next` follow `node` if `current` does.
    fn exchange_link(
        &self,
        node: Self::Node,
        current: Link<Self::Node>,
        next: Link<Self::Node>,
        success: Ordering,
    );
}

/// Counts: into the file if the handle is attached, else into the pending sum. False if it waits.
#[inline]
pub fn add<C: Cells, L: Chain>(cells: &C, list: &L, node: L::Node, n: u64) -> bool {
    // ORDER: Acquire. Pairs with the Release in `attach`: what was done to make the count exist is
    // done before it is touched.
    match cells.state(Ordering::Acquire) {
        State::Attached(count) => {
            cells.land(count, n);
            true
        }
        State::Fresh => {
            enlist(list, node);
            // ORDER: Relaxed. The list says that the handle is in it; this only saves the next look.
            cells.leave_fresh(Ordering::Relaxed);
            wait(cells, n)
        }
        State::Waiting => wait(cells, n),
    }
}

/// Adds to the pending sum, and settles it if the handle has been attached meanwhile.
#[cold]
fn wait<C: Cells>(cells: &C, n: u64) -> bool {
    // ORDER: AcqRel. Acquire: pairs with the Release of the taking in `settle`; if that came before, the
    // state stored before it is seen below. Weaker fails the loom test `attach`. Release is more than
    // needed: who takes the sum reads nothing else through it.
    cells.add_pending(n, Ordering::AcqRel);
    // ORDER: Acquire. As in `add`.
    match cells.state(Ordering::Acquire) {
        State::Attached(count) => {
            settle(cells, count);
            true
        }
        _ => false,
    }
}

/// Moves what waits into a count.
pub fn settle<C: Cells>(cells: &C, count: C::Count) {
    // ORDER: AcqRel. Release: pairs with the Acquire of the addition in `wait`, as said there. Acquire
    // is more than needed, for the same reason as there.
    let n = cells.take_pending(Ordering::AcqRel);
    if n > 0 {
        cells.land(count, n);
    }
}

/// Sends the counts of an enlisted handle to `count`, those that wait too. For the holder of the gate.
pub fn attach<C: Cells>(cells: &C, count: C::Count) {
    // ORDER: Release. Publishes the count; pairs with the Acquire in `add`. That later additions to
    // the pending sum see it is the work of `settle`.
    cells.set_state(State::Attached(count), Ordering::Release);
    settle(cells, count);
}

/// Lets the counts of an enlisted handle wait. For the holder of the gate.
pub fn detach<C: Cells>(cells: &C) {
    // ORDER: Relaxed. Who still sees the old count adds to it, and it lasts.
    cells.set_state(State::Waiting, Ordering::Relaxed);
}

/// Puts a handle into the list, once. After this it is there, whoever has put it.
///
/// Lock-free. Bound: one turn for each handle that is enlisted meanwhile, and one step for each that
/// was enlisted since this one was begun.
///
/// Why it is there once: a link is only ever set to a head seen, and no head comes again, because
/// nothing leaves the list. The head is exchanged for the handle only while it is what the handle
/// links to. So once a later head has been seen, and the handle not found behind it, no exchange with
/// the old link can succeed any more, and the link may be changed. The link is looked at before the
/// head: a head older than the link would take the link back under the hands of one who is just
/// exchanging the head.
pub fn enlist<L: Chain>(list: &L, node: L::Node) {
    loop {
        // ORDER: Acquire. Pairs with the Release of the exchange of the link below: the head that the
        // link was set to is seen, so the head loaded next is that one or a later one.
        let link = list.link(node, Ordering::Acquire);
        // ORDER: Acquire. Pairs with the Release of the exchange of the head: the links behind it are
        // seen. Weaker fails the loom test `enlist`.
        let head = list.head(Ordering::Acquire);
        if link == head {
            // ORDER: Release. Publishes the link; pairs with the Acquire of the head above.
            if list.exchange_head(head, node, Ordering::Release) {
                return;
            }
        } else if link != Link::Unset && is_between(list, node, head, link) {
            return;
        } else {
            // ORDER: Release. As said above.
            list.exchange_link(node, link, head, Ordering::Release);
        }
    }
}

/// Whether `node` is in the list from `head` up to `until`, which has been a head before.
fn is_between<L: Chain>(list: &L, node: L::Node, head: Link<L::Node>, until: Link<L::Node>) -> bool {
    let mut at = head;
    while let Link::To(member) = at
        && at != until
    {
        if member == node {
            return true;
        }
        // ORDER: Relaxed. A member's link does not change any more, and is seen through the head.
        at = list.link(member, Ordering::Relaxed);
    }
    false
}
