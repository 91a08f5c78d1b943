//! What an event is tagged with.

/// A tag: what the writer knows of an event beside its words, such as a profiler's label set.
///
/// ```
/// use tallymark_core::ring::Tag;
///
/// /// The number of a request.
/// #[derive(Clone, Copy, Debug, PartialEq)]
/// struct Request(u32);
///
/// impl Tag for Request {
///     const IS_STORED: bool = true;
///     fn into_word(self) -> u64 {
///         self.0.into()
///     }
///     fn from_word(word: u64) -> Self {
///         Request(word as u32)
///     }
/// }
/// assert_eq!(Request::from_word(Request(7).into_word()), Request(7));
/// ```
pub trait Tag: Copy {
    /// Whether the word is stored; if not, the reader makes the tag from a word that means nothing.
    const IS_STORED: bool;

    /// The word that stands for the tag.
    fn into_word(self) -> u64;

    /// The tag that a word stands for. Any word may be found in memory that others can write.
    fn from_word(word: u64) -> Self;
}

impl Tag for u64 {
    const IS_STORED: bool = true;

    #[inline]
    fn into_word(self) -> u64 {
        self
    }

    #[inline]
    fn from_word(word: u64) -> Self {
        word
    }
}

/// No tags.
impl Tag for () {
    const IS_STORED: bool = false;

    #[inline]
    fn into_word(self) -> u64 {
        0
    }

    #[inline]
    fn from_word(_: u64) -> Self {}
}
