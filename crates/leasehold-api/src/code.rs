//! The codes that scripts branch on: one word each, the same through every front door.

use serde::Serialize;

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The lease is held, or what was asked for is done.
    Ok,
    /// Something failed; nothing was changed.
    Error,
    /// Somebody holds it, or waits ahead for it.
    Held,
    /// A person has frozen it.
    Frozen,
    /// The wait took as long as it was allowed to; the place is kept for a while.
    TimedOut,
    /// A signal ended the wait; the place is kept for a while.
    Interrupted,
    /// The pool is in use with another number of slots.
    PoolSize,
    /// The request goes over a limit.
    Limit,
    /// There is no such lease.
    NotFound,
    /// It is somebody else's.
    NotYours,
    /// Release what others want, then ask again.
    Died,
    /// The lease is not held any more.
    Lost,
    /// It cannot be told whether it happened.
    Unknown,
    /// The command line makes no sense.
    Usage,
}
