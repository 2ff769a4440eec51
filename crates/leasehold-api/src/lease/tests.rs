//! One lease, read in two ways.

use super::*;
use leasehold_core::lease::{Holder, Pickup};
use leasehold_core::seniority::{Birth, Seniority};
use leasehold_core::{FencingToken, LeaseId, Resource, Ttl};
use leasehold_store::format::{self, Piece};

fn lease(session: Option<&str>, expires: Option<u64>, keep_while_alive: bool) -> Lease {
    let claim = |text| Claim::new(Resource::parse(text).unwrap(), Intent::Consumes);
    let mut who = Identity::named("ada", "h");
    who.session = session.map(Into::into);
    Lease {
        id: LeaseId::new(0xab),
        who,
        claims: vec![claim("build"), claim("path:src/a")],
        kind: Kind::Standing,
        inside: Vec::new(),
        birth: Birth::top(1),
        seniority: Seniority {
            priority: 100,
            birth: Birth::top(1),
        },
        number: 1,
        token: FencingToken::new(7).unwrap(),
        granted: Timestamp::from_millis(1_795_249_815_250),
        ttl: expires.and_then(|at| Ttl::from_millis(at).ok()),
        expires: expires.map(Timestamp::from_millis),
        keep_while_alive,
        slots: Vec::new(),
        pickup: Pickup::Bound,
        orphaned: None,
        holder: Holder {
            pid: 12,
            command: "make".into(),
        },
    }
}

#[test]
fn a_standing_lease_is_described_alike_wherever_it_is_read() {
    let clock = Clock::at(Timestamp::from_millis(1_795_249_900_000));
    let mut dates = Dates::new(&clock);
    let now = clock.now().as_millis();
    let ends = [None, Some(1), Some(now), Some(now + 1), Some(u64::MAX / 2)];
    for (expires, session) in ends
        .into_iter()
        .flat_map(|at| [(at, None), (at, Some("s 1"))])
    {
        for keep_while_alive in [false, true] {
            let lease = lease(session, expires, keep_while_alive);
            let text = serde_json::to_string(&[format::Lease::from(&lease)]).unwrap();
            let mut standing = None;
            let read = format::each_lease(&text, &mut |piece| {
                if let Piece::Put(lease) = piece {
                    standing = Some(lease);
                }
            });
            assert_eq!(read, Ok(text.len()));
            let standing = standing.unwrap();
            let (read, whole) = (
                LeaseInfo::standing(&standing, &mut dates),
                LeaseInfo::new(&lease, None, &clock),
            );
            let json = |info| serde_json::to_string::<LeaseInfo<_>>(info).unwrap();
            assert_eq!(json(&read), serde_json::to_string(&whole).unwrap());
            assert_eq!(read.asked_by_pid, whole.asked_by_pid);
            assert_eq!(read.ttl_ms, whole.ttl_ms);
        }
    }
}
