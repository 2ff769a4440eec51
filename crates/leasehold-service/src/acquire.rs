//! Asking for a lease and waiting for it.
//!
//! A waiter sleeps until a commit calls it (a grant or a death), or until the one blocker that it
//! watches ends, its time comes or its own limit is reached. Whatever woke it, it looks first: calls
//! may come early, late or twice.

use crate::{Answer, Clock, Coordinator, Holds, Leasing, ServiceError};
use leasehold_core::command::{Ask, Command, Wait};
use leasehold_core::decide;
use leasehold_core::identity::Identity;
use leasehold_core::lease::{Kind, Pickup};
use leasehold_core::verdict::{Blocker, Death, Place, Refusal, Verdict};
use leasehold_core::view::{Key, View};
use leasehold_core::{Lease, LeaseId, Ticket, Timestamp};
use leasehold_store::{Access, Part, Presence, Store, StoreError, Watched, Woken};
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A sleeper looks again at least this often. There are things that nobody calls it for: a time that
/// was set after it looked (the expiry of a lease that was a ticket then, a renewal for less), a call
/// that was lost with the process that should have made it.
const LOOK_MS: u64 = 5_000;
/// When a wait counts as one that lasts: only then the audit is read for what can be expected of it.
const LASTS_MS: u64 = 1_000;

/// How a caller takes part in a wait.
pub struct Waiting<'a> {
    /// Becomes readable when the caller may want the wait to end.
    pub interrupt: Option<BorrowedFd<'a>>,
    /// Is asked then whether it does.
    pub is_interrupted: &'a mut dyn FnMut() -> bool,
    /// Is told where the request stands, at once and on every change; of a wait that lasts also when those
    /// in its way are gone as a rule, in milliseconds, where that can be said.
    pub on_place: &'a mut dyn FnMut(&Place, &Clock, Option<u64>),
    /// Whether to find that out, from the audit.
    pub estimates: bool,
}

/// How an ask ended.
#[must_use = "a lease that is dropped unseen is held by nobody"]
pub enum Acquired {
    /// The lease is held, from now on.
    Held(Held, Clock),
    /// A standing lease of the same agent lives longer now.
    Renewed(Arc<Lease>, Clock),
    /// The request runs under these leases of its chain, innermost first.
    Joined(Vec<Arc<Lease>>, Clock),
    /// No.
    Refused(Refusal, Clock),
    /// No: release what is wanted, then ask again.
    Died(Box<Death>, Clock),
    /// The lease named as proof is not held any more.
    Lost(LeaseId),
    /// It waited as long as it wanted; the place is kept for a while.
    TimedOut(Box<Place>, Clock),
    /// The interrupt ended the wait; the place is kept for a while.
    Interrupted,
}

/// A lease in the hands of its holder.
pub struct Held {
    /// The lease as it was granted.
    pub lease: Arc<Lease>,
    presence: Option<Box<dyn Presence>>,
}

impl Held {
    /// Returns the proof of life, for the command to inherit and to be called by.
    pub fn presence(&mut self) -> Option<&mut (dyn Presence + 'static)> {
        self.presence.as_deref_mut()
    }

    /// Returns a descriptor that is readable when a commit has called the holder, once it listens.
    #[must_use]
    pub fn call_fd(&self) -> Option<BorrowedFd<'_>> {
        self.presence
            .as_ref()
            .and_then(|presence| presence.call_fd())
    }

    /// Gives the lease back. Answers [`Verdict::NotFound`] where it had been lost.
    ///
    /// # Errors
    /// [`ServiceError`]: then the lease ends with this process.
    pub fn release(self, leasing: &dyn Leasing) -> Result<Answer<Verdict>, ServiceError> {
        let by: Identity = self.lease.who.clone();
        let proof = leasehold_core::command::Proof::Holder;
        let lease = self.lease.id;
        let answer = leasing.execute(&Command::Release { lease, by, proof });
        // Also where it failed: the locks are given back in so many words, so that nothing the command
        // left behind keeps the lease.
        if let Some(presence) = self.presence {
            presence.end();
        }
        answer
    }
}

/// What a waiter finds when it looks for itself.
enum Found {
    Lease,
    Waiting(Box<Place>),
    Parked,
    Dead(Box<Death>),
    Nothing,
}

/// What a look leads to.
enum Looked {
    /// It waits still.
    Waiting(Box<Place>, Clock),
    /// It does not; `None` where its place has to be asked for again.
    Ended(Option<Acquired>),
}

pub(crate) fn acquire<S: Store>(
    coordinator: &Coordinator<S>,
    ask: Ask,
    waiting: &mut Waiting<'_>,
) -> Result<Acquired, ServiceError> {
    // A standing lease that nobody waits for needs no process behind it.
    let alone = ask.kind == Kind::Standing && ask.wait == Wait::No;
    let presence = if alone {
        None
    } else {
        Some(coordinator.store().attend(ask.id)?)
    };
    let begun = (ask.wait != Wait::No).then(Instant::now);
    let mut acquire = Acquire {
        coordinator,
        ask,
        presence,
        begun,
        limit: None,
        ticket: None,
        told: None,
        estimate_at: None,
        holds: None,
    };
    let acquired = acquire.run(waiting);
    if acquired.is_err() {
        // Whatever became of the request, nobody is behind it any more.
        acquire.end_presence();
    }
    acquired
}

/// One ask under way.
struct Acquire<'a, S> {
    coordinator: &'a Coordinator<S>,
    ask: Ask,
    presence: Option<Box<dyn Presence>>,
    /// When its wait began; none where it does not wait.
    begun: Option<Instant>,
    /// When the wait is over: fixed by the first ask, kept when a lost place is asked for again.
    limit: Option<Timestamp>,
    /// The ticket as it last was, to say why it died.
    ticket: Option<Arc<Ticket>>,
    /// The place told last: how many were ahead, and who was watched.
    told: Option<(usize, Option<LeaseId>)>,
    /// When to find out how long it takes as a rule, and what was found.
    estimate_at: Option<Timestamp>,
    holds: Option<Holds>,
}

impl<S: Store> Acquire<'_, S> {
    fn run(&mut self, waiting: &mut Waiting<'_>) -> Result<Acquired, ServiceError> {
        loop {
            // Before the ask, so that no call is missed from the moment on when it is in the queue.
            if self.ask.wait != Wait::No {
                self.listen()?;
            }
            let Answer { value, clock } = self.execute(waiting, &Command::Ask(self.ask.clone()))?;
            let waited = match value {
                Verdict::Granted(lease) if lease.is_bound() => return Ok(self.held(lease, clock)),
                Verdict::Queued(place) => {
                    if self.limit.is_none() {
                        self.limit = place.ticket.wait_until;
                    }
                    self.ticket = Some(place.ticket.clone());
                    self.wait(waiting, Some((place, clock)))?
                }
                // Granted to a wait that was resumed.
                Verdict::Granted(_) => self.pick_up(waiting)?,
                other => return self.ended(other, clock),
            };
            if let Some(acquired) = waited {
                return Ok(acquired);
            }
            // The place was parked while this process slept too long to pick its grant up, or was
            // stopped: ask for it again, for what is left of the time.
            if let (Some(limit), Wait::Millis(_)) = (self.limit, self.ask.wait) {
                self.ask.wait = Wait::Millis(limit.millis_since(self.coordinator.now()?).max(1));
            }
        }
    }

    /// Carries out a command. Who waits has time: a store that is busy is asked again, for as long as
    /// the wait may take and nobody ends it, rather than lose a place in the queue over it.
    fn execute(
        &self,
        waiting: &mut Waiting<'_>,
        command: &Command,
    ) -> Result<Answer<Verdict>, ServiceError> {
        loop {
            match self.coordinator.execute(command) {
                Err(ServiceError::Store(StoreError::Busy { .. }))
                    if self.has_time() && !(waiting.is_interrupted)() => {}
                other => return other,
            }
        }
    }

    fn has_time(&self) -> bool {
        match (self.ask.wait, self.begun) {
            (Wait::Millis(millis), Some(begun)) => begun.elapsed() < Duration::from_millis(millis),
            (Wait::Forever, _) => true,
            _ => false,
        }
    }

    fn listen(&mut self) -> Result<(), ServiceError> {
        Ok(self
            .presence
            .as_mut()
            .map_or(Ok(()), |presence| presence.listen())?)
    }

    fn held(&mut self, lease: Arc<Lease>, clock: Clock) -> Acquired {
        // A standing lease does not end with this process: its presence is dropped, not ended.
        let presence = self.presence.take().filter(|_| lease.kind == Kind::Scoped);
        Acquired::Held(Held { lease, presence }, clock)
    }

    /// Ends without a lease of its own.
    fn ended(&mut self, verdict: Verdict, clock: Clock) -> Result<Acquired, ServiceError> {
        let acquired = match verdict {
            Verdict::Renewed(lease) => Acquired::Renewed(lease, clock),
            Verdict::Joined(cover) => {
                let keys: Vec<Key> = cover.iter().map(|id| Key::Lease(*id)).collect();
                let view = self.coordinator.look(&keys)?.value;
                let leases = cover.iter().filter_map(|id| view.lease(*id).cloned());
                Acquired::Joined(leases.collect(), clock)
            }
            Verdict::Refused(refusal) => Acquired::Refused(refusal, clock),
            Verdict::Died(death) => Acquired::Died(death, clock),
            Verdict::Lost(id) => Acquired::Lost(id),
            // An ask has no other verdicts.
            Verdict::Granted(_)
            | Verdict::Queued(_)
            | Verdict::Done
            | Verdict::NotFound
            | Verdict::NotYours(_)
            | Verdict::FreezeNotYours(_) => return Err(ServiceError::Unknown),
        };
        self.end_presence();
        Ok(acquired)
    }

    /// Waits until the request is granted or ends, from the place that it was just given; `None` where
    /// its place has to be asked for again.
    fn wait(
        &mut self,
        waiting: &mut Waiting<'_>,
        mut given: Option<(Box<Place>, Clock)>,
    ) -> Result<Option<Acquired>, ServiceError> {
        let mut settled = false;
        self.prepare();
        loop {
            let (place, clock) = match given.take() {
                Some(given) => given,
                None => match self.look(waiting)? {
                    Looked::Waiting(place, clock) => (place, clock),
                    Looked::Ended(ended) => return Ok(ended),
                },
            };
            self.tell(waiting, &place, &clock);
            // With nobody in its way there is nobody to watch: the last one died after the queue was
            // settled, and before this look saw it.
            let is_free = place.blockers.is_empty() && place.frozen.is_empty();
            settled = is_free && !settled;
            let woken = match settled {
                true => Woken::Watch,
                false => self.sleep(waiting, &place, &clock)?,
            };
            match woken {
                Woken::Interrupt if (waiting.is_interrupted)() => return self.interrupted(waiting),
                Woken::Interrupt => {}
                // As a rule a call is a grant: it is picked up without looking first.
                Woken::Called => {
                    if let Some(acquired) = self.pick_up(waiting)? {
                        return Ok(Some(acquired));
                    }
                }
                Woken::Time if self.is_out_of_time() => return self.time_out(waiting, place),
                // The one who is watched is gone, or its time is over: nobody else may be there to
                // say what follows from it.
                Woken::Watch | Woken::Time => {
                    let claims = Key::overlaps(&self.ask.claims);
                    // The kernel looks at a waiter only when its turn has come. One that was killed
                    // in the middle of the queue would stay there, and be watched again and again.
                    let watched = place.watches().iter();
                    let watched = watched.map(|blocker| Key::Life(blocker.id()));
                    let keys = claims.chain(watched).collect();
                    let _settled = self.execute(waiting, &Command::Timer(keys))?;
                    // As a rule the one who was watched was the last one in the way.
                    if woken == Woken::Watch
                        && let Some(acquired) = self.pick_up(waiting)?
                    {
                        return Ok(Some(acquired));
                    }
                }
            }
        }
    }

    /// Makes what the command will inherit: now there is time, and after the grant others wait. Where
    /// it cannot be made that is said when it is needed.
    fn prepare(&mut self) {
        let presence = self.presence.as_mut();
        if let Some(presence) = presence.filter(|_| self.ask.kind == Kind::Scoped) {
            let _made = presence.command_proof();
        }
    }

    /// A store that cannot be looked at says nothing about the time. Whatever is done next needs it as
    /// well, and fails with what is wrong with it.
    fn is_out_of_time(&self) -> bool {
        let is_over = |limit| self.coordinator.now().is_ok_and(|now| limit <= now);
        self.limit.is_some_and(is_over)
    }

    /// Looks what became of the request; calls from here on are not missed.
    fn look(&mut self, waiting: &mut Waiting<'_>) -> Result<Looked, ServiceError> {
        self.clear_calls();
        let (found, clock) = self.find()?;
        Ok(match found {
            Found::Lease => Looked::Ended(self.pick_up(waiting)?),
            Found::Waiting(place) => Looked::Waiting(place, clock),
            Found::Parked | Found::Nothing => Looked::Ended(None),
            Found::Dead(death) => Looked::Ended(Some(self.dead(death, clock))),
        })
    }

    fn dead(&mut self, death: Box<Death>, clock: Clock) -> Acquired {
        self.end_presence();
        Acquired::Died(death, clock)
    }

    fn clear_calls(&mut self) {
        if let Some(presence) = &mut self.presence {
            presence.clear_calls();
        }
    }

    fn end_presence(&mut self) {
        if let Some(presence) = self.presence.take() {
            presence.end();
        }
    }

    /// Looks for the own lease, ticket or card.
    fn find(&self) -> Result<(Found, Clock), ServiceError> {
        let (id, policy) = (self.ask.id, self.coordinator.policy());
        let place = |view: &View| Ok((decide::place(view, id, policy)?, view.clone()));
        let keys = [Key::Lease(id)];
        let ((place, view), _) = self.coordinator.with_view(&keys, Access::Read, place)?;
        let clock = Clock::at(view.now());
        if view.lease(id).is_some() {
            return Ok((Found::Lease, clock));
        }
        if let Some(place) = place {
            return Ok((Found::Waiting(Box::new(place)), clock));
        }
        let found = match &self.ticket {
            Some(ticket) => self.find_end(ticket)?,
            None => Found::Nothing,
        };
        Ok((found, clock))
    }

    /// Looks for what became of a ticket that waits no more.
    fn find_end(&self, ticket: &Ticket) -> Result<Found, ServiceError> {
        let policy = self.coordinator.policy();
        let mut keys: Vec<Key> = Key::overlaps(&ticket.claims).collect();
        keys.push(Key::Place(ticket.who.place()));
        keys.extend(ticket.inside.iter().map(|id| Key::Lease(*id)));
        let died = |view: &View| {
            let outer = view
                .leases()
                .filter(|lease| ticket.inside.contains(&lease.id));
            let places = outer.map(|lease| Key::Place(lease.who.place()));
            view.require(places)?;
            if view.ticket(ticket.request).is_some() {
                return Ok(Found::Parked);
            }
            if !view.cards().any(|card| card.dead.request == ticket.request) {
                return Ok(Found::Nothing);
            }
            Ok(Found::Dead(Box::new(decide::explain_death(
                view, ticket, policy,
            )?)))
        };
        Ok(self.coordinator.with_view(&keys, Access::Read, died)?.0)
    }

    fn pick_up(&mut self, waiting: &mut Waiting<'_>) -> Result<Option<Acquired>, ServiceError> {
        let Answer { value, clock } = self.execute(waiting, &Command::Bind(self.ask.id))?;
        let Verdict::Granted(lease) = value else {
            return Ok(None);
        };
        Ok(Some(self.held(lease, clock)))
    }

    /// Returns that the request died, where another commit ended its wait so.
    fn died(&mut self) -> Result<Option<Acquired>, ServiceError> {
        Ok(match self.find()? {
            (Found::Dead(death), clock) => Some(self.dead(death, clock)),
            _ => None,
        })
    }

    /// Stops waiting and keeps the place; where the lease came meanwhile, takes it.
    fn time_out(
        &mut self,
        waiting: &mut Waiting<'_>,
        place: Box<Place>,
    ) -> Result<Option<Acquired>, ServiceError> {
        let Answer { value, clock } = self.execute(waiting, &Command::Timeout(self.ask.id))?;
        let died = match value {
            Verdict::Granted(_) => return self.pick_up(waiting),
            Verdict::NotFound => self.died()?,
            _ => None,
        };
        self.end_presence();
        Ok(Some(died.unwrap_or(Acquired::TimedOut(place, clock))))
    }

    /// Stops waiting and keeps the place; where the lease came meanwhile, gives it back: nobody wants
    /// the work to begin any more.
    fn interrupted(&mut self, waiting: &mut Waiting<'_>) -> Result<Option<Acquired>, ServiceError> {
        let answer = self.execute(waiting, &Command::Timeout(self.ask.id))?;
        let mut died = None;
        match answer.value {
            Verdict::Granted(_) => {
                let _given_back = self.execute(waiting, &Command::Cancel(self.ask.id))?;
            }
            Verdict::NotFound => died = self.died()?,
            _ => {}
        }
        self.end_presence();
        Ok(Some(died.unwrap_or(Acquired::Interrupted)))
    }

    fn tell(&mut self, waiting: &mut Waiting<'_>, place: &Place, clock: &Clock) {
        let news = self.estimate(waiting, clock);
        let holds = self.holds.as_ref().filter(|_| place.frozen.is_empty());
        let expected = holds.and_then(|holds| holds.expected(&place.blockers, clock));
        let now = (place.ahead, place.watch().map(Blocker::id));
        if self.told != Some(now) || (news && expected.is_some()) {
            self.told = Some(now);
            (waiting.on_place)(place, clock, expected);
        }
    }

    /// Finds out how long it takes as a rule, once, when it is time to; returns whether it was.
    fn estimate(&mut self, waiting: &Waiting<'_>, clock: &Clock) -> bool {
        if waiting.estimates && self.told.is_none() {
            self.estimate_at = Some(clock.now().plus_millis(LASTS_MS));
        }
        let is_due = self.estimate_at.is_some_and(|at| at <= clock.now());
        if is_due {
            self.estimate_at = None;
            // An estimate that cannot be made is no reason to stop waiting.
            self.holds = self.coordinator.holds(&self.ask.claims).ok();
        }
        is_due
    }

    fn sleep(
        &mut self,
        waiting: &Waiting<'_>,
        place: &Place,
        clock: &Clock,
    ) -> Result<Woken, ServiceError> {
        let blockers = place.watches();
        let ends = blockers.iter().filter_map(|blocker| self.ends(blocker));
        // A time that has passed and changed nothing must not keep this process awake.
        let ends = ends.filter(|ends| *ends > clock.now());
        let look = clock.now().plus_millis(LOOK_MS);
        let until = ends
            .chain(self.limit)
            .chain(self.estimate_at)
            .chain(place.thaw())
            .chain([look])
            .min();
        let watch: Vec<Watched> = blockers.iter().filter_map(watched).collect();
        let presence = self.presence.as_mut().ok_or(ServiceError::Unknown)?;
        Ok(presence.sleep(&watch, until, waiting.interrupt)?)
    }

    /// Returns when a blocker stops being one without anybody doing anything.
    fn ends(&self, blocker: &Blocker) -> Option<Timestamp> {
        let policy = self.coordinator.policy();
        match blocker {
            Blocker::Ticket(ticket) => ticket.wait_until,
            Blocker::Lease(lease) => match (&lease.pickup, lease.orphaned) {
                (Pickup::Unbound(_), _) => Some(lease.granted.plus_millis(policy.pickup_ms)),
                (Pickup::Bound, Some(since)) => Some(since.plus_millis(policy.orphan_ms)),
                (Pickup::Bound, None) => {
                    lease.expires.map(|at| at.plus_millis(policy.lock_delay_ms))
                }
            },
        }
    }
}

/// Returns which proof of life of a blocker to watch. A standing lease has none.
fn watched(blocker: &Blocker) -> Option<Watched> {
    let part = match blocker {
        Blocker::Lease(lease) if lease.orphaned.is_some() => Part::Command,
        Blocker::Lease(lease) if !lease.has_proof_of_life() => return None,
        Blocker::Lease(_) | Blocker::Ticket(_) => Part::Holder,
    };
    Some(Watched {
        id: blocker.id(),
        part,
    })
}
