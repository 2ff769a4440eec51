//! What can be asked of the kernel.

use crate::lease::{Holder, Kind};
use crate::{claim::Claim, freeze::Freeze, id::LeaseId, identity::Identity, resource::Resource};
use crate::{time::Ttl, view::Key};
use alloc::vec::Vec;

/// How long a request waits when it cannot be granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Not at all.
    No,
    /// That many milliseconds.
    Millis(u64),
    /// Until granted.
    Forever,
}

/// A request for a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// The request, drawn at random by who asks; a repetition is recognised by it.
    pub id: LeaseId,
    /// Who asks.
    pub who: Identity,
    /// For what; sorted, without repetition (see [`Ask::new`]).
    pub claims: Vec<Claim>,
    /// How the lease ends.
    pub kind: Kind,
    /// The lease that the request proves to run in.
    pub inside: Option<LeaseId>,
    /// Whether it waits.
    pub wait: Wait,
    /// The lifetime of the lease.
    pub ttl: Option<Ttl>,
    /// Whether the lease outlives its TTL while its holder is provably alive.
    pub keep_while_alive: bool,
    /// Lower goes first. `None`: that of the lease it is inside of, else the default.
    pub priority: Option<u32>,
    /// Whether it is judged as if always pressed (Klock's routes).
    pub strict: bool,
    /// For messages.
    pub holder: Holder,
}

impl Ask {
    /// Asks for a scoped lease without TTL, without waiting, inside nothing.
    #[must_use]
    pub fn new(id: LeaseId, who: Identity, mut claims: Vec<Claim>) -> Self {
        claims.sort();
        claims.dedup();
        Self {
            id,
            who,
            claims,
            kind: Kind::Scoped,
            inside: None,
            wait: Wait::No,
            ttl: None,
            keep_while_alive: false,
            priority: None,
            strict: false,
            holder: Holder::default(),
        }
    }
}

/// By what right somebody releases a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// It is the process behind the lease, or asks for it.
    Holder,
    /// It knows the id.
    Id,
    /// It goes by the same owner@host: enough for a standing lease.
    Owner,
    /// None: it insists.
    Force,
}

/// One command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Ask for a lease.
    Ask(Ask),
    /// Pick up a lease that was granted to a waiting request.
    Bind(LeaseId),
    /// Give a lease back.
    Release {
        /// The lease.
        lease: LeaseId,
        /// Who releases.
        by: Identity,
        /// By what right.
        proof: Proof,
    },
    /// Let a lease live longer, from now; without a TTL, as long as its own says.
    Renew {
        /// The lease.
        lease: LeaseId,
        /// The new lifetime.
        ttl: Option<Ttl>,
    },
    /// Stop waiting, keep the place.
    Timeout(LeaseId),
    /// Stop waiting, give up the place.
    Cancel(LeaseId),
    /// Refuse new grants for a while.
    Freeze(Freeze),
    /// End the asker's freezes of exactly this resource.
    Thaw {
        /// What was frozen.
        resource: Resource,
        /// Who ends it.
        by: Identity,
        /// Whether those of other owners are ended too.
        force: bool,
    },
    /// Look again at what these keys find: a watched process died, a time has come.
    Timer(Vec<Key>),
}

impl Command {
    /// Returns what has to be loaded before the kernel can decide. It may ask for more.
    #[must_use]
    pub fn footprint(&self) -> Vec<Key> {
        match self {
            Self::Ask(ask) => {
                let mut keys = Vec::with_capacity(ask.claims.len() + 3);
                keys.extend(Key::overlaps(&ask.claims));
                keys.extend(ask.inside.map(Key::Lease));
                // Of a lease that its agent then holds, all that the agent waits for has to know.
                let agent = match ask.kind {
                    Kind::Scoped => Key::Standing,
                    Kind::Standing => Key::Agent,
                };
                keys.extend(ask.who.agent().map(agent));
                keys.push(Key::Place(ask.who.place()));
                keys
            }
            Self::Bind(id)
            | Self::Release { lease: id, .. }
            | Self::Renew { lease: id, .. }
            | Self::Timeout(id)
            | Self::Cancel(id) => alloc::vec![Key::Lease(*id)],
            Self::Freeze(freeze) => alloc::vec![Key::Overlap(freeze.resource.clone())],
            Self::Thaw { resource, .. } => alloc::vec![Key::Overlap(resource.clone())],
            Self::Timer(keys) => keys.clone(),
        }
    }
}
