//! What a session does while its gate is shut: which file is open, and who counts into it.

use super::retry::Retry;
use crate::counter::protocol::{attach, detach, settle};
use crate::counter::{Counter, Counters};
use crate::fault::Fault;
use crate::file::FileError;
use crate::port::{ErrorKind, Host, Lasting, Opened, Store};
use crate::table::{Slot, Step};

/// Seconds that a file stays open after the week has gone on to another: time for a thread that has
/// loaded its place and not yet added.
const LINGER_SECONDS: i64 = 60;

/// Why counts wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble<E> {
    /// The file cannot be opened.
    Open(E),
    /// The file cannot take a new counter.
    Grow(E),
    /// The file is damaged where a counter belongs, and so is the spare one.
    Damaged(Fault),
}

/// A file that was open, and when it ceased to be.
struct Former<S> {
    /// Kept only to be dropped later.
    _store: S,
    since: i64,
}

/// Everything that is changed inside the gate.
pub(super) struct Work<H: Host> {
    host: Option<H>,
    is_on: bool,
    open: Option<Opened<H::Store>>,
    former: Option<Former<H::Store>>,
    trouble: Option<Trouble<H::Error>>,
    opening: Retry,
    growing: Retry,
    lost_files: u64,
    /// The file under the usual name is damaged.
    spare: bool,
    /// The file that is open is the spare one.
    is_spare: bool,
    /// Some counter may wait that could not be attached when it asked.
    backlog: bool,
    /// When the surroundings were looked at.
    looked_at: Option<i64>,
}

impl<H: Host + 'static> Work<H> {
    pub(super) const fn new() -> Self {
        Work {
            host: None,
            is_on: false,
            open: None,
            former: None,
            trouble: None,
            opening: Retry::new(),
            growing: Retry::new(),
            lost_files: 0,
            spare: false,
            is_spare: false,
            backlog: false,
            looked_at: None,
        }
    }

    pub(super) fn host(&self) -> Option<&H> {
        self.host.as_ref()
    }

    pub(super) fn open(&self) -> Option<&Opened<H::Store>> {
        self.open.as_ref()
    }

    pub(super) fn trouble(&self) -> Option<&Trouble<H::Error>> {
        self.trouble.as_ref()
    }

    pub(super) fn is_on(&self) -> bool {
        self.is_on
    }

    pub(super) fn lost_files(&self) -> u64 {
        self.lost_files
    }

    /// The next time at which there is something to do, if none of the counters asks before.
    pub(super) fn due_at(&self) -> Option<i64> {
        let end = self.open.as_ref().map(|open| open.end.unix());
        [end, self.retry_at()].into_iter().flatten().min()
    }

    /// When what failed is tried again.
    pub(super) fn retry_at(&self) -> Option<i64> {
        [self.opening.due_at(), self.growing.due_at()].into_iter().flatten().min()
    }

    /// Changes the host; the file is given up, and the new host's comes with the next `refresh`. No
    /// file lingers: without a host nobody would come by to close it, and what it is the last to hold of
    /// the old host would be freed by a counter, perhaps in a signal handler.
    pub(super) fn set_host(&mut self, host: Option<H>, counters: &Counters<H>) {
        self.give_up_file(counters);
        *self = Work { lost_files: self.lost_files, host, ..Work::new() };
    }

    /// One counter asks for a place; `None`: somebody does, and it is not known who.
    pub(super) fn serve(&mut self, counter: Option<&Counter<H>>, counters: &Counters<H>) {
        let Some(host) = &self.host else { return };
        let now = host.now();
        self.refresh(now, false, counters);
        let may_clear_backlog = self.backlog && self.growing.is_due(now);
        match counter {
            // Each of many that wait comes by here; looking at all of them each time would not do.
            _ if self.open.is_none() => self.backlog = true,
            Some(counter) if !may_clear_backlog => self.place(counter, now, counters),
            _ => self.place_all(now, counters),
        }
    }

    /// Waits no longer before what failed is tried again.
    pub(super) fn forget_failures(&mut self) {
        self.opening.succeeded();
        self.growing.succeeded();
    }

    /// Looks at everything that may have changed: mode, file, time, what could not be done before.
    pub(super) fn poll(&mut self, now: i64, counters: &Counters<H>) {
        self.refresh(now, true, counters);
        self.place_all(now, counters);
    }

    /// Sees to it that the right file is open. At most once a second, or if `thorough`, the
    /// surroundings are looked at; the time always is.
    fn refresh(&mut self, now: i64, thorough: bool, counters: &Counters<H>) {
        let Some(host) = &mut self.host else { return };
        if thorough || self.looked_at != Some(now) {
            self.looked_at = Some(now);
            self.is_on = host.is_on();
            match self.open.as_ref().map(|open| host.check(open.file.store())) {
                Some(Err(error)) => self.lose(error, counters),
                // What an earlier look has met is over.
                Some(Ok(())) if self.opening.due_at().is_none() => {
                    self.trouble.take_if(|trouble| matches!(trouble, Trouble::Open(_)));
                }
                _ => {}
            }
            let is_over = |former: &Former<_>| now < former.since || now - former.since >= LINGER_SECONDS;
            if self.former.as_ref().is_some_and(is_over) {
                self.former = None;
            }
        }
        if !self.is_on {
            self.give_up_file(counters);
        } else if !self.open.as_ref().is_some_and(|open| open.holds(now)) {
            self.open_file(now, counters);
        }
    }

    /// Opens the file for `now` if it is time to try. The one before stays in use until that is done.
    fn open_file(&mut self, now: i64, counters: &Counters<H>) {
        if !self.opening.is_due(now) {
            return;
        }
        let Some(host) = &mut self.host else { return };
        // Damage ends with the span of days it was found in.
        self.spare &= self.open.as_ref().is_none_or(|open| open.holds(now));
        match host.open(now, self.spare) {
            Ok(opened) => {
                self.give_up_file(counters);
                self.open = Some(opened);
                self.is_spare = self.spare;
                self.backlog = true;
                self.opening.succeeded();
                self.growing.succeeded();
                self.trouble = None;
            }
            Err(error) => {
                self.opening.failed(now);
                self.trouble = Some(Trouble::Open(error));
            }
        }
    }

    /// Lets all counts wait again. The file stays open for a while.
    fn give_up_file(&mut self, counters: &Counters<H>) {
        let Some(open) = self.open.take() else { return };
        for counter in counters.iter() {
            if counter.target().is_some() {
                detach(counter);
            }
        }
        let since = self.looked_at.unwrap_or(open.begin.unix());
        self.former = Some(Former { _store: open.file.into_store(), since });
    }

    /// The file is no longer in its place, or another error was met on looking.
    fn lose(&mut self, error: H::Error, counters: &Counters<H>) {
        if matches!(H::kind(&error), ErrorKind::Moved | ErrorKind::CutShort) {
            self.give_up_file(counters);
            self.lost_files += 1;
            // The next file under the usual name is a new one.
            self.spare = false;
        }
        self.trouble = Some(Trouble::Open(error));
    }

    /// Gives every counter that waits its place.
    fn place_all(&mut self, now: i64, counters: &Counters<H>) {
        self.backlog = false;
        for counter in counters.iter() {
            if counter.waiting() > 0 {
                self.place(counter, now, counters);
            }
        }
    }

    /// Gives one counter its place, or notes why not. Bound: a file that is lost or damaged is
    /// replaced once.
    fn place(&mut self, counter: &Counter<H>, now: i64, counters: &Counters<H>) {
        if let Some(count) = counter.target() {
            settle(counter, count);
            return;
        }
        for _ in 0..2 {
            let Some(open) = &self.open else { break };
            let may_grow = self.growing.is_due(now);
            let slot = find_place(open, counter, may_grow);
            match slot.map(|slot| open.file.store().count(slot?).ok()) {
                Ok(Some(count)) => {
                    attach(counter, count);
                    if may_grow {
                        self.growing.succeeded();
                        self.trouble = None;
                    }
                    return;
                }
                Ok(None) => break,
                Err(FileError::Fault(fault)) => {
                    if self.is_spare {
                        self.trouble = Some(Trouble::Damaged(fault));
                        break;
                    }
                    self.spare = true;
                    self.open_file(now, counters);
                    if self.opening.due_at().is_some() {
                        break;
                    }
                }
                Err(FileError::Store(error)) => {
                    let error = H::Error::from(error);
                    if !matches!(H::kind(&error), ErrorKind::Moved | ErrorKind::CutShort) {
                        self.growing.failed(now);
                        self.trouble = Some(Trouble::Grow(error));
                        break;
                    }
                    self.lose(error, counters);
                    self.open_file(now, counters);
                }
            }
        }
        self.backlog = true;
    }
}

/// The place of a counter in a file; `Ok(None)` if the file would have to grow and may not now.
fn find_place<H: Host>(
    open: &Opened<H::Store>,
    counter: &Counter<H>,
    may_grow: bool,
) -> Result<Option<Slot>, FileError<<H::Store as Store>::Error>> {
    if may_grow {
        return open.file.slot(counter.name()).map(Some);
    }
    match open.file.table().new_counter(counter.name()) {
        Ok(Step::Found(slot)) => Ok(Some(slot)),
        Ok(Step::Grow { .. } | Step::Remap { .. }) => Ok(None),
        Err(fault) => Err(FileError::Fault(fault)),
    }
}
