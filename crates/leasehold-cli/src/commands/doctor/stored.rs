//! What is stored: clocks, leases that are over, what is left over, and whether log and records agree.

use super::mended;
use crate::cli::Doctor;
use crate::commands::gc::size;
use crate::context::{Context, Place};
use crate::message;
use leasehold_api::duration::short;
use leasehold_api::finding::FindingInfo;
use leasehold_api::lease::{LeaseInfo, LeaseState};
use leasehold_core::Lease;
use leasehold_core::view::Key;
use leasehold_store::StoreError;
use leasehold_store_file::inspect::Inspection;
use leasehold_store_file::{FileStore, Options};

/// From when on the wall clock and the workspace's time are worth a word.
const APART_MS: u64 = 60_000;
/// From when on a log is worth a collection.
const LOG_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// How many of many are named.
const NAMED: usize = 5;

/// Looks at the store, mends it first where that is asked for, and adds what it finds.
pub(super) fn look(place: &Place, args: &Doctor, findings: &mut Vec<FindingInfo>) {
    if !place.found.root.exists() {
        return;
    }
    let looked = FileStore::open(&place.found.root, Options::default()).and_then(|store| {
        if args.repair {
            findings.extend(mended::repaired(&store));
        }
        let inspection = store.inspect()?;
        findings.extend(clocks(&inspection));
        findings.extend(left_over(&inspection));
        findings.push(log(&inspection));
        if args.verify || args.repair {
            findings.extend(mended::verified(&store));
        }
        Ok(())
    });
    match looked {
        Ok(()) => findings.extend(over(place)),
        Err(error) => findings.push(broken("store", &error)),
    }
}

pub(super) fn broken(check: &'static str, error: &StoreError) -> FindingInfo {
    let hint = match error {
        StoreError::Damaged { .. } => {
            "try `leasehold doctor --repair`; where that cannot mend it: keep a copy of the \
             directory, and with everybody gone remove it"
        }
        other => other.hint().unwrap_or("try again"),
    };
    FindingInfo::failure(check, error.to_string(), hint)
}

fn clocks(inspection: &Inspection) -> Vec<FindingInfo> {
    const CHECK: &str = "clocks";
    let (now, wall) = (inspection.now.as_millis(), inspection.wall_ms);
    let slept = inspection.slept_ms.filter(|slept| *slept >= APART_MS);
    let slept = slept.map_or_else(String::new, |slept| {
        format!(
            "; the machine slept {} since it started, which counts as time",
            short(slept)
        )
    });
    let hint = "nothing has to be done: leases go by a clock of their own. `audit` counts --since \
                back from now, and shows dates by the wall clock of now";
    if wall.saturating_add(APART_MS) < now {
        let text = format!(
            "the wall clock is {} behind the log{slept}",
            short(now - wall)
        );
        return vec![FindingInfo::warning(CHECK, text, hint)];
    }
    if now.saturating_add(APART_MS) < wall {
        let text = format!(
            "the wall clock was set forward by {}{slept}",
            short(wall - now)
        );
        return vec![FindingInfo::warning(CHECK, text, hint)];
    }
    vec![FindingInfo::ok(
        CHECK,
        format!("this boot is known, the wall clock agrees with the log{slept}"),
    )]
}

fn left_over(inspection: &Inspection) -> Vec<FindingInfo> {
    const CHECK: &str = "leftovers";
    let mut findings = Vec::new();
    let dead = as_count(inspection.dead);
    if dead > 0 || !inspection.unfinished.is_empty() {
        let files = super::counted(dead + inspection.unfinished.len(), "file");
        findings.push(FindingInfo::warning(
            CHECK,
            format!("{files} of killed processes, in nobody's way"),
            "leasehold gc",
        ));
    }
    if !inspection.cut_off.is_empty() {
        findings.push(FindingInfo::warning(
            CHECK,
            format!(
                "after a power loss the end of the log was unreadable: {}",
                some(&inspection.cut_off)
            ),
            "look at it if you miss something; `leasehold gc` removes it after 30 days",
        ));
    }
    if !inspection.closed.is_empty() {
        let number = super::counted(inspection.closed.len(), "file");
        findings.push(FindingInfo::failure(
            CHECK,
            format!(
                "{number} may not be read or written by this user: {}",
                some(&inspection.closed)
            ),
            "whoever owns them should give the group its rights: chmod -R g+rwX",
        ));
    }
    findings
}

fn log(inspection: &Inspection) -> FindingInfo {
    const CHECK: &str = "log";
    let bytes = size(inspection.log_bytes);
    let text = format!(
        "{bytes} in {}",
        super::counted(as_count(inspection.segments), "segment")
    );
    if let Some(bytes) = inspection.overdue_bytes {
        let text = format!(
            "its newest segment has {}, and no new one was begun",
            size(bytes)
        );
        let hint = "leasehold gc begins one, or says why it cannot";
        return FindingInfo::warning(CHECK, text, hint);
    }
    if inspection.log_bytes > LOG_BYTES_MAX {
        return FindingInfo::warning(
            CHECK,
            text,
            "leasehold gc (--keep says how long the audit goes back)",
        );
    }
    FindingInfo::ok(CHECK, text)
}

/// Leases that nobody can rely on any more, and those whose guard is dead.
fn over(place: &Place) -> Vec<FindingInfo> {
    let looked = place.open_existing().and_then(|context| {
        let Some(Context { leasing, .. }) = context else {
            return Ok(Vec::new());
        };
        let answer = leasing.look(&[Key::All])?;
        let (view, clock) = (answer.value, answer.clock);
        let of = |state: LeaseState| -> Vec<String> {
            let has = |lease: &&Lease| LeaseInfo::new(lease, Some(&view), &clock).state == state;
            let found = view.leases().filter(has);
            found
                .map(|lease| {
                    format!(
                        "{} by {}",
                        message::resources(&lease.claims),
                        message::holder(lease, &clock)
                    )
                })
                .collect()
        };
        let mut findings = Vec::new();
        for (state, what) in [
            (
                LeaseState::Orphan,
                "guard is dead, whose command still runs",
            ),
            (LeaseState::Dead, "processes are dead"),
            (LeaseState::Expired, "time is over"),
        ] {
            let found = of(state);
            if found.is_empty() {
                continue;
            }
            let text = format!(
                "{} whose {what}: {}",
                super::counted(found.len(), "lease"),
                some(&found)
            );
            let hint = if state == LeaseState::Orphan {
                "it stays protected until the command ends; see to the command, or take the lease \
                 away with `leasehold unlock NAME --force`"
            } else {
                "whoever asks next gets it; to clear the list: leasehold unlock --stale"
            };
            findings.push(FindingInfo::warning("leases", text, hint));
        }
        Ok(findings)
    });
    looked.unwrap_or_else(|error| {
        vec![FindingInfo::failure(
            "leases",
            error.message,
            "leasehold doctor --repair",
        )]
    })
}

/// Names the first few.
pub(super) fn some(all: &[String]) -> String {
    let more = all.len().saturating_sub(NAMED);
    let named = all
        .iter()
        .take(NAMED)
        .cloned()
        .collect::<Vec<_>>()
        .join("; ");
    if more == 0 {
        named
    } else {
        format!("{named}; and {more} more")
    }
}

pub(super) fn as_count(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use leasehold_api::finding::Grade;
    use leasehold_core::Timestamp;

    #[test]
    fn a_log_that_does_not_begin_anew_is_told() {
        let mut inspection = Inspection {
            slept_ms: None,
            now: Timestamp::from_millis(0),
            wall_ms: 0,
            segments: 1,
            log_bytes: 30_000_000,
            overdue_bytes: None,
            unfinished: Vec::new(),
            dead: 0,
            cut_off: Vec::new(),
            closed: Vec::new(),
        };
        assert_eq!(log(&inspection).grade, Grade::Ok);
        inspection.overdue_bytes = Some(30_000_000);
        let found = log(&inspection);
        assert_eq!(found.grade, Grade::Warning);
        assert!(found.hint.is_some_and(|hint| hint.contains("leasehold gc")));
    }
}
