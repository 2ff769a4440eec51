//! The kept inputs: one file each, small, with a name that says why.

use std::fs;
use std::path::Path;

/// The kept inputs of one target.
pub(super) struct Corpus {
    pub(super) inputs: Vec<Vec<u8>>,
}

impl Corpus {
    /// Reads them from this crate's own directory, in the order of their names. Where the program runs
    /// far from its sources there are none.
    pub(super) fn read(target: &str) -> Self {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("corpus")
            .join(target);
        let entries = fs::read_dir(directory).into_iter().flatten().flatten();
        let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
        paths.sort();
        let inputs = paths.iter().filter_map(|path| fs::read(path).ok());
        Self {
            inputs: inputs.collect(),
        }
    }
}
