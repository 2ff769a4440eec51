//! Random commands on the store, beside the same on a whole view.

use super::Subject;
use super::sample::Draw;
use super::support::{
    Done, beside, check_keys, check_shown, check_state, expected, id, keys_of, transact,
};
use crate::{Presence, Store};
use leasehold_core::command::{Ask, Command, Proof, Wait};
use leasehold_core::decide::decide;
use leasehold_core::lease::Kind;
use leasehold_core::limits::Policy;
use leasehold_core::verdict::Verdict;
use leasehold_core::view::{Key, Pulse, View};
use leasehold_core::{Claim, Identity, Intent, LeaseId, Resource, Ttl, freeze::Freeze};
use std::collections::{BTreeMap, BTreeSet};
use std::mem::discriminant;
use std::num::NonZeroU32;

const RESOURCES: [&str; 12] = [
    "build",
    "test",
    "issue:1",
    "path:src",
    "path:src/a",
    "path:src/a/b",
    "path:docs",
    "path:src/*.rs",
    "path:**/b",
    "path:/etc",
    "name:pool",
    "name:pool2",
];

pub(super) fn random_commands_do_as_a_whole_view<S: Subject>(subject: &S) {
    for seed in 1..=3 {
        let subject = S::fresh();
        let mut run = Run::new(&subject, seed);
        for step in 0..subject.steps() {
            run.step(&subject.open(), step);
        }
        check_state(&subject.open(), &run.whole);
        assert!(
            run.whole.counters().token > run.start,
            "nothing was granted, seed {seed}"
        );
    }
    let _ = subject;
}

struct Run<'a, S: Subject> {
    subject: &'a S,
    seed: u64,
    draw: Draw,
    whole: View,
    start: leasehold_core::FencingToken,
    last: u64,
    presences: BTreeMap<LeaseId, Box<dyn Presence>>,
    dead: BTreeSet<LeaseId>,
}

impl<'a, S: Subject> Run<'a, S> {
    fn new(subject: &'a S, seed: u64) -> Self {
        let whole = beside(&subject.open());
        let start = whole.counters().token;
        let (presences, dead) = (BTreeMap::new(), BTreeSet::new());
        Self {
            subject,
            seed,
            draw: Draw::new(seed),
            whole,
            start,
            last: 0,
            presences,
            dead,
        }
    }

    fn step(&mut self, store: &S::Store, step: u64) {
        let at = format!("seed {}, step {step}", self.seed);
        if self.draw.one_in(8) {
            let millis = self.draw.below(8_000);
            self.subject.advance(millis);
        }
        if self.draw.one_in(12) {
            self.kill();
        }
        let command = self.command();
        if let Command::Ask(ask) = &command
            && !self.dead.contains(&ask.id)
        {
            let presence = store.attend(ask.id).unwrap();
            self.presences.entry(ask.id).or_insert(presence);
        }
        let done = transact(store, &command);
        self.check(&command, &done, &at);
        self.whole.set_now(done.view.now());
        self.whole.apply_all(&done.decision.events);
        if step.is_multiple_of(8) {
            check_keys(store, &self.whole, &[Key::All]);
        }
        let keys = keys_of(&self.whole, &RESOURCES.map(|text| text.parse().unwrap()));
        let (one, other) = (self.draw.pick(&keys).clone(), self.draw.pick(&keys).clone());
        check_keys(store, &self.whole, &[one, other]);
    }

    /// Checks what a store says of the agents of those who wait without being asked: that they hold
    /// nothing, or all that they hold.
    fn check_standing(&self, view: &mut View, found: &View, at: &str) {
        for agent in found.tickets().flat_map(|ticket| &ticket.agents) {
            let key = Key::Standing(agent.clone());
            if found.is_loaded(&key) {
                let standing = self.whole.leases().filter(|l| l.kind == Kind::Standing);
                let mut own = standing.filter(|lease| lease.who.agent().as_ref() == Some(agent));
                assert!(own.all(|l| found.lease(l.id).is_some()), "{key:?}, {at}");
                view.mark_loaded(key);
            }
        }
    }

    /// Checks what was decided on, and the decision.
    fn check(&self, command: &Command, done: &Done, at: &str) {
        let found = expected(&self.whole, &done.keys).seen_in(&done.view);
        check_shown(&done.view, &self.whole, &done.keys, at);
        assert!(
            done.view.counters().number >= self.whole.counters().number,
            "numbers, {at}"
        );
        assert!(
            done.view.counters().token >= self.whole.counters().token,
            "tokens, {at}"
        );
        let mut view = View::new(done.view.now(), done.view.counters());
        found.put_into(&mut view);
        for key in &done.keys {
            view.mark_loaded(key.clone());
            if let Key::Front(resource) = key {
                match done.view.front(resource) {
                    Some(last) => view.set_front(resource.clone(), last),
                    None => view.mark_loaded(Key::Overlap(resource.clone())),
                }
            }
            if let Key::Life(id) = key {
                view.set_life(*id, self.check_life(*id, &done.view, at));
            }
        }
        self.check_standing(&mut view, &done.view, at);
        let decision = decide(&view, command, &Policy::default()).unwrap();
        let (own, stores) = (&decision.verdict, &done.decision.verdict);
        assert_eq!(
            discriminant(own),
            discriminant(stores),
            "{command:?}, {at}: {own:?}, {stores:?}"
        );
        if let (Verdict::Granted(own), Verdict::Granted(stores)) = (own, stores) {
            assert_eq!(own, stores, "{command:?}, {at}");
        }
    }

    fn check_life(&self, id: LeaseId, view: &View, at: &str) -> leasehold_core::view::Life {
        let life = view
            .life(id)
            .unwrap_or_else(|| panic!("no life of {id}, {at}"));
        if self.presences.contains_key(&id) {
            assert_eq!(life.holder, Pulse::Alive, "{id}, {at}");
        }
        if self.subject.sees_deaths() && self.dead.contains(&id) {
            assert_eq!(life.holder, Pulse::Dead, "{id}, {at}");
        }
        life
    }

    fn kill(&mut self) {
        let all: Vec<LeaseId> = self.presences.keys().copied().collect();
        if all.is_empty() {
            return;
        }
        let id = *self.draw.pick(&all);
        self.presences.remove(&id);
        self.dead.insert(id);
    }

    fn command(&mut self) -> Command {
        let lease = self.some_lease();
        match self.draw.below(20) {
            0..=8 => Command::Ask(self.ask()),
            9..=12 => Command::Release {
                lease,
                by: self.who(),
                proof: self.proof(),
            },
            13 => Command::Bind(lease),
            14 => Command::Renew {
                lease,
                ttl: Some(Ttl::from_millis(5_000).unwrap()),
            },
            15 => Command::Timeout(self.some_request()),
            16 => Command::Cancel(self.some_request()),
            17 => Command::Freeze(self.freeze()),
            18 => Command::Thaw {
                resource: self.resource(),
                by: self.who(),
                force: true,
            },
            _ => self.timer(),
        }
    }

    fn timer(&mut self) -> Command {
        let resource = self.resource();
        let keys = keys_of(&self.whole, &[resource]);
        let lives = self
            .whole
            .leases()
            .map(|lease| Key::Life(lease.id))
            .collect::<Vec<_>>();
        let life = if lives.is_empty() {
            None
        } else {
            Some(self.draw.pick(&lives).clone())
        };
        Command::Timer(
            [self.draw.pick(&keys).clone()]
                .into_iter()
                .chain(life)
                .collect(),
        )
    }

    fn resource(&mut self) -> Resource {
        self.draw.pick::<&str>(&RESOURCES).parse().unwrap()
    }

    fn who(&mut self) -> Identity {
        let number = self.draw.below(4);
        match number {
            0 => Identity::nameless("user", "host"),
            1 => Identity::named("ada", "host"),
            _ => Identity::named("bob", "host").in_session(&format!("s{number}")),
        }
    }

    fn proof(&mut self) -> Proof {
        *self
            .draw
            .pick(&[Proof::Id, Proof::Id, Proof::Owner, Proof::Force])
    }

    fn some_lease(&mut self) -> LeaseId {
        let mut ids: Vec<LeaseId> = self.whole.leases().map(|lease| lease.id).collect();
        ids.sort();
        if ids.is_empty() {
            id(1)
        } else {
            *self.draw.pick(&ids)
        }
    }

    fn some_request(&mut self) -> LeaseId {
        let ids: Vec<LeaseId> = self.whole.tickets().map(|ticket| ticket.request).collect();
        if ids.is_empty() {
            self.some_lease()
        } else {
            *self.draw.pick(&ids)
        }
    }

    fn claim(&mut self) -> Claim {
        let resource = self.resource();
        if resource.rest().starts_with("pool") {
            return Claim::slot(resource, NonZeroU32::new(2).unwrap());
        }
        let intents = [Intent::Mutates, Intent::Mutates, Intent::Consumes];
        Claim::new(resource, *self.draw.pick(&intents))
    }

    fn ask(&mut self) -> Ask {
        self.last += 1;
        let claims = (0..=self.draw.below(2)).map(|_| self.claim()).collect();
        let mut ask = Ask::new(id(self.last), self.who(), claims);
        ask.kind = *self.draw.pick(&[Kind::Scoped, Kind::Standing]);
        ask.wait = *self
            .draw
            .pick(&[Wait::No, Wait::Forever, Wait::Forever, Wait::Millis(9_000)]);
        if self.draw.one_in(2) {
            ask.ttl = Some(Ttl::from_millis(6_000).unwrap());
        }
        if self.draw.one_in(4) {
            ask.inside = Some(self.some_lease());
        }
        ask
    }

    fn freeze(&mut self) -> Freeze {
        self.last += 1;
        let since = self.whole.now();
        let until = Some(since.plus_millis(3_000 + self.draw.below(3_000)));
        Freeze {
            id: id(self.last),
            resource: self.resource(),
            until,
            since,
            who: self.who(),
        }
    }
}
