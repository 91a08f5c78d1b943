//! Rings of events: scripts against a queue, and damaged memory.

mod book;
mod damage;
mod memory;
mod script;

pub use damage::ring_damage;
pub use script::ring;
