//! The ledger of the demo: what each thread says it has begun and finished counting, in shared memory
//! of its own that has nothing to do with count files.
//!
//! A thread writes "begun", counts, then writes "finished". Whoever is killed in between leaves one
//! count in flight: it may be in the file or not. Everything finished must be there.

use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context;
use memmap2::{MmapOptions, MmapRaw};

/// The names that all threads count.
pub(crate) const SHARED: [&str; 4] = ["demo/request", "demo/cache:hit", "demo/cache:miss", "demo/error"];

/// Accounts of a thread: one for each shared name, one for the stack counter, one for its own names.
pub(crate) const ACCOUNTS: usize = SHARED.len() + 2;
/// The account of the stack counter.
pub(crate) const STACK: usize = SHARED.len();
/// The account of names that are counted once.
pub(crate) const ONCE: usize = SHARED.len() + 1;

/// Words before the accounts: the stop flag.
const HEAD: usize = 1;

/// The shared memory of the ledger.
#[derive(Debug)]
pub(crate) struct Ledger {
    mapping: MmapRaw,
    threads: usize,
}

/// One account of one thread.
pub(crate) struct Account<'l> {
    begun: &'l AtomicU64,
    finished: &'l AtomicU64,
}

impl Ledger {
    /// Opens the ledger of `threads` threads, all processes together; makes it if it is missing.
    pub(crate) fn open(path: &Path, threads: usize) -> anyhow::Result<Self> {
        let error = || format!("opening the ledger {}", path.display());
        let file = File::options().read(true).write(true).create(true).truncate(false).open(path);
        let file = file.with_context(error)?;
        let length = 8 * (HEAD + threads * ACCOUNTS * 2);
        file.set_len(length as u64).with_context(error)?;
        let mapping = MmapOptions::new().len(length).map_raw(&file).with_context(error)?;
        Ok(Ledger { mapping, threads })
    }

    fn word(&self, index: usize) -> &AtomicU64 {
        assert!(index < HEAD + self.threads * ACCOUNTS * 2);
        let base = self.mapping.as_mut_ptr().cast::<u64>();
        // SAFETY: the mapping has that many words (asserted), and its base is page-aligned.
        let word = unsafe { base.add(index) };
        // SAFETY: the word is inside the mapping, which lives as long as `self`, is 8-aligned, and is
        // touched by atomics of this width only.
        unsafe { AtomicU64::from_ptr(word) }
    }

    /// Tells all threads to stop.
    pub(crate) fn stop(&self) {
        self.word(0).store(1, Ordering::Release);
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.word(0).load(Ordering::Acquire) != 0
    }

    /// An account; `thread` counts through all processes.
    pub(crate) fn account(&self, thread: usize, account: usize) -> Account<'_> {
        let at = HEAD + (thread * ACCOUNTS + account) * 2;
        Account { begun: self.word(at), finished: self.word(at + 1) }
    }

    /// What has been begun and finished in an account by some threads.
    pub(crate) fn sum(&self, threads: std::ops::Range<usize>, account: usize) -> (u64, u64) {
        threads.fold((0, 0), |(begun, finished), thread| {
            // Finished first: it is never ahead of what is begun.
            let more = self.account(thread, account).finished();
            (begun + self.account(thread, account).begun(), finished + more)
        })
    }
}

impl Account<'_> {
    /// Runs one count between the two entries.
    pub(crate) fn count<E>(&self, count: impl FnOnce() -> Result<(), E>) -> Result<(), E> {
        // ORDER: AcqRel, twice. The count stays between the two entries in the order in which other
        // processes see them, also when this one dies.
        self.begun.fetch_add(1, Ordering::AcqRel);
        count()?;
        self.finished.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }

    pub(crate) fn begun(&self) -> u64 {
        self.begun.load(Ordering::Acquire)
    }

    pub(crate) fn finished(&self) -> u64 {
        self.finished.load(Ordering::Acquire)
    }
}
