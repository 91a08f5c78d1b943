//! A directory for one test, and what the tests count in it.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process;
use std::sync::Arc;

use tallymark_core::{CounterFile, Day, ErrorKind, Header, Metadata, Name, Store};
use tallymark_windows::{DEFAULT_CAPACITY, Directory, Error, MappedFile};

pub(crate) const FILE: &str = "tool.v1.count";
pub(crate) const CHUNK: u32 = 65536;

/// A directory of its own for one test, removed when it is dropped.
pub(crate) struct Scratch(pub(crate) Arc<Directory>);

impl Scratch {
    pub(crate) fn new(test: &str) -> Self {
        let path = env::temp_dir().join(format!("tallymark-{test}-{}", process::id()));
        let _ = fs::remove_dir_all(&path);
        Scratch(Arc::new(Directory::create(path.clone()).unwrap()))
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().join(FILE)
    }

    pub(crate) fn open(&self) -> Result<MappedFile, Error> {
        MappedFile::open(&self.0, FILE, &header("example.com/cmd/tool"), DEFAULT_CAPACITY)
    }

    pub(crate) fn counters(&self) -> CounterFile<MappedFile> {
        CounterFile::new(self.open().unwrap(), header("example.com/cmd/tool"))
    }

    /// Opening fails with this kind and leaves the content alone.
    pub(crate) fn refused(&self, content: &[u8], kind: ErrorKind) -> Error {
        fs::write(self.path(), content).unwrap();
        let error = self.open().unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert_eq!(fs::read(self.path()).unwrap(), content);
        error
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(self.0.path());
    }
}

pub(crate) fn header(program: &str) -> Header {
    let metadata = Metadata {
        time_begin: Day::from_civil(2026, 1, 5).unwrap(),
        time_end: Day::from_civil(2026, 1, 7).unwrap(),
        program,
        version: "v1.2.3",
        toolchain: "go1.27.3",
        os: "linux",
        arch: "amd64",
    };
    metadata.encode().unwrap()
}

pub(crate) fn count<S: Store<Error: std::fmt::Debug>>(file: &CounterFile<S>, text: &str, n: u64) {
    let slot = file.slot(&Name::plain(text.as_bytes()).unwrap()).unwrap();
    file.add(slot, n).unwrap();
}

pub(crate) fn value(file: &CounterFile<MappedFile>, text: &str) -> u64 {
    file.value(file.slot(&Name::plain(text.as_bytes()).unwrap()).unwrap()).unwrap()
}
