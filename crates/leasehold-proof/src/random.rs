//! Random numbers that a seed repeats on every machine.

pub use leasehold_store::conformance::sample::Draw as Random;
