//! One step out of code that runs to its end; see [`replay`](crate::sim::replay) for the method.

use std::cell::{Cell, RefCell};

use tallymark_core::counter::gate::{Gate, GateWord};
use tallymark_core::counter::protocol::{Cells, Chain, Link};
use tallymark_core::counter::state::State;
use tallymark_core::words::Ordering;

use super::world::World;
use crate::sim::recorder::Recorder;

/// One memory operation, for people and for the books.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// A load of a word.
    Load(&'static str, u8),
    /// A store, or an exchange that need not succeed.
    Store(&'static str, u8, u8),
    /// A store of the state of a handle.
    StoreState(u8, u8),
    /// An addition to a pending sum.
    Wait(u8, u8),
    /// A pending sum is taken away.
    Take(u8, u8),
    /// An addition to a count in a file.
    Land(u8, u8),
    /// The gate is entered.
    Enter,
    /// The gate is left.
    Leave,
}

/// What a run has come to.
pub(super) struct Outcome {
    /// What the step did, and what came along with it.
    pub(super) actions: Vec<Action>,
    pub(super) is_over: bool,
}

/// The memory of one actor that takes one step.
pub(super) struct Stepping<'s> {
    recorder: Recorder<'s, World, u8>,
    actions: RefCell<Vec<Action>>,
    is_waiting: Cell<bool>,
}

impl<'s> Stepping<'s> {
    pub(super) fn new(world: &'s mut World, history: &'s mut Vec<u8>) -> Self {
        let recorder = Recorder::new(world, history);
        Stepping { recorder, actions: RefCell::new(Vec::new()), is_waiting: Cell::new(false) }
    }

    /// `None` if the actor waits before the gate.
    pub(super) fn outcome(self) -> Option<Outcome> {
        let is_over = self.recorder.is_over();
        (!self.is_waiting.get()).then(|| Outcome { actions: self.actions.into_inner(), is_over })
    }

    /// One operation; `perform` says its result and what was done.
    fn step(&self, perform: impl FnOnce(&mut World) -> (u8, Action), dream: u8) -> u8 {
        self.recorder.step(|world| self.noted(perform(world)), dream)
    }

    /// One operation that comes with the step before.
    fn along(&self, perform: impl FnOnce(&mut World) -> (u8, Action), dream: u8) -> u8 {
        self.recorder.along(|world| self.noted(perform(world)), dream)
    }

    fn noted(&self, (result, action): (u8, Action)) -> u8 {
        self.actions.borrow_mut().push(action);
        result
    }

    fn load(&self, what: &'static str, read: impl FnOnce(&World) -> u8, dream: u8) -> u8 {
        self.step(
            |world| {
                let value = read(world);
                (value, Action::Load(what, value))
            },
            dream,
        )
    }

    pub(super) fn cells(&self, handle: u8) -> Handle<'_, 's> {
        Handle { memory: self, handle }
    }

    pub(super) fn count(&self, file: u8, handle: u8) -> u8 {
        file * 2 + handle
    }

    /// As `Counter::target`.
    pub(super) fn target(&self, handle: u8) -> Option<u8> {
        match self.cells(handle).state(Ordering::Acquire) {
            State::Attached(count) => Some(count),
            _ => None,
        }
    }

    pub(super) fn is_waiting(&self, handle: u8) -> bool {
        self.load("pending", |world| world.pending[handle as usize], 0) > 0
    }

    /// Whether a handle has left `Fresh` and has no place.
    pub(super) fn is_known(&self, handle: u8) -> bool {
        self.cells(handle).state(Ordering::Acquire) == State::Waiting
    }

    pub(super) fn open_file(&self) -> Option<u8> {
        // Only who is inside the gate changes it.
        self.along(|world| (world.open, Action::Load("open file", world.open)), 0).checked_sub(1)
    }

    /// Another file is open from now on, or none.
    pub(super) fn open_next(&self, any: bool) {
        // Only who is inside the gate looks at it.
        self.along(
            |world| {
                world.open = if any { world.files + 1 } else { 0 };
                world.files += u8::from(any);
                (0, Action::Store("open file", 0, world.open))
            },
            0,
        );
    }

    /// As `Counters::iter`.
    pub(super) fn members(&self) -> impl Iterator<Item = u8> {
        let mut at = self.head(Ordering::Acquire);
        std::iter::from_fn(move || {
            let Link::To(member) = at else { return None };
            // A member's link does not change any more.
            at = link_of(self.along(
                |world| {
                    let link = world.links[member as usize];
                    (link, Action::Load("link", link))
                },
                1,
            ));
            Some(member)
        })
    }

    /// The gate is shut: this step is none. In a dream the gate is open.
    pub(super) fn wait_for_the_gate(&self) {
        self.is_waiting.set(true);
    }
}

/// One handle.
pub(super) struct Handle<'a, 's> {
    memory: &'a Stepping<'s>,
    handle: u8,
}

fn state_of(word: u8) -> State<u8> {
    match word {
        0 => State::Fresh,
        1 => State::Waiting,
        count => State::Attached(count - 2),
    }
}

impl Cells for Handle<'_, '_> {
    type Count = u8;

    fn state(&self, _: Ordering) -> State<u8> {
        state_of(self.memory.load("state", |world| world.states[self.handle as usize], 1))
    }

    fn set_state(&self, state: State<u8>, _: Ordering) {
        let word = match state {
            State::Fresh => 0,
            State::Waiting => 1,
            State::Attached(count) => count + 2,
        };
        let store = |world: &mut World| {
            let before = std::mem::replace(&mut world.states[self.handle as usize], word);
            world.expect(state_of(before).may_become(&state), "a state that may not follow");
            (0, Action::StoreState(self.handle, word))
        };
        self.memory.step(store, 0);
    }

    fn leave_fresh(&self, _: Ordering) {
        let exchange = |world: &mut World| {
            let state = &mut world.states[self.handle as usize];
            if *state == 0 {
                *state = 1;
            }
            (0, Action::Store("fresh", self.handle, *state))
        };
        self.memory.step(exchange, 0);
    }

    fn add_pending(&self, n: u64, _: Ordering) {
        let add = |world: &mut World| {
            world.pending[self.handle as usize] += n as u8;
            (0, Action::Wait(self.handle, n as u8))
        };
        self.memory.step(add, 0);
    }

    fn take_pending(&self, _: Ordering) -> u64 {
        let take = |world: &mut World| {
            let n = std::mem::take(&mut world.pending[self.handle as usize]);
            (n, Action::Take(self.handle, n))
        };
        self.memory.step(take, 0).into()
    }

    fn land(&self, count: u8, n: u64) {
        let land = |world: &mut World| {
            world.counts[count as usize] += n as u8;
            (0, Action::Land(count, n as u8))
        };
        // Nobody reads a count.
        self.memory.along(land, 0);
    }
}

fn link_of(word: u8) -> Link<u8> {
    match word {
        0 => Link::Unset,
        1 => Link::End,
        node => Link::To(node - 2),
    }
}

fn word_of(link: Link<u8>) -> u8 {
    match link {
        Link::Unset => 0,
        Link::End => 1,
        Link::To(node) => node + 2,
    }
}

impl Chain for Stepping<'_> {
    type Node = u8;

    fn head(&self, _: Ordering) -> Link<u8> {
        link_of(self.load("head", |world| world.head, 1))
    }

    fn exchange_head(&self, current: Link<u8>, node: u8, _: Ordering) -> bool {
        let exchange = |world: &mut World| {
            let matches = world.head == word_of(current);
            if matches {
                world.head = node + 2;
            }
            (u8::from(matches), Action::Store("head", node, world.head))
        };
        self.step(exchange, 1) == 1
    }

    fn link(&self, node: u8, _: Ordering) -> Link<u8> {
        link_of(self.load("link", |world| world.links[node as usize], 1))
    }

    fn exchange_link(&self, node: u8, current: Link<u8>, next: Link<u8>, _: Ordering) {
        let exchange = |world: &mut World| {
            let link = &mut world.links[node as usize];
            if *link == word_of(current) {
                *link = word_of(next);
            }
            (0, Action::Store("link", node, *link))
        };
        self.step(exchange, 0);
    }
}

fn gate_of(word: u8) -> Gate {
    match word {
        0 => Gate::Open,
        1 => Gate::Shut,
        _ => Gate::Noted,
    }
}

impl GateWord for Stepping<'_> {
    fn load(&self, _: Ordering) -> Gate {
        gate_of(Stepping::load(self, "gate", |world| world.gate, 0))
    }

    fn exchange(&self, current: Gate, new: Gate, _: Ordering, _: Ordering) -> Result<(), Gate> {
        let exchange = |world: &mut World| {
            let found = world.gate;
            if gate_of(found) != current {
                return (found, Action::Load("gate", found));
            }
            world.gate = new as u8;
            let action = match (current, new) {
                (Gate::Open, _) => Action::Enter,
                (_, Gate::Open) => Action::Leave,
                _ => Action::Store("gate", found, new as u8),
            };
            (found, action)
        };
        let found = gate_of(self.step(exchange, current as u8));
        if found == current { Ok(()) } else { Err(found) }
    }
}
