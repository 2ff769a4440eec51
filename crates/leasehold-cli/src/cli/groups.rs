//! Flags that several verbs share, and how their values are read.

use clap::{Args, ValueEnum};
use clap_complete::ArgValueCandidates;
use std::fmt;
use std::str::FromStr;

/// Lets shells complete names that are in use.
pub(super) fn live() -> ArgValueCandidates {
    ArgValueCandidates::new(crate::commands::completions::live_names)
}

/// Reads a whole number, and says which ones there are where it is none.
pub(super) fn number<N: FromStr + Bounded>(text: &str) -> Result<N, String> {
    let wrong = |_| format!("not a number from 0 to {}", N::MAX);
    text.parse().map_err(wrong)
}

/// Reads a whole number within limits, and says which they are where it is none.
pub(super) fn between<const LEAST: u32, const MOST: u32>(text: &str) -> Result<u32, String> {
    let number = text.parse().ok();
    let number = number.filter(|number| (LEAST..=MOST).contains(number));
    number.ok_or_else(|| format!("not a number from {LEAST} to {MOST}"))
}

/// A kind of number that has a greatest one.
pub(super) trait Bounded: fmt::Display {
    const MAX: Self;
}

impl Bounded for u8 {
    const MAX: Self = Self::MAX;
}

impl Bounded for u32 {
    const MAX: Self = Self::MAX;
}

/// Where leases are remembered.
#[derive(Args, Debug, PartialEq, Eq)]
pub(crate) struct StoreArgs {
    /// Where leases are remembered: `file:` (the default) or `file:DIRECTORY`
    #[arg(long, value_name = "URL", allow_hyphen_values = true)]
    pub(crate) store: Option<String>,
}

/// Who asks.
#[derive(Args, Debug, PartialEq, Eq)]
pub(crate) struct OwnerArgs {
    /// The name others see; else LEASEHOLD_OWNER, else the agent harness's session, else the user
    #[arg(long, value_name = "NAME")]
    pub(crate) owner: Option<String>,
}

/// What nearly all verbs take.
#[derive(Args, Debug, PartialEq, Eq)]
pub(crate) struct CallArgs {
    /// Print the outcome as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// The same, and who asks.
#[derive(Args, Debug, PartialEq, Eq)]
pub(crate) struct NamedCallArgs {
    /// Print the outcome as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) owner: OwnerArgs,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

impl CallArgs {
    /// A call that this program makes itself.
    pub(crate) const fn of(store: StoreArgs) -> Self {
        Self { json: false, store }
    }
}

impl NamedCallArgs {
    /// A call that this program makes itself, for whoever the environment says.
    pub(crate) const fn of(store: StoreArgs) -> Self {
        Self {
            json: false,
            owner: OwnerArgs { owner: None },
            store,
        }
    }
}

/// What is to be leased, and for what.
#[derive(Args, Debug, PartialEq, Eq)]
pub(crate) struct ClaimArgs {
    /// What to lease: all of it or nothing
    #[arg(value_name = "NAME", required = true, add = live())]
    pub(crate) names: Vec<String>,
    /// Only read it: readers share, writers wait (the same as --intent consumes)
    #[arg(long, conflicts_with_all = ["intent", "slots"])]
    pub(crate) read: bool,
    /// What will be done with it
    #[arg(
        long,
        value_name = "INTENT",
        conflicts_with = "slots",
        allow_hyphen_values = true
    )]
    pub(crate) intent: Option<IntentArg>,
    /// Take one of N slots of a pool; with several names: NAME=N
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub(crate) slots: Vec<String>,
}

/// What is asked for, by `guard` and `lock`.
#[derive(Args, Debug, PartialEq, Eq)]
pub(crate) struct RequestArgs {
    #[command(flatten)]
    pub(crate) claims: ClaimArgs,
    /// Queue instead of failing, for 10 minutes (an agent: 100 seconds) unless --timeout says otherwise
    #[arg(long)]
    pub(crate) wait: bool,
    /// Queue for at most this long, such as 90s, 5m, 1h30m
    #[arg(
        long,
        value_name = "DURATION",
        requires = "wait",
        allow_hyphen_values = true
    )]
    pub(crate) timeout: Option<String>,
    /// Lifetime, such as 5m: `guard` renews at half of it, a lock lives 1h unless said; `none` for no
    /// limit
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true)]
    pub(crate) ttl: Option<String>,
    /// Ask from inside this lease; else LEASEHOLD_LEASE, which `guard` sets
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    pub(crate) lease: Option<String>,
    /// Lower goes first when requests cross; 100 unless said
    #[arg(long, value_name = "N", value_parser = number::<u32>, allow_hyphen_values = true)]
    pub(crate) priority: Option<u32>,
    #[command(flatten)]
    pub(crate) owner: OwnerArgs,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// The intents, as the command line names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum IntentArg {
    /// Create or export
    Provides,
    /// Read or import
    Consumes,
    /// Change (the default)
    Mutates,
    /// Remove
    Deletes,
    /// Need it to exist
    DependsOn,
    /// Rename: name both paths
    Renames,
}
