//! The processes of a run: found by descent, and signalled through descriptors that name a process for
//! good. So nothing is ever sent to a process that is not ours, whatever numbers are used again.

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::fs;
use std::io;
use std::os::fd::OwnedFd;

/// What a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// A guard, waiting or with its command.
    Guard,
    /// A guarded command.
    Command,
    /// Anything else, such as `nsenter`, or a verb that guards nothing.
    Other,
}

/// A process of the run.
#[derive(Debug, Clone)]
pub(super) struct Process {
    pub(super) pid: Pid,
    pub(super) parent: Pid,
    pub(super) role: Role,
    /// Of guards and commands.
    pub(super) op: u64,
    pub(super) has_children: bool,
}

/// Returns all descendants of this process.
pub(super) fn all() -> io::Result<Vec<Process>> {
    let own = rustix::process::getpid();
    let mut found: Vec<Process> = Vec::new();
    let mut parents = vec![own];
    while let Some(parent) = parents.pop() {
        for pid in children(parent)? {
            parents.push(pid);
            let (role, op) = look(pid);
            found.push(Process {
                pid,
                parent,
                role,
                op,
                has_children: !children(pid)?.is_empty(),
            });
        }
    }
    Ok(found)
}

/// Whether this kernel tells the children of a process.
pub(super) fn is_known() -> bool {
    let own = rustix::process::getpid().as_raw_nonzero();
    fs::read(format!("/proc/{own}/task/{own}/children")).is_ok()
}

/// The children of all threads of a process; none of one that is gone.
fn children(parent: Pid) -> io::Result<Vec<Pid>> {
    let parent = parent.as_raw_nonzero();
    let mut found = Vec::new();
    let Ok(threads) = fs::read_dir(format!("/proc/{parent}/task")) else {
        return Ok(found);
    };
    for thread in threads.flatten() {
        let text = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        let numbers = text.split_whitespace().filter_map(|word| word.parse().ok());
        found.extend(numbers.filter_map(Pid::from_raw));
    }
    Ok(found)
}

/// Tells what a process is by its command line.
fn look(pid: Pid) -> (Role, u64) {
    let path = format!("/proc/{}/cmdline", pid.as_raw_nonzero());
    let bytes = fs::read(path).unwrap_or_default();
    let words: Vec<&[u8]> = bytes.split(|byte| *byte == 0).collect();
    let Some(at) = words
        .iter()
        .position(|word| *word == super::WITNESS.as_bytes())
    else {
        return (Role::Other, 0);
    };
    let number = words.get(at + 1).and_then(|word| str::from_utf8(word).ok());
    let op = number.and_then(|word| word.parse().ok()).unwrap_or(0);
    let is_of = |name: &str| words[0].ends_with(name.as_bytes());
    match (is_of("leasehold"), is_of("w")) {
        (true, _) => (Role::Guard, op),
        (_, true) => (Role::Command, op),
        _ => (Role::Other, op),
    }
}

/// A process that can be signalled.
#[derive(Debug)]
pub(super) struct Handle(OwnedFd);

impl Process {
    /// Takes hold of it; nothing if it is gone, or its number is somebody else's now.
    pub(super) fn handle(&self) -> Option<Handle> {
        let handle = Handle(pidfd_open(self.pid, PidfdFlags::empty()).ok()?);
        // The descriptor stays with one process: if that is a child of ours, it is the one meant.
        let parent = parent_of(self.pid)?;
        let own = rustix::process::getpid();
        (parent == self.parent || parent == own).then_some(handle)
    }
}

impl Handle {
    /// Whether the signal was sent.
    pub(super) fn send(&self, signal: Signal) -> bool {
        pidfd_send_signal(&self.0, signal).is_ok()
    }
}

fn parent_of(pid: Pid) -> Option<Pid> {
    let text = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    // The name in parentheses may have spaces in it.
    let rest = text.rsplit_once(") ")?.1;
    let parent = rest.split(' ').nth(1)?.parse().ok()?;
    Pid::from_raw(parent)
}
