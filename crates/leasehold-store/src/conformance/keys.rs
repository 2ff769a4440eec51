//! What each key finds: all that it names, and nothing else.

use super::Subject;
use super::sample::Draw;
use super::support::{answer, ask, beside, check_keys, check_state, claim, expected, id, put};
use super::support::{resource, shown, take, transact, who, whole_of};
use crate::{Access, Loaded, Store};
use leasehold_core::command::{Command, Wait};
use leasehold_core::event::Event;
use leasehold_core::lease::Kind;
use leasehold_core::ticket::TicketState;
use leasehold_core::verdict::Verdict;
use leasehold_core::view::{Key, View};
use leasehold_core::{Lease, Resource, Ticket, Timestamp, freeze::Freeze};
use std::sync::Arc;

/// Puts leases, tickets and freezes on these, and looks at each alone and at pairs.
fn check<S: Subject>(subject: &S, texts: &[&str]) {
    let resources: Vec<Resource> = texts.iter().map(|text| resource(text)).collect();
    check_resources(subject, &resources);
}

fn check_resources<S: Subject>(subject: &S, resources: &[Resource]) {
    let store = subject.open();
    let mut whole = beside(&store);
    let mut put_all = |events: Vec<Event>| {
        put(&store, &events);
        whole.apply_all(&events);
    };
    let stored = on_each(resources, &store);
    put_all(stored.iter().map(|stored| stored.come.clone()).collect());
    look(subject, &whole, resources);
    // Every other one goes.
    let gone: Vec<Event> = stored
        .into_iter()
        .step_by(2)
        .map(|stored| stored.go)
        .collect();
    put(&store, &gone);
    whole.apply_all(&gone);
    look(subject, &whole, resources);
}

fn look<S: Subject>(subject: &S, whole: &View, resources: &[Resource]) {
    let store = subject.open();
    check_keys(&store, whole, &[Key::All]);
    for (place, resource) in resources.iter().enumerate() {
        let key = Key::Overlap(resource.clone());
        check_keys(&store, whole, std::slice::from_ref(&key));
        // Together with another one, at once and one after the other.
        let other = Key::Overlap(resources[(place + 1) % resources.len()].clone());
        let both = [key, other];
        check_keys(&store, whole, &both);
        let mut loaded = store.load(&both[..1], Access::Decide).unwrap();
        store.load_more(&mut loaded, &both[1..]).unwrap();
        assert_eq!(
            shown(loaded.view()),
            expected(whole, &both),
            "{both:?} one by one"
        );
    }
}

struct Stored {
    come: Event,
    go: Event,
}

/// A lease on each resource, and on some a ticket or a freeze.
fn on_each<S: Store>(resources: &[Resource], store: &S) -> Vec<Stored> {
    let (mut draw, mut counters) = (Draw::new(5), whole_of(store).counters());
    let mut stored = Vec::new();
    for (place, resource) in resources.iter().enumerate() {
        counters.number += 1;
        counters.token = counters.token.next().unwrap();
        let claims = vec![claim(&resource_text(resource))];
        let drawn = draw.lease(counters.number, counters.token);
        let lease = Arc::new(Lease {
            claims: claims.clone(),
            slots: Vec::new(),
            ..drawn
        });
        let come = Event::Granted {
            lease: lease.clone(),
            from: None,
            spent: Vec::new(),
        };
        stored.push(Stored {
            come,
            go: Event::Released { lease },
        });
        if place % 3 == 1 {
            counters.number += 1;
            let ticket = Ticket {
                state: TicketState::Waiting,
                ..draw.ticket(counters.number)
            };
            let ticket = Arc::new(Ticket { claims, ..ticket });
            let come = Event::Queued {
                ticket: ticket.clone(),
                spent: None,
            };
            stored.push(Stored {
                come,
                go: Event::Cancelled { ticket },
            });
        } else if place % 3 == 2 {
            let until = Some(Timestamp::MAX);
            let freeze = Freeze {
                resource: resource.clone(),
                until,
                ..draw.freeze()
            };
            let freeze = Box::new(freeze);
            let come = Event::Frozen {
                freeze: freeze.clone(),
            };
            stored.push(Stored {
                come,
                go: Event::Thawed {
                    freeze,
                    by: draw.identity(),
                },
            });
        }
    }
    stored
}

fn resource_text(resource: &Resource) -> String {
    format!("{}:{}", resource.kind(), resource.rest())
}

pub(super) fn flat_resources_overlap_when_equal<S: Subject>(subject: &S) {
    check(
        subject,
        &[
            "build",
            "build2",
            "buil",
            "issue:build",
            "api:build",
            "x-y:build",
            "repo:a.b",
        ],
    );
}

pub(super) fn paths_overlap_above_and_below<S: Subject>(subject: &S) {
    let relative = [
        "path:.",
        "path:a",
        "path:a/b",
        "path:a/b/c",
        "path:a/b/d",
        "path:ab",
        "path:a-b",
    ];
    let near = [
        "path:a.b",
        "path:a0",
        "path:a!/b",
        "path:a/b0/c",
        "path:a/b-/c",
        "path:b/a",
    ];
    let absolute = ["path:/", "path:/a", "path:/a/b", "path:/a/b/c", "path:/ab"];
    check(
        subject,
        &[&relative[..], &near, &absolute, &["a", "name:a/b"]].concat(),
    );
}

pub(super) fn globs_overlap_both_ways<S: Subject>(subject: &S) {
    let globs = [
        "path:*",
        "path:a/*",
        "path:a/*/c",
        "path:**/c",
        "path:a/**/x.rs",
        "path:a/b?/c",
    ];
    let more = [
        "path:/a/*",
        "path:/**/c",
        "path:a/b/*.rs",
        "path:b*/**/z",
        "path:a/b/c/d*",
    ];
    let literal = [
        "path:a",
        "path:a/b",
        "path:a/b/c",
        "path:a/bb/c",
        "path:a/b/x.rs",
        "path:c",
    ];
    let rest = [
        "path:b/c",
        "path:/a",
        "path:/a/b/c",
        "path:a\\*",
        "path:a\\*/c",
        "path:bz/z",
    ];
    check(subject, &[&globs[..], &more, &literal, &rest].concat());
}

pub(super) fn strange_names_are_names<S: Subject>(subject: &S) {
    let long = format!("issue:{}", "ä".repeat(100));
    let longer = format!("issue:{}b", "ä".repeat(99));
    let escaped = format!("issue:{}", "%".repeat(200));
    let file = format!("path:{}", "漢".repeat(85));
    let flat = [
        "name:a b",
        "name:a:b",
        "name:a/b",
        "name:a%2Fb",
        "name:a%2fb",
        "name:%",
        "name:%%",
        "name:.",
        "name:..",
        "name:con",
        "name:CON",
        "name:Build",
        "name:build",
        "name:@",
        "name:a\\b",
        "name:~",
        "name:-rf",
        "name:é",
        "name:e\u{301}",
        "name:\u{1f980}",
        "name:a\"b",
        "name:*",
        "name:a.json",
        "name:a.lock",
        "name:lost+found",
        "issue:con",
        &long,
        &longer,
        &escaped,
    ];
    let paths = [
        "path:@",
        "path:@/x",
        "path:a/@",
        "path:..hidden",
        "path:.hidden/..x",
        "path:con/aux.txt",
        "path:SRC",
        "path:src",
        "path:src/Ab",
        "path:src/aB",
        "path:a b/c d",
        "path:%2e",
        "path:a%2Fb",
        "path:a/b",
        "path:a:b",
        "path:é/x",
        "path:e\u{301}/x",
        "path:a\\*b",
        "path:a\\?b",
        "path:-",
        "path:_",
        "path:_/x",
        "path:~/x",
        "path:a/lease.json",
        "path:a/.leasehold/x",
        &file,
    ];
    check(subject, &flat);
    let fresh = S::fresh();
    check(&fresh, &paths);
}

pub(super) fn the_deepest_paths_are_found<S: Subject>(subject: &S) {
    let depth = |depth: usize| format!("path:{}", vec!["d"; depth].join("/"));
    let wide = |depth: usize| format!("path:{}", vec!["n".repeat(200); depth].join("/"));
    let texts = [
        depth(64),
        depth(63),
        depth(32),
        depth(2),
        depth(1),
        wide(5),
        wide(4),
        wide(1),
    ];
    let odd = format!("path:{}/x", vec!["d"; 31].join("/"));
    let texts: Vec<&str> = texts
        .iter()
        .map(String::as_str)
        .chain([odd.as_str()])
        .collect();
    check(subject, &texts);
}

pub(super) fn leases_agents_and_places_are_found<S: Subject>(subject: &S) {
    let store = subject.open();
    let mut whole = beside(&store);
    let mut presences = Vec::new();
    let mut run = |command: Command| {
        if let Command::Ask(ask) = &command {
            presences.push(store.attend(ask.id).unwrap());
        }
        let done = transact(&store, &command);
        whole.apply_all(&done.decision.events);
        done.decision.verdict
    };
    let waiting = |ask| leasehold_core::command::Ask {
        wait: Wait::Forever,
        ..ask
    };
    let _ = run(Command::Ask(ask(1, "ada", &["issue:1"])));
    let _ = run(Command::Ask(ask(2, "bob", &["issue:2"])));
    let scoped = leasehold_core::command::Ask {
        kind: Kind::Scoped,
        ..ask(3, "ada", &["build"])
    };
    let _ = run(Command::Ask(scoped));
    // Inside ada's build, waiting for bob.
    let mut inside = waiting(ask(4, "ada", &["issue:2"]));
    inside.inside = Some(id(3));
    assert!(matches!(run(Command::Ask(inside)), Verdict::Queued(_)));
    // Crossing: bob dies, and a card is left at his place.
    assert!(matches!(
        run(Command::Ask(waiting(ask(5, "bob", &["issue:1"])))),
        Verdict::Died(_)
    ));
    // A place that is parked.
    assert!(matches!(
        run(Command::Ask(waiting(ask(6, "eve", &["issue:2"])))),
        Verdict::Queued(_)
    ));
    assert_eq!(run(Command::Timeout(id(6))), Verdict::Done);
    for name in ["ada", "bob", "eve", "nobody"] {
        let store = subject.open();
        let agent = who(name).place();
        check_keys(&store, &whole, &[Key::Place(agent.clone())]);
        let view = store
            .load(&[Key::Agent(agent.clone())], Access::Read)
            .unwrap()
            .view()
            .clone();
        assert_eq!(
            shown(&view),
            expected(&whole, &[Key::Agent(agent)]),
            "agent {name}"
        );
    }
    for number in 1..8 {
        check_keys(&subject.open(), &whole, &[Key::Lease(id(number))]);
    }
    assert!(
        whole.cards().count() > 0 && whole.tickets().count() > 1,
        "the case is not what it says"
    );
    check_state(&subject.open(), &whole);
}

pub(super) fn what_is_gone_is_not_found<S: Subject>(subject: &S) {
    let store = subject.open();
    let texts = ["path:a/b/c", "path:a", "path:a/b/*.rs", "build", "issue:1"];
    for (number, text) in (1..).zip(texts) {
        take(&store, ask(number, "ada", &[text]));
        let release = super::support::release(number);
        assert_eq!(answer(&subject.open(), &release), Verdict::Done);
    }
    let whole = beside(&store);
    let keys = texts.map(|text| Key::Overlap(resource(text)));
    check_keys(&subject.open(), &whole, &keys);
    check_keys(
        &subject.open(),
        &whole,
        &[Key::Agent(who("ada").place()), Key::All],
    );
}
