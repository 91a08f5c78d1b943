//! That the work was done: a benchmark that measures nothing must fail.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use tallymark::Contents;

/// Reads a count file, ours or Go's, that must be whole.
pub(crate) fn contents(path: &Path) -> Result<Contents> {
    let contents = Contents::read(path)?;
    ensure!(contents.faults.is_empty(), "{}: {:?}", path.display(), contents.faults);
    Ok(contents)
}

/// One counter of a file has exactly this count.
pub(crate) fn count(path: &Path, name: &str, expected: u64) -> Result<()> {
    let found = contents(path)?.value(name.as_bytes());
    ensure!(found == Some(expected), "{name}: the file has {found:?}, {expected} were added");
    Ok(())
}

/// A file has so many counters, each with a count of one.
pub(crate) fn ones(path: &Path, counters: usize) -> Result<()> {
    let contents = contents(path).context("after the run")?;
    let (found, total) = (contents.counters.len(), contents.total());
    ensure!(found == counters, "the file has {found} counters, {counters} were made");
    ensure!(total == counters as u64, "the file has a total of {total}, {counters} were added");
    Ok(())
}

/// A sum is what it must be.
pub(crate) fn sum(of: &str, found: u64, expected: u64) -> Result<()> {
    ensure!(found == expected, "{of}: the sum is {found}, not {expected}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use tallymark::{Base, CountFile, Name, Program, UnixTime};

    /// Method: a file with one counter of 2, and every wrong claim about it.
    #[test]
    fn work_that_was_not_done_is_overlooked() {
        let folder = std::env::temp_dir().join(format!("tallymark-bench-{}", std::process::id()));
        let program = Program::new("check", "", "rust");
        let file = CountFile::open(&Base::new(&folder), &program, UnixTime::now()).unwrap();
        file.add(file.slot(&Name::plain(b"a").unwrap()).unwrap(), 2);
        let path = file.path();
        assert!(super::count(&path, "a", 2).is_ok());
        assert!(super::count(&path, "a", 3).is_err());
        assert!(super::count(&path, "b", 2).is_err());
        assert!(super::ones(&path, 1).is_err());
        assert!(super::ones(&path, 2).is_err());
        assert!(super::sum("a", 1, 2).is_err());
        std::fs::remove_dir_all(folder).unwrap();
    }
}
