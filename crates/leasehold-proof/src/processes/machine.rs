//! What this machine allows to be done to it: tried, not guessed.

use super::calls;
use super::setting::Setting;
use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

/// What a round may use.
#[derive(Debug, Clone)]
pub(super) struct Machine {
    /// How a program gets mounts of its own, or why it cannot.
    pub(super) mounts: Result<Vec<String>, String>,
    pub(super) small_disk: Result<(), String>,
    pub(super) fake_boot: Result<(), String>,
    pub(super) processes: Result<(), String>,
    pub(super) times: Result<(), String>,
    pub(super) tracing: Result<(), String>,
}

pub(super) const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
/// How a program is started in a time namespace whose clocks are a day ahead.
pub(super) const SHIFTED: [&str; 7] = [
    "unshare",
    "--time",
    "--fork",
    "--boottime",
    "86400",
    "--monotonic",
    "86400",
];

impl Machine {
    /// Tries everything once.
    pub(super) fn probe() -> io::Result<Self> {
        let place = tempfile::tempdir()?;
        let own = strings(&["unshare", "--mount"]);
        let as_user = strings(&["unshare", "--mount", "--map-root-user"]);
        let mounts = tried(&own, &["true"]).map(|()| own);
        let mounts = mounts.or_else(|_| tried(&as_user, &["true"]).map(|()| as_user));
        let inside = |words: &[&str]| match &mounts {
            Ok(prefix) => tried(prefix, words),
            Err(why) => Err(why.clone()),
        };
        let directory = place.path().display().to_string();
        let file = place.path().join("boot_id");
        fs::write(&file, "probe\n")?;
        let script = format!(
            "mount --bind {} {BOOT_ID} && grep -q probe {BOOT_ID}",
            file.display()
        );
        let small_disk = inside(&["mount", "-t", "tmpfs", "-o", "size=1m", "none", &directory]);
        let fake_boot = inside(&["sh", "-c", &script]);
        let script = "unshare --pid --fork true && nsenter --target $$ --pid true";
        let processes = inside(&["sh", "-c", script]);
        let times = inside(&[&SHIFTED[..], &["true"]].concat());
        Ok(Self {
            mounts,
            small_disk,
            fake_boot,
            processes,
            times,
            tracing: calls::probe(place.path()),
        })
    }

    /// What cannot be tried here, one line each.
    pub(super) fn skipped(&self) -> Vec<String> {
        let faults = [
            ("a full and a read-only disk", &self.small_disk),
            (
                "a machine that starts again (another boot id)",
                &self.fake_boot,
            ),
            (
                "holders and waiters in different PID namespaces",
                &self.processes,
            ),
            (
                "holders and waiters in different time namespaces",
                &self.times,
            ),
            ("slow and failing system calls", &self.tracing),
        ];
        let failed = faults
            .into_iter()
            .filter_map(|(what, result)| Some((what, result.as_ref().err()?)));
        failed
            .map(|(what, why)| format!("processes: {what}: {why}"))
            .collect()
    }

    /// Whether a round can be had here. One with namespaces is worth having without them.
    pub(super) fn allows(&self, setting: &Setting) -> bool {
        let needs = [
            (setting.has_small_disk, &self.small_disk),
            (setting.boots > 1, &self.fake_boot),
            (setting.has_bad_calls, &self.tracing),
        ];
        needs.iter().all(|(needs, result)| !needs || result.is_ok())
    }
}

fn strings(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

/// Runs a program and says why it failed.
fn tried(prefix: &[String], words: &[&str]) -> Result<(), String> {
    let all: Vec<&str> = prefix
        .iter()
        .map(String::as_str)
        .chain(words.iter().copied())
        .collect();
    run(&all)
}

/// Runs a program to its end; an error says how it failed.
pub(super) fn run(words: &[&str]) -> Result<(), String> {
    let output = Command::new(words[0])
        .args(&words[1..])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{}: {error}", words[0]))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{}: {}", words.join(" "), said.trim()))
}

/// Mounts a small disk at a directory.
pub(super) fn mount_small_disk(at: &Path) -> Result<(), String> {
    let at = at.display().to_string();
    run(&["mount", "-t", "tmpfs", "-o", "size=24m", "none", &at])
}

/// Mounts it again, so that it can be written to or cannot.
pub(super) fn remount(at: &Path, how: &str) -> Result<(), String> {
    let at = at.display().to_string();
    run(&["mount", "-o", &format!("remount,{how}"), &at])
}
