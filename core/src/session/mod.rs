//! A session: the one room that sees counters, file, calendar and host, and keeps them together.
//!
//! It opens the file of the week, gives counters their places, goes on to the next file when the
//! week ends, and lets counts wait in memory while there is no file. It starts no thread and knows no
//! clock: time comes from its [`Host`] or as an argument.
//!
//! ```
//! use tallymark_core::port::{ErrorKind, Full, Host, Opened};
//! use tallymark_core::{Counter, CounterFile, Day, Metadata, Name, Region, Session};
//! use tallymark_core::words::Lasted;
//!
//! /// A device with one week of memory and no clock.
//! struct Device;
//!
//! static MEMORY: Region<4096> = Region::new();
//! static SESSION: Session<Device> = Session::new();
//! static BOOTS: Counter<Device> = match Name::plain(b"boots") {
//!     Ok(name) => Counter::new(&SESSION, name),
//!     Err(_) => panic!("a name that no file can hold"),
//! };
//!
//! impl Host for Device {
//!     type Store = Lasted;
//!     type Error = Full;
//!
//!     fn now(&self) -> i64 {
//!         Day::from_civil(2026, 1, 5).map_or(0, Day::unix)
//!     }
//!
//!     fn is_on(&mut self) -> bool {
//!         true
//!     }
//!
//!     fn open(&mut self, now: i64, _spare: bool) -> Result<Opened<Lasted>, Full> {
//!         let full = Full { need: 16384, have: 0 };
//!         let begin = Day::from_unix(now).ok_or(full)?;
//!         let end = begin.span_end(begin.weekday()).ok_or(full)?;
//!         let metadata = Metadata {
//!             time_begin: begin, time_end: end,
//!             program: "firmware", version: "", toolchain: "rust", os: "none", arch: "arm",
//!         };
//!         let header = metadata.encode().map_err(|_| full)?;
//!         let memory = Lasted::new(MEMORY.words()).map_err(|_| full)?;
//!         let file = CounterFile::format(memory, &header).map_err(|_| full)?;
//!         Ok(Opened { file, begin, end })
//!     }
//!
//!     fn check(&mut self, _: &Lasted) -> Result<(), Full> {
//!         Ok(())
//!     }
//!
//!     fn kind(_: &Full) -> ErrorKind {
//!         ErrorKind::NoSpace
//!     }
//! }
//!
//! BOOTS.add(1); // waits: there is no file yet
//! SESSION.start(Device);
//! BOOTS.add(1); // one load, one addition
//! assert_eq!(BOOTS.target().map(|count| count.value()), Some(2));
//! ```

mod retry;
mod work;

use core::fmt;
use core::sync::atomic::AtomicBool;

use spin::Mutex;

pub use work::Trouble;

use crate::counter::gate::{self, GateWord};
use crate::counter::protocol::{Cells, settle};
use crate::counter::{Counter, Counters, GateCell};
use crate::port::{Host, Opened};
use crate::words::Ordering;
use work::Work;

/// Looks at a shut gate before others are let run. Most work inside is shorter.
const SPINS: u32 = 1000;

/// The counters of a program and the file they count into. A static.
pub struct Session<H: Host + 'static> {
    counters: Counters<H>,
    /// Who is inside the gate, and nobody else, locks `work`; so the lock is always free for them.
    gate: GateCell,
    work: Mutex<Work<H>>,
    /// Whoever is inside may never come out, see [`Session::abandon`].
    is_abandoned: AtomicBool,
}

/// How a session is doing.
#[derive(Debug)]
pub struct View<'w, H: Host> {
    /// The host; `None` before [`Session::start`] and after [`Session::stop`].
    pub host: Option<&'w H>,
    /// Whether the host allowed counting when it was last asked.
    pub is_on: bool,
    /// The file that counts go to.
    pub open: Option<&'w Opened<H::Store>>,
    /// Why counts wait, if it is not for want of a host or because counting is off.
    pub trouble: Option<&'w Trouble<H::Error>>,
    /// The time, in seconds since 1970-01-01T00:00:00Z, by which [`Session::poll`] should be called.
    pub due_at: Option<i64>,
    /// How often the file was found gone or cut short.
    pub lost_files: u64,
    /// When what failed is tried again, in seconds since 1970-01-01T00:00:00Z.
    pub retry_at: Option<i64>,
}

impl<H: Host + 'static> Session<H> {
    /// A session without a host: counts wait.
    #[must_use]
    pub const fn new() -> Self {
        Session {
            counters: Counters::new(),
            gate: GateCell::new(),
            work: Mutex::new(Work::new()),
            is_abandoned: AtomicBool::new(false),
        }
    }

    /// Begins to count into files of this host, with what has been counted so far. A session that has
    /// a host already goes on to the new one.
    ///
    /// A file that cannot be opened is no error: counts wait, and it is tried again. See
    /// [`Session::view`].
    ///
    /// Not for signal handlers, like all methods but those of counters: it waits for its turn.
    pub fn start(&'static self, host: H) {
        self.inside(|work, counters| {
            let now = host.now();
            work.set_host(Some(host), counters);
            work.poll(now, counters);
        });
    }

    /// Gives up the file and the host. Counts wait again.
    pub fn stop(&'static self) {
        self.inside(|work, counters| {
            settle_all(counters);
            work.set_host(None, counters);
        });
    }

    /// Does what is due at `now`, in seconds since 1970-01-01T00:00:00Z: goes on to the next week's
    /// file, notices that the file is gone or counting was switched on or off, tries again what
    /// failed if its delay is over. For programs without a timer; every day or every second, both are well.
    pub fn poll(&'static self, now: i64) {
        self.inside(|work, counters| {
            work.poll(now, counters);
            settle_all(counters);
        });
    }

    /// The last [`Session::poll`] of a program: what failed is tried again now, whenever that was.
    pub fn finish(&'static self, now: i64) {
        self.inside(|work, counters| {
            work.forget_failures();
            work.poll(now, counters);
            settle_all(counters);
        });
    }

    /// Looks at the session. The closure keeps all others waiting. A session that is
    /// [abandoned](Session::abandon) looks like one without a host.
    pub fn view<R>(&'static self, look: impl FnOnce(View<'_, H>) -> R) -> R {
        let inside = self.enter();
        let nothing = Work::new();
        let locked = inside.as_ref().map(|_| self.work.lock());
        let work = locked.as_deref().unwrap_or(&nothing);
        look(View {
            host: work.host(),
            is_on: work.is_on(),
            open: work.open(),
            trouble: work.trouble(),
            due_at: work.due_at(),
            lost_files: work.lost_files(),
            retry_at: work.retry_at(),
        })
    }

    /// All counters that have been used, the youngest first.
    pub fn counters(&self) -> &Counters<H> {
        &self.counters
    }

    /// Keeps everybody out until the [`Held`] is dropped: for a host whose process is about to be
    /// copied (`fork`). `None` while somebody is inside.
    pub fn hold(&'static self) -> Option<Held<H>> {
        gate::try_enter(&self.gate).then(|| self.held())
    }

    /// For a copy of the process that was made although [`Session::hold`] failed; there this must be the
    /// first. Forgets what waits, as [`Held::forget_waiting`] does, and waits for nobody any more: whoever
    /// was inside is missing, unless it is the very thread that lives on. Until it comes out, methods do
    /// nothing, and counters without a place wait.
    pub fn abandon(&'static self) {
        forget_waiting(&self.counters);
        // ORDER: Relaxed, here and below. There is one thread only, and others begin after it.
        self.is_abandoned.store(true, Ordering::Relaxed);
    }

    /// Whether the session is [abandoned](Session::abandon), and nobody has come out since.
    pub fn is_abandoned(&self) -> bool {
        // ORDER: Relaxed. See `abandon`.
        self.is_abandoned.load(Ordering::Relaxed)
    }

    /// The slow path of a counter that waits.
    #[cold]
    pub(crate) fn serve(&'static self, counter: &'static Counter<H>) {
        if gate::knock(&self.gate) {
            let inside = self.held();
            self.work.lock().serve(Some(counter), &self.counters);
            drop(inside);
        }
    }

    /// Waits for its turn and works inside the gate. In a session that is abandoned nothing is done.
    fn inside(&'static self, work: impl FnOnce(&mut Work<H>, &Counters<H>)) {
        let Some(inside) = self.enter() else { return };
        work(&mut self.work.lock(), &self.counters);
        drop(inside);
    }

    /// Waits for its turn; not if the session is abandoned.
    fn enter(&'static self) -> Option<Held<H>> {
        let mut tries = 0u32;
        while !gate::try_enter(&self.gate) {
            if self.is_abandoned() {
                return None;
            }
            tries = tries.saturating_add(1);
            if tries < SPINS { core::hint::spin_loop() } else { H::relax() }
        }
        Some(self.held())
    }

    /// For who has just entered.
    fn held(&'static self) -> Held<H> {
        // ORDER: Relaxed. See `abandon`.
        self.is_abandoned.store(false, Ordering::Relaxed);
        Held { session: self }
    }
}

/// A session whose gate is shut. Those who leave a note meanwhile are served when it is dropped.
#[must_use]
pub struct Held<H: Host + 'static> {
    session: &'static Session<H>,
}

impl<H: Host> Held<H> {
    /// Forgets what waits. In a copy of the process (a child after `fork`) this must be the first:
    /// what waits there is the parent's, which will put it into the file.
    pub fn forget_waiting(&self) {
        forget_waiting(&self.session.counters);
    }
}

impl<H: Host + 'static> Drop for Held<H> {
    fn drop(&mut self) {
        let session = self.session;
        // Bound: a turn for each time that others have asked meanwhile.
        while !gate::leave(&session.gate) {
            session.work.lock().serve(None, &session.counters);
        }
    }
}

fn forget_waiting<H: Host>(counters: &Counters<H>) {
    for counter in counters.iter() {
        // ORDER: Relaxed. There is one thread only.
        let _ = counter.take_pending(Ordering::Relaxed);
    }
}

/// Lands what threads have left in counters that have a place.
fn settle_all<H: Host>(counters: &Counters<H>) {
    for counter in counters.iter() {
        if let Some(count) = counter.target().filter(|_| counter.waiting() > 0) {
            settle(counter, count);
        }
    }
}

impl<H: Host> Default for Session<H> {
    fn default() -> Self {
        Self::new()
    }
}

impl<H: Host> fmt::Debug for Session<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // ORDER: Relaxed. For people.
        f.debug_struct("Session").field("gate", &self.gate.load(Ordering::Relaxed)).finish_non_exhaustive()
    }
}
