//! A server of several processes: workers are forked, inherit the counters, and one of them is killed
//! in the middle of its work. What they have counted is in the file, whatever became of them.
//!
//! ```console
//! $ cargo run --release --example server
//! ```

#[cfg(not(unix))]
fn main() {
    eprintln!("server: this example forks, which only Unix can");
}

#[cfg(unix)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    unix::main()
}

#[cfg(unix)]
mod unix {
    use std::env;
    use std::error::Error;
    use std::io::{Read, Write};
    use std::net::{SocketAddr, TcpListener, TcpStream};

    use tallymark::{Config, Contents, Counter, counter, program};

    static STARTED: Counter = Counter::new("server/workers");
    static REQUESTS: Counter = Counter::new("server/requests");
    static BYTES: Counter = Counter::new("server/bytes");

    const WORKERS: usize = 4;
    const ROUNDS: usize = 500;

    pub(super) fn main() -> Result<(), Box<dyn Error>> {
        let dir = env::temp_dir().join(format!("tallymark-server-{}", std::process::id()));
        let session = tallymark::open(Config::new(program!()).dir(&dir))?;
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;

        let workers = (0..WORKERS).map(|_| fork(&listener)).collect::<Result<Vec<_>, _>>()?;
        let mut answered = 0;
        for round in 0..ROUNDS {
            if round == ROUNDS / 2 {
                println!("worker {} is killed", workers[0]);
                // SAFETY: sends a signal to a child of ours.
                unsafe { libc::kill(workers[0], libc::SIGKILL) };
            }
            // A request that the killed worker had taken gets no answer.
            answered += usize::from(request(address, round).is_ok());
        }
        for worker in workers {
            // SAFETY: sends a signal to a child of ours.
            unsafe { libc::kill(worker, libc::SIGKILL) };
            // SAFETY: waits for a child of ours; its status is not asked for.
            unsafe { libc::waitpid(worker, std::ptr::null_mut(), 0) };
        }

        let file = session.status().file.ok_or("there is no file")?;
        let contents = Contents::read(&file)?;
        println!("answers received: {answered}; counted, in {}:", file.display());
        for counter in &contents.counters {
            println!("{:>12}  {}", counter.value, String::from_utf8_lossy(&counter.name));
        }
        drop(session);
        std::fs::remove_dir_all(dir)?;
        Ok(())
    }

    /// Starts a worker.
    fn fork(listener: &TcpListener) -> Result<libc::pid_t, Box<dyn Error>> {
        // SAFETY: this program has one thread, so the child may do everything.
        let child = unsafe { libc::fork() };
        if child == 0 {
            serve(listener);
        }
        if child < 0 { Err(std::io::Error::last_os_error().into()) } else { Ok(child) }
    }

    /// Serves until it is killed.
    fn serve(listener: &TcpListener) -> ! {
        STARTED.inc();
        loop {
            let Ok((stream, _)) = listener.accept() else { continue };
            if let Err(error) = answer(stream)
                && let Ok(errors) = counter(&format!("server/error:{:?}", error.kind()))
            {
                errors.inc();
            }
        }
    }

    fn answer(mut stream: TcpStream) -> std::io::Result<()> {
        let mut bytes = [0; 64];
        let read = stream.read(&mut bytes)?;
        // Counted before the answer: who has an answer has been counted.
        REQUESTS.inc();
        BYTES.add(read as u64);
        stream.write_all(b"done")
    }

    fn request(address: SocketAddr, number: usize) -> std::io::Result<()> {
        let mut stream = TcpStream::connect(address)?;
        write!(stream, "request {number}")?;
        stream.read_exact(&mut [0; 4])
    }
}
