//! Go's side, where Go is installed, and the numbers that scripts are made of.

use std::path::PathBuf;

/// The program that answers what Go does; `None` if Go is not installed.
///
/// # Panics
///
/// If it cannot be built, or if Go is not there although `TALLYMARK_REQUIRE_GO` is set.
#[must_use]
pub fn oracle() -> Option<PathBuf> {
    let oracle = xtask::go::oracle().unwrap();
    if oracle.is_none() {
        assert!(std::env::var_os("TALLYMARK_REQUIRE_GO").is_none(), "Go is required and not installed");
        eprintln!("left out: Go is not installed; `cargo xtask setup` installs it");
    }
    oracle
}

/// Pseudo-random numbers; the same for the same seed.
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
    /// A number below `end`, which is below 2^31.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    /// Any 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.below(1 << 22) << 42 ^ self.below(1 << 22) << 21 ^ self.below(1 << 22)
    }
}
