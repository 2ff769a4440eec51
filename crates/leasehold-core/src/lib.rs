//! The kernel of leasehold: pure decisions about leases, queues and freezes.
//!
//! # Layout
//!
//! * [`resource`], [`intent`], [`claim`]: what can be leased, and what excludes what.
//! * [`identity`], [`id`], [`seniority`], [`token`], [`time`]: the values that a lease is made of.
//! * [`lease`], [`ticket`], [`freeze`], [`card`]: what is stored of a workspace.
//! * [`view`]: the part of it that one decision sees; [`event`]: the only way it changes.
//! * [`command`] goes in, [`verdict`] and events come out of [`decide`](decide::decide).
//!   `ask` and `settle` hold its two halves, `rules` the functions of the view they share.
//!
//! # Guarantees
//!
//! The rules are those of the project's kernel page: exclusion, all or nothing, rising tokens, no
//! deadlock among what it can see, first come first served, no lost wake-up. The same view, command
//! and policy give the same decision: there is no clock, no input or output and no randomness here.
//!
//! # Limitations
//!
//! The kernel sees what a view shows it. Keeping the view true (one version, nothing left out) is
//! the duty of a store; stopping a holder whose lease is lost is the duty of a front door.
//!
//! ```
//! use leasehold_core::{Resource, View, decide::decide, command::*, claim::Claim, verdict::Verdict};
//! use leasehold_core::{Intent, id::LeaseId, identity::Identity, limits::Policy, time::Timestamp};
//!
//! let build = Claim::new(Resource::parse("build").unwrap(), Intent::Mutates);
//! let ask = Ask::new(LeaseId::new(1), Identity::nameless("ada", "host"), vec![build]);
//! let mut view = View::whole(Timestamp::from_millis(1_000));
//! let decision = decide(&view, &Command::Ask(ask), &Policy::default()).unwrap();
//! assert!(matches!(decision.verdict, Verdict::Granted(_)));
//! view.apply_all(&decision.events);
//! assert_eq!(view.leases().count(), 1);
//! ```
#![no_std]
#![warn(clippy::std_instead_of_core, clippy::std_instead_of_alloc)]
extern crate alloc;
#[cfg(test)]
extern crate std;

mod ask;
pub mod card;
pub mod claim;
pub mod command;
pub mod decide;
pub mod event;
pub mod freeze;
pub mod id;
pub mod identity;
pub mod intent;
pub mod lease;
pub mod limits;
pub mod planted;
pub mod resource;
mod rules;
pub mod seniority;
mod settle;
pub mod ticket;
pub mod time;
pub mod token;
pub mod verdict;
pub mod view;

pub use claim::Claim;
pub use id::LeaseId;
pub use identity::Identity;
pub use intent::Intent;
pub use lease::Lease;
pub use resource::Resource;
pub use ticket::Ticket;
pub use time::{Timestamp, Ttl};
pub use token::FencingToken;
pub use view::View;
