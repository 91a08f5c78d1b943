//! Goal: tallymark and Go read each other's files, and make the same bytes.
//! Method: files that Go made, against Go's own reading of them; then, where Go is installed, Go's own
//! code run beside ours on the same files. Without Go those tests say that they were left out, and
//! fail if `TALLYMARK_REQUIRE_GO` is set, as `cargo xtask go` does.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use tallymark::{Base, Contents, CountFile, Day, Name, Program, UnixTime};
use tallymark_tests::damage::cases;
use tallymark_tests::damage::image::Image;
use tallymark_tests::go::{Random, oracle};

const NOW: UnixTime = UnixTime(1_767_607_200); // 2026-01-05T10:00:00Z
const FILE: &str = "tool@v1.2.3-go1.27.3-linux-amd64-2026-01-05.v1.count";

fn go_reads(oracle: &Path, file: &Path) -> Value {
    let output = Command::new(oracle).arg("read").arg(file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read: Value = serde_json::from_slice(&output.stdout).unwrap();
    read[0].clone()
}

/// Our reading in the form of Go's: decoded names, those that are not UTF-8 in hexadecimal.
fn we_read(contents: &Contents, file: &Value) -> Value {
    let entries = contents.preamble.entries();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let meta: BTreeMap<String, String> = entries.map(|(key, value)| (text(key), text(value))).collect();
    let (mut counts, mut others) = (BTreeMap::new(), BTreeMap::new());
    for counter in &contents.counters {
        match String::from_utf8(counter.decoded_name()) {
            Ok(name) => *counts.entry(name).or_insert(0) += counter.value,
            Err(error) => {
                others.insert(hex(error.as_bytes()), counter.value);
            }
        }
    }
    let mut read = json!({"file": file, "meta": meta});
    if !counts.is_empty() {
        read["counts"] = json!(counts);
    }
    if !others.is_empty() {
        read["counts_hex"] = json!(others);
    }
    read
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn program() -> Program {
    Program {
        os: "linux".into(),
        arch: "amd64".into(),
        ..Program::new("example.com/cmd/tool", "v1.2.3", "go1.27.3")
    }
}

/// The metadata of its file, as text.
fn metadata() -> String {
    let (begin, end) = (Day::parse("2026-01-05").unwrap(), Day::parse("2026-01-07").unwrap());
    let header = program().metadata(begin, end).encode().unwrap();
    let text = header.bytes()[32..].split(|&byte| byte == 0).next().unwrap();
    String::from_utf8(text.to_vec()).unwrap()
}

/// A base directory whose weeks end on Wednesday.
fn base(directory: &Path) -> Base {
    let base = Base::new(directory);
    fs::create_dir_all(base.local()).unwrap();
    fs::write(base.local().join("weekends"), "3\n").unwrap();
    base
}

/// A name: often one seen before, sometimes a stack, long, or not UTF-8.
fn name(random: &mut Random) -> Vec<u8> {
    let number = random.below(60);
    match random.below(10) {
        0 => format!("stack\nexample.com/a.f{number}:+1,+0x2\n\".g:=3,+0x4").into_bytes(),
        1 => [b"bytes\xff\xfe".to_vec(), vec![128 + number as u8; 3]].concat(),
        2 => vec![b'a' + (number % 26) as u8; 1 + random.below(4096) as usize],
        _ => format!("name-{number}").into_bytes(),
    }
}

/// Go's script question, one operation at a time.
struct GoScript {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl GoScript {
    fn start(oracle: &Path) -> Self {
        let command = Command::new(oracle).arg("script").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = command.unwrap();
        let questions = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        GoScript { child, questions, answers }
    }

    fn ask(&mut self, question: &Value) -> Value {
        writeln!(self.questions, "{question}").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap();
        assert!(answer.get("error").is_none(), "{question}: {answer}");
        answer
    }

    fn open(&mut self, path: &Path, metadata: &str) {
        self.ask(&json!({"open": path.to_str().unwrap(), "meta": metadata}));
    }

    fn add(&mut self, name: &[u8], n: u64) -> u64 {
        self.ask(&json!({"add": hex(name), "n": n}))["value"].as_u64().unwrap()
    }

    fn end(mut self) {
        drop(self.questions);
        assert!(self.child.wait().unwrap().success());
    }
}

#[test]
fn files_of_the_go_toolchain_are_read_otherwise_than_by_go() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/go");
    let expected: Vec<Value> =
        serde_json::from_slice(&fs::read(directory.join("expected.json")).unwrap()).unwrap();
    assert!(expected.len() >= 6);
    for go in &expected {
        let contents = Contents::read(&directory.join(go["file"].as_str().unwrap())).unwrap();
        assert_eq!(contents.faults, [], "{}", go["file"]);
        assert_eq!(&we_read(&contents, &go["file"]), go);
    }
}

/// Each operation of a random script is done by Go or by us on one file, and by Go alone on another:
/// the bytes are the same.
#[test]
fn a_script_shared_with_go_leaves_other_bytes_than_go_alone() {
    let Some(oracle) = oracle() else { return };
    let (mut shared, mut alone) = (GoScript::start(&oracle), GoScript::start(&oracle));
    for seed in 0..if cfg!(debug_assertions) { 40 } else { 1_000 } {
        let scratch = tempfile::tempdir().unwrap();
        let ours = CountFile::open(&base(scratch.path()), &program(), NOW).unwrap();
        let metadata = metadata();
        let theirs = scratch.path().join("by-go-alone.v1.count");
        shared.open(&ours.path(), &metadata);
        alone.open(&theirs, &metadata);
        let mut random = Random(seed);
        for _ in 0..random.below(120) {
            let (name, n) = (name(&mut random), 1 + random.below(1_000));
            let n = if random.below(50) == 0 { u64::MAX >> 1 } else { n };
            let value = alone.add(&name, n);
            if random.below(2) == 0 {
                assert_eq!(shared.add(&name, n), value);
            } else {
                let slot = ours.slot(&Name::new(&name).unwrap()).unwrap();
                ours.add(slot, n);
                assert_eq!(ours.value(slot), value);
            }
        }
        let same = fs::read(ours.path()).unwrap() == fs::read(&theirs).unwrap();
        assert!(same, "seed {seed}: the bytes differ");
    }
    shared.end();
    alone.end();
}

#[test]
fn go_and_rust_processes_lose_counts_in_one_file() {
    let Some(oracle) = oracle() else { return };
    let (names, rounds) = if cfg!(debug_assertions) { (500, 4) } else { (5_000, 4) };
    let scratch = tempfile::tempdir().unwrap();
    // Nobody has made the file yet: the four race for that too.
    let file = base(scratch.path()).local().join(FILE);
    let metadata = metadata();
    let numbers = [names.to_string(), rounds.to_string()];
    let go = || {
        Command::new(&oracle)
            .arg("count")
            .args([file.to_str().unwrap(), &metadata])
            .args(&numbers)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let rust = || {
        Command::new(env!("CARGO_BIN_EXE_counting"))
            .arg(scratch.path())
            .args(&numbers)
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    };
    let running = [go(), rust(), go(), rust()];
    for child in running {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let contents = Contents::read(&file).unwrap();
    assert_eq!(contents.faults, []);
    assert_eq!(contents.counters.len(), 5 * names);
    for counter in &contents.counters {
        let all = counter.name.starts_with(b"shared-");
        assert_eq!(counter.value, if all { 4 * rounds } else { rounds }, "{}", hex(&counter.name));
    }
    assert_eq!(go_reads(&oracle, &file), we_read(&contents, &json!(file.to_str().unwrap())));
}

#[test]
fn stack_names_decode_otherwise_than_by_go() {
    let Some(oracle) = oracle() else { return };
    let mut child =
        Command::new(oracle).arg("decode").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut random = Random(7);
    let parts: [&[u8]; 10] =
        [b"\"", b".", b"\n", b"a", b"b/c", b":+1,+0x2", b"\".", b"\n\".", b"\xff", b"x.y"];
    let names: Vec<Vec<u8>> = (0..10_000)
        .map(|_| (0..1 + random.below(12)).flat_map(|_| parts[random.below(10) as usize].to_vec()).collect())
        .collect();
    let questions: String =
        names.iter().map(|name| json!({"name_hex": hex(name)}).to_string() + "\n").collect();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(questions.as_bytes()).unwrap());
    let answers = BufReader::new(child.stdout.take().unwrap());
    let mut answered = 0;
    for (name, answer) in names.iter().zip(answers.lines()) {
        let answer: Value = serde_json::from_str(&answer.unwrap()).unwrap();
        let counter = tallymark::StoredCounter { offset: 0, name: name.clone(), value: 0 };
        assert_eq!(answer["name_hex"], hex(&counter.decoded_name()), "{}", hex(name));
        answered += 1;
    }
    writer.join().unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(answered, names.len());
}

/// Go's faults as controls: where Go panics, does not end, or gives up a whole file for one bad word, the
/// bounded reader ends and reads what is good.
#[test]
fn a_file_that_defeats_go_defeats_us() {
    let Some(oracle) = oracle() else { return };
    let scratch = tempfile::tempdir().unwrap();
    let ask = |image: &Image| {
        let file = scratch.path().join("damaged.v1.count");
        fs::write(&file, &image.bytes).unwrap();
        (go_reads(&oracle, &file)["error"].as_str().unwrap_or("none").to_owned(), Contents::read(&file))
    };
    let case = |name: &str| cases::all().into_iter().find(|case| case.name == name).unwrap().image;

    let (go, ours) = ask(&case("header length 0"));
    assert!(go.contains("panic"), "Go says: {go}");
    assert!(ours.is_err());

    let mut ring = Image::healthy(&[(b"p\n\".f:+1", 1)]);
    ring.set(2272 + 12, 2272);
    let (go, ours) = ask(&ring);
    assert!(go.contains("no end"), "Go says: {go}");
    assert_eq!(ours.unwrap().counters.len(), 1);

    let (go, ours) = ask(&case("link: not a multiple of 32"));
    assert!(go.contains("corrupt"), "Go says: {go}");
    let ours = ours.unwrap();
    assert_eq!((ours.counters.len(), ours.orphans.len()), (4, 2));
}
