//! What the fuzz targets run. The functions are here so that `cargo test` runs the committed inputs
//! through them without a fuzzer.

mod plan;
mod reader;
mod stack;
mod writer;

pub use reader::reader;
pub use stack::stack;
pub use writer::writer;
