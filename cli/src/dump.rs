//! `tallymark dump`: what count files hold.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use serde_json::{Map, Value, json};
use tallymark::{Contents, StoredCounter};

use crate::arguments::FilesArguments;
use crate::list::day;
use crate::output::{self, Verdict};

pub(crate) fn run(arguments: &FilesArguments) -> anyhow::Result<Verdict> {
    let mut verdict = Verdict::Good;
    let mut values = Vec::new();
    for (i, path) in arguments.files.iter().enumerate() {
        match Contents::read(path) {
            Ok(contents) => {
                verdict = verdict.max(Verdict::of(&contents));
                if arguments.json {
                    values.push(value(path, &contents));
                } else {
                    let separator = if i > 0 { "\n" } else { "" };
                    output::print(&format!("{separator}{}", text(path, &contents)))?;
                }
            }
            Err(error) => {
                verdict = Verdict::Failed;
                values.push(json!({"file": path.display().to_string(), "error": error.to_string()}));
                output::complain(&error.to_string());
            }
        }
    }
    if arguments.json {
        output::print_json(&Value::Array(values))?;
    }
    Ok(verdict)
}

fn value(path: &Path, contents: &Contents) -> Value {
    let metadata: Map<String, Value> = contents
        .preamble
        .entries()
        .map(|(key, value)| {
            (String::from_utf8_lossy(key).into_owned(), String::from_utf8_lossy(value).into())
        })
        .collect();
    let counters = |stack: bool| -> Vec<Value> {
        contents.counters.iter().filter(|c| c.is_stack() == stack).map(output::counter_json).collect()
    };
    json!({
        "file": path.display().to_string(),
        "length": contents.length,
        "limit": contents.limit,
        "foreign_byte_order": contents.preamble.is_foreign_order(),
        "metadata": metadata,
        "counters": counters(false),
        "stacks": counters(true),
        "salvaged": contents.orphans.iter().map(output::counter_json).collect::<Vec<_>>(),
        "faults": contents.faults.iter().map(output::fault_json).collect::<Vec<_>>(),
        "leftovers": output::leftovers_json(&contents.leftovers),
    })
}

fn text(path: &Path, contents: &Contents) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = write_text(&mut out, path, contents);
    out
}

fn write_text(out: &mut String, path: &Path, contents: &Contents) -> std::fmt::Result {
    let get = |key| output::printable(contents.preamble.get(key).unwrap_or("?").as_bytes());
    let version = get("Version");
    let at = if version.is_empty() { "" } else { " " };
    let order = if contents.preamble.is_foreign_order() { ", of the other byte order" } else { "" };
    writeln!(out, "{}", path.display())?;
    writeln!(out, "  program    {}{at}{version}", get("Program"))?;
    writeln!(out, "  built by   {} for {}/{}", get("GoVersion"), get("GOOS"), get("GOARCH"))?;
    writeln!(out, "  counts     {} to {} (UTC)", day(contents, "TimeBegin"), day(contents, "TimeEnd"))?;
    writeln!(out, "  file       {} bytes, {} counters{order}", contents.length, contents.counters.len())?;
    if let Some(leftovers) = output::leftovers(&contents.leftovers) {
        writeln!(out, "  leftovers  {leftovers}")?;
    }
    let (stacks, plain): (Vec<&StoredCounter>, Vec<&StoredCounter>) =
        contents.counters.iter().partition(|counter| counter.is_stack());
    section(out, "counters", &plain)?;
    section(out, "stack counters", &stacks)?;
    section(out, "salvaged, in no chain", &contents.orphans.iter().collect::<Vec<_>>())?;
    if !contents.faults.is_empty() {
        writeln!(out, "\n  damage")?;
        for fault in &contents.faults {
            writeln!(out, "    {fault}")?;
        }
    }
    Ok(())
}

/// Counters by name; those whose decoded names are equal are summed.
fn section(out: &mut String, title: &str, counters: &[&StoredCounter]) -> std::fmt::Result {
    if counters.is_empty() {
        return Ok(());
    }
    let mut sums: BTreeMap<Vec<u8>, u64> = BTreeMap::new();
    for counter in counters {
        let sum = sums.entry(counter.decoded_name()).or_default();
        *sum = sum.saturating_add(counter.value);
    }
    let width = sums.values().map(|sum| output::grouped(*sum).len()).max().unwrap_or(0);
    writeln!(out, "\n  {title}")?;
    for (name, sum) in &sums {
        let mut lines = name.split(|&byte| byte == b'\n').map(output::printable);
        let first = lines.next().unwrap_or_default();
        writeln!(out, "    {:>width$}  {first}", output::grouped(*sum))?;
        for line in lines {
            writeln!(out, "    {:>width$}    {line}", "")?;
        }
    }
    Ok(())
}
