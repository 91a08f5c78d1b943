//! Style as a test: what no compiler checks. Each breach is printed with its place.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use xtask::go::workspace;

use crate::command;

/// The most lines a file of what is shipped may have.
const LONGEST_LINES: usize = 400;

/// Where the limit on lines applies: what is shipped.
const SHIPPED: [&str; 5] = [CORE, "platform-unix/src/", "platform-windows/src/", "src/", "cli/src/"];

/// Where the rule for atomic orders applies.
const CORE: &str = "core/src/";

/// How many lines of code may stand between an atomic operation and what says why its order is enough.
const ORDER_DISTANCE_LINES: usize = 6;

/// How many lines of code may stand between `unsafe` and what says why it is sound: the statement may
/// begin on an earlier line.
const SAFETY_DISTANCE_LINES: usize = 2;

/// The orders of an atomic operation; those of a comparison have other names.
const ORDERS: [&str; 5] = ["Relaxed", "Acquire", "Release", "AcqRel", "SeqCst"];

/// What stands before the reason why an order is enough.
const ORDER_MARKS: [&str; 1] = ["ORDER:"];

/// What stands before the reason why a use is sound, and before what a declaration asks of its users.
const SAFETY_MARKS: [&str; 2] = ["SAFETY:", "# Safety"];

/// Folders at the root of a file system that only exist on somebody's machine.
const MACHINE_FOLDERS: [&str; 6] = ["work", "opt", "tmp", "home", "root", "Users"];

/// Parts of host names that package registries have, each in two so that this file is no breach: who
/// builds the project chooses where its packages come from.
const REGISTRY_HOSTS: [(&str, &str); 6] = [
    ("index.", "crates.io"),
    ("static.", "crates.io"),
    ("proxy.", "golang.org"),
    ("sum.", "golang.org"),
    ("files.", "pythonhosted.org"),
    ("static.", "rust-lang.org"),
];

/// Runs the task.
pub(crate) fn run() -> Result<()> {
    let listing = ["ls-files", "--cached", "--others", "--exclude-standard", "-z"];
    let listing = command::text(&mut command::new("git", listing))?;
    let files: Vec<_> =
        listing.split_terminator('\0').filter(|file| workspace().join(file).is_file()).collect();

    let mut breaches = Vec::new();
    if !files.contains(&"README.md") {
        breaches.push("README.md: missing".to_owned());
    }
    for file in &files {
        let bytes = fs::read(workspace().join(file)).with_context(|| format!("cannot read {file}"))?;
        breaches.extend(breaches_in(file, &String::from_utf8_lossy(&bytes)));
    }
    breaches.extend(missing_tests(&files)?);
    breaches.iter().for_each(|breach| println!("{breach}"));
    ensure!(breaches.is_empty(), "{} breaches in {} files", breaches.len(), files.len());
    println!("tidy: no breach in {} files", files.len());
    Ok(())
}

/// Where tests are named as evidence.
const EVIDENCE: &str = "docs/compare.md";

/// Names of tests in the comparison that no file has.
fn missing_tests(files: &[&str]) -> Result<Vec<String>> {
    let evidence = fs::read_to_string(workspace().join(EVIDENCE)).context(EVIDENCE)?;
    let mut sources = String::new();
    for file in files.iter().filter(|file| file.ends_with(".rs")) {
        sources += &fs::read_to_string(workspace().join(file))?;
    }
    // The last column of a table holds names of tests between backticks.
    let cells = evidence.lines().filter_map(|line| line.strip_suffix(" |")?.rsplit_once(" | "));
    let names = cells.flat_map(|(_, tests)| tests.split('`').skip(1).step_by(2));
    let names = names.filter(|name| name.contains('_') && !name.contains(['/', ':', '(']));
    let missing: Vec<_> = names
        .filter(|name| !sources.contains(&format!("fn {name}(")))
        .map(|name| format!("{EVIDENCE}: there is no test {name}"))
        .collect();
    Ok(missing)
}

/// The breaches in one file.
fn breaches_in(file: &str, text: &str) -> Vec<String> {
    let lines: Vec<_> = text.lines().collect();
    let mut found = Vec::new();
    let is_rust = Path::new(file).extension().is_some_and(|extension| extension == "rs");
    let shipped = is_rust && SHIPPED.iter().any(|folder| file.starts_with(folder));
    if shipped && lines.len() > LONGEST_LINES {
        found.push(format!("{file}: {} lines, the limit is {LONGEST_LINES}", lines.len()));
    }
    let is_test = file.contains("/tests/");
    let tests_begin = lines.iter().position(|line| line.trim() == "#[cfg(test)]").unwrap_or(lines.len());
    for (index, line) in lines.iter().enumerate() {
        let mut breach = |what: &str| found.push(format!("{file}:{}: {what}", index + 1));
        if names_machine_path(line) {
            breach("a path that only exists on somebody's machine");
        }
        if names_registry_host(line) {
            breach("the host name of a package registry");
        }
        if is_rust && is_unsafe(line) && !explained(&lines, index, &SAFETY_MARKS, SAFETY_DISTANCE_LINES) {
            breach("`unsafe` without a SAFETY comment");
        }
        let ordered =
            is_rust && file.starts_with(CORE) && !is_test && index < tests_begin && names_order(line);
        if ordered && !explained(&lines, index, &ORDER_MARKS, ORDER_DISTANCE_LINES) {
            breach("an atomic order without an ORDER comment");
        }
    }
    found
}

/// The part of a line before any comment, as far as a look at one line can tell.
fn code(line: &str) -> &str {
    line.split("//").next().unwrap_or_default()
}

/// Whether a line has code that the compiler does not check, or declares such.
fn is_unsafe(line: &str) -> bool {
    let forms = ["unsafe {", "unsafe fn", "unsafe impl", "unsafe trait", "unsafe extern"];
    let code = code(line);
    forms.iter().any(|form| code.find(form).is_some_and(|at| !code[..at].contains('"')))
}

/// Whether a line names the order of an atomic operation.
fn names_order(line: &str) -> bool {
    ORDERS.iter().any(|order| code(line).contains(&format!("Ordering::{order}")))
}

/// Whether a comment with one of the marks is on the line or above it, with at most `distance` lines of
/// code between. Lines of comments and attributes do not count.
fn explained(lines: &[&str], index: usize, marks: &[&str], distance: usize) -> bool {
    let mut crossed = 0;
    for (above, line) in lines[..=index].iter().rev().enumerate() {
        let comment = line.split_once("//").map_or("", |(_, comment)| comment);
        if marks.iter().any(|mark| comment.contains(mark)) {
            return true;
        }
        let is_code = !code(line).trim().is_empty() && !line.trim_start().starts_with("#[");
        crossed += usize::from(above > 0 && is_code);
        if crossed > distance {
            return false;
        }
    }
    false
}

/// Whether a line has an absolute path to one of the [`MACHINE_FOLDERS`] or into it.
fn names_machine_path(line: &str) -> bool {
    MACHINE_FOLDERS.iter().any(|folder| {
        let pattern = format!("/{folder}");
        line.match_indices(&pattern).any(|(at, _)| {
            // After one of these it is the middle of a relative path or of an address, and before one of
            // these it is the beginning of a longer name.
            let before = line[..at].chars().next_back();
            let after = line[at + pattern.len()..].chars().next();
            !before.is_some_and(|before| before.is_alphanumeric() || "._-/~*>})]".contains(before))
                && !after.is_some_and(|after| after.is_alphanumeric() || "._-".contains(after))
        })
    })
}

/// Whether a line has one of the [`REGISTRY_HOSTS`].
fn names_registry_host(line: &str) -> bool {
    REGISTRY_HOSTS.iter().any(|(host, domain)| {
        line.match_indices(host).any(|(at, _)| line[at + host.len()..].starts_with(domain))
    })
}

#[cfg(test)]
mod tests {
    use super::breaches_in;

    /// How many breaches there are in a text, as if it were a file of the core.
    fn count(text: &str) -> usize {
        breaches_in("core/src/example.rs", text).len()
    }

    #[test]
    fn an_unexplained_unsafe_block_is_not_overlooked() {
        let (word, block) = ("unsafe", "{ read() }");
        assert_eq!(count(&format!("let a = {word} {block};")), 1);
        assert_eq!(count(&format!("// SAFETY: owned.\nlet a =\n    {word} {block};")), 0);
        assert_eq!(count(&format!("// SAFETY: owned.\na();\nb();\nc();\n{word} {block};")), 1);
        assert_eq!(count(&format!("/// # Safety\n///\n/// Owned.\n#[inline]\npub {word} fn a();")), 0);
    }

    #[test]
    fn an_unexplained_order_is_not_overlooked() {
        let load = concat!("a.load(Ordering", "::Acquire);");
        assert_eq!(count(load), 1);
        assert_eq!(count(&format!("// ORDER: pairs with b.\n{load}")), 0);
        assert_eq!(count(&format!("#[cfg(test)]\nmod tests {{}}\n{load}")), 0);
        assert_eq!(count("match order { Ordering::Less => () }"), 0);
    }

    #[test]
    fn a_machine_path_is_not_overlooked() {
        for folder in super::MACHINE_FOLDERS {
            assert_eq!(count(&format!("cd /{folder}/a")), 1);
            assert_eq!(count(&format!("cd \"/{folder}\"")), 1);
            assert_eq!(count(&format!("cd $TMPDIR/{folder}/a ./{folder} a/{folder}/b /{folder}flow/")), 0);
        }
    }

    #[test]
    fn a_registry_is_not_overlooked() {
        for (host, domain) in super::REGISTRY_HOSTS {
            assert_eq!(count(&format!("from https://{host}{domain}/a")), 1);
            assert_eq!(count(&format!("{host} {domain}")), 0);
        }
    }

    #[test]
    fn a_long_file_is_not_overlooked() {
        assert_eq!(count(&"a();\n".repeat(super::LONGEST_LINES)), 0);
        assert_eq!(count(&"a();\n".repeat(super::LONGEST_LINES + 1)), 1);
    }
}
