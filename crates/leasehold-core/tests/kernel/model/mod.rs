//! A naive reference model, written from the kernel's rules alone.
//!
//! It is as slow and plain as can be: plain vectors, everything recomputed, loops over all pairs.
//! Where it differs from the kernel, one of the two misreads the rules.

mod ask;
pub(crate) mod names;
mod settle;
pub(crate) mod state;
mod words;

use leasehold_core::Ttl;
use leasehold_core::command::{Command, Proof};
use leasehold_core::identity::Identity;
use leasehold_core::limits::Policy;
use state::{Answer, Freeze, Id, Lease, State, Ticket};
use std::collections::BTreeSet;

#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub(crate) state: State,
    pub(crate) now: u64,
    pub(crate) dead_holders: BTreeSet<Id>,
    pub(crate) dead_commands: BTreeSet<Id>,
    pub(crate) policy: Policy,
}

impl Model {
    /// the kernel's rules §3. A command that changes nothing does not settle either.
    pub(crate) fn run(&mut self, command: &Command) -> Answer {
        let answer = match command {
            Command::Ask(ask) => self.ask(ask),
            Command::Bind(id) => self.bind(id.bits()),
            Command::Release { lease, by, proof } => self.release(lease.bits(), by, *proof),
            Command::Renew { lease, ttl } => self.renew(lease.bits(), ttl.map(Ttl::as_millis)),
            Command::Timeout(id) => self.timeout(id.bits()),
            Command::Cancel(id) => self.cancel(id.bits()),
            Command::Freeze(freeze) => {
                self.state.freezes.push(state::freeze(freeze));
                self.settled(Answer::Done)
            }
            Command::Thaw {
                resource,
                by,
                force,
            } => self.thaw(names::name_of(resource), by, *force),
            Command::Timer(_) => self.settled(Answer::Done),
        };
        self.state.sort();
        answer
    }

    pub(super) fn settled(&mut self, answer: Answer) -> Answer {
        self.settle(None);
        answer
    }

    fn lease_mut(&mut self, id: Id) -> Option<&mut Lease> {
        self.state.leases.iter_mut().find(|lease| lease.id == id)
    }

    fn ticket(&self, id: Id) -> Option<Ticket> {
        self.state
            .tickets
            .iter()
            .find(|ticket| ticket.id == id)
            .cloned()
    }

    /// Where the lease is gone the waiter asks again, which resumes its place.
    fn bind(&mut self, id: Id) -> Answer {
        let now = self.now;
        let Some(lease) = self.lease_mut(id) else {
            return Answer::Lost(id);
        };
        let answer = Answer::Granted {
            id,
            token: lease.token,
        };
        if lease.unbound.take().is_none() {
            return answer;
        }
        lease.expires = lease.ttl.map(|ttl| now + ttl);
        self.settled(answer)
    }

    fn release(&mut self, id: Id, by: &Identity, proof: Proof) -> Answer {
        let Some(lease) = self.lease(id) else {
            return Answer::NotFound;
        };
        let may = match proof {
            Proof::Holder | Proof::Id | Proof::Force => true,
            Proof::Owner => !lease.scoped && lease.who.owner == by.owner,
        };
        if !may {
            return Answer::NotYours(id);
        }
        self.drop_lease(id);
        self.settled(Answer::Done)
    }

    fn renew(&mut self, id: Id, ttl: Option<u64>) -> Answer {
        let now = self.now;
        let ended = |lease: &Lease| lease.scoped && self.is_dead(id) && !self.is_live(lease);
        if self
            .lease(id)
            .is_some_and(|lease| lease.unbound.is_none() && ended(lease))
        {
            return self.settled(Answer::Lost(id));
        }
        match self.lease_mut(id) {
            Some(lease) if lease.unbound.is_none() => {
                lease.ttl = ttl.or(lease.ttl);
                lease.expires = lease.ttl.map(|ttl| now + ttl);
                self.settled(Answer::Renewed(id))
            }
            _ => Answer::Lost(id),
        }
    }

    fn timeout(&mut self, id: Id) -> Answer {
        if let Some(lease) = self.lease(id) {
            return Answer::Granted {
                id,
                token: lease.token,
            };
        }
        let Some(ticket) = self.ticket(id) else {
            return Answer::NotFound;
        };
        if ticket.parked.is_some() {
            return Answer::NotFound;
        }
        self.put_ticket(self.parked(&ticket));
        self.settled(Answer::Done)
    }

    fn cancel(&mut self, id: Id) -> Answer {
        if self.lease(id).is_some_and(|lease| lease.unbound.is_some()) {
            self.drop_lease(id);
            return self.settled(Answer::Done);
        }
        let Some(ticket) = self.ticket(id) else {
            return Answer::NotFound;
        };
        self.drop_ticket(ticket.number);
        self.settled(Answer::Done)
    }

    fn thaw(&mut self, what: &str, by: &Identity, force: bool) -> Answer {
        let now = self.now;
        let on = |freeze: &&Freeze| freeze.until.is_none_or(|until| now < until);
        let named = |freeze: &&Freeze| freeze.what == what && on(freeze);
        let own = |freeze: &Freeze| force || freeze.owner == by.owner;
        let mut found = self.state.freezes.iter().filter(named).peekable();
        if found.peek().is_none() {
            return Answer::NotFound;
        }
        if !found.any(own) {
            return Answer::FreezeNotYours;
        }
        self.state
            .freezes
            .retain(|freeze| freeze.what != what || !own(freeze));
        self.settled(Answer::Done)
    }
}
