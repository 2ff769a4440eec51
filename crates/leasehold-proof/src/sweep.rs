//! The sweep: a kill at every system call of every verb, and a failure of every call that changes
//! something, in real processes.
//!
//! Operations are verbs run, faults are processes killed and runs with calls made to fail.

use crate::{Budget, Outcome};

#[cfg(all(
    target_os = "linux",
    target_env = "gnu",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod traced;

#[cfg(all(
    target_os = "linux",
    target_env = "gnu",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
pub(crate) fn run(budget: &Budget) -> Outcome {
    traced::run(budget)
}

#[cfg(not(all(
    target_os = "linux",
    target_env = "gnu",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
pub(crate) fn run(_: &Budget) -> Outcome {
    Outcome {
        skipped: vec!["sweep: the tracer is for Linux on x86_64 and aarch64".into()],
        ..Outcome::default()
    }
}
