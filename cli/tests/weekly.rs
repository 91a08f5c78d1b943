//! Goal: `report`, `clean` and `mode` do what their help says to real files, and say what they did.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use assert_cmd::cargo::CommandCargoExt;
use serde_json::Value;

fn tallymark(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::cargo_bin("tallymark").unwrap();
    command.args(arguments).env_remove("TALLYMARK");
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn json(output: &Output) -> Value {
    assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

struct Scratch {
    _directory: tempfile::TempDir,
    base: PathBuf,
}

impl Scratch {
    /// A base directory whose weeks end on Wednesday.
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let base = directory.path().join("base");
        fs::create_dir_all(base.join("local")).unwrap();
        fs::write(base.join("local/weekends"), "3\n").unwrap();
        Scratch { _directory: directory, base }
    }

    fn dir(&self) -> &str {
        self.base.to_str().unwrap()
    }

    fn inc(&self, program: &str, day: &str, count: &str) {
        let now = format!("{day}T12:00:00Z");
        let output = tallymark(&["inc", "--dir", self.dir(), "--program", program, "--now", &now, count]);
        assert!(output.status.success(), "{}", text(&output.stderr));
    }

    fn run(&self, name: &str, more: &[&str]) -> Output {
        tallymark(&[&[name, "--dir", self.dir()], more].concat())
    }

    fn names(&self) -> Vec<String> {
        names(&self.base.join("local"))
    }
}

fn names(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path).unwrap();
    let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_report_leaves_counts_out_or_its_files_behind() {
    let scratch = Scratch::new();
    scratch.inc("tool", "2026-01-05", "a=1234");
    scratch.inc("tool", "2026-01-06", "a=1");
    scratch.inc("other", "2026-01-06", "b=2");
    scratch.inc("tool", "2026-01-08", "a=9");
    let output = scratch.run("report", &["--now", "2026-01-08"]);
    let said = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(said.starts_with("WEEK") && said.contains("2026-01-07") && said.contains("1 237"), "{said}");
    assert!(said.contains("made: ") && said.contains("local.2026-01-07.json"), "{said}");
    let local = scratch.names();
    assert_eq!(local.iter().filter(|name| name.ends_with(".v1.count")).count(), 1, "{local:?}");

    scratch.inc("tool", "2026-01-05", "a=6");
    let late = json(&scratch.run("report", &["--now", "2026-01-08", "--json"]));
    assert_eq!((&late["weeks"][0]["extended"], &late["weeks"][0]["total"]), (&true.into(), &6.into()));
    let report = fs::read(scratch.base.join("local/local.2026-01-07.json")).unwrap();
    let report: Value = serde_json::from_slice(&report).unwrap();
    let keys: Vec<&String> = report.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["Week", "LastWeek", "X", "Programs", "Config"]);
    let tool = report["Programs"].as_array().unwrap().iter().find(|p| p["Program"] == "tool").unwrap();
    assert_eq!(tool["Counters"]["a"], 1241);
    let nothing = text(&scratch.run("report", &["--now", "2026-01-08"]).stdout);
    assert!(nothing.starts_with("nothing to report in "), "{nothing}");
}

/// Method: the report that Go's own code made of files that its tools counted into.
#[test]
fn a_report_differs_from_gos_over_the_same_files() {
    let scratch = Scratch::new();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/go");
    for name in names(&data).iter().filter(|name| name.ends_with(".count")) {
        fs::copy(data.join(name), scratch.base.join("local").join(name)).unwrap();
    }
    assert!(scratch.run("report", &["--now", "2027-01-01"]).status.success());
    // What is drawn at random, and what says which configuration for uploads was used.
    let lines = |directory: &Path| -> Vec<String> {
        let text = fs::read_to_string(directory.join("local.2026-11-22.json")).unwrap();
        let own = |line: &&str| !line.starts_with(" \"X\": ") && !line.starts_with(" \"Config\": ");
        text.lines().filter(own).map(str::to_owned).collect()
    };
    let (ours, go) = (lines(&scratch.base.join("local")), lines(&data));
    assert!(go.len() > 100);
    // Only where Go has a first report, ours has an earlier one: of the file that ended in January.
    assert_eq!(ours[2], " \"LastWeek\": \"2026-01-07\",");
    assert_eq!((&ours[..2], &ours[3..]), (&go[..2], &go[3..]));
}

#[test]
fn a_dry_run_changes_something() {
    let scratch = Scratch::new();
    scratch.inc("tool", "2026-01-05", "a=3");
    scratch.inc("empty", "2026-01-05", "a=0");
    fs::write(scratch.base.join("local/.4294967294.0.new"), "").unwrap();
    let before = scratch.names();
    let reported = text(&scratch.run("report", &["--now", "2026-01-08", "--dry-run"]).stdout);
    assert!(reported.contains("would be made") && reported.contains("would be removed"), "{reported}");
    let cleaned = scratch.run("clean", &["--now", "2096-01-08", "--dry-run"]);
    assert_eq!(text(&cleaned.stdout).matches("would be removed").count(), 2);
    assert_eq!(scratch.names(), before);
}

#[test]
fn cleaning_removes_counts_or_leaves_rubbish() {
    let scratch = Scratch::new();
    let local = scratch.base.join("local");
    scratch.inc("tool", "2026-01-05", "a=3");
    scratch.inc("empty", "2026-01-05", "a=0");
    for (name, content) in [
        (".4294967294.0.new", "of a process that is gone"),
        (&format!(".{}.0.new", std::process::id()), "of a living process"),
        (".letter.new", "of a friend"),
        ("notes.txt", "mine"),
        ("broken-go1-linux-amd64-2026-01-05.v1.count", "no count file"),
        ("local.2025-01-01.json", "a report"),
        ("2025-01-01.json", "a report to be sent"),
    ] {
        fs::write(local.join(name), content).unwrap();
    }
    let all = scratch.names();
    let young = text(&scratch.run("clean", &["--now", "2020-01-01"]).stdout);
    assert!(young.starts_with("nothing to clean in "), "{young}");

    let cleaned = json(&scratch.run("clean", &["--now", "2096-01-01", "--json"]));
    let actions: Vec<_> = cleaned.as_array().unwrap().iter().map(|file| file["action"].clone()).collect();
    assert_eq!(actions, ["removed", "moved", "removed"], "{cleaned:#}");
    let mut expected: Vec<_> = all
        .into_iter()
        .filter(|name| !name.starts_with("empty") && name != ".4294967294.0.new")
        .map(|name| if name.starts_with("broken") { name + ".damaged" } else { name })
        .chain([".report.lock".to_owned()])
        .collect();
    expected.sort();
    expected.dedup();
    assert_eq!(scratch.names(), expected);
}

#[test]
fn a_damaged_file_is_reported_in_silence() {
    let scratch = Scratch::new();
    scratch.inc("tool", "2026-01-05", "a=3");
    let local = scratch.base.join("local");
    let name = scratch.names().into_iter().find(|name| name.ends_with(".count")).unwrap();
    let mut bytes = fs::read(local.join(&name)).unwrap();
    let limit_at = u32::from_ne_bytes(bytes[28..32].try_into().unwrap()) as usize;
    bytes[limit_at] = 77;
    fs::write(local.join(&name), &bytes).unwrap();
    let output = scratch.run("report", &["--now", "2026-01-08"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("damaged  "), "{}", text(&output.stdout));
    assert!(!local.join(&name).exists());

    fs::write(local.join(&name), "no count file").unwrap();
    let output = scratch.run("report", &["--now", "2026-02-08"]);
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(said.lines().count() == 1 && said.contains(&name), "{said}");
    assert!(local.join(&name).exists());
}

#[test]
fn a_mode_is_lost_or_the_variable_weighs_nothing() {
    let scratch = Scratch::new();
    let base = scratch.base.join("new");
    let dir = base.to_str().unwrap();
    let mode = |more: &[&str]| {
        let output = tallymark(&[&["mode", "--dir", dir], more].concat());
        (output.status.code(), text(&output.stdout))
    };
    assert_eq!(mode(&[]).0, Some(2), "a directory that was named is not there");
    assert_eq!(mode(&["on", "--now", "2026-01-05"]), (Some(0), "on 2026-01-05\n".into()));
    assert_eq!(fs::read_to_string(base.join("mode")).unwrap(), "on 2026-01-05");
    assert_eq!(mode(&[]), (Some(0), "on 2026-01-05\n".into()));
    assert_eq!(mode(&["off", "--now", "2026-01-06"]), (Some(0), "off 2026-01-06\n".into()));
    assert_eq!(names(&base), ["mode"]);
    fs::remove_file(base.join("mode")).unwrap();
    assert_eq!(mode(&[]), (Some(0), "local\n".into()));

    scratch.inc("tool", "2026-01-05", "a=3");
    let arguments = ["report", "--dir", scratch.dir(), "--now", "2026-01-08"];
    let output = command(&arguments).env("TALLYMARK", "off").output().unwrap();
    assert_eq!((output.status.code(), text(&output.stdout).contains("mode is off")), (Some(0), true));
    assert!(!scratch.base.join("local/local.2026-01-07.json").exists());
    let output = command(&["mode", "--dir", dir]).env("TALLYMARK", "off").output().unwrap();
    assert_eq!(text(&output.stdout), "off, as $TALLYMARK says; the file says local\n");
}

#[cfg(all(unix, not(target_vendor = "apple")))]
#[test]
fn what_go_would_upload_is_taken_from_it() {
    let scratch = Scratch::new();
    let go = scratch.base.join("go/telemetry");
    fs::create_dir_all(go.parent().unwrap()).unwrap();
    let dir = go.to_str().unwrap();
    tallymark(&["inc", "--dir", dir, "--now", "2026-01-05T12:00:00Z", "a"]);
    tallymark(&["mode", "on", "--dir", dir]);
    let run = |arguments: &[&str]| command(arguments).env("XDG_CONFIG_HOME", &scratch.base).output().unwrap();
    let before = names(&go.join("local"));
    let output = run(&["report", "--go", "--now", "2026-02-08"]);
    assert_eq!((output.status.code(), text(&output.stderr).lines().count()), (Some(2), 1));
    assert_eq!(names(&go.join("local")), before);
    assert!(run(&["report", "--go", "--now", "2026-02-08", "--dry-run"]).status.success());
    run(&["mode", "local", "--go"]);
    assert!(run(&["report", "--go", "--now", "2026-02-08"]).status.success());
    assert_ne!(names(&go.join("local")), before);
}

#[test]
fn misuse_is_not_told_in_one_line() {
    let scratch = Scratch::new();
    let dir = scratch.dir();
    for arguments in [
        &["report", "--dir", "missing"][..],
        &["report", "--dir", dir, "--now", "2026-02-30"],
        &["report", "--dir", dir, "--go"],
        &["clean", "--dir", "missing"],
        &["clean", "--dir", dir, "more"],
        &["mode", "--dir", "missing"],
        &["mode", "--dir", dir, "loud"],
        &["mode", "on", "--dir", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")],
    ] {
        let output = tallymark(arguments);
        let said = text(&output.stderr);
        assert_eq!((output.status.code(), said.lines().count()), (Some(2), 1), "{arguments:?}: {said}");
        assert!(said.starts_with("tallymark: ") && said.len() > 20, "{arguments:?}: {said}");
    }
    assert_eq!(scratch.names(), ["weekends"]);
}
