//! How results and errors are said.

use std::io::{self, Write};
use std::process::ExitCode;

use comfy_table::{CellAlignment, Table, presets};
use serde_json::{Value, json};
use tallymark::{Contents, Fault, Leftovers, StoredCounter};

/// What the exit status says. A later variant outweighs an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    /// All is well.
    Good,
    /// Damage was found, or a proof failed.
    Damaged,
    /// Misuse, or something could not be read or written.
    Failed,
}

impl From<Verdict> for ExitCode {
    fn from(verdict: Verdict) -> Self {
        ExitCode::from(verdict as u8)
    }
}

impl Verdict {
    /// The verdict on a file that could be read.
    pub(crate) fn of(contents: &Contents) -> Self {
        if contents.faults.is_empty() { Verdict::Good } else { Verdict::Damaged }
    }
}

/// Says one line on stderr.
pub(crate) fn complain(line: &str) {
    let line = line.replace('\n', " ");
    let _ = writeln!(io::stderr(), "tallymark: {}", printable(line.as_bytes()));
}

/// Prints text on stdout.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    Ok(stdout.flush()?)
}

/// Prints JSON on stdout.
pub(crate) fn print_json(value: &Value) -> anyhow::Result<()> {
    print(&format!("{value:#}\n"))
}

/// Whether the reader of our output has gone away, which is its right.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Bytes as text without anything that a terminal would obey.
pub(crate) fn printable(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes)
        .chars()
        .flat_map(|c| {
            let escaped = c.is_control().then(|| c.escape_default());
            escaped.into_iter().flatten().chain((!c.is_control()).then_some(c))
        })
        .collect()
}

/// A table without lines, its columns aligned as given.
pub(crate) fn table(columns: &[(&str, CellAlignment)]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(columns.iter().map(|(name, _)| *name));
    for (i, (_, alignment)) in columns.iter().enumerate() {
        if let Some(column) = table.column_mut(i) {
            column.set_padding((0, 2)).set_cell_alignment(*alignment);
        }
    }
    table
}

/// A table as text, without spaces at the ends of lines.
pub(crate) fn lines(table: &Table) -> String {
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// A number with its thousands apart.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// What crashes have left, in words; `None` if nothing.
pub(crate) fn leftovers(leftovers: &Leftovers) -> Option<String> {
    let Leftovers { unlinked, dead, unfinished_bytes, gap_bytes } = *leftovers;
    let parts = [
        (unlinked, "unlinked"),
        (dead, "dead"),
        (unfinished_bytes, "bytes unfinished"),
        (gap_bytes, "bytes at page ends"),
    ];
    let said: Vec<String> =
        parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    (!said.is_empty()).then(|| said.join(", "))
}

/// A fault for programs.
pub(crate) fn fault_json(fault: &Fault) -> Value {
    json!({
        "offset": fault.offset,
        "value": fault.value,
        "rule": fault.rule.name(),
        "text": fault.rule.text(),
        "section": fault.rule.section(),
    })
}

/// Leftovers for programs.
pub(crate) fn leftovers_json(leftovers: &Leftovers) -> Value {
    json!({
        "unlinked": leftovers.unlinked,
        "dead": leftovers.dead,
        "unfinished_bytes": leftovers.unfinished_bytes,
        "gap_bytes": leftovers.gap_bytes,
    })
}

/// A counter for programs: its name decoded, and in hexadecimal if it is not UTF-8.
pub(crate) fn counter_json(counter: &StoredCounter) -> Value {
    let decoded = counter.decoded_name();
    let mut value = json!({
        "name": String::from_utf8_lossy(&decoded),
        "value": counter.value,
        "offset": counter.offset,
    });
    if std::str::from_utf8(&decoded).is_err() {
        let hex: String = decoded.iter().map(|byte| format!("{byte:02x}")).collect();
        value["name_hex"] = hex.into();
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_command_the_terminal() {
        assert_eq!(printable(b"a\x1b[31m\xff\n"), "a\\u{1b}[31m\u{fffd}\\n");
    }

    #[test]
    fn numbers_are_grouped_from_the_right() {
        assert_eq!(
            (grouped(7), grouped(1000), grouped(1234567)),
            ("7".into(), "1 000".into(), "1 234 567".into())
        );
    }
}
