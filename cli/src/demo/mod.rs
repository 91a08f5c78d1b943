//! `tallymark demo`: the main job, and the proof that it was done.
//!
//! Some processes count into one file. One (or, with `--kills`, many) is killed without warning. Then
//! the file is compared with a ledger that the processes kept apart from it.

mod ledger;
mod proof;
mod screen;
mod worker;

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use tallymark::{Base, Contents, CountFile, Program, UnixTime};

use crate::arguments::{DemoArguments, WorkerArguments};
use crate::output::{self, Verdict};
use ledger::{ACCOUNTS, Ledger, ONCE};
use proof::Proof;
use screen::{Row, Screen};

const TICK: Duration = Duration::from_millis(100);

pub(crate) fn work(arguments: &WorkerArguments) -> anyhow::Result<Verdict> {
    worker::run(arguments)
}

fn program() -> Program {
    Program::new("tallymark/demo", env!("CARGO_PKG_VERSION"), "rust")
}

pub(crate) fn run(arguments: &DemoArguments) -> anyhow::Result<Verdict> {
    let base = match &arguments.dir {
        Some(dir) => dir.clone(),
        None => tempfile::Builder::new().prefix("tallymark-demo-").tempdir()?.keep(),
    };
    let mut run = Run::start(arguments, base)?;
    let mut screen = Screen::new(run.length);
    screen.say(&format!(
        "{} processes x {} threads count into {}",
        arguments.processes,
        arguments.threads,
        run.file.display()
    ));
    run.count(&mut screen)?;
    screen.finish();
    let proof = run.prove()?;
    output::print(&said(&proof, &run))?;
    Ok(if proof.violations.is_empty() { Verdict::Good } else { Verdict::Damaged })
}

/// A run of the demo.
struct Run<'a> {
    arguments: &'a DemoArguments,
    base: PathBuf,
    file: PathBuf,
    ledger: Ledger,
    ledger_path: PathBuf,
    now: UnixTime,
    length: Duration,
    workers: Vec<Worker>,
    killed: u32,
}

/// A place for a process; after a kill another takes it.
struct Worker {
    child: Child,
    is_dead: bool,
}

impl<'a> Run<'a> {
    fn start(arguments: &'a DemoArguments, base: PathBuf) -> anyhow::Result<Self> {
        let now = UnixTime::now();
        let file = CountFile::open(&Base::new(&base), &program(), now)?.path();
        let ledger_path = base.join("ledger");
        if ledger_path.exists() {
            anyhow::bail!("{} holds an earlier demo; give a new directory", base.display());
        }
        let threads = (arguments.processes * arguments.threads) as usize;
        let mut run = Run {
            arguments,
            base,
            file,
            ledger: Ledger::open(&ledger_path, threads)?,
            ledger_path,
            now,
            length: Duration::from_secs(arguments.seconds),
            workers: Vec::new(),
            killed: 0,
        };
        for process in 0..arguments.processes {
            let child = run.spawn(process)?;
            run.workers.push(Worker { child, is_dead: false });
        }
        Ok(run)
    }

    fn spawn(&self, process: u32) -> anyhow::Result<Child> {
        let DemoArguments { processes, threads, seconds, rounds, .. } = self.arguments;
        Command::new(std::env::current_exe()?)
            .arg("demo-worker")
            .arg("--dir")
            .arg(&self.base)
            .arg("--ledger")
            .arg(&self.ledger_path)
            .args(["--process", &process.to_string(), "--processes", &processes.to_string()])
            .args(["--threads", &threads.to_string(), "--now", &self.now.0.to_string()])
            .args(["--rounds", &rounds.to_string()])
            .args(["--deadline-seconds", &(seconds + 30).to_string()])
            .stdin(Stdio::null())
            .spawn()
            .context("starting a process that counts")
    }

    /// Lets the processes count, killing some at even distances, and stops them.
    fn count(&mut self, screen: &mut Screen) -> anyhow::Result<()> {
        let start = Instant::now();
        let pause = self.length / (self.arguments.kills + 1);
        let mut shown = None;
        loop {
            let elapsed = start.elapsed();
            if elapsed >= self.length && self.killed >= self.arguments.kills {
                break;
            }
            if self.killed < self.arguments.kills && elapsed >= pause * (self.killed + 1) {
                self.kill(screen)?;
            }
            if shown.is_none_or(|at: Duration| elapsed >= at + TICK) {
                shown = Some(elapsed);
                screen.show(&self.rows(), &self.file_line(), elapsed.min(self.length));
            }
            let next_kill = (pause * (self.killed + 1)).saturating_sub(start.elapsed());
            thread::sleep(if self.killed < self.arguments.kills {
                next_kill.min(TICK / 2)
            } else {
                TICK / 2
            });
        }
        self.ledger.stop();
        for worker in &mut self.workers {
            let status = worker.child.wait().context("waiting for a process that counts")?;
            if !worker.is_dead && !status.success() {
                anyhow::bail!("a process that counts ended with {status}");
            }
        }
        screen.show(&self.rows(), &self.file_line(), self.length);
        Ok(())
    }

    /// Kills the next process without warning; starts another in its place unless it was the last.
    fn kill(&mut self, screen: &Screen) -> anyhow::Result<()> {
        let place = (self.killed % self.arguments.processes) as usize;
        let worker = &mut self.workers[place];
        worker.child.kill().context("killing a process")?;
        let status = worker.child.wait().context("waiting for a killed process")?;
        // It may have ended with an error of its own before; that must not pass for a kill.
        if status.code().is_some_and(|code| code != 0) && cfg!(unix) {
            anyhow::bail!("a process that counts ended with {status}");
        }
        self.killed += 1;
        if self.arguments.kills <= 8 {
            screen.say(&format!(
                "process {} (pid {}) is killed in the middle of its work",
                place,
                worker.child.id()
            ));
        }
        if self.killed < self.arguments.kills {
            let child = self.spawn(place as u32)?;
            self.workers[place].child = child;
        } else {
            self.workers[place].is_dead = true;
        }
        Ok(())
    }

    fn rows(&self) -> Vec<Row> {
        let threads = self.arguments.threads as usize;
        let rows = self.workers.iter().enumerate().map(|(place, worker)| {
            let threads = place * threads..(place + 1) * threads;
            Row {
                process: format!("{place} (pid {})", worker.child.id()),
                state: if worker.is_dead { "killed" } else { "counting" },
                acknowledged: (0..ACCOUNTS).map(|a| self.ledger.sum(threads.clone(), a).1).sum(),
                names: self.ledger.sum(threads, ONCE).1,
            }
        });
        rows.collect()
    }

    fn file_line(&self) -> String {
        let length = std::fs::metadata(&self.file).map_or(0, |status| status.len());
        format!("file: {} KiB", length / 1024)
    }

    fn prove(&self) -> anyhow::Result<Proof> {
        let contents = Contents::read(&self.file)?;
        let DemoArguments { processes, threads, .. } = self.arguments;
        let all = (processes * threads) as usize;
        Ok(Proof::new(&contents, &self.ledger, all, u64::from(self.killed) * u64::from(*threads)))
    }
}

impl Drop for Run<'_> {
    /// Leaves no process behind, whatever went wrong.
    fn drop(&mut self) {
        self.ledger.stop();
        for worker in &mut self.workers {
            let _ = worker.child.kill();
            let _ = worker.child.wait();
        }
    }
}

fn said(proof: &Proof, run: &Run<'_>) -> String {
    let mut text = format!(
        "\n  acknowledged   {:>15}\n  in the file    {:>15}\n  in flight      {:>15}  (processes killed: {})\n\n",
        output::grouped(proof.finished),
        output::grouped(proof.in_file),
        output::grouped(proof.in_flight),
        run.killed,
    );
    if proof.violations.is_empty() {
        text += "PROVED: no acknowledged count is missing, and none is invented.\n";
    } else {
        text += &format!("FAILED: {} contradictions\n", proof.violations.len());
        for violation in proof.violations.iter().take(20) {
            text += &format!("  {violation}\n");
        }
    }
    text + &format!("\nThe file: {}\nLook into it: tallymark dump FILE\n", run.file.display())
}
