//! Which base directory a command works in.

use std::path::Path;

use anyhow::Context;
use tallymark::Base;

/// The base directory chosen on the command line, or the user's.
pub(crate) fn chosen(dir: Option<&Path>, go: bool) -> anyhow::Result<Base> {
    let base = match (dir, go) {
        (Some(dir), _) => Some(Base::new(dir)),
        (None, true) => Base::of_go(),
        (None, false) => Base::of_user(),
    };
    base.context("there is no home directory to look in; give one with --dir")
}

/// As [`chosen`]; one that was named must be there.
pub(crate) fn existing(dir: Option<&Path>, go: bool) -> anyhow::Result<Base> {
    let base = chosen(dir, go)?;
    if dir.is_some() && !base.path().is_dir() {
        anyhow::bail!("there is no directory {}", base.path().display());
    }
    Ok(base)
}
