//! The exit codes: a contract with scripts, declared once.

use leasehold_api::code::Code;

/// Done.
pub(crate) const OK: u8 = 0;
/// Something failed.
pub(crate) const ERROR: u8 = 1;
/// Held, frozen, or the wait timed out.
pub(crate) const HELD: u8 = 2;
/// There is no such lease.
pub(crate) const NOT_FOUND: u8 = 3;
/// It is somebody else's.
pub(crate) const NOT_YOURS: u8 = 4;
/// Release what others want, then ask again.
pub(crate) const DIED: u8 = 5;
/// The lease was lost.
pub(crate) const LOST: u8 = 6;
/// It cannot be told whether it happened.
pub(crate) const UNKNOWN: u8 = 7;
/// The command line makes no sense (`EX_USAGE` of sysexits.h).
pub(crate) const USAGE: u8 = 64;

/// Returns the exit code of an outcome. An interrupted wait has its signal's instead.
pub(crate) const fn of(code: Code) -> u8 {
    match code {
        Code::Ok => OK,
        Code::Error | Code::Interrupted => ERROR,
        Code::Held | Code::Frozen | Code::TimedOut => HELD,
        Code::NotFound => NOT_FOUND,
        Code::NotYours => NOT_YOURS,
        Code::Died => DIED,
        Code::Lost => LOST,
        Code::Unknown => UNKNOWN,
        Code::Usage | Code::PoolSize | Code::Limit => USAGE,
    }
}
