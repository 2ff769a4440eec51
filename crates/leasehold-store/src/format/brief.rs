//! What people ask of an event, without taking all of it apart.

use super::raw::{self, Cursor};
use super::scan::leading_number;
use std::borrow::Cow;

/// What an event is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Thing {
    /// A request that was refused.
    #[default]
    Request,
    /// A lease.
    Lease,
    /// A place in the queue.
    Ticket,
    /// A freeze.
    Freeze,
    /// The age of an attempt, kept for its next try.
    Card,
}

/// One stored event about one thing. Members are JSON as it is stored; they are empty where the event
/// has no such member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Brief<'a> {
    /// Its name.
    pub event: &'a str,
    /// What it is about.
    pub thing: Thing,
    /// The id of the lease, request or freeze: a string.
    pub id: &'a [u8],
    /// Whose it is: strings.
    pub who: Party<'a>,
    /// What is claimed: an array of objects with `resource`, `intent` and `slots`.
    pub claims: &'a [u8],
    /// What is frozen: a string.
    pub resource: &'a [u8],
    /// The slots that a lease has, in the order of its pools: an array of numbers.
    pub slots: &'a [u8],
    /// Whether it is a standing lease, or a request for one.
    pub standing: bool,
    /// The fencing token: a number.
    pub token: &'a [u8],
    /// The lifetime: a number of milliseconds.
    pub ttl_ms: &'a [u8],
    /// The process: a number.
    pub pid: &'a [u8],
    /// The command: a string.
    pub command: &'a [u8],
    /// Why it was refused: a string.
    pub reason: &'a [u8],
    /// The lease or ticket that was in the way: a string.
    pub by_id: &'a [u8],
    /// Who took a lease away or ended a freeze.
    pub by: Party<'a>,
    /// Since when, on the workspace's time line: a lease is held, a ticket there, a freeze on.
    pub since: Option<u64>,
    /// Since when the request of a lease had waited for it.
    pub waited_since: Option<u64>,
    /// Until when, on the time line.
    pub until: Option<u64>,
}

/// Who somebody is: strings as they are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Party<'a> {
    /// The name.
    pub owner: &'a [u8],
    /// The host.
    pub host: &'a [u8],
    /// The session.
    pub session: &'a [u8],
}

/// Why something is no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken;

type Result<T> = std::result::Result<T, Broken>;

impl<'a> Brief<'a> {
    /// Calls `each` for every event of a commit; where an event is about several things, for each.
    /// `wanted` says by its name whether an event is looked into at all.
    ///
    /// # Errors
    /// [`Broken`] where that is no array of events.
    pub fn for_each(
        events: &'a [u8],
        wanted: impl Fn(&str) -> bool,
        mut each: impl FnMut(Brief<'a>),
    ) -> Result<()> {
        let mut cursor = Cursor::new(events);
        let told = cursor.elements(|cursor| {
            cursor.byte(b'{')?;
            // The writer puts the name first.
            let tag = cursor.name()?;
            let name = cursor.value()?.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
            let name = std::str::from_utf8(name).ok().filter(|_| tag == b"event")?;
            if wanted(name) {
                read(name, cursor, &mut each)
            } else {
                cursor.close()
            }
        });
        told.filter(|()| cursor.peek().is_none()).ok_or(Broken)
    }

    /// Returns the resources that it is about.
    pub fn resources(&self) -> impl Iterator<Item = Cow<'a, str>> + use<'a> {
        let frozen = raw::text(self.resource);
        let mut claims = Cursor::new(self.claims);
        let claimed = std::iter::from_fn(move || {
            // Behind the `[` or `,` before each.
            claims.byte(b'[').or_else(|| claims.byte(b','))?;
            let mut resource = None;
            claims.members(|cursor, name| {
                let value = cursor.value()?;
                if name == b"resource" {
                    resource = raw::text(value);
                }
                Some(())
            })?;
            resource
        });
        frozen.into_iter().chain(claimed)
    }

    /// Returns the text of a stored string, or none where there is no such member.
    #[must_use]
    pub fn text(string: &'a [u8]) -> Option<Cow<'a, str>> {
        raw::text(string)
    }
}

/// Reads the members of an event behind its name.
fn read<'a>(
    name: &'a str,
    cursor: &mut Cursor<'a>,
    each: &mut impl FnMut(Brief<'a>),
) -> Option<()> {
    let mut brief = Brief {
        event: name,
        ..Brief::default()
    };
    let mut several = false;
    while cursor.peek()? == b',' {
        cursor.byte(b',')?;
        match cursor.name()? {
            b"lease" => read_thing(&mut brief, cursor, Thing::Lease)?,
            // What is passed on is told as the lease that it was.
            b"ticket" if brief.thing != Thing::Lease => {
                read_thing(&mut brief, cursor, Thing::Ticket)?;
            }
            b"freeze" => read_thing(&mut brief, cursor, Thing::Freeze)?,
            b"from" => brief.waited_since = since_of(cursor)?,
            member @ (b"tickets" | b"freezes" | b"cards") if name == "dropped" => {
                several = true;
                let thing = match member {
                    b"tickets" => Thing::Ticket,
                    b"freezes" => Thing::Freeze,
                    _ => Thing::Card,
                };
                cursor.elements(|cursor| {
                    let mut one = brief;
                    read_thing(&mut one, cursor, thing)?;
                    each(one);
                    Some(())
                })?;
            }
            b"by" if cursor.peek() == Some(b'{') => brief.by = party(cursor)?,
            b"by" => brief.by_id = cursor.value()?,
            b"id" => brief.id = cursor.value()?,
            b"who" => brief.who = party(cursor)?,
            b"claims" => brief.claims = cursor.value()?,
            b"reason" => brief.reason = cursor.value()?,
            _ => drop(cursor.value()?),
        }
    }
    if !several {
        each(brief);
    }
    cursor.byte(b'}')
}

/// Reads a lease, ticket, freeze or card into it.
fn read_thing<'a>(brief: &mut Brief<'a>, cursor: &mut Cursor<'a>, thing: Thing) -> Option<()> {
    brief.thing = thing;
    cursor.members(|cursor, member| {
        match member {
            b"who" => {
                brief.who = party(cursor)?;
                return Some(());
            }
            b"unbound" => {
                brief.waited_since = since_of(cursor)?;
                return Some(());
            }
            _ => {}
        }
        let value = cursor.value()?;
        match member {
            b"id" | b"request" => brief.id = value,
            b"claims" => brief.claims = value,
            b"resource" => brief.resource = value,
            b"slots" => brief.slots = value,
            b"standing" => brief.standing = value == b"true",
            b"token" => brief.token = value,
            b"ttl_ms" => brief.ttl_ms = value,
            b"pid" => brief.pid = value,
            b"command" => brief.command = value,
            b"granted" | b"since" => brief.since = number(value),
            b"expires" | b"until" | b"parked_until" => brief.until = number(value),
            _ => {}
        }
        Some(())
    })
}

fn party<'a>(cursor: &mut Cursor<'a>) -> Option<Party<'a>> {
    let mut party = Party::default();
    cursor.members(|cursor, member| {
        let value = cursor.value()?;
        match member {
            b"owner" => party.owner = value,
            b"host" => party.host = value,
            b"session" => party.session = value,
            _ => {}
        }
        Some(())
    })?;
    Some(party)
}

/// Goes over a ticket; returns since when it is there.
fn since_of(cursor: &mut Cursor<'_>) -> Option<Option<u64>> {
    let mut since = None;
    cursor.members(|cursor, member| {
        let value = cursor.value()?;
        if member == b"since" {
            since = number(value);
        }
        Some(())
    })?;
    Some(since)
}

fn number(digits: &[u8]) -> Option<u64> {
    let (number, rest) = leading_number(digits)?;
    rest.is_empty().then_some(number)
}
