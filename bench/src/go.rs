//! Go's side: a process that is asked a question a line and times its own code. While it is not asked
//! it waits for a line.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, ensure};

/// The process.
#[derive(Debug)]
pub(crate) struct Go {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

/// What it answers.
#[derive(Debug)]
pub(crate) struct Answer {
    /// How long the work took.
    pub(crate) nanoseconds: f64,
    /// Blocks of memory that it asked for.
    pub(crate) allocations: u64,
    /// A sum that shows that the work was done.
    pub(crate) sum: u64,
    /// A text, `-` if there is none.
    pub(crate) text: String,
}

impl Go {
    /// Starts the program.
    pub(crate) fn start(program: &Path) -> Result<Self> {
        let mut command = Command::new(program);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("{} does not start", program.display()))?;
        let questions = child.stdin.take().context("its input is piped")?;
        let answers = BufReader::new(child.stdout.take().context("its output is piped")?);
        Ok(Go { child, questions, answers })
    }

    /// Asks a question: a verb and its arguments.
    pub(crate) fn ask(&mut self, words: &[&str]) -> Result<Answer> {
        let mut line = words.join("\t");
        line.push('\n');
        self.questions.write_all(line.as_bytes()).with_context(|| format!("Go is asked {words:?}"))?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        let words: Vec<_> = answer.trim_end().splitn(4, ' ').collect();
        let &[nanoseconds, allocations, sum, text] = &words[..] else {
            anyhow::bail!("Go answers {answer:?}")
        };
        Ok(Answer {
            nanoseconds: nanoseconds.parse()?,
            allocations: allocations.parse()?,
            sum: sum.parse()?,
            text: text.to_owned(),
        })
    }

    /// Asks a question whose sum must be this.
    pub(crate) fn ask_for(&mut self, words: &[&str], sum: u64) -> Result<Answer> {
        let answer = self.ask(words)?;
        ensure!(answer.sum == sum, "Go, asked {words:?}, did {} of {sum}", answer.sum);
        Ok(answer)
    }
}

impl Drop for Go {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A text in quotes, as Go reads them.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for byte in text.bytes() {
        let _ = write!(quoted, "\\x{byte:02x}");
    }
    quoted + "\""
}
