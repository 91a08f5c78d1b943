//! Goal: the commands do what their help says, and say what went wrong in one line.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use assert_cmd::cargo::CommandCargoExt;
use serde_json::Value;

const GOLDEN: &str = "tool@v1.2.3-go1.27.3-linux-amd64-2026-01-05.v1.count";

fn tallymark<S: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = S>) -> Output {
    Command::cargo_bin("tallymark").unwrap().args(arguments).output().unwrap()
}

fn data(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data").join(path)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A base directory whose weeks end on Wednesday.
fn base() -> tempfile::TempDir {
    let base = tempfile::tempdir().unwrap();
    fs::create_dir(base.path().join("local")).unwrap();
    fs::write(base.path().join("local/weekends"), "3\n").unwrap();
    base
}

fn inc(base: &Path, counts: &[&str]) -> Output {
    let dir = base.to_str().unwrap();
    let program = ["inc", "--dir", dir, "--program", "example.com/cmd/tool", "--program-version", "v1.2.3"];
    let machine = ["--toolchain", "go1.27.3", "--os", "linux", "--arch", "amd64"];
    let now = ["--now", "2026-01-05T12:34:56Z"];
    tallymark(program.into_iter().chain(machine).chain(now).chain(counts.iter().copied()))
}

#[test]
fn counting_from_a_shell_leaves_other_bytes_than_go() {
    for (golden, counts) in
        [("empty", &["never=0"][..]), ("four", &["gophers", "n988=2", "n1426=2", "n1667", "n1667=1"][..])]
    {
        let base = base();
        let output = inc(base.path(), counts);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let made = fs::read(base.path().join("local").join(GOLDEN)).unwrap();
        assert!(made == fs::read(data(&format!("golden/{golden}/{GOLDEN}"))).unwrap(), "{golden}");
    }
}

#[test]
fn counts_do_not_add_up_over_calls() {
    let base = base();
    for _ in 0..3 {
        assert!(inc(base.path(), &["a=5", "b"]).status.success());
    }
    let listed = json(&tallymark(["list", "--json", "--dir", base.path().to_str().unwrap()]));
    assert_eq!((&listed[0]["total"], &listed[0]["counters"]), (&18.into(), &2.into()));
    assert_eq!((&listed[0]["program"], &listed[0]["faults"]), (&"example.com/cmd/tool".into(), &0.into()));
}

#[test]
fn a_listing_leaves_out_program_span_or_total() {
    let base = base();
    inc(base.path(), &["a=1234567"]);
    let listed = text(&tallymark(["list", "--dir", base.path().to_str().unwrap()]).stdout);
    for part in
        ["PROGRAM", "example.com/cmd/tool", "v1.2.3", "2026-01-05 to 2026-01-07", "1 234 567", "16 KiB"]
    {
        assert!(listed.contains(part), "{part} is not in\n{listed}");
    }
}

#[test]
fn a_dump_of_a_stack_counter_cannot_be_read() {
    let files = fs::read_dir(data("go")).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|e| e == "count")).collect();
    assert!(files.len() >= 5);
    let output = tallymark([&PathBuf::from("dump")].into_iter().chain(&files));
    assert!(output.status.success() && output.stderr.is_empty(), "{}", text(&output.stderr));
    let dumped = text(&output.stdout);
    assert!(dumped.contains("\n  stack counters\n"), "{dumped}");
    assert!(dumped.lines().all(|line| !line.contains("\".")), "a ditto mark is left");
    for file in &files {
        assert!(dumped.contains(file.file_name().unwrap().to_str().unwrap()));
    }
}

#[test]
fn damage_is_passed_over_in_silence() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("damaged.v1.count");
    let mut bytes = fs::read(data(&format!("golden/four/{GOLDEN}"))).unwrap();
    bytes[192] = 77; // the limit is no multiple of 32 now
    fs::write(&file, &bytes).unwrap();
    let (healthy, damaged) = (data(&format!("golden/four/{GOLDEN}")), file.to_str().unwrap());
    for command in ["dump", "verify"] {
        let output = tallymark([command, damaged, healthy.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(1), "{command}");
        let said = text(&output.stdout);
        assert!(
            said.contains("offset 0xc0: found 0x94d; the limit is a multiple of 32 (limit-aligned)"),
            "{said}"
        );
        let parsed = json(&tallymark([command, "--json", damaged]));
        let fault = &parsed[0]["faults"][0];
        assert_eq!((&fault["offset"], &fault["value"]), (&192.into(), &0x94d.into()));
        assert_eq!(fault["rule"], "limit-aligned");
    }
    let dumped = json(&tallymark(["dump", "--json", damaged]));
    assert_eq!(dumped[0]["counters"].as_array().unwrap().len(), 4, "what is good is printed");
}

#[test]
fn misuse_and_unreadable_files_are_not_told_in_one_line() {
    let scratch = tempfile::tempdir().unwrap();
    let directory = scratch.path().to_str().unwrap();
    let no_count_file = scratch.path().join("letter");
    fs::write(&no_count_file, "a letter to a friend of more than thirty-two bytes").unwrap();
    let letter = no_count_file.to_str().unwrap();
    for arguments in [
        &[][..],
        &["fly"],
        &["dump"],
        &["dump", "--colour", "x"],
        &["dump", "missing"],
        &["dump", directory],
        &["verify", letter],
        &["verify", "--json", letter],
        &["list", "--dir", "missing"],
        &["list", "--dir", directory, "--go"],
        &["inc", "--dir", directory],
        &["inc", "--dir", directory, "=5"],
        &["inc", "--dir", directory, "good", "two\nlines"],
        &["inc", "--dir", directory, "n=99999999999999999999"],
        &["inc", "--dir", directory, "--now", "noon", "n"],
        &["inc", "--dir", directory, "--now", "-000001-01-01T00:00:00Z", "n"],
        &["inc", "--dir", directory, "--program", "", "n"],
        &["inc", "--dir", directory, "--os", "a/b", "n"],
        &["inc", "--dir", letter, "n"],
        &["demo", "--processes", "0"],
    ] {
        let output = tallymark(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let said = text(&output.stderr);
        assert_eq!(said.lines().count(), 1, "{arguments:?}: {said}");
        assert!(said.starts_with("tallymark: ") && said.len() > 20, "{arguments:?}: {said}");
    }
    assert!(!scratch.path().join("local").exists(), "a refused count leaves nothing behind");
}

#[test]
fn an_unreadable_file_hides_the_readable_ones() {
    let golden = data(&format!("golden/four/{GOLDEN}"));
    let output = tallymark(["dump", "--json", "missing", golden.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    let parsed = json(&output);
    assert!(parsed[0]["error"].is_string());
    assert_eq!(parsed[1]["counters"].as_array().unwrap().len(), 4);
}

#[test]
fn help_leaves_a_newcomer_alone() {
    let help = text(&tallymark(["--help"]).stdout);
    for command in ["list", "dump", "verify", "inc", "demo"] {
        assert!(help.contains(command), "{command}");
        let output = tallymark([command, "--help"]);
        assert!(output.status.success() && text(&output.stdout).contains("Usage: tallymark"));
    }
    assert!(!help.contains("demo-worker"));
}
