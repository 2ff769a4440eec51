//! `leasehold why`: what a request would be answered, for which reasons, and what to do.

mod reasons;

use self::reasons::Reasons;
use crate::answer::{self, Asked, Told};
use crate::cli::{ClaimArgs, IntentArg, Why};
use crate::context::Context;
use crate::error::CliError;
use crate::ui::quoted;
use crate::{context, inherit, message, request, usual};
use clap::ValueEnum as _;
use leasehold_api::code::Code;
use leasehold_api::lease::{BlockerInfo, FreezeInfo, LeaseInfo, TicketInfo};
use leasehold_api::outcome::Outcome;
use leasehold_api::why::WaitInfo;
use leasehold_core::command::Ask;
use leasehold_core::freeze::Freeze;
use leasehold_core::verdict::{Blocker, Refusal, Verdict};
use leasehold_core::{Claim, LeaseId};
use leasehold_service::{Answer, Clock, Foresight};

const VERB: &str = "why";

pub(crate) fn run(args: &Why) -> Result<Told, CliError> {
    let slots = request::slots(&args.claims)?;
    let flag = args.lease.as_deref().map(inherit::flag).transpose()?;
    let who = context::who(&args.call.owner)?;
    let (context, place) = context::open_to_look(&args.call.store)?;
    let claims = request::claims(&place.base(), &args.claims, &slots)?;
    let workspace = context
        .as_ref()
        .map_or("", |context| context.leasing.workspace());
    let inside = match flag {
        Some(lease) => Some(lease),
        None => inherit::lease(workspace)?,
    };
    place.warn_of_leftovers();
    place.warn_of_lokt();
    let unwritable = place.unwritable();
    let Some(context) = context else {
        // Where nothing is remembered nothing is held.
        let outcome = match inside {
            Some(lease) => answer::stale_proof(VERB, lease),
            None => free(&claims, args),
        };
        let notes = place.absent().into_iter().chain(unwritable);
        return Ok(Told::from(Outcome {
            notes: notes.collect(),
            ..outcome
        }));
    };
    let ask = Ask {
        inside,
        ..Ask::new(request::draw_id()?, who, claims)
    };
    let mut told = answered(&context, &ask, args)?;
    told.outcome.notes.extend(unwritable);
    Ok(told)
}

fn answered(context: &Context, ask: &Ask, args: &Why) -> Result<Told, CliError> {
    let Answer { value, clock } = context.leasing.foresee(ask)?;
    let looked = Looked {
        ask,
        args,
        found: &value,
        clock: &clock,
    };
    let asked = Asked {
        verb: VERB,
        who: &ask.who,
        claims: &ask.claims,
    };
    Ok(match &value.now {
        Verdict::Lost(lease) => answer::stale_proof(VERB, *lease).into(),
        Verdict::Refused(refusal @ (Refusal::PoolSize { .. } | Refusal::Limit(_))) => {
            answer::refused(&asked, refusal, &clock).into()
        }
        Verdict::Joined(cover) => looked.told(joined(&ask.claims, cover)),
        Verdict::Refused(_) => {
            let leasing = &*context.leasing;
            let blockers = reasons::blockers(&value);
            let outcome = usual::add(looked.blocked(), leasing, &asked, blockers, &clock);
            looked.told(outcome)
        }
        _ => looked.told(free(&ask.claims, args)),
    })
}

fn free(claims: &[Claim], args: &Why) -> Outcome {
    let what = message::resources(claims);
    let text = format!("{what}: free, the lease would be granted now");
    Outcome {
        hints: vec![format!("run it: {}", command(&args.claims, ""))],
        ..answer::outcome(VERB, Code::Ok, text)
    }
}

fn joined(claims: &[Claim], cover: &[LeaseId]) -> Outcome {
    let what = message::resources(claims);
    let by = match cover.len() {
        1 => "the lease around this covers it",
        _ => "the leases around this cover it",
    };
    let text = format!("{what}: free, {by}");
    answer::outcome(VERB, Code::Ok, text)
}

/// The command to run next.
fn command(args: &ClaimArgs, flag: &str) -> String {
    let mut words = vec!["leasehold guard".to_owned()];
    words.extend(args.names.iter().map(|name| quoted(name)));
    words.extend(args.read.then(|| "--read".to_owned()));
    let intent = args.intent.as_ref().and_then(IntentArg::to_possible_value);
    words.extend(intent.map(|intent| format!("--intent {}", intent.get_name())));
    let slots = args.slots.iter();
    words.extend(slots.map(|slots| format!("--slots {}", quoted(slots))));
    words.extend((!flag.is_empty()).then(|| flag.to_owned()));
    words.join(" ") + " -- COMMAND"
}

/// What was found out about a request.
struct Looked<'a> {
    ask: &'a Ask,
    args: &'a Why,
    found: &'a Foresight,
    clock: &'a Clock,
}

impl Looked<'_> {
    /// The outcome of a request that would be refused.
    fn blocked(&self) -> Outcome {
        let (found, clock) = (self.found, self.clock);
        let what = message::resources(&self.ask.claims);
        // Who waits through a freeze is not judged, so it would not die while that lasts.
        let code = match &found.waiting {
            _ if !found.frozen.is_empty() => Code::Frozen,
            Verdict::Died(_) => Code::Died,
            _ => Code::Held,
        };
        let text = match code {
            Code::Died => "blocked, and waiting for it could end in a deadlock",
            Code::Frozen => "frozen",
            _ => "blocked",
        };
        let blockers = reasons::blockers(found);
        let freezes = found.frozen.iter().map(|f| FreezeInfo::new(f, clock));
        let freezes: Vec<FreezeInfo> = freezes.collect();
        let mut outcome = Outcome {
            hints: self.hints(blockers, &freezes),
            blockers: blockers
                .iter()
                .map(|b| BlockerInfo::new(b, clock))
                .collect(),
            freezes,
            ..answer::outcome(VERB, code, format!("{what}: {text}{}", self.place()))
        };
        match &found.waiting {
            Verdict::Queued(place) => outcome.ahead = Some(place.ahead),
            Verdict::Died(death) => {
                let wanted = death.wanted.iter();
                outcome.leases = wanted.map(|l| LeaseInfo::new(l, None, clock)).collect();
                let pressers = death.pressers.iter().filter(|t| t.request != self.ask.id);
                outcome.pressers = pressers.map(|t| TicketInfo::new(t, clock)).collect();
            }
            _ => {}
        }
        outcome
    }

    /// Where it would stand in the queue.
    fn place(&self) -> String {
        match &self.found.waiting {
            Verdict::Queued(place) => match place.ahead {
                0 => "; with --wait you would be next in line".into(),
                1 => "; with --wait you would be behind 1 other".into(),
                number => format!("; with --wait you would be behind {number} others"),
            },
            Verdict::Granted(_) if self.found.frozen.is_empty() => {
                "; with --wait it would be granted now".into()
            }
            _ => String::new(),
        }
    }

    fn hints(&self, blockers: &[Blocker], freezes: &[FreezeInfo]) -> Vec<String> {
        let who = &self.ask.who;
        let mut hints = match &self.found.waiting {
            Verdict::Died(death) => {
                let (_, hints) = message::death(&self.ask.claims, death, self.clock);
                hints
            }
            Verdict::Refused(Refusal::Limit(limit)) => {
                let (text, hint) = message::limit(*limit, &self.ask.claims);
                vec![format!("{text}: {hint}")]
            }
            _ => {
                let (what, flags) = if freezes.is_empty() {
                    ("queue for it", "--wait".to_owned())
                } else {
                    message::through_freeze(freezes)
                };
                vec![format!("{what}: {}", command(&self.args.claims, &flags))]
            }
        };
        if reasons::has_kept_place(self.found, self.ask) {
            hints.push("your place is kept: with --wait you take it up again".into());
        }
        let own = |freeze: &&Freeze| freeze.who.owner == who.owner;
        hints.extend(self.found.frozen.iter().find(own).map(|freeze| {
            let name = quoted(&freeze.resource.to_string());
            let whose = if freeze.who.same_agent(who) {
                "you froze it yourself"
            } else {
                // An agent without a name goes by that of the person whose user it has.
                "it is frozen under your own name; if that was you"
            };
            format!("{whose}: leasehold unfreeze {name}")
        }));
        hints.extend(answer::own_lock(who, blockers).map(|lease| {
            let inside = command(&self.args.claims, &format!("--lease {}", lease.id));
            format!("or work inside your own lock: {inside}")
        }));
        hints.extend(blockers.iter().find_map(|b| answer::perhaps_own(who, b)));
        hints.extend(answer::pool(&self.ask.claims, blockers));
        hints
    }

    /// Adds the reasons, and makes the lines for a terminal.
    fn told(&self, mut outcome: Outcome) -> Told {
        let reasons = Reasons::of(self.found, self.ask, self.clock);
        let mut lines = vec![outcome.message.clone()];
        lines.extend(message::listed(&reasons.infos, reasons::line));
        lines.extend(message::listed(&reasons.further, |place| {
            reasons::wait_line(place, self.clock)
        }));
        outcome.reasons = reasons.infos;
        let waits = self.found.waits.iter();
        outcome.waits = waits
            .map(|place| WaitInfo::new(place, self.clock))
            .collect();
        Told { outcome, lines }
    }
}
