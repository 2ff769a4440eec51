//! `leasehold unlock`: giving a lease back.

mod many;

use self::many::Whose;
use crate::answer::{self, Told};
use crate::cli::Unlock;
use crate::context::{Context, Place};
use crate::error::CliError;
use crate::ui::quoted;
use crate::{context, identity, inherit, message};
use leasehold_api::code::Code;
use leasehold_api::lease::{LeaseInfo, LeaseState};
use leasehold_api::outcome::Outcome;
use leasehold_core::command::{Command, Proof};
use leasehold_core::lease::Kind;
use leasehold_core::verdict::Verdict;
use leasehold_core::view::Key;
use leasehold_core::{Identity, Lease, LeaseId, Resource, View};
use leasehold_service::{Answer, Clock};

const VERB: &str = "unlock";

/// Said where a guard loses its lease.
const STOPPED: &str =
    "its command is being stopped; the next in line may start before it has ended";

/// Said to those who insist, or could.
const FORCE: &str = "to take it away all the same, add --force: the audit keeps who did";

pub(crate) fn run(args: &Unlock) -> Result<Told, CliError> {
    let id = args.lease.as_deref().map(inherit::flag).transpose()?;
    // Of many leases `--owner` says whose they are, not who gives them back.
    let is_one = args.name.is_some() || id.is_some();
    let goes_by = args.owner.as_deref().filter(|_| is_one);
    let by = identity::find(goes_by)?;
    let whose = match &args.owner {
        Some(name) => Whose::Owner(identity::checked("--owner", name)?),
        None if args.force => Whose::Anybody,
        None => Whose::Mine,
    };
    if !is_one && !args.stale && !args.all && args.owner.is_none() {
        return Err(CliError::usage("nothing is named to unlock").hint(
            "leasehold unlock NAME; or --lease ID, --all (all that you locked), --owner NAME, --stale",
        ));
    }
    let (context, place) = context::open_to_look(&args.store)?;
    let name = args
        .name
        .as_deref()
        .map(|name| place.base().named(name))
        .transpose()?;
    let Some(context) = context else {
        return Ok(nowhere(args, id, &whose, &place).into());
    };
    if args.stale {
        return many::stale(&context, args.name.as_deref(), name, &by);
    }
    match (id, name) {
        (Some(id), _) => by_id(&context, id, &by, args.force).map(Told::from),
        (None, Some(name)) => by_name(&context, &name.resource, &by, args.force).map(Told::from),
        (None, None) => many::unlock(&context, &whose, &by, args.force),
    }
}

/// Where nothing is remembered nothing is held.
fn nowhere(args: &Unlock, id: Option<LeaseId>, whose: &Whose<'_>, place: &Place) -> Outcome {
    let text = match (&args.name, id) {
        _ if args.stale => many::nothing_stale(args.name.as_deref()),
        (_, Some(id)) => no_lease(id),
        (Some(name), None) => nothing_holds(name),
        (None, None) => whose.nothing(),
    };
    Outcome {
        notes: place.absent(),
        ..answer::outcome(VERB, Code::NotFound, text)
    }
}

fn no_lease(id: LeaseId) -> String {
    format!("there is no lease {id}")
}

fn nothing_holds(name: &str) -> String {
    format!("nothing holds `{name}`")
}

fn by_id(context: &Context, id: LeaseId, by: &Identity, force: bool) -> Result<Outcome, CliError> {
    let proof = if force { Proof::Force } else { Proof::Id };
    let Answer { value: view, clock } = context.leasing.look(&[Key::Lease(id)])?;
    let found = Found {
        context,
        view: &view,
        clock: &clock,
        by,
    };
    match view.lease(id) {
        Some(lease) => found.release(lease, proof),
        None => Ok(answer::outcome(VERB, Code::NotFound, no_lease(id))),
    }
}

fn by_name(
    context: &Context,
    resource: &Resource,
    by: &Identity,
    force: bool,
) -> Result<Outcome, CliError> {
    let Answer { value: view, clock } = context.leasing.look_at(resource)?;
    let found = Found {
        context,
        view: &view,
        clock: &clock,
        by,
    };
    let leases = view.leases().filter(|lease| {
        let mut claims = lease.claims.iter();
        claims.any(|claim| claim.resource == *resource)
    });
    // What the dead held is in nobody's way, and nobody's to give back.
    let (dead, held): (Vec<&Lease>, Vec<&Lease>) =
        leases.partition(|lease| found.state(lease) == LeaseState::Dead);
    match (held.as_slice(), dead.as_slice(), meant(&held, by)) {
        ([], [], _) => found.not_found(resource),
        ([], [lease, ..], _) if force => found.release(lease, Proof::Force),
        ([], [lease, ..], _) => Ok(found.dead(lease)),
        ([lease], _, _) if force => found.release(lease, Proof::Force),
        ([lease], _, _) => found.release(lease, Proof::Owner),
        (_, _, Some(lease)) if !force => found.release(lease, Proof::Owner),
        (several, _, _) => Ok(found.several(resource, several, force)),
    }
}

fn is_own(lease: &Lease, by: &Identity) -> bool {
    lease.kind == Kind::Standing && lease.who.same_agent(by)
}

/// Of several leases, returns the only one of the agent itself; else the only one of its name.
fn meant<'a>(held: &[&'a Lease], by: &Identity) -> Option<&'a Lease> {
    let only = |is_meant: &dyn Fn(&Lease) -> bool| {
        let mut meant = held.iter().filter(|lease| is_meant(lease)).copied();
        meant.next().filter(|_| meant.next().is_none())
    };
    let named = |lease: &Lease| lease.kind == Kind::Standing && lease.who.owner == by.owner;
    if held.iter().any(|lease| is_own(lease, by)) {
        only(&|lease| is_own(lease, by))
    } else {
        only(&named)
    }
}

/// Describes a lease for whoever asks: the whole id, which is the proof of it, only of one's own.
fn info(lease: &Lease, by: &Identity, view: Option<&View>, clock: &Clock) -> LeaseInfo {
    let info = LeaseInfo::new(lease, view, clock);
    if is_own(lease, by) {
        info
    } else {
        info.in_brief()
    }
}

/// What was found to be unlocked, and for whom.
struct Found<'a> {
    context: &'a Context,
    view: &'a View,
    clock: &'a Clock,
    by: &'a Identity,
}

impl Found<'_> {
    fn state(&self, lease: &Lease) -> LeaseState {
        LeaseInfo::new(lease, Some(self.view), self.clock).state
    }

    fn holder(&self, lease: &Lease) -> String {
        message::holder(lease, self.clock)
    }

    fn release(&self, lease: &Lease, proof: Proof) -> Result<Outcome, CliError> {
        let command = Command::Release {
            lease: lease.id,
            by: self.by.clone(),
            proof,
        };
        let verdict = self.context.leasing.execute(&command)?.value;
        let what = message::resources(&lease.claims);
        Ok(match verdict {
            Verdict::NotYours(lease) => self.not_yours(&lease),
            Verdict::NotFound => answer::outcome(
                VERB,
                Code::NotFound,
                format!("{what} was given back meanwhile"),
            ),
            _ if proof == Proof::Force => {
                let text = taken(lease, self.clock);
                Outcome {
                    notes: stopped(lease).into_iter().collect(),
                    ..answer::granted(VERB, text, lease, self.clock)
                }
            }
            _ => {
                let text = format!("unlocked {what}");
                let stranger = stranger(lease, self.by).filter(|_| proof == Proof::Owner);
                Outcome {
                    notes: stopped(lease).into_iter().chain(stranger).collect(),
                    ..answer::granted(VERB, text, lease, self.clock)
                }
            }
        })
    }

    fn not_found(&self, resource: &Resource) -> Result<Outcome, CliError> {
        let overlapping = self.view.leases().map(|lease| {
            let what = message::resources(&lease.claims);
            format!("{what} overlaps it: held by {}", self.holder(lease))
        });
        let path = path_meant(self.context, resource)?;
        Ok(Outcome {
            notes: overlapping.chain(path).collect(),
            ..answer::outcome(VERB, Code::NotFound, nothing_holds(&resource.to_string()))
        })
    }

    /// The processes behind a lease are dead. It stays until somebody asks for it, or clears it away.
    fn dead(&self, lease: &Lease) -> Outcome {
        let what = message::resources(&lease.claims);
        let text = format!(
            "nothing holds {what} any more: the processes of {} are dead",
            self.holder(lease)
        );
        Outcome {
            hints: vec![format!("whoever asks next gets it; {}", clear(lease))],
            leases: vec![LeaseInfo::new(lease, Some(self.view), self.clock).in_brief()],
            ..answer::outcome(VERB, Code::NotFound, text)
        }
    }

    fn not_yours(&self, lease: &Lease) -> Outcome {
        let held = message::held(lease);
        let holder = self.holder(lease);
        let state = self.state(lease);
        let text = match lease.kind {
            Kind::Scoped if lease.who.owner == self.by.owner => {
                format!("{held} by a guard, not by a lock: {holder}")
            }
            _ => format!("{held} by {holder}, not by you"),
        };
        let hint = match (state, lease.kind) {
            (LeaseState::Expired, _) => format!("whoever asks next gets it; {}", clear(lease)),
            (LeaseState::Orphan, _) => "it ends with the command that still runs".into(),
            (_, Kind::Scoped) => format!("it ends with its command (pid {})", lease.holder.pid),
            (_, Kind::Standing) => {
                "its holder unlocks it, or whoever knows the lease's id".to_owned()
            }
        };
        Outcome {
            hints: vec![hint, FORCE.into()],
            leases: vec![info(lease, self.by, Some(self.view), self.clock)],
            ..answer::outcome(VERB, Code::NotYours, text)
        }
    }

    /// Several have the name. What is one's own can be told by its whole id; a whole id of somebody
    /// else's would be the proof of it.
    fn several(&self, resource: &Resource, held: &[&Lease], force: bool) -> Outcome {
        let (own, others): (Vec<&Lease>, Vec<&Lease>) =
            held.iter().partition(|lease| is_own(lease, self.by));
        let number = held.len();
        let (code, text) = if force || !own.is_empty() {
            (
                Code::Error,
                format!("{number} leases hold `{resource}`: say which"),
            )
        } else {
            let text = format!("{number} leases hold `{resource}`, none of them known to be yours");
            (Code::NotYours, text)
        };
        let which = |lease: &Lease| {
            let holder = self.holder(lease);
            format!("leasehold unlock --lease {}  ({holder})", lease.id)
        };
        let mut hints: Vec<String> = own.iter().map(|lease| which(lease)).collect();
        if own.is_empty() && !force {
            let known = "with the id that `leasehold lock` printed: leasehold unlock --lease ID; to be \
                         known again, set LEASEHOLD_SESSION or LEASEHOLD_OWNER";
            hints.push(known.into());
        }
        if own.is_empty() || force {
            let name = quoted(&resource.to_string());
            hints.push(format!(
                "to take one away all the same: leasehold unlock --lease ID --force, by the id that \
                 `leasehold status {name} --json` shows; the audit keeps who did"
            ));
        }
        let leases = held
            .iter()
            .map(|l| info(l, self.by, Some(self.view), self.clock));
        Outcome {
            notes: message::listed(&others, |lease: &&Lease| {
                format!("held by {}", self.holder(lease))
            }),
            hints,
            leases: leases.collect(),
            ..answer::outcome(VERB, code, text)
        }
    }
}

/// How a lease that is over is cleared away.
fn clear(lease: &Lease) -> String {
    let name = lease.claims.first().map(|claim| claim.resource.to_string());
    let name = name.map_or_else(String::new, |name| format!(" {}", quoted(&name)));
    format!("to clear it away: leasehold unlock --stale{name}")
}

/// Says that a lock of this name was not known to be one's own: strangers may share a name.
fn stranger(lease: &Lease, by: &Identity) -> Option<String> {
    if lease.who.same_agent(by) {
        return None;
    }
    let owner = &lease.who.owner;
    let whose = match lease.who.agent() {
        None => format!("it was a nameless lock of {owner}"),
        Some(_) => format!("it was locked by another agent that goes by {owner}"),
    };
    Some(message::perhaps_anothers(&whose))
}

/// Where a plain name is given and the file of that name is held: says how that is called.
fn path_meant(context: &Context, resource: &Resource) -> Result<Option<String>, CliError> {
    let Some(path) = context.base.path_of(resource) else {
        return Ok(None);
    };
    let view = context.leasing.look_at(&path)?.value;
    let mut claims = view.leases().flat_map(|lease| &lease.claims);
    Ok(claims.any(|claim| claim.resource == path).then(|| {
        let command = format!("leasehold unlock {}", quoted(&path.to_string()));
        format!("`{resource}` is a name here and not the file, which is held: {command}")
    }))
}

fn taken(lease: &Lease, clock: &Clock) -> String {
    let what = message::resources(&lease.claims);
    format!(
        "took {what} away from {}",
        message::past_holder(lease, clock)
    )
}

fn stopped(lease: &Lease) -> Option<String> {
    (lease.kind == Kind::Scoped).then(|| STOPPED.into())
}
