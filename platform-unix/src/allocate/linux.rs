//! Linux: `fallocate`.

use std::fs::File;
use std::ops::Range;

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::{Errno, retry_on_intr};

/// Gives real blocks to a range of a file, where the file system can. Changes neither what the range
/// holds nor the length of the file.
pub(crate) fn allocate(file: &File, range: &Range<u64>) -> Result<(), Errno> {
    match one(file, FallocateFlags::KEEP_SIZE, range) {
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
        result => result,
    }
}

/// Makes a file as long as the end of a range that has its blocks. The file never gets shorter.
pub(crate) fn lengthen(file: &File, range: &Range<u64>) -> Result<(), Errno> {
    match one(file, FallocateFlags::empty(), range) {
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => super::mapped_file::extend_sparse(file, range.end),
        result => result,
    }
}

fn one(file: &File, flags: FallocateFlags, range: &Range<u64>) -> Result<(), Errno> {
    retry_on_intr(|| fallocate(file, flags, range.start, range.end - range.start))
}
