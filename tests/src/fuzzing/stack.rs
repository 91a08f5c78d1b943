//! The codec of stack names.

use arbitrary::{Arbitrary, Unstructured};
use tallymark_core::format::stack::{Line, StackName, decode};

#[derive(Debug, Arbitrary)]
struct Frame {
    symbol: String,
    relative: Option<i64>,
    code: u64,
}

/// Encodes and decodes the stack that the input describes, and decodes the input itself.
///
/// # Panics
///
/// If a name is too long, or what was encoded does not decode to the frames.
pub fn stack(input: &[u8]) {
    let decoded: usize = decode(input).map(|line| line.path.len() + line.rest.len()).sum();
    assert!(decoded <= (input.len() + 1) * (input.len() + 1));
    let Ok((prefix, frames)) = Unstructured::new(input).arbitrary::<(String, Vec<Frame>)>() else { return };
    let mut name = StackName::new(prefix.as_bytes());
    let mut expected = prefix.clone();
    for frame in &frames {
        let line = frame.relative.map_or(Line::Absolute(7), Line::Relative);
        name.frame(frame.symbol.as_bytes(), line, frame.code);
        let place = frame.relative.map_or(":=7".to_owned(), |delta| format!(":{delta:+}"));
        // A symbol without a path gets the dot that marks an empty one.
        let dot = if frame.symbol.contains('.') { "" } else { "." };
        expected += &format!("\n{dot}{}{place},+{:#x}", frame.symbol, frame.code);
    }
    let stored = name.finish().to_vec();
    assert!(stored.len() <= 4096);
    let odd = |text: &str| text.contains(['\n', '"']) || text.starts_with('.') || !text.contains('.');
    if stored.ends_with(b"\ntruncated\n") || prefix.contains(['\n', '.', '"']) {
        return;
    }
    // Symbols with dots at the start, quotes or newlines do not come back; no compiler makes them.
    if !frames.iter().any(|frame| odd(&frame.symbol)) && !frames.is_empty() {
        let lines: Vec<Vec<u8>> = decode(&stored).map(|line| [line.path, line.rest].concat()).collect();
        assert_eq!(lines.join(&b'\n'), expected.as_bytes());
    }
}
