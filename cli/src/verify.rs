//! `tallymark verify`: every fault of count files.

use serde_json::{Value, json};
use tallymark::Contents;

use crate::arguments::FilesArguments;
use crate::output::{self, Verdict};

pub(crate) fn run(arguments: &FilesArguments) -> anyhow::Result<Verdict> {
    let mut verdict = Verdict::Good;
    let mut values = Vec::new();
    for path in &arguments.files {
        let file = path.display().to_string();
        match Contents::read(path) {
            Ok(contents) => {
                verdict = verdict.max(Verdict::of(&contents));
                if arguments.json {
                    values.push(json!({
                        "file": file,
                        "healthy": contents.faults.is_empty(),
                        "counters": contents.counters.len(),
                        "faults": contents.faults.iter().map(output::fault_json).collect::<Vec<_>>(),
                        "leftovers": output::leftovers_json(&contents.leftovers),
                    }));
                } else {
                    output::print(&text(&file, &contents))?;
                }
            }
            Err(error) => {
                verdict = Verdict::Failed;
                values.push(json!({
                    "file": file,
                    "error": error.to_string(),
                    "faults": error.fault().iter().map(output::fault_json).collect::<Vec<_>>(),
                }));
                output::complain(&error.to_string());
            }
        }
    }
    if arguments.json {
        output::print_json(&Value::Array(values))?;
    }
    Ok(verdict)
}

fn text(file: &str, contents: &Contents) -> String {
    let leftovers = output::leftovers(&contents.leftovers);
    let leftovers = leftovers.map_or(String::new(), |said| format!("; leftovers: {said}"));
    let counters = contents.counters.len();
    match contents.faults.len() {
        0 => format!("healthy  {file}: {counters} counters{leftovers}\n"),
        n => {
            let faults = contents.faults.iter().map(|fault| format!("         {fault}\n"));
            let salvaged = contents.orphans.len();
            format!("damaged  {file}: {n} faults; {counters} good counters, {salvaged} salvaged{leftovers}\n")
                + &faults.collect::<String>()
        }
    }
}
