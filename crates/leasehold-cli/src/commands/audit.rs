//! `leasehold audit`: what happened, and what happens.

mod line;

use crate::answer;
use crate::cli::Audit;
use crate::context::{self, Context};
use crate::error::CliError;
use crate::names::Named;
use crate::process::Signals;
use crate::ui::{self, Output};
use leasehold_api::code::Code;
use leasehold_api::{event, moment};
use leasehold_core::Timestamp;
use leasehold_service::audit::{Counted, EVENTS, Follow, Query, Told};
use leasehold_service::{Clock, ServiceError};
use leasehold_store::{Span, StoreError};
use std::time::SystemTime;

const VERB: &str = "audit";
/// How many damaged places are named; the rest are counted.
const DAMAGES_NAMED: u64 = 5;

/// The moments asked for, by the wall clock.
struct Asked {
    since: Option<SystemTime>,
    until: Option<SystemTime>,
}

pub(crate) fn run(args: &Audit) -> u8 {
    match tell(args) {
        Ok(()) => crate::exit::OK,
        Err(error) => super::tell(VERB, args.json, Err::<answer::Told, _>(error)),
    }
}

fn tell(args: &Audit) -> Result<(), CliError> {
    let asked = check(args)?;
    let (context, place) = context::open_to_look(&args.store)?;
    let base = place.base();
    let named = args.name.iter().map(|name| base.named(name));
    let named: Vec<Named> = named.collect::<Result<_, _>>()?;
    let names = named.into_iter().flat_map(Named::all).collect();
    let Some(context) = context else {
        return if args.follow {
            Err(
                CliError::new(Code::NotFound, "nothing was ever leased here")
                    .hint("take a lease first: leasehold guard NAME -- COMMAND"),
            )
        } else {
            Ok(())
        };
    };
    let clock = clock(&context)?;
    let query = Query {
        span: span(&asked, args.follow, &clock),
        names,
        owner: args.owner.clone(),
        events: args.event.clone(),
        renewals: args.renewals,
    };
    let counted = print(args, &context, &query, &clock)?;
    if counted.damaged > DAMAGES_NAMED {
        ui::talk(&format!(
            "warning: {} places could not be read",
            counted.damaged
        ));
    }
    if counted.damaged > 0 {
        ui::talk("hint: see what can be mended: leasehold doctor --verify");
    }
    Ok(())
}

/// The clock of the workspace; where the store is damaged in what it goes on from, that of the wall. What
/// happened is what is wanted just then.
fn clock(context: &Context) -> Result<Clock, CliError> {
    match context.leasing.look(&[]) {
        Ok(answer) => Ok(answer.clock),
        Err(ServiceError::Store(error @ (StoreError::Damaged { .. } | StoreError::Io { .. }))) => {
            ui::talk(&format!("warning: {error}"));
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
            let now = u64::try_from(now.unwrap_or_default().as_millis()).unwrap_or(u64::MAX);
            Ok(Clock::at(Timestamp::from_millis(now)))
        }
        Err(error) => Err(error.into()),
    }
}

/// Checks what can be checked without a store.
fn check(args: &Audit) -> Result<Asked, CliError> {
    let now = SystemTime::now();
    let moment = |flag: &str, text: &Option<String>| {
        let parsed = text.as_deref().map(|text| {
            moment::parse(text, now)
                .map_err(|error| CliError::usage(format!("{flag} {text:?}: {error}")))
        });
        parsed.transpose()
    };
    let (since, until) = (
        moment("--since", &args.since)?,
        moment("--until", &args.until)?,
    );
    if since.zip(until).is_some_and(|(since, until)| until < since) {
        return Err(CliError::usage("--until is before --since")
            .hint("both count back from now: --since 8h --until 1h"));
    }
    for event in &args.event {
        if !EVENTS.contains(&event.as_str()) {
            return Err(
                CliError::usage(format!("--event {event:?}: there is no such event"))
                    .hint(format!("events are {}", EVENTS.join(" "))),
            );
        }
    }
    if let Some(owner) = &args.owner {
        crate::identity::checked("--owner", owner)?;
    }
    Ok(Asked { since, until })
}

fn span(asked: &Asked, follow: bool, clock: &Clock) -> Span {
    let at = |wall: SystemTime| clock.at_wall(wall);
    // What comes begins behind what happened in this very millisecond.
    let start = if follow {
        clock.now().plus_millis(1)
    } else {
        Span::ALL.since
    };
    Span {
        since: asked.since.map_or(start, at),
        until: asked.until.map_or(Timestamp::MAX, at),
    }
}

fn print(
    args: &Audit,
    context: &Context,
    query: &Query,
    clock: &Clock,
) -> Result<Counted, CliError> {
    let failed = |what: &str, error| CliError::new(Code::Error, format!("{what}: {error}"));
    let signals = args.follow.then(Signals::install).transpose();
    let signals = signals.map_err(|error| failed("signals", error))?;
    let follow = signals
        .as_ref()
        .map_or(Follow::No, |s| Follow::Until(s.fd()));
    let (mut output, mut damaged) = (Output::default(), 0);
    let mut dates = event::Dates::new(clock);
    let counted = context
        .leasing
        .audit(query, follow, &mut |told| match told {
            Told::Event(at, brief) if args.json => output.add(|out| {
                let begin = out.len();
                event::write_line(out, at, brief, &mut dates);
                ui::end_json(out, begin);
            }),
            Told::Event(at, brief) => output.add(|out| line::write(out, at, brief, &mut dates)),
            Told::Damaged(place, detail) => {
                damaged += 1;
                if damaged <= DAMAGES_NAMED {
                    ui::talk(&format!("warning: {place}: {detail}"));
                }
                true
            }
            Told::Pause => output.flush(),
        });
    let written = output.finish();
    let counted = counted?;
    written.map_err(|error| failed("standard output", error))?;
    Ok(counted)
}
