//! A verb whose system calls are bad now and then: some are slow, some fail, some write only half.
//!
//! It runs under a tracer of its own, a process that stands between the driver and the verb, ends as the
//! verb ends, and writes down what it does before it does it.

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
pub(super) use self::traced::{probe, run};

#[cfg(not(all(
    target_os = "linux",
    target_env = "gnu",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
pub(super) fn probe(_: &std::path::Path) -> Result<(), String> {
    Err("the tracer is for Linux on x86_64 and aarch64".into())
}

#[cfg(not(all(
    target_os = "linux",
    target_env = "gnu",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
pub(super) fn run(_: &str, _: impl Iterator<Item = String>) -> u8 {
    // Nobody asks for it: see `probe`.
    1
}
