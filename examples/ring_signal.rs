//! A profiler of itself: a signal comes after each millisecond of work, its handler writes what it has
//! interrupted into a ring, and a thread reads the ring and counts.
//!
//! ```console
//! $ cargo run --release --example ring_signal
//! $ RUSTFLAGS="-C force-frame-pointers=yes" cargo run --release --example ring_signal    # callers too
//! ```

#[cfg(not(unix))]
fn main() {
    eprintln!("ring_signal: this example needs the signals of Unix");
}

#[cfg(unix)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    unix::main()
}

#[cfg(unix)]
mod unix {
    use std::collections::BTreeMap;
    use std::error::Error;
    use std::hint::black_box;
    use std::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering};
    use std::time::{Duration, Instant};
    use std::{io, mem, ptr, thread};

    use tallymark::ring::{
        self, Capacity, Clock, Header, InHandlers, Item, Loss, Read, Reader, RingFault, Writer,
    };

    /// Bytes of the stack that the handler has for itself. What Rust gives a thread for that, 8 KiB, is too
    /// little for a build without optimization.
    const HANDLER_STACK: usize = 64 << 10;

    /// Addresses that are kept of a stack.
    const DEPTH: usize = 8;

    /// What the handler writes to; null before the profile begins and after it has ended.
    static WRITER: AtomicPtr<InHandlers<Writer<()>>> = AtomicPtr::new(ptr::null_mut());
    /// How often the handler had one.
    static SAMPLES: AtomicU64 = AtomicU64::new(0);
    /// An address in the frame of `main`, which is above those of the work.
    static STACK_END: AtomicUsize = AtomicUsize::new(0);

    /// What was read: samples by address and by the address of the caller, and losses.
    #[derive(Default)]
    struct Profile {
        samples: BTreeMap<u64, u64>,
        callers: BTreeMap<u64, u64>,
        losses: Vec<Loss>,
    }

    pub(super) fn main() -> Result<(), Box<dyn Error>> {
        // A header word, 1024 words and 64 events: too small for a reader that takes a detour.
        let capacity = Capacity::new(1, 1 << 10, 1 << 6).ok_or("too large")?;
        let header = Header { clock: Clock::Monotonic, ..Header::new(capacity) };
        let (writer, reader) = ring::new::<()>(&header)?;

        // One thread writes: the other is born with the signal blocked.
        block(libc::SIG_BLOCK)?;
        let reading = thread::spawn(move || read(reader));
        let here = 0_u8;
        STACK_END.store((&raw const here).addr(), Ordering::Relaxed);
        start(writer)?;
        block(libc::SIG_UNBLOCK)?;

        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(2) {
            black_box(divide_all(black_box(2_000_000)));
            black_box(multiply_all(black_box(2_000_000)));
        }

        stop()?;
        show(&reading.join().map_err(|_| "the reader has panicked")??)
    }

    #[inline(never)]
    fn divide_all(numbers: u64) -> u64 {
        (1..numbers).map(|n| black_box(u64::MAX) / n).fold(0, u64::wrapping_add)
    }

    #[inline(never)]
    fn multiply_all(numbers: u64) -> u64 {
        (1..numbers).fold(1, |product, n| black_box(product).wrapping_mul(n | 1))
    }

    /// Waits for samples until the writer closes the ring. Once it takes a detour.
    fn read(mut reader: Reader<()>) -> Result<Profile, RingFault> {
        let mut profile = Profile::default();
        let begin = Instant::now();
        let mut detour = Some(Duration::from_millis(500));
        loop {
            match reader.wait(Some(Duration::from_millis(100)))? {
                Read::Events(batch) => batch.into_iter().for_each(|item| profile.add(&item)),
                Read::Nothing => {}
                Read::End => return Ok(profile),
            }
            if let Some(time) = detour.take_if(|time| begin.elapsed() > *time) {
                thread::sleep(time);
            }
        }
    }

    impl Profile {
        fn add(&mut self, item: &Item<'_, ring::Memory, ()>) {
            match item {
                Item::Event(event) => {
                    let weight = event.header_word(0);
                    let mut stack = event.stack_words();
                    *self.samples.entry(stack.next().unwrap_or(0)).or_default() += weight;
                    if let Some(caller) = stack.next() {
                        // It returns behind the call.
                        *self.callers.entry(caller.saturating_sub(1)).or_default() += weight;
                    }
                }
                Item::Loss(loss) => self.losses.push(*loss),
            }
        }
    }

    /// The function that an address is in.
    fn function(address: u64) -> String {
        let mut name = None;
        // Of functions that were inlined the last one is the one that was called.
        backtrace::resolve(ptr::without_provenance_mut(address as usize), |symbol| {
            name = symbol.name().map(|name| format!("{name:#}"));
        });
        name.unwrap_or_else(|| "?".to_owned())
    }

    fn show(profile: &Profile) -> Result<(), Box<dyn Error>> {
        for (title, samples) in [("in", &profile.samples), ("called by", &profile.callers)] {
            let mut functions = BTreeMap::<_, u64>::new();
            for (&address, samples) in samples {
                *functions.entry(function(address)).or_default() += samples;
            }
            for (function, samples) in functions {
                println!("{samples:>6} {title} {function}");
            }
        }
        for loss in &profile.losses {
            let millis = (loss.last_time - loss.first_time) / 1_000_000;
            println!("{:>6} lost within {millis} ms, {} of them in a full ring", loss.count, loss.full());
        }
        let written = SAMPLES.load(Ordering::Relaxed);
        let read: u64 = profile.samples.values().sum();
        let lost: u64 = profile.losses.iter().map(|loss| loss.weight).sum();
        println!("{written:>6} written = {read} read + {lost} lost");
        if written == read + lost { Ok(()) } else { Err("samples are missing".into()) }
    }

    /// Blocks or unblocks the signal for this thread.
    fn block(how: libc::c_int) -> io::Result<()> {
        // SAFETY: a set of signals is plain numbers.
        let mut signals: libc::sigset_t = unsafe { mem::zeroed() };
        // SAFETY: the set is good for the call.
        unsafe { libc::sigemptyset(&raw mut signals) };
        // SAFETY: as above.
        unsafe { libc::sigaddset(&raw mut signals, libc::SIGPROF) };
        // SAFETY: as above; nobody asks for the set before.
        match unsafe { libc::pthread_sigmask(how, &raw const signals, ptr::null_mut()) } {
            0 => Ok(()),
            error => Err(io::Error::from_raw_os_error(error)),
        }
    }

    /// Gives the handlers of this thread a stack of their own.
    fn give_stack() -> io::Result<()> {
        let stack = Box::leak(vec![0_u8; HANDLER_STACK].into_boxed_slice());
        let stack = libc::stack_t { ss_sp: stack.as_mut_ptr().cast(), ss_flags: 0, ss_size: HANDLER_STACK };
        // SAFETY: the memory is given away for ever; nobody asks for the stack before.
        match unsafe { libc::sigaltstack(&raw const stack, ptr::null_mut()) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// Begins to sample this thread.
    fn start(writer: Writer<()>) -> io::Result<()> {
        give_stack()?;
        // SAFETY: only this thread writes, in the handler.
        let writer = Box::new(unsafe { InHandlers::new(writer) });
        WRITER.store(Box::into_raw(writer), Ordering::Relaxed);
        // SAFETY: no flags, no signals, no handler: zeros are an action.
        let mut action: libc::sigaction = unsafe { mem::zeroed() };
        action.sa_sigaction = on_signal as *const () as libc::sighandler_t;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART | libc::SA_ONSTACK;
        // SAFETY: the handler does only what a handler may.
        if unsafe { libc::sigaction(libc::SIGPROF, &raw const action, ptr::null_mut()) } != 0 {
            return Err(io::Error::last_os_error());
        }
        set_timer(1000)
    }

    /// Ends it. The handler stays: a signal that is still on its way finds it, and does nothing.
    fn stop() -> io::Result<()> {
        set_timer(0)?;
        let writer = WRITER.swap(ptr::null_mut(), Ordering::Relaxed);
        if !writer.is_null() {
            // SAFETY: made by `start`, and taken once. Handlers run on this thread only: none is in it.
            let writer = unsafe { Box::from_raw(writer) };
            writer.into_inner().close();
        }
        Ok(())
    }

    /// A signal each time the process has worked so long; never, if 0.
    fn set_timer(microseconds: libc::suseconds_t) -> io::Result<()> {
        let every = libc::timeval { tv_sec: 0, tv_usec: microseconds };
        let timer = libc::itimerval { it_interval: every, it_value: every };
        // SAFETY: the timer is good for the call; nobody asks for the one before.
        match unsafe { libc::setitimer(libc::ITIMER_PROF, &raw const timer, ptr::null_mut()) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// The handler: no allocation, no lock, and `errno` as it was. (A write into the ring leaves it alone,
    /// and this clock cannot fail.)
    extern "C" fn on_signal(_: libc::c_int, _: *mut libc::siginfo_t, context: *mut libc::c_void) {
        let writer = WRITER.load(Ordering::Relaxed);
        // SAFETY: null, or alive: `stop` runs on this thread.
        let Some(writer) = (unsafe { writer.as_ref() }) else { return };
        SAMPLES.fetch_add(1, Ordering::Relaxed);
        let mut frames = [0; DEPTH];
        // SAFETY: the system hands a handler with SA_SIGINFO the registers it has saved.
        let depth =
            unsafe { machine::registers(context) }.map_or(0, |registers| walk(registers, &mut frames));
        // What has no room is lost, and counted by the ring.
        let _ = writer.write((), now(), &[1], &frames[..depth]);
    }

    /// Monotonic time in nanoseconds.
    fn now() -> u64 {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the time is good for the call, which cannot fail for this clock.
        unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
        time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
    }

    /// Of a thread that was interrupted.
    struct Registers {
        /// Where it goes on.
        next: usize,
        stack: usize,
        frame: usize,
    }

    /// The interrupted address and, by frame pointers, the callers. Code without frame pointers has
    /// anything in that register: what is not on the stack is not followed.
    fn walk(registers: Registers, frames: &mut [usize; DEPTH]) -> usize {
        const WORD: usize = size_of::<usize>();
        frames[0] = registers.next;
        let end = STACK_END.load(Ordering::Relaxed);
        let (mut low, mut frame) = (registers.stack, registers.frame);
        for (depth, address) in frames.iter_mut().enumerate().skip(1) {
            if frame < low || frame.saturating_add(2 * WORD) > end || !frame.is_multiple_of(WORD) {
                return depth;
            }
            let words = ptr::with_exposed_provenance::<[usize; 2]>(frame);
            // SAFETY: two words between the interrupted end of this thread's stack and its beginning.
            let [caller, back] = unsafe { words.read_volatile() };
            *address = back;
            low = frame + 2 * WORD;
            frame = caller;
        }
        DEPTH
    }

    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    mod machine {
        // SAFETY: callers hand over what a handler with SA_SIGINFO gets.
        pub(super) unsafe fn registers(context: *mut libc::c_void) -> Option<super::Registers> {
            // SAFETY: as the caller promises.
            let context = unsafe { context.cast::<libc::ucontext_t>().as_ref() }?;
            let register = |number: libc::c_int| context.uc_mcontext.gregs[number as usize] as usize;
            Some(super::Registers {
                next: register(libc::REG_RIP),
                stack: register(libc::REG_RSP),
                frame: register(libc::REG_RBP),
            })
        }
    }

    #[cfg(all(target_os = "linux", target_arch = "aarch64"))]
    mod machine {
        // SAFETY: callers hand over what a handler with SA_SIGINFO gets.
        pub(super) unsafe fn registers(context: *mut libc::c_void) -> Option<super::Registers> {
            // SAFETY: as the caller promises.
            let context = unsafe { context.cast::<libc::ucontext_t>().as_ref() }?;
            let machine = &context.uc_mcontext;
            Some(super::Registers {
                next: machine.pc as usize,
                stack: machine.sp as usize,
                frame: machine.regs[29] as usize,
            })
        }
    }

    #[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
    mod machine {
        // SAFETY: asks for nothing. Samples have no stack here.
        pub(super) unsafe fn registers(_: *mut libc::c_void) -> Option<super::Registers> {
            None
        }
    }
}
