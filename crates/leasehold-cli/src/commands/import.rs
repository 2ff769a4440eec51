//! `leasehold import`: taking over what another system holds.

mod lokt;

pub(crate) use self::lokt::was_done as lokt_was_imported;

use crate::answer::Told;
use crate::cli::{Import, System};
use crate::error::CliError;

const VERB: &str = "import";

pub(crate) fn run(args: &Import) -> Result<Told, CliError> {
    match args.system {
        System::Lokt => lokt::run(args),
    }
}
