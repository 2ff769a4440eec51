//! The registers of a stopped system call: which it is, its arguments, its result.
//!
//! The two machines differ in names and in how a call is left out. On `x86_64` its number is made -1. On
//! `aarch64` that would need a request that has no safe form; there all arguments are made -1, with
//! which every call that we make fail does nothing (no such descriptor, no such address). Both put
//! the arguments back at the exit, because programs rely on them.

use nix::libc::user_regs_struct;
use nix::sys::ptrace;
use nix::unistd::Pid;

/// The registers of one stop.
#[derive(Clone, Copy)]
pub(super) struct Registers(user_regs_struct);

impl Registers {
    pub(super) fn of(pid: Pid) -> nix::Result<Self> {
        ptrace::getregs(pid).map(Self)
    }

    pub(super) fn put(&self, pid: Pid) -> nix::Result<()> {
        ptrace::setregs(pid, self.0)
    }
}

#[cfg(target_arch = "x86_64")]
impl Registers {
    /// Returns the number of the call.
    pub(super) const fn call(&self) -> i64 {
        self.0.orig_rax.cast_signed()
    }

    /// Returns the first three arguments.
    pub(super) const fn arguments(&self) -> [u64; 3] {
        [self.0.rdi, self.0.rsi, self.0.rdx]
    }

    pub(super) const fn set_third(&mut self, value: u64) {
        self.0.rdx = value;
    }

    /// Makes the call do nothing.
    pub(super) const fn leave_out(&mut self) {
        self.0.orig_rax = u64::MAX;
    }

    /// At the exit: puts the arguments back to what they were at the entry.
    pub(super) const fn put_arguments_back(&mut self, entry: &Self) {
        self.0.rdx = entry.0.rdx;
    }

    pub(super) const fn set_result(&mut self, errno: i32) {
        self.0.rax = (-(errno as i64)).cast_unsigned();
    }
}

#[cfg(target_arch = "aarch64")]
impl Registers {
    /// Returns the number of the call.
    pub(super) const fn call(&self) -> i64 {
        self.0.regs[8].cast_signed()
    }

    /// Returns the first three arguments.
    pub(super) const fn arguments(&self) -> [u64; 3] {
        [self.0.regs[0], self.0.regs[1], self.0.regs[2]]
    }

    pub(super) const fn set_third(&mut self, value: u64) {
        self.0.regs[2] = value;
    }

    /// Makes the call do nothing.
    pub(super) fn leave_out(&mut self) {
        self.0.regs[..6].fill(u64::MAX);
    }

    /// At the exit: puts the arguments back to what they were at the entry.
    pub(super) fn put_arguments_back(&mut self, entry: &Self) {
        self.0.regs[1..6].copy_from_slice(&entry.0.regs[1..6]);
    }

    pub(super) const fn set_result(&mut self, errno: i32) {
        self.0.regs[0] = (-(errno as i64)).cast_unsigned();
    }
}
