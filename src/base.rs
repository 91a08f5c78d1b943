//! The directory that counts live in: `BASE/local/*.v1.count` and `BASE/local/weekends`.
//!
//! Format document, section 6.

use std::env;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tallymark_core::{ErrorKind, Weekday};

use crate::platform::{Directory, Error};

/// What the name of every count file ends with.
pub const COUNT_FILE_SUFFIX: &str = ".v1.count";

pub(crate) const LOCAL: &str = "local";
const WEEKENDS: &str = "weekends";

/// A base directory in Go's layout. The value is only a path; nothing is made before it is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    path: PathBuf,
}

impl Base {
    /// A base directory at a path.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Base { path: path.into() }
    }

    /// Our own base: `$TALLYMARK_DIR` if set, else `tallymark` in the user's state directory
    /// (`$XDG_STATE_HOME` or `~/.local/state`; `~/Library/Application Support` on macOS;
    /// `%LocalAppData%` on Windows). `None` if the user has none.
    #[must_use]
    pub fn of_user() -> Option<Self> {
        if let Some(path) = env::var_os("TALLYMARK_DIR").filter(|path| !path.is_empty()) {
            return Some(Base::new(path));
        }
        Some(Base::new(user_directory("LocalAppData", "XDG_STATE_HOME", ".local/state")?.join("tallymark")))
    }

    /// The base of the Go toolchain: `go/telemetry` in the user's configuration directory
    /// (`$XDG_CONFIG_HOME` or `~/.config`; `~/Library/Application Support` on macOS; `%AppData%` on
    /// Windows). `None` if the user has none.
    #[must_use]
    pub fn of_go() -> Option<Self> {
        Some(Base::new(user_directory("AppData", "XDG_CONFIG_HOME", ".config")?.join("go").join("telemetry")))
    }

    /// The path of the base.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The directory of the count files.
    #[must_use]
    pub fn local(&self) -> PathBuf {
        self.path.join(LOCAL)
    }

    /// The paths of the count files, sorted; empty if there is no such directory yet.
    ///
    /// # Errors
    ///
    /// The directory cannot be read.
    pub fn count_files(&self) -> io::Result<Vec<PathBuf>> {
        let entries = match std::fs::read_dir(self.local()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut files = Vec::new();
        for entry in entries {
            let path = entry?.path();
            let name = path.file_name().map(|name| name.to_string_lossy());
            if name.is_some_and(|name| name.ends_with(COUNT_FILE_SUFFIX)) {
                files.push(path);
            }
        }
        files.sort();
        Ok(files)
    }

    /// Opens the directory of the count files, made with mode 0700 if it is missing.
    pub(crate) fn open_local(&self) -> Result<Arc<Directory>, Error> {
        Ok(Arc::new(Directory::create(&*self.path)?.create_subdirectory(LOCAL)?))
    }

    /// Opens the directory of the count files if it is there.
    pub(crate) fn find_local(&self) -> Result<Option<Directory>, Error> {
        match Directory::open(&*self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            base => base?.open_subdirectory(LOCAL),
        }
    }
}

/// The weekday on which weeks end in this directory; drawn at random, once, by whoever comes first.
/// Does not allocate.
///
/// `Ok(None)` if the file stays empty. Go writes it in two steps, so an empty file is given a moment.
pub(crate) fn week_end(local: &Directory) -> Result<Option<Weekday>, Error> {
    for _ in 0..50 {
        match local.read(WEEKENDS, &mut [0; 64])? {
            None => {
                let day = (RandomState::new().hash_one(WEEKENDS) % 7) as u8;
                local.make(WEEKENDS, &[b'0' + day, b'\n'])?;
            }
            Some(content) => {
                if let Some(&digit) = content.trim_ascii().first() {
                    // Go reduces whatever stands there; both must come to the same day.
                    return Ok(Weekday::new(digit.wrapping_sub(b'0') % 7));
                }
                thread::sleep(Duration::from_millis(2));
            }
        }
    }
    Ok(None)
}

fn user_directory(windows: &str, xdg: &str, home: &str) -> Option<PathBuf> {
    if cfg!(windows) {
        return env::var_os(windows).filter(|path| !path.is_empty()).map(PathBuf::from);
    }
    if cfg!(target_vendor = "apple") {
        return Some(env::home_dir()?.join("Library/Application Support"));
    }
    match env::var_os(xdg).map(PathBuf::from).filter(|path| path.is_absolute()) {
        Some(path) => Some(path),
        None => Some(env::home_dir()?.join(home)),
    }
}
