//! What a session needs of the operating system: a clock, the mode, and the file of the week.

use std::fmt::{self, Write as _};
use std::path::Path;
use std::sync::Arc;

use heapless::String;
use tallymark_core::format::layout::NameHash;
use tallymark_core::{CounterFile, Day, ErrorKind, Header, Host, Metadata, Opened, Weekday};

use crate::base::{LOCAL, week_end};
use crate::count_file::OpenError;
use crate::platform::{Directory, Error, LastingFile};
use crate::{Base, Mode, Program, UnixTime, mode};

/// A clock. The one of the system unless a test brings its own.
pub(crate) type Clock = Box<dyn Fn() -> UnixTime + Send>;

/// The host of the session of this program.
///
/// On the path of a counter it allocates only to open a directory that was removed while the program
/// ran.
pub(crate) struct System {
    base: Arc<Path>,
    program: Program,
    capacity: u32,
    clock: Clock,
    /// What `TALLYMARK` says.
    forced: Option<bool>,
    directories: Option<Directories>,
}

/// The directories that are in use, open.
struct Directories {
    base: Directory,
    local: Arc<Directory>,
}

impl System {
    pub(crate) fn new(
        base: &Base,
        program: Program,
        capacity: u32,
        clock: Clock,
        forced: Option<bool>,
    ) -> Self {
        System { base: base.path().into(), program, capacity, clock, forced, directories: None }
    }

    /// The directories, made if they are missing.
    fn directories(&mut self) -> Result<&Directories, Error> {
        if self.directories.is_none() {
            let base = Directory::create(Arc::clone(&self.base))?;
            let local = Arc::new(base.create_subdirectory(LOCAL)?);
            self.directories = Some(Directories { base, local });
        }
        self.directories.as_ref().map_or_else(|| unreachable!("made above"), Ok)
    }

    fn open_in(
        &self,
        local: &Arc<Directory>,
        now: i64,
        spare: bool,
    ) -> Result<Opened<LastingFile>, OpenError> {
        let weekends = || OpenError::Weekends(local.path().join("weekends"));
        let week_end = week_end(local).map_err(OpenError::Platform)?.ok_or_else(weekends)?;
        let (begin, end) = span(now, week_end)?;
        let metadata = self.program.metadata(begin, end);
        let header = metadata.encode().map_err(OpenError::Metadata)?;
        let open = |name: &str| LastingFile::open(local, name, &header, self.capacity);
        let store = match if spare { None } else { Some(open(&file_name(&metadata))) } {
            Some(Err(error)) if error.kind() != ErrorKind::Damaged => return Err(error.into()),
            Some(Ok(store)) => store,
            // Somebody else's file, or a damaged one, is in our place.
            None | Some(Err(_)) => open(&spare_name(&metadata, &header))?,
        };
        Ok(Opened { file: CounterFile::new(store, header), begin, end })
    }
}

/// The span of days of a file that is opened at `now`.
pub(crate) fn span(now: i64, week_end: Weekday) -> Result<(Day, Day), OpenError> {
    let time = || OpenError::Time(UnixTime(now));
    let begin = Day::from_unix(now).ok_or_else(time)?;
    Ok((begin, begin.span_end(week_end).ok_or_else(time)?))
}

/// A name that no file system here can be too short for.
type FileName = String<512>;

fn file_name(metadata: &Metadata<'_>) -> FileName {
    let mut name = FileName::new();
    // Metadata fits 512 bytes, and so do the parts of it that make the name.
    let _ = write!(name, "{}", metadata.file_name());
    name
}

/// The name of the file if the usual one is taken: by a program with the same last element of its
/// path, or by damage. All processes that write the same header come to the same name. Go's tools
/// read every file that ends as count files do.
fn spare_name(metadata: &Metadata<'_>, header: &Header) -> FileName {
    let usual = file_name(metadata);
    let base = metadata.program_base();
    let mark = NameHash::of(header.bytes()).bits();
    let mut name = FileName::new();
    let _ = write!(name, "{base}+{mark:08x}{}", usual.get(base.len()..).unwrap_or_default());
    name
}

impl Host for System {
    type Store = LastingFile;
    type Error = OpenError;

    fn now(&self) -> i64 {
        (self.clock)().0
    }

    fn is_on(&mut self) -> bool {
        if let Some(forced) = self.forced {
            return forced;
        }
        // One that was removed goes on saying what it said; what is at its path now may say otherwise.
        if self.directories.as_ref().is_some_and(|open| open.base.is_removed()) {
            self.directories = None;
        }
        let unopened;
        let base = match &self.directories {
            Some(open) => &open.base,
            None => match Directory::open(Arc::clone(&self.base)) {
                Ok(base) => {
                    unopened = base;
                    &unopened
                }
                // Nothing says no. Why the directory cannot be opened is seen when a file is.
                Err(_) => return true,
            },
        };
        match base.read(mode::FILE, &mut [0; 64]) {
            Ok(None) => true,
            Ok(Some(content)) => Mode::parse(content) != Mode::Off,
            // It may say no.
            Err(_) => false,
        }
    }

    fn open(&mut self, now: i64, spare: bool) -> Result<Opened<LastingFile>, OpenError> {
        // What cannot be written is refused before a directory is made for it.
        for made_anew in [false, true] {
            let local = Arc::clone(&self.directories()?.local);
            match self.open_in(&local, now, spare) {
                // The directory has been removed.
                Err(error) if error.kind() == ErrorKind::NotFound && !made_anew => self.directories = None,
                result => return result,
            }
        }
        unreachable!("the second turn returns")
    }

    fn check(&mut self, store: &LastingFile) -> Result<(), OpenError> {
        Ok(store.check()?)
    }

    fn kind(error: &OpenError) -> ErrorKind {
        error.kind()
    }

    fn relax() {
        std::thread::yield_now();
    }
}

impl fmt::Debug for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("System")
            .field("base", &self.base)
            .field("program", &self.program)
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}
