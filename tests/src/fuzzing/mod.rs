//! What the fuzz targets run. The functions are here so that `cargo test` runs the committed inputs
//! through them without a fuzzer.

mod plan;
mod reader;
mod ring;
mod stack;
mod writer;

pub use reader::reader;
pub use ring::{ring, ring_damage};
pub use stack::stack;
pub use writer::writer;
