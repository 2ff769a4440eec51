//! Which system calls change something.

use super::registers::Registers;
use nix::libc;

/// One call of a traced process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    /// Whether it changes a file, a directory or what is on disk for good.
    pub(crate) writes: bool,
    /// Whether it writes bytes, more than one of them: it may be cut short.
    pub(crate) is_divisible: bool,
    /// Whether it writes to standard output or standard error.
    pub(crate) talks: bool,
    /// Whether it opens a file, be it new or not.
    pub(crate) opens: bool,
    /// Whether it may sleep.
    pub(crate) may_block: bool,
    /// Whether it waits for others, and a signal to this process may end that. (What wakes a thread up
    /// has the number of what puts it to sleep, and never fails so.)
    pub(crate) is_interruptible: bool,
    /// Whether it takes or gives back a lock.
    pub(crate) locks: bool,
    /// Whether it starts a process; before it is made, maybe only a thread.
    pub(crate) forks: bool,
}

impl Call {
    /// Returns whether others can see that it happened.
    pub(crate) const fn is_seen(&self) -> bool {
        self.writes || self.locks || self.forks || self.may_block
    }

    /// Reads a call from the registers at its entry.
    pub(super) fn of(registers: &Registers) -> Self {
        let call = registers.call();
        let [first, second, third] = registers.arguments();
        let writes_bytes = [libc::SYS_write, libc::SYS_pwrite64].contains(&call);
        Self {
            writes: writes_bytes || CHANGES.contains(&call) || creates(call, second, third),
            is_divisible: writes_bytes && third > 1,
            talks: writes_bytes && first <= 2,
            opens: OPENS.contains(&call),
            may_block: BLOCKS.contains(&call),
            is_interruptible: BLOCKS.contains(&call) && call != libc::SYS_futex,
            locks: call == libc::SYS_flock,
            forks: FORKS.contains(&call),
        }
    }
}

fn creates(call: i64, second: u64, third: u64) -> bool {
    let create = u64::from(libc::O_CREAT.cast_unsigned());
    #[cfg(target_arch = "x86_64")]
    if call == libc::SYS_open {
        return second & create != 0;
    }
    let _ = second;
    call == libc::SYS_openat && third & create != 0
}

/// The calls that change something whatever their arguments.
const CHANGES: &[i64] = &[
    #[cfg(target_arch = "x86_64")]
    libc::SYS_mkdir,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_mknod,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_unlink,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_rmdir,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_rename,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_link,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_renameat,
    libc::SYS_mkdirat,
    libc::SYS_mknodat,
    libc::SYS_unlinkat,
    libc::SYS_renameat2,
    libc::SYS_linkat,
    libc::SYS_symlinkat,
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    libc::SYS_ftruncate,
    libc::SYS_fallocate,
    libc::SYS_fsync,
    libc::SYS_fdatasync,
    libc::SYS_writev,
    libc::SYS_pwritev,
];

/// The calls that open a file.
const OPENS: &[i64] = &[
    #[cfg(target_arch = "x86_64")]
    libc::SYS_open,
    libc::SYS_openat,
];

/// The calls in which a process waits for another.
const BLOCKS: &[i64] = &[
    #[cfg(target_arch = "x86_64")]
    libc::SYS_poll,
    libc::SYS_ppoll,
    libc::SYS_wait4,
    libc::SYS_waitid,
    libc::SYS_futex,
];

/// The calls that start a process, or a thread.
const FORKS: &[i64] = &[
    #[cfg(target_arch = "x86_64")]
    libc::SYS_fork,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_vfork,
    libc::SYS_clone,
    libc::SYS_clone3,
];
