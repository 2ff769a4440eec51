//! Which segments there are.

use super::segment_path;
use crate::root::Root;
use leasehold_store::StoreError;
use rustix::fs::OFlags;
use rustix::io::Errno;

/// Returns the numbers of all segments, the oldest first.
pub(crate) fn segments(root: &Root) -> Result<Vec<u32>, StoreError> {
    let mut numbers = Vec::new();
    root.walk("audit", &mut |path| {
        let digits = path
            .strip_prefix("audit/")
            .and_then(|name| name.strip_suffix(".jsonl"));
        let number = digits.and_then(|digits| digits.parse().ok());
        // One number has one name.
        numbers.extend(number.filter(|number| segment_path(*number) == path));
        Ok(())
    })?;
    numbers.sort_unstable();
    Ok(numbers)
}

/// Returns those before this one.
pub(crate) fn segments_before(root: &Root, last: u32) -> Result<Vec<u32>, StoreError> {
    let mut numbers = segments(root)?;
    numbers.retain(|number| *number < last);
    Ok(numbers)
}

/// Returns those that lie without a gap up to the one that is written to, the oldest first: what is
/// before a gap does not belong to what is behind it.
pub(crate) fn segments_up_to(root: &Root, last: u32) -> Result<Vec<u32>, StoreError> {
    let found = segments(root)?;
    let mut first = last;
    while first > 0 && found.binary_search(&(first - 1)).is_ok() {
        first -= 1;
    }
    Ok((first..=last).collect())
}

/// Puts the names of the segments on disk for good.
pub(crate) fn sync_directory(root: &Root) -> Result<(), Errno> {
    let directory = root.open_file("audit", OFlags::RDONLY | OFlags::DIRECTORY)?;
    rustix::fs::fsync(&directory)
}
