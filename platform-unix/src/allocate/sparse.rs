//! Systems without a safe way to allocate ahead (macOS among them): the file grows sparse, as Go's
//! does. A full disk may then kill the process that touches a new page.

use std::fs::File;
use std::ops::Range;

use rustix::io::Errno;

/// These systems cannot give blocks to a range.
pub(crate) fn allocate(_: &File, _: &Range<u64>) -> Result<(), Errno> {
    Ok(())
}

/// Makes a file as long as the end of a range. The file never gets shorter.
pub(crate) fn lengthen(file: &File, range: &Range<u64>) -> Result<(), Errno> {
    super::mapped_file::extend_sparse(file, range.end)
}
