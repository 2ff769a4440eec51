//! How a run comes to its end: waited for, or killed all at once.

use super::{Driver, OPERATION_MAX, TICK};
use crate::processes::history::{self, Deed, What};
use crate::processes::round::upkeep::Upkeep;
use crate::processes::tree;
use rustix::process::{Pid, Signal};
use std::io;
use std::thread::sleep;
use std::time::Instant;

impl Driver {
    /// Begins nothing more and waits until all have come to their end. Returns whether they did.
    pub(in crate::processes) fn drain(&mut self) -> io::Result<bool> {
        self.nemesis.wake_all()?;
        let keeps_up = |driver: &Self| driver.upkeep.as_ref().is_some_and(Upkeep::is_running);
        while self.agents.iter().any(|agent| agent.busy.is_some()) || keeps_up(self) {
            self.tick(false)?;
            if !self.problems.is_empty() {
                return Ok(false);
            }
        }
        let begin = Instant::now();
        while self.strangers()? > 0 {
            if begin.elapsed() > OPERATION_MAX {
                self.problems
                    .push("commands without a guard do not end".into());
                return Ok(false);
            }
            self.tick(false)?;
        }
        Ok(true)
    }

    /// The processes of this run that are left.
    fn strangers(&self) -> io::Result<usize> {
        let processes = tree::all()?;
        Ok(processes.iter().filter(|p| p.op != 0).count())
    }

    /// Kills everything at once, as a power failure does. Returns when all are gone.
    pub(in crate::processes) fn kill_all(&mut self) -> io::Result<()> {
        history::append(&self.directory, 0, What::Deed { deed: Deed::Boot })?;
        let begin = Instant::now();
        loop {
            let processes = tree::all()?;
            let ours: Vec<_> = processes
                .iter()
                .filter(|p| p.op != 0 || self.is_busy(p.pid))
                .collect();
            if ours.is_empty() {
                return Ok(());
            }
            if begin.elapsed() > OPERATION_MAX {
                return Err(io::Error::other("processes that were killed do not end"));
            }
            for process in ours {
                if let Some(handle) = process.handle() {
                    handle.send(Signal::KILL);
                }
            }
            self.reap()?;
            sleep(TICK);
        }
    }

    fn is_busy(&self, pid: Pid) -> bool {
        let mut busy = self.agents.iter().filter_map(|agent| agent.busy.as_ref());
        busy.any(|busy| busy.pid == pid)
    }
}
