//! Who counts: the part of a file's metadata that stays the same from week to week.

use tallymark_core::{Day, Metadata};

/// A program, by the values that go into its files' metadata and names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Program {
    /// Path of the program, such as `example.com/cmd/tool`; its last element starts the file's name.
    pub path: String,
    /// Version of the program; may be empty.
    pub version: String,
    /// Version of the toolchain that built it, such as `rust1.88`; key `GoVersion`.
    pub toolchain: String,
    /// Operating system, by Go's names, such as `linux`; key `GOOS`.
    pub os: String,
    /// Architecture, by Go's names, such as `amd64`; key `GOARCH`.
    pub arch: String,
}

impl Program {
    /// A program on this machine.
    #[must_use]
    pub fn new(path: &str, version: &str, toolchain: &str) -> Self {
        Program {
            path: path.to_owned(),
            version: version.to_owned(),
            toolchain: toolchain.to_owned(),
            os: go_os(std::env::consts::OS).to_owned(),
            arch: go_arch(std::env::consts::ARCH).to_owned(),
        }
    }

    /// The metadata of its file for a span of days.
    #[must_use]
    pub fn metadata(&self, time_begin: Day, time_end: Day) -> Metadata<'_> {
        Metadata {
            time_begin,
            time_end,
            program: &self.path,
            version: &self.version,
            toolchain: &self.toolchain,
            os: &self.os,
            arch: &self.arch,
        }
    }
}

/// The package that is being compiled, as a [`Program`]: its name, its version, and the version of Rust
/// that it asks for.
#[macro_export]
macro_rules! program {
    () => {
        $crate::Program::new(
            env!("CARGO_PKG_NAME"),
            concat!("v", env!("CARGO_PKG_VERSION")),
            concat!("rust", env!("CARGO_PKG_RUST_VERSION")),
        )
    };
}

/// Go's name of an operating system that Rust names otherwise.
fn go_os(os: &str) -> &str {
    match os {
        "macos" => "darwin",
        other => other,
    }
}

/// Go's name of an architecture that Rust names otherwise.
fn go_arch(arch: &str) -> &str {
    match arch {
        "x86_64" => "amd64",
        "x86" => "386",
        "aarch64" => "arm64",
        "loongarch64" => "loong64",
        "powerpc64" if cfg!(target_endian = "little") => "ppc64le",
        "powerpc64" => "ppc64",
        "mips64" if cfg!(target_endian = "little") => "mips64le",
        other => other,
    }
}
