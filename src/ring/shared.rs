//! A ring in a file, mapped by the process that writes and by the one that reads.
//!
//! Either may be killed at any instruction: what was written before is read, and another process may
//! attach in its place. A reader without a limit is not woken by a writer that was killed.
//!
//! ```
//! use std::time::Duration;
//! use tallymark::ring::{Capacity, Header, Item, Read, shared};
//!
//! # let path = std::env::temp_dir().join(format!("tallymark-ring-{}", std::process::id()));
//! let capacity = Capacity::new(1, 1 << 12, 1 << 8).ok_or("too large")?;
//! let mut reader: shared::Reader = shared::create(&path, &Header::new(capacity))?.into_reader();
//! // In the other process:
//! let writer: shared::Writer = shared::attach(&path)?.into_writer();
//! writer.write(7, 1000, &[1], &[0x401000, 0x402000])?;
//!
//! let Read::Events(batch) = reader.wait(Some(Duration::from_secs(1)))? else { panic!("nothing") };
//! let Some(Item::Event(event)) = batch.items().next() else { panic!("no event") };
//! assert_eq!((event.tag(), event.header_word(0)), (7, 1));
//! assert!(event.stack_words().eq([0x401000, 0x402000]));
//! # drop((writer, reader));
//! # std::fs::remove_file(path)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Known limits
//!
//! * Nobody sees to it that there is one writer and one reader. Two of a kind break each other's events;
//!   what a reader makes of them is [`RingFault`](super::RingFault)s and wrong events, no more.
//! * A process that forks has two writers: the child must not drop its own, nor write with it
//!   ([`std::mem::forget`]).
//! * A process dies if another cuts the file short and it then touches what is gone.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::sync::Arc;

use memmap2::MmapRaw;
use tallymark_core::ring::{self, RingMemory, Shared};

use super::{Header, HeaderError, RingWait, Tag, words_of};

/// A part in the mapping of a file: it is given back when the last part is dropped.
#[derive(Clone, Debug)]
pub struct Mapping {
    // Held, not used: the ends have the address.
    _mapping: Arc<MmapRaw>,
}

/// Memory of a ring in a file.
pub type Memory = RingMemory<Mapping, Shared>;

/// A ring in a file. Take the end that this process is.
#[derive(Debug)]
pub struct Ring(ring::Ring<Mapping, Shared>);

impl Ring {
    /// What the ring's header says.
    #[must_use]
    pub fn header(&self) -> &Header {
        self.0.header()
    }

    /// The writer; the reader is in another process. It goes on where a writer before it stopped.
    #[must_use]
    pub fn into_writer<T: Tag>(self) -> Writer<T> {
        self.0.into_writer(RingWait::shared())
    }

    /// The reader; the writer is in another process, or dead. It is given again what a reader before it had
    /// not given back.
    #[must_use]
    pub fn into_reader<T: Tag>(self) -> Reader<T> {
        self.0.into_reader(RingWait::shared())
    }
}

/// The only writer of a ring in a file. Dropping it ends the stream, until another attaches.
pub type Writer<T = u64> = ring::Writer<Memory, RingWait, T>;

/// The only reader of a ring in a file.
pub type Reader<T = u64> = ring::Reader<Memory, RingWait, T>;

/// Makes a file with an empty ring. All its blocks are written, so that a full disk is an error and not
/// a signal.
///
/// # Errors
///
/// [`Error`]; if there is such a file, it stays as it is.
pub fn create(path: impl AsRef<Path>, header: &Header) -> Result<Ring, Error> {
    let path = path.as_ref();
    let file = File::options().read(true).write(true).create_new(true).open(path);
    let file = file.map_err(|error| Error::file("making", path, error))?;
    let ring = fill(&file, header, path);
    if ring.is_err() {
        // It is ours, and no ring. There is an error to tell of already.
        let _ = fs::remove_file(path);
    }
    ring
}

/// The ring that is in a file.
///
/// # Errors
///
/// [`Error`].
pub fn attach(path: impl AsRef<Path>) -> Result<Ring, Error> {
    let path = path.as_ref();
    let file = File::options().read(true).write(true).open(path);
    let file = file.map_err(|error| Error::file("opening", path, error))?;
    let (mapping, base, words) = map(&file, path)?;
    // SAFETY: the mapping is so long and owned by what is kept. Other processes may do with it what they
    // like, which `Shared` allows; if one cuts the file short, this one ends by a signal.
    let ring = unsafe { ring::Ring::attach_raw(base, words, mapping) };
    ring.map(Ring).map_err(|error| Error::Header { path: path.into(), error })
}

/// Makes a new file a ring.
fn fill(mut file: &File, header: &Header, path: &Path) -> Result<Ring, Error> {
    let bytes = 8 * words_of(header.capacity) as u64;
    io::copy(&mut io::repeat(0).take(bytes), &mut file)
        .map_err(|error| Error::file("writing", path, error))?;
    let (mapping, base, words) = map(file, path)?;
    // SAFETY: as in `attach`. Others take it for a ring when it is one: the magic number comes last.
    let ring = unsafe { ring::Ring::format_raw(base, words, mapping, header) };
    ring.map(Ring).map_err(|error| Error::Header { path: path.into(), error })
}

/// A whole file in memory: its part, its first word and how many there are.
fn map(file: &File, path: &Path) -> Result<(Mapping, NonNull<u64>, usize), Error> {
    let failed = |error| Error::file("mapping", path, error);
    let mapping = MmapRaw::map_raw(file).map_err(failed)?;
    let base = NonNull::new(mapping.as_mut_ptr()).ok_or_else(|| failed(io::ErrorKind::OutOfMemory.into()))?;
    let words = mapping.len() / 8;
    Ok((Mapping { _mapping: Arc::new(mapping) }, base.cast(), words))
}

/// Why there is no ring.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// What the operating system says.
    File {
        /// What was tried.
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        error: io::Error,
    },
    /// What the file holds is no ring that can be used here.
    Header {
        /// The file.
        path: PathBuf,
        /// The rule that it breaks.
        error: HeaderError,
    },
}

impl Error {
    fn file(operation: &'static str, path: &Path, error: io::Error) -> Self {
        Error::File { operation, path: path.into(), error }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::File { operation, path, error } => write!(f, "{operation} {}: {error}", path.display()),
            Error::Header { path, error } => write!(f, "{}: {error}", path.display()),
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::super::{Capacity, HeaderRule, Read, Threshold};
    use super::*;

    fn header() -> Header {
        Header::new(Capacity::new(0, 1 << 6, 1 << 3).unwrap())
    }

    fn rule(ring: Result<Ring, Error>) -> HeaderRule {
        match ring {
            Err(Error::Header { error, .. }) => error.rule,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_file_that_is_there_is_overwritten() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("ring");
        let writer: Writer = create(&path, &header()).unwrap().into_writer();
        writer.write(1, 2, &[], &[3]).unwrap();
        let error = create(&path, &header()).unwrap_err();
        assert!(matches!(&error, Error::File { error, .. } if error.kind() == io::ErrorKind::AlreadyExists));
        assert!(error.to_string().starts_with("making "), "{error}");
        let mut reader: Reader = attach(&path).unwrap().into_reader();
        assert!(matches!(reader.read().unwrap(), Read::Events(_)));
    }

    #[test]
    fn a_file_that_is_no_ring_is_taken_for_one() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("ring");
        assert!(matches!(attach(&path), Err(Error::File { .. })));
        fs::write(&path, []).unwrap();
        assert_eq!(rule(attach(&path)), HeaderRule::Length);
        fs::write(&path, [0; 4096]).unwrap();
        assert_eq!(rule(attach(&path)), HeaderRule::Magic);
        fs::remove_file(&path).unwrap();
        drop(create(&path, &header()).unwrap());
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        assert_eq!(rule(attach(&path)), HeaderRule::Length);
    }

    #[test]
    fn a_ring_that_failed_leaves_a_file() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("ring");
        let none = Header { wake: Threshold { data: 1, tags: 0 }, ..header() };
        assert_eq!(rule(create(&path, &none)), HeaderRule::Threshold);
        assert!(!path.exists());
    }
}
