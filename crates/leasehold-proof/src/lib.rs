//! The proof: everything that tries to make leasehold break a promise.
//!
//! # Layout
//!
//! Each layer is a module with a function `run` from a [`Budget`] to an [`Outcome`]:
//!
//! * `model`: every interleaving of small programs, over the real kernel;
//! * `simulation`: long random runs of kernel and coordinator over a simulated store and clock;
//! * `processes`: real binaries, a nemesis, and checkers of what they did;
//! * `sweep`: a kill and a failing call at every system call of every verb;
//! * `damage`: files cut and flipped at every byte;
//! * `fuzz`: parsers and readers on generated input.
//!
//! `tracer` puts faults into the system calls of other programs, for `sweep` and `processes`.
//! `planted` has the bugs that show whether the layers can see at all.
//!
//! # Guarantees
//!
//! A violation names what was violated and the command that repeats it. What cannot be tried on a
//! machine is listed as skipped, never passed over.

mod budget;
mod layer;
mod outcome;
mod points;
mod random;
mod report;
mod subject;

mod damage;
mod fuzz;
mod model;
mod planted;
mod processes;
mod simulation;
mod sweep;
#[cfg(all(
    target_os = "linux",
    target_env = "gnu",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod tracer;

pub use budget::{Budget, Planted};
pub use layer::Layer;
pub use outcome::{Outcome, Violation};
pub use random::Random;
pub use report::Report;

/// Runs what a layer starts this program for again, with words that no help shows; returns its exit code.
/// Nothing where the command line is an ordinary one.
#[must_use]
pub fn hidden() -> Option<u8> {
    processes::hidden()
}
