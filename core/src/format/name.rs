//! Names of counters: checked once at the door, hashed once.

use core::fmt;

use super::layout::{self, NAME_MAX};

/// A checked name with its bucket.
///
/// Invariant: 1 to 4096 bytes. A plain name has no newline; a stack name has at least one
/// (format document, section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name<'a> {
    bytes: &'a [u8],
    bucket: u32,
}

/// Why a name was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameError {
    /// The name is empty. A record without a name makes Go's reader refuse the whole file.
    Empty,
    /// The name is longer than 4096 bytes.
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// A plain name has a newline, which would make it a stack counter.
    Newline {
        /// Index of the newline in bytes.
        at: usize,
    },
    /// A stack name has no newline, which would make it a plain counter.
    NoNewline,
}

impl<'a> Name<'a> {
    /// A name as it stands in a file, plain or stack.
    ///
    /// # Errors
    ///
    /// [`NameError::Empty`], [`NameError::TooLong`].
    pub const fn new(bytes: &'a [u8]) -> Result<Self, NameError> {
        if bytes.is_empty() {
            return Err(NameError::Empty);
        }
        if bytes.len() > NAME_MAX as usize {
            return Err(NameError::TooLong { length: bytes.len() });
        }
        Ok(Name { bytes, bucket: layout::hash(bytes) })
    }

    /// The name of a plain counter.
    ///
    /// # Errors
    ///
    /// As [`Name::new`], and [`NameError::Newline`].
    pub const fn plain(bytes: &'a [u8]) -> Result<Self, NameError> {
        match find_newline(bytes) {
            Some(at) => Err(NameError::Newline { at }),
            None => Name::new(bytes),
        }
    }

    /// The name of a stack counter, as made by [`StackName`](super::stack::StackName).
    ///
    /// # Errors
    ///
    /// As [`Name::new`], and [`NameError::NoNewline`].
    pub const fn stack(bytes: &'a [u8]) -> Result<Self, NameError> {
        match find_newline(bytes) {
            Some(_) => Name::new(bytes),
            None if bytes.is_empty() => Err(NameError::Empty),
            None => Err(NameError::NoNewline),
        }
    }

    /// The bytes of the name.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Length in bytes, `1..=4096`.
    #[must_use]
    pub const fn length(&self) -> u32 {
        self.bytes.len() as u32
    }

    /// The bucket of the name, `0..512`.
    #[must_use]
    pub const fn bucket(&self) -> u32 {
        self.bucket
    }
}

const fn find_newline(bytes: &[u8]) -> Option<usize> {
    let mut i = 0;
    while i < bytes.len() {
        if bytes[i] == b'\n' {
            return Some(i);
        }
        i += 1;
    }
    None
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NameError::Empty => write!(f, "the name is empty; a name has 1 to {NAME_MAX} bytes"),
            NameError::TooLong { length } => {
                write!(f, "the name has {length} bytes; a name has 1 to {NAME_MAX} bytes")
            }
            NameError::Newline { at } => {
                write!(f, "the name has a newline at byte {at}; a plain counter's name has none")
            }
            NameError::NoNewline => f.write_str("the name has no newline; a stack counter's name has one"),
        }
    }
}

impl core::error::Error for NameError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_poison_a_file_are_refused() {
        assert_eq!(Name::plain(b""), Err(NameError::Empty));
        assert_eq!(Name::plain(&[b'x'; 4097]), Err(NameError::TooLong { length: 4097 }));
        assert_eq!(Name::plain(b"ab\nc"), Err(NameError::Newline { at: 2 }));
        assert_eq!(Name::stack(b"abc"), Err(NameError::NoNewline));
        assert!(Name::plain(&[b'x'; 4096]).is_ok() && Name::stack(b"a\nb").is_ok());
    }

    #[test]
    fn a_name_can_be_checked_at_compile_time() {
        const NAME: Result<Name<'static>, NameError> = Name::plain(b"gophers");
        assert_eq!(NAME.unwrap().bucket(), 304);
    }
}
