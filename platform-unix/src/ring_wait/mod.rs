//! Putting the reader of a ring to sleep, and waking it from a signal handler.

#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux;
mod portable;

#[cfg(any(target_os = "linux", target_os = "android"))]
pub use linux::RingWait;
pub use portable::PortableRingWait;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub use portable::PortableRingWait as RingWait;

#[cfg(test)]
mod tests;
