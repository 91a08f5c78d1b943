//! Damaged count files: [`image`] makes them, [`cases`] names them, [`verdict`] says what reader and
//! writer make of them.

pub mod cases;
pub mod image;
pub mod verdict;
