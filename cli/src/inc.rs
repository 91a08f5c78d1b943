//! `tallymark inc`: counts from a shell script.

use anyhow::{Context, anyhow};
use tallymark::{Base, CountFile, Mode, Name, Program, UnixTime};

use crate::arguments::IncArguments;
use crate::output::Verdict;

pub(crate) fn run(arguments: &IncArguments) -> anyhow::Result<Verdict> {
    // All names are checked before the first is counted.
    let counts: Vec<(Name<'_>, u64)> =
        arguments.counts.iter().map(|text| parse(text)).collect::<anyhow::Result<_>>()?;
    let base = match &arguments.dir {
        Some(dir) => Base::new(dir),
        None => Base::of_user().context("there is no home directory to count in; give one with --dir")?,
    };
    if base.mode()?.mode == Mode::Off {
        eprintln!("tallymark: counting is off in {}; nothing is counted", base.path().display());
        return Ok(Verdict::Good);
    }
    let mut program = Program::new(&arguments.program, &arguments.program_version, &arguments.toolchain);
    if let Some(os) = &arguments.os {
        program.os.clone_from(os);
    }
    if let Some(arch) = &arguments.arch {
        program.arch.clone_from(arch);
    }
    let now = arguments.now.map_or_else(UnixTime::now, |now| UnixTime(now.as_second()));
    let file = CountFile::open(&base, &program, now)?;
    for (name, n) in counts {
        // A counter that was never counted does not appear in a file.
        if n > 0 {
            file.add(file.slot(&name)?, n);
        }
    }
    Ok(Verdict::Good)
}

fn parse(text: &str) -> anyhow::Result<(Name<'_>, u64)> {
    let is_number = |n: &str| !n.is_empty() && n.bytes().all(|byte| byte.is_ascii_digit());
    let (name, n) = match text.rsplit_once('=') {
        Some((name, n)) if is_number(n) => {
            (name, n.parse().map_err(|_| anyhow!("{text:?}: the count {n} is above {}", u64::MAX))?)
        }
        _ => (text, 1),
    };
    Ok((Name::plain(name.as_bytes()).with_context(|| format!("{text:?}"))?, n))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_what_follows_the_last_equals_sign() {
        let parsed = |text| parse(text).map(|(name, n)| (name.bytes(), n)).ok();
        assert_eq!(parsed("a"), Some((&b"a"[..], 1)));
        assert_eq!(parsed("a=7"), Some((&b"a"[..], 7)));
        assert_eq!(parsed("a=b"), Some((&b"a=b"[..], 1)));
        assert_eq!(parsed("a=5=1"), Some((&b"a=5"[..], 1)));
        assert_eq!(parsed("=5"), None);
        assert_eq!(parsed("a=99999999999999999999"), None);
        assert_eq!(parsed("a\nb"), None);
    }
}
