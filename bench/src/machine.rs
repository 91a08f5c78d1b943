//! What the run happens on, in words.

use std::fs;
use std::path::Path;
use std::thread;

use anyhow::Result;

use crate::go::Go;

/// One line: cores, kernel, Go.
pub(crate) fn described(go: Option<&mut Go>) -> Result<String> {
    let information = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = information.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let model = model.map_or("unknown", |(_, model)| model.trim());
    let cores = thread::available_parallelism()?;
    let system = rustix::system::uname();
    let (name, release) = (system.sysname().to_string_lossy(), system.release().to_string_lossy());
    let number = release.split('-').next().unwrap_or_default();
    let architecture = system.machine().to_string_lossy();
    let go = match go {
        Some(go) => go.ask(&["version"])?.text,
        None => "without Go: it is not installed (`cargo xtask setup` installs it)".to_owned(),
    };
    Ok(format!("{cores} cores ({model}), {name} {number}, {architecture}; {go}"))
}

/// What kind of file system a folder is on.
pub(crate) fn file_system(folder: &Path) -> Result<&'static str> {
    #[allow(clippy::unnecessary_cast, reason = "the width differs between systems")]
    let kind = rustix::fs::statfs(folder)?.f_type as u64;
    Ok(match kind & 0xffff_ffff {
        0x0102_1994 => "tmpfs",
        0xef53 => "ext4",
        0x5846_5342 => "xfs",
        0x9123_683e => "btrfs",
        0x794c_7630 => "overlay",
        0x6969 => "nfs",
        _ => "disk",
    })
}
