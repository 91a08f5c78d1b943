#![doc = include_str!("../docs/examples.md")]
