//! The faults, and which of them a run of a verb gives room for.

use crate::tracer::call::Call;
use nix::errno::Errno;
use std::fmt;

/// One fault in one process. Calls and writes are counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// None: a look at how the run goes.
    None,
    /// Killed at the entry of a call. The exit of a call is no other moment: between it and the entry of
    /// the next nothing changes that anybody else sees.
    Kill { call: usize },
    /// A write is cut in half, and the process killed right after.
    Tear { write: usize },
    /// A write is cut in half.
    Short { write: usize },
    /// A call that changes something fails.
    Fail { write: usize, errno: Errno },
    /// So does each after it.
    FailOnward { write: usize, errno: Errno },
    /// A call that locks fails.
    FailLock { lock: usize, errno: Errno },
}

impl Fault {
    /// Returns whether the process cannot outlive it.
    pub(super) const fn kills(self) -> bool {
        matches!(self, Self::Kill { .. } | Self::Tear { .. })
    }

    /// Returns whether what comes after it goes well: also what undoes what went before.
    pub(super) const fn is_once(self) -> bool {
        !matches!(self, Self::FailOnward { .. })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => write!(f, "no fault"),
            Self::Kill { call } => write!(f, "kill at call {call}"),
            Self::Tear { write } => write!(f, "kill inside write {write}"),
            Self::Short { write } => write!(f, "short write {write}"),
            Self::Fail { write, errno } => write!(f, "{errno:?} at write {write}"),
            Self::FailOnward { write, errno } => write!(f, "{errno:?} from write {write} on"),
            Self::FailLock { lock, errno } => write!(f, "{errno:?} at lock {lock}"),
        }
    }
}

/// Every fault that a run of these calls gives room for.
pub(super) fn all(calls: &[Call]) -> Vec<Fault> {
    let mut faults: Vec<Fault> = (1..=calls.len()).map(|call| Fault::Kill { call }).collect();
    let writes = calls.iter().filter(|call| call.writes);
    for (write, call) in (1..).zip(writes) {
        if call.is_divisible {
            faults.extend([Fault::Tear { write }, Fault::Short { write }]);
        }
        faults.extend(failures(write));
    }
    let locks = calls.iter().filter(|call| call.locks).count();
    let errors = [Errno::EINTR, Errno::ENOLCK];
    faults.extend((1..=locks).flat_map(|lock| errors.map(|errno| Fault::FailLock { lock, errno })));
    faults
}

/// Returns whether a fault is likely to do something that no other does. A kill is like the one a call
/// earlier where nobody else can see what that call did; and what one error shows, another mostly shows.
pub(super) fn is_telling(fault: Fault, calls: &[Call]) -> bool {
    match fault {
        Fault::Kill { call } => call > 1 && calls[call - 2].is_seen(),
        Fault::Fail { errno, .. } => errno != Errno::EINTR,
        Fault::FailOnward { errno, .. } => errno == Errno::ENOSPC,
        Fault::FailLock { errno, .. } => errno == Errno::ENOLCK,
        Fault::None | Fault::Tear { .. } | Fault::Short { .. } => true,
    }
}

fn failures(write: usize) -> [Fault; 5] {
    [
        Fault::Fail {
            write,
            errno: Errno::ENOSPC,
        },
        Fault::Fail {
            write,
            errno: Errno::EIO,
        },
        Fault::Fail {
            write,
            errno: Errno::EINTR,
        },
        Fault::FailOnward {
            write,
            errno: Errno::ENOSPC,
        },
        Fault::FailOnward {
            write,
            errno: Errno::EIO,
        },
    ]
}
