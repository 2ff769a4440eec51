//! Whose the files are that the superuser makes in somebody else's repository.

use crate::harness::*;
use leasehold_store::Store;
use leasehold_store_file::{FileStore, Options};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;

const USER: (u32, u32) = (65_534, 65_533);

fn check_owner(path: &Path) {
    let found = fs::symlink_metadata(path).unwrap();
    assert_eq!((found.uid(), found.gid()), USER, "{}", path.display());
    if found.is_dir() {
        assert_eq!(found.mode() & 0o7777, 0o2775, "{}", path.display());
        let entries = fs::read_dir(path).unwrap();
        entries.for_each(|entry| check_owner(&entry.unwrap().path()));
    } else {
        assert_eq!(found.mode() & 0o7777, 0o664, "{}", path.display());
    }
}

/// Uses all kinds of files in a root.
fn use_all(root: &Path) {
    let store = FileStore::open(root, Options::default()).unwrap();
    let mut presence = store.attend(id(1)).unwrap();
    presence.listen().unwrap();
    let _proof = presence.command_proof().unwrap();
    let long = format!("name:{}", "A".repeat(150));
    hold(&store, ask(1, &["build", "path:src/a", &long]));
    hold(&store, standing(2, "ada", &["path:doc/*.md"]));
    check_owner(root);
    release(&store, 1);
    presence.end();
    check_owner(root);
    check_whole(&store);
}

#[test]
fn what_the_superuser_makes_is_the_roots_owners() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("SKIPPED: only the superuser can make files for somebody else");
        return;
    }
    // A root that is there, and one that is made: it goes by the directory around it.
    for is_there in [true, false] {
        let place = tempfile::tempdir().unwrap();
        let git = place.path().join(".git");
        let root = git.join("leasehold");
        fs::create_dir(&git).unwrap();
        fs::write(git.join("HEAD"), "").unwrap();
        fs::write(git.join("config"), "[core]\nsharedRepository = group\n").unwrap();
        if is_there {
            fs::create_dir(&root).unwrap();
            chown(&root, Some(USER.0), Some(USER.1)).unwrap();
            fs::set_permissions(&root, fs::Permissions::from_mode(0o2775)).unwrap();
        }
        chown(&git, Some(USER.0), Some(USER.1)).unwrap();
        use_all(&root);
    }
}
