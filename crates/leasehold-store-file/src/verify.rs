//! Comparing what is stored twice: the records with the log, and each checkpoint with what led to it.

use crate::homes::Home;
use crate::leftovers;
use crate::log::{self, End, Segment, segment_path};
use crate::names::Room;
use crate::record::{Content, Unreadable};
use crate::recover::{self, RECORD_DIRECTORIES};
use crate::shared::Shared;
use crate::state::State;
use leasehold_store::StoreError;
use rustix::fs::OFlags;
use std::collections::BTreeMap;
use std::io::ErrorKind;

/// What was read of a record.
pub(crate) type Found = Result<(Home, Content), Unreadable>;

/// Reads every record there is, by its file; but for what says nothing because it is left over.
pub(crate) fn read_records(shared: &Shared) -> Result<BTreeMap<String, Found>, StoreError> {
    let mut found = BTreeMap::new();
    for directory in RECORD_DIRECTORIES {
        shared.root.walk(directory, &mut |path| {
            if recover::is_beside_a_record(path) {
                return Ok(());
            }
            let whole = shared.root.join(path);
            let bytes = match std::fs::read(&whole) {
                // Its owner has ended since it was listed, and removes its own without the mutex.
                Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
                read => read.map_err(|error| StoreError::io("read", &whole, error))?,
            };
            // Its owner was killed before it could ask for anything, or has nothing any more.
            if !bytes.is_empty() || !path.starts_with("leases/") {
                found.insert(path.to_owned(), Content::decode(&bytes));
            }
            Ok(())
        })?;
    }
    for stray in leftovers::stray_stretches(shared)? {
        found.remove(&stray);
    }
    Ok(found)
}

/// Says where the records differ from the state, one line for each difference.
pub(crate) fn differences(shared: &Shared, state: &State) -> Result<Vec<String>, StoreError> {
    let mut expected: BTreeMap<String, Content> = state
        .unsplit_records()
        .into_iter()
        .map(|(home, content)| (home.path(&shared.root), content))
        .collect();
    let mut found = read_records(shared)?;
    join_queues(&mut found, &shared.root);
    let mut differences = Vec::new();
    for (path, found) in found {
        let should = expected.remove(&path).unwrap_or_default();
        match found {
            Ok((_, content)) if says(&content, &should) => {}
            Ok(_) => differences.push(format!("{path} does not say what the log says")),
            Err(error) => differences.push(format!("{path} cannot be read: {error}")),
        }
    }
    let missing = expected.into_keys();
    differences.extend(missing.map(|path| format!("{path} is missing")));
    Ok(differences)
}

/// Puts the stretches of each queue back into the record of its resource. One that does not fit, or
/// that no resource names, stays, and differs from what should be there: nothing.
fn join_queues(found: &mut BTreeMap<String, Found>, room: &dyn Room) {
    let heads = found.values().flatten();
    let heads = heads.filter_map(|(home, head)| match home {
        Home::Resource(resource) if !head.rest.is_empty() => Some(resource.clone()),
        _ => None,
    });
    for resource in heads.collect::<Vec<_>>() {
        let path = Home::Resource(resource.clone()).path(room);
        let Some(Ok((home, mut head))) = found.remove(&path) else {
            continue;
        };
        head.rest.retain(|of| {
            let home = Home::Stretch(resource.clone(), of.from);
            match found.get_mut(&home.path(room)) {
                Some(Ok((_, stretch))) if stretch.is_told_by(of, &home) => {
                    head.tickets.append(&mut stretch.tickets);
                    head.idle.append(&mut stretch.idle);
                    false
                }
                _ => true,
            }
        });
        found.insert(path, Ok((home, head)));
    }
}

/// Returns whether a record says what it should. It need not know of everybody that he holds nothing.
fn says(content: &Content, should: &Content) -> bool {
    let (mut content, mut should) = (content.clone().sorted(), should.clone().sorted());
    let of_idle = std::mem::take(&mut should.idle);
    let idle = std::mem::take(&mut content.idle);
    idle.iter().all(|number| of_idle.contains(number)) && content == should
}

/// Says where the segments that are kept for the audit are damaged, or do not lead to the checkpoint of
/// the next: a line for each. What holds now does not depend on them.
pub(crate) fn history(shared: &Shared, last: u32) -> Result<Vec<String>, StoreError> {
    let root = &shared.root;
    let mut problems = Vec::new();
    let open = |number| {
        Segment::open(root, number, OFlags::RDONLY)
            .map_err(|errno| StoreError::io("open", root.join(&segment_path(number)), errno))
    };
    let numbers = log::segments_before(root, last)?;
    for (index, number) in numbers.iter().copied().enumerate() {
        let (path, mut state) = (segment_path(number), State::default());
        let ends = match open(number).and_then(|segment| state.go_on(root, &segment)) {
            Ok(End::Clean) => true,
            Ok(End::Torn | End::Bad) => {
                let end = state.end;
                problems.push(format!("{path}: the line at offset {end} is not whole"));
                false
            }
            Err(StoreError::Damaged { detail, .. }) => {
                problems.push(format!("{path}: {detail}"));
                false
            }
            Err(error @ StoreError::Newer { .. }) => return Err(error),
            Err(error) => {
                problems.push(error.to_string());
                false
            }
        };
        let next = numbers.get(index + 1).copied().unwrap_or(last);
        if next > number + 1 {
            // What is before a gap does not lead to what is behind it.
            problems.push(format!("{} is missing", segment_path(number + 1)));
            continue;
        }
        // The last one's own first line is looked at with the rest of it.
        let head = open(next).and_then(|segment| segment.head(root));
        let checkpoint = head
            .unwrap_or_default()
            .and_then(|(head, _)| head.checkpoint);
        let Some(checkpoint) = checkpoint.filter(|_| ends) else {
            continue;
        };
        if state.checkpoint(checkpoint.counters) != checkpoint {
            let next = segment_path(next);
            problems.push(format!("{path} does not lead to what {next} begins with"));
        }
    }
    Ok(problems)
}
