//! `leasehold completions`: what a shell needs to complete, and the answers that it then asks for.
//!
//! The shell calls this program with the words typed so far, so that what is completed is what this
//! program has, live names included.

use crate::cli::{Cli, ShellArg, StoreArgs};
use crate::{context, exit, ui};
use clap::CommandFactory as _;
use clap_complete::CompletionCandidate;
use clap_complete::env::{CompleteEnv, Elvish, EnvCompleter, Fish, Powershell, Zsh};
use leasehold_core::view::Key;
use leasehold_service::audit::EVENTS;
use std::collections::BTreeSet;
use std::env;

/// Set by the shell when it asks.
const ASKED: &str = "LEASEHOLD_COMPLETE";

/// The lines for bash: those of the parser do not complete what has a colon in it.
const BASH: &str = include_str!("completions/leasehold.bash");

/// Prints the lines that a shell reads at its start.
pub(crate) fn run(shell: ShellArg) -> u8 {
    let shell: &dyn EnvCompleter = match shell {
        ShellArg::Bash => return ui::text(BASH.as_bytes()),
        ShellArg::Elvish => &Elvish,
        ShellArg::Fish => &Fish,
        ShellArg::Powershell => &Powershell,
        ShellArg::Zsh => &Zsh,
    };
    let name = Cli::command().get_name().to_owned();
    let mut lines = Vec::new();
    if let Err(error) = shell.write_registration(ASKED, &name, &name, &name, &mut lines) {
        ui::talk(&format!("error: completions: {error}"));
        return exit::ERROR;
    }
    ui::text(&lines)
}

/// Answers a shell that asks; returns whether one did.
pub(crate) fn answer() -> bool {
    if env::var_os(ASKED).is_none() {
        return false;
    }
    CompleteEnv::with_factory(Cli::command)
        .var(ASKED)
        .complete();
    true
}

/// The names that are held, waited for or frozen. A shell is no place for errors: there are none then. Nor
/// for what it would take for something else: it puts a name on the line as it is, and a lease may be
/// called `$(…)`.
pub(crate) fn live_names() -> Vec<CompletionCandidate> {
    let Ok((Some(context), _)) = context::open_to_look(&StoreArgs { store: None }) else {
        return Vec::new();
    };
    let Ok(found) = context.leasing.look(&[Key::All]) else {
        return Vec::new();
    };
    let view = found.value;
    let leases = view.leases().flat_map(|lease| &lease.claims);
    let tickets = view.tickets().flat_map(|ticket| &ticket.claims);
    let claimed = leases
        .chain(tickets)
        .map(|claim| claim.resource.to_string());
    let frozen = view.freezes().map(|freeze| freeze.resource.to_string());
    let names: BTreeSet<String> = claimed.chain(frozen).collect();
    let harmless = names.into_iter().filter(|name| is_one_word(name));
    harmless.map(CompletionCandidate::new).collect()
}

/// The events that `audit` knows.
pub(crate) fn events() -> Vec<CompletionCandidate> {
    EVENTS.iter().map(CompletionCandidate::new).collect()
}

/// Returns whether a shell reads it as this word: all but patterns, which it may replace by what matches.
fn is_one_word(name: &str) -> bool {
    let without = name.replace(['*', '?', '[', ']'], "");
    ui::quoted(&without) == without || without.is_empty()
}
