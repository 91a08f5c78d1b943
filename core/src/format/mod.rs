//! The counter file, version 1: what the bytes mean. Nothing here waits, retries or writes to a file.
//!
//! The format document of the project, `docs/format.md`, is the source of every rule.

pub mod header;
pub mod layout;
pub mod name;
pub mod preamble;
pub mod reader;
pub mod record;
pub mod stack;
