//! Tells a history so that a person can follow it.

use super::act::{Act, Done, Then};
use super::check::claims;
use super::explore::Graph;
use super::instance::Instance;
use super::program::Step;
use super::world::{Phase, World};
use crate::subject::Subject;
use leasehold_core::event::Event;
use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The acts that lead to a state, as their places among what could happen.
pub(super) fn path_to(graph: &Graph, state: usize) -> Vec<u8> {
    let (mut path, mut at) = (Vec::new(), state);
    while let Some((parent, act)) = graph.parents.get(at).filter(|(p, _)| *p != u32::MAX) {
        path.push(*act);
        at = *parent as usize;
    }
    path.reverse();
    path
}

/// Plays a history again and writes it down, one step a line.
pub(super) fn tell(instance: &Instance, path: &[u8]) -> String {
    let mut told = format!("      {}\n", instance.text());
    let mut world = World::new(instance);
    for (number, place) in path.iter().enumerate() {
        let Some(act) = world.acts(instance).get(usize::from(*place)).copied() else {
            break;
        };
        let what = name(instance, &world, act);
        let step = catch_unwind(AssertUnwindSafe(|| world.act(instance, act)));
        let came = step.map_or_else(|_| "panic".to_owned(), |done| outcome(&done));
        let _written = writeln!(told, "      {:>3}. {what}{came}", number + 1);
    }
    told
}

fn name(instance: &Instance, world: &World, act: Act) -> String {
    let text = |claim: usize| format!("[{}] {}", claim, instance.programs[claim].text);
    let request = |claim: usize, at: usize| &instance.programs[claim].requests[at].text;
    match act {
        Act::Go(claim) => {
            let stand = &world.stands[claim];
            let step = match (&stand.phase, instance.programs[claim].steps[stand.at]) {
                (Phase::Backing, _) => "gives back".to_owned(),
                (Phase::Asleep(_), _) => "wakes and looks".to_owned(),
                (Phase::Again(..), Step::Take(at)) => format!("asks again {}", request(claim, at)),
                (_, Step::Take(at)) => format!("asks {}", request(claim, at)),
                (_, Step::Give(at)) => format!("releases {}", request(claim, at)),
            };
            format!("{} {step}", text(claim))
        }
        Act::Renew(claim, at) => format!("{} renews {}", text(claim), request(claim, at)),
        Act::Kill(claim) => format!("{} is killed", text(claim)),
        Act::Orphan(claim, at) => format!("{}: guard {} dies", text(claim), request(claim, at)),
        Act::Interrupt(claim, Then::Retry) => format!("{} is interrupted", text(claim)),
        Act::Interrupt(claim, Then::Leave) => format!("{} is interrupted, leaves", text(claim)),
        Act::Cancel(claim) => format!("{} gives its place up", text(claim)),
        Act::Tick => "time passes".to_owned(),
        Act::Freeze => "something is frozen".to_owned(),
        Act::Thaw => "it is thawed".to_owned(),
    }
}

fn outcome(done: &Done) -> String {
    let mut events: Vec<String> = done.events.iter().map(event).collect();
    if done.is_through {
        events.push("(its end)".to_owned());
    }
    if events.is_empty() {
        return String::new();
    }
    format!(" → {}", events.join(", "))
}

fn event(event: &Event) -> String {
    let name = event.name();
    match (Subject::of(event), event) {
        (Subject::Ticket(t), _) => format!("{name} {} {}", t.who.owner.name, claims(&t.claims)),
        (Subject::Lease(l), _) => format!("{name} {} {}", l.who.owner.name, claims(&l.claims)),
        (Subject::Other, Event::Refused { who, claims: c, .. }) => {
            format!("{name} {} {}", who.owner.name, claims(c))
        }
        (Subject::Other, _) => name.to_owned(),
    }
}
