//! What stands in a lock file, and whether the process that wrote it runs.

use super::{Lock, Process};
use crate::identity;
use leasehold_api::moment;
use leasehold_core::LeaseId;
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};
use serde::Deserialize;
use std::fs;
use std::time::{Duration, SystemTime};

/// A lock named so was a freeze of the rest of the name before there were freezes, and still is one.
const FREEZE_PREFIX: &str = "freeze-";
/// The newest version of a lock file that is known.
const VERSION_MAX: u64 = 1;

/// What is in a file.
#[derive(Deserialize)]
struct Written {
    #[serde(default)]
    name: String,
    #[serde(default)]
    lock_id: String,
    #[serde(default)]
    owner: String,
    #[serde(default)]
    host: String,
    #[serde(default)]
    pid: u32,
    #[serde(default)]
    pid_start_ns: u64,
    #[serde(default)]
    agent_id: String,
    #[serde(default)]
    acquired_ts: String,
    #[serde(default)]
    ttl_sec: u64,
    expires_at: Option<String>,
}

/// Reads the text of a lock file of this name.
pub(super) fn parse(text: &[u8], name: &str, is_freeze: bool) -> Result<Lock, String> {
    if text.is_empty() {
        return Err("it is empty: its writer was stopped half-way, or is still at it".into());
    }
    let value: serde_json::Value =
        serde_json::from_slice(text).map_err(|error| format!("it is no JSON: {error}"))?;
    if let Some(version) = value["version"]
        .as_u64()
        .filter(|version| *version > VERSION_MAX)
    {
        return Err(format!(
            "its version is {version}, newer than this program knows"
        ));
    }
    let written: Written =
        serde_json::from_value(value).map_err(|error| format!("it is no lock: {error}"))?;
    if written.name != name {
        return Err(format!("it is a lock of {:?}", written.name));
    }
    if written.owner.is_empty() || written.host.is_empty() {
        return Err("it names no owner".into());
    }
    for text in [&written.owner, &written.host, &written.agent_id] {
        if !text.is_empty() {
            identity::checked("a name in it", text).map_err(|error| error.message)?;
        }
    }
    let acquired = date("acquired_ts", &written.acquired_ts)?;
    let expires = match &written.expires_at {
        Some(text) => Some(date("expires_at", text)?),
        None if written.ttl_sec > 0 => acquired.checked_add(Duration::from_secs(written.ttl_sec)),
        None => None,
    };
    let old_freeze = name
        .strip_prefix(FREEZE_PREFIX)
        .filter(|rest| !is_freeze && !rest.is_empty());
    Ok(Lock {
        is_freeze: is_freeze || old_freeze.is_some(),
        name: old_freeze.unwrap_or(name).into(),
        id: written.lock_id.parse().unwrap_or_else(|_| derived_id(text)),
        process: process(&written),
        owner: written.owner,
        host: written.host,
        pid: written.pid,
        agent: Some(written.agent_id).filter(|id| is_chosen(id)),
        acquired,
        expires,
    })
}

fn date(member: &str, text: &str) -> Result<SystemTime, String> {
    if !text.contains('T') {
        return Err(format!("its {member} is {text:?}, no date"));
    }
    moment::parse(text, SystemTime::UNIX_EPOCH)
        .map_err(|error| format!("its {member} is {text:?}: {error}"))
}

/// Returns whether an agent's id was set by somebody. The one that Lokt makes up for each process,
/// `agent-` and four digits, says nothing of who comes next.
fn is_chosen(agent: &str) -> bool {
    let made_up = agent.strip_prefix("agent-").is_some_and(|digits| {
        digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    });
    !agent.is_empty() && !made_up
}

/// An id for a lock without one, the same at every look: by it a second import knows the first's leases.
/// Twice FNV-1a, from two starts.
fn derived_id(text: &[u8]) -> LeaseId {
    let hash = |start: u64| {
        text.iter().fold(start, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
        })
    };
    let (high, low) = (hash(0xcbf2_9ce4_8422_2325), hash(0x6c62_272e_07bb_0142));
    LeaseId::new(u128::from(high) << 64 | u128::from(low))
}

fn process(written: &Written) -> Process {
    if written.host != identity::host() {
        return Process::Elsewhere;
    }
    let pid = i32::try_from(written.pid).ok().and_then(Pid::from_raw);
    match pid.map(test_kill_process) {
        None | Some(Err(Errno::SRCH)) => Process::Dead,
        Some(_) if has_ended_since(written) => Process::Dead,
        Some(_) => Process::Alive,
    }
}

/// Returns whether the number is that of another process by now, or of one that nobody has waited for. Where
/// there is no `/proc` it is not told apart, and counts as the same.
fn has_ended_since(written: &Written) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{}/stat", written.pid)) else {
        return false;
    };
    // Behind the command, which is in parentheses and may contain anything: state first, start the 20th.
    let behind = stat.rsplit_once(')').map_or("", |(_, behind)| behind);
    let mut fields = behind.split_whitespace();
    let is_zombie = fields.next() == Some("Z");
    let started: Option<u64> = fields.nth(18).and_then(|field| field.parse().ok());
    let recorded = Some(written.pid_start_ns).filter(|start| *start != 0);
    is_zombie || (recorded.is_some() && started.is_some() && recorded != started)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(members: &str) -> String {
        format!(
            r#"{{"version": 1, "name": "build", "lock_id": "000102030405060708090a0b0c0d0e0f",
            "owner": "ada", "host": "nowhere", "pid": 12, "acquired_ts": "2026-02-07T15:00:00.5+01:00"{members}}}"#
        )
    }

    fn read(text: &str) -> Result<Lock, String> {
        parse(text.as_bytes(), "build", false)
    }

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn a_lock_is_read_as_it_was_written() {
        let found = read(&lock(r#", "ttl_sec": 60, "agent_id": "agent-12ef""#)).unwrap();
        assert_eq!(found.id.to_string(), "000102030405060708090a0b0c0d0e0f");
        assert_eq!(
            (found.owner.as_str(), found.host.as_str()),
            ("ada", "nowhere")
        );
        assert_eq!(
            found.acquired,
            at(1_770_472_800) + Duration::from_millis(500)
        );
        assert_eq!(
            found.expires,
            Some(found.acquired + Duration::from_secs(60))
        );
        assert_eq!((found.agent, found.process), (None, Process::Elsewhere));
        let found = read(&lock(
            r#", "expires_at": "2026-02-07T14:00:01Z", "ttl_sec": 5, "agent_id": "ci-7", "more": 1"#,
        ));
        let found = found.unwrap();
        assert_eq!(found.expires, Some(at(1_770_472_801)));
        assert_eq!(found.agent.as_deref(), Some("ci-7"));
    }

    #[test]
    fn what_is_over_is_live_only_with_its_process() {
        let mut found = read(&lock(r#", "ttl_sec": 60"#)).unwrap();
        let end = found.expires.unwrap();
        assert!(found.is_live(end - Duration::from_secs(1)));
        assert!(!found.is_live(end));
        found.process = Process::Alive;
        assert!(found.is_live(end));
        found.is_freeze = true;
        assert!(!found.is_live(end));
        found.expires = None;
        assert!(found.is_live(end));
    }

    #[test]
    fn an_id_that_is_missing_is_the_same_at_every_look() {
        let text = lock("").replace("000102030405060708090a0b0c0d0e0f", "");
        let (first, second) = (read(&text).unwrap(), read(&text).unwrap());
        assert_eq!(first.id, second.id);
        assert_ne!(first.id, read(&text.replace("ada", "bob")).unwrap().id);
    }

    #[test]
    fn a_lock_with_the_old_prefix_is_a_freeze() {
        let text = lock("").replace("build", "freeze-deploy");
        let found = parse(text.as_bytes(), "freeze-deploy", false).unwrap();
        assert!(found.is_freeze);
        assert_eq!(found.name, "deploy");
    }

    #[test]
    fn anything_else_is_told_apart_from_a_lock() {
        for (text, part) in [
            (String::new(), "half-way"),
            (lock("")[..60].into(), "no JSON"),
            ("{}".into(), "it is a lock of \"\""),
            ("[]".into(), "no lock"),
            (lock("").replace("build", "other"), "\"other\""),
            (lock("").replace("ada", ""), "no owner"),
            (lock("").replace("ada", r"a\nb"), "control character"),
            (
                lock("").replace("\"version\": 1", "\"version\": 2"),
                "newer",
            ),
            (
                lock("").replace("2026-02-07T15", "yesterday"),
                "acquired_ts",
            ),
            (
                lock(r#", "expires_at": "0001-01-01T00:00:00Z""#),
                "expires_at",
            ),
            (lock("").replace("12", "-12"), "no lock"),
        ] {
            let wrong = read(&text).unwrap_err();
            assert!(wrong.contains(part), "{text:?}: {wrong}");
        }
    }

    #[test]
    fn this_process_is_alive_and_one_that_started_earlier_is_not() {
        let own = fs::read_to_string("/proc/self/stat").unwrap();
        let behind = own.rsplit_once(')').unwrap().1;
        let start: u64 = behind.split_whitespace().nth(19).unwrap().parse().unwrap();
        let pid = std::process::id();
        let written = |start| Written {
            pid,
            pid_start_ns: start,
            host: identity::host(),
            ..serde_json::from_str("{}").unwrap()
        };
        assert_eq!(process(&written(start)), Process::Alive);
        assert_eq!(process(&written(0)), Process::Alive);
        assert_eq!(process(&written(start - 1)), Process::Dead);
    }
}
