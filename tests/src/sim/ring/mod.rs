//! The model of a ring: a writer that may be interrupted by itself and may be killed at any step, and a
//! reader that sleeps (T03).
//!
//! The core's own writer and reader are what is stepped through, on a memory whose stores become visible
//! late, in order. What loom cannot say, that a store is visible after a while, can be said here: a short
//! sleep ends when what was stored before it is visible.

pub mod go;
mod ledger;
pub mod scenarios;
mod stage;
mod world;

use std::fmt;
use std::mem::ManuallyDrop;
use std::rc::Rc;

use ledger::{Given, Ledger, Written};
use stage::{Done, Side, SimReader, SimWriter, Stage};
use tallymark_core::ring::memory::Word64;
use tallymark_core::ring::{Index, Item, Read, Threshold};
use world::{DATA, NAMES, Pending, READER, SLEEPING, Thread, WRITER, World};

use super::explorer::{Fingerprint, Model};

/// What the writer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Writes an event with so many words of stack.
    Write(u8),
    /// Closes the ring.
    Close,
}

/// Bounds of an exploration.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// For people.
    pub name: &'static str,
    /// What the writer does.
    pub tasks: Vec<Task>,
    /// How often a handler writes on top of it.
    pub interrupts: u8,
    /// The writer may be killed once, at any step; then another does this.
    pub after_kill: Option<Vec<Task>>,
    /// The reader may be killed once, at any step; then another attaches.
    pub reader_dies: bool,
    /// The machine has no 64-bit atomics.
    pub has_halves: bool,
    /// A short sleep may end before what was stored is visible. All but the later losses of a run have to
    /// bear that.
    pub naps_are_too_short: bool,
    /// Where the counts start.
    pub start: Index,
}

/// The ring, explored.
#[derive(Debug)]
pub struct RingModel {
    scenario: Scenario,
    stage: Rc<Stage>,
}

/// Everything that matters for what can still happen.
#[derive(Clone)]
pub struct State {
    world: World,
    writer: Option<Rc<ManuallyDrop<SimWriter>>>,
    reader: Option<Rc<SimReader>>,
    /// The reader before, and what it was given last.
    held: (Index, u32, Vec<Given>),
    /// Tasks done.
    done: u8,
    histories: [Vec<Done>; 2],
    /// Handlers that wrote during this task, and those that still may.
    nested: u8,
    interrupts_left: u8,
    is_killed: bool,
    is_reader_killed: bool,
    is_read_to_the_end: bool,
    ledger: Ledger,
    broken: Option<String>,
}

/// A step, for people.
#[derive(Clone, Debug)]
pub struct Step(Deed);

#[derive(Clone, Debug)]
enum Deed {
    /// An operation of an end: what it loaded, if it was a load, and what came of it.
    Act(usize, Option<&'static str>, Option<u64>),
    /// The same, after a handler wrote.
    Interrupted,
    /// The oldest store of an end becomes visible.
    Visible(usize, Pending),
    /// An end is killed, with so many stores to go before its next step.
    Kill(usize, usize),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |actor: usize| if actor == WRITER { "writer" } else { "reader" };
        match &self.0 {
            Deed::Act(actor, loaded, result) => match result {
                Some(result) => {
                    write!(f, "{}: {} {result:#x}", name(*actor), loaded.unwrap_or("fence, sleep or wake"))
                }
                None => write!(f, "{}: {}, and that is all", name(*actor), loaded.unwrap_or("stores")),
            },
            Deed::Interrupted => f.write_str("writer acts, after a handler wrote"),
            Deed::Visible(actor, store) => write!(f, "visible of the {}: {store}", name(*actor)),
            Deed::Kill(actor, missing) => {
                write!(f, "the {} is killed, {missing} stores before its next step", name(*actor))
            }
        }
    }
}

/// Half of the ring, by words; by events it is never reached first.
const WAKE: Threshold = Threshold { data: 4, tags: 2 };

impl RingModel {
    /// A model of this scenario.
    #[must_use]
    pub fn new(scenario: Scenario) -> Self {
        let stage: Rc<Stage> = Rc::default();
        stage.naps_are_too_short.set(scenario.naps_are_too_short);
        stage.has_kills.set(scenario.after_kill.is_some() || scenario.reader_dies);
        stage.has_halves.set(scenario.has_halves);
        RingModel { scenario, stage }
    }

    fn side(&self, actor: usize) -> Side {
        Side { stage: Rc::clone(&self.stage), actor }
    }

    fn new_writer(&self) -> Rc<ManuallyDrop<SimWriter>> {
        // SAFETY: the writers before have stopped.
        Rc::new(ManuallyDrop::new(unsafe { SimWriter::attach(self.side(WRITER), self.side(WRITER), WAKE) }))
    }

    fn new_reader(&self) -> SimReader {
        // SAFETY: the readers before have stopped.
        unsafe { SimReader::attach(self.side(READER), self.side(READER), WAKE) }
    }

    /// The task that the writer is at; `None`: it is to begin. The time of an event is its number here.
    fn task(&self, state: &State) -> Option<Task> {
        let after = if state.is_killed { self.scenario.after_kill.as_deref() } else { None };
        let before = self.scenario.tasks.len();
        match (state.done as usize).checked_sub(if state.is_killed { before } else { 0 }) {
            Some(at) => after.unwrap_or(&self.scenario.tasks).get(at).copied(),
            None => None,
        }
    }

    /// Ends the play of one operation of a call: takes the world from the stage, and the history if the call
    /// goes on. Whether the call is over; `None` if the operation has to wait.
    fn played(&self, actor: usize, next: &mut State) -> Option<bool> {
        self.side(actor).edge();
        if self.stage.is_waiting() {
            return None;
        }
        next.world = self.stage.world.take();
        let is_over = self.stage.is_over();
        if !is_over {
            next.histories[actor] = self.stage.history.take();
        }
        Some(is_over)
    }

    /// One operation of the writer; `None` if it has to wait or has nothing to do.
    fn act_writer(&self, state: &State, is_interrupted: bool) -> Option<State> {
        let mut next = state.clone();
        let mut world = std::mem::take(&mut next.world);
        // Whatever the calls before have stored comes before the first operation of this one.
        world.fresh[WRITER] = if state.histories[WRITER].is_empty() { 0 } else { world.fresh[WRITER] };
        self.stage.set(world, std::mem::take(&mut next.histories[WRITER]));
        self.stage.interrupts.set(is_interrupted);
        self.side(WRITER).edge();
        let time = state.done + 1;
        let mut outcome = None;
        let writer = if let Some(writer) = &state.writer {
            let task = self.task(state)?;
            // SAFETY: the one before is not used again.
            let writer = Rc::new(ManuallyDrop::new(unsafe { writer.twin() }));
            *self.stage.writer.borrow_mut() = Some(Rc::clone(&writer));
            match task {
                Task::Write(stack) => {
                    let frames = [usize::from(time); 8];
                    let result = writer.write(time.into(), time.into(), &[], &frames[..stack as usize]);
                    outcome = Some(result.map_or(Written::Lost(time), |()| Written::Event(time)));
                }
                Task::Close => writer.end(),
            }
            writer
        } else {
            self.new_writer()
        };
        let played = self.played(WRITER, &mut next);
        self.stage.interrupts.set(false);
        *self.stage.writer.borrow_mut() = None;
        let is_over = played?;
        next.interrupts_left -= u8::from(is_interrupted);
        next.nested += u8::from(is_interrupted);
        if !is_over {
            return Some(next);
        }
        if state.writer.is_some() {
            next.done += 1;
        }
        next.writer = Some(writer);
        let lost = (0..next.nested).map(|_| Written::Lost(time));
        next.note(|ledger| ledger.write(outcome.into_iter().chain(lost)));
        next.nested = 0;
        Some(next)
    }

    /// An end is killed before it has got to the last of its stores, so many of them.
    fn kill(&self, state: &State, actor: usize, missing: usize) -> State {
        let mut next = state.clone();
        let stores = &mut next.world.buffers[actor];
        stores.truncate(stores.len() - missing);
        next.world.fresh[actor] = 0;
        next.histories[actor].clear();
        if actor == READER {
            next.world.thread = Thread::Awake;
            next.reader = None;
            next.is_reader_killed = true;
            return next;
        }
        next.nested = 0;
        let time = state.done + 1;
        let lost = (0..next.lost_in_the_call()).map(|_| Written::Lost(time));
        next.note(|ledger| ledger.write([Written::Perhaps(time)].into_iter().chain(lost)));
        next.writer = None;
        next.is_killed = true;
        next.done = self.scenario.tasks.len() as u8;
        next
    }

    fn kills(&self, state: &State, actor: usize) -> impl Iterator<Item = (Step, State)> {
        (0..=state.world.fresh[actor])
            .map(move |missing| (Step(Deed::Kill(actor, missing)), self.kill(state, actor, missing)))
    }

    fn acted(&self, actor: usize, next: &State) -> Step {
        let result = next.histories[actor].last().map(|done| done.result);
        Step(Deed::Act(actor, self.stage.loaded.get().map(|word| NAMES[word.0 as usize]), result))
    }

    /// One operation of the reader.
    fn act_reader(&self, state: &State) -> Option<State> {
        let mut next = state.clone();
        let mut world = std::mem::take(&mut next.world);
        // What it was given it gives back with its first operation.
        if state.histories[READER].is_empty() {
            (world.lent, world.fresh[READER]) = ((0, 0), 0);
        }
        self.stage.set(world, std::mem::take(&mut next.histories[READER]));
        self.side(READER).edge();
        let Some(reader) = &state.reader else { return self.attach_reader(next) };
        // SAFETY: the one before is not used again.
        let mut reader = unsafe { reader.twin() };
        let (mut items, mut words) = (Vec::new(), 0);
        let mut is_end = false;
        match reader.wait(None) {
            Err(fault) => next.broken = self.stage.is_over().then(|| fault.to_string()),
            Ok(Read::Nothing) => next.broken = self.stage.is_over().then(|| "woken for nothing".to_owned()),
            Ok(Read::End) => is_end = true,
            Ok(Read::Events(batch)) => items.extend(batch.into_iter().map(|item| match item {
                Item::Event(event) => {
                    let time = event.time();
                    words += 2 + event.stack_length();
                    let is_whole = event.tag() == time && event.stack_words().all(|word| word == time);
                    (is_whole, Given::Event(time as u8))
                }
                Item::Loss(loss) => (true, Given::Losses(loss.count, loss.last_time as u8)),
            })),
        }
        if !self.played(READER, &mut next)? {
            next.broken.clone_from(&state.broken);
            return Some(next);
        }
        next.is_read_to_the_end = is_end;
        if items.is_empty() && !is_end {
            next.broken.get_or_insert_with(|| "nothing was read".to_owned());
        }
        let [_, behind, told, ..] = reader.knowledge();
        let behind = Index::from_bits(behind);
        next.world.lent = (behind.data_count(), words);
        let held =
            if self.scenario.reader_dies { items.iter().map(|item| item.1).collect() } else { Vec::new() };
        next.held = (behind, (told >> 32) as u32, held);
        for (is_whole, item) in items {
            if !is_whole {
                next.broken = Some(format!("{item:?} is not whole"));
            }
            next.note(|ledger| ledger.give(item));
        }
        next.reader = Some(Rc::new(reader));
        Some(next)
    }

    /// The same for a reader that attaches.
    fn attach_reader(&self, mut next: State) -> Option<State> {
        let reader = self.new_reader();
        if !self.played(READER, &mut next)? {
            return Some(next);
        }
        let [read, _, told, ..] = reader.knowledge();
        let (behind, told_before, held) = std::mem::take(&mut next.held);
        // Further on, it has passed over a loss in the ring that was told of.
        let is_given_back =
            Index::from_bits(read).events_since(behind) >= 0 && (told >> 32) as u32 >= told_before;
        if !is_given_back {
            next.note(|ledger| ledger.again(&held));
        }
        next.reader = Some(Rc::new(reader));
        Some(next)
    }
}

impl State {
    fn note(&mut self, note: impl FnOnce(&mut Ledger) -> Result<(), String>) {
        if let Err(what) = note(&mut self.ledger) {
            self.broken = Some(what);
        }
    }

    /// What the writer has counted as lost and published since its call began.
    fn lost_in_the_call(&self) -> u32 {
        let before = self.writer.as_ref().map_or(0, |writer| (writer.knowledge()[5] >> 32) as u32);
        (self.world.lost() as u32).wrapping_sub(before)
    }

    /// Words, events and losses that a sleeping reader should have been woken for.
    fn awaits(&self) -> bool {
        let [read, written] = [Word64::Read, Word64::Written].map(|word| self.world.index(word));
        written.words_since(read) >= WAKE.data as i32 || written.events_since(read) >= WAKE.tags as i32
    }
}

impl Model for RingModel {
    type State = State;
    type Step = Step;

    fn initial(&self) -> State {
        // Words of a round before, that look like lengths.
        let has_halves = self.scenario.has_halves;
        let mut world = World { data: [3; DATA], has_halves, ..World::default() };
        world.start_at(self.scenario.start);
        self.stage.is_free.set(true);
        self.stage.set(world, Vec::new());
        let writer = self.new_writer();
        let reader = Some(Rc::new(self.new_reader()));
        self.stage.is_free.set(false);
        State {
            world: self.stage.world.take(),
            writer: Some(writer),
            reader,
            held: (Index::default(), 0, Vec::new()),
            done: 0,
            histories: Default::default(),
            nested: 0,
            interrupts_left: self.scenario.interrupts,
            is_killed: false,
            is_reader_killed: false,
            is_read_to_the_end: false,
            ledger: Ledger::default(),
            broken: None,
        }
    }

    fn fingerprint(&self, state: &State) -> u128 {
        let mut hash = state.world.fingerprint(Fingerprint::new());
        let flags = u64::from(state.is_reader_killed) << 4
            | u64::from(state.reader.is_some()) << 3
            | u64::from(state.is_killed) << 2
            | u64::from(state.is_read_to_the_end) << 1
            | u64::from(state.writer.is_some());
        let numbers = [state.done, state.nested, state.interrupts_left].map(u64::from);
        hash = numbers
            .into_iter()
            .chain([flags, u64::from(state.broken.is_some())])
            .fold(hash, Fingerprint::with);
        for history in &state.histories {
            hash = hash.with(history.len() as u64);
            hash = history
                .iter()
                .fold(hash, |hash, done| hash.with(done.result).with(done.is_interrupted.into()));
        }
        let writer = state.writer.as_ref().map(|writer| writer.knowledge()).unwrap_or_default();
        let reader = state.reader.as_ref().map(|reader| reader.knowledge()).unwrap_or_default();
        hash = writer.into_iter().chain(reader).fold(hash, Fingerprint::with);
        if self.scenario.reader_dies {
            let (behind, told, held) = &state.held;
            hash = held
                .iter()
                .fold(hash.with(behind.bits()).with((*told).into()), |hash, item| item.add_to(hash));
        }
        state.ledger.fingerprint(hash).finish()
    }

    fn steps(&self, state: &State) -> Vec<(Step, State)> {
        let mut steps = Vec::new();
        if state.broken.is_some() || state.world.broken.is_some() {
            return steps;
        }
        for actor in [WRITER, READER] {
            if !state.world.buffers[actor].is_empty() {
                let mut next = state.clone();
                let store = next.world.flush(actor);
                steps.push((Step(Deed::Visible(actor, store)), next));
            }
        }
        let is_in_task = !state.histories[WRITER].is_empty();
        // A process that is killed leaves no store behind that is not visible in the end.
        let may_begin = state.writer.is_some() || state.world.buffers[WRITER].is_empty();
        if may_begin && (state.writer.is_none() || self.task(state).is_some()) {
            steps.extend(self.act_writer(state, false).map(|next| (self.acted(WRITER, &next), next)));
            let is_writing = state.writer.is_some() && matches!(self.task(state), Some(Task::Write(_)));
            if state.interrupts_left > 0 && is_writing {
                steps.extend(self.act_writer(state, true).map(|next| (Step(Deed::Interrupted), next)));
            }
        }
        let may_begin = state.reader.is_some() || state.world.buffers[READER].is_empty();
        if may_begin && !state.is_read_to_the_end {
            steps.extend(self.act_reader(state).map(|next| (self.acted(READER, &next), next)));
        }
        if self.scenario.after_kill.is_some() && !state.is_killed && is_in_task {
            steps.extend(self.kills(state, WRITER));
        }
        let is_in_call = !state.histories[READER].is_empty() && state.reader.is_some();
        if self.scenario.reader_dies && !state.is_reader_killed && is_in_call {
            steps.extend(self.kills(state, READER));
        }
        steps
    }

    fn check(&mut self, state: &State, is_end: bool) -> Result<(), String> {
        if let Some(broken) = &state.broken {
            return Err(broken.clone());
        }
        if let Some(broken) = state.world.broken {
            return Err(broken.to_owned());
        }
        if !is_end {
            return Ok(());
        }
        let (unread, invented) = state.ledger.rest();
        let closes = self.scenario.tasks.contains(&Task::Close) || state.is_killed;
        if invented != 0 {
            return Err(format!("{invented} more were read than written"));
        }
        if state.is_read_to_the_end {
            return if unread == 0 { Ok(()) } else { Err(format!("{unread} are lost at the end")) };
        }
        let is_asleep =
            state.world.thread == Thread::Asleep && state.world.controls[SLEEPING.0 as usize] == 1;
        if closes || !is_asleep {
            return Err(format!("the reader hangs, with {unread} to be read"));
        }
        let has_loss = state.ledger.has_loss();
        if state.awaits() || has_loss {
            return Err(format!("the reader sleeps, with {unread} to be read"));
        }
        Ok(())
    }
}
