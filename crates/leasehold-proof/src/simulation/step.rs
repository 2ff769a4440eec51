//! What may happen in a world, as data: recorded, repeated, and left out to find the shortest history.
//!
//! A step names leases and requests by their place among those that are there, so that leaving out a
//! step leaves the later ones meaningful.

use leasehold_core::command::Wait;

/// One step, and what goes wrong in it.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) action: Action,
    pub(super) trouble: Option<Trouble>,
}

/// Something that happens.
#[derive(Clone, Debug)]
pub(super) enum Action {
    /// A new process asks.
    Ask(Request),
    /// A sleeping request goes on, if it has a reason to.
    Run(usize),
    /// A sleeping request that nobody has called for long looks by itself.
    Look(usize),
    /// A sleeping request is woken for nothing.
    Nudge(usize),
    /// A waiting request is interrupted by its user.
    Interrupt(usize),
    /// All sleeping requests that have a reason to go on do so.
    RunAll,
    /// A holder gives its lease back.
    Release(usize),
    /// A holder renews.
    Renew(usize, Option<u64>),
    /// A holder renews although its time is over.
    Revive(usize),
    /// Somebody else ends a lease, with or without its id.
    Unlock {
        lease: usize,
        who: u64,
        how: Unlock,
    },
    /// The same request reaches the store once more.
    Again(usize),
    /// What ended without a lease is asked for once more, by the same id or a new one.
    Retry {
        which: usize,
        same_id: bool,
    },
    Freeze {
        what: usize,
        who: u64,
        millis: u64,
    },
    Thaw {
        what: usize,
        who: u64,
        force: bool,
    },
    /// Somebody looks at everything and notes what time has brought about.
    Timer(usize),
    /// Time passes.
    Pass(u64),
    /// Time passes until just before the next thing that ends by time, or until it ends.
    Brink,
    /// A process is killed; its guarded command may live on.
    Kill {
        which: usize,
        command: bool,
    },
    /// A command that lost its guard ends.
    EndCommand(usize),
    /// Somebody asks whether a lease is current.
    Check(usize),
    /// Every process is gone, and time has passed.
    Boot(u64),
    /// The kernel decides over a part of the state what it decides over the whole.
    Compare(Request, u64),
}

/// How somebody else ends a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unlock {
    Id,
    Owner,
    Force,
}

/// A request before it has an id.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) who: u64,
    /// Name, intent, size of the pool.
    pub(super) claims: Vec<(usize, usize, u32)>,
    pub(super) standing: bool,
    pub(super) inside: Option<usize>,
    pub(super) wait: Wait,
    pub(super) ttl: Option<u64>,
    pub(super) keep_while_alive: bool,
    pub(super) priority: Option<u32>,
    pub(super) strict: bool,
}

/// What goes wrong in a step, at which of its calls of the store.
#[derive(Clone, Debug)]
pub(super) struct Trouble {
    pub(super) call: u64,
    pub(super) what: What,
}

/// What goes wrong.
#[derive(Clone, Debug)]
pub(super) enum What {
    /// The store says no, and nothing happened.
    Fail,
    /// The process dies before its call is carried out.
    KillBefore,
    /// The process dies after its commit and never hears of it.
    KillAfter,
    /// The commit is done, and its answer is lost.
    LostAnswer,
    /// The store answers "conflict".
    Conflict,
    /// Somebody else does something in between.
    Meanwhile(Box<Action>),
}
