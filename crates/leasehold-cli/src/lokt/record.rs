//! A lease or freeze as Lokt shows one.

use super::duration;
use leasehold_api::lease::{FreezeInfo, LeaseInfo, LeaseState};
use serde::Serialize;

/// What `status --json` shows of one. Lokt's members in its order, then what leasehold adds.
#[derive(Debug, Serialize)]
pub(super) struct Record {
    version: u32,
    pub(super) name: String,
    pub(super) owner: String,
    pub(super) host: String,
    pub(super) pid: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) agent_id: Option<String>,
    pub(super) acquired_ts: String,
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) ttl_sec: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expires_at: Option<String>,
    pub(super) age_sec: u64,
    pub(super) expired: bool,
    pub(super) pid_status: &'static str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) freeze: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    lock_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<u64>,
    #[serde(skip)]
    age_ms: u64,
    #[serde(skip)]
    pub(super) remaining_ms: Option<u64>,
    #[serde(skip)]
    state: LeaseState,
}

pub(super) fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Cuts a date to the second, as Lokt writes them.
pub(super) fn to_the_second(date: &str) -> String {
    match date.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z"),
        None => date.into(),
    }
}

/// The name of a lock that `resource` is.
pub(super) fn lock_name(resource: &str) -> String {
    resource.strip_prefix("name:").unwrap_or(resource).into()
}

impl Record {
    /// Describes what a lease holds: one record for each of its resources.
    pub(super) fn all_of(lease: &LeaseInfo) -> impl Iterator<Item = Self> {
        let resources = lease.resources.iter();
        resources.map(|claim| Self::new(lease, lock_name(&claim.resource)))
    }

    /// Describes a lease under one of its names.
    pub(super) fn new(lease: &LeaseInfo, name: String) -> Self {
        Self {
            version: 1,
            name,
            owner: lease.who.owner.clone(),
            host: lease.who.host.clone(),
            pid: lease.asked_by_pid,
            agent_id: lease.who.session.clone(),
            acquired_ts: to_the_second(&lease.granted_at),
            ttl_sec: lease.ttl_ms.unwrap_or(0).div_ceil(1_000),
            expires_at: lease.expires_at.as_deref().map(to_the_second),
            age_sec: lease.held_ms / 1_000,
            expired: lease.state == LeaseState::Expired,
            pid_status: match lease.state {
                // Nothing depends on the process that took a lock by hand.
                _ if lease.kind == "standing" => "unknown",
                LeaseState::Orphan | LeaseState::Dead => "dead",
                LeaseState::Held | LeaseState::Granted => "alive",
                LeaseState::Expired => "unknown",
            },
            freeze: false,
            lock_id: lease.id.clone(),
            token: Some(lease.token),
            age_ms: lease.held_ms,
            remaining_ms: lease.expires_in_ms,
            state: lease.state,
        }
    }

    /// Describes a freeze.
    pub(super) fn of_freeze(freeze: &FreezeInfo) -> Self {
        let length = freeze.remaining_ms.map(|left| left + freeze.frozen_ms);
        Self {
            version: 1,
            name: lock_name(&freeze.resource),
            owner: freeze.who.owner.clone(),
            host: freeze.who.host.clone(),
            pid: 0,
            agent_id: freeze.who.session.clone(),
            acquired_ts: to_the_second(&freeze.since),
            ttl_sec: length.unwrap_or(0).div_ceil(1_000),
            expires_at: freeze.until.as_deref().map(to_the_second),
            age_sec: freeze.frozen_ms / 1_000,
            expired: false,
            pid_status: "unknown",
            freeze: true,
            lock_id: String::new(),
            token: None,
            age_ms: freeze.frozen_ms,
            remaining_ms: freeze.remaining_ms,
            state: LeaseState::Held,
        }
    }

    /// For how long it is there.
    pub(super) fn age(&self) -> String {
        duration::seconds(self.age_ms)
    }

    /// One line in a list.
    pub(super) fn line(&self) -> String {
        let state = match self.state {
            _ if self.freeze => " [FROZEN]",
            LeaseState::Expired => " [EXPIRED]",
            LeaseState::Dead => " [DEAD]",
            LeaseState::Orphan => " [ORPHAN]",
            LeaseState::Held | LeaseState::Granted => "",
        };
        let Self {
            name, owner, host, ..
        } = self;
        format!("{name:<20}  {owner}@{host}  {}{state}", self.age())
    }

    /// The lines of one alone.
    pub(super) fn lines(&self) -> Vec<String> {
        let agent = self.agent_id.as_ref();
        let mut lines = vec![
            format!("name:     {}", self.name),
            format!("owner:    {}", self.owner),
        ];
        lines.extend(agent.map(|agent| format!("agent:    {agent}")));
        lines.push(format!("host:     {}", self.host));
        lines.push(format!("pid:      {} ({})", self.pid, self.pid_status));
        lines.push(format!("age:      {}", self.age()));
        if self.ttl_sec > 0 {
            lines.push(format!("ttl:      {}s", self.ttl_sec));
        }
        let left = self.remaining_ms.filter(|_| !self.expired);
        let left = left.map_or_else(
            || "EXPIRED".into(),
            |left| format!("in {}", duration::seconds(left)),
        );
        let expires = self.expires_at.as_ref();
        lines.extend(expires.map(|at| format!("expires:  {at} ({left})")));
        lines
    }

    /// Why it may not be broken.
    pub(super) fn not_stale(&self) -> String {
        let Self {
            owner, host, pid, ..
        } = self;
        let why = match (self.pid_status, &self.expires_at) {
            ("alive", _) => format!("owner PID {pid} is alive"),
            ("dead", _) => "its command is alive".into(),
            (_, Some(at)) => format!("it was locked until {at}"),
            (_, None) => "it was locked without a TTL".into(),
        };
        format!("held by {owner}@{host} is not stale ({why})")
    }

    /// The holder, as messages name it.
    pub(super) fn holder(&self) -> String {
        let Self {
            owner, host, pid, ..
        } = self;
        format!("held by {owner}@{host} (pid {pid}) for {}", self.age())
    }
}
