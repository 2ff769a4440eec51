//! The file store on real files, and with real processes where it matters.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod audit;
mod basic;
mod boot;
mod crash;
mod discovery;
mod disk;
mod harness;
mod names;
mod owners;
mod processes;
mod queue;
mod repair;
mod rotation;
mod suite;
mod unusable;
