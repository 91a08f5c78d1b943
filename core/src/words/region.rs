//! Memory for a counter file in a static, for firmware and kernels.

use core::sync::atomic::AtomicU32;

/// `WORDS` 32-bit words, zero at the start, aligned for 64-bit counts. The smallest file takes 4096
/// words (16 KiB).
///
/// Give it a linker section of its own (`#[unsafe(link_section = "…")]`) to keep counts across a
/// reset, and attach to it again with [`CounterFile::attach`](crate::CounterFile::attach).
#[repr(C, align(8))]
#[derive(Debug)]
pub struct Region<const WORDS: usize>([AtomicU32; WORDS]);

impl<const WORDS: usize> Region<WORDS> {
    /// A region of zeros.
    #[must_use]
    pub const fn new() -> Self {
        Region([const { AtomicU32::new(0) }; WORDS])
    }

    /// The words.
    #[must_use]
    pub const fn words(&self) -> &[AtomicU32] {
        &self.0
    }
}

impl<const WORDS: usize> Default for Region<WORDS> {
    fn default() -> Self {
        Self::new()
    }
}
