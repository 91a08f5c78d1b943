//! What the demo shows while it runs: a live table and a progress bar on a terminal, else a line now
//! and then.

use std::time::Duration;

use comfy_table::CellAlignment::{Left, Right};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::output;

/// The state of one process at one moment.
pub(crate) struct Row {
    pub(crate) process: String,
    pub(crate) state: &'static str,
    pub(crate) acknowledged: u64,
    pub(crate) names: u64,
}

/// The live display.
pub(crate) struct Screen {
    display: MultiProgress,
    table: ProgressBar,
    bar: ProgressBar,
    tick: u64,
}

impl Screen {
    /// A display for a run of this length.
    pub(crate) fn new(length: Duration) -> Self {
        let display = MultiProgress::new();
        let table = display.add(ProgressBar::new_spinner());
        table.set_style(style("{msg}"));
        let bar = display.add(ProgressBar::new(length.as_millis() as u64));
        bar.set_style(style("[{bar:40}] {percent:>3} %  {msg}"));
        Screen { display, table, bar, tick: 0 }
    }

    /// Shows one moment.
    pub(crate) fn show(&mut self, rows: &[Row], file: &str, elapsed: Duration) {
        let mut table = output::table(&[
            ("PROCESS", Left),
            ("STATE", Left),
            ("ACKNOWLEDGED", Right),
            ("OWN NAMES", Right),
        ]);
        for row in rows {
            let numbers = [output::grouped(row.acknowledged), output::grouped(row.names)];
            let [acknowledged, names] = numbers;
            table.add_row([row.process.clone(), row.state.to_owned(), acknowledged, names]);
        }
        self.table.set_message(output::lines(&table));
        self.bar.set_position(elapsed.as_millis() as u64);
        self.bar.set_message(file.to_owned());
        if self.display.is_hidden() && self.tick.is_multiple_of(10) {
            let sum: u64 = rows.iter().map(|row| row.acknowledged).sum();
            self.say(&format!(
                "{:>5.1} s  {} acknowledged; {file}",
                elapsed.as_secs_f64(),
                output::grouped(sum)
            ));
        }
        self.tick += 1;
    }

    /// Says a line above the display.
    pub(crate) fn say(&self, line: &str) {
        self.display.suspend(|| {
            // Who closes our stdout early still gets the exit status.
            let _ = output::print(&format!("{line}\n"));
        });
    }

    /// Leaves the last table standing.
    pub(crate) fn finish(&self) {
        self.bar.finish();
        self.table.finish();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}
