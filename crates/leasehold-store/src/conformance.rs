//! What every store has to pass.
//!
//! A store crate implements [`Subject`] and calls [`conformance_tests!`](crate::conformance_tests),
//! which makes one test of each case. Everything is seen through [`Store`] and [`Presence`](crate::Presence); what has
//! to come out is worked out with a whole [`View`](leasehold_core::View) kept beside the store, and
//! with the kernel's own `overlaps`.
//!
//! ```
//! use leasehold_store::conformance::Subject;
//! use leasehold_store::memory::MemoryStore;
//!
//! struct Memory(MemoryStore);
//!
//! impl Subject for Memory {
//!     type Store = MemoryStore;
//!     fn fresh() -> Self {
//!         Self(MemoryStore::new())
//!     }
//!     fn open(&self) -> MemoryStore {
//!         self.0.clone()
//!     }
//! }
//!
//! mod conformance {
//!     leasehold_store::conformance_tests!(super::Memory);
//! }
//! # fn main() {}
//! ```
#![expect(
    clippy::unwrap_used,
    reason = "this is test code, which a failure ends"
)]

mod audit;
mod basics;
mod events;
mod fronts;
mod keys;
pub mod listing;
mod presence;
mod random;
pub mod sample;
mod support;
mod threads;

use crate::Store;

/// A workspace under test.
pub trait Subject: Send + Sync + Sized + 'static {
    /// The store.
    type Store: Store;

    /// Makes an empty workspace that no other test has.
    fn fresh() -> Self;

    /// Returns a handle on it, as another process would have one.
    fn open(&self) -> Self::Store;

    /// Moves the store's clock on; returns whether it can be moved. Where not, cases wait for real
    /// time, and leave out what would take too long.
    fn advance(&self, millis: u64) -> bool {
        let _ = millis;
        false
    }

    /// Returns how many random commands are run; fewer where one takes long.
    fn steps(&self) -> u64 {
        400
    }

    /// Returns whether the store sees that a dropped presence is dead.
    fn sees_deaths(&self) -> bool {
        true
    }
}

/// A case: its name, and what it does with a fresh workspace.
pub type Case<S> = (&'static str, fn(&S));

/// Returns all cases, for a store that wants to run them its own way.
#[must_use]
pub fn cases<S: Subject>() -> Vec<Case<S>> {
    crate::__conformance_cases!(__conformance_table; S)
}

/// Runs the case with this name.
///
/// # Panics
/// Where the store does not pass.
pub fn run<S: Subject>(name: &str) {
    let case = cases::<S>().into_iter().find(|(known, _)| *known == name);
    let (_, case) = case.unwrap_or_else(|| panic!("there is no case {name}"));
    case(&S::fresh());
}

/// Makes one test of each case, for a type that is a [`Subject`].
#[macro_export]
macro_rules! conformance_tests {
    ($subject:ty) => {
        $crate::__conformance_cases! { __conformance_expand; $subject }
    };
}

/// The one list of the cases.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_cases {
    ($then:ident; $subject:ty) => {
        $crate::$then! { $subject;
            basics: an_empty_store_has_nothing,
            basics: grants_refuses_and_releases,
            basics: a_dropped_load_changes_nothing,
            basics: a_commit_without_events_changes_nothing,
            basics: a_repeated_request_happens_once,
            basics: numbers_and_tokens_rise_over_reopening,
            basics: handles_know_their_workspace,
            basics: a_read_view_stays_of_one_version,
            basics: time_never_goes_back,
            events: every_kind_of_event_becomes_state,
            keys: flat_resources_overlap_when_equal,
            keys: paths_overlap_above_and_below,
            keys: globs_overlap_both_ways,
            keys: strange_names_are_names,
            keys: the_deepest_paths_are_found,
            keys: leases_agents_and_places_are_found,
            keys: what_is_gone_is_not_found,
            fronts: a_front_leaves_out_only_who_holds_nothing,
            random: random_commands_do_as_a_whole_view,
            threads: several_resources_come_and_go_together,
            threads: holders_never_overlap,
            threads: one_of_two_deciders_wins,
            presence: a_dropped_presence_is_dead,
            presence: an_attended_holder_lives,
            presence: calls_are_kept_from_listening_on,
            presence: a_commit_calls_a_sleeper,
            presence: calls_are_only_for_whom_they_name,
            presence: a_call_to_nobody_is_no_error,
            presence: an_interrupt_ends_sleep,
            presence: time_ends_sleep,
            presence: the_end_of_the_watched_ends_sleep,
            presence: the_death_of_the_watched_ends_sleep,
            presence: the_call_descriptor_becomes_readable,
            audit: the_audit_has_all_commits_in_order,
            audit: replaying_the_audit_gives_the_state,
            audit: the_audit_stops_when_told,
            audit: a_span_is_told_as_it_is_stored,
            audit: a_follower_is_told_what_comes_until_it_has_enough,
            audit: a_collection_changes_nothing_but_the_audit,
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_table {
    ($subject:ty; $($module:ident: $name:ident,)*) => {
        vec![$((stringify!($name), $module::$name::<$subject> as fn(&$subject))),*]
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_expand {
    ($subject:ty; $($module:ident: $name:ident,)*) => {
        $(
            #[test]
            fn $name() {
                $crate::conformance::run::<$subject>(stringify!($name));
            }
        )*
    };
}
