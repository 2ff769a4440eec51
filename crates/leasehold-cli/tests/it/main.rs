//! End-to-end tests of the binary: real processes in real repositories.
//!
//! * `input`: what makes no sense is refused, named, and changes nothing.
//! * `names`: one file has one name, wherever it is seen from.
//! * `guard`, `overlap`, `slots`, `wait`, `nesting`, `inside`, `standing`, `unlocking`, `freeze`, `why`: what the
//!   verbs do. `worktrees`, `roots`: where. `output`: what becomes of an answer. `pages`: completions and
//!   manual pages. `prime`: what agents are told, and that it is so.
//! * `audit`, `gc`: what happened, and dropping it. `doctor`: what is wrong, and mending it.
//! * `demo`: whole with leases, broken without.
//! * `lokt`: the front that stands in for Lokt, and taking over from it.
//! * `faults`: killed, stopped and forgotten processes. `swarm`: many of them at random.
//! * `repo`, `process`, `log`: what the tests are made of.
//!
//! Nothing sleeps for luck: processes wait at gates (FIFOs) and say by files that they are there, and
//! every wait for them has a limit. What a test started is killed when the test ends, whatever
//! happened in it.

#![expect(
    clippy::unwrap_used,
    reason = "these are tests, their helpers included"
)]

mod audit;
mod demo;
mod doctor;
mod faults;
mod freeze;
mod gc;
mod guard;
mod hostile;
mod input;
mod inside;
mod listing;
mod log;
mod lokt;
mod names;
mod nesting;
mod output;
mod overlap;
mod pages;
mod prime;
mod process;
mod repo;
mod roots;
mod slots;
mod standing;
mod swarm;
mod unlocking;
mod wait;
mod why;
mod worktrees;
