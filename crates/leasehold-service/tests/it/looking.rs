//! Foreseeing and sweeping over a store in this process, with the time passed in.

use crate::support::{DEAD, World, ask};
use leasehold_core::command::{Ask, Command, Proof, Wait};
use leasehold_core::freeze::Freeze;
use leasehold_core::lease::Kind;
use leasehold_core::verdict::{Blocker, Refusal, Verdict};
use leasehold_core::view::Key;
use leasehold_core::{Identity, LeaseId, Resource, Ttl};
use leasehold_service::{Foresight, Leasing};
use leasehold_store::Store;
use leasehold_store::conformance::sample::Draw;

fn who(name: &str) -> Identity {
    Identity::named(name, "h")
}

fn resource(name: &str) -> Resource {
    Resource::parse(name).unwrap()
}

/// A request for a standing lease.
fn standing(number: u128, name: &str, owner: &str) -> Ask {
    Ask {
        kind: Kind::Standing,
        ..ask(number, name, who(owner))
    }
}

impl World {
    fn lock(&self, number: u128, name: &str, ttl_ms: u64) {
        let ttl = Some(Ttl::from_millis(ttl_ms).unwrap());
        let verdict = self.ask(Ask {
            ttl,
            ..standing(number, name, "ada")
        });
        assert!(matches!(verdict, Verdict::Granted(_)), "{verdict:?}");
    }

    fn guard(&self, number: u128, name: &str) {
        let verdict = self.ask(Ask {
            kind: Kind::Scoped,
            ..standing(number, name, "cyd")
        });
        assert!(matches!(verdict, Verdict::Granted(_)), "{verdict:?}");
    }

    fn freeze(&self, name: &str) {
        let now = self.clock.now();
        let freeze = Freeze {
            id: LeaseId::new(u128::MAX),
            resource: resource(name),
            until: Some(now.plus_millis(60_000)),
            since: now,
            who: who("eve"),
        };
        let answer = self.coordinator.execute(&Command::Freeze(freeze)).unwrap();
        assert_eq!(answer.value, Verdict::Done);
    }

    /// Sweeps, and returns the numbers of what was ended.
    fn sweep(&self, resources: &[Resource]) -> Vec<u128> {
        let swept = self.coordinator.sweep(resources, &who("bob")).unwrap();
        let ids = swept.value.leases.iter().map(|lease| lease.id);
        ids.map(|id| (1..100).find(|n| LeaseId::new(*n) == id).unwrap())
            .collect()
    }

    /// Foresees a guard, and asserts that nothing came of it.
    fn foresee(&self, name: &str, owner: &str) -> Foresight {
        let ask = Ask {
            kind: Kind::Scoped,
            ..standing(99, name, owner)
        };
        let before = self.commits();
        let found = self.coordinator.foresee(&ask).unwrap().value;
        assert_eq!(self.commits(), before);
        found
    }

    fn holds(&self, id: LeaseId) -> bool {
        let view = self.coordinator.look(&[Key::Lease(id)]).unwrap().value;
        view.lease(id).is_some()
    }

    fn commits(&self) -> usize {
        let mut commits = 0;
        let mut count = |_: leasehold_store::Commit<'_>| {
            commits += 1;
            true
        };
        self.coordinator.store().audit(&mut count).unwrap();
        commits
    }
}

#[test]
fn what_is_foreseen_is_what_comes() {
    let world = World::new();
    assert!(matches!(world.foresee("a", "bob").now, Verdict::Granted(_)));
    world.lock(1, "a", 10_000);
    let found = world.foresee("a", "bob");
    assert!(matches!(found.now, Verdict::Refused(Refusal::Held(_))));
    assert!(matches!(&found.waiting, Verdict::Queued(place) if place.ahead == 0));
    // Its agent would wait for itself.
    assert!(matches!(
        world.foresee("a", "ada").waiting,
        Verdict::Died(_)
    ));
    world.clock.advance(10_000);
    assert!(matches!(world.foresee("a", "bob").now, Verdict::Granted(_)));
}

#[test]
fn behind_a_freeze_is_seen_what_holds() {
    let world = World::new();
    world.lock(1, "a", 10_000);
    world.freeze("a");
    let found = world.foresee("a", "bob");
    assert!(matches!(&found.now, Verdict::Refused(Refusal::Frozen(_))));
    assert_eq!(found.frozen.len(), 1);
    let Verdict::Queued(place) = &found.waiting else {
        panic!("{:?}", found.waiting);
    };
    assert!(
        matches!(place.blockers.as_slice(), [Blocker::Lease(lease)] if lease.id == LeaseId::new(1))
    );
    // It is there still.
    assert!(matches!(
        world.ask(standing(2, "a", "bob")),
        Verdict::Refused(Refusal::Frozen(_))
    ));
}

#[test]
fn the_waits_of_those_in_the_way_are_followed() {
    let world = World::new();
    world.lock(1, "b", 10_000);
    world.guard(2, "a");
    let inner = Ask {
        kind: Kind::Scoped,
        inside: Some(LeaseId::new(2)),
        wait: Wait::Forever,
        ..standing(3, "b", "cyd")
    };
    let verdict = world.ask(inner);
    assert!(matches!(verdict, Verdict::Queued(_)), "{verdict:?}");
    let waits = world.foresee("a", "bob").waits;
    let [place] = waits.as_slice() else {
        panic!("{waits:?}");
    };
    assert_eq!(place.ticket.request, LeaseId::new(3));
    assert_eq!(place.blockers[0].id(), LeaseId::new(1));
}

#[test]
fn whoever_died_waiting_is_not_ahead() {
    let world = World::new();
    world.lock(1, "a", 10_000);
    let waiter = Ask {
        wait: Wait::Forever,
        ..standing(2, "a", "bob")
    };
    assert!(matches!(world.ask(waiter), Verdict::Queued(_)));
    let ahead = || match world.foresee("a", "cyd").waiting {
        Verdict::Queued(place) => place.ahead,
        other => panic!("{other:?}"),
    };
    assert_eq!(ahead(), 1);
    world.coordinator.store().set_life(LeaseId::new(2), DEAD);
    assert_eq!(ahead(), 0);
}

#[test]
fn only_what_is_over_is_swept() {
    let world = World::new();
    world.lock(1, "a", 10_000);
    world.lock(2, "b", 20_000);
    world.guard(3, "c");
    assert_eq!(world.sweep(&[]), [0; 0]);
    world.clock.advance(10_000);
    assert_eq!(world.sweep(&[resource("b")]), [0; 0]);
    assert_eq!(world.sweep(&[]), [1]);
    assert_eq!(world.sweep(&[]), [0; 0]);
    world.coordinator.store().set_life(LeaseId::new(3), DEAD);
    world.clock.advance(10_000);
    assert_eq!(world.sweep(&[resource("c")]), [3]);
    assert_eq!(world.sweep(&[resource("b")]), [2]);
    let view = world.coordinator.look(&[Key::All]).unwrap().value;
    assert_eq!(view.leases().count(), 0);
}

/// Returns what kind of answer it is.
fn kind(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Granted(_) => "granted",
        Verdict::Queued(_) => "queued",
        Verdict::Died(_) => "died",
        Verdict::Refused(Refusal::Held(_)) => "held",
        Verdict::Refused(Refusal::Frozen(_)) => "frozen",
        _ => "something else",
    }
}

#[test]
fn over_many_histories_what_is_foreseen_is_what_comes() {
    let mut told = std::collections::BTreeSet::new();
    for seed in 0..40 {
        let (world, mut numbers) = (World::new(), Draw::new(seed));
        for number in 1..60 {
            let names = ["a", "b", "c", "path:x", "path:x/y"];
            let (name, owner) = (*numbers.pick(&names), *numbers.pick(&["ada", "bob", "cyd"]));
            let kind_of = [Kind::Scoped, Kind::Standing][usize::from(numbers.one_in(2))];
            let wait = [Wait::No, Wait::Forever][usize::from(numbers.one_in(2))];
            let ask = Ask {
                kind: kind_of,
                wait,
                ttl: Ttl::from_millis(1 + numbers.below(5_000)).ok(),
                ..standing(number, name, owner)
            };
            let found = world.coordinator.foresee(&ask).unwrap().value;
            let came = world.ask(ask.clone());
            let foreseen = match wait {
                Wait::No => &found.now,
                _ => &found.waiting,
            };
            // Through a freeze a request waits whatever comes after it.
            if found.frozen.is_empty() || wait == Wait::No {
                assert_eq!(
                    kind(foreseen),
                    kind(&came),
                    "seed {seed}, request {number}: {ask:?}"
                );
            } else {
                assert_eq!(
                    kind(&came),
                    "queued",
                    "seed {seed}, request {number}: {ask:?}"
                );
            }
            told.insert(kind(&came));
            let other = LeaseId::new(number - u128::from(numbers.below(8)).min(number));
            match numbers.below(8) {
                0 => world.freeze(numbers.pick::<&str>(&names)),
                // A dead waiter is foreseen as dead; a commit looks at it only when its turn has come.
                1 if world.holds(other) => world.coordinator.store().set_life(other, DEAD),
                2 | 3 => {
                    let (by, proof) = (who("ada"), Proof::Id);
                    let release = Command::Release {
                        lease: other,
                        by,
                        proof,
                    };
                    let _done = world.coordinator.execute(&release).unwrap();
                }
                4 => drop(world.sweep(&[])),
                5 => world.clock.advance(numbers.below(20_000)),
                _ => {}
            }
        }
    }
    // It says something only if all that can come came.
    let all = ["died", "frozen", "granted", "held", "queued"];
    assert!(all.iter().all(|kind| told.contains(kind)), "{told:?}");
}
