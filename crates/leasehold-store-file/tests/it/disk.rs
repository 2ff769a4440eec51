//! Full and read-only disks. They need a mount of their own, so they run in a copy of this program in
//! a mount namespace; where that is not allowed they say so and check nothing.

use crate::harness::*;
use leasehold_core::command::Command as Asked;
use leasehold_core::verdict::Verdict;
use leasehold_store::{Access, Presence, Store, StoreError};
use leasehold_store_file::{FileStore, Options};
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::{env, io};

const MOUNT: &str = "LEASEHOLD_TEST_MOUNT";

/// Runs a test of this program with a small file system of its own at the directory that it finds in
/// the environment.
fn in_a_mount(name: &str, options: &str) {
    after_mounting(name, &format!("mount -t tmpfs -o {options} tmpfs $MOUNT"));
}

/// Runs a test of this program in a mount namespace of its own, after a script.
fn after_mounting(name: &str, script: &str) {
    let directory = tempfile::TempDir::new().unwrap();
    let mount = directory.path().to_str().unwrap();
    let script = format!("MOUNT={mount}; {{ {script}; }} || exit 99; exec \"$@\"");
    let program = env::current_exe().unwrap();
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", &script, "sh"]).arg(program);
    command
        .args(["--exact", name, "--ignored", "--nocapture"])
        .env(MOUNT, mount);
    match command.output() {
        Ok(output) if output.status.success() => {
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(text.contains("1 passed"), "{text}");
        }
        Ok(output) if matches!(output.status.code(), Some(99 | 1)) && !ran(&output.stdout) => {
            eprintln!("SKIPPED {name}: no mount of its own: {output:?}");
        }
        Err(error) => eprintln!("SKIPPED {name}: {error}"),
        Ok(output) => panic!("{output:#?}"),
    }
}

fn ran(stdout: &[u8]) -> bool {
    String::from_utf8_lossy(stdout).contains("running 1 test")
}

fn mounted() -> Option<std::path::PathBuf> {
    env::var_os(MOUNT).map(Into::into)
}

fn fill(path: &Path) {
    let mut file = File::create(path).unwrap();
    for size in [64 * 1024, 4096, 512, 1] {
        while file.write_all(&vec![b'x'; size]).is_ok() {}
    }
}

fn is_full(error: &StoreError) -> bool {
    matches!(error, StoreError::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull)
}

#[test]
fn on_a_full_disk_grants_fail_whole_and_releases_work() {
    in_a_mount("disk::inside_a_full_disk", "size=4m");
}

#[test]
#[ignore = "it needs a mount of its own"]
fn inside_a_full_disk() {
    let Some(mount) = mounted() else {
        return;
    };
    let store = FileStore::open(&mount.join("root"), Options::default()).unwrap();
    let attended = |number| store.attend(id(number)).unwrap();
    let held: Vec<_> = (1..=30).map(attended).collect();
    for number in 1..=30 {
        hold(
            &store,
            ask(number, &[&format!("name:r{number}"), "path:src/a"][..1]),
        );
    }
    let mut waiter = attended(31);
    waiter.listen().unwrap();
    queue(&store, waiting(31, &["name:r1"]));
    fill(&mount.join("filler"));
    check_whole(&store);
    let before = everything(&store);
    // Nothing new: neither with a proof of life nor without, with a new record or an old one; while
    // there is a reserve small things may still fit into records that are there.
    let mut refused = 0;
    for round in 0..2_000 {
        match store.attend(id(1_000 + round)) {
            Err(error) => assert!(is_full(&error), "{error}"),
            Ok(presence) => presence.end(),
        }
        let ask = ask(1_000 + round, &[&format!("path:new/{round}")]);
        match try_run(&store, &Asked::Ask(ask)) {
            Err(error) => {
                assert!(is_full(&error), "{error}");
                refused += 1;
            }
            Ok(verdict) => panic!("{verdict:?}"),
        }
        if refused > 50 {
            break;
        }
    }
    assert_eq!(
        everything(&store),
        before,
        "a grant that failed changed nothing"
    );
    check_whole(&store);
    for number in 1..=30 {
        release(&store, number);
    }
    assert!(matches!(
        run(&store, &Asked::Bind(id(31))),
        Verdict::Granted(_)
    ));
    release(&store, 31);
    held.into_iter().for_each(Presence::end);
    waiter.end();
    check_whole(&store);
    fs::remove_file(mount.join("filler")).unwrap();
    hold(&store, ask(5_000, &["name:r1", "path:src"]));
    check_whole(&store);
}

#[test]
fn a_read_only_disk_can_be_looked_at() {
    in_a_mount("disk::inside_a_read_only_disk", "size=4m");
}

#[test]
#[ignore = "it needs a mount of its own"]
fn inside_a_read_only_disk() {
    let Some(mount) = mounted() else {
        return;
    };
    let root = mount.join("root");
    let store = FileStore::open(&root, Options::default()).unwrap();
    hold(&store, standing(1, "ada", &["build"]));
    drop(store);
    let status = Command::new("mount")
        .args(["-o", "remount,ro"])
        .arg(&mount)
        .status()
        .unwrap();
    assert!(status.success());
    let store = FileStore::open(&root, Options::default()).unwrap();
    assert!(everything(&store).contains("build"));
    let refused = store.load(&[], Access::Decide).map(drop).unwrap_err();
    assert!(
        refused.to_string().contains(root.to_str().unwrap()),
        "{refused}"
    );
    assert!(store.attend(id(2)).is_err());
    let new = FileStore::open(&mount.join("new"), Options::default())
        .map(drop)
        .unwrap_err();
    assert!(
        matches!(&new, StoreError::Io { path, .. } if path.ends_with("new")),
        "{new}"
    );
}

/// As after `nsenter -m -T` without `-p`: `/proc` shows a PID namespace that this process is not in.
#[test]
fn without_a_time_namespace_that_can_be_told_no_store_is_opened() {
    let script = "id=$(cat /proc/sys/kernel/random/boot_id) && mount -t tmpfs tmpfs /proc \
                  && mkdir -p /proc/sys/kernel/random && echo $id > /proc/sys/kernel/random/boot_id";
    after_mounting("disk::inside_a_strange_proc", script);
}

#[test]
#[ignore = "it needs a mount of its own"]
fn inside_a_strange_proc() {
    let Some(mount) = mounted() else {
        return;
    };
    let open = FileStore::open(&mount.join("root"), Options::default());
    let refused = open.map(drop).unwrap_err().to_string();
    assert!(refused.contains("/proc/self/ns/time"), "{refused}");
}
