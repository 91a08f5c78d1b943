//! A step simulator: protocol code of the core runs on simulated memory, one memory operation at a time,
//! in every order, with a crash possible before each.
//!
//! [`explorer`] visits all states of any [`explorer::Model`]. [`replay`] makes steps out of code that
//! knows nothing of them. [`table`] is the model of processes that count into one file, [`handle`] that
//! of threads that count into handles while files come and go, [`ring`](mod@ring) that of a ring of events.

pub mod explorer;
pub mod handle;
pub mod memory;
pub mod recorder;
pub mod replay;
pub mod ring;
pub mod scenarios;
pub mod table;
