//! Goal: no crash and no order of memory operations makes processes that count into one file lose an
//! acknowledged count, invent one, or damage the file (T01).
//! Method: every process runs `CountFile::slot` and `add` of the core, stepwise; in every state the
//! bounded reader reads the file.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use tallymark_core::format::layout::{PAGE, hash};
use tallymark_core::format::reader::{Item, Reader, marks_needed};
use tallymark_core::{CounterFile, Day, Header, Layout, Metadata, Name, Rule};

use super::explorer::{Fingerprint, Model};
use super::memory::{Memory, Plan};
use super::replay::{Action, History, Stepping};

/// Who counts what.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What it is called.
    pub name: &'static str,
    /// For each process the names that it counts, in order; indices of [`Scenario::names`].
    pub processes: Vec<Vec<usize>>,
    /// The names, each of 1 to 16 bytes.
    pub names: Vec<String>,
    /// Bytes left of the first page when it begins; the file is one page long.
    pub left_in_page: u32,
    /// Whether processes may crash.
    pub crashes: bool,
    /// The process that grows the file as Go does.
    pub like_go: Option<usize>,
    /// A counter that is there from the start, in the place that the limit says is free.
    pub limit_went_back: bool,
    /// Whether the check knows of that counter: false makes a scenario that must fail.
    pub expects_laid_counter: bool,
}

/// The model of a scenario.
#[derive(Debug)]
pub struct Counting {
    scenario: Scenario,
    initial: Memory,
    /// What the reader said of each different memory.
    read: HashMap<u128, Reading>,
}

/// A state: the file and the processes.
#[derive(Clone, Debug)]
pub struct State {
    memory: Memory,
    /// An operation that failed: none may.
    failure: Option<String>,
    processes: Vec<Process>,
}

#[derive(Clone, Debug, Default)]
struct Process {
    /// Operations that were acknowledged.
    acknowledged: usize,
    /// The results so far of the operation it is in.
    history: History,
    /// The operation has returned and is not acknowledged yet.
    returned: bool,
    mapped: u32,
    crashed: bool,
}

/// What a process does in a step, for people.
#[derive(Clone, Debug)]
pub struct Step {
    actor: usize,
    deed: Deed,
}

#[derive(Clone, Copy, Debug)]
enum Deed {
    Acts(Action),
    IsAcknowledged,
    Crashes,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {}: ", self.actor)?;
        match self.deed {
            Deed::Acts(action) => action.fmt(f),
            Deed::IsAcknowledged => f.write_str("its count is acknowledged"),
            Deed::Crashes => f.write_str("crashes"),
        }
    }
}

/// The reader's result: values by index of name, or what is wrong.
type Reading = Result<Vec<u64>, String>;

impl Counting {
    /// The model of a scenario.
    ///
    /// # Panics
    ///
    /// If the scenario touches more words than the simulated file tracks.
    #[must_use]
    pub fn new(scenario: Scenario) -> Self {
        let header = header();
        let layout = header.layout();
        let limit = PAGE - scenario.left_in_page;
        // An increment takes one place, and one more if it has to map a new page in between.
        let places = 2 * scenario.processes.iter().map(Vec::len).sum::<usize>() as u32;
        let word = |offset| offset..offset + 4;
        let mut ranges = vec![limit..PAGE, PAGE..PAGE + 32 * places];
        ranges.push(word(layout.limit_at()));
        for name in &scenario.names {
            let bucket = word(layout.bucket_at(hash(name.as_bytes())));
            if !ranges.contains(&bucket) {
                ranges.push(bucket);
            }
        }
        let mut initial = Memory::new(Arc::new(Plan::new(header, ranges)), PAGE);
        initial.set(layout.limit_at(), limit);
        if scenario.limit_went_back {
            lay(&mut initial, layout, limit, &scenario.names[0]);
        }
        Counting { scenario, initial, read: HashMap::new() }
    }

    /// How many different contents the file had.
    #[must_use]
    pub fn contents(&self) -> usize {
        self.read.len()
    }

    /// One step of a process, and whether it is private; `None` if it has nothing left to do.
    fn step(&self, state: &State, actor: usize) -> Option<(Step, State, bool)> {
        let process = &state.processes[actor];
        let &name = self.scenario.processes[actor].get(process.acknowledged)?;
        if process.crashed {
            return None;
        }
        let mut next = state.clone();
        let process = &mut next.processes[actor];
        if process.returned {
            process.returned = false;
            process.acknowledged += 1;
            return Some((Step { actor, deed: Deed::IsAcknowledged }, next, false));
        }
        let stepping = Stepping::new(actor, &mut next.memory, &mut process.history, process.mapped);
        let stepping =
            if self.scenario.like_go == Some(actor) { stepping.growing_like_go() } else { stepping };
        let file = CounterFile::new(stepping, self.initial.plan().header().clone());
        let name = Name::plain(self.scenario.names[name].as_bytes()).expect("the scenario's names are good");
        let counted = file.slot(&name).map(|slot| file.add(slot, 1));
        let outcome = file.into_store().outcome();
        if outcome.is_over {
            process.returned = true;
            process.history.clear();
            process.mapped = outcome.mapped;
            if !matches!(counted, Ok(Ok(_))) {
                next.failure = Some(format!("{counted:?}"));
            }
        }
        Some((Step { actor, deed: Deed::Acts(outcome.action) }, next, outcome.is_private))
    }

    /// The crash of a process.
    fn crash(state: &State, actor: usize) -> (Step, State) {
        let mut next = state.clone();
        let process = &mut next.processes[actor];
        process.crashed = true;
        // What a dead process was about to do does not matter any more.
        process.history.clear();
        process.mapped = 0;
        process.returned = false;
        (Step { actor, deed: Deed::Crashes }, next)
    }

    /// What the reader says of the file.
    fn reading(&mut self, memory: &Memory) -> &Reading {
        let scenario = &self.scenario;
        self.read.entry(memory.fingerprint().finish()).or_insert_with(|| read(memory, scenario))
    }
}

impl Model for Counting {
    type State = State;
    type Step = Step;

    fn initial(&self) -> State {
        let process = Process { mapped: PAGE, ..Process::default() };
        State {
            memory: self.initial.clone(),
            failure: None,
            processes: vec![process; self.scenario.processes.len()],
        }
    }

    /// Processes that count the same names are interchangeable: nothing in the file says who wrote it.
    fn fingerprint(&self, state: &State) -> u128 {
        let scenario = &self.scenario;
        let mut parts: Vec<(u64, u128)> = Vec::with_capacity(state.processes.len());
        for (actor, process) in state.processes.iter().enumerate() {
            let work = &scenario.processes[actor];
            let same = scenario.processes.iter().position(|other| other == work).unwrap_or(actor);
            let kind = if scenario.like_go == Some(actor) { actor + scenario.processes.len() } else { same };
            parts.push((kind as u64, process.fingerprint()));
        }
        parts.sort_unstable();
        let memory = state.memory.fingerprint();
        let whole = parts
            .iter()
            .fold(memory, |hash, &(kind, part)| hash.with(kind).with(part as u64).with((part >> 64) as u64));
        whole.finish()
    }

    /// All steps of all processes, with a crash instead of each. But if a process is about to touch a
    /// place that it has reserved and not published, only this step and its crash are taken: nobody else
    /// touches that place (if one did, in any order, that is a violation: `Memory::touch`), so the step
    /// commutes with all steps of others, and taking it first leads to the same states.
    fn steps(&self, state: &State) -> Vec<(Step, State)> {
        let mut steps = Vec::with_capacity(2 * state.processes.len());
        for actor in 0..state.processes.len() {
            let Some((step, next, is_private)) = self.step(state, actor) else { continue };
            if is_private {
                steps.clear();
            }
            steps.push((step, next));
            if self.scenario.crashes {
                steps.push(Counting::crash(state, actor));
            }
            if is_private {
                break;
            }
        }
        steps
    }

    fn check(&mut self, state: &State, is_end: bool) -> Result<(), String> {
        if let Some(offset) = state.memory.stray {
            return Err(format!("a process wrote to {offset:#x}, outside its own records"));
        }
        if let Some(error) = &state.failure {
            return Err(format!("an operation failed: {error}"));
        }
        let names = self.scenario.names.len();
        let (mut least, mut most) = (vec![0; names], vec![0; names]);
        if self.scenario.limit_went_back && self.scenario.expects_laid_counter {
            (least[0], most[0]) = (5, 5);
        }
        for (process, work) in state.processes.iter().zip(&self.scenario.processes) {
            for (i, &name) in work.iter().enumerate() {
                least[name] += u64::from(i < process.acknowledged);
                most[name] += u64::from(i <= process.acknowledged);
            }
        }
        let all_done = is_end && state.processes.iter().all(|process| !process.crashed);
        let values = self.reading(&state.memory).as_ref()?;
        for (name, &value) in values.iter().enumerate() {
            let (least, most) = (least[name], if all_done { least[name] } else { most[name] });
            if value < least {
                return Err(format!("name {name}: {least} acknowledged, {value} in the file"));
            }
            if value > most {
                return Err(format!("name {name}: at most {most} counted, {value} in the file"));
            }
        }
        Ok(())
    }
}

impl Process {
    fn fingerprint(&self) -> u128 {
        let flags = u64::from(self.returned) << 1 | u64::from(self.crashed);
        let start = Fingerprint::new().with(self.acknowledged as u64).with(self.mapped.into()).with(flags);
        self.history
            .iter()
            .fold(start, |hash, &result| hash.with(result))
            .with(self.history.len() as u64)
            .finish()
    }
}

fn read(memory: &Memory, scenario: &Scenario) -> Reading {
    let names = &scenario.names;
    let mut marks = vec![0; marks_needed(memory.file_length)];
    let mut reader = Reader::open(memory, &mut marks)
        .map_err(|fault| fault.to_string())?
        .map_err(|_| "too few marks".to_owned())?;
    let mut values = vec![None; names.len()];
    while let Some(item) = reader.next() {
        match item {
            Item::Entry(entry) => {
                let name = names.iter().position(|name| name.as_bytes() == entry.name);
                let name = name.ok_or_else(|| format!("unknown name {:?}", entry.name))?;
                if values[name].replace(entry.value).is_some() {
                    return Err(format!("name {name} is in the file twice"));
                }
            }
            Item::Orphan(entry) => return Err(format!("a count of {} is in no chain", entry.value)),
            // That is how the file was found.
            Item::Fault(fault) if scenario.limit_went_back && fault.rule == Rule::LinkBelowLimit => {}
            Item::Fault(fault) => return Err(fault.to_string()),
        }
    }
    Ok(values.into_iter().map(Option::unwrap_or_default).collect())
}

/// Lays a counter with value 5 into the place at `offset`, linked, without moving the limit.
fn lay(memory: &mut Memory, layout: Layout, offset: u32, name: &str) {
    memory.set64(offset, 5);
    memory.set(offset + 8, name.len() as u32 | 0xff00_0000);
    let mut bytes = [0; 16];
    bytes[..name.len()].copy_from_slice(name.as_bytes());
    for (at, word) in (offset + 16..).step_by(4).zip(bytes.chunks_exact(4)) {
        memory.set(at, u32::from_ne_bytes([word[0], word[1], word[2], word[3]]));
    }
    memory.set(layout.bucket_at(hash(name.as_bytes())), offset);
    memory.publish(offset);
}

fn header() -> Header {
    let metadata = Metadata {
        time_begin: Day::FIRST,
        time_end: Day::LAST,
        program: "simulated",
        version: "",
        toolchain: "t",
        os: "o",
        arch: "a",
    };
    metadata.encode().expect("the metadata is good")
}
