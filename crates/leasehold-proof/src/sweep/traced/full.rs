//! A disk that is really full: a small file system in memory, in a name space of its own.

use super::stage::OPERATIONS;
use crate::damage::driver;
use crate::damage::history::History;
use crate::{Budget, Outcome, Violation};
use leasehold_store_file::{FileStore, Options};
use std::io;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::Ordering::Relaxed;

/// With how many free blocks it is tried: from none to enough.
const BLOCKS_MAX: u32 = 8;

/// Mounts the disk, furnishes it, fills it but for `$BLOCKS` blocks, asks for more, and gives back. Each
/// line of its output is what was done and how it ended.
const SCRIPT: &str = r#"
mount -t tmpfs -o size=3m tmpfs "$DISK" || exit 90
cd "$DISK"
did() { name=$1; shift; "$@" > /dev/null 2>> "$OUT/errors"; echo "$name $?"; }
did lock-a "$BINARY" lock a --owner ada --ttl none
did lock-b "$BINARY" lock b path:b --owner ada --ttl none
did lock-e "$BINARY" lock e --owner eve --ttl none
did lock-f "$BINARY" lock f --owner eve --ttl none
did lock-p "$BINARY" lock p --owner eve --ttl 1ms
did freeze-h "$BINARY" freeze h --ttl 1h --owner eve
mkfifo gate
"$BINARY" guard g --owner bob -c ': > up; read x < gate' 2>> "$OUT/errors" &
guard=$!
until [ -e up ]; do sleep 0.01; done
dd if=/dev/zero of=fill bs=4096 2> /dev/null
truncate -s "-$((BLOCKS * 4096))" fill
did grant-lock "$BINARY" lock c --owner zoe --ttl none
did shows-lock "$BINARY" exists c
did grant-guard "$BINARY" guard d --owner zoe -- true
did grant-freeze "$BINARY" freeze i --ttl 1h --owner zoe
did refuses "$BINARY" guard a --owner zoe -- true
did status "$BINARY" status
did stale "$BINARY" unlock --stale
did gone-p "$BINARY" exists p
did unlock-eve "$BINARY" unlock --owner eve --force
did gone-e "$BINARY" exists e
did gone-f "$BINARY" exists f
did unfreeze-h "$BINARY" unfreeze h --owner eve
did unlock-a "$BINARY" unlock a --owner ada
did gone-a "$BINARY" exists a
echo go > gate
wait "$guard"
echo "guard $?"
did gone-g "$BINARY" exists g
did unlock-b "$BINARY" unlock b --owner ada
did gone-b "$BINARY" exists b
rm fill
did again-a "$BINARY" guard a b e f g d h p --owner zoe -- true
cp -a root "$OUT/root"
"#;

pub(super) fn run(budget: &Budget, binary: &Path, outcome: &mut Outcome) {
    let is_wanted = budget
        .only
        .as_deref()
        .is_none_or(|only| "full disk".contains(only));
    for blocks in (0..=BLOCKS_MAX).filter(|_| is_wanted) {
        match fill(binary, blocks) {
            Ok(Some(problems)) if problems.is_empty() => {}
            Ok(Some(problems)) => outcome.violations.push(Violation {
                what: format!("a full disk, {blocks} blocks free: {}", problems.join("; ")),
                repeat: format!(
                    "cargo run --profile proof -p leasehold-proof -- sweep --binary {} \
                     --only 'full disk'",
                    budget.binary.display()
                ),
            }),
            Ok(None) => {
                let why = "this machine does not let us mount a file system of our own";
                outcome.skipped.push(format!("a full disk: {why}"));
                return;
            }
            Err(error) => {
                outcome.skipped.push(format!("a full disk: {error}"));
                return;
            }
        }
        outcome.faults += 1;
    }
}

/// Returns what was wrong; nothing where it cannot be tried.
fn fill(binary: &Path, blocks: u32) -> io::Result<Option<Vec<String>>> {
    let place = driver::place()?;
    let disk = place.path().join("disk");
    std::fs::create_dir(&disk)?;
    let output = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", SCRIPT])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("BINARY", binary)
        .env("BLOCKS", blocks.to_string())
        .env("DISK", &disk)
        .env("OUT", place.path())
        .env("LEASEHOLD_ROOT", disk.join("root"))
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    if said.is_empty() {
        return Ok(None);
    }
    OPERATIONS.fetch_add(said.lines().count() as u64, Relaxed);
    let mut problems = check(&said);
    let errors = std::fs::read_to_string(place.path().join("errors")).unwrap_or_default();
    if !problems.is_empty() || errors.contains("panicked") {
        problems.push(errors);
    }
    let root = place.path().join("root");
    let whole = FileStore::open(&root, Options::default()).and_then(|store| {
        let mut problems = store.verify()?;
        problems.extend(History::check(&store)?);
        Ok(problems)
    });
    match whole {
        Ok(found) => problems.extend(found),
        Err(error) => problems.push(error.to_string()),
    }
    Ok(Some(problems))
}

/// Grants may be refused, whole; giving back works.
fn check(said: &str) -> Vec<String> {
    let code = |name: &str| -> Option<i32> {
        let line = said
            .lines()
            .find(|line| line.split(' ').next() == Some(name));
        line?.split(' ').nth(1)?.parse().ok()
    };
    let expected = [
        ("lock-a", 0),
        ("lock-b", 0),
        ("lock-e", 0),
        ("lock-f", 0),
        ("lock-p", 0),
        ("freeze-h", 0),
        ("refuses", 2),
        ("status", 0),
        ("stale", 0),
        ("gone-p", 3),
        ("unlock-eve", 0),
        ("gone-e", 3),
        ("gone-f", 3),
        ("unfreeze-h", 0),
        ("unlock-a", 0),
        ("gone-a", 3),
        ("guard", 0),
        ("gone-g", 3),
        ("unlock-b", 0),
        ("gone-b", 3),
        ("again-a", 0),
        // Refused or not, it is said truly.
        (
            "shows-lock",
            if code("grant-lock") == Some(0) { 0 } else { 3 },
        ),
    ];
    let mut problems = Vec::new();
    for (name, expected) in expected {
        let found = code(name);
        // Whether somebody is refused is an event, too; it may be too much for the disk.
        let is_error_allowed = name == "refuses" && found == Some(1);
        if found != Some(expected) && !is_error_allowed {
            problems.push(format!("{name} ends with {found:?}, not {expected}"));
        }
    }
    for name in ["grant-lock", "grant-guard", "grant-freeze"] {
        if !matches!(code(name), Some(0 | 1)) {
            problems.push(format!("{name} ends with {:?}", code(name)));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::check;

    const GOOD: &str = "lock-a 0\nlock-b 0\nlock-e 0\nlock-f 0\nlock-p 0\nfreeze-h 0\n\
                        grant-lock 1\nshows-lock 3\ngrant-guard 1\ngrant-freeze 1\n\
                        refuses 2\nstatus 0\nstale 0\ngone-p 3\nunlock-eve 0\ngone-e 3\n\
                        gone-f 3\nunfreeze-h 0\nunlock-a 0\ngone-a 3\nguard 0\ngone-g 3\n\
                        unlock-b 0\ngone-b 3\nagain-a 0\n";

    #[test]
    fn a_release_that_fails_is_refused() {
        assert_eq!(check(GOOD), Vec::<String>::new());
        assert_eq!(check(&GOOD.replace("unlock-a 0", "unlock-a 1")).len(), 1);
        assert_eq!(
            check(&GOOD.replace("shows-lock 3", "shows-lock 0")).len(),
            1
        );
        assert_eq!(check("").len(), 25);
    }
}
