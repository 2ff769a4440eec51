//! Who is there, and how sleepers are woken, in a memory workspace.

use super::{HashMap, Shared};
use crate::{Part, Presence, StoreError, Watched, Woken};
use leasehold_core::view::{Life, Pulse};
use leasehold_core::{LeaseId, Timestamp};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Makes the other end readable. What does not fit any more is not needed: one byte wakes.
#[derive(Clone, Debug)]
pub(super) struct Bell(Arc<UnixStream>);

impl Bell {
    fn pair() -> io::Result<(Self, UnixStream)> {
        let (ringing, heard) = UnixStream::pair()?;
        ringing.set_nonblocking(true)?;
        heard.set_nonblocking(true)?;
        Ok((Self(Arc::new(ringing)), heard))
    }

    pub(super) fn ring(&self) {
        // Full, or nobody there any more: either way nobody has to be woken.
        let _rung = (&*self.0).write(&[0]);
    }
}

/// Takes all that is there out of a bell's other end. Returns whether there was anything.
fn drain(mut heard: &UnixStream) -> bool {
    let (mut any, mut bytes) = (false, [0; 64]);
    while heard.read(&mut bytes).is_ok_and(|read| read > 0) {
        any = true;
    }
    any
}

/// What is known of one id.
#[derive(Debug, Default)]
struct Seat {
    holder: Pulse,
    /// As it was said to be, else as the holder's.
    command: Option<Pulse>,
    attending: usize,
    /// Who keeps the calls, by the serial of the presence.
    listeners: Vec<(u64, Bell)>,
}

impl Seat {
    fn life(&self) -> Life {
        Life {
            holder: self.holder,
            command: self.command.unwrap_or(self.holder),
        }
    }
}

#[derive(Debug)]
struct Watcher {
    serial: u64,
    bell: Bell,
}

#[derive(Debug, Default)]
struct Table {
    seats: HashMap<LeaseId, Seat>,
    watchers: HashMap<LeaseId, Vec<Watcher>>,
    /// Those who sleep until a time.
    timed: HashMap<u64, Bell>,
    serial_last: u64,
    /// Seats of the dead, and how many of them are reason to look for some that nobody needs.
    dead: usize,
    dead_max: usize,
}

/// All presences of one workspace. Its lock is taken inside that of the state, never around it.
#[derive(Debug, Default)]
pub(super) struct Presences {
    table: Mutex<Table>,
}

/// How many dead are remembered at least before it is looked which of them nobody needs any more.
const DEAD_KEPT: usize = 64;

impl Presences {
    fn table(&self) -> MutexGuard<'_, Table> {
        // A panic inside leaves at worst a bell that was not rung.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what is known of an id. Where nobody attended it counts as alive.
    pub(super) fn life(&self, id: LeaseId) -> Life {
        self.table()
            .seats
            .get(&id)
            .map(Seat::life)
            .unwrap_or_default()
    }

    pub(super) fn set_life(&self, id: LeaseId, life: Life) {
        let mut table = self.table();
        let seat = table.seats.entry(id).or_default();
        seat.holder = life.holder;
        seat.command = Some(life.command);
        table.ring_watchers(id);
    }

    pub(super) fn time_moved(&self) {
        self.table().timed.values().for_each(Bell::ring);
    }

    /// Returns whom a commit wakes: those it calls, and those who watch what is gone with it. `has`
    /// says whether an id is still in the state.
    pub(super) fn bells(
        &self,
        calls: &[LeaseId],
        gone: impl Iterator<Item = LeaseId>,
        has: impl Fn(LeaseId) -> bool,
    ) -> Vec<Bell> {
        let mut table = self.table();
        let called = calls.iter().filter_map(|id| table.seats.get(id));
        let called = called
            .flat_map(|seat| &seat.listeners)
            .map(|(_, bell)| bell.clone());
        let mut bells: Vec<Bell> = called.collect();
        if !table.watchers.is_empty() {
            let gone = gone.filter(|id| !has(*id));
            let watchers = gone.filter_map(|id| table.watchers.get(&id)).flatten();
            bells.extend(watchers.map(|watcher| watcher.bell.clone()));
        }
        table.forget_dead(has);
        bells
    }
}

impl Table {
    fn ring_watchers(&self, id: LeaseId) {
        self.watchers
            .get(&id)
            .into_iter()
            .flatten()
            .for_each(|watcher| watcher.bell.ring());
    }

    /// Forgets the dead whose leases and tickets are gone, once they have become many.
    fn forget_dead(&mut self, has: impl Fn(LeaseId) -> bool) {
        if self.dead < self.dead_max.max(DEAD_KEPT) {
            return;
        }
        let is_dead = |seat: &Seat| seat.attending == 0 && seat.holder == Pulse::Dead;
        self.seats.retain(|id, seat| !is_dead(seat) || has(*id));
        self.dead = self.seats.values().filter(|seat| is_dead(seat)).count();
        // Twice what is left: so looking costs a constant for each death.
        self.dead_max = self.dead * 2;
    }
}

/// A [`Presence`] in a memory workspace.
#[derive(Debug)]
pub(super) struct MemoryPresence {
    id: LeaseId,
    serial: u64,
    workspace: Arc<Shared>,
    calls: Option<UnixStream>,
    /// Rung where something else may have come that is slept for.
    nudges: Option<(Bell, UnixStream)>,
    has_ended: bool,
}

impl MemoryPresence {
    pub(super) fn new(id: LeaseId, workspace: Arc<Shared>) -> Self {
        let mut table = workspace.presences.table();
        table.serial_last += 1;
        let serial = table.serial_last;
        let seat = table.seats.entry(id).or_default();
        seat.attending += 1;
        (seat.holder, seat.command) = (Pulse::Alive, None);
        drop(table);
        Self {
            id,
            serial,
            workspace,
            calls: None,
            nudges: None,
            has_ended: false,
        }
    }

    /// Leaves the seat: for good, or as one that died.
    fn leave(&mut self) {
        let mut table = self.workspace.presences.table();
        let Some(seat) = table.seats.get_mut(&self.id) else {
            return;
        };
        seat.listeners.retain(|(serial, _)| *serial != self.serial);
        seat.attending = seat.attending.saturating_sub(1);
        if seat.attending > 0 {
            return;
        }
        if self.has_ended {
            table.seats.remove(&self.id);
        } else {
            seat.holder = Pulse::Dead;
            table.dead += 1;
        }
        table.ring_watchers(self.id);
    }

    /// Registers for what is slept for; the guard takes it back.
    fn asleep(
        &mut self,
        watch: &[Watched],
        until: Option<Timestamp>,
    ) -> Result<Asleep, StoreError> {
        if self.nudges.is_none() {
            self.nudges =
                Some(Bell::pair().map_err(|e| StoreError::io("open", "a socket pair", e))?);
        }
        let asleep = Asleep {
            serial: self.serial,
            watch: watch.to_vec(),
            workspace: Arc::clone(&self.workspace),
        };
        if let Some((bell, heard)) = &self.nudges {
            drain(heard);
            let mut table = self.workspace.presences.table();
            for Watched { id, .. } in watch {
                let watcher = Watcher {
                    serial: self.serial,
                    bell: bell.clone(),
                };
                table.watchers.entry(*id).or_default().push(watcher);
            }
            if until.is_some() {
                table.timed.insert(self.serial, bell.clone());
            }
        }
        Ok(asleep)
    }

    fn is_over(&self, watched: Watched) -> bool {
        let life = self.workspace.presences.life(watched.id);
        let pulse = match watched.part {
            Part::Holder => life.holder,
            Part::Command => life.command,
        };
        pulse == Pulse::Dead || !self.workspace.has(watched.id)
    }

    /// Waits until anything is readable or the time is over. Returns whether the interrupt is.
    fn wait(
        &self,
        interrupt: Option<BorrowedFd<'_>>,
        until: Option<Timestamp>,
    ) -> Result<bool, StoreError> {
        let mut fds = Vec::with_capacity(3);
        let ready = PollFlags::IN;
        fds.extend(interrupt.map(|fd| PollFd::from_borrowed_fd(fd, ready)));
        fds.extend(self.calls.as_ref().map(|calls| PollFd::new(calls, ready)));
        fds.extend(
            self.nudges
                .as_ref()
                .map(|(_, nudges)| PollFd::new(nudges, ready)),
        );
        let timeout = until.and_then(|until| self.workspace.clock.sleep_for(until));
        // A time too far away for the system is never reached in one sleep: the caller looks again.
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(StoreError::io("wait for", "a call", error)),
        }
        Ok(interrupt.is_some() && fds.first().is_some_and(|fd| !fd.revents().is_empty()))
    }
}

/// Takes a sleeper's registrations back.
struct Asleep {
    serial: u64,
    watch: Vec<Watched>,
    workspace: Arc<Shared>,
}

impl Drop for Asleep {
    fn drop(&mut self) {
        let mut table = self.workspace.presences.table();
        table.timed.remove(&self.serial);
        for Watched { id, .. } in &self.watch {
            if let Some(watchers) = table.watchers.get_mut(id) {
                watchers.retain(|watcher| watcher.serial != self.serial);
                if watchers.is_empty() {
                    table.watchers.remove(id);
                }
            }
        }
    }
}

impl Presence for MemoryPresence {
    fn command_proof(&mut self) -> Result<Option<OwnedFd>, StoreError> {
        Ok(None)
    }

    fn listen(&mut self) -> Result<(), StoreError> {
        if self.calls.is_some() {
            return Ok(());
        }
        let pair = Bell::pair().map_err(|e| StoreError::io("open", "a socket pair", e))?;
        let (bell, calls) = pair;
        let mut table = self.workspace.presences.table();
        table
            .seats
            .entry(self.id)
            .or_default()
            .listeners
            .push((self.serial, bell));
        self.calls = Some(calls);
        Ok(())
    }

    /// As the trait says. A call is reported once. Must not be called with a view loaded to decide:
    /// nobody else could commit.
    fn sleep(
        &mut self,
        watch: &[Watched],
        until: Option<Timestamp>,
        interrupt: Option<BorrowedFd<'_>>,
    ) -> Result<Woken, StoreError> {
        self.listen()?;
        // Registered first and looked at then: what comes between the two rings the bell.
        let _asleep = self.asleep(watch, until)?;
        let mut is_interrupted = false;
        loop {
            if self.calls.as_ref().is_some_and(drain) {
                return Ok(Woken::Called);
            }
            if watch.iter().any(|watched| self.is_over(*watched)) {
                return Ok(Woken::Watch);
            }
            if is_interrupted {
                return Ok(Woken::Interrupt);
            }
            if until.is_some_and(|until| until <= self.workspace.clock.now()) {
                return Ok(Woken::Time);
            }
            is_interrupted = self.wait(interrupt, until)?;
            self.nudges.iter().for_each(|(_, nudges)| _ = drain(nudges));
        }
    }

    fn call_fd(&self) -> Option<BorrowedFd<'_>> {
        self.calls.as_ref().map(AsFd::as_fd)
    }

    fn clear_calls(&mut self) {
        self.calls.iter().for_each(|calls| _ = drain(calls));
    }

    fn end(mut self: Box<Self>) {
        self.has_ended = true;
    }
}

impl Drop for MemoryPresence {
    fn drop(&mut self) {
        self.leave();
    }
}
