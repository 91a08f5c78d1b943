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
    /// The word that stands for the tag. Called before the write begins.
    fn into_word(self) -> u64;

    /// The tag that a word stands for. Any word may be found in memory that others can write.
    fn from_word(word: u64) -> Self;
}

impl Tag for u64 {
    #[inline]
    fn into_word(self) -> u64 {
        self
    }

    #[inline]
    fn from_word(word: u64) -> Self {
        word
    }
}

/// No tags: the word is 0.
impl Tag for () {
    #[inline]
    fn into_word(self) -> u64 {
        0
    }

    #[inline]
    fn from_word(_: u64) -> Self {}
}
