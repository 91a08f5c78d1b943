//! `tallymark clean`: removes what is of no use.

use std::path::Path;

use serde_json::{Value, json};
use tallymark::{CleanAction, Cleaned, DirectoryError, LeftReason, UnixTime};

use crate::arguments::CleanArguments;
use crate::directory;
use crate::output::{self, Verdict};

pub(crate) fn run(arguments: &CleanArguments) -> anyhow::Result<Verdict> {
    let base = directory::existing(arguments.base.dir.as_deref(), arguments.base.go)?;
    let now = arguments.now.map_or_else(UnixTime::now, |day| UnixTime(day.unix()));
    let cleaned = match base.clean(now, arguments.dry_run) {
        Ok(cleaned) => cleaned,
        Err(DirectoryError::Platform(error)) => return Err(error.into()),
        Err(error) => anyhow::bail!("{}: {error}", base.local().display()),
    };
    let mut verdict = Verdict::Good;
    for file in &cleaned {
        if let CleanAction::Left(reason) = &file.action {
            verdict = verdict.max(self::verdict(reason));
            if self::verdict(reason) == Verdict::Failed {
                output::complain(&left(&file.path, reason));
            }
        }
    }
    if arguments.json {
        let values: Vec<Value> = cleaned.iter().map(|file| value(file, arguments.dry_run)).collect();
        output::print_json(&Value::Array(values))?;
    } else if cleaned.is_empty() {
        output::print(&format!("nothing to clean in {}\n", base.local().display()))?;
    } else {
        output::print(&cleaned.iter().map(|file| line(file, arguments.dry_run)).collect::<String>())?;
    }
    Ok(verdict)
}

/// What it means for the exit status that a file was left. In use: that is how it should be.
pub(crate) fn verdict(reason: &LeftReason) -> Verdict {
    match reason {
        LeftReason::InUse => Verdict::Good,
        LeftReason::NothingSalvaged(_) => Verdict::Damaged,
        _ => Verdict::Failed,
    }
}

/// Which file was left and why, in a line.
pub(crate) fn left(path: &Path, reason: &LeftReason) -> String {
    match reason {
        // It names the path.
        LeftReason::Platform(error) => error.to_string(),
        reason => format!("{}: {reason}", path.display()),
    }
}

fn line(file: &Cleaned, dry_run: bool) -> String {
    let Cleaned { path, reason, action } = file;
    let path = path.display();
    match (action, dry_run) {
        (CleanAction::Removed, false) => format!("removed  {path}: {reason}\n"),
        (CleanAction::Removed, true) => format!("would be removed  {path}: {reason}\n"),
        (CleanAction::MovedAside(to), false) => format!("moved    {path} to {}: {reason}\n", to.display()),
        (CleanAction::MovedAside(to), true) => {
            format!("would be moved    {path} to {}: {reason}\n", to.display())
        }
        (_, _) => format!("left     {path}: {reason}\n"),
    }
}

fn value(file: &Cleaned, dry_run: bool) -> Value {
    let (action, moved_to, error) = match &file.action {
        CleanAction::Removed => ("removed", None, None),
        CleanAction::MovedAside(to) => ("moved", Some(to.display().to_string()), None),
        CleanAction::Left(reason) => ("left", None, Some(reason.to_string())),
        _ => ("other", None, None),
    };
    json!({
        "file": file.path.display().to_string(),
        "reason": file.reason.to_string(),
        "dry_run": dry_run,
        "action": action,
        "moved_to": moved_to,
        "error": error,
    })
}
