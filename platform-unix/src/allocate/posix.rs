//! FreeBSD: `posix_fallocate`, which the kernel itself does (no emulation that writes zeros over
//! what others have written).

use std::fs::File;
use std::ops::Range;

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::{Errno, retry_on_intr};

/// Gives real blocks to a range of a file, where the file system can. Does not change what the range
/// holds; the file becomes as long as the end of the range.
pub(crate) fn allocate(file: &File, range: &Range<u64>) -> Result<(), Errno> {
    let flags = FallocateFlags::empty();
    match retry_on_intr(|| fallocate(file, flags, range.start, range.end - range.start)) {
        // ZFS does not allocate ahead and says EINVAL.
        Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => Ok(()),
        result => result,
    }
}

/// Makes a file as long as the end of a range that has its blocks. The file never gets shorter.
pub(crate) fn lengthen(file: &File, range: &Range<u64>) -> Result<(), Errno> {
    super::mapped_file::extend_sparse(file, range.end)
}
