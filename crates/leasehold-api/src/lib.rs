//! The wire types of leasehold: what `--json` prints and what servers answer.
//!
//! # Layout
//!
//! * [`outcome`]: the one object that every verb answers with.
//! * [`lease`]: leases, tickets and freezes as others see them.
//! * [`listed`]: the leases of an answer, a few or all that there are.
//! * [`why`]: why a request would not be granted.
//! * [`code`]: the codes that scripts branch on.
//! * [`event`]: events of the audit, one on a line.
//! * [`finding`]: what `doctor` finds.
//! * [`prime`]: what `prime` tells an agent.
//! * [`demo`]: what `demo` showed.
//! * [`duration`], [`moment`]: durations and moments as people type and read them.
//!
//! # Guarantees
//!
//! `schema` is raised when a member changes its meaning or goes; members may be added without.
//!
//! # Limitations
//!
//! Times are given twice: as a date of this machine's wall clock, for people, and as milliseconds
//! from the moment of the answer, which no step of that clock changes.

pub mod code;
pub mod demo;
pub mod duration;
pub mod event;
pub mod finding;
pub mod lease;
pub mod listed;
pub mod moment;
pub mod outcome;
pub mod prime;
pub mod why;
