//! Which records an entity stands in.
//!
//! | entity | homes |
//! |---|---|
//! | lease | each resource it claims, its id, its agent if it is standing |
//! | ticket | each resource it asks for (in its record or in a stretch of its queue), its request, each lease it is inside of, each agent it counts |
//! | freeze | its resource |
//! | card | its place |
//!
//! An event says all of an entity as it is then, so replaying a run of events over records which hold
//! some of them already converges. One thing an event does not say: a place that is resumed may have
//! another request, chain and agents than it had when it was parked. The record of its first resource
//! says it, and is written after those, so that it is never ahead of them: see
//! [`Records::apply`](crate::records::Records::apply).

use crate::names::{Room, joined, push_escaped, push_pair};
use leasehold_core::identity::Agent;
use leasehold_core::lease::Kind;
use leasehold_core::{LeaseId, Resource, event::Change};
use leasehold_store::format;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// What one record is about. The order counts: what stands later is written earlier.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Home {
    Resource(Resource),
    /// A part of the queue of a resource, from a number on: see [`queue`](crate::queue).
    Stretch(Resource, u64),
    Lease(LeaseId),
    Agent(Agent),
    Place(Agent),
}

/// A [`Home`], as a record names it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum StoredHome<'a> {
    Resource(Cow<'a, str>),
    Stretch(Cow<'a, str>, u64),
    Lease(Cow<'a, str>),
    Agent(format::Agent<'a>),
    Place(format::Agent<'a>),
}

/// Where the records of all trees of paths are.
const TREES: &str = "records/path";
/// Where the records of patterns with wildcards are. No flat kind is called `path`, so this collides
/// with none.
pub(crate) const GLOBS: &str = "records/path/glob";
/// The record of a directory itself, in it. Escaped names have no `@`.
const TREE_RECORD: &str = "@";

impl Home {
    /// Returns the file of the record, relative to the root.
    pub(crate) fn path(&self, room: &dyn Room) -> String {
        match self {
            Self::Resource(resource) => resource_path(resource, room),
            Self::Stretch(resource, from) => stretch_path(resource, *from, room),
            Self::Lease(id) => lease_path(*id),
            Self::Agent(agent) => agent_path("agents", agent, room),
            Self::Place(agent) => agent_path("places", agent, room),
        }
    }

    /// Returns whether the record is kept when it is empty, for the next use of the same name.
    pub(crate) fn is_kept(&self) -> bool {
        matches!(self, Self::Resource(resource) if resource.is_flat())
    }

    pub(crate) fn stored(&self) -> StoredHome<'_> {
        match self {
            Self::Resource(resource) => StoredHome::Resource(resource.to_string().into()),
            Self::Stretch(resource, from) => {
                StoredHome::Stretch(resource.to_string().into(), *from)
            }
            Self::Lease(id) => StoredHome::Lease(id.to_string().into()),
            Self::Agent(agent) => StoredHome::Agent(agent.into()),
            Self::Place(agent) => StoredHome::Place(agent.into()),
        }
    }
}

impl TryFrom<StoredHome<'_>> for Home {
    type Error = String;

    fn try_from(stored: StoredHome<'_>) -> Result<Self, String> {
        let resource = |text: &str| Resource::parse(text).map_err(|error| error.to_string());
        Ok(match stored {
            StoredHome::Resource(text) => Self::Resource(resource(&text)?),
            StoredHome::Stretch(text, from) => Self::Stretch(resource(&text)?, from),
            StoredHome::Lease(id) => Self::Lease(
                id.parse()
                    .map_err(|_| format!("the id {id} makes no sense"))?,
            ),
            StoredHome::Agent(agent) => Self::Agent(agent.into()),
            StoredHome::Place(agent) => Self::Place(agent.into()),
        })
    }
}

/// Returns the proof of life of a holder or waiter, which is the record of its id too.
pub(crate) fn lease_path(id: LeaseId) -> String {
    format!("leases/{id}")
}

/// Returns the proof of life of a guarded command.
pub(crate) fn command_path(id: LeaseId) -> String {
    format!("leases/{id}.command")
}

/// Returns the FIFO of those who take part in a lease.
pub(crate) fn joined_path(id: LeaseId) -> String {
    format!("leases/{id}.joined")
}

/// Returns the FIFO under which a waiter is woken.
pub(crate) fn wake_path(id: LeaseId) -> String {
    format!("leases/{id}.wake")
}

/// A literal path, as it lies in its tree: one directory for each first segment, in it one file for each
/// path. So a record costs one file and no directories (making and removing those takes ten times as
/// long, all of it under the mutex), and what is below a path is found by the names in one directory.
pub(crate) struct TreePath {
    /// The directory of the tree, or in it that of the first segment.
    pub(crate) directory: String,
    /// The escaped rest, without the directories that a long one is split into; empty for none.
    rest: String,
    /// The files of the paths above it, from the root of the tree on.
    pub(crate) above: Vec<String>,
    /// Its own file.
    pub(crate) file: String,
}

impl TreePath {
    /// Takes a literal path apart. Relative and absolute paths are two trees.
    pub(crate) fn new(literal: &str, room: &dyn Room) -> Self {
        let tree = if literal.starts_with('/') {
            "abs"
        } else {
            "rel"
        };
        let mut directory = format!("{TREES}/{tree}");
        let root = format!("{directory}/{TREE_RECORD}");
        let path = literal.trim_start_matches('/');
        if path.is_empty() {
            return Self {
                directory,
                rest: String::new(),
                above: Vec::new(),
                file: root,
            };
        }
        let (first, rest) = path.split_once('/').unwrap_or((path, ""));
        directory.push('/');
        push_escaped(&mut directory, first, room);
        let top = format!("{directory}/{TREE_RECORD}");
        if rest.is_empty() {
            return Self {
                directory,
                rest: String::new(),
                above: vec![root],
                file: top,
            };
        }
        let file_of = |rest: &str| {
            let mut file = format!("{directory}/");
            push_escaped(&mut file, rest, room);
            file
        };
        let slashes = rest.match_indices('/');
        let mut above = vec![root, top];
        above.extend(slashes.map(|(slash, _)| file_of(&rest[..slash])));
        let file = file_of(rest);
        let rest = joined(&file[directory.len() + 1..]);
        Self {
            directory,
            rest,
            above,
            file,
        }
    }

    /// Returns whether a file in the directory is that of this path or of one below it.
    pub(crate) fn is_at_or_below(&self, file: &str) -> bool {
        let Some(name) = file.strip_prefix(&self.directory) else {
            return false;
        };
        let name = joined(name.trim_start_matches('/'));
        let below = name.strip_prefix(&self.rest);
        below.is_some_and(|b| self.rest.is_empty() || b.is_empty() || b.starts_with("%2f"))
    }
}

fn resource_path(resource: &Resource, room: &dyn Room) -> String {
    match resource.as_path() {
        Some(tree) if tree.is_literal() => TreePath::new(tree.literal_prefix(), room).file,
        Some(glob) => {
            let mut path = format!("{GLOBS}/");
            push_escaped(&mut path, glob.as_str(), room);
            path
        }
        None => {
            let mut path = flat_directory(resource);
            push_escaped(&mut path, resource.rest(), room);
            path
        }
    }
}

fn flat_directory(resource: &Resource) -> String {
    format!("records/{}/", resource.kind())
}

/// Returns of the file of a stretch that of its resource, and where it begins; of another file nothing.
pub(crate) fn stretch_at(path: &str) -> Option<(&str, u64)> {
    if path
        .strip_prefix(TREES)
        .is_some_and(|below| below.starts_with('/'))
    {
        return None;
    }
    let (resource, from) = path.rsplit_once('@')?;
    let resource = resource.strip_suffix("~/").unwrap_or(resource);
    Some((resource, from.parse().ok()?))
}

/// A flat name's own `@` is escaped.
fn stretch_path(resource: &Resource, from: u64, room: &dyn Room) -> String {
    let mut path = flat_directory(resource);
    push_pair(&mut path, resource.rest(), &from.to_string(), room);
    path
}

fn agent_path(directory: &str, agent: &Agent, room: &dyn Room) -> String {
    let mut path = String::from(directory);
    match agent {
        Agent::Session(session) => {
            path.push_str("/session-");
            push_escaped(&mut path, session, room);
        }
        Agent::Owner(owner) => {
            path.push_str("/owner-");
            // The name's own `@` is escaped.
            push_pair(&mut path, &owner.name, &owner.host, room);
        }
    }
    path
}

/// Calls `each` for every home that a change touches: with `true` where the entity then stands, with
/// `false` where it does not.
pub(crate) fn for_each_home<E>(
    change: Change<'_>,
    mut each: impl FnMut(Home, bool) -> Result<(), E>,
) -> Result<(), E> {
    let mut on_claims = |claims: &[leasehold_core::Claim], stands| {
        claims
            .iter()
            .try_for_each(|claim| each(Home::Resource(claim.resource.clone()), stands))
    };
    match change {
        Change::PutLease(lease) | Change::DropLease(lease) => {
            let stands = matches!(change, Change::PutLease(_));
            on_claims(&lease.claims, stands)?;
            each(Home::Lease(lease.id), stands)?;
            let agent = lease.who.agent().filter(|_| lease.kind == Kind::Standing);
            agent.map_or(Ok(()), |agent| each(Home::Agent(agent), stands))
        }
        Change::PutTicket(ticket) | Change::DropTicket(ticket) => {
            let stands = matches!(change, Change::PutTicket(_));
            on_claims(&ticket.claims, stands)?;
            each(Home::Lease(ticket.request), stands)?;
            ticket
                .inside
                .iter()
                .try_for_each(|id| each(Home::Lease(*id), stands))?;
            let mut agents = ticket.agents.iter();
            agents.try_for_each(|agent| each(Home::Agent(agent.clone()), stands))
        }
        Change::PutFreeze(freeze) => each(Home::Resource(freeze.resource.clone()), true),
        Change::DropFreeze(freeze) => each(Home::Resource(freeze.resource.clone()), false),
        Change::PutCard(card) => each(Home::Place(card.who.place()), true),
        Change::DropCard(card) => each(Home::Place(card.who.place()), false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use leasehold_core::identity::Owner;

    #[track_caller]
    fn check(resource: &str, path: &str) {
        assert_eq!(
            Home::Resource(Resource::parse(resource).unwrap()).path(&255),
            path
        );
    }

    #[test]
    fn every_resource_has_a_file_of_its_own() {
        check("build", "records/name/build");
        check("glob:build", "records/glob/build");
        check("issue:A/1", "records/issue/^a%2f1");
        check("path:.", "records/path/rel/@");
        check("path:/", "records/path/abs/@");
        check("path:src", "records/path/rel/src/@");
        check("path:src/auth", "records/path/rel/src/auth");
        check("path:src/@", "records/path/rel/src/%40");
        check("path:/src/.git/a", "records/path/abs/src/%2egit%2fa");
        check("path:a\\*b", "records/path/rel/a%2ab/@");
        check("path:src/*.rs", "records/path/glob/src%2f%2a.rs");
    }

    #[test]
    fn a_stretch_of_a_queue_lies_beside_its_resource() {
        let path = |resource: &str, room: usize| {
            Home::Stretch(Resource::parse(resource).unwrap(), 17).path(&room)
        };
        assert_eq!(path("build", 255), "records/name/build@17");
        assert_eq!(path("issue:a@17", 255), "records/issue/a%4017@17");
        let long = "a".repeat(134);
        assert_eq!(path(&long, 143), format!("records/name/{long}@17"));
        // With no room for both in one name.
        let home = Home::Stretch(Resource::parse(&long).unwrap(), u64::MAX);
        let split = home.path(&143);
        assert_eq!(split, format!("records/name/{long}~/@{}", u64::MAX));
        let head = format!("records/name/{long}");
        assert_eq!(stretch_at(&split), Some((&*head, u64::MAX)));
        for resource in ["build", "issue:a@17", "pathx:a", &long] {
            let home = Home::Resource(Resource::parse(resource).unwrap()).path(&255);
            assert_eq!(stretch_at(&path(resource, 255)), Some((&*home, 17)));
            assert_eq!(stretch_at(&home), None);
        }
        assert_eq!(stretch_at("records/path/rel/src/@"), None);
    }

    #[test]
    fn what_is_below_a_path_is_told_by_its_name() {
        let long = "é".repeat(100);
        let dots = format!("src/{}.", "a".repeat(200));
        let paths = [
            "",
            "src",
            "src/a",
            "src/a/b",
            "src/a.b",
            "src/ab",
            &format!("src/{long}/x"),
            &dots,
            &format!("{dots}/x"),
            &format!("{dots}."),
            "/src/a",
        ];
        for above in paths {
            for below in paths {
                let (outer, inner) = (TreePath::new(above, &255), TreePath::new(below, &255));
                let is_below = above.starts_with('/') == below.starts_with('/')
                    && (above.is_empty()
                        || above == below
                        || below.starts_with(&format!("{above}/")));
                assert_eq!(
                    outer.is_at_or_below(&inner.file),
                    is_below,
                    "{below} below {above}"
                );
                let is_above = is_below && above != below;
                assert_eq!(
                    inner.above.contains(&outer.file),
                    is_above,
                    "{above} above {below}"
                );
            }
        }
    }

    #[test]
    fn agents_that_read_alike_are_told_apart() {
        let owner = |name: &str, host: &str| {
            Agent::Owner(Owner {
                name: name.into(),
                host: host.into(),
            })
        };
        let path = |agent| Home::Agent(agent).path(&255);
        assert_eq!(path(owner("a@b", "c")), "agents/owner-a%40b@c");
        assert_eq!(path(owner("a", "b@c")), "agents/owner-a@b%40c");
        assert_eq!(path(Agent::Session("a@c".into())), "agents/session-a%40c");
    }
}
