//! `leasehold version`.

use crate::answer;
use leasehold_api::code::Code;
use leasehold_api::outcome::Outcome;

pub(crate) fn run() -> Outcome {
    answer::outcome(
        "version",
        Code::Ok,
        concat!("leasehold ", env!("CARGO_PKG_VERSION")),
    )
}
