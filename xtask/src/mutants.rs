//! Faults put into the protocol on purpose: the simulator has to find each (T60).
//!
//! A mutant is a change of text in a copy of the project. Changes that are left out because nobody could
//! tell them from the original: a loser that does not mark its record dead (an unlinked record is as good
//! to every reader), a value that is not zeroed (a place that is not all zeros is not used), a limit past
//! the memory that is not looked at (asking for growth maps the rest as well).

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use xtask::go::workspace;

use crate::command;

struct Mutant {
    name: &'static str,
    file: &'static str,
    /// Stands in the file exactly once.
    old: &'static str,
    new: &'static str,
}

const TABLE: &str = "core/src/table.rs";
const HANDLE: &str = "core/src/counter/protocol.rs";
const GATE: &str = "core/src/counter/gate.rs";

const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "a new record is published by a plain store",
        file: TABLE,
        old: "self.words.compare_exchange32(bucket, head, start, Ordering::Release, Ordering::Acquire)?;",
        new: "self.words.store32(bucket, start, Ordering::Release).map(|()| Ok::<u32, u32>(head))?;",
    },
    Mutant {
        name: "who loses the race does not look again",
        file: TABLE,
        old: "if let Some(other) = self.walk(name, seen, head, visits)? {",
        new: "if let Some(other) = None::<Slot> {",
    },
    Mutant {
        name: "who loses the race looks at the old part",
        file: TABLE,
        old: "if let Some(other) = self.walk(name, seen, head, visits)? {",
        new: "if let Some(other) = self.walk(name, head, END, visits)? {",
    },
    Mutant {
        name: "who loses the race skips what came after its look",
        file: TABLE,
        old: "head = seen;",
        new: "head = self.head(bucket)?;",
    },
    Mutant {
        name: "who loses the race counts into its own record",
        file: TABLE,
        old: "return Ok(other);",
        new: "return Ok(Slot(start));",
    },
    Mutant {
        name: "the limit is set by a plain store",
        file: TABLE,
        old: "limit = match self.words.compare_exchange32(
                at,
                limit,
                place.end,
                Ordering::Relaxed,
                Ordering::Relaxed,
            )? {",
        new: "limit = match self.words.store32(at, place.end, Ordering::Relaxed).map(|()| Ok::<u32, u32>(limit))? {",
    },
    Mutant {
        name: "a place past the end of the file is taken",
        file: TABLE,
        old: "if place.end > self.words.length() {",
        new: "if false {",
    },
    Mutant {
        name: "a place that is in use is written over",
        file: TABLE,
        old: "Ok(_) if is_untouched(&self.words, place.start, name_length)? => {",
        new: "Ok(_) => {",
    },
    Mutant {
        name: "a file that has grown is called damaged, as Go does",
        file: TABLE,
        old: "Unreadable::Beyond { .. } => Stop::Remap(fault(Rule::LinkInFile)),",
        new: "Unreadable::Beyond { .. } => Stop::Fault(fault(Rule::LinkInFile)),",
    },
    Mutant {
        name: "a record is published before it is written",
        file: TABLE,
        old: "write_entry_at(&self.words, start, name)?;
        let published = self.publish(name, bucket, head, start, &mut visits);",
        new: "let published = self.publish(name, bucket, head, start, &mut visits);
        write_entry_at(&self.words, start, name)?;",
    },
    Mutant {
        name: "the chain behind a new record is cut off",
        file: TABLE,
        old: "set_next(&self.words, start, head)?;",
        new: "set_next(&self.words, start, END)?;",
    },
    Mutant {
        name: "a name is not looked for before it is made",
        file: TABLE,
        old: "if let Some(slot) = self.walk(name, head, END, &mut visits)? {",
        new: "if let Some(slot) = None::<Slot> {",
    },
    Mutant {
        name: "any record of the chain will do",
        file: TABLE,
        old: "if record.has_name(&self.words, name.bytes())? {",
        new: "if true {",
    },
    Mutant {
        name: "a count is a load and a store",
        file: TABLE,
        old: "self.words.add64(slot.0, n)",
        new: "let old = self.words.load64(slot.0, Ordering::Relaxed)?;
        self.words.store64(slot.0, old + n, Ordering::Relaxed).map(|()| old)",
    },
    Mutant {
        name: "a record may cross the end of a page",
        file: "core/src/format/layout.rs",
        old: "if start / PAGE != end / PAGE {",
        new: "if false {",
    },
    Mutant {
        name: "a record may reach the end of a page",
        file: "core/src/format/layout.rs",
        old: "if start / PAGE != end / PAGE {",
        new: "if start / PAGE != (end - 1) / PAGE {",
    },
    Mutant {
        name: "the length of a name is not written",
        file: "core/src/format/record.rs",
        old: "words.store32(offset + LENGTH_IN_RECORD, name.length() | LENGTH_MARK, Ordering::Relaxed)",
        new: "Ok(())",
    },
    Mutant {
        name: "who waits does not look again",
        file: HANDLE,
        old: "State::Attached(count) => {
            settle(cells, count);
            true
        }",
        new: "State::Attached(_) => true,",
    },
    Mutant {
        name: "what waits is left when a handle gets its place",
        file: HANDLE,
        old: "    cells.set_state(State::Attached(count), Ordering::Release);
    settle(cells, count);",
        new: "    cells.set_state(State::Attached(count), Ordering::Release);",
    },
    Mutant {
        name: "what waits is taken before the place is stored",
        file: HANDLE,
        old: "    cells.set_state(State::Attached(count), Ordering::Release);
    settle(cells, count);",
        new: "    settle(cells, count);
    cells.set_state(State::Attached(count), Ordering::Release);",
    },
    Mutant {
        name: "who waits looks again before it has added",
        file: HANDLE,
        old: "    cells.add_pending(n, Ordering::AcqRel);
    // ORDER: Acquire. As in `add`.
    match cells.state(Ordering::Acquire) {",
        new: "    let state = cells.state(Ordering::Acquire);
    cells.add_pending(n, Ordering::AcqRel);
    match state {",
    },
    Mutant {
        name: "who has enlisted a handle takes its place away",
        file: HANDLE,
        old: "cells.leave_fresh(Ordering::Relaxed);",
        new: "cells.set_state(State::Waiting, Ordering::Relaxed);",
    },
    Mutant {
        name: "a handle keeps its place in a file that is given up",
        file: HANDLE,
        old: "cells.set_state(State::Waiting, Ordering::Relaxed);",
        new: "let _ = cells.state(Ordering::Relaxed);",
    },
    Mutant {
        name: "the head is loaded before the link",
        file: HANDLE,
        old: "        let link = list.link(node, Ordering::Acquire);
        // ORDER: Acquire. Pairs with the Release of the exchange of the head: the links behind it are
        // seen. Weaker fails the loom test `enlist`.
        let head = list.head(Ordering::Acquire);",
        new: "        let head = list.head(Ordering::Acquire);
        let link = list.link(node, Ordering::Acquire);",
    },
    Mutant {
        name: "who loses the race to enlist does not try again",
        file: HANDLE,
        old: "            if list.exchange_head(head, node, Ordering::Release) {
                return;
            }",
        new: "            list.exchange_head(head, node, Ordering::Release);
            return;",
    },
    Mutant {
        name: "a handle that is found in the list is enlisted again",
        file: HANDLE,
        old: "        if member == node {
            return true;
        }",
        new: "        if member == node {
            return false;
        }",
    },
    Mutant {
        name: "what is taken does not land",
        file: HANDLE,
        old: "if n > 0 {
        cells.land(count, n);",
        new: "if n > 1 {
        cells.land(count, n);",
    },
    Mutant {
        name: "a handle is enlisted without a look at the list",
        file: HANDLE,
        old: "link != Link::Unset && is_between(list, node, head, link)",
        new: "false",
    },
    Mutant {
        name: "a handle is taken for enlisted when it is begun",
        file: HANDLE,
        old: "link != Link::Unset && is_between(list, node, head, link)",
        new: "link != Link::Unset",
    },
    Mutant {
        name: "a handle is used before it is enlisted",
        file: HANDLE,
        old: "            enlist(list, node);
            // ORDER: Relaxed. The list says that the handle is in it; this only saves the next look.
            cells.leave_fresh(Ordering::Relaxed);",
        new: "            cells.leave_fresh(Ordering::Relaxed);
            enlist(list, node);",
    },
    Mutant {
        name: "a detached handle is as new",
        file: HANDLE,
        old: "cells.set_state(State::Waiting, Ordering::Relaxed);",
        new: "cells.set_state(State::Fresh, Ordering::Relaxed);",
    },
    Mutant {
        name: "who finds the gate shut leaves no note",
        file: GATE,
        old: "Gate::Shut | Gate::Noted => Gate::Noted,",
        new: "Gate::Shut | Gate::Noted => found,",
    },
    Mutant {
        name: "two are inside the gate",
        file: GATE,
        old: "Ok(()) => return found == Gate::Open,",
        new: "Ok(()) => return true,",
    },
    Mutant {
        name: "who waits for its turn does not wait",
        file: GATE,
        old: "    gate.exchange(Gate::Open, Gate::Shut, Ordering::Acquire, Ordering::Relaxed).is_ok()",
        new: "    let _ = gate.exchange(Gate::Open, Gate::Shut, Ordering::Acquire, Ordering::Relaxed);
    true",
    },
    Mutant {
        name: "a note is thrown away",
        file: GATE,
        old: "    debug_assert!(taken.is_ok(), \"only who is inside takes a note away\");
    false",
        new: "    gate.exchange(Gate::Shut, Gate::Open, Ordering::Release, Ordering::Relaxed).is_ok() | taken.is_ok()",
    },
];

/// Runs the task.
pub(crate) fn run() -> Result<()> {
    let root = workspace().join("target/mutants");
    let tree = root.join("tree");
    let _ = fs::remove_dir_all(&tree);
    copy_project(&tree)?;
    // The original must pass, or a caught mutant means nothing.
    ensure!(simulate(&tree, &root)?.is_none(), "the simulator finds fault with the original");
    let mut missed = Vec::new();
    for mutant in MUTANTS {
        let path = tree.join(mutant.file);
        let original = fs::read_to_string(&path)?;
        let places = original.matches(mutant.old).count();
        ensure!(places == 1, "mutant '{}': its text is in {} {places} times", mutant.name, mutant.file);
        fs::write(&path, original.replace(mutant.old, mutant.new))?;
        let found = simulate(&tree, &root).with_context(|| format!("mutant '{}'", mutant.name))?;
        fs::write(&path, original)?;
        match found {
            Some(violation) => println!("caught  {:<52}  {violation}", mutant.name),
            None => {
                println!("MISSED  {}", mutant.name);
                missed.push(mutant.name);
            }
        }
    }
    ensure!(missed.is_empty(), "missed: {}", missed.join(", "));
    println!("{} mutants, all caught", MUTANTS.len());
    Ok(())
}

/// Copies every file that git knows or would add.
fn copy_project(to: &Path) -> Result<()> {
    let listing = ["ls-files", "--cached", "--others", "--exclude-standard"];
    for file in command::text(&mut command::new("git", listing))?.lines() {
        let (from, to) = (workspace().join(file), to.join(file));
        if from.is_file() {
            fs::create_dir_all(to.parent().unwrap_or(Path::new(".")))?;
            fs::copy(from, to)?;
        }
    }
    Ok(())
}

/// Runs the simulator of a copy at small bounds; the violation it found, if any.
fn simulate(tree: &Path, root: &Path) -> Result<Option<String>> {
    let build: PathBuf = root.join("build");
    let arguments = ["build", "-q", "--release", "-p", "tallymark-tests", "--bin", "sim"];
    let mut compile = command::new("cargo", arguments);
    // Mutants leave unused code behind.
    compile.current_dir(tree).env("CARGO_TARGET_DIR", &build).env("RUSTFLAGS", "-Awarnings");
    ensure!(compile.status()?.success(), "it does not compile");
    let output = command::new(build.join("release/sim"), ["--small"]).output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    if output.status.success() {
        return Ok(None);
    }
    let violation = said.lines().find(|line| line.starts_with("VIOLATION"));
    // A simulator that fails in another way has not caught anything.
    let violation = violation.with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
    Ok(Some(violation.trim_start_matches("VIOLATION in ").to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mutant_has_no_place_or_two_or_changes_nothing() {
        for Mutant { name, file, old, new } in MUTANTS {
            let text = fs::read_to_string(workspace().join(file)).unwrap();
            assert_eq!(text.matches(old).count(), 1, "{name}");
            assert_ne!(old, new, "{name}");
        }
    }
}
