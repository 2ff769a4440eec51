//! Verbs that take leases and give them back.

use super::groups::{CallArgs, RequestArgs, StoreArgs, live, number};
use clap::{Args, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;

/// How long a command has to end by itself when its lease is lost.
pub(crate) const STOP_GRACE: &str = "10s";

#[derive(Args, Debug, PartialEq, Eq)]
#[command(after_help = "\
Examples:
  leasehold guard build --ttl 5m -- make build
  leasehold guard build --wait --timeout 20m -- make build
  leasehold guard path:src/auth path:docs/auth.md -- ./refactor.sh
  leasehold guard path:src --read --wait -- cargo doc
  leasehold guard gpu --slots 2 --wait -- ./train.sh
  leasehold guard git-push --wait -c 'git pull --rebase && git push'

The command gets LEASEHOLD_LEASE, LEASEHOLD_TOKEN, LEASEHOLD_OWNER, LEASEHOLD_RESOURCE,
LEASEHOLD_SLOT and LEASEHOLD_EXPIRES. With --ttl the lease is renewed at half its time.")]
pub(crate) struct Guard {
    #[command(flatten)]
    pub(crate) request: RequestArgs,
    /// Keep the lease past its TTL for as long as this guard lives, were it stopped or too busy to renew
    #[arg(long, requires = "ttl")]
    pub(crate) keep_while_alive: bool,
    /// Write our own outcome here as JSON, apart from the command's output
    #[arg(long, value_name = "PATH")]
    pub(crate) json_file: Option<PathBuf>,
    /// Stop the command with this signal when the lease is lost
    #[arg(
        long,
        value_name = "SIGNAL",
        default_value = "TERM",
        allow_hyphen_values = true
    )]
    pub(crate) stop_signal: StopSignal,
    /// Kill the command this long after that
    #[arg(long, value_name = "DURATION", default_value = STOP_GRACE, allow_hyphen_values = true)]
    pub(crate) stop_grace: String,
    /// Run this by `sh -c`, for `&&`, pipes and the like; what follows `--` are its $0, $1, ...
    #[arg(short = 'c', value_name = "SCRIPT")]
    pub(crate) script: Option<OsString>,
    /// Exit with this code instead of 2 when it is held or frozen, or the wait timed out
    #[arg(short = 'E', value_name = "N", value_parser = number::<u8>, allow_hyphen_values = true)]
    pub(crate) held_exit: Option<u8>,
    /// The command to run
    #[arg(
        last = true,
        required_unless_present = "script",
        value_name = "COMMAND"
    )]
    pub(crate) command: Vec<OsString>,
}

/// The signals that ask a command to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StopSignal {
    /// SIGTERM
    #[value(name = "TERM")]
    Term,
    /// SIGINT
    #[value(name = "INT")]
    Int,
    /// SIGHUP
    #[value(name = "HUP")]
    Hup,
    /// SIGQUIT
    #[value(name = "QUIT")]
    Quit,
    /// SIGKILL: at once, without a chance to clean up
    #[value(name = "KILL")]
    Kill,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  leasehold lock issue:8057324b --ttl 30m
  if leasehold lock deploy --wait; then ./deploy.sh; leasehold unlock deploy; fi

Without --ttl the lease lives 1h; `--ttl none` lets it live until `unlock`.")]
pub(crate) struct Lock {
    #[command(flatten)]
    pub(crate) request: RequestArgs,
    /// Print the outcome as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  leasehold unlock deploy
  leasehold unlock --lease 3f9c0a1b5d7e42c8a6b09f1e2d3c4b5a
  leasehold unlock deploy --force
  leasehold unlock --all                (all that you locked)
  leasehold unlock --owner ada --force  (all that ada locked)
  leasehold unlock --stale              (what is past its time, and what the dead held)")]
pub(crate) struct Unlock {
    /// A resource of the lease; the whole lease is given back
    #[arg(value_name = "NAME", conflicts_with = "lease", add = live())]
    pub(crate) name: Option<String>,
    /// The lease, by its id: the proof that it is yours
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    pub(crate) lease: Option<String>,
    /// All that you locked; with --force all that anybody holds
    #[arg(long, conflicts_with_all = ["name", "lease", "owner", "stale"])]
    pub(crate) all: bool,
    /// What is past its time, and what the dead held; with NAME only what overlaps it
    #[arg(long, conflicts_with_all = ["lease", "owner", "force"])]
    pub(crate) stale: bool,
    /// Take it away from whoever holds it; the audit keeps who did
    #[arg(long)]
    pub(crate) force: bool,
    /// Print the outcome as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// The name to go by; without NAME and --lease, all that this owner locked
    #[arg(long, value_name = "NAME")]
    pub(crate) owner: Option<String>,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  leasehold renew --lease 3f9c0a1b5d7e42c8a6b09f1e2d3c4b5a --ttl 30m
  leasehold renew            (inside `guard`: the lease in LEASEHOLD_LEASE)")]
pub(crate) struct Renew {
    /// The lease; else LEASEHOLD_LEASE
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    pub(crate) lease: Option<String>,
    /// Its new lifetime, from now; else the one it has
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true)]
    pub(crate) ttl: Option<String>,
    #[command(flatten)]
    pub(crate) call: CallArgs,
}
