//! A script of operations, and the queue it is compared with.

use std::cell::RefCell;
use std::mem::forget;
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use arbitrary::{Arbitrary, Unstructured};
use tallymark_core::ring::memory::{Word32, Word64};
use tallymark_core::ring::{Halves, Header, Index, Memory, Native, Plain, Read, Reader, Ring, Width, Writer};

use super::book::{Book, Draft};
use super::memory::{Block, Port, Shape, Words, port};

/// What happens to the ring.
#[derive(Clone, Debug, Arbitrary)]
enum Deed {
    Write(Events),
    Read,
    Release,
    /// The reader waits; these are written while it sleeps, the first time or the second.
    Wait {
        has_limit: bool,
        is_late: bool,
        events: Vec<Events>,
    },
    /// The writer closes the ring, and another attaches.
    Close {
        is_read: bool,
    },
    /// The writer is killed, and another attaches.
    KillWriter,
    /// The reader goes, perhaps without giving back what it holds, and another attaches.
    NewReader {
        releases: bool,
    },
    /// A new ring is made in the memory of the old one.
    Format(Shape),
}

/// Some events of one size.
#[derive(Clone, Debug, Arbitrary)]
struct Events {
    header: u8,
    stack: u8,
    count: u8,
}

/// A ring, what is known of it, and its writer: what acts while the reader sleeps.
struct Desk<W: Width> {
    writer: Option<Writer<Words<Plain, W>, &'static Port>>,
    header: Header,
    book: Book,
    /// The number of the last event.
    time: u64,
}

/// Both ends. What is declared first goes first: the memory is the last.
struct Stage<W: Width> {
    desk: Rc<RefCell<Desk<W>>>,
    reader: Reader<Words<Plain, W>, &'static Port>,
    block: Block,
}

/// Does to a ring what the input says, in the layout that it says.
///
/// # Panics
///
/// If what is read and lost is not what was written, in order.
pub fn ring(input: &[u8]) {
    let mut input = Unstructured::new(input);
    let Ok((is_whole, shape)) = input.arbitrary::<(bool, Shape)>() else { return };
    let Ok(script) = input.arbitrary::<Vec<Deed>>() else { return };
    let script = &script[..script.len().min(200)];
    if is_whole { Stage::<Native>::play(&shape, script) } else { Stage::<Halves>::play(&shape, script) }
}

impl<W: Width> Desk<W> {
    fn new(writer: Writer<Words<Plain, W>, &'static Port>, header: Header) -> Self {
        Desk { writer: Some(writer), header, book: Book::new(header.capacity), time: 0 }
    }

    fn write(&mut self, events: &Events) {
        for _ in 0..=events.count % 8 {
            self.time += 1;
            let draft = Draft::new(self.time, usize::from(events.header % 8), usize::from(events.stack));
            let writer = self.writer.as_ref().expect("there is one");
            let outcome = writer.write(draft.tag(), draft.time, &draft.header, &draft.stack);
            self.book.write(draft, outcome);
        }
    }

    /// Writes while the reader sleeps, and looks each time whether it is woken as it should be.
    fn write_to_sleeper(&mut self, events: &Events) {
        let one = Events { count: 0, ..*events };
        for _ in 0..=events.count % 8 {
            let was_asleep = self.is_reader_asleep();
            self.write(&one);
            let memory = self.memory();
            let index = |word| Index::from_bits(memory.load64(word, Ordering::Relaxed));
            let (written, read) = (index(Word64::Written), index(Word64::Read));
            let is_due = written.words_since(read) >= self.header.wake.data as i32
                || written.events_since(read) >= self.header.wake.tags as i32
                || self.book.has_loss();
            let is_asleep = self.is_reader_asleep();
            assert!(!(is_due && is_asleep), "it sleeps on at {written:?}, read to {read:?}");
            assert!(is_due || is_asleep || !was_asleep, "it was woken at {written:?}, read to {read:?}");
        }
    }

    fn memory(&self) -> &Words<Plain, W> {
        // SAFETY: nothing is stored through it.
        unsafe { self.writer.as_ref().expect("there is one").memory() }
    }

    fn is_reader_asleep(&self) -> bool {
        self.memory().load32(Word32::Sleeping, Ordering::Relaxed) == 1
    }

    fn close_on_sleeper(&mut self) {
        let wakes = port().wakes.get();
        self.close();
        assert_eq!(port().wakes.get(), wakes + 1, "it sleeps on at the end");
    }

    fn close(&mut self) {
        self.writer = None;
        self.book.is_closed = true;
    }
}

impl<W: Width + 'static> Stage<W> {
    fn play(shape: &Shape, script: &[Deed]) {
        let later =
            script.iter().filter_map(|deed| if let Deed::Format(shape) = deed { Some(shape) } else { None });
        let words = later.chain([shape]).map(Shape::words).max().unwrap_or_default();
        let block = Block::new(vec![0xdead_beef; words]);
        let (desk, reader) = Self::begin(shape.ring(&block));
        let mut stage = Stage { desk: Rc::new(RefCell::new(desk)), reader, block };
        for deed in script {
            stage.act(deed);
        }
        stage.desk.borrow_mut().close();
        stage.read_to_the_end();
        stage.desk.borrow().book.check_sums();
    }

    fn begin(ring: Ring<(), Plain, W>) -> (Desk<W>, Reader<Words<Plain, W>, &'static Port>) {
        let header = *ring.header();
        let (writer, reader) = ring.split(port());
        (Desk::new(writer, header), reader)
    }

    fn act(&mut self, deed: &Deed) {
        match deed {
            Deed::Write(events) => self.desk.borrow_mut().write(events),
            Deed::Read => self.read(),
            Deed::Release => {
                self.reader.release();
                self.desk.borrow_mut().book.release();
            }
            Deed::Wait { has_limit, is_late, events } => {
                self.wait(*has_limit, 1 + u32::from(*is_late), events)
            }
            Deed::Close { is_read } => {
                self.desk.borrow_mut().close();
                if *is_read {
                    self.read_to_the_end();
                }
                self.attach_writer();
            }
            Deed::KillWriter => {
                forget(self.desk.borrow_mut().writer.take());
                self.attach_writer();
            }
            Deed::NewReader { releases } => {
                let mut desk = self.desk.borrow_mut();
                if *releases {
                    self.reader.release();
                    desk.book.release();
                }
                desk.book.hold_again();
                desk.book.has_heirs = true;
                self.reader = self.attach().into_reader(port());
            }
            Deed::Format(shape) => {
                let time = self.desk.borrow().time;
                // The old writer closes the old ring before the new one is made.
                self.desk.borrow_mut().close();
                let (desk, reader) = Self::begin(shape.ring(&self.block));
                *self.desk.borrow_mut() = Desk { time, ..desk };
                self.reader = reader;
            }
        }
    }

    fn attach(&self) -> Ring<(), Plain, W> {
        self.block.attach().expect("nobody has touched the header")
    }

    fn attach_writer(&mut self) {
        let writer = self.attach().into_writer(port());
        let mut desk = self.desk.borrow_mut();
        desk.writer = Some(writer);
        desk.book.is_closed = false;
        desk.book.has_heirs = true;
    }

    fn read(&mut self) {
        let read = self.reader.read().expect("nobody has damaged it");
        self.desk.borrow_mut().book.read(read);
    }

    /// Reads until the end, which has to come.
    fn read_to_the_end(&mut self) {
        let most = 2 * self.reader.capacity().tags() + 3;
        for _ in 0..most {
            let read = self.reader.read().expect("nobody has damaged it");
            let is_end = matches!(read, Read::End);
            self.desk.borrow_mut().book.read(read);
            if is_end {
                return;
            }
        }
        panic!("no end after {most} reads");
    }

    /// Waits while others write, in its sleep of this number; without a limit until they wake it, or close.
    fn wait(&mut self, has_limit: bool, nap: u32, events: &[Events]) {
        let (desk, events) = (Rc::clone(&self.desk), events[..events.len().min(8)].to_vec());
        let during = move |now| {
            let mut desk = desk.borrow_mut();
            if now == nap {
                events.iter().for_each(|events| desk.write_to_sleeper(events));
                if !has_limit && desk.is_reader_asleep() {
                    desk.close_on_sleeper();
                }
            }
        };
        // The first that it does is to give back what it holds.
        self.desk.borrow_mut().book.release();
        let limit = has_limit.then_some(Duration::from_millis(5));
        let read = port().while_it_sleeps(during, || self.reader.wait(limit)).expect("nobody has damaged it");
        self.desk.borrow_mut().book.read(read);
        if self.desk.borrow().book.is_closed {
            self.attach_writer();
        }
    }
}
