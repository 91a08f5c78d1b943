//! The report: one table, and what was noted beside it.

use std::fmt;

use crate::race::{Comparison, Times};

/// One line of the table.
#[derive(Debug)]
struct Row {
    measure: String,
    contestant: &'static str,
    other: &'static str,
    comparison: Comparison,
    rounds: usize,
    goal: &'static str,
}

/// All lines, in the order of the measures.
#[derive(Debug, Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
    notes: Vec<String>,
}

impl Report {
    /// Adds how a contestant did beside others; one that did not take part has no line.
    pub(crate) fn add(
        &mut self,
        measure: &str,
        times: &Times,
        point: usize,
        contestant: &'static str,
        others: &[(&'static str, &'static str)],
    ) {
        for &(other, goal) in others {
            if let Some(comparison) = times.compare(contestant, other, point) {
                let (measure, rounds) = (measure.to_owned(), times.rounds());
                self.rows.push(Row { measure, contestant, other, comparison, rounds, goal });
            }
        }
    }

    /// Adds a remark.
    pub(crate) fn note(&mut self, note: String) {
        self.notes.push(note);
    }
}

/// What stands above each column.
const HEAD: [&str; 9] =
    ["measure", "ours", "time", "beside", "time", "ratio", "10–90 % of rounds", "rounds", "goal"];

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<[String; 9]> = self.rows.iter().map(Row::cells).collect();
        let width = |column: usize| {
            let cells = lines.iter().map(|line| line[column].chars().count());
            cells.chain([HEAD[column].chars().count()]).max().unwrap_or(0)
        };
        let widths: [usize; 9] = std::array::from_fn(width);
        let line = |f: &mut fmt::Formatter<'_>, cells: &[String; 9]| {
            for (cell, width) in cells.iter().zip(widths) {
                write!(f, "| {cell:<width$} ")?;
            }
            writeln!(f, "|")
        };
        line(f, &HEAD.map(str::to_owned))?;
        line(f, &widths.map(|width| "-".repeat(width)))?;
        for cells in &lines {
            line(f, cells)?;
        }
        for note in &self.notes {
            writeln!(f, "\n* {note}")?;
        }
        Ok(())
    }
}

impl Row {
    fn cells(&self) -> [String; 9] {
        let Comparison { ours, other, ratio, low, high } = self.comparison;
        [
            self.measure.clone(),
            self.contestant.to_owned(),
            time(ours),
            self.other.to_owned(),
            time(other),
            format!("{ratio:.2}"),
            format!("{low:.2}–{high:.2}"),
            self.rounds.to_string(),
            self.goal.to_owned(),
        ]
    }
}

/// A time in nanoseconds, with a unit that suits it.
fn time(nanoseconds: f64) -> String {
    if nanoseconds < 100.0 {
        format!("{nanoseconds:.2} ns")
    } else if nanoseconds < 10_000.0 {
        format!("{nanoseconds:.0} ns")
    } else if nanoseconds < 10_000_000.0 {
        format!("{:.1} µs", nanoseconds / 1e3)
    } else {
        format!("{:.1} ms", nanoseconds / 1e6)
    }
}
