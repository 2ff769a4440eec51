//! A small language for traces: who takes, waits, dies and gives back, as the kernel's rules tells it.
//!
//! Resources are words; `S/2` is a slot of the pool S of two, `~A` reads A. Requests have names, and each is of an
//! agent with an owner name set on purpose.

use crate::world::World;
use leasehold_core::command::{Ask, Command, Proof, Wait};
use leasehold_core::decide::place;
use leasehold_core::freeze::Freeze;
use leasehold_core::limits::Policy;
use leasehold_core::verdict::{Blocker, Place, Refusal, Verdict};
use leasehold_core::{Claim, Identity, Intent, Lease, LeaseId, Resource, Ticket, Ttl};
use leasehold_core::{lease::Kind, seniority::Birth, view::Key};
use std::num::NonZeroU32;

pub(crate) struct Story {
    pub(crate) world: World,
    names: Vec<&'static str>,
}

/// A request in the making.
#[derive(Clone)]
pub(crate) struct Telling {
    ask: Ask,
    inside: Option<&'static str>,
}

pub(crate) fn guard(agent: &str, resources: &str) -> Telling {
    let ask = Ask::new(
        LeaseId::new(0),
        Identity::named(agent, "h"),
        claims(resources),
    );
    Telling {
        ask: Ask {
            wait: Wait::Forever,
            ..ask
        },
        inside: None,
    }
}

pub(crate) fn lock(agent: &str, resources: &str) -> Telling {
    let guard = guard(agent, resources);
    Telling {
        ask: Ask {
            kind: Kind::Standing,
            ..guard.ask
        },
        ..guard
    }
}

fn claims(resources: &str) -> Vec<Claim> {
    let claim = |word: &str| match word.split_once('/') {
        Some((pool, size)) if !word.starts_with("path:") => {
            let size: u32 = size.parse().expect("a pool has a size");
            Claim::slot(resource(pool), NonZeroU32::new(size).expect("not zero"))
        }
        _ => match word.strip_prefix('~') {
            Some(read) => Claim::new(resource(read), Intent::Consumes),
            None => Claim::new(resource(word), Intent::Mutates),
        },
    };
    resources.split_whitespace().map(claim).collect()
}

fn resource(word: &str) -> Resource {
    Resource::parse(word).expect("a word is a resource")
}

impl Telling {
    fn with(self, change: impl FnOnce(&mut Ask)) -> Self {
        let mut ask = self.ask;
        change(&mut ask);
        Self { ask, ..self }
    }

    pub(crate) fn inside(self, lease: &'static str) -> Self {
        Self {
            inside: Some(lease),
            ..self
        }
    }

    pub(crate) fn read(self) -> Self {
        self.with(|ask| {
            ask.claims
                .iter_mut()
                .for_each(|claim| claim.intent = Intent::Consumes);
        })
    }

    pub(crate) fn nameless(self) -> Self {
        self.with(|ask| ask.who.explicit = false)
    }

    /// What is asked, by itself.
    pub(crate) fn asked(self, id: LeaseId) -> Ask {
        Ask { id, ..self.ask }
    }

    /// It does not wait.
    pub(crate) fn now(self) -> Self {
        self.with(|ask| ask.wait = Wait::No)
    }

    pub(crate) fn patient(self, millis: u64) -> Self {
        self.with(|ask| ask.wait = Wait::Millis(millis))
    }

    pub(crate) fn ttl(self, millis: u64) -> Self {
        self.with(|ask| ask.ttl = Some(Ttl::from_millis(millis).expect("a lifetime")))
    }

    pub(crate) fn kept_while_alive(self) -> Self {
        self.with(|ask| ask.keep_while_alive = true)
    }

    pub(crate) fn strict(self) -> Self {
        self.with(|ask| ask.strict = true)
    }

    pub(crate) fn priority(self, priority: u32) -> Self {
        self.with(|ask| ask.priority = Some(priority))
    }
}

/// What is told: each line is a command and what has to come of it.
impl Story {
    pub(crate) fn new() -> Self {
        Self {
            world: World::new(Policy::default()),
            names: Vec::new(),
        }
    }

    pub(crate) fn asks(&mut self, name: &'static str, telling: Telling) -> Verdict {
        let inside = telling.inside.map(|outer| self.id(outer));
        self.names.push(name);
        let ask = Ask {
            id: self.id(name),
            inside,
            ..telling.ask
        };
        self.run(&Command::Ask(ask))
    }

    pub(crate) fn takes(&mut self, name: &'static str, telling: Telling) {
        let verdict = self.asks(name, telling);
        assert!(
            matches!(verdict, Verdict::Granted(_)),
            "{name}: {verdict:?}"
        );
        assert!(self.lease(name).is_bound(), "{name} is bound at once");
    }

    pub(crate) fn queues(&mut self, name: &'static str, telling: Telling) {
        let verdict = self.asks(name, telling);
        assert!(matches!(verdict, Verdict::Queued(_)), "{name}: {verdict:?}");
    }

    pub(crate) fn dies(&mut self, name: &'static str, telling: Telling) {
        let verdict = self.asks(name, telling);
        assert!(matches!(verdict, Verdict::Died(_)), "{name}: {verdict:?}");
        self.gone(name);
    }

    pub(crate) fn joins(&mut self, name: &'static str, telling: Telling, cover: &'static str) {
        let verdict = self.asks(name, telling);
        assert_eq!(verdict, Verdict::Joined(vec![self.id(cover)]), "{name}");
    }

    pub(crate) fn is_held(&mut self, name: &'static str, telling: Telling) {
        let verdict = self.asks(name, telling);
        let held = matches!(verdict, Verdict::Refused(Refusal::Held(_)));
        assert!(held, "{name}: {verdict:?}");
        self.gone(name);
    }

    pub(crate) fn renews(&mut self, name: &'static str, telling: Telling, lease: &'static str) {
        let verdict = self.asks(name, telling);
        let Verdict::Renewed(renewed) = verdict else {
            panic!("{name}: {verdict:?}")
        };
        assert_eq!(renewed.id, self.id(lease));
    }

    pub(crate) fn releases(&mut self, name: &str) {
        let (lease, by) = (self.id(name), self.lease(name).who.clone());
        let verdict = self.run(&Command::Release {
            lease,
            by,
            proof: Proof::Id,
        });
        assert_eq!(verdict, Verdict::Done, "{name}");
    }

    /// It was granted meanwhile, and now it knows.
    pub(crate) fn picks_up(&mut self, name: &str) {
        assert!(
            !self.lease(name).is_bound(),
            "{name} was granted and waits to be picked up"
        );
        let verdict = self.run(&Command::Bind(self.id(name)));
        assert!(
            matches!(verdict, Verdict::Granted(_)),
            "{name}: {verdict:?}"
        );
    }

    pub(crate) fn is_lost(&mut self, name: &str) {
        assert_eq!(
            self.run(&Command::Bind(self.id(name))),
            Verdict::Lost(self.id(name))
        );
    }

    pub(crate) fn renewal(&mut self, name: &str) -> Verdict {
        self.run(&Command::Renew {
            lease: self.id(name),
            ttl: None,
        })
    }

    /// Its guard or waiter dies, and somebody who watched it notices.
    pub(crate) fn dead(&mut self, name: &str) {
        self.world.dead_holders.insert(self.id(name).bits());
        self.looks();
    }

    pub(crate) fn dead_command(&mut self, name: &str) {
        self.world.dead_commands.insert(self.id(name).bits());
        self.looks();
    }

    /// From now on nobody can look whether its guard lives, and somebody tries.
    pub(crate) fn unseen(&mut self, name: &str) {
        self.world.unseen.insert(self.id(name).bits());
        self.looks();
    }

    /// Time passes, and somebody's timer goes off.
    pub(crate) fn later(&mut self, millis: u64) {
        self.world.wait(millis);
        self.looks();
    }

    fn looks(&mut self) {
        assert_eq!(self.run(&Command::Timer(vec![Key::All])), Verdict::Done);
    }

    pub(crate) fn freezes(&mut self, word: &str, millis: u64) {
        let freeze = Freeze {
            id: LeaseId::new(1_000),
            resource: resource(word),
            until: Some(self.world.view.now().plus_millis(millis)),
            since: self.world.view.now(),
            who: Identity::named("boss", "h"),
        };
        assert_eq!(self.run(&Command::Freeze(freeze)), Verdict::Done);
    }

    pub(crate) fn thaws(&mut self, word: &str) {
        let by = Identity::named("boss", "h");
        let thaw = Command::Thaw {
            resource: resource(word),
            by,
            force: false,
        };
        assert_eq!(self.run(&thaw), Verdict::Done);
    }

    pub(crate) fn run(&mut self, command: &Command) -> Verdict {
        self.world.run(command).verdict
    }
}

/// How things stand.
impl Story {
    /// The id of the newest request of that name.
    pub(crate) fn id(&self, name: &str) -> LeaseId {
        let at = self.names.iter().rposition(|known| *known == name);
        LeaseId::new(at.unwrap_or_else(|| panic!("nobody is called {name}")) as u128 + 1)
    }

    pub(crate) fn lease(&self, name: &str) -> &Lease {
        let lease = self.world.view.lease(self.id(name));
        lease.unwrap_or_else(|| panic!("{name} holds nothing"))
    }

    pub(crate) fn ticket(&self, name: &str) -> &Ticket {
        let ticket = self.world.view.ticket(self.id(name));
        ticket.unwrap_or_else(|| panic!("{name} has no ticket"))
    }

    pub(crate) fn place(&self, name: &str) -> Place {
        let place = place(&self.world.view, self.id(name), &self.world.policy);
        place
            .expect("a whole view")
            .unwrap_or_else(|| panic!("{name} does not wait"))
    }

    pub(crate) fn waits(&self, name: &str) {
        assert!(self.ticket(name).is_waiting(), "{name} waits");
    }

    pub(crate) fn parked(&self, name: &str) {
        assert!(!self.ticket(name).is_waiting(), "{name} is parked");
    }

    pub(crate) fn gone(&self, name: &str) {
        let id = self.id(name);
        assert_eq!(
            (self.world.view.lease(id), self.world.view.ticket(id)),
            (None, None),
            "{name}"
        );
    }

    pub(crate) fn holds(&self, name: &str, resources: &str) {
        assert_eq!(self.lease(name).claims, claims(resources), "{name}");
    }

    pub(crate) fn slot(&self, name: &str, slot: u32) {
        assert_eq!(self.lease(name).slots, [slot], "{name}");
    }

    pub(crate) fn numbered(&self, name: &str, number: u64) {
        assert_eq!(self.ticket(name).number, number, "{name}");
    }

    pub(crate) fn born(&self, name: &str, numbers: &[u64]) {
        let id = self.id(name);
        let ticket = self
            .world
            .view
            .ticket(id)
            .map(|ticket| &ticket.seniority.birth);
        let birth = ticket.or_else(|| self.world.view.lease(id).map(|lease| &lease.birth));
        assert_eq!(birth.map(Birth::numbers), Some(numbers), "{name}");
    }

    pub(crate) fn blocked_by(&self, name: &str, others: &[&str]) {
        let blockers: Vec<LeaseId> = self.place(name).blockers.iter().map(Blocker::id).collect();
        let others: Vec<LeaseId> = others.iter().map(|other| self.id(other)).collect();
        assert_eq!(blockers, others, "{name}");
    }
}
