//! The model of threads that count into handles while files come and go (T02).
//!
//! Each memory operation of the core's own code (`counter::protocol`, `counter::gate`) is a step, by
//! replay. What is modelled is only the session's glue around it: who enters the gate places whom.

pub mod go;
pub mod scenarios;
mod stepping;
mod world;

use std::fmt;

use stepping::{Action, Stepping};
use tallymark_core::counter::gate;
use tallymark_core::counter::protocol::{add, attach, detach, settle};
pub use world::World;

use super::explorer::{Fingerprint, Model};

/// What an actor does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Counts one into a handle, and asks for a place if it has none.
    Add(u8),
    /// The same, and who is inside then finds that the week is over.
    AddAndRotate(u8),
    /// Counts one into a handle, and never asks.
    Count(u8),
    /// Gives every handle a place that the session knows and that has none.
    Attach,
    /// Goes on to the next file, also from none.
    Rotate,
    /// Gives up the file.
    Close,
}

/// A thread, or a signal handler that runs on top of one.
#[derive(Clone, Debug)]
pub struct Role {
    /// Its tasks, one after the other.
    pub tasks: Vec<Task>,
    /// The actor that it interrupts: that one stands still while this one is in a task.
    pub interrupts: Option<usize>,
}

/// Bounds of an exploration.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// For people.
    pub name: &'static str,
    /// Handles, at most 2.
    pub handles: u8,
    /// Whether a file is open at the start.
    pub open: bool,
    /// Who acts.
    pub roles: Vec<Role>,
    /// Whether one actor may stop for ever, at any step.
    pub may_stop: bool,
}

/// One actor in the middle of its work.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Actor {
    /// Tasks done.
    done: u8,
    /// What it does next of its task.
    part: Part,
    /// Results of the memory operations of this part.
    history: Vec<u8>,
    /// Counts it has taken out of a pending sum and not yet landed.
    in_hand: u8,
    /// It is inside the gate.
    is_inside: bool,
    /// It has stopped for ever.
    is_stopped: bool,
}

impl Actor {
    fn is_in_task(&self) -> bool {
        self.part != Part::Begin || !self.history.is_empty()
    }

    fn fingerprint(&self) -> u128 {
        let flags = (self.part as u64) << 2 | u64::from(self.is_inside) << 1 | u64::from(self.is_stopped);
        let numbers = u64::from(self.done) << 16 | u64::from(self.in_hand) << 8 | flags;
        let mut hash = Fingerprint::new().with(numbers).with(self.history.len() as u64);
        for part in self.history.chunks(8) {
            let mut bytes = [0; 8];
            bytes[..part.len()].copy_from_slice(part);
            hash = hash.with(u64::from_le_bytes(bytes));
        }
        hash.finish()
    }
}

/// Everything that matters for what can still happen.
#[derive(Clone, Debug)]
pub struct State {
    world: World,
    actors: Vec<Actor>,
}

impl State {
    /// Keeps the books: what is made, taken and landed, and who is inside.
    fn book(&mut self, actor: usize, action: Action) {
        let (world, it) = (&mut self.world, &mut self.actors[actor]);
        match action {
            Action::Enter => it.is_inside = true,
            Action::Leave => it.is_inside = false,
            Action::Take(_, n) => it.in_hand += n,
            Action::Land(_, n) if it.in_hand > 0 => {
                world.expect(it.in_hand == n, "another number lands than was taken");
                it.in_hand = 0;
            }
            Action::Land(_, n) | Action::Wait(_, n) => world.made += n,
            Action::StoreState(..) => world.expect(it.is_inside, "a state is stored outside the gate"),
            Action::Load(..) | Action::Store(..) => {}
        }
    }
}

/// A step, for people.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    actor: usize,
    /// `None`: it stops for ever, or ends without touching memory.
    action: Option<Action>,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.action {
            Some(action) => write!(f, "{}: {action:?}", self.actor),
            None => write!(f, "{}: stops", self.actor),
        }
    }
}

/// The handles, explored.
#[derive(Clone, Debug)]
pub struct Handles {
    scenario: Scenario,
    /// For each actor, the first that does the same and that nobody could tell from it.
    twins: Vec<usize>,
}

impl Handles {
    /// A model of this scenario.
    #[must_use]
    pub fn new(scenario: Scenario) -> Self {
        let roles = &scenario.roles;
        let is_free = |actor: usize| {
            roles[actor].interrupts.is_none() && roles.iter().all(|other| other.interrupts != Some(actor))
        };
        let first = |actor: usize| {
            let is_twin = |&other: &usize| roles[other].tasks == roles[actor].tasks && is_free(other);
            (0..actor).find(is_twin).filter(|_| is_free(actor)).unwrap_or(actor)
        };
        let twins = (0..roles.len()).map(first).collect();
        Handles { scenario, twins }
    }

    fn task(&self, actor: usize, state: &State) -> Option<Task> {
        self.scenario.roles[actor].tasks.get(state.actors[actor].done as usize).copied()
    }

    /// Whether an actor can take a step: it has work, and nobody has interrupted it.
    fn may_act(&self, actor: usize, state: &State) -> bool {
        let interrupted = self
            .scenario
            .roles
            .iter()
            .zip(&state.actors)
            .any(|(role, other)| role.interrupts == Some(actor) && other.is_in_task());
        !state.actors[actor].is_stopped && !interrupted && self.task(actor, state).is_some()
    }

    /// The state after one memory operation of an actor; `None` if it has to wait before the gate.
    fn step(&self, actor: usize, task: Task, state: &State) -> Option<(Step, State)> {
        let mut next = state.clone();
        let mut history = std::mem::take(&mut next.actors[actor].history);
        let stepping = Stepping::new(&mut next.world, &mut history);
        let then = perform(task, state.actors[actor].part, &stepping);
        let outcome = stepping.outcome()?;
        for &action in &outcome.actions {
            next.book(actor, action);
        }
        let (world, it) = (&mut next.world, &mut next.actors[actor]);
        if !outcome.is_over {
            it.history = history;
        } else if let Some(part) = then {
            it.part = part;
        } else {
            world.expect(it.in_hand == 0, "what was taken is not landed");
            world.expect(!it.is_inside, "the gate is left shut");
            it.part = Part::Begin;
            it.done += 1;
        }
        Some((Step { actor, action: outcome.actions.first().copied() }, next))
    }
}

/// What part of a task comes next. Between two parts an actor remembers nothing but this.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Part {
    /// The first.
    #[default]
    Begin,
    /// Ask for a place.
    Knock,
    /// Give the asker its place.
    Place,
    /// Give all that wait their place.
    PlaceAll,
    /// Leave the gate, or find a note.
    Leave,
}

/// One part of a task, by the core's code. `None`: the task is over.
fn perform(task: Task, part: Part, memory: &Stepping<'_>) -> Option<Part> {
    match (part, task) {
        (Part::Begin, Task::Add(handle) | Task::AddAndRotate(handle)) => {
            let is_placed = add(&memory.cells(handle), memory, handle, 1);
            (!is_placed).then_some(Part::Knock)
        }
        (Part::Begin, Task::Count(handle)) => {
            add(&memory.cells(handle), memory, handle, 1);
            None
        }
        (Part::Begin, Task::Rotate | Task::Close | Task::Attach) => {
            if !gate::try_enter(memory) {
                memory.wait_for_the_gate();
                return None;
            }
            if task == Task::Attach {
                attach_all(memory);
                return Some(Part::Leave);
            }
            give_up_file(memory);
            memory.open_next(task == Task::Rotate);
            Some(Part::PlaceAll)
        }
        (Part::Knock, _) => gate::knock(memory).then_some(Part::Place),
        (Part::Place, Task::Add(handle)) => {
            place(memory, handle);
            Some(Part::Leave)
        }
        (Part::Place, Task::AddAndRotate(_)) => {
            give_up_file(memory);
            memory.open_next(true);
            Some(Part::PlaceAll)
        }
        (Part::PlaceAll | Part::Place, _) => {
            for handle in memory.members() {
                if memory.is_waiting(handle) {
                    place(memory, handle);
                }
            }
            Some(Part::Leave)
        }
        (Part::Leave, _) => (!gate::leave(memory)).then_some(Part::PlaceAll),
    }
}

/// As `Work::give_up_file`.
fn give_up_file(memory: &Stepping<'_>) {
    for handle in memory.members() {
        if memory.target(handle).is_some() {
            detach(&memory.cells(handle));
        }
    }
}

/// Attaches all that the session knows, whether anything waits in them or not.
fn attach_all(memory: &Stepping<'_>) {
    for handle in memory.members() {
        if memory.is_known(handle)
            && let Some(file) = memory.open_file()
        {
            attach(&memory.cells(handle), memory.count(file, handle));
        }
    }
}

/// As `Work::place`.
fn place(memory: &Stepping<'_>, handle: u8) {
    if let Some(count) = memory.target(handle) {
        settle(&memory.cells(handle), count);
    } else if let Some(file) = memory.open_file() {
        attach(&memory.cells(handle), memory.count(file, handle));
    }
}

impl Handles {
    /// Who has stopped for ever, and those that it has interrupted.
    fn halted(&self, state: &State) -> Vec<usize> {
        let stopped = state.actors.iter().position(|actor| actor.is_stopped);
        std::iter::successors(stopped, |&actor| self.scenario.roles[actor].interrupts).collect()
    }

    fn check_end(&self, state: &State) -> Result<(), String> {
        let world = &state.world;
        let halted = self.halted(state);
        let is_shut = halted.iter().any(|&actor| state.actors[actor].is_inside);
        for (actor, role) in self.scenario.roles.iter().enumerate() {
            let next = role.tasks.get(state.actors[actor].done as usize);
            // Work that has to wait for its turn waits for who has stopped inside; counting never does.
            let waits_for_it = is_shut && matches!(next, Some(Task::Rotate | Task::Close | Task::Attach));
            if next.is_some() && !waits_for_it && !halted.contains(&actor) {
                return Err(format!("actor {actor} waits for ever"));
            }
        }
        if is_shut {
            return Ok(());
        }
        let asks = |role: &Role| !role.tasks.iter().any(|task| matches!(task, Task::Count(_)));
        let all_ask = self.scenario.roles.iter().all(asks);
        // Who has stopped before the gate leaves at most its own count waiting.
        let may_wait = halted.len() as u8;
        if world.waits_beside_its_place() > may_wait {
            return Err("counts wait for ever beside their place".to_owned());
        }
        if world.is_open() && all_ask && world.pending() > may_wait {
            return Err(format!("{} counts wait for ever beside an open file", world.pending()));
        }
        if !world.has_left_old_files() {
            return Err("a handle counts into a file that is not open".to_owned());
        }
        Ok(())
    }
}

impl Model for Handles {
    type State = State;
    type Step = Step;

    fn initial(&self) -> State {
        let world = World::new(self.scenario.handles, self.scenario.open);
        State { world, actors: vec![Actor::default(); self.scenario.roles.len()] }
    }

    fn fingerprint(&self, state: &State) -> u128 {
        let mut actors: Vec<(usize, u128)> = state
            .actors
            .iter()
            .enumerate()
            .map(|(index, actor)| (self.twins[index], actor.fingerprint()))
            .collect();
        // Which of two twins is where does not matter.
        actors.sort_unstable();
        let mut hash = state.world.fingerprint();
        for (_, actor) in actors {
            hash = hash.with(actor as u64).with((actor >> 64) as u64);
        }
        hash.finish()
    }

    fn steps(&self, state: &State) -> Vec<(Step, State)> {
        let mut steps = Vec::new();
        for actor in (0..state.actors.len()).filter(|&actor| self.may_act(actor, state)) {
            let Some(task) = self.task(actor, state) else { continue };
            let Some(step) = self.step(actor, task, state) else { continue };
            steps.push(step);
            if self.scenario.may_stop && !state.actors.iter().any(|actor| actor.is_stopped) {
                let mut stopped = state.clone();
                stopped.actors[actor].is_stopped = true;
                steps.push((Step { actor, action: None }, stopped));
            }
        }
        steps
    }

    fn check(&mut self, state: &State, is_end: bool) -> Result<(), String> {
        let world = &state.world;
        world.check()?;
        let in_hand: u8 = state.actors.iter().map(|actor| actor.in_hand).sum();
        let seen = world.landed() + world.pending() + in_hand;
        if seen != world.made {
            return Err(format!("{} counts were made, and there are {seen}", world.made));
        }
        if state.actors.iter().filter(|actor| actor.is_inside).count() > 1 {
            return Err("two are inside the gate".to_owned());
        }
        if !is_end {
            return Ok(());
        }
        self.check_end(state)
    }
}
