//! From the arguments of `guard` and `lock` to a request.

use crate::cli::{ClaimArgs, IntentArg, RequestArgs};
use crate::context::Context;
use crate::error::CliError;
use crate::names::{Base, Named};
use crate::{context, harness, inherit};
use leasehold_api::duration;
use leasehold_core::command::{Ask, Wait};
use leasehold_core::lease::{Holder, Kind};
use leasehold_core::limits::{SLOTS_MAX, TEXT_BYTES_MAX};
use leasehold_core::{Claim, Intent, LeaseId, Resource, Ttl};
use std::num::NonZeroU32;
use std::time::Duration;

/// How long `--wait` alone waits.
const WAIT_DEFAULT: Duration = Duration::from_secs(600);
/// The same for an agent. Harnesses cut off a call of a program after two minutes, some kill it then;
/// a wait that ends by itself before says how to go on, and keeps its place.
pub(crate) const WAIT_DEFAULT_OF_AGENTS: Duration = Duration::from_secs(100);

impl From<IntentArg> for Intent {
    fn from(arg: IntentArg) -> Self {
        match arg {
            IntentArg::Provides => Self::Provides,
            IntentArg::Consumes => Self::Consumes,
            IntentArg::Mutates => Self::Mutates,
            IntentArg::Deletes => Self::Deletes,
            IntentArg::DependsOn => Self::DependsOn,
            IntentArg::Renames => Self::Renames,
        }
    }
}

/// What can be said of a request without opening a store: a mistake in it costs nothing.
pub(crate) struct Checked {
    wait: Wait,
    ttl: Option<Ttl>,
    lease: Option<LeaseId>,
    pub(crate) slots: Slots,
}

/// Pool sizes as given: one for the only name, or by name.
pub(crate) enum Slots {
    None,
    Only(NonZeroU32),
    Named(Vec<(String, NonZeroU32)>),
}

/// Checks the arguments by themselves. `ttl` is what stands in for a missing `--ttl`.
pub(crate) fn check(args: &RequestArgs, ttl: Option<Ttl>) -> Result<Checked, CliError> {
    Ok(Checked {
        wait: wait(args)?,
        ttl: match args.ttl.as_deref() {
            None => ttl,
            Some("none") => None,
            Some(text) if is_zero(text) => {
                let error =
                    format!("--ttl {text:?}: a lease that is over at once protects nothing");
                return Err(CliError::usage(error).hint("for no limit say --ttl none"));
            }
            Some(text) => Some(parse_ttl(text)?),
        },
        lease: args.lease.as_deref().map(inherit::flag).transpose()?,
        slots: slots(&args.claims)?,
    })
}

/// Returns whether this is no time at all, with a unit or without.
fn is_zero(text: &str) -> bool {
    let number = text.trim_end_matches(|c: char| c.is_ascii_lowercase());
    !number.is_empty() && number.bytes().all(|digit| digit == b'0')
}

/// Reads a lifetime.
pub(crate) fn parse_ttl(text: &str) -> Result<Ttl, CliError> {
    let length = parse_duration("--ttl", text)?;
    let millis = u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
    Ttl::from_millis(millis).map_err(|error| CliError::usage(format!("--ttl {text:?}: {error}")))
}

/// Reads a duration given to a flag.
pub(crate) fn parse_duration(flag: &str, text: &str) -> Result<Duration, CliError> {
    if text.starts_with("--") {
        return Err(
            CliError::usage(format!("{flag} needs a duration, and {text:?} follows"))
                .hint("write it like 90s, 5m or 1h30m"),
        );
    }
    duration::parse(text).map_err(|error| {
        CliError::usage(format!("{flag} {text:?}: {error}")).hint("write it like 90s, 5m or 1h30m")
    })
}

/// How long `--wait` alone waits here.
pub(crate) fn wait_default() -> Duration {
    if harness::is_there() {
        WAIT_DEFAULT_OF_AGENTS
    } else {
        WAIT_DEFAULT
    }
}

fn wait(args: &RequestArgs) -> Result<Wait, CliError> {
    if !args.wait {
        return Ok(Wait::No);
    }
    let limit = match &args.timeout {
        None => wait_default(),
        Some(text) => parse_duration("--timeout", text)?,
    };
    match u64::try_from(limit.as_millis()) {
        Ok(0) => Err(CliError::usage("--timeout of zero with --wait")
            .hint("leave both out to fail at once when it is held")),
        Ok(millis) => Ok(Wait::Millis(millis)),
        Err(_) => Ok(Wait::Forever),
    }
}

/// Reads the sizes of pools.
pub(crate) fn slots(args: &ClaimArgs) -> Result<Slots, CliError> {
    let size = |text: &str, whole: &str| {
        let number = text.parse::<NonZeroU32>().ok();
        let number = number.filter(|number| number.get() <= SLOTS_MAX);
        number.ok_or_else(|| {
            CliError::usage(format!(
                "--slots {whole:?}: {text:?} is not a number of slots from 1 to {SLOTS_MAX}"
            ))
        })
    };
    match args.slots.as_slice() {
        [] => Ok(Slots::None),
        [one] if !one.contains('=') => {
            if let [_] = args.names.as_slice() {
                return Ok(Slots::Only(size(one, one)?));
            }
            Err(
                CliError::usage(format!("--slots {one:?} with {} names", args.names.len()))
                    .hint("say which name is the pool: `--slots NAME=N`"),
            )
        }
        several => {
            let named = several.iter().map(|text| match text.rsplit_once('=') {
                Some((name, number)) => Ok((name.to_owned(), size(number, text)?)),
                None => Err(CliError::usage(format!("--slots {text:?} among several"))
                    .hint("write `--slots NAME=N` for each pool")),
            });
            Ok(Slots::Named(named.collect::<Result<_, _>>()?))
        }
    }
}

/// Makes the request.
pub(crate) fn build(
    context: &Context,
    args: &RequestArgs,
    checked: &Checked,
    kind: Kind,
    command: &str,
) -> Result<Ask, CliError> {
    let who = context::who(&args.owner)?;
    let claims = claims(&context.base, &args.claims, &checked.slots)?;
    let inside = match checked.lease {
        Some(lease) => Some(lease),
        None => inherit::lease(context.leasing.workspace())?,
    };
    Ok(Ask {
        kind,
        inside,
        wait: checked.wait,
        ttl: checked.ttl,
        priority: args.priority,
        holder: Holder {
            pid: std::process::id(),
            command: shortened(command).into(),
        },
        ..Ask::new(draw_id()?, who, claims)
    })
}

/// Says of which names it may not be clear what is leased.
pub(crate) fn doubts(base: &Base, args: &ClaimArgs) -> Vec<String> {
    let names = args.names.iter();
    names.filter_map(|name| base.doubt(name)).collect()
}

/// Makes the claims of a request.
pub(crate) fn claims(base: &Base, args: &ClaimArgs, slots: &Slots) -> Result<Vec<Claim>, CliError> {
    let intent = match args.intent {
        Some(intent) => intent.into(),
        None if args.read => Intent::Consumes,
        None => Intent::Mutates,
    };
    let named = args.names.iter().map(|name| base.named(name));
    let named: Vec<Named> = named.collect::<Result<_, _>>()?;
    let (resources, also): (Vec<Resource>, Vec<Vec<Resource>>) = named
        .into_iter()
        .map(|named| (named.resource, named.also))
        .unzip();
    if intent == Intent::Renames && resources.len() < 2 {
        return Err(CliError::usage("--intent renames with one name")
            .hint("name the old path and the new one"));
    }
    let mut pools = Vec::new();
    if let Slots::Named(named) = slots {
        for (name, size) in named {
            let pool = base.parse(name)?;
            if let Some((_, other)) = pools.iter().find(|(known, _)| *known == pool) {
                return Err(CliError::usage(format!(
                    "--slots {pool}={size}: `{pool}` is given {other} slots already"
                ))
                .hint("give each pool one size"));
            }
            pools.push((pool, *size));
        }
        let stray = pools.iter().find(|(pool, _)| !resources.contains(pool));
        if let Some((pool, size)) = stray {
            return Err(CliError::usage(format!(
                "--slots {pool}={size}: `{pool}` is not asked for"
            ))
            .hint(format!("add `{pool}` to the names")));
        }
    }
    let claim = |resource: Resource| {
        let named = pools
            .iter()
            .find(|(pool, _)| *pool == resource)
            .map(|(_, size)| *size);
        let only = if let Slots::Only(size) = slots {
            Some(*size)
        } else {
            None
        };
        match named.or(only) {
            Some(size) => Claim::slot(resource, size),
            None => Claim::new(resource, intent),
        }
    };
    let also = also.into_iter().flatten();
    Ok(resources.into_iter().chain(also).map(claim).collect())
}

/// Draws the id of a request.
pub(crate) fn draw_id() -> Result<LeaseId, CliError> {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits).map_err(|error| {
        CliError::new(
            leasehold_api::code::Code::Error,
            format!("no random numbers: {error}"),
        )
    })?;
    Ok(LeaseId::new(u128::from_be_bytes(bits)))
}

/// Shortens a command for messages and records, on a character boundary.
fn shortened(command: &str) -> String {
    if command.len() <= TEXT_BYTES_MAX {
        return command.into();
    }
    let mut end = TEXT_BYTES_MAX - '…'.len_utf8();
    while !command.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &command[..end])
}
