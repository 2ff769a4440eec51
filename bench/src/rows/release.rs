//! Row 7: whether a release costs more the more wait for it.
//!
//! The queue is kept at one length: whoever has the lease has waited for it in its turn, and holds it
//! until one more waits. Then its command is ended, and what its guard does from there to its own end is
//! measured: the release, with the handing over to the next.

use super::{RESOURCE, Row, guard};
use crate::calls;
use crate::programs::Programs;
use crate::report::{Section, Unit};
use crate::sample::{Sample, Statistic};
use crate::scratch::Scratch;
use crate::{Fallible, process};
use leasehold_core::Resource;
use leasehold_core::view::Key;
use leasehold_store::{Access, Loaded as _, Store as _};
use leasehold_store_file::{FileStore, Options};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::collections::VecDeque;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

const TITLE: &str = "7. The releaser, with 8, 64 and 256 waiters";
/// The first is what the others are compared with.
const WAITERS: [usize; 3] = [8, 64, 256];
/// Of with the fewest, CPU and system calls.
const RATIO_MAX: f64 = 1.1;
/// Releases measured per round, length and kind of agent.
const RELEASES: usize = 25;
/// How long the queue may take to become as long as it should be.
const QUEUE_LIMIT: Duration = Duration::from_secs(60);
/// A holder looks for itself 50 ms after its command began, and then every five seconds.
const FIRST_LOOK: Duration = Duration::from_millis(150);
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// Who waits: nobody in particular, or an agent with a session each, whose own leases count in every
/// decision about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Agents {
    Nameless,
    Sessions,
}

/// One queue.
struct Queue {
    agents: Agents,
    waiters: usize,
    repository: PathBuf,
    cpu: Sample,
    calls: Option<calls::Calls>,
}

/// Those in one queue, the holder first. Dropped, all their commands end, and so do they.
struct Line<'a> {
    row: &'a Programs,
    scratch: &'a Scratch,
    queue: &'a Queue,
    store: FileStore,
    guards: VecDeque<Child>,
    started: usize,
}

impl Line<'_> {
    fn begin<'a>(
        (programs, scratch): (&'a Programs, &'a Scratch),
        queue: &'a Queue,
    ) -> Fallible<Line<'a>> {
        let store = FileStore::open(&queue.repository.join(".git/leasehold"), Options::default())?;
        let mut line = Line {
            row: programs,
            scratch,
            queue,
            store,
            guards: VecDeque::new(),
            started: 0,
        };
        for _ in 0..queue.waiters {
            line.join()?;
        }
        Ok(line)
    }

    /// Starts one more guard; returns when it has its place, so that they are known by their order.
    fn join(&mut self) -> Fallible<()> {
        let mut command = guard(self.row, self.scratch, &self.queue.repository, &["--wait"])?;
        command
            .arg(&self.row.stamp)
            .arg(self.scratch.path().join("release-stamps"))
            .arg("hold");
        if self.queue.agents == Agents::Sessions {
            command.env("LEASEHOLD_SESSION", format!("waiter-{}", self.started));
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        self.guards.push_back(process::start(&mut command)?);
        self.started += 1;
        self.settle()
    }

    /// Returns when the first one's command runs and everybody else waits.
    fn settle(&mut self) -> Fallible<()> {
        let holder = self.guards.front_mut().ok_or("nobody is in the queue")?;
        if let Some(stdout) = holder.stdout.take() {
            BufReader::new(stdout).read_line(&mut String::new())?;
        }
        let key = Key::Overlap(Resource::parse(RESOURCE)?);
        let since = Instant::now();
        loop {
            let loaded = self.store.load(std::slice::from_ref(&key), Access::Read)?;
            if loaded.view().tickets().count() == self.guards.len() - 1 {
                return Ok(());
            }
            if since.elapsed() > QUEUE_LIMIT {
                return Err("the queue does not come to be as long as it should".into());
            }
            thread::sleep(LOOK_EVERY);
        }
    }

    /// Ends the holder's command, and returns what its guard spent from there on, in milliseconds.
    fn release(&mut self) -> Fallible<f64> {
        let mut holder = self.guards.pop_front().ok_or("nobody is in the queue")?;
        let pid = process::pid(&holder)?;
        let before = cpu_ns(pid)?;
        drop(holder.stdin.take());
        wait_unreaped(pid)?;
        let spent = cpu_ns(pid)?.saturating_sub(before);
        check(&mut holder)?;
        Ok(f64::from(u32::try_from(spent)?) / 1e6)
    }

    fn count(&mut self) -> Fallible<Option<calls::Calls>> {
        let Some(strace) = &self.row.strace else {
            return Ok(None);
        };
        self.join()?;
        let mut holder = self.guards.pop_front().ok_or("nobody is in the queue")?;
        let pid = process::pid(&holder)?;
        // Not counted.
        thread::sleep(FIRST_LOOK);
        let calls = calls::count_from_now(strace, self.scratch, pid, || {
            drop(holder.stdin.take());
            check(&mut holder)
        })?;
        Ok(Some(calls))
    }

    /// Lets everybody go, in order.
    fn end(mut self) -> Fallible<()> {
        for guard in &mut self.guards {
            drop(guard.stdin.take());
        }
        self.guards.iter_mut().try_for_each(check)
    }
}

fn check(guard: &mut Child) -> Fallible<()> {
    let status = process::wait(guard)?;
    if status.success() {
        return Ok(());
    }
    Err(format!("a guard ended with {status}").into())
}

/// Waits for the end of a child that can be looked at still.
fn wait_unreaped(pid: Pid) -> Fallible<()> {
    let handle = pidfd_open(pid, PidfdFlags::empty())?;
    poll(&mut [PollFd::new(&handle, PollFlags::IN)], None)?;
    Ok(())
}

/// Returns what a process has spent so far, but for its children: user and system time, to the nanosecond.
fn cpu_ns(pid: Pid) -> Fallible<u64> {
    let text = fs::read_to_string(format!("/proc/{}/schedstat", pid.as_raw_nonzero()))?;
    let spent = text.split_whitespace().next().ok_or("no times")?;
    Ok(spent.parse()?)
}

/// All lengths of the queue, for both kinds of agents.
pub(super) struct Release {
    programs: Rc<Programs>,
    scratch: Rc<Scratch>,
    queues: Vec<Queue>,
}

impl Release {
    pub(super) fn new(programs: &Rc<Programs>, scratch: &Rc<Scratch>) -> Fallible<Self> {
        let mut queues = Vec::new();
        for agents in [Agents::Nameless, Agents::Sessions] {
            for waiters in WAITERS {
                let repository = scratch.repository(&format!("release-{agents:?}-{waiters}"))?;
                queues.push(Queue {
                    agents,
                    waiters,
                    repository,
                    cpu: Sample::default(),
                    calls: None,
                });
            }
        }
        let (programs, scratch) = (Rc::clone(programs), Rc::clone(scratch));
        Ok(Self {
            programs,
            scratch,
            queues,
        })
    }
}

impl Row for Release {
    fn round(&mut self) -> Fallible<()> {
        let mut spent = vec![Vec::new(); self.queues.len()];
        let mut counted = Vec::new();
        {
            let with = (&*self.programs, &*self.scratch);
            let lines = self.queues.iter().map(|queue| Line::begin(with, queue));
            let mut lines = lines.collect::<Fallible<Vec<Line<'_>>>>()?;
            for turn in 0..RELEASES {
                // Whoever joins a long queue reads all of it: that is none of the releaser's business,
                // and leaves it nothing in the processor's caches. So all join before any releases, and
                // each queue is the first of them as often as the others.
                lines.iter_mut().try_for_each(Line::join)?;
                for place in 0..lines.len() {
                    let place = (place + turn) % lines.len();
                    spent[place].push(lines[place].release()?);
                }
            }
            for mut line in lines {
                let known = line.queue.calls.is_some();
                counted.push(if known { None } else { line.count()? });
                line.end()?;
            }
        }
        for ((queue, spent), counted) in self.queues.iter_mut().zip(spent).zip(counted) {
            queue.cpu.begin_round();
            spent.into_iter().for_each(|ms| queue.cpu.add(ms));
            queue.calls = queue.calls.take().or(counted);
        }
        Ok(())
    }

    fn finish(&mut self) -> Fallible<Section> {
        let mut section = Section::new(TITLE);
        for queues in self.queues.chunks(WAITERS.len()) {
            let [few, more @ ..] = queues else {
                continue;
            };
            for queue in more {
                let agents = match queue.agents {
                    Agents::Nameless => "nameless",
                    Agents::Sessions => "each with a session",
                };
                let what = format!(
                    "{} waiters, {agents}, other = {}",
                    queue.waiters, few.waiters
                );
                section.compare(
                    &format!("{what}: CPU"),
                    (&queue.cpu, &few.cpu),
                    (Statistic::Median, Unit::Milliseconds),
                    Some(RATIO_MAX),
                );
                if let (Some(ours), Some(other)) = (&queue.calls, &few.calls) {
                    let (ours, other) = (ours.total(), other.total());
                    let what = format!("{what}: system calls");
                    section.counts_within(&what, ours, other, RATIO_MAX);
                }
            }
        }
        if let Some(calls) = self.queues.first().and_then(|queue| queue.calls.as_ref()) {
            let note = format!(
                "System calls of a release with {}: {}.",
                WAITERS[0],
                calls.list()
            );
            section.notes.push(note);
        }
        section.notes.push(
            "Waiters are real processes. Measured is what the holder's own process does from the end of \
             its command to its own: CPU by the kernel's account of it, system calls by `strace -p`."
                .into(),
        );
        Ok(section)
    }
}
