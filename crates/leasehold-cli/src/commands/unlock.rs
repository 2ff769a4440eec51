//! `leasehold unlock`: giving a lease back.

mod many;

use self::many::Whose;
use crate::answer::Told;
use crate::cli::Unlock;
use crate::context::Context;
use crate::error::CliError;
use crate::{answer, context, identity, inherit, message};
use leasehold_api::code::Code;
use leasehold_api::lease::LeaseInfo;
use leasehold_api::outcome::Outcome;
use leasehold_core::command::{Command, Proof};
use leasehold_core::lease::Kind;
use leasehold_core::verdict::Verdict;
use leasehold_core::view::Key;
use leasehold_core::{Identity, Lease, LeaseId};
use leasehold_service::{Answer, Clock};

const VERB: &str = "unlock";

/// Said where a guard loses its lease.
const STOPPED: &str =
    "its command is being stopped; the next in line may start before it has ended";

pub(crate) fn run(args: &Unlock) -> Result<Told, CliError> {
    let id = args.lease.as_deref().map(inherit::flag).transpose()?;
    // Of many leases `--owner` says whose they are, not who gives them back.
    let is_one = args.name.is_some() || id.is_some();
    let goes_by = args.owner.as_deref().filter(|_| is_one);
    let by = identity::find(goes_by)?;
    let context = context::open(&args.store)?;
    if args.stale {
        return many::stale(&context, args.name.as_deref(), &by);
    }
    if is_one {
        return one(&context, args, id, by).map(Told::from);
    }
    let whose = match &args.owner {
        Some(name) => Whose::Owner(identity::checked("--owner", name)?),
        None if args.force => Whose::Anybody,
        None => Whose::Mine,
    };
    many::unlock(&context, &whose, &by, args.force)
}

fn one(
    context: &Context,
    args: &Unlock,
    id: Option<LeaseId>,
    by: Identity,
) -> Result<Outcome, CliError> {
    match (id, &args.name) {
        (Some(id), _) => {
            let proof = if args.force { Proof::Force } else { Proof::Id };
            let Answer { value: view, clock } = context.leasing.look(&[Key::Lease(id)])?;
            match view.lease(id) {
                Some(lease) => release(context, lease, by, proof, &clock),
                None => Ok(answer::outcome(
                    VERB,
                    Code::NotFound,
                    format!("there is no lease {id}"),
                )),
            }
        }
        (None, Some(name)) => by_name(context, name, by, args.force),
        // The parser asks for one of them.
        (None, None) => Err(CliError::usage("neither a name nor --lease")),
    }
}

fn by_name(context: &Context, name: &str, by: Identity, force: bool) -> Result<Outcome, CliError> {
    let resource = context.base.parse(name)?;
    let Answer { value: view, clock } = context.leasing.look_at(&resource)?;
    let named = |lease: &&Lease| lease.claims.iter().any(|claim| claim.resource == resource);
    let found: Vec<&Lease> = view.leases().filter(named).collect();
    let own = |lease: &&&Lease| lease.kind == Kind::Standing && lease.who.owner == by.owner;
    let mine: Vec<&Lease> = found.iter().filter(own).copied().collect();
    let proof = if force { Proof::Force } else { Proof::Owner };
    match (found.as_slice(), mine.as_slice()) {
        ([], _) => Ok(not_found(name, &view, &clock)),
        ([lease], _) => release(context, lease, by, proof, &clock),
        (_, [lease]) if !force => release(context, lease, by, proof, &clock),
        _ => Ok(several(name, &found, &clock)),
    }
}

fn not_found(name: &str, view: &leasehold_core::View, clock: &Clock) -> Outcome {
    let mut outcome = answer::outcome(VERB, Code::NotFound, format!("nothing holds `{name}`"));
    let overlapping = view.leases().map(|lease| {
        let what = message::resources(&lease.claims);
        format!(
            "{what} overlaps it: held by {}",
            message::holder(lease, clock)
        )
    });
    outcome.hints = overlapping.collect();
    outcome
}

fn several(name: &str, found: &[&Lease], clock: &Clock) -> Outcome {
    let text = format!("{} leases hold `{name}`: say which", found.len());
    let hint = |lease: &&Lease| {
        format!(
            "leasehold unlock --lease {}  ({})",
            lease.id,
            message::holder(lease, clock)
        )
    };
    Outcome {
        hints: found.iter().map(hint).collect(),
        leases: found
            .iter()
            .map(|lease| LeaseInfo::new(lease, None, clock))
            .collect(),
        ..answer::outcome(VERB, Code::Error, text)
    }
}

fn release(
    context: &Context,
    lease: &Lease,
    by: Identity,
    proof: Proof,
    clock: &Clock,
) -> Result<Outcome, CliError> {
    let id: LeaseId = lease.id;
    let verdict = context
        .leasing
        .execute(&Command::Release {
            lease: id,
            by,
            proof,
        })?
        .value;
    let what = message::resources(&lease.claims);
    Ok(match verdict {
        Verdict::NotYours(lease) => not_yours(&lease, clock),
        Verdict::NotFound => answer::outcome(
            VERB,
            Code::NotFound,
            format!("{what} was given back meanwhile"),
        ),
        _ => {
            let text = match proof {
                Proof::Force => taken(lease, clock),
                _ => format!("unlocked {what}"),
            };
            let mut outcome = answer::granted(VERB, text, lease, clock);
            if lease.kind == Kind::Scoped {
                outcome.hints.push(STOPPED.into());
            }
            outcome
        }
    })
}

fn taken(lease: &Lease, clock: &Clock) -> String {
    let what = message::resources(&lease.claims);
    format!("took {what} away from {}", message::holder(lease, clock))
}

fn not_yours(lease: &Lease, clock: &Clock) -> Outcome {
    let what = message::resources(&lease.claims);
    let text = format!(
        "{what} is held by {}, not by you",
        message::holder(lease, clock)
    );
    let hint = match lease.kind {
        Kind::Scoped => format!("it ends with its command (pid {})", lease.holder.pid),
        Kind::Standing => "its holder unlocks it, or whoever knows the lease's id".into(),
    };
    Outcome {
        hints: vec![
            hint,
            "to take it away all the same, add --force: the audit keeps who did".into(),
        ],
        leases: vec![LeaseInfo::new(lease, None, clock)],
        ..answer::outcome(VERB, Code::NotYours, text)
    }
}
