//! Names of stack counters: a prefix, then one line for each frame, innermost first.
//!
//! Format document, section 7. A frame is a symbol cut at its last dot into path and function, and a
//! tail that says where in the function. A path equal to that of the frame before is written `"`.

use core::fmt::{self, Write};

use heapless::Vec;

use super::layout::NAME_MAX;

const LIMIT: usize = NAME_MAX as usize;
const TRUNCATED: &[u8] = b"\ntruncated\n";
const DITTO: &[u8] = b"\"";

/// Where in its function a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// Lines after the first line of the function.
    Relative(i64),
    /// A line of the file, for code that was inlined or whose function is unknown.
    Absolute(u64),
}

/// Builds the name of a stack counter. A name longer than 4096 bytes is cut and ends with
/// `"\ntruncated\n"`.
#[derive(Clone, Debug)]
pub struct StackName {
    bytes: Vec<u8, LIMIT>,
    last_path: Vec<u8, LIMIT>,
    too_long: bool,
}

impl StackName {
    /// A name without frames yet.
    #[must_use]
    pub fn new(prefix: &[u8]) -> Self {
        let mut name = StackName { bytes: Vec::new(), last_path: Vec::new(), too_long: false };
        name.push(prefix);
        name
    }

    /// Adds a frame: its symbol (`path.function`), its line, and its distance in bytes from the start
    /// of the function's code.
    pub fn frame(&mut self, symbol: &[u8], line: Line, code_delta: u64) {
        let (path, function) = cut_last_dot(symbol).unwrap_or((b"", symbol));
        self.push(b"\n");
        if path == &self.last_path[..] {
            self.push(DITTO);
        } else {
            self.push(path);
            self.last_path.clear();
            // A path that is too long to remember makes the whole name too long.
            self.too_long |= self.last_path.extend_from_slice(path).is_err();
        }
        self.push(b".");
        self.push(function);
        let written = match line {
            Line::Relative(delta) => write!(self, ":{delta:+},+{code_delta:#x}"),
            Line::Absolute(line) => write!(self, ":={line},+{code_delta:#x}"),
        };
        debug_assert!(written.is_ok(), "writing to a StackName does not fail");
    }

    /// The finished name, at most 4096 bytes.
    pub fn finish(&mut self) -> &[u8] {
        if core::mem::take(&mut self.too_long) {
            self.bytes.truncate(LIMIT - TRUNCATED.len());
            self.push(TRUNCATED);
        }
        &self.bytes
    }

    /// Adds as many bytes as fit.
    fn push(&mut self, bytes: &[u8]) {
        let room = LIMIT - self.bytes.len();
        self.too_long |= bytes.len() > room;
        let _ = self.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

impl Write for StackName {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text.as_bytes());
        Ok(())
    }
}

/// One line of a decoded name: `path` and `rest`, put together without anything between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodedLine<'a> {
    /// The path taken over from an earlier line with its dot, or empty.
    pub path: &'a [u8],
    /// The line, or what follows its ditto mark and dot.
    pub rest: &'a [u8],
}

/// The lines of a name with ditto marks resolved; a plain name is one line, unchanged.
///
/// Decoding is linear in the name, but the lines together may be much longer than it: write them out
/// as they come. Several stored names may decode to the same lines; their counts belong together.
pub fn decode(name: &[u8]) -> impl Iterator<Item = DecodedLine<'_>> {
    let is_stack = is_stack(name);
    let mut last_path: &[u8] = b"";
    name.split(|&byte| byte == b'\n').map(move |line| match cut_last_dot(line) {
        Some((DITTO, rest)) if is_stack => DecodedLine { path: last_path, rest },
        Some((path, _)) if !path.is_empty() => {
            last_path = &line[..path.len() + 1];
            DecodedLine { path: b"", rest: line }
        }
        _ => DecodedLine { path: b"", rest: line },
    })
}

/// Whether a name is that of a stack counter.
#[must_use]
pub fn is_stack(name: &[u8]) -> bool {
    name.contains(&b'\n')
}

fn cut_last_dot(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let dot = text.iter().rposition(|&byte| byte == b'.')?;
    Some((&text[..dot], &text[dot + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::string::String;
    use std::vec::Vec as StdVec;

    fn text(name: &[u8]) -> String {
        let lines: StdVec<StdVec<u8>> = decode(name).map(|line| [line.path, line.rest].concat()).collect();
        String::from_utf8(lines.join(&b'\n')).unwrap()
    }

    #[test]
    fn decoding_matches_the_vectors_of_the_format() {
        for (stored, decoded) in [
            ("p\n\".x:+1", "p\nx:+1"),
            ("a.b\n\".x:+1,+0x1", "a.b\na.x:+1,+0x1"),
            ("\".x", "\".x"),
            ("p\na/b.f:+1\n\".g:+2\n.h\n\".i\nnodot\n\".j", "p\na/b.f:+1\na/b.g:+2\n.h\na/b.i\nnodot\na/b.j"),
        ] {
            assert_eq!(text(stored.as_bytes()), decoded);
        }
    }

    #[test]
    fn equal_paths_become_ditto_marks() {
        let mut name = StackName::new(b"crash");
        name.frame(b"example.com/m.inner", Line::Relative(2), 0x1f);
        name.frame(b"example.com/m.outer", Line::Absolute(40), 0);
        name.frame(b"runtime.main", Line::Relative(-1), 3);
        assert_eq!(
            core::str::from_utf8(name.finish()).unwrap(),
            "crash\nexample.com/m.inner:+2,+0x1f\n\".outer:=40,+0x0\nruntime.main:-1,+0x3"
        );
    }

    #[test]
    fn a_name_that_is_too_long_ends_with_a_mark() {
        let mut name = StackName::new(b"p");
        for _ in 0..1000 {
            name.frame(b"main.f", Line::Relative(0), 0);
        }
        assert_eq!(name.finish().len(), 4096);
        assert!(name.finish().ends_with(TRUNCATED));
        let mut exact = StackName::new(&[b'x'; 4096]);
        assert!(!exact.finish().ends_with(TRUNCATED));
        let mut over = StackName::new(&[b'x'; 4097]);
        assert_eq!(over.finish().len(), 4096);
        assert!(over.finish().ends_with(TRUNCATED));
    }

    proptest! {
        #![proptest_config(crate::proptest_config())]
        #[test]
        fn what_is_encoded_decodes_to_the_symbols(symbols in proptest::collection::vec("[a-c]/[a-c]\\.[a-z]", 1..20)) {
            let mut name = StackName::new(b"prefix");
            for symbol in &symbols {
                name.frame(symbol.as_bytes(), Line::Relative(1), 2);
            }
            let expected: StdVec<String> = symbols.iter().map(|symbol| std::format!("{symbol}:+1,+0x2")).collect();
            prop_assert_eq!(text(name.finish()), std::format!("prefix\n{}", expected.join("\n")));
        }

        #[test]
        fn any_bytes_decode_without_panic(name: StdVec<u8>) {
            prop_assert!(decode(&name).count() >= 1);
        }
    }
}
