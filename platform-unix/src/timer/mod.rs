//! Waiting for a time of day.

#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux;
mod portable;

#[cfg(any(target_os = "linux", target_os = "android"))]
pub use linux::Timer;
pub use portable::PortableTimer;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub use portable::PortableTimer as Timer;
