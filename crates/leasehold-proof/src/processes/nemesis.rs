//! The nemesis: kills and stops what runs. Each deed is written down before it is done.

use super::history::{self, Deed, What};
use super::setting::Setting;
use super::tree::{self, Handle, Process, Role};
use crate::Random;
use rustix::process::{Pid, Signal};
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Does evil at random times.
#[derive(Debug)]
pub(super) struct Nemesis {
    directory: PathBuf,
    setting: Setting,
    random: Random,
    next: Instant,
    stopped: Vec<Stopped>,
    /// How often it did what.
    pub(super) done: BTreeMap<&'static str, u64>,
}

/// What the driver knows of the processes.
#[derive(Debug)]
pub(super) struct Known<'a> {
    /// The TTL of every guard that has one, by its operation.
    pub(super) ttl_ms: &'a BTreeMap<u64, u64>,
    /// The operations of the processes that the driver started.
    pub(super) ops: HashMap<Pid, u64>,
}

#[derive(Debug)]
struct Stopped {
    handle: Handle,
    around: Option<Handle>,
    op: u64,
    until: Instant,
}

impl Nemesis {
    pub(super) fn new(directory: PathBuf, setting: Setting, random: Random) -> Self {
        Self {
            directory,
            setting,
            random,
            next: Instant::now(),
            stopped: Vec::new(),
            done: BTreeMap::new(),
        }
    }

    fn note(&self, op: u64, deed: Deed) -> io::Result<()> {
        history::append(&self.directory, op, What::Deed { deed })
    }

    /// Counts what came to pass; returns whether it did.
    fn count(&mut self, deed: &Deed, is_done: bool) -> bool {
        *self.done.entry(deed.name()).or_default() += u64::from(is_done);
        is_done
    }

    /// Does what is due.
    pub(super) fn tend(&mut self, known: &Known<'_>) -> io::Result<()> {
        self.wake(|stopped, now| stopped.until <= now)?;
        if self.setting.deed_every_ms == 0 || Instant::now() < self.next {
            return Ok(());
        }
        let pause = self.random.below(2 * self.setting.deed_every_ms);
        self.next = Instant::now() + Duration::from_millis(pause);
        self.strike(known)
    }

    /// Lets all go on that are stopped.
    pub(super) fn wake_all(&mut self) -> io::Result<()> {
        self.wake(|_, _| true)
    }

    fn wake(&mut self, is_due: impl Fn(&Stopped, Instant) -> bool) -> io::Result<()> {
        let now = Instant::now();
        let due = self.stopped.extract_if(.., |stopped| is_due(stopped, now));
        for stopped in due.collect::<Vec<_>>() {
            self.note(stopped.op, Deed::Continue)?;
            self.count(&Deed::Continue, stopped.handle.send(Signal::CONT));
            if let Some(around) = stopped.around {
                around.send(Signal::CONT);
            }
        }
        Ok(())
    }

    fn strike(&mut self, known: &Known<'_>) -> io::Result<()> {
        let mut processes = tree::all()?;
        for process in processes.iter_mut().filter(|process| process.op == 0) {
            process.op = known.ops.get(&process.pid).copied().unwrap_or(0);
        }
        let ttl_ms = |op: u64| known.ttl_ms.get(&op).copied();
        let of = |role| -> Vec<&Process> {
            processes
                .iter()
                .filter(|process| process.role == role)
                .collect()
        };
        let (guards, commands) = (of(Role::Guard), of(Role::Command));
        let waiters: Vec<&Process> = guards.iter().filter(|g| !g.has_children).copied().collect();
        let kills = self.random.below(10) < self.setting.kills_of_ten;
        let (choice, draw) = (self.random.below(8), self.random.number());
        if kills {
            return match choice {
                0 | 1 => self.kill(pick(draw, &guards)),
                2 => self.kill(pick(draw, &commands)),
                3 => {
                    let guard = pick(draw, &guards);
                    self.kill(guard)?;
                    let command = commands
                        .iter()
                        .find(|c| guard.is_some_and(|g| g.op == c.op));
                    self.kill(command.copied())
                }
                // Verbs that guard nothing are killed in the middle of what they do.
                4 => {
                    let others = of(Role::Other);
                    let verbs: Vec<&Process> = others
                        .into_iter()
                        .filter(|p| !p.has_children && p.op != 0)
                        .collect();
                    self.kill(pick(draw, &verbs))
                }
                _ => self.kill(pick(draw, &waiters)),
            };
        }
        let short = Duration::from_millis(self.random.below(200));
        match choice {
            0..5 => {
                // Only one with a TTL loses anything by it.
                let with_ttl: Vec<&Process> = guards
                    .iter()
                    .filter(|guard| guard.has_children && ttl_ms(guard.op).is_some())
                    .copied()
                    .collect();
                let Some(guard) = pick(draw, &with_ttl) else {
                    return Ok(());
                };
                let ttl_ms = ttl_ms(guard.op).unwrap_or(0);
                let long = Duration::from_millis(ttl_ms + 200 + self.random.below(1_000));
                self.stop(Some(guard), long, &processes)
            }
            5 => self.stop(pick(draw, &waiters), short, &processes),
            6 => self.stop(pick(draw, &commands), short, &processes),
            _ => self.stop(pick(draw, &guards), short, &processes),
        }
    }

    fn kill(&mut self, whom: Option<&Process>) -> io::Result<()> {
        let Some((process, handle)) = whom.and_then(|p| Some((p, p.handle()?))) else {
            return Ok(());
        };
        let deed = match process.role {
            Role::Command => Deed::KillCommand,
            Role::Guard | Role::Other => Deed::KillGuard,
        };
        self.note(process.op, deed.clone())?;
        self.count(&deed, handle.send(Signal::KILL));
        Ok(())
    }

    fn stop(
        &mut self,
        whom: Option<&Process>,
        length: Duration,
        all: &[Process],
    ) -> io::Result<()> {
        let Some((process, handle)) = whom.and_then(|p| Some((p, p.handle()?))) else {
            return Ok(());
        };
        if self.stopped.iter().any(|stopped| stopped.op == process.op) {
            return Ok(());
        }
        let (op, until) = (process.op, Instant::now() + length);
        let deed = match process.role {
            Role::Command => Deed::StopCommand,
            Role::Guard | Role::Other => Deed::StopGuard,
        };
        // `nsenter` and `unshare` stop with their child, and nobody else lets them go on.
        let is_around = |other: &&Process| other.pid == process.parent && other.role == Role::Other;
        let around = all.iter().find(is_around).and_then(Process::handle);
        self.note(op, deed.clone())?;
        if self.count(&deed, handle.send(Signal::STOP)) {
            self.stopped.push(Stopped {
                handle,
                around,
                op,
                until,
            });
        }
        Ok(())
    }
}

/// One of a list.
fn pick<'a>(draw: u64, list: &[&'a Process]) -> Option<&'a Process> {
    let at = draw.checked_rem(list.len() as u64)?;
    list.get(usize::try_from(at).ok()?).copied()
}
