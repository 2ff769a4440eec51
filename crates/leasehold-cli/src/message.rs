//! What people and agents read: who is in the way, since when, until when, and what to do next.

use crate::scripts::shell::is_assignment;
use crate::ui::quoted;
use crate::{harness, request};
use leasehold_api::duration::short;
use leasehold_api::lease::{FreezeInfo, LeaseState};
use leasehold_core::freeze::Freeze;
use leasehold_core::lease::{Kind, Pickup};
use leasehold_core::verdict::{Blocker, Death, Limit, Place};
use leasehold_core::{Claim, Lease, LeaseId, Ticket, Timestamp, limits};
use leasehold_service::Clock;
use std::collections::BTreeSet;
use std::time::Duration;

/// Names some resources: `` `a` ``, or `` `a` and `b` ``.
pub(crate) fn resources(claims: &[Claim]) -> String {
    let names: Vec<String> = claims
        .iter()
        .map(|claim| format!("`{}`", claim.resource))
        .collect();
    match names.as_slice() {
        [] => "nothing".into(),
        [all @ .., last] if !all.is_empty() => format!("{} and {last}", all.join(", ")),
        [only, ..] => only.clone(),
    }
}

/// Says of what is leased that it is held: "`a` and `b` are held".
pub(crate) fn held(lease: &Lease) -> String {
    are(&lease.claims, "held")
}

/// The same, and by what: "`a` is held by ada@host (pid 12, `make`) for 12s, …".
pub(crate) fn held_by(lease: &Lease, clock: &Clock) -> String {
    format!("{} by {}", held(lease), holder(lease, clock))
}

/// Says of claims that they are held, or something else.
pub(crate) fn are(claims: &[Claim], what: &str) -> String {
    let are = if claims.len() > 1 { "are" } else { "is" };
    format!("{} {are} {what}", resources(claims))
}

/// What a lease is held by: "ada@host (pid 12, `make`) for 12s, expires in 48s (lease 3f9c0a1b)".
pub(crate) fn holder(lease: &Lease, clock: &Clock) -> String {
    let now = clock.now();
    let held = short(now.millis_since(lease.granted));
    let rest = match lease.expires {
        Some(at) if at <= now => format!(", expired {} ago", short(now.millis_since(at))),
        Some(at) => format!(", expires in {}", short(at.millis_since(now))),
        None => String::new(),
    };
    let state = match (&lease.pickup, lease.orphaned) {
        (Pickup::Unbound(_), _) => ", just granted to its waiter",
        (Pickup::Bound, Some(_)) => "; its guard is dead, its command still runs",
        (Pickup::Bound, None) => "",
    };
    format!(
        "{} for {held}{rest}{state} (lease {})",
        party(lease),
        brief(lease)
    )
}

/// By what a lease was held: "ada@host (pid 12, `make`), who had it for 12s (lease 3f9c0a1b)".
pub(crate) fn past_holder(lease: &Lease, clock: &Clock) -> String {
    let held = short(clock.now().millis_since(lease.granted));
    let party = party(lease);
    format!("{party}, who had it for {held} (lease {})", brief(lease))
}

/// Who holds a lease, and by what process.
fn party(lease: &Lease) -> String {
    let owner = &lease.who.owner;
    match lease.kind {
        Kind::Scoped => {
            let (pid, command) = (lease.holder.pid, command(&lease.holder.command));
            format!("{owner} (pid {pid}{command})")
        }
        Kind::Standing => format!("{owner} (a standing lock)"),
    }
}

/// Who waits: "ada@host (pid 12, `make`) for 12s".
pub(crate) fn waiter(ticket: &Ticket, clock: &Clock) -> String {
    let process = format!(
        "pid {}{}",
        ticket.holder.pid,
        command(&ticket.holder.command)
    );
    let waits = short(clock.now().millis_since(ticket.since));
    format!("{} ({process}) for {waits}", ticket.who.owner)
}

/// Whose place is kept, and until when: "ada@host (`make`), another 9m58s". Its process is gone.
pub(crate) fn absentee(ticket: &Ticket, until: Timestamp, clock: &Clock) -> String {
    let command = match &*ticket.holder.command {
        "" => String::new(),
        text => format!(" (`{}`)", abridged(text, COMMAND_SHOWN)),
    };
    let left = short(until.millis_since(clock.now()));
    format!("{}{command}, another {left}", ticket.who.owner)
}

fn command(text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!(", `{}`", abridged(text, COMMAND_SHOWN))
    }
}

/// How many characters of a command a message shows: enough to know it by.
pub(crate) const COMMAND_SHOWN: usize = 60;

/// Shortens a text to some characters.
pub(crate) fn abridged(text: &str, characters_max: usize) -> String {
    let mut rest = text.char_indices();
    match rest.nth(characters_max) {
        None => text.into(),
        Some(_) => {
            let kept: String = text.chars().take(characters_max - 1).collect();
            format!("{kept}…")
        }
    }
}

/// The first digits of a lease id: enough to tell leases apart, not enough to prove one.
pub(crate) fn brief(lease: &Lease) -> String {
    lease
        .id
        .to_string()
        .chars()
        .take(leasehold_api::lease::BRIEF)
        .collect()
}

/// One line for somebody in the way.
pub(crate) fn blocker(blocker: &Blocker, clock: &Clock) -> String {
    match blocker {
        Blocker::Lease(lease) => held_by(lease, clock),
        Blocker::Ticket(ticket) => {
            format!(
                "{} by {}",
                are(&ticket.claims, "waited for"),
                waiter(ticket, clock)
            )
        }
    }
}

/// One line for all who are in the way, the first of them by name.
pub(crate) fn blockers(blockers: &[Blocker], clock: &Clock) -> String {
    match blockers {
        [] => "it is not free".into(),
        [only] => blocker(only, clock),
        [first, rest @ ..] => format!("{}, and {} more", blocker(first, clock), rest.len()),
    }
}

/// One line for a freeze.
pub(crate) fn frozen(freezes: &[Freeze], clock: &Clock) -> String {
    let Some(freeze) = freezes.first() else {
        return "it is frozen".into();
    };
    format!(
        "`{}` is frozen {} by {}",
        freeze.resource,
        until(freeze.until, clock),
        freeze.who.owner
    )
}

/// Until when a freeze lasts.
pub(crate) fn until(end: Option<Timestamp>, clock: &Clock) -> String {
    match end {
        Some(at) => {
            let left = short(at.millis_since(clock.now()));
            format!(
                "until {} (another {left})",
                leasehold_api::lease::date(clock, at)
            )
        }
        None => "for as long as its record cannot be read".into(),
    }
}

/// Says that what was ended under one name need not have been the asker's own.
pub(crate) fn perhaps_anothers(whose: &str) -> String {
    format!(
        "{whose}, and may have been somebody else's; to tell agents apart, set LEASEHOLD_SESSION or \
         LEASEHOLD_OWNER"
    )
}

/// What to do about freezes, and the flags of the command that does it.
pub(crate) fn through_freeze(freezes: &[FreezeInfo]) -> (&'static str, String) {
    // Nothing where it cannot be told how long one of them lasts.
    let left: Option<Vec<u64>> = freezes.iter().map(|freeze| freeze.remaining_ms).collect();
    let left_ms = left.and_then(|left| left.into_iter().max());
    through(left_ms, request::wait_default(), harness::is_there())
}

fn through(left_ms: Option<u64>, wait: Duration, is_agent: bool) -> (&'static str, String) {
    let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
    match left_ms.filter(|left| *left > wait_ms) {
        None => ("queue until it is over", "--wait".into()),
        // Its call would be cut off long before.
        Some(_) if is_agent => ("come back when it is over", "--wait".into()),
        // And then for as long as one waits for what is merely held.
        Some(left) => {
            let left = left.div_ceil(60_000) * 60_000;
            let timeout = short(left.saturating_add(wait_ms));
            (
                "queue until it is over",
                format!("--wait --timeout {timeout}"),
            )
        }
    }
}

/// One line for a lease that was cleared away.
pub(crate) fn cleared(lease: &Lease, state: LeaseState, clock: &Clock) -> String {
    let why = match state {
        LeaseState::Dead => "; its processes are dead",
        _ => "",
    };
    format!(
        "cleared {}: held by {}{why}",
        resources(&lease.claims),
        holder(lease, clock)
    )
}

/// How many things of one kind are told of one by one.
const LISTED_MAX: usize = 20;

/// How many names there are in one line.
const NAMED_MAX: usize = 3;

/// Makes a line for each, and one for those that would be too many.
pub(crate) fn listed<T>(all: &[T], line: impl Fn(&T) -> String) -> Vec<String> {
    let mut lines: Vec<String> = all.iter().take(LISTED_MAX).map(line).collect();
    let rest = all.len().saturating_sub(LISTED_MAX);
    lines.extend((rest > 0).then(|| format!("and {rest} more")));
    lines
}

/// One line for a place in the queue.
pub(crate) fn place(place: &Place, clock: &Clock, expected: Option<u64>) -> String {
    let what = resources(&place.ticket.claims);
    let limit = place
        .ticket
        .wait_until
        .map(|at| at.millis_since(clock.now()));
    let limit = limit.map_or_else(String::new, |left| format!(", for up to {}", short(left)));
    let ahead = ahead(place);
    let reason = if place.frozen.is_empty() {
        // What is held says more than who waits just ahead.
        place
            .blockers
            .first()
            .map_or_else(String::new, |b| format!(": {}", blocker(b, clock)))
    } else {
        format!(": {}", frozen(&place.frozen, clock))
    };
    let expected = expected.map_or_else(String::new, |left| format!(", {}", usually(left)));
    format!("waiting for {what}, {ahead}{limit}{expected}{reason}")
}

/// Says when something is free as a rule.
pub(crate) fn usually(left_ms: u64) -> String {
    match left_ms {
        0 => "usually free by now".into(),
        left => format!("usually free in {}", about(left)),
    }
}

/// A length of time without more figures than an estimate has.
pub(crate) fn about(millis: u64) -> String {
    let unit = match millis {
        0..10_000 => 1_000,
        10_000..60_000 => 5_000,
        60_000..3_600_000 => 60_000,
        _ => 600_000,
    };
    short(millis.div_ceil(unit) * unit)
}

/// Says where a place in the queue is.
pub(crate) fn ahead(place: &Place) -> String {
    match place.ahead {
        0 => "next in line".to_owned(),
        1 => "behind 1 other".to_owned(),
        n => format!("behind {n} others"),
    }
}

/// Says who waits for a lease that is held, for its holder.
pub(crate) fn waited_for(claims: &[Claim], waiters: &[&Ticket]) -> String {
    let names: BTreeSet<&str> = waiters
        .iter()
        .map(|ticket| &*ticket.who.owner.name)
        .collect();
    let names: Vec<&str> = names.into_iter().collect();
    let (shown, rest) = names.split_at(names.len().min(NAMED_MAX));
    let more = match rest.len() {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    let what = resources(claims);
    let number = match waiters.len() {
        1 => "1 other waits".to_owned(),
        n => format!("{n} others wait"),
    };
    format!("{number} for {what}: {}{more}", shown.join(", "))
}

/// Says why a request died and what to release.
pub(crate) fn death(claims: &[Claim], death: &Death, clock: &Clock) -> (String, Vec<String>) {
    let what = resources(claims);
    let blocked = blockers(&death.blockers, clock);
    let presser = death.pressers.first();
    let wanted = death.wanted.first();
    let message = match (presser, wanted) {
        (Some(presser), Some(wanted)) => format!(
            "waiting for {what} would deadlock: {} waits for {}, which you hold, and {blocked}",
            presser.who.owner,
            resources(&wanted.claims),
        ),
        _ => format!("waiting for {what} would deadlock: {blocked}"),
    };
    let mut hints: Vec<String> = death.wanted.iter().map(release).collect();
    hints.push(
        "then ask again: the retry keeps its age, and holding nothing it may always wait".into(),
    );
    (message, hints)
}

fn release(lease: &Lease) -> String {
    let what = resources(&lease.claims);
    match lease.kind {
        Kind::Standing => format!("release {what}: leasehold unlock --lease {}", lease.id),
        Kind::Scoped => format!(
            "release {what} by letting the command under its guard end (pid {})",
            lease.holder.pid
        ),
    }
}

/// Says which limit a request for these claims goes over, and what to do.
pub(crate) fn limit(limit: Limit, claims: &[Claim]) -> (String, &'static str) {
    let pools = || claims.iter().filter(|claim| claim.slots.is_some());
    let named = |wanted: &dyn Fn(&Claim) -> bool| {
        let found: Vec<Claim> = pools().filter(|claim| wanted(claim)).cloned().collect();
        resources(&found)
    };
    match limit {
        Limit::NoClaims => ("nothing is asked for".into(), "name at least one resource"),
        Limit::Claims => (
            format!(
                "{} resources in one request: more than {}",
                claims.len(),
                limits::CLAIMS_MAX
            ),
            "ask for a tree that has them, such as path:src",
        ),
        Limit::OwnClaims => {
            let twice = |claim: &Claim| pools().filter(|other| claim.same_pool(other)).count() > 1;
            (
                format!(
                    "more than one slot of a pool in one request: {}",
                    named(&twice)
                ),
                "one request takes one slot of a pool",
            )
        }
        Limit::Slots => {
            let large = |claim: &Claim| claim.slots.is_some_and(|n| n.get() > limits::SLOTS_MAX);
            (
                format!(
                    "{} with more than {} slots",
                    named(&large),
                    limits::SLOTS_MAX
                ),
                "ask for a smaller pool",
            )
        }
        Limit::SlotsOfTree => (
            format!(
                "a path has no slots: {}",
                named(&|claim| claim.resource.as_path().is_some())
            ),
            "pools are plain names, such as gpu or name:gpu",
        ),
        Limit::Tickets => (
            format!("more than {} requests wait already", limits::TICKETS_MAX),
            "try again later, or without --wait",
        ),
        Limit::Chain => (
            format!("more than {} leases inside each other", limits::CHAIN_MAX),
            "take the resources in one request",
        ),
        Limit::Text => (
            format!(
                "an owner, host or session longer than {} bytes",
                limits::TEXT_BYTES_MAX
            ),
            "use a shorter name",
        ),
        Limit::Tokens => (
            "all fencing tokens of this workspace are used up".into(),
            "start a new workspace",
        ),
    }
}

/// Says what becomes of the place of a wait that ended, and what to run.
pub(crate) fn go_on_waiting() -> String {
    format!(
        "your place is kept for 10m; to go on waiting, run it again: {}",
        again(None)
    )
}

/// Writes the command that was run with a flag added after the verb.
pub(crate) fn again_with(flag: &str) -> String {
    again(Some(flag))
}

/// Writes the command that was run as one inside a lease, unless it was to be inside one already.
pub(crate) fn again_inside(lease: LeaseId) -> Option<String> {
    let is_lease = |word: std::ffi::OsString| word.to_string_lossy().starts_with("--lease");
    let mut words = std::env::args_os().take_while(|word| word != "--");
    (!words.any(is_lease)).then(|| again(Some(&format!("--lease {lease}"))))
}

fn again(flag: Option<&str>) -> String {
    let mut words = typed();
    let own = words.len().min(2);
    words.splice(own..own, flag.map(Into::into));
    words.join(" ")
}

/// Returns the command that was run, quoted for a shell, without the directory that the program is in.
fn typed() -> Vec<String> {
    let words = std::env::args_os().map(|word| quoted(&word.to_string_lossy()));
    let mut words: Vec<String> = words.collect();
    match words.first_mut() {
        None => words.push("leasehold".into()),
        Some(program) => {
            if let Some((_, name)) = program.rsplit_once('/') {
                *program = name.to_owned();
            }
        }
    }
    words
}

/// Writes how this was called, up to a verb: `lokt demo` where that is how.
pub(crate) fn called(verb: &str) -> String {
    let mut words = typed();
    match words.iter().position(|word| word == verb) {
        Some(at) => {
            words.truncate(at + 1);
            words.join(" ")
        }
        None => format!("leasehold {verb}"),
    }
}

/// Words that only a shell knows, and would not be found as programs.
const OF_SHELLS: [&str; 8] = [
    "cd", "export", "source", ".", "eval", "set", "ulimit", "umask",
];

/// Says where a program that was not found was looked for, or how to run it where it can only have been
/// meant for a shell.
pub(crate) fn not_found(program: &str) -> Option<String> {
    if let Some(script) = again_by_a_shell(program) {
        return Some(script);
    }
    if program.starts_with('-') {
        return Some("write `--` before all of the command: what stands before it is names".into());
    }
    let directory = std::env::current_dir().ok()?;
    let from_here = program.contains('/') && !program.starts_with('/');
    from_here.then(|| {
        let directory = directory.display();
        format!("it is looked for from where you are: {directory}")
    })
}

fn again_by_a_shell(program: &str) -> Option<String> {
    let sets = is_assignment(program);
    if !(sets || OF_SHELLS.contains(&program) || program.contains(char::is_whitespace)) {
        return None;
    }
    let words = typed();
    let dashes = words.iter().position(|word| word == "--")?;
    let rest = words.get(dashes + 2..)?;
    let script = [program.to_owned()];
    let script = script.iter().chain(rest).map(String::as_str);
    let script = quoted(&script.collect::<Vec<_>>().join(" "));
    let head = words[..dashes].join(" ");
    Some(format!("only a shell knows that: {head} -c {script}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is pasted has to get through the freeze, where that can be waited for at all.
    #[test]
    fn a_wait_for_the_end_of_a_freeze_is_long_enough() {
        let said = |left_ms, wait_s, is_agent| {
            let (what, flags) = through(left_ms, Duration::from_secs(wait_s), is_agent);
            format!("{what}: {flags}")
        };
        let short = "queue until it is over: --wait";
        assert_eq!(said(None, 600, false), short);
        assert_eq!(said(Some(600_000), 600, false), short);
        let longer = "queue until it is over: --wait --timeout 40m";
        assert_eq!(said(Some(1_799_999), 600, false), longer);
        let night = "queue until it is over: --wait --timeout 8h10m";
        assert_eq!(said(Some(28_799_999), 600, false), night);
        assert_eq!(said(Some(90_000), 100, true), short);
        let later = "come back when it is over: --wait";
        assert_eq!(said(Some(110_000), 100, true), later);
    }
}
