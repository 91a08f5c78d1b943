//! `tallymark report`: makes the weekly reports.

use std::fmt::Write;

use comfy_table::CellAlignment::{Left, Right};
use serde_json::{Value, json};
use tallymark::{DirectoryError, LeftReason, MergedFile, Mode, Reports, WeekReport};

use crate::arguments::ReportArguments;
use crate::mode::today;
use crate::output::{self, Verdict};
use crate::{clean, directory};

pub(crate) fn run(arguments: &ReportArguments) -> anyhow::Result<Verdict> {
    let base = directory::existing(arguments.base.dir.as_deref(), arguments.base.go)?;
    let dry_run = arguments.dry_run;
    if arguments.base.go && !dry_run && base.mode_in_file()?.mode == Mode::On {
        anyhow::bail!(
            "the mode in {} is on: the Go toolchain makes its reports there itself, from the same files; try --dry-run",
            base.path().display()
        );
    }
    let reports = match base.make_reports(today(arguments.now)?, dry_run) {
        Ok(reports) => reports,
        Err(DirectoryError::Off) if !arguments.json => {
            output::print("the mode is off; no reports are made\n")?;
            return Ok(Verdict::Good);
        }
        Err(DirectoryError::Off) => Reports::default(),
        Err(DirectoryError::Platform(error)) => return Err(error.into()),
        Err(error) => anyhow::bail!("{}: {error}", base.local().display()),
    };
    let mut verdict = Verdict::Good;
    if reports.weeks.iter().flat_map(|week| &week.files).any(|file| !file.faults.is_empty()) {
        verdict = Verdict::Damaged;
    }
    for left in &reports.left {
        verdict = verdict.max(clean::verdict(&left.reason));
        if clean::verdict(&left.reason) == Verdict::Failed {
            output::complain(&clean::left(&left.path, &left.reason));
        }
    }
    if arguments.json {
        output::print_json(&value(&reports, dry_run))?;
    } else {
        let text = text(&reports, dry_run);
        let nothing = format!("nothing to report in {}\n", base.local().display());
        output::print(if text.is_empty() && reports.left.is_empty() { &nothing } else { &text })?;
    }
    Ok(verdict)
}

fn text(reports: &Reports, dry_run: bool) -> String {
    let columns = [("WEEK", Left), ("FILES", Right), ("COUNTERS", Right), ("TOTAL", Right), ("REPORT", Left)];
    let mut table = output::table(&columns);
    for week in &reports.weeks {
        table.add_row(row(week, dry_run));
    }
    let mut text = if table.is_empty() { String::new() } else { output::lines(&table) };
    for file in reports.weeks.iter().flat_map(|week| &week.files) {
        if !file.faults.is_empty() {
            let (path, faults) = (file.path.display(), file.faults.len());
            let _ = writeln!(text, "damaged  {path}: {faults} faults; what could be salvaged is reported");
        }
    }
    for path in &reports.empty {
        let what = if dry_run { "would be removed" } else { "removed" };
        let _ = writeln!(text, "{what}  {}: it has no counts", path.display());
    }
    for left in &reports.left {
        if clean::verdict(&left.reason) != Verdict::Failed {
            let _ = writeln!(text, "left     {}", clean::left(&left.path, &left.reason));
        }
    }
    text
}

fn row(week: &WeekReport, dry_run: bool) -> Vec<String> {
    let what = match (dry_run, week.extended) {
        (false, false) => "made",
        (false, true) => "extended",
        (true, false) => "would be made",
        (true, true) => "would be extended",
    };
    vec![
        week.week.to_string(),
        week.files.len().to_string(),
        output::grouped(counters(week) as u64),
        output::grouped(total(week)),
        format!("{what}: {}", week.path.display()),
    ]
}

fn counters(week: &WeekReport) -> usize {
    week.files.iter().map(|file| file.counters).sum()
}

fn total(week: &WeekReport) -> u64 {
    week.files.iter().fold(0, |sum, file| sum.saturating_add(file.total))
}

fn value(reports: &Reports, dry_run: bool) -> Value {
    let file = |file: &MergedFile| {
        json!({
            "file": file.path.display().to_string(),
            "counters": file.counters,
            "total": file.total,
            "faults": file.faults.iter().map(output::fault_json).collect::<Vec<_>>(),
        })
    };
    let week = |week: &WeekReport| {
        json!({
            "week": week.week.to_string(),
            "report": week.path.display().to_string(),
            "extended": week.extended,
            "counters": counters(week),
            "total": total(week),
            "files": week.files.iter().map(file).collect::<Vec<_>>(),
        })
    };
    let left = |left: &tallymark::Left| {
        json!({
            "file": left.path.display().to_string(),
            "in_use": matches!(left.reason, LeftReason::InUse),
            "reason": left.reason.to_string(),
        })
    };
    json!({
        "dry_run": dry_run,
        "weeks": reports.weeks.iter().map(week).collect::<Vec<_>>(),
        "empty": reports.empty.iter().map(|path| path.display().to_string()).collect::<Vec<_>>(),
        "left": reports.left.iter().map(left).collect::<Vec<_>>(),
    })
}
