//! The process groups below the command, so that stopping it reaches what it started.
//!
//! A nested `guard`, and every shell with job control, puts its commands into groups of their own;
//! a signal to the command's group does not reach those.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use rustix::process::{Pid, Signal, kill_process_group};

/// A process, as `/proc/<pid>/stat` shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Process {
    pid: i32,
    parent: i32,
    group: i32,
    session: i32,
    ended: bool,
}

/// The command and what came from it.
#[derive(Debug)]
pub(super) struct Family {
    command: Pid,
    command_reaped: bool,
    /// Groups seen so far, and their session. A member whose parents have all ended is found by
    /// these; the session guards against a group number that was used again elsewhere.
    groups: BTreeMap<i32, i32>,
}

impl Family {
    /// The family of `command`, which leads a process group and has not been reaped.
    pub(super) fn new(command: Pid) -> Self {
        Self {
            command,
            command_reaped: false,
            groups: BTreeMap::new(),
        }
    }

    /// Says that the command was reaped: its number may now be somebody else's.
    pub(super) fn command_was_reaped(&mut self) {
        self.command_reaped = true;
    }

    /// Looks at the processes again and returns one signal target per group.
    pub(super) fn groups(&mut self) -> Vec<Pid> {
        let mut groups = self
            .living()
            .iter()
            .map(|process| process.group)
            .collect::<BTreeSet<_>>();
        // Where there is no list, also a reaped command's group, whose other members may live on.
        if !self.command_reaped || cfg!(not(target_os = "linux")) {
            groups.insert(raw(self.command));
        }
        groups.into_iter().filter_map(Pid::from_raw).collect()
    }

    /// Sends `signals` in this order to each group once.
    pub(super) fn signal(&mut self, signals: &[Signal]) {
        for group in self.groups() {
            for signal in signals {
                // It may be gone, or another user's (a command run by sudo); no remedy for either.
                let _ = kill_process_group(group, *signal);
            }
        }
    }

    /// Returns a process of the family that has not ended.
    pub(super) fn survivor(&mut self) -> Option<Pid> {
        self.living()
            .first()
            .and_then(|process| Pid::from_raw(process.pid))
    }

    fn living(&mut self) -> Vec<Process> {
        let table = processes();
        let root = (!self.command_reaped).then_some(raw(self.command));
        let members = members(&table, root, &self.groups, &forbidden(&table));
        self.groups.extend(
            members
                .iter()
                .map(|process| (process.group, process.session)),
        );
        members
            .into_iter()
            .filter(|process| !process.ended)
            .collect()
    }
}

/// Returns the descendants of `root` (with it) and the members of `groups`, and theirs, but none
/// that is in a forbidden group.
fn members(
    table: &[Process],
    root: Option<i32>,
    groups: &BTreeMap<i32, i32>,
    forbidden: &HashSet<i32>,
) -> Vec<Process> {
    let known = |process: &Process| {
        root == Some(process.pid) || groups.get(&process.group) == Some(&process.session)
    };
    let mut found: HashSet<i32> = table.iter().filter(|p| known(p)).map(|p| p.pid).collect();
    loop {
        let before = found.len();
        let children = table
            .iter()
            .filter(|process| found.contains(&process.parent));
        let children = children.map(|process| process.pid).collect::<Vec<_>>();
        found.extend(children);
        if found.len() == before {
            break;
        }
    }
    let member =
        |process: &&Process| found.contains(&process.pid) && !forbidden.contains(&process.group);
    table.iter().filter(member).copied().collect()
}

/// Returns the groups that are never signalled: none, init's, ours, and those we were started from.
fn forbidden(table: &[Process]) -> HashSet<i32> {
    let by_pid = table
        .iter()
        .map(|process| (process.pid, process))
        .collect::<HashMap<_, _>>();
    let mut forbidden = HashSet::from([0, 1]);
    // Where there is a list, the walk below begins with our group. In a PID namespace that we were put
    // into, it may have no number at all, which `getpgrp` has no way to say.
    #[cfg(not(target_os = "linux"))]
    forbidden.insert(raw(rustix::process::getpgrp()));
    let mut pid = std::process::id().cast_signed();
    // A snapshot that is not atomic could show a circle, so the walk is bounded by its length.
    for _ in 0..table.len() {
        let Some(process) = by_pid.get(&pid) else {
            break;
        };
        forbidden.insert(process.group);
        pid = process.parent;
    }
    forbidden
}

fn raw(pid: Pid) -> i32 {
    pid.as_raw_nonzero().get()
}

/// Returns every process that can be seen. None in a PID namespace without a /proc of its own: the
/// numbers there are those of another namespace, and would name the wrong processes here.
#[cfg(target_os = "linux")]
fn processes() -> Vec<Process> {
    let own = std::fs::read_link("/proc/self").unwrap_or_default();
    if own.to_str().and_then(|name| name.parse().ok()) != Some(std::process::id()) {
        return Vec::new();
    }
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbered = entries.filter(|entry| {
        entry
            .file_name()
            .as_encoded_bytes()
            .iter()
            .all(u8::is_ascii_digit)
    });
    // A process that ends while we read is none any more.
    numbered
        .filter_map(|entry| std::fs::read(entry.path().join("stat")).ok())
        .filter_map(|stat| parse(&String::from_utf8_lossy(&stat)))
        .collect()
}

/// Elsewhere there is no portable list; the command's own group is what we know.
#[cfg(not(target_os = "linux"))]
fn processes() -> Vec<Process> {
    Vec::new()
}

/// Reads `pid (name) state ppid pgrp session …` (proc_pid_stat(5)). The name may hold anything,
/// parentheses included, so the last `)` ends it.
#[cfg_attr(
    not(target_os = "linux"),
    expect(dead_code, reason = "only Linux has /proc")
)]
fn parse(stat: &str) -> Option<Process> {
    let (pid, _) = stat.split_once(' ')?;
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    let ended = matches!(fields.next()?, "Z" | "X" | "x");
    let mut number = || fields.next()?.parse::<i32>().ok();
    let (parent, group, session) = (number()?, number()?, number()?);
    Some(Process {
        pid: pid.parse().ok()?,
        parent,
        group,
        session,
        ended,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: i32, parent: i32, group: i32, session: i32) -> Process {
        Process {
            pid,
            parent,
            group,
            session,
            ended: false,
        }
    }

    fn check(root: Option<i32>, groups: &[(i32, i32)], forbidden: &[i32], expected: &[i32]) {
        let table = [
            process(1, 0, 1, 1),
            process(10, 1, 10, 5),
            process(20, 10, 20, 5),
            process(21, 20, 21, 5),
            process(22, 21, 10, 5),
            process(30, 1, 31, 5),
            process(40, 1, 31, 9),
            process(41, 40, 41, 9),
        ];
        let groups = groups.iter().copied().collect();
        let forbidden = forbidden.iter().copied().collect();
        let found = members(&table, root, &groups, &forbidden);
        assert_eq!(found.iter().map(|p| p.pid).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn descendants_in_groups_of_their_own_are_found() {
        check(Some(20), &[], &[0, 1, 10], &[20, 21]);
    }

    #[test]
    fn a_remembered_group_is_found_without_its_parents() {
        check(None, &[(31, 5)], &[0, 1, 10], &[30]);
    }

    #[test]
    fn a_remembered_number_in_another_session_is_not_ours() {
        check(None, &[(31, 7)], &[0, 1, 10], &[]);
    }

    #[test]
    fn our_own_group_is_never_a_target() {
        check(Some(20), &[], &[0, 1, 10, 21], &[20]);
    }

    #[test]
    fn a_name_with_parentheses_and_spaces_is_read() {
        let expected = Process {
            pid: 7,
            parent: 3,
            group: 4,
            session: 5,
            ended: true,
        };
        assert_eq!(parse("7 (a) R 1 (b) Z 3 4 5 0 -1 4194304"), Some(expected));
        assert_eq!(parse("7 (a"), None);
    }
}
