//! Whether another process lives.

use windows_sys::Win32::Foundation::{CloseHandle, ERROR_INVALID_PARAMETER, GetLastError};
use windows_sys::Win32::System::Threading::{OpenProcess, PROCESS_QUERY_LIMITED_INFORMATION};

/// Whether there is a process of this number, as far as this one can see; true in doubt.
#[must_use]
pub fn is_alive(process: u32) -> bool {
    // SAFETY: takes numbers only.
    let handle = unsafe { OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, 0, process) };
    if handle.is_null() {
        // SAFETY: reads a number of this thread.
        return unsafe { GetLastError() } != ERROR_INVALID_PARAMETER;
    }
    // SAFETY: the handle was opened above and is not used again.
    unsafe { CloseHandle(handle) };
    true
}
