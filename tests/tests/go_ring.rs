//! Goal: a ring gives what the profBuf of Go's runtime gives, read by read and word by word.
//!
//! Method: random scripts of writes and reads, by Go's own code and by ours in both layouts, from zero
//! and from shortly before the counts wrap; the ring is closed at the end and read to its end. Writes
//! that fail are compared through the losses that reads tell of.
//!
//! What differs by design and is not compared: a header longer than the ring's (Go ends the program, we
//! lose the event; not written here); the header of a loss (Go gives zeros; ours tells the sum of the
//! first header words beside the words, and so is given as zeros here); the order of a loss and the
//! events before it while both ends run at once (one thread does all here). Without Go the tests say
//! that they were left out, and fail if `TALLYMARK_REQUIRE_GO` is set, as `cargo xtask go` does.

use std::io::{BufRead, BufReader, Write};
use std::marker::PhantomData;
use std::process::{Command, Stdio};
use std::ptr::NonNull;

use serde_json::{Value, json};
use tallymark_core::ring::{
    Capacity, Halves, Header, Index, Item, Lend, Native, Plain, Polling, Read, Ring, Width, words_of,
};
use tallymark_tests::go::{Random, oracle};

const SCRIPTS: u64 = if cfg!(debug_assertions) { 10_000 } else { 40_000 };

/// A ring and what is done with it.
#[derive(Clone, Debug)]
struct Script {
    header: u32,
    data: u32,
    tags: u32,
    start: Index,
    steps: Vec<Step>,
}

#[derive(Clone, Debug)]
enum Step {
    Read,
    Write { tag: u64, time: u64, header: Vec<u64>, frames: usize },
}

/// What a read gave, as Go gives it: all words, and a tag for each event (0 for a loss).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Given {
    words: Vec<u64>,
    tags: Vec<u64>,
    is_end: bool,
}

/// What has been compared.
#[derive(Debug, Default)]
struct Totals {
    writes: u64,
    rejected: u64,
    reads: u64,
    events: u64,
    losses: u64,
}

fn script(seed: u64) -> Script {
    let mut random = Random(seed);
    let data = 8 << random.below(8);
    // Not only powers of two: both sides round up.
    let data = if random.below(4) == 0 { data / 2 + random.below(data) / 2 } else { data };
    let start = match random.below(4) {
        0 | 1 => Index::default(),
        2 => {
            Index::new(0_u32.wrapping_sub(random.below(600) as u32), (1 << 30) - 1 - random.below(40) as u32)
        }
        _ => Index::new(random.bits() as u32, random.below(1 << 30) as u32),
    };
    let header = random.below(4) as u32;
    // How often the reader comes, and how large a share of the ring an event may be: of both little and
    // much, so that some rings are never full and some always.
    let (patience, share) = (1 + random.below(12), 1 + random.below(12));
    let mut time = random.below(1 << 30);
    let steps = (0..random.below(100))
        .map(|_| {
            if random.below(patience + 1) == 0 {
                return Step::Read;
            }
            time += 1 + random.below(1000);
            let longest = if random.below(30) == 0 { data + 4 } else { data / share };
            let tag = match random.below(3) {
                0 => random.below(4),
                1 => random.below(1 << 30),
                // No address: Go's collector looks at it.
                _ => 1 << 63 | random.bits() >> 2,
            };
            let words = random.below(u64::from(header) + 1);
            let header = (0..words).map(|_| random.bits()).collect();
            Step::Write { tag, time, header, frames: random.below(longest + 1) as usize }
        })
        .collect();
    Script { header, data: data as u32, tags: 1 + random.below(64) as u32, start, steps }
}

impl Script {
    /// As the oracle reads it.
    fn question(&self) -> Value {
        let steps: Vec<Vec<u64>> = self.steps.iter().map(Step::numbers).collect();
        let start = self.start.bits();
        json!({"header": self.header, "data": self.data, "tags": self.tags, "start": start, "steps": steps})
    }
}

impl Step {
    fn numbers(&self) -> Vec<u64> {
        match self {
            Step::Read => Vec::new(),
            Step::Write { tag, time, header, frames } => {
                [&[*tag, *time, *frames as u64][..], &header[..]].concat()
            }
        }
    }
}

/// The stack of an event that was written at some time.
fn stack(time: u64, frames: usize) -> Vec<usize> {
    (0..frames).map(|frame| ((time << 16) + frame as u64) as usize).collect()
}

fn by_us<W: Width>(script: &Script) -> Vec<Given> {
    let capacity = Capacity::new(script.header, script.data, script.tags).unwrap();
    let mut memory = vec![0xdead_beef_u64; words_of(capacity)];
    let (length, base) = (memory.len(), NonNull::from(&mut memory[..]).cast());
    // SAFETY: the memory lives until the end of the function, and only the ring uses it.
    let ring: Ring<_, Plain, W> =
        unsafe { Ring::format_raw(base, length, PhantomData::<()>, &Header::new(capacity)) }.unwrap();
    ring.start_at(script.start);
    let (writer, mut reader) = ring.split::<u64, _>(Polling);
    let mut reads = Vec::new();
    for step in &script.steps {
        match step {
            Step::Read => reads.push(given(capacity, reader.read().unwrap())),
            // Whether it was lost, the reader tells.
            Step::Write { tag, time, header, frames } => {
                let _ = writer.write(*tag, *time, header, &stack(*time, *frames));
            }
        }
    }
    writer.close();
    while reads.last().is_none_or(|read| !read.is_end) && reads.len() < script.steps.len() + 1000 {
        reads.push(given(capacity, reader.read().unwrap()));
    }
    reads
}

fn given<M: Lend>(capacity: Capacity, read: Read<'_, M, u64>) -> Given {
    let mut given = Given { is_end: matches!(read, Read::End), ..Given::default() };
    if let Read::Events(batch) = read {
        for item in batch {
            match item {
                Item::Event(event) => {
                    given.words.extend(event.words());
                    given.tags.push(event.tag());
                }
                Item::Loss(loss) => {
                    let header = capacity.header_words();
                    given.words.extend([u64::from(3 + header), loss.first_time]);
                    given.words.extend((0..header).map(|_| 0));
                    given.words.push(loss.count.into());
                    given.tags.push(0);
                }
            }
        }
    }
    given
}

/// What the oracle says that Go gave.
fn by_go(answer: &Value) -> Vec<Given> {
    let numbers = |value: Option<&Value>| -> Vec<u64> {
        let values = value.map_or(&[][..], |value| value.as_array().unwrap());
        values.iter().map(|number| number.as_u64().unwrap()).collect()
    };
    let read = |read: &Value| Given {
        words: numbers(read.get("words")),
        tags: numbers(read.get("tags")),
        is_end: read.get("end").is_some_and(|end| end.as_bool().unwrap()),
    };
    answer.as_array().unwrap().iter().map(read).collect()
}

/// Fails at the first read that differs, with all of the script up to it.
fn compare(script: &Script, layout: &str, ours: &[Given], go: &[Given]) -> Result<(), String> {
    let differs = (0..ours.len().max(go.len())).find(|&read| ours.get(read) != go.get(read));
    differs.map_or(Ok(()), |read| {
        let (ours, go) = (ours.get(read), go.get(read));
        Err(format!("read {read}, {layout}:\nwe give {ours:?}\nGo gives {go:?}\n{}", script.question()))
    })
}

/// What Go gives for each of some scripts, in order.
fn ask_go(
    scripts: impl Iterator<Item = Script> + Clone + Send + 'static,
    mut each: impl FnMut(Script, &Value),
) {
    let Some(oracle) = oracle() else { return };
    let mut command = Command::new(oracle);
    let mut child = command.arg("ring").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut questions = std::io::BufWriter::new(child.stdin.take().unwrap());
    let answers = BufReader::new(child.stdout.take().unwrap());
    let asked = scripts.clone();
    let asking = std::thread::spawn(move || {
        for script in asked {
            writeln!(questions, "{}", script.question()).unwrap();
        }
    });
    let mut lines = answers.lines();
    for script in scripts {
        let line = lines.next().expect("an answer for each script").unwrap();
        each(script, &serde_json::from_str(&line).unwrap());
    }
    asking.join().unwrap();
    assert!(lines.next().is_none() && child.wait().unwrap().success());
}

#[test]
fn a_read_gives_other_words_or_tags_than_in_go() {
    let mut totals = Totals::default();
    let mut scripts = 0;
    ask_go((0..SCRIPTS).map(script), |script, answer| {
        let go = by_go(answer);
        for (layout, ours) in [("native", by_us::<Native>(&script)), ("halves", by_us::<Halves>(&script))] {
            compare(&script, layout, &ours, &go).unwrap_or_else(|what| panic!("script {scripts}, {what}"));
        }
        totals.add(&script, &go);
        scripts += 1;
    });
    if scripts != 0 {
        println!("{scripts} scripts: {totals:?}");
        // The scripts are not all of one kind.
        assert!(scripts == SCRIPTS && totals.events > 10 * scripts, "{totals:?}");
        assert!(totals.rejected > scripts && totals.losses > scripts / 2, "{totals:?}");
    }
}

impl Totals {
    fn add(&mut self, script: &Script, go: &[Given]) {
        let writes = script.steps.iter().filter(|step| matches!(step, Step::Write { .. })).count() as u64;
        let told: Vec<u64> = go.iter().flat_map(|read| &read.tags).copied().collect();
        let lost = losses(script, go);
        self.writes += writes;
        self.reads += go.len() as u64;
        self.losses += lost.len() as u64;
        self.events += (told.len() - lost.len()) as u64;
        self.rejected += lost.iter().sum::<u64>();
        // Nothing is written without being read or told of.
        assert_eq!(writes, (told.len() - lost.len()) as u64 + lost.iter().sum::<u64>());
    }
}

/// How many events each loss tells of. The stack of an event names its time; that of a loss is a count.
fn losses(script: &Script, go: &[Given]) -> Vec<u64> {
    let fixed = 2 + script.header as usize;
    let mut lost = Vec::new();
    for read in go {
        let mut words = &read.words[..];
        while let Some((&length, _)) = words.split_first() {
            let (event, rest) = words.split_at(length as usize);
            lost.extend(event.get(fixed).filter(|&&word| word != event[1] << 16));
            words = rest;
        }
    }
    lost
}

/// Method: Go's answers, each changed in every place where it can be changed.
#[test]
fn a_difference_from_go_is_not_noticed() {
    let mut changes = 0;
    ask_go((0..200).map(script), |script, answer| {
        let (go, ours) = (by_go(answer), by_us::<Native>(&script));
        let mut must_differ = |change: &dyn Fn(&mut Vec<Given>)| {
            let mut changed = go.clone();
            change(&mut changed);
            assert!(compare(&script, "changed", &ours, &changed).is_err(), "{}", script.question());
            changes += 1;
        };
        must_differ(&|go| go.push(Given::default()));
        must_differ(&|go| go.truncate(go.len() - 1));
        for read in 0..go.len() {
            must_differ(&|go| go[read].is_end ^= true);
            must_differ(&|go| go[read].tags.push(0));
            for tag in 0..go[read].tags.len() {
                must_differ(&|go| go[read].tags[tag] ^= 1 << 62);
            }
            for word in 0..go[read].words.len() {
                must_differ(&|go| go[read].words[word] += 1);
            }
        }
    });
    println!("{changes} changes noticed");
}
