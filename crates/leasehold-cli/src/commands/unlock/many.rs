//! `unlock --owner`, `--all` and `--stale`: many leases at once. What is over is ended in few commits, the
//! rest each by a commit of its own, as its agent would.

use super::{VERB, info, is_own, stopped, taken};
use crate::answer::{self, Told};
use crate::context::Context;
use crate::error::CliError;
use crate::message;
use crate::names::Named;
use leasehold_api::code::Code;
use leasehold_api::lease::LeaseInfo;
use leasehold_api::outcome::Outcome;
use leasehold_core::command::{Command, Proof};
use leasehold_core::lease::Kind;
use leasehold_core::verdict::Verdict;
use leasehold_core::view::Key;
use leasehold_core::{Identity, Lease, Resource};
use leasehold_service::{Answer, Clock, Swept};

/// Whose leases are meant.
pub(super) enum Whose<'a> {
    /// The standing leases of an owner, by its name or as `owner@host`.
    Owner(&'a str),
    /// The standing leases of the agent that asks.
    Mine,
    /// Everything that anybody holds.
    Anybody,
}

impl Whose<'_> {
    fn means(&self, lease: &Lease, by: &Identity) -> bool {
        let owner = &lease.who.owner;
        match self {
            Self::Owner(name) => {
                lease.kind == Kind::Standing
                    && (&*owner.name == *name || owner.to_string() == *name)
            }
            // Two nameless agents of one user are strangers, but it is these that are looked for.
            Self::Mine => lease.kind == Kind::Standing && lease.who.same_place(by),
            Self::Anybody => true,
        }
    }

    /// Says that there is no such lease.
    pub(super) fn nothing(&self) -> String {
        match self {
            Self::Owner(name) => format!("`{name}` has locked nothing"),
            Self::Mine => "you have locked nothing".into(),
            Self::Anybody => "nothing is held".into(),
        }
    }
}

/// Gives back all leases that are meant, or none of them where some are somebody else's.
pub(super) fn unlock(
    context: &Context,
    whose: &Whose<'_>,
    by: &Identity,
    force: bool,
) -> Result<Told, CliError> {
    let Answer { value: view, clock } = context.leasing.look(&[Key::All])?;
    let meant = view.leases().filter(|lease| whose.means(lease, by));
    let mut meant: Vec<&Lease> = meant.collect();
    meant.sort_by_key(|lease| lease.token);
    let others = meant.iter().filter(|lease| !is_own(lease, by));
    let others: Vec<&Lease> = others.copied().collect();
    if !others.is_empty() && !force {
        return Ok(not_yours(whose, &others, by, &clock).into());
    }
    let (mut done, mut lines) = (Vec::new(), Vec::new());
    for lease in meant {
        // The agent is the one that took it: as good as the id.
        let proof = if is_own(lease, by) {
            Proof::Id
        } else {
            Proof::Force
        };
        let command = Command::Release {
            lease: lease.id,
            by: by.clone(),
            proof,
        };
        // Given back meanwhile: not ours to report.
        if context.leasing.execute(&command)?.value != Verdict::Done {
            continue;
        }
        lines.push(match proof {
            Proof::Force => taken(lease, &clock),
            _ => format!("unlocked {}", message::resources(&lease.claims)),
        });
        done.push(lease);
    }
    let mut told = told(lines, "unlocked", whose.nothing());
    told.outcome.notes = done
        .iter()
        .find_map(|lease| stopped(lease))
        .into_iter()
        .collect();
    told.outcome.leases = done
        .iter()
        .map(|lease| LeaseInfo::new(lease, Some(&view), &clock))
        .collect();
    Ok(told)
}

/// Ends what is over: past its time, or held by the dead.
pub(super) fn stale(
    context: &Context,
    name: Option<&str>,
    named: Option<Named>,
    by: &Identity,
) -> Result<Told, CliError> {
    let resources: Vec<Resource> = named.into_iter().flat_map(Named::all).collect();
    let Answer { value, clock } = context.leasing.sweep(&resources, by)?;
    let Swept { leases, view } = value;
    let info = |lease: &Lease| LeaseInfo::new(lease, Some(&view), &clock);
    let lines = leases
        .iter()
        .map(|lease| message::cleared(lease, info(lease).state, &clock));
    let mut told = told(lines.collect(), "cleared away", nothing_stale(name));
    told.outcome.leases = leases.iter().map(info).collect();
    Ok(told)
}

/// Says that nothing is over.
pub(super) fn nothing_stale(name: Option<&str>) -> String {
    match name {
        None => "nothing is past its time or held by the dead".into(),
        Some(name) => format!("nothing on `{name}` is past its time or held by the dead"),
    }
}

fn told(lines: Vec<String>, done: &str, nothing: String) -> Told {
    let (code, text) = match lines.len() {
        0 => (Code::NotFound, nothing),
        1 => (Code::Ok, format!("{done} 1 lease")),
        number => (Code::Ok, format!("{done} {number} leases")),
    };
    Told {
        outcome: answer::outcome(VERB, code, text),
        lines,
    }
}

fn not_yours(whose: &Whose<'_>, others: &[&Lease], by: &Identity, clock: &Clock) -> Outcome {
    let (number, are) = match others.len() {
        1 => ("1 lease".to_owned(), "is"),
        number => (format!("{number} leases"), "are"),
    };
    let text = match whose {
        Whose::Mine => format!(
            "{number} of {} {are} not known to be yours: neither session nor owner is set",
            by.owner
        ),
        Whose::Owner(name) => format!("{number} of `{name}` {are} not yours"),
        Whose::Anybody => format!("{number} {are} not yours"),
    };
    // Whoever is nameless has no lock that is known to be its own.
    let hint = if by.agent().is_some() {
        "to give back your own alone: leasehold unlock --all"
    } else {
        "name each: leasehold unlock NAME; to be known again, set LEASEHOLD_SESSION or LEASEHOLD_OWNER"
    };
    Outcome {
        notes: message::listed(others, |lease: &&Lease| message::held_by(lease, clock)),
        hints: vec![
            hint.into(),
            "to take them away all the same, add --force: the audit keeps who did".into(),
        ],
        leases: others
            .iter()
            .map(|lease| info(lease, by, None, clock))
            .collect(),
        ..answer::outcome(VERB, Code::NotYours, text)
    }
}
