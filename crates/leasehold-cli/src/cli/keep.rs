//! Verbs that look after the leases of all.

use super::groups::{CallArgs, NamedCallArgs, live};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  leasehold freeze deploy --ttl 30m
  leasehold freeze path:migrations --ttl 2h
  leasehold freeze path:. --ttl 10m         (the whole repository)

Commands that run already go on. Who waits, waits through it. To freeze again sets its end anew.")]
pub(crate) struct Freeze {
    /// What to freeze, and all that overlaps it
    #[arg(value_name = "NAME", add = live())]
    pub(crate) name: String,
    /// How long: a forgotten freeze must not stop everybody for ever
    #[arg(
        long,
        value_name = "DURATION",
        required = true,
        allow_hyphen_values = true
    )]
    pub(crate) ttl: String,
    #[command(flatten)]
    pub(crate) call: NamedCallArgs,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  leasehold unfreeze deploy
  leasehold unfreeze deploy --force")]
pub(crate) struct Unfreeze {
    /// What was frozen, as it was named then
    #[arg(value_name = "NAME", add = live())]
    pub(crate) name: String,
    /// End it whoever set it; the audit keeps who did
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) call: NamedCallArgs,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  leasehold gc
  leasehold gc --keep 7d
  leasehold gc --keep 0s     (the whole audit; what is held stays)

What is held, waited for and frozen stays, and tokens go on rising. It may run at any time, beside
anything else. The log begins a new segment by itself when it has become long; only `gc` drops any.")]
pub(crate) struct Gc {
    /// Keep what happened in this time for `audit`
    #[arg(
        long,
        value_name = "DURATION",
        default_value = "30d",
        allow_hyphen_values = true
    )]
    pub(crate) keep: String,
    #[command(flatten)]
    pub(crate) call: CallArgs,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  leasehold doctor
  leasehold doctor --verify          (replays the log; takes seconds where it is long)
  leasehold doctor --repair
  leasehold doctor --json | jq '.findings[] | select(.grade != \"ok\")'

Exits 0 when everything works, warnings or not, and 1 when something does not. Without --repair it
changes nothing. Nothing is mended by guessing: what is damaged twice is left as it is.")]
pub(crate) struct Doctor {
    /// Also replay the log, and compare what it says with the records
    #[arg(long)]
    pub(crate) verify: bool,
    /// Mend what can be mended, and remove what is left over
    #[arg(long)]
    pub(crate) repair: bool,
    #[command(flatten)]
    pub(crate) call: CallArgs,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  leasehold import lokt                 (the locks and freezes in this repository's .git/lokt)
  leasehold import lokt --from /srv/locks

All of it is taken over or nothing. What cannot be read clearly, and guards of Lokt that run still, are
named, and nothing is changed.")]
pub(crate) struct Import {
    /// What to take over from
    #[arg(value_name = "SYSTEM")]
    pub(crate) system: System,
    /// Its directory; else LOKT_ROOT, else the one that it has in this repository
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) from: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) call: CallArgs,
}

/// The systems that can be taken over from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum System {
    /// Lokt's lock files
    Lokt,
}
