//! Goal: every count is in a report once, whatever crashes, and nothing that holds a count is removed.
//! Method: real files; another process is a second descriptor.

mod crashes;

use std::fs;
use std::path::PathBuf;

use super::*;
use crate::{Base, Contents, CountFile, DirectoryError, LeftReason, Mode, Name, UnixTime};

/// 2026-01-05T10:00:00Z; weeks end on Wednesday 2026-01-07 here.
const NOW: UnixTime = UnixTime(1_767_607_200);
const DAY: i64 = 86_400;

struct Scratch {
    _directory: tempfile::TempDir,
    base: Base,
}

fn day(text: &str) -> Day {
    Day::parse(text).unwrap()
}

fn program(path: &str) -> Program {
    Program { os: "linux".into(), arch: "amd64".into(), ..Program::new(path, "v1.2.3", "go1.27.3") }
}

impl Scratch {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let base = Base::new(directory.path().join("base"));
        fs::create_dir_all(base.local()).unwrap();
        fs::write(base.local().join("weekends"), "3\n").unwrap();
        Scratch { _directory: directory, base }
    }

    /// Counts as of some days after `NOW`, and gives the path of the file.
    fn count(&self, path: &str, days: i64, counts: &[(&str, u64)]) -> PathBuf {
        let now = UnixTime(NOW.0 + days * DAY);
        let file = CountFile::open(&self.base, &program(path), now).unwrap();
        for (name, n) in counts {
            file.add(file.slot(&Name::new(name.as_bytes()).unwrap()).unwrap(), *n);
        }
        file.path()
    }

    fn make(&self, today: &str) -> Reports {
        self.base.make_reports(day(today), false).unwrap()
    }

    fn path(&self, week: &str) -> PathBuf {
        self.base.local().join(format!("local.{week}.json"))
    }

    fn report(&self, week: &str) -> Report {
        Report::from_json(&fs::read(self.path(week)).unwrap()).unwrap()
    }

    /// Count files, under whatever name, that are still there.
    fn files(&self) -> Vec<String> {
        let names = self.base.find_local().unwrap().unwrap().names().unwrap();
        names.into_iter().filter(|name| crate::expired::is_count_file(name)).collect()
    }
}

fn sum(report: &Report, name: &str) -> i64 {
    report.programs.iter().filter_map(|program| program.counters.get(name)).sum()
}

#[test]
fn a_report_has_other_fields_or_another_order_than_gos() {
    let scratch = Scratch::new();
    scratch.count("example.com/cmd/tool", 0, &[("gophers", 1), ("a/b:<c>", 2), ("p\na.f:+1\n\".g:+2", 3)]);
    scratch.make("2026-01-07");
    let text = fs::read_to_string(scratch.path("2026-01-07")).unwrap();
    let x = scratch.report("2026-01-07").x;
    assert!((0.0..1.0).contains(&x));
    assert_eq!(
        text.replace(&format!("\"X\": {x:?},"), "\"X\": 0.5,"),
        r#"{
 "Week": "2026-01-07",
 "LastWeek": "",
 "X": 0.5,
 "Programs": [
  {
   "Program": "example.com/cmd/tool",
   "Version": "v1.2.3",
   "GoVersion": "go1.27.3",
   "GOOS": "linux",
   "GOARCH": "amd64",
   "Counters": {
    "a/b:<c>": 2,
    "gophers": 1
   },
   "Stacks": {
    "p\na.f:+1\na.g:+2": 3
   }
  }
 ],
 "Config": ""
}"#
    );
    assert_eq!(scratch.files(), [] as [&str; 0]);
}

#[test]
fn a_current_file_is_taken_or_weeks_are_mixed() {
    let scratch = Scratch::new();
    for days in [0, 1, 2, 8, 9] {
        scratch.count("example.com/tool", days, &[("n", 1)]);
    }
    let made = scratch.make("2026-01-14");
    assert_eq!(made.weeks.iter().map(|week| week.files.len()).collect::<Vec<_>>(), [2, 2]);
    assert!(made.left.is_empty() && made.empty.is_empty());
    assert_eq!(scratch.files().len(), 1, "the file that begins on the 14th");
    let (first, second) = (scratch.report("2026-01-07"), scratch.report("2026-01-14"));
    assert_eq!((sum(&first, "n"), sum(&second, "n")), (2, 2));
    assert_eq!((first.last_week.as_str(), second.last_week.as_str()), ("", "2026-01-07"));
    assert_ne!(first.x, second.x);
}

#[test]
fn late_counts_are_dropped_or_what_go_wrote_is_changed() {
    let scratch = Scratch::new();
    let go = r#"{"Week": "2026-01-07", "LastWeek": "2025-12-31", "X": 0.8446286363331698, "Programs": [
        {"Program": "example.com/tool", "Version": "v1.2.3", "GoVersion": "go1.27.3", "GOOS": "linux",
         "GOARCH": "amd64", "Counters": {"n": 5, "huge": -1}, "Stacks": null}], "Config": "v0.29.0", "New": 1}"#;
    fs::write(scratch.path("2026-01-07"), go).unwrap();
    for n in [1, 2] {
        scratch.count("example.com/tool", 0, &[("n", n), ("huge", 1)]);
        assert!(scratch.make("2026-01-08").weeks[0].extended);
    }
    scratch.count("example.com/other", 0, &[("n", 4)]);
    scratch.make("2026-01-08");
    let report = scratch.report("2026-01-07");
    assert_eq!((sum(&report, "n"), report.programs.len()), (12, 2));
    assert_eq!(report.programs[0].counters["huge"], i64::MAX);
    assert_eq!((report.last_week.as_str(), report.config.as_str()), ("2025-12-31", "v0.29.0"));
    assert!(fs::read_to_string(scratch.path("2026-01-07")).unwrap().contains("\"X\": 0.8446286363331698,"));
}

#[test]
fn a_sum_passes_what_gos_reader_takes() {
    let scratch = Scratch::new();
    scratch.count("example.com/tool", 0, &[("n", u64::MAX), ("m", i64::MAX as u64)]);
    scratch.count("example.com/tool", 1, &[("n", u64::MAX), ("m", 1)]);
    scratch.make("2026-01-08");
    let text = fs::read_to_string(scratch.path("2026-01-07")).unwrap();
    assert_eq!(text.matches(": 9223372036854775807").count(), 2, "{text}");
}

fn with_three_files() -> Scratch {
    let scratch = Scratch::new();
    scratch.count("example.com/tool", 0, &[("n", 1), ("a", 10)]);
    scratch.count("example.com/tool", 1, &[("n", 2), ("p\na.f:+1", 7)]);
    scratch.count("example.com/other", 0, &[("n", 4)]);
    scratch
}

#[test]
fn a_file_in_use_is_removed() {
    let scratch = Scratch::new();
    let file = CountFile::open(&scratch.base, &program("example.com/tool"), NOW).unwrap();
    let slot = file.slot(&Name::plain(b"n").unwrap()).unwrap();
    file.add(slot, 1);
    let other = scratch.count("example.com/other", 0, &[("n", 2)]);
    let made = scratch.make("2026-01-08");
    let path = file.path();
    assert!(matches!(&made.left[..], [Left { path: left, reason: LeftReason::InUse }] if *left == path));
    assert_eq!((path.exists(), other.exists()), (true, false));
    assert_eq!(sum(&scratch.report("2026-01-07"), "n"), 2);
    file.add(slot, 10);
    drop(file);
    assert!(scratch.make("2026-01-08").left.is_empty());
    assert_eq!(sum(&scratch.report("2026-01-07"), "n"), 13);
}

#[test]
fn two_reporters_meet_in_one_directory() {
    let scratch = with_three_files();
    let local = scratch.base.find_local().unwrap().unwrap();
    let lock = crate::expired::lock(&local).map_err(drop).unwrap();
    let today = day("2026-01-08");
    assert!(matches!(scratch.base.make_reports(today, false), Err(DirectoryError::Busy)));
    assert!(matches!(scratch.base.clean(NOW, false), Err(DirectoryError::Busy)));
    drop(lock);
    assert_eq!(scratch.files().len(), 3);
}

#[test]
fn a_damaged_file_is_removed_before_its_good_counts_are_reported() {
    let scratch = Scratch::new();
    let path = scratch.count("example.com/tool", 0, &[("n", 1), ("m", 2)]);
    let mut bytes = fs::read(&path).unwrap();
    let limit_at = Contents::parse(&bytes).unwrap().preamble.layout().header_length() as usize;
    bytes[limit_at] = 77;
    fs::write(&path, &bytes).unwrap();
    let spoilt = scratch.count("example.com/spoilt", 0, &[("n", 1)]);
    fs::write(&spoilt, [b"no count file ".repeat(2000)].concat()).unwrap();
    let lost = scratch.count("example.com/lost", 0, &[]);
    let mut bytes = fs::read(&lost).unwrap();
    bytes[limit_at] = 77;
    fs::write(&lost, &bytes).unwrap();
    let nameless = scratch.count("example.com/nameless", 0, &[("n", 4)]);
    let text = fs::read(&nameless).unwrap().iter().map(|&byte| char::from(byte)).collect::<String>();
    let text: Vec<u8> = text.replace("GOOS", "GOXX").chars().map(|c| c as u8).collect();
    fs::write(&nameless, text).unwrap();

    let made = scratch.make("2026-01-14");
    assert_eq!((made.weeks[0].files.len(), made.weeks[0].files[0].faults.len()), (1, 1));
    assert_eq!((sum(&scratch.report("2026-01-07"), "n"), sum(&scratch.report("2026-01-07"), "m")), (1, 2));
    assert!(!path.exists());
    for (path, is_reason) in [
        (&spoilt, (|reason| matches!(reason, LeftReason::NoHeader(_))) as fn(&LeftReason) -> bool),
        (&lost, |reason| matches!(reason, LeftReason::NothingSalvaged(1))),
        (&nameless, |reason| matches!(reason, LeftReason::UnknownProgram)),
    ] {
        let left = made.left.iter().find(|left| left.path == *path).unwrap();
        assert!(is_reason(&left.reason) && path.exists(), "{left:?}");
    }
    assert_eq!(made.left.len(), 3);
}

#[test]
fn a_report_that_cannot_be_read_is_replaced() {
    for text in
        ["", "{\"Week\": ", "[]", "{\"Week\": \"2026-01-14\"}", "{\"Week\": \"2026-01-07\", \"Programs\": 7}"]
    {
        let scratch = with_three_files();
        fs::write(scratch.path("2026-01-07"), text).unwrap();
        let made = scratch.make("2026-01-08");
        assert!(made.weeks.is_empty());
        assert!(matches!(&made.left[..], [Left { reason: LeftReason::NoReport(_), .. }]), "{made:?}");
        assert_eq!(fs::read_to_string(scratch.path("2026-01-07")).unwrap(), text);
        assert_eq!(scratch.files().len(), 3);
    }
}

#[test]
fn one_report_that_cannot_be_read_keeps_back_all_others() {
    let scratch = with_three_files();
    fs::create_dir(scratch.path("2020-01-01")).unwrap();
    let made = scratch.make("2026-01-08");
    assert_eq!((made.weeks.len(), sum(&scratch.report("2026-01-07"), "n")), (1, 7));
    let [Left { path, reason: LeftReason::Platform(_) }] = &made.left[..] else { panic!("{made:?}") };
    assert_eq!(*path, scratch.path("2020-01-01"));
}

#[test]
fn files_without_counts_stay_or_make_reports() {
    let scratch = Scratch::new();
    scratch.count("example.com/tool", 0, &[]);
    scratch.count("example.com/other", 0, &[("zero", 0)]);
    let made = scratch.make("2026-01-08");
    assert_eq!((made.empty.len(), made.weeks.len()), (2, 0));
    assert!(scratch.files().is_empty() && !scratch.path("2026-01-07").exists());
}

#[test]
fn a_dry_run_changes_the_directory() {
    let scratch = with_three_files();
    scratch.count("example.com/empty", 0, &[]);
    let names = || scratch.base.find_local().unwrap().unwrap().names().unwrap();
    let before = names();
    let made = scratch.base.make_reports(day("2026-01-08"), true).unwrap();
    assert_eq!((made.weeks[0].files.len(), made.empty.len()), (3, 1));
    assert_eq!(made.weeks[0].files.iter().map(|file| file.total).sum::<u64>(), 24);
    assert_eq!(names(), before);
}

#[test]
fn reports_are_made_although_the_mode_is_off() {
    let scratch = with_three_files();
    scratch.base.set_mode(Mode::Off, day("2026-01-05")).unwrap();
    assert!(matches!(scratch.base.make_reports(day("2026-01-08"), false), Err(DirectoryError::Off)));
    assert_eq!(scratch.files().len(), 3);
    scratch.base.set_mode(Mode::On, day("2026-01-05")).unwrap();
    scratch.make("2026-01-08");
    assert!(!scratch.base.path().join("upload").exists(), "something is put where Go uploads from");
    assert!(!scratch.base.local().join("2026-01-07.json").exists());
}

#[test]
fn a_missing_directory_is_made_or_an_error() {
    let scratch = tempfile::tempdir().unwrap();
    let base = Base::new(scratch.path().join("missing"));
    assert!(base.make_reports(day("2026-01-08"), false).unwrap().weeks.is_empty());
    assert!(base.clean(NOW, false).unwrap().is_empty());
    assert!(!base.path().exists());
}

#[cfg(unix)]
#[test]
fn a_link_is_followed_out_of_the_directory() {
    let scratch = Scratch::new();
    let path = scratch.count("example.com/tool", 0, &[("n", 1)]);
    let outside = scratch.base.path().join("outside");
    fs::rename(&path, &outside).unwrap();
    std::os::unix::fs::symlink(&outside, &path).unwrap();
    let made = scratch.make("2026-01-14");
    assert!(matches!(&made.left[..], [Left { reason: LeftReason::Platform(_), .. }]));
    scratch.base.clean(UnixTime(NOW.0 + 30 * DAY), false).unwrap();
    assert!(outside.exists() && path.is_symlink());
}
