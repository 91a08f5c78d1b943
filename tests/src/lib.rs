//! What the tests share: simulators of memory, damaged files, harnesses of the fuzz targets.

pub mod child;
pub mod damage;
pub mod fuzzing;
pub mod go;
pub mod hostile;
pub mod hostile_ring;
pub mod loom_handles;
pub mod loom_ring;
pub mod loom_words;
pub mod ring_events;
pub mod scene;
pub mod sim;
pub mod weakened;
