//! Goal: every count is in a report once, whatever crashes.
//! Method: a crash is a panic between two steps.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::*;
use crate::report::make::{Step, run};

/// Runs and dies at the given step; false if it came to its end before.
fn crash(scratch: &Scratch, step: usize) -> bool {
    let left = Cell::new(step);
    let mut at = |_| {
        left.set(left.get().checked_sub(1).unwrap_or_else(|| panic!("crash")));
    };
    let outcome = catch_unwind(AssertUnwindSafe(|| run(&scratch.base, day("2026-01-08"), false, &mut at)));
    outcome.is_err()
}

#[test]
fn a_crash_drops_counts_or_counts_them_twice() {
    let whole = with_three_files();
    whole.make("2026-01-08");
    let expected = whole.report("2026-01-07").programs;
    let total = |programs: &[ProgramReport]| programs.iter().map(ProgramReport::total).sum::<u64>();
    assert_eq!(total(&expected), 24);

    let mut steps = 0;
    loop {
        let scratch = with_three_files();
        if !crash(&scratch, steps) {
            break;
        }
        let x = fs::read(scratch.path("2026-01-07")).ok().map(|text| Report::from_json(&text).unwrap().x);
        // A second crash, at each step in turn, before it is run to its end.
        let _ = crash(&scratch, steps % 3);
        scratch.make("2026-01-08");
        let report = scratch.report("2026-01-07");
        assert_eq!(total(&report.programs), 24, "after a crash at step {steps}: {report:?}");
        assert_eq!((sum(&report, "n"), sum(&report, "a")), (7, 10));
        assert!(x.is_none_or(|x| x == report.x), "X is drawn again");
        assert_eq!(scratch.files(), [] as [&str; 0]);
        let text = fs::read_to_string(scratch.path("2026-01-07")).unwrap();
        assert!(!text.contains("Merging"), "{text}");
        steps += 1;
    }
    assert_eq!(steps, 3 + 1 + 3 + 1);
}

#[test]
fn what_was_counted_after_a_crash_is_dropped_or_the_rest_is_counted_twice() {
    let scratch = Scratch::new();
    scratch.count("example.com/tool", 0, &[("n", 5), ("m", 1)]);
    assert!(crash(&scratch, 1), "the report is written");
    // Go's processes lock nothing and may still have the file mapped.
    let claimed = scratch.base.local().join(&scratch.files()[0]);
    let mut bytes = fs::read(&claimed).unwrap();
    let counters = Contents::parse(&bytes).unwrap().counters;
    let at = counters.iter().find(|counter| counter.name == b"n").unwrap().offset as usize;
    bytes[at..at + 8].copy_from_slice(&8_u64.to_ne_bytes());
    fs::write(&claimed, &bytes).unwrap();
    // A file of the same name, made since, is another one.
    scratch.count("example.com/tool", 0, &[("n", 5), ("m", 1)]);
    let made = scratch.make("2026-01-08");
    let mut totals: Vec<u64> = made.weeks[0].files.iter().map(|file| file.total).collect();
    totals.sort_unstable();
    assert_eq!(totals, [3, 6]);
    let report = scratch.report("2026-01-07");
    assert_eq!((sum(&report, "n"), sum(&report, "m")), (13, 2));
    assert_eq!(scratch.files(), [] as [&str; 0]);
}

/// Method: a run between the crash and the next, for which the days of the files are not over.
#[test]
fn a_clock_that_goes_back_after_a_crash_has_counts_added_twice() {
    let scratch = with_three_files();
    assert!(crash(&scratch, 3), "the report is written");
    assert_eq!((scratch.files().len(), sum(&scratch.report("2026-01-07"), "n")), (3, 7));
    assert!(scratch.make("2026-01-06").weeks.is_empty());
    scratch.make("2026-01-08");
    assert_eq!((scratch.files().len(), sum(&scratch.report("2026-01-07"), "n")), (0, 7));
}

/// A week of more files than are taken at once.
fn with_many_files() -> Scratch {
    let scratch = Scratch::new();
    for n in 0..300 {
        scratch.count(&format!("example.com/tool-{n}"), 0, &[("n", 1)]);
    }
    scratch
}

#[test]
fn all_files_of_a_week_are_open_at_once_or_some_are_left() {
    let scratch = with_many_files();
    let (mut open, mut most) = (0, 0);
    let mut at = |step: Step| {
        match step {
            Step::Claimed => open += 1,
            Step::Removed => open -= 1,
            Step::Written | Step::Cleared => {}
        }
        most = most.max(open);
    };
    let made = run(&scratch.base, day("2026-01-08"), false, &mut at).unwrap();
    assert_eq!((open, most), (0, 128));
    assert!(made.left.is_empty(), "{:?}", made.left);
    let [week] = &made.weeks[..] else { panic!("{} weeks", made.weeks.len()) };
    assert_eq!((week.files.len(), week.extended), (300, false));
    assert_eq!((scratch.files().len(), sum(&scratch.report("2026-01-07"), "n")), (0, 300));
}

/// Method: steps of the first, second and last part of the files, at the edges of each.
#[test]
fn a_crash_in_a_later_part_drops_counts_or_counts_them_twice() {
    let part = 128 + 1 + 128 + 1;
    for step in
        [128, 130, part, part + 128, part + 129, part + 200, 2 * part - 1, 2 * part + 43, 2 * part + 60]
    {
        let scratch = with_many_files();
        assert!(crash(&scratch, step), "{step}");
        let _ = crash(&scratch, step / 3);
        scratch.make("2026-01-08");
        assert_eq!((scratch.files().len(), sum(&scratch.report("2026-01-07"), "n")), (0, 300), "{step}");
    }
}

/// Method: a directory in the place of the report keeps it back.
#[test]
fn what_keeps_back_a_report_is_told_for_each_part_of_its_files() {
    let scratch = with_many_files();
    std::fs::create_dir(scratch.path("2026-01-07")).unwrap();
    let made = scratch.make("2026-01-08");
    assert_eq!((made.left.len(), scratch.files().len()), (1, 300));
}
