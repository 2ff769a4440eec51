//! Taking the leases, and giving them back where the import fails.

use crate::context::Context;
use crate::error::CliError;
use crate::lokt::files::Lock;
use crate::message;
use leasehold_api::code::Code;
use leasehold_api::lease::{FreezeInfo, LeaseInfo};
use leasehold_core::command::{Ask, Command, Proof};
use leasehold_core::freeze::Freeze;
use leasehold_core::lease::{Holder, Kind};
use leasehold_core::view::Key;
use leasehold_core::{Claim, Identity, Intent, Lease, LeaseId, Resource, Ttl};
use leasehold_service::{Acquired, Answer, Waiting};
use std::time::SystemTime;

/// A lock or freeze of Lokt's, as it will be here.
pub(super) struct Taken {
    pub(super) lock: Lock,
    resource: Resource,
    who: Identity,
}

impl Taken {
    pub(super) fn of(context: &Context, lock: Lock) -> Result<Self, CliError> {
        // Lokt set a name for everybody; whether on purpose cannot be told any more.
        let who = Identity::named(&lock.owner, &lock.host);
        Ok(Self {
            resource: context.base.parse(&lock.name)?,
            who: match &lock.agent {
                Some(agent) => who.in_session(agent),
                None => who,
            },
            lock,
        })
    }

    /// What a lease of it claims.
    fn claims(&self) -> Vec<Claim> {
        vec![Claim::new(self.resource.clone(), Intent::Mutates)]
    }

    /// Returns whether a lease here keeps it from being one. That of an import before this one does not.
    fn is_hindered_by(&self, lease: &Lease) -> bool {
        if lease.id == self.lock.id {
            return self.lock.is_freeze || *lease.claims != *self.claims();
        }
        let mut claims = lease.claims.iter();
        claims.any(|claim| claim.resource.overlaps(&self.resource))
    }

    /// The same of a freeze.
    fn is_frozen_by(&self, freeze: &Freeze) -> bool {
        let is_same = freeze.resource == self.resource;
        if freeze.id == self.lock.id {
            return !(self.lock.is_freeze && is_same);
        }
        freeze.resource.overlaps(&self.resource)
    }

    /// Returns how long it is to live from now on; nothing where it is over meanwhile.
    fn rest(&self) -> Option<Option<Ttl>> {
        let Some(end) = self.lock.expires else {
            return Some(None);
        };
        let left = end.duration_since(SystemTime::now()).ok()?;
        let millis = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
        Ttl::from_millis(millis.min(Ttl::MAX.as_millis()))
            .ok()
            .map(Some)
    }
}

/// What is shown at the end.
pub(super) struct Infos {
    pub(super) leases: Vec<LeaseInfo>,
    pub(super) freezes: Vec<FreezeInfo>,
    pub(super) lines: Vec<String>,
}

/// An import under way.
pub(super) struct Taking<'a> {
    context: &'a Context,
    keys: Vec<Key>,
    ids: Vec<LeaseId>,
    /// What this import made, and not one before it that was killed.
    leases: Vec<(LeaseId, Identity)>,
    freezes: Vec<(Resource, Identity)>,
    /// What one before it made.
    known: Vec<LeaseId>,
}

impl<'a> Taking<'a> {
    /// Makes sure that nothing here is in the way of any of it.
    pub(super) fn begin(context: &'a Context, all: &[Taken]) -> Result<Self, CliError> {
        let keys: Vec<Key> = all
            .iter()
            .map(|taken| Key::Overlap(taken.resource.clone()))
            .collect();
        let ids: Vec<LeaseId> = all.iter().map(|taken| taken.lock.id).collect();
        // All, because an id may be that of something else here.
        let Answer { value: view, clock } = context.leasing.look(&[Key::All])?;
        let is_over = |lease| LeaseInfo::new(lease, Some(&view), &clock).state.is_over();
        let in_the_way = |lease: &Lease| {
            let mut all = all.iter();
            all.any(|taken| taken.is_hindered_by(lease))
        };
        if let Some(lease) = view
            .leases()
            .find(|lease| in_the_way(lease) && !is_over(lease))
        {
            let what = message::resources(&lease.claims);
            let holder = message::holder(lease, &clock);
            return Err(CliError::new(
                Code::Held,
                format!("{what} is held here already by {holder}, so nothing was changed"),
            )
            .hint("once it is free, import again"));
        }
        let mut freezes = view.freezes().filter(|freeze| freeze.is_on(view.now()));
        let in_the_way = |freeze: &&Freeze| all.iter().any(|taken| taken.is_frozen_by(freeze));
        if let Some(freeze) = freezes.find(in_the_way) {
            let frozen = message::frozen(std::slice::from_ref(freeze), &clock);
            return Err(
                CliError::new(Code::Frozen, format!("{frozen}, so nothing was changed"))
                    .hint("once that is over, import again"),
            );
        }
        let known = view.leases().map(|lease| lease.id);
        let known = known
            .chain(view.freezes().map(|freeze| freeze.id))
            .collect();
        Ok(Self {
            context,
            keys,
            ids,
            leases: Vec::new(),
            freezes: Vec::new(),
            known,
        })
    }

    /// Takes all of it: locks first, because a freeze would refuse them.
    pub(super) fn take(&mut self, all: &[Taken]) -> Result<(), CliError> {
        for taken in all.iter().filter(|taken| !taken.lock.is_freeze) {
            if let Some(ttl) = taken.rest() {
                self.lease(taken, ttl)?;
            }
        }
        for taken in all.iter().filter(|taken| taken.lock.is_freeze) {
            if let Some(Some(ttl)) = taken.rest() {
                self.freeze(taken, ttl)?;
            }
        }
        Ok(())
    }

    fn lease(&mut self, taken: &Taken, ttl: Option<Ttl>) -> Result<(), CliError> {
        let ask = Ask {
            kind: Kind::Standing,
            ttl,
            holder: Holder {
                pid: taken.lock.pid,
                command: "taken over from Lokt".into(),
            },
            ..Ask::new(taken.lock.id, taken.who.clone(), taken.claims())
        };
        let mut waiting = Waiting {
            interrupt: None,
            is_interrupted: &mut || false,
            on_place: &mut |_, _, _| {},
            estimates: false,
        };
        match self.context.leasing.acquire(ask, &mut waiting)? {
            Acquired::Held(held, _) => {
                if !self.known.contains(&held.lease.id) {
                    self.leases.push((held.lease.id, taken.who.clone()));
                }
                Ok(())
            }
            // Somebody came in between since it was looked at.
            _ => Err(CliError::new(
                Code::Held,
                format!(
                    "`{}` was taken meanwhile, so nothing was changed",
                    taken.resource
                ),
            )
            .hint("import again")),
        }
    }

    fn freeze(&mut self, taken: &Taken, ttl: Ttl) -> Result<(), CliError> {
        let now = self.context.leasing.look(&[])?.clock.now();
        let freeze = Freeze {
            id: taken.lock.id,
            resource: taken.resource.clone(),
            until: Some(now.plus(ttl)),
            since: now,
            who: taken.who.clone(),
        };
        execute(self.context, &Command::Freeze(freeze))?;
        if !self.known.contains(&taken.lock.id) {
            self.freezes
                .push((taken.resource.clone(), taken.who.clone()));
        }
        Ok(())
    }

    /// Gives back what was taken.
    pub(super) fn undo(self) -> Result<(), CliError> {
        for (resource, by) in self.freezes {
            let force = false;
            execute(
                self.context,
                &Command::Thaw {
                    resource,
                    by,
                    force,
                },
            )?;
        }
        for (lease, by) in self.leases {
            let proof = Proof::Id;
            execute(self.context, &Command::Release { lease, by, proof })?;
        }
        Ok(())
    }

    /// Describes what was taken over.
    pub(super) fn infos(&self) -> Result<Infos, CliError> {
        let Answer { value: view, clock } = self.context.leasing.look(&self.keys)?;
        let leases = view.leases().filter(|lease| self.ids.contains(&lease.id));
        let freezes = view
            .freezes()
            .filter(|freeze| self.ids.contains(&freeze.id));
        let mut infos = Infos {
            leases: Vec::new(),
            freezes: Vec::new(),
            lines: Vec::new(),
        };
        for lease in leases {
            infos.lines.push(message::held_by(lease, &clock));
            infos
                .leases
                .push(LeaseInfo::new(lease, Some(&view), &clock));
        }
        for freeze in freezes {
            infos
                .lines
                .push(message::frozen(std::slice::from_ref(freeze), &clock));
            infos.freezes.push(FreezeInfo::new(freeze, &clock));
        }
        Ok(infos)
    }
}

/// Carries out what nobody can refuse: whose it is, is known.
fn execute(context: &Context, command: &Command) -> Result<(), CliError> {
    let _verdict = context.leasing.execute(command)?;
    Ok(())
}
