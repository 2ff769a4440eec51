//! `leasehold import`: taking over what another system holds.

mod lokt;

use crate::answer::Told;
use crate::cli::{Import, System};
use crate::error::CliError;
use std::path::Path;

const VERB: &str = "import";

pub(crate) fn run(args: &Import) -> Result<Told, CliError> {
    match args.system {
        System::Lokt => lokt::run(args),
    }
}

/// Returns whether what Lokt held in this root of its own was taken over.
pub(crate) fn lokt_was_imported(root: &Path) -> bool {
    lokt::was_imported(root)
}
