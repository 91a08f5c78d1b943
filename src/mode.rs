//! Whether anything is counted: the file `mode` of a base directory, and the variable `TALLYMARK`.
//!
//! Format document, section 6. Go's toolchain reads and writes the same file; to it `on` also means
//! that reports may be uploaded. Nothing here ever uploads.

use std::fmt;
use std::thread;
use std::time::Duration;
use std::{env, ffi::OsString};

use tallymark_core::{Day, ErrorKind};

use crate::base::Base;
use crate::platform::{Directory, Error};

/// The file in the base directory.
pub(crate) const FILE: &str = "mode";

/// The environment variable that outweighs the file.
pub const MODE_VARIABLE: &str = "TALLYMARK";

/// Whether anything is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Nothing is counted and no report is made.
    Off,
    /// Counts are kept on this machine. So it is where nothing was ever set.
    #[default]
    Local,
    /// As `Local`; Go's toolchain may also upload its reports.
    On,
}

/// A mode and since when it holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ModeSetting {
    /// The mode.
    pub mode: Mode,
    /// The day on which it was set, if the file says so.
    pub since: Option<Day>,
}

impl Mode {
    /// Reads the content of a mode file, or the value of [`MODE_VARIABLE`], without allocating.
    ///
    /// Nothing but white space is [`Mode::Local`], as a missing file. A word that is none of the three
    /// is [`Mode::Off`]: somebody wanted something, and nobody is counted against a wish that cannot
    /// be read. (Go counts then, and does not upload.)
    #[must_use]
    pub fn parse(content: &[u8]) -> Mode {
        let content = content.trim_ascii();
        match content.split(|&byte| byte == b' ').next() {
            Some(b"") | None => Mode::Local,
            Some(b"local") => Mode::Local,
            Some(b"on") => Mode::On,
            Some(_) => Mode::Off,
        }
    }

    /// What the environment variable [`MODE_VARIABLE`] says, if it is set and not empty.
    #[must_use]
    pub fn of_environment() -> Option<Mode> {
        said(env::var_os(MODE_VARIABLE))
    }

    /// The word in the file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Mode::Off => "off",
            Mode::Local => "local",
            Mode::On => "on",
        }
    }
}

impl ModeSetting {
    /// Reads the content of a mode file: as [`Mode::parse`], and the day after the first space. What
    /// is there and is no day does not change the mode, as in Go.
    #[must_use]
    pub fn parse(content: &[u8]) -> ModeSetting {
        let day = || {
            let content = content.trim_ascii();
            let space = content.iter().position(|&byte| byte == b' ')?;
            Day::parse(std::str::from_utf8(&content[space + 1..]).ok()?)
        };
        ModeSetting { mode: Mode::parse(content), since: day() }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for ModeSetting {
    /// As in the file: `on 2026-01-05`, or `on`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.mode.fmt(f)?;
        self.since.map_or(Ok(()), |day| write!(f, " {day}"))
    }
}

impl Base {
    /// The mode: [`MODE_VARIABLE`] if it is set and not empty, else the file.
    ///
    /// # Errors
    ///
    /// [`Error`] if the file cannot be read or is no regular file; count nothing then.
    pub fn mode(&self) -> Result<ModeSetting, Error> {
        match Mode::of_environment() {
            Some(mode) => Ok(ModeSetting { mode, since: None }),
            None => self.mode_in_file(),
        }
    }

    /// The mode in the file, whatever the environment says. Makes nothing.
    ///
    /// # Errors
    ///
    /// As [`Base::mode`].
    pub fn mode_in_file(&self) -> Result<ModeSetting, Error> {
        let base = match Directory::open(self.path()) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(ModeSetting::default()),
            base => base?,
        };
        // Go empties the file before it writes: an empty one is given a moment.
        for _ in 0..10 {
            match base.read(FILE, &mut [0; 64])? {
                Some(content) if content.trim_ascii().is_empty() => thread::sleep(Duration::from_millis(2)),
                content => return Ok(ModeSetting::parse(content.unwrap_or_default())),
            }
        }
        Ok(ModeSetting::default())
    }

    /// Sets the mode in the file, as of `day`, and makes the directory if it is missing. The file
    /// changes whole. Of several who set it at once the last wins; the result is what the file says
    /// afterwards.
    ///
    /// # Errors
    ///
    /// [`Error`] of the system.
    pub fn set_mode(&self, mode: Mode, day: Day) -> Result<ModeSetting, Error> {
        let content = ModeSetting { mode, since: Some(day) }.to_string();
        Directory::create(self.path())?.replace(FILE, content.as_bytes())?;
        self.mode_in_file()
    }
}

/// What the value of the variable says, if anything.
fn said(value: Option<OsString>) -> Option<Mode> {
    let value = value.filter(|value| !value.as_encoded_bytes().trim_ascii().is_empty())?;
    Some(Mode::parse(value.as_encoded_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_wish_that_cannot_be_read_is_counted_against() {
        for (content, mode) in [
            ("", Mode::Local),
            (" \n", Mode::Local),
            ("local", Mode::Local),
            ("on\n", Mode::On),
            ("on 2026-01-05", Mode::On),
            ("on nonsense", Mode::On),
            (" off 2026-01-05\n", Mode::Off),
            ("OFF", Mode::Off),
            ("onwards", Mode::Off),
            ("on\t2026-01-05", Mode::Off),
            ("\u{feff}on", Mode::Off),
            ("lo", Mode::Off),
        ] {
            assert_eq!(Mode::parse(content.as_bytes()), mode, "{content:?}");
            assert_eq!(ModeSetting::parse(content.as_bytes()).mode, mode, "{content:?}");
        }
        assert_eq!(Mode::parse(b"\xff"), Mode::Off);
        assert_eq!(ModeSetting::parse(b"on 2026-01-05\n").since, Day::from_civil(2026, 1, 5));
        assert_eq!(ModeSetting::parse(b"on 2026-1-5").since, None);
    }

    #[test]
    fn an_empty_variable_outweighs_the_file() {
        let of = |text: &str| said(Some(text.into()));
        assert_eq!((said(None), of(""), of(" ")), (None, None, None));
        assert_eq!((of("off"), of("on"), of("ON")), (Some(Mode::Off), Some(Mode::On), Some(Mode::Off)));
    }

    #[test]
    fn reading_the_mode_makes_a_directory_or_setting_it_is_lost() {
        let scratch = tempfile::tempdir().unwrap();
        let base = Base::new(scratch.path().join("base"));
        assert_eq!(base.mode_in_file().unwrap(), ModeSetting::default());
        assert!(!base.path().exists());
        let day = Day::from_civil(2026, 1, 5).unwrap();
        for mode in [Mode::On, Mode::Off, Mode::Local] {
            let setting = ModeSetting { mode, since: Some(day) };
            assert_eq!(base.set_mode(mode, day).unwrap(), setting);
            let content = fs::read_to_string(base.path().join(FILE)).unwrap();
            // What Go writes: no newline.
            assert_eq!(content, format!("{mode} 2026-01-05"));
        }
        fs::write(base.path().join(FILE), "").unwrap();
        assert_eq!(base.mode_in_file().unwrap(), ModeSetting::default());
        fs::remove_file(base.path().join(FILE)).unwrap();
        fs::create_dir(base.path().join(FILE)).unwrap();
        assert_eq!(base.mode_in_file().unwrap_err().kind(), ErrorKind::NotAFile);
        assert!(base.set_mode(Mode::Off, day).is_err());
    }
}
