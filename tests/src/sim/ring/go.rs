//! The negative control: the ring of Go's runtime, whose reader looks at the end of the stream and at
//! losses after it has looked whether there are events. The explorer must find both of its faults.
//!
//! What matters is kept: the steps, and what each looks at. Events are numbers, a ring holds some of
//! them, and the stream may be read without sleeping.

use std::fmt;

use crate::sim::explorer::{Fingerprint, Model};
use crate::sim::recorder::Recorder;

/// Events that the ring has room for.
const ROOM: u8 = 2;

#[derive(Clone, Debug, Default)]
struct World {
    /// Events written and read.
    written: u8,
    read: u8,
    /// Losses that wait; the first two bits count, the rest tells runs apart.
    overflow: u8,
    is_closed: bool,
}

type Memory<'s> = Recorder<'s, World, u8>;

fn load(memory: &Memory<'_>, what: impl FnOnce(&World) -> u8) -> u8 {
    memory.step(|world| what(world), 0)
}

fn losses(overflow: u8) -> u8 {
    overflow & 3
}

fn exchange_overflow(memory: &Memory<'_>, old: u8, new: u8) -> bool {
    let exchange = |world: &mut World| {
        let matches = world.overflow == old;
        if matches {
            world.overflow = new;
        }
        matches.into()
    };
    memory.step(exchange, 1) == 1
}

/// Writes an event, or counts it as lost.
fn write(memory: &Memory<'_>) {
    let overflow = load(memory, |world| world.overflow);
    let has_room = load(memory, |world| u8::from(world.written - world.read < ROOM)) == 1;
    if losses(overflow) == 0 && has_room {
        memory.step(
            |world| {
                world.written += 1;
                0
            },
            0,
        );
        return;
    }
    loop {
        let overflow = load(memory, |world| world.overflow);
        let next_run = if losses(overflow) == 0 { 4 } else { 0 };
        if exchange_overflow(memory, overflow, overflow + 1 + next_run) {
            return;
        }
    }
}

/// What a read gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Given {
    Events(u8),
    Losses(u8),
    Nothing,
    End,
}

/// Reads without sleeping; `next` is behind the last event that was given.
fn read(memory: &Memory<'_>, next: u8) -> Given {
    memory.step(
        |world| {
            world.read = next;
            0
        },
        0,
    );
    loop {
        let written = load(memory, |world| world.written);
        if written != next {
            return Given::Events(written.wrapping_sub(next));
        }
        let overflow = load(memory, |world| world.overflow);
        if losses(overflow) != 0 {
            if exchange_overflow(memory, overflow, overflow + 4 - losses(overflow)) {
                return Given::Losses(losses(overflow));
            }
            continue;
        }
        return if load(memory, |world| world.is_closed.into()) == 1 { Given::End } else { Given::Nothing };
    }
}

/// What can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// The reader is at the end, and an event is in the ring.
    LostAtTheEnd,
    /// A loss is told before events that were written earlier.
    LossTooEarly,
}

/// A writer that writes so many events and closes, and a reader.
#[derive(Clone, Debug)]
pub struct GoRing {
    /// What is looked for; the rest is let pass.
    pub looked_for: Wrong,
    /// Events.
    pub events: u8,
    /// Whether the reader reads only when the writer is done: then nothing is wrong.
    pub is_sequential: bool,
}

/// Everything that matters for what can still happen.
#[derive(Clone, Debug, Default)]
pub struct State {
    world: World,
    /// Calls done, and the results of the one that each end is in.
    done: [u8; 2],
    histories: [Vec<u8>; 2],
    /// Events given.
    next: u8,
    is_at_end: bool,
    told_too_early: bool,
}

/// Which end takes a step.
#[derive(Clone, Copy, Debug)]
pub struct Step(usize);

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0 == 0 { "writer" } else { "reader" })
    }
}

impl GoRing {
    fn step(&self, actor: usize, state: &State) -> Option<State> {
        let is_done = if actor == 0 { state.done[0] > self.events } else { state.is_at_end };
        let waits = actor == 1 && self.is_sequential && state.done[0] <= self.events;
        if is_done || waits {
            return None;
        }
        let mut next = state.clone();
        let mut history = std::mem::take(&mut next.histories[actor]);
        let memory = Recorder::new(&mut next.world, &mut history);
        let mut given = None;
        match actor {
            0 if state.done[0] == self.events => {
                memory.step(
                    |world| {
                        world.is_closed = true;
                        0
                    },
                    0,
                );
            }
            0 => write(&memory),
            _ => given = Some(read(&memory, state.next)),
        }
        if !memory.is_over() {
            next.histories[actor] = history;
            return Some(next);
        }
        next.done[actor] = if actor == 0 { state.done[0] + 1 } else { 0 };
        match given {
            Some(Given::Events(n)) => next.next += n,
            Some(Given::End) => next.is_at_end = true,
            // A loss comes when the ring is full: what was written then was written before it.
            Some(Given::Losses(_)) => next.told_too_early = next.world.written != next.next,
            Some(Given::Nothing) | None => {}
        }
        Some(next)
    }
}

impl Model for GoRing {
    type State = State;
    type Step = Step;

    fn initial(&self) -> State {
        State::default()
    }

    fn fingerprint(&self, state: &State) -> u128 {
        let World { written, read, overflow, is_closed } = state.world;
        let flags = [is_closed, state.is_at_end, state.told_too_early].map(u8::from);
        let numbers = [written, read, overflow, state.done[0], state.done[1], state.next];
        let mut hash = Fingerprint::new();
        hash = numbers.into_iter().chain(flags).fold(hash, |hash, n| hash.with(n.into()));
        for history in &state.histories {
            hash = hash.with(history.len() as u64);
            hash = history.iter().fold(hash, |hash, &n| hash.with(n.into()));
        }
        hash.finish()
    }

    fn steps(&self, state: &State) -> Vec<(Step, State)> {
        (0..2).filter_map(|actor| self.step(actor, state).map(|next| (Step(actor), next))).collect()
    }

    fn check(&mut self, state: &State, _: bool) -> Result<(), String> {
        let is_lost = state.is_at_end && state.next != state.world.written;
        match self.looked_for {
            Wrong::LostAtTheEnd if is_lost => Err("an event is left in the ring at the end".into()),
            Wrong::LossTooEarly if state.told_too_early => Err("a loss is told before earlier events".into()),
            _ => Ok(()),
        }
    }
}
