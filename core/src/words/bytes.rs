//! A private copy of a file, such as the result of a plain read. Nobody else writes it.

use super::{Ordering, Outside, ReadWords};

/// Words over bytes that belong to the caller alone. Any alignment will do.
///
/// Not for mapped files: memory that another process can write must not be seen through `&[u8]`.
#[derive(Clone, Copy, Debug)]
pub struct Bytes<'a>(
    /// The bytes; what lies past 4 GiB is not read.
    pub &'a [u8],
);

impl Bytes<'_> {
    #[inline]
    fn array<const N: usize>(&self, offset: u32) -> Result<[u8; N], Outside> {
        let outside = Outside { offset };
        if !(offset as usize).is_multiple_of(N) || offset > self.length() {
            return Err(outside);
        }
        self.0.get(offset as usize..).and_then(|tail| tail.first_chunk()).copied().ok_or(outside)
    }
}

impl ReadWords for Bytes<'_> {
    #[inline]
    fn length(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }

    #[inline]
    fn load32(&self, offset: u32, _: Ordering) -> Result<u32, Outside> {
        self.array(offset).map(u32::from_ne_bytes)
    }

    #[inline]
    fn load64(&self, offset: u32, _: Ordering) -> Result<u64, Outside> {
        self.array(offset).map(u64::from_ne_bytes)
    }

    #[inline]
    fn private(&self) -> Option<&[u8]> {
        Some(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_load_leaves_the_bytes() {
        let bytes = Bytes(&[1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(bytes.load32(4, Ordering::Relaxed), Ok(u32::from_ne_bytes([5, 6, 7, 8])));
        for offset in [2, 8, 12, u32::MAX - 3] {
            assert_eq!(bytes.load32(offset, Ordering::Relaxed), Err(Outside { offset }));
        }
        for offset in [4, 8] {
            assert_eq!(bytes.load64(offset, Ordering::Relaxed), Err(Outside { offset }));
        }
    }
}
