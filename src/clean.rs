//! Cleaning: what is of no use in a directory of count files, and nothing that holds a count.

use std::fmt;
use std::path::PathBuf;

use tallymark_core::{Day, Fault};

use crate::expired::{self, Days, DirectoryError, LeftReason};
use crate::platform::{Directory, is_alive};
use crate::{Base, UnixTime};

/// How long a private file may lie before it counts as left behind, in seconds. Its maker needs
/// moments; where process numbers of two machines or containers meet, only this protects it.
const ABANDONED_SECONDS: i64 = 15 * 60;

/// What the name of a damaged file ends with once it is out of the way.
const ASIDE_SUFFIX: &str = ".damaged";

/// A file that was found to be of no use.
#[derive(Debug)]
pub struct Cleaned {
    /// Its path.
    pub path: PathBuf,
    /// Why it is of no use.
    pub reason: CleanReason,
    /// What was done with it.
    pub action: CleanAction,
}

/// Why a file is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CleanReason {
    /// Its days are over, and nothing was ever counted into it.
    NoCounts,
    /// The process that was making it is gone.
    Abandoned,
    /// Its days are over, and it is so damaged that no count could be salvaged: this many faults.
    NothingSalvaged(usize),
    /// It has the name of a count file of more than a week ago, and not the header of one.
    NoHeader(Fault),
}

/// What was done with a file; in a dry run, what would be.
#[derive(Debug)]
#[non_exhaustive]
pub enum CleanAction {
    /// It was removed.
    Removed,
    /// It was given this name, with which neither tallymark nor Go takes it for a count file: somebody
    /// may still want to look at it.
    MovedAside(PathBuf),
    /// It was left.
    Left(LeftReason),
}

impl Base {
    /// Removes from `local/` what is of no use: count files whose days are over and that have no
    /// counts, and what processes left that died while they made a file. Damaged count files without a
    /// count that could be salvaged are moved aside. A dry run changes nothing.
    ///
    /// Whatever holds a count stays: `make_reports` is for that. So do reports, files in use, and
    /// everything that has not the name of a file of ours.
    ///
    /// # Errors
    ///
    /// [`DirectoryError`] if nothing could be done. What concerns single files is in the result.
    pub fn clean(&self, now: UnixTime, dry_run: bool) -> Result<Vec<Cleaned>, DirectoryError> {
        let Some(local) = self.find_local()? else { return Ok(Vec::new()) };
        let Some(today) = Day::from_unix(now.0) else { return Err(DirectoryError::Time(now)) };
        let _lock = if dry_run { None } else { Some(expired::lock(&local)?) };
        let cleaning = Cleaning { local: &local, now, today, dry_run };
        Ok(local.names()?.iter().filter_map(|name| cleaning.look_at(name)).collect())
    }
}

struct Cleaning<'a> {
    local: &'a Directory,
    now: UnixTime,
    today: Day,
    dry_run: bool,
}

impl Cleaning<'_> {
    fn look_at(&self, name: &str) -> Option<Cleaned> {
        let found = if expired::is_count_file(name) {
            self.count_file(name)
        } else {
            private_maker(name).and_then(|maker| self.private_file(name, maker))
        };
        let (reason, action) = found?;
        Some(Cleaned { path: self.local.path().join(name), reason, action })
    }

    fn count_file(&self, name: &str) -> Option<(CleanReason, CleanAction)> {
        match expired::days(self.local, name) {
            Ok(Some(Days::End(end))) if end <= self.today => {}
            Ok(Some(Days::Unknown(Some(_)))) if !expired::may_be_current(name, self.today) => {}
            // Not expired; without days, and so perhaps with counts; gone; or no file, which
            // `make_reports` tells.
            _ => return None,
        }
        let (file, contents) = match expired::take(self.local, name) {
            Ok(found) => found?,
            Err(LeftReason::NoHeader(fault)) => {
                return Some((CleanReason::NoHeader(fault), self.move_aside(name)));
            }
            // It may have counts.
            Err(_) => return None,
        };
        let counted = contents.counters.iter().chain(&contents.orphans).any(|counter| counter.value > 0);
        match contents.faults.len() {
            _ if counted => None,
            0 if self.dry_run => Some((CleanReason::NoCounts, CleanAction::Removed)),
            0 => {
                let removed = file
                    .remove()
                    .map_or_else(|error| CleanAction::Left(error.into()), |()| CleanAction::Removed);
                Some((CleanReason::NoCounts, removed))
            }
            faults => {
                drop(file);
                Some((CleanReason::NothingSalvaged(faults), self.move_aside(name)))
            }
        }
    }

    fn private_file(&self, name: &str, maker: u32) -> Option<(CleanReason, CleanAction)> {
        let modified = self.local.modified(name).ok()??;
        if is_alive(maker) || self.now.0.saturating_sub(modified) < ABANDONED_SECONDS {
            return None;
        }
        let removed = if self.dry_run {
            CleanAction::Removed
        } else {
            match self.local.remove(name) {
                Ok(_) => CleanAction::Removed,
                Err(error) => CleanAction::Left(error.into()),
            }
        };
        Some((CleanReason::Abandoned, removed))
    }

    /// Moves a file to the first free of some names.
    fn move_aside(&self, name: &str) -> CleanAction {
        let names = |serial: u32| match serial {
            0 => format!("{name}{ASIDE_SUFFIX}"),
            serial => format!("{name}.{serial}{ASIDE_SUFFIX}"),
        };
        let is_free = |aside: &String| std::fs::symlink_metadata(self.local.path().join(aside)).is_err();
        let aside = (0..1000).map(names).find(is_free).unwrap_or_else(|| names(0));
        let path = self.local.path().join(&aside);
        if self.dry_run {
            return CleanAction::MovedAside(path);
        }
        let moved = || -> Result<(), LeftReason> {
            let mut file = self.local.take_exclusive(name)?.ok_or(LeftReason::InUse)?;
            Ok(file.rename(&aside)?)
        };
        moved().map_or_else(CleanAction::Left, |()| CleanAction::MovedAside(path))
    }
}

/// The process in the name of a private file, `.PROCESS.SERIAL.new`.
fn private_maker(name: &str) -> Option<u32> {
    let (process, serial) = name.strip_prefix('.')?.strip_suffix(".new")?.split_once('.')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number(serial) && is_number(process) { process.parse().ok() } else { None }
}

impl fmt::Display for CleanReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CleanReason::NoCounts => f.write_str("its days are over, and it has no counts"),
            CleanReason::Abandoned => f.write_str("the process that was making it is gone"),
            CleanReason::NothingSalvaged(faults) => LeftReason::NothingSalvaged(*faults).fmt(f),
            CleanReason::NoHeader(fault) => write!(f, "no counter file: {fault}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Contents, CountFile, Name, Program};
    use std::fs;
    use std::path::Path;

    const BEGIN: UnixTime = UnixTime(1_767_607_200); // 2026-01-05T10:00:00Z
    const LATER: UnixTime = UnixTime(BEGIN.0 + 14 * 86_400);

    fn count(base: &Base, path: &str, counts: &[(&str, u64)]) -> PathBuf {
        let file = CountFile::open(base, &Program::new(path, "", "none"), BEGIN).unwrap();
        for (name, n) in counts {
            file.add(file.slot(&Name::plain(name.as_bytes()).unwrap()).unwrap(), *n);
        }
        file.path()
    }

    /// Makes the limit of a file wrong.
    fn damage(path: &Path) {
        let mut bytes = fs::read(path).unwrap();
        let limit_at = Contents::parse(&bytes).unwrap().preamble.layout().header_length() as usize;
        bytes[limit_at..limit_at + 4].copy_from_slice(&77_u32.to_ne_bytes());
        fs::write(path, bytes).unwrap();
    }

    #[test]
    fn a_file_with_a_count_or_in_use_is_touched() {
        let scratch = tempfile::tempdir().unwrap();
        let base = Base::new(scratch.path());
        let good = count(&base, "good", &[("n", 1)]);
        let salvageable = count(&base, "salvageable", &[("n", 1)]);
        damage(&salvageable);
        let empty = count(&base, "empty", &[]);
        let local = base.find_local().unwrap().unwrap();
        let used = local.take_exclusive(empty.file_name().unwrap().to_str().unwrap()).unwrap().unwrap();
        assert!(base.clean(LATER, false).unwrap().is_empty());
        drop(used);
        assert!(base.clean(BEGIN, false).unwrap().is_empty(), "its days are not over");
        let cleaned = base.clean(LATER, false).unwrap();
        let [Cleaned { path, reason: CleanReason::NoCounts, action: CleanAction::Removed }] = &cleaned[..]
        else {
            panic!("{cleaned:?}")
        };
        assert_eq!((*path == empty, empty.exists()), (true, false));
        assert!(good.exists() && salvageable.exists());
    }

    #[test]
    fn what_was_moved_aside_is_replaced() {
        let scratch = tempfile::tempdir().unwrap();
        let base = Base::new(scratch.path());
        for expected in ["2026-01-05.v1.count.damaged", "2026-01-05.v1.count.1.damaged"] {
            let path = count(&base, "lost", &[]);
            damage(&path);
            for dry_run in [true, false] {
                let cleaned = base.clean(LATER, dry_run).unwrap();
                let [Cleaned { reason, action: CleanAction::MovedAside(to), .. }] = &cleaned[..] else {
                    panic!("{cleaned:?}")
                };
                assert_eq!(*reason, CleanReason::NothingSalvaged(1));
                assert!(to.to_str().unwrap().ends_with(expected), "{}", to.display());
                assert_eq!((path.exists(), to.exists()), (dry_run, !dry_run));
            }
        }
        assert!(base.clean(LATER, false).unwrap().is_empty());
    }

    #[test]
    fn a_name_that_is_not_ours_passes_for_a_private_file() {
        assert_eq!(private_maker(".12.34.new"), Some(12));
        for name in
            ["12.34.new", ".12.new", ".12.34", ".+1.2.new", ".1..new", ".1.2.3.new", ".99999999999.1.new"]
        {
            assert_eq!(private_maker(name), None, "{name}");
        }
    }
}
