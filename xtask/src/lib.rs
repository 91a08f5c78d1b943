//! The parts of the project's task runner that its tests use as well. Nothing here is shipped.

#![forbid(unsafe_code)]

pub mod go;
