//! One request's process, as the world keeps it.

use super::fiber::Fiber;
use super::presence::Sleep;
use leasehold_core::command::Ask;
use leasehold_service::Held;

/// One request's process.
pub(super) struct Process {
    pub(super) ask: Ask,
    pub(super) state: State,
    /// Its call of `acquire`, while that sleeps.
    pub(super) fiber: Option<Fiber>,
    pub(super) sleep: Option<Sleep>,
    pub(super) is_killed: bool,
    pub(super) interrupted: bool,
    pub(super) listens: bool,
    pub(super) called: bool,
    /// Whether it has slept for as long as it does without looking.
    pub(super) naps: bool,
    /// How often it has woken without having slept.
    pub(super) restless: u32,
}

/// How far a process has come.
pub(super) enum State {
    /// It asks, waits or gives back.
    Busy,
    Holds(Box<Held>),
    Joined,
    Gone,
}

impl Process {
    pub(super) fn new(ask: Ask) -> Self {
        Self {
            ask,
            state: State::Busy,
            fiber: None,
            sleep: None,
            is_killed: false,
            interrupted: false,
            listens: false,
            called: false,
            naps: false,
            restless: 0,
        }
    }

    pub(super) fn holds(&self) -> bool {
        matches!(self.state, State::Holds(_))
    }

    pub(super) fn is_gone(&self) -> bool {
        matches!(self.state, State::Gone)
    }
}
