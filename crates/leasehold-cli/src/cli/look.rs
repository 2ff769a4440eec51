//! Verbs that tell what is, and what was.

use super::groups::{CallArgs, ClaimArgs, NamedCallArgs, StoreArgs, live};
use clap::Args;
use clap_complete::ArgValueCandidates;

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  leasehold status
  leasehold status build --json
  leasehold status --prune-expired")]
pub(crate) struct Status {
    /// Show only what overlaps this
    #[arg(value_name = "NAME", add = live())]
    pub(crate) name: Option<String>,
    /// First clear away what is past its time, and what the dead held
    #[arg(long)]
    pub(crate) prune_expired: bool,
    #[command(flatten)]
    pub(crate) call: CallArgs,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  leasehold why build
  leasehold why path:src --read
  leasehold why gpu --slots 2 --json

Exits 0 when it would be granted now, 2 when not, 5 when waiting for it could end in a deadlock.
Changes nothing. The answer is for `guard` with the same names, from where you are now.")]
pub(crate) struct Why {
    #[command(flatten)]
    pub(crate) claims: ClaimArgs,
    /// As if asked from inside this lease; else LEASEHOLD_LEASE, which `guard` sets
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    pub(crate) lease: Option<String>,
    #[command(flatten)]
    pub(crate) call: NamedCallArgs,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  leasehold exists \"tests-passed-$COMMIT\" && exit 0")]
pub(crate) struct Exists {
    /// What to look for; of a path also what is above and below it
    #[arg(value_name = "NAME", add = live())]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) call: CallArgs,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  leasehold check && git push        (inside `guard`: is my lease still mine?)
  leasehold check --lease 3f9c0a1b5d7e42c8a6b09f1e2d3c4b5a --token 42")]
pub(crate) struct Check {
    /// The lease; else LEASEHOLD_LEASE
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    pub(crate) lease: Option<String>,
    /// The fencing token that came with it; else LEASEHOLD_TOKEN
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub(crate) token: Option<String>,
    #[command(flatten)]
    pub(crate) call: CallArgs,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  leasehold audit --since 8h                          (what happened overnight)
  leasehold audit --name build --since 2026-11-21
  leasehold audit --owner ada --event forced,lapsed   (what ada lost, or took away)
  leasehold audit --follow                            (from now on, until interrupted)
  leasehold audit --since 1h --json | jq -r 'select(.event == \"refused\") | .owner'

WHEN is how long ago (90s, 8h, 7d), a day (2026-11-21, from midnight UTC), or a date with its time
(2026-11-21T08:30:00Z, 2026-11-21T08:30+02:00). Events: refused queued granted bound passed renewed
released forced freed orphaned lapsed parked resumed died cancelled frozen thawed dropped.")]
pub(crate) struct Audit {
    /// Only what happened since then
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true)]
    pub(crate) since: Option<String>,
    /// Only what happened until then
    #[arg(
        long,
        value_name = "WHEN",
        conflicts_with = "follow",
        allow_hyphen_values = true
    )]
    pub(crate) until: Option<String>,
    /// Only what is about something that overlaps this; may be given again
    #[arg(long, value_name = "NAME", add = live())]
    pub(crate) name: Vec<String>,
    /// Only what this owner did or had done to it: `ada` or `ada@host`
    #[arg(long, value_name = "OWNER")]
    pub(crate) owner: Option<String>,
    /// Only these events; several with commas
    #[arg(
        long,
        value_name = "EVENT",
        value_delimiter = ',',
        allow_hyphen_values = true,
        add = ArgValueCandidates::new(crate::commands::completions::events)
    )]
    pub(crate) event: Vec<String>,
    /// Show renewals too, which are left out unless they are named
    #[arg(long)]
    pub(crate) renewals: bool,
    /// Go on with what comes; without --since only that
    #[arg(long, short = 'f', alias = "tail")]
    pub(crate) follow: bool,
    /// Print one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}
