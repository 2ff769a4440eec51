//! The coordinator over stores in this process.
#![expect(
    clippy::unwrap_used,
    reason = "these are tests, their helpers included"
)]

mod agents;
mod hooked;
mod looking;
mod support;
mod waiting;
