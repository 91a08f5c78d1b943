//! The negative control: the handle of Go's implementation, whose lock can be taken over threads that
//! are still reading. The explorer must find that it loses counts or invents some.
//!
//! One word holds the number of readers, of which all ones mean "locked", whether the pointer is
//! fresh, and the counts that wait; here with fewer bits. What matters is kept: the steps, and that
//! taking one reader away from none borrows from the fields above.

use std::fmt;

use crate::sim::explorer::{Fingerprint, Model};
use crate::sim::recorder::Recorder;

/// The readers; all ones: locked.
const READERS: u16 = 0b1111;
/// The pointer is fresh.
const FRESH: u16 = 1 << 4;
/// The lowest bit of the counts that wait.
const EXTRA: u16 = 1 << 5;

#[derive(Clone, Debug, Default)]
struct World {
    word: u16,
    /// The file that the pointer leads into; 0: none.
    pointer: u16,
    /// The file that is open.
    open: u16,
    counts: [u16; 4],
}

type Memory<'s> = Recorder<'s, World, u16>;

/// Loads the word. In a dream it is one with which every loop ends.
fn load(memory: &Memory<'_>) -> u16 {
    memory.step(|world| world.word, FRESH)
}

/// Exchanges the word; false if it was another.
fn exchange(memory: &Memory<'_>, old: u16, new: u16) -> bool {
    let exchange = |world: &mut World| {
        let matches = world.word == old;
        if matches {
            world.word = new;
        }
        matches.into()
    };
    memory.step(exchange, 1) == 1
}

fn is_locked(word: u16) -> bool {
    word & READERS == READERS
}

fn land(memory: &Memory<'_>, file: u16, n: u16) {
    let land = |world: &mut World| {
        let count = &mut world.counts[usize::from(file % 4)];
        *count = count.saturating_add(n);
        0
    };
    memory.step(land, 0);
}

/// Counts one.
fn add(memory: &Memory<'_>) {
    loop {
        let word = load(memory);
        if !is_locked(word) && word & FRESH != 0 {
            if !exchange(memory, word, word.wrapping_add(1)) {
                continue;
            }
            match memory.step(|world| world.pointer, 1) {
                0 => loop {
                    let word = load(memory);
                    if exchange(memory, word, word.wrapping_add(EXTRA)) {
                        break;
                    }
                },
                file => land(memory, file, 1),
            }
            return leave(memory);
        }
        let waits = word.wrapping_add(EXTRA);
        if is_locked(word) {
            if exchange(memory, word, waits) {
                return;
            }
        } else if exchange(memory, word, waits | READERS) {
            // Taken without a look at who reads.
            return unlock(memory);
        }
    }
}

/// Ceases to read.
fn leave(memory: &Memory<'_>) {
    loop {
        let word = load(memory);
        if word & READERS == 1 && word & FRESH == 0 {
            if exchange(memory, word, word | READERS) {
                return unlock(memory);
            }
        } else if exchange(memory, word, word.wrapping_sub(1)) {
            return;
        }
    }
}

/// Gets the pointer, lands what waits, and gives up the lock.
fn unlock(memory: &Memory<'_>) {
    loop {
        let mut word = load(memory);
        if word & FRESH == 0 {
            if !exchange(memory, word, word | FRESH) {
                continue;
            }
            word |= FRESH;
            let waits = word >= EXTRA;
            memory.step(
                |world| {
                    world.pointer = if waits { world.open } else { 0 };
                    0
                },
                0,
            );
        }
        let pointer = memory.step(|world| world.pointer, 1);
        let extra = word / EXTRA;
        if extra > 0 && pointer > 0 {
            let without = word % EXTRA;
            if !exchange(memory, word, without) {
                continue;
            }
            land(memory, pointer, extra);
            word = without;
        }
        if exchange(memory, word, word & !READERS) {
            return;
        }
    }
}

/// Opens the next file and tells the handle.
fn rotate(memory: &Memory<'_>) {
    memory.step(
        |world| {
            world.open += 1;
            0
        },
        0,
    );
    loop {
        let word = load(memory);
        if word & FRESH == 0 || exchange(memory, word, word & !FRESH) {
            break;
        }
    }
    loop {
        let word = load(memory);
        if word & FRESH != 0 || word & READERS > 0 || word < EXTRA {
            return;
        }
        if exchange(memory, word, word | READERS) {
            return unlock(memory);
        }
    }
}

/// What can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// More counts are there than all together make.
    Invented,
    /// All have done their work, and the lock is taken: every count to come waits for ever.
    Wedged,
}

/// Adders that count so often each, and a rotator.
#[derive(Clone, Debug)]
pub struct GoHandle {
    /// What is looked for; the rest is let pass.
    pub looked_for: Wrong,
    /// Counts of each adder.
    pub adders: Vec<u8>,
    /// Rotations.
    pub rotations: u8,
}

/// Everything that matters for what can still happen.
#[derive(Clone, Debug)]
pub struct State {
    world: World,
    /// Operations done, and the results of the one that each is in. The rotator is the last.
    actors: Vec<(u8, Vec<u16>)>,
}

/// Which actor takes a step.
#[derive(Clone, Copy, Debug)]
pub struct Step(usize);

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "actor {} takes a step", self.0)
    }
}

impl Model for GoHandle {
    type State = State;
    type Step = Step;

    fn initial(&self) -> State {
        let world = World { open: 1, ..World::default() };
        State { world, actors: vec![(0, Vec::new()); self.adders.len() + 1] }
    }

    fn fingerprint(&self, state: &State) -> u128 {
        let World { word, pointer, open, counts } = &state.world;
        let mut hash = Fingerprint::new().with((*word).into()).with((*pointer).into()).with((*open).into());
        for (done, history) in &state.actors {
            hash = hash.with((*done).into()).with(history.len() as u64);
            hash = history.iter().fold(hash, |hash, &result| hash.with(result.into()));
        }
        counts.iter().fold(hash, |hash, &count| hash.with(count.into())).finish()
    }

    fn steps(&self, state: &State) -> Vec<(Step, State)> {
        let mut steps = Vec::new();
        for actor in 0..state.actors.len() {
            let is_rotator = actor == self.adders.len();
            let tasks = if is_rotator { self.rotations } else { self.adders[actor] };
            if state.actors[actor].0 == tasks {
                continue;
            }
            let mut next = state.clone();
            let mut history = std::mem::take(&mut next.actors[actor].1);
            let memory = Recorder::new(&mut next.world, &mut history);
            if is_rotator {
                rotate(&memory)
            } else {
                add(&memory)
            }
            let is_over = memory.is_over();
            if is_over {
                next.actors[actor].0 += 1;
            } else {
                next.actors[actor].1 = history;
            }
            steps.push((Step(actor), next));
        }
        // Which way is gone first changes from state to state: some faults lie far from the first way.
        let first = self.fingerprint(state) % steps.len().max(1) as u128;
        steps.rotate_left(first as usize);
        steps
    }

    fn check(&mut self, state: &State, is_end: bool) -> Result<(), String> {
        let made: u32 = self.adders.iter().map(|&n| u32::from(n)).sum();
        let landed: u32 = state.world.counts.iter().map(|&n| u32::from(n)).sum();
        let waits = u32::from(state.world.word / EXTRA);
        let is_wrong = match self.looked_for {
            Wrong::Invented => landed + waits > made,
            Wrong::Wedged => is_end && is_locked(state.world.word),
        };
        if is_wrong {
            let what = self.looked_for;
            return Err(format!("{what:?}: {made} counts were made; {landed} landed and {waits} wait"));
        }
        Ok(())
    }
}
