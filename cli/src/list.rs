//! `tallymark list`: the count files of a directory.

use anyhow::Context;
use comfy_table::CellAlignment::{Left, Right};
use serde_json::{Value, json};
use tallymark::Contents;

use crate::arguments::ListArguments;
use crate::directory;
use crate::output::{self, Verdict};

pub(crate) fn run(arguments: &ListArguments) -> anyhow::Result<Verdict> {
    let base = directory::existing(arguments.dir.as_deref(), arguments.go)?;
    let files = base.count_files().with_context(|| format!("listing {}", base.local().display()))?;
    let mut table = output::table(&[
        ("PROGRAM", Left),
        ("VERSION", Left),
        ("TOOLCHAIN", Left),
        ("SPAN", Left),
        ("COUNTERS", Right),
        ("TOTAL", Right),
        ("SIZE", Right),
        ("", Left),
    ]);
    let mut listed = Vec::new();
    let mut verdict = Verdict::Good;
    for path in &files {
        match Contents::read(path) {
            Ok(contents) => {
                verdict = verdict.max(Verdict::of(&contents));
                table.add_row(row(&contents));
                listed.push(entry(path.display().to_string(), &contents));
            }
            Err(error) => {
                verdict = Verdict::Failed;
                output::complain(&error.to_string());
                listed.push(json!({"file": path.display().to_string(), "error": error.to_string()}));
            }
        }
    }
    if arguments.json {
        output::print_json(&Value::Array(listed))?;
    } else if table.is_empty() {
        output::print(&format!("no count files in {}\n", base.local().display()))?;
    } else {
        output::print(&output::lines(&table))?;
    }
    Ok(verdict)
}

fn row(contents: &Contents) -> Vec<String> {
    let get =
        |key| contents.preamble.get(key).map_or("?".to_owned(), |value| output::printable(value.as_bytes()));
    vec![
        get("Program"),
        get("Version"),
        get("GoVersion"),
        format!("{} to {}", day(contents, "TimeBegin"), day(contents, "TimeEnd")),
        contents.counters.len().to_string(),
        output::grouped(contents.total()),
        format!("{} KiB", contents.length.div_ceil(1024)),
        if contents.faults.is_empty() {
            String::new()
        } else {
            format!("damaged: {} faults", contents.faults.len())
        },
    ]
}

/// A day of the metadata, in words.
pub(crate) fn day(contents: &Contents, key: &str) -> String {
    contents.preamble.day(key).map_or("?".to_owned(), |day| day.to_string())
}

fn entry(file: String, contents: &Contents) -> Value {
    json!({
        "file": file,
        "program": contents.preamble.get("Program"),
        "version": contents.preamble.get("Version"),
        "toolchain": contents.preamble.get("GoVersion"),
        "begin": contents.preamble.get("TimeBegin"),
        "end": contents.preamble.get("TimeEnd"),
        "counters": contents.counters.len(),
        "total": contents.total(),
        "length": contents.length,
        "faults": contents.faults.len(),
    })
}
