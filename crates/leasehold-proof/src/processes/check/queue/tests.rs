//! Small queues, in order and not.

use super::*;
use crate::processes::check::sample::{Sample, lease};
use leasehold_core::event::Event;
use leasehold_core::lease::Holder;
use leasehold_core::ticket::TicketState;
use leasehold_core::{LeaseId, Timestamp};

fn ticket(op: u64) -> Ticket {
    let lease = lease(op, "build", 0);
    Ticket {
        number: op,
        request: LeaseId::new(u128::from(op)),
        who: lease.who,
        claims: lease.claims,
        kind: lease.kind,
        inside: Vec::new(),
        agents: Vec::new(),
        seniority: lease.seniority,
        state: TicketState::Waiting,
        wait_until: None,
        ttl: None,
        keep_while_alive: false,
        strict: false,
        since: Timestamp::from_millis(0),
        holder: Holder::default(),
    }
}

fn grant(op: u64) -> Event {
    let mut lease = lease(op, "build", 0);
    lease.pickup = Pickup::Unbound(ticket(op).into());
    Event::Granted {
        lease: lease.into(),
        from: None,
        spent: Vec::new(),
    }
}

/// One holds, two and three wait; then one gives back and somebody is granted, or nobody.
fn after(next: Option<u64>) -> Vec<String> {
    let mut sample = Sample::default();
    let first = lease(1, "build", 0);
    let first_grant = Event::Granted {
        lease: first.clone().into(),
        from: None,
        spent: Vec::new(),
    };
    let queued = |op| Event::Queued {
        ticket: ticket(op).into(),
        spent: None,
    };
    sample
        .commit(1, vec![first_grant])
        .commit(2, vec![queued(2)])
        .commit(3, vec![queued(3)]);
    let mut events = vec![Event::Released {
        lease: first.into(),
    }];
    events.extend(next.map(grant));
    sample.commit(4, events);
    in_order(&sample.story())
}

#[test]
fn the_first_who_came_is_next() {
    assert_eq!(after(Some(2)), Vec::<String>::new());
}

#[test]
fn nobody_overtakes() {
    assert_eq!(after(Some(3)).len(), 1);
}

#[test]
fn whoever_is_granted_is_called() {
    let late_by = |ms: u64| {
        let mut sample = Sample::default();
        sample.invoke(2, "build", 1).commit(5, vec![grant(2)]);
        let lease = lease(2, "build", 0).into();
        sample.commit(5 + ms, vec![Event::Bound { lease }]);
        called(&sample.story()).len()
    };
    assert_eq!((late_by(20), late_by(5_000)), (0, 1));
}

#[test]
fn nobody_is_forgotten() {
    let mut sample = Sample::default();
    let queued = Event::Queued {
        ticket: ticket(2).into(),
        spent: None,
    };
    sample.commit(1, vec![queued]);
    assert_eq!(in_order(&sample.story()).len(), 1);
}

/// One waits for what was frozen until 5 ms, and some time later somebody else does something.
#[test]
fn whoever_was_frozen_is_not_forgotten_for_ever() {
    let after_ms = |ms: u64| {
        let mut sample = Sample::default();
        let freeze = leasehold_core::freeze::Freeze {
            id: LeaseId::new(77),
            resource: leasehold_core::Resource::parse("build").unwrap(),
            until: Some(Timestamp::from_millis(5)),
            since: Timestamp::from_millis(0),
            who: lease(1, "build", 0).who,
        };
        let queued = Event::Queued {
            ticket: ticket(2).into(),
            spent: None,
        };
        let other = lease(9, "deploy", 0).into();
        let other = Event::Granted {
            lease: other,
            from: None,
            spent: Vec::new(),
        };
        let freeze = freeze.into();
        sample
            .commit(0, vec![Event::Frozen { freeze }])
            .commit(1, vec![queued])
            .commit(ms, vec![other]);
        in_order(&sample.story()).len()
    };
    assert_eq!([4, 7, 20_000].map(after_ms), [0, 0, 1]);
}
