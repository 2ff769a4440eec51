//! The directory of a workspace: opening, creating, and the modes of what is created in it.

use crate::names::Room;
use leasehold_store::StoreError;
use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, Stat, Uid};
use rustix::io::Errno;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::{fs, io};

/// What the directory says of itself to a person who finds it.
const README: &str = "\
This directory belongs to leasehold: leases and locks of those who work here.

audit/    everything that ever happened, one commit a line; the truth
mutex     how far the rest has been brought, and who is inside just now
records/  what holds now for each resource; made again from audit/ when damaged
leases/   one file per live request; a kernel lock on it is its proof of life
agents/   standing leases by agent       places/   ages kept for a next try
epoch     the high bits of the tokens given out since the last boot

Look with `leasehold status`. Nothing here should be edited or removed by hand while anybody
works; with everybody gone the whole directory may be removed.
";

/// What may be in a root from which `mutex` is missing: somebody else may be about to make it, or a
/// person has removed it.
const OURS: [&str; 10] = [
    ".", "..", "README", "mutex", "audit", "records", "leases", "agents", "places", "epoch",
];
/// What nearly all file systems allow (`NAME_MAX`).
const NAME_BYTES_USUAL: usize = 255;

/// An open root.
#[derive(Debug)]
pub(crate) struct Root {
    path: PathBuf,
    directory: OwnedFd,
    /// Modes of what is created, taken from the root's own: who may use it can be seen there, and
    /// changed there, and does not depend on the umask of whoever comes.
    file_mode: Mode,
    directory_mode: Mode,
    /// Whose the root is.
    owner: (u32, u32),
    inode: u64,
    is_new: bool,
    name_bytes_max: OnceLock<usize>,
}

impl Root {
    /// Opens the root, and creates it where there is none.
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        match Self::open_directory(path) {
            Err(Errno::NOENT) => Self::create(path),
            Err(errno) => Err(StoreError::io("open", path, errno)),
            Ok(directory) => Self::of(path, directory, false),
        }
    }

    fn open_directory(path: &Path) -> Result<OwnedFd, Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        rustix::fs::open(path, flags, Mode::empty())
    }

    fn create(path: &Path) -> Result<Self, StoreError> {
        let made = |error| StoreError::io("create", path, error);
        let is_new = match fs::create_dir(path) {
            Ok(()) => true,
            // Somebody else was faster; both go on in the same directory.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(path).map_err(made)?;
                true
            }
            Err(error) => return Err(made(error)),
        };
        let directory = Self::open_directory(path).map_err(|e| StoreError::io("open", path, e))?;
        Self::of(path, directory, is_new)
    }

    /// Gives a root in which nothing is yet the rights (and from the superuser the owner) of the
    /// repository around it, and a text for people. Everybody who finds it so does this, so that nobody goes on with other rights than
    /// the rest.
    pub(crate) fn furnish(&mut self) -> Result<(), StoreError> {
        self.refuse_foreign()?;
        if let Some(parent) = self.path.parent()
            && let Ok(around) = rustix::fs::stat(if parent == "" { ".".as_ref() } else { parent })
        {
            self.owner = (around.st_uid, around.st_gid);
            let own = rustix::fs::fstat(&self.directory);
            if own.is_ok_and(|own| self.is_to_give_away(&own)) {
                self.give_away(&self.directory);
            }
        }
        share_as_repository(&self.path, &self.directory)?;
        let directory = self.directory.try_clone();
        let directory = directory.map_err(|error| StoreError::io("open", &self.path, error))?;
        *self = Self::of(&self.path, directory, self.is_new)?;
        // Where this cannot be written nothing is lost, or the next step says why.
        if let Ok(readme) = self.create_file("README") {
            let _ = rustix::io::write(&readme, README.as_bytes());
        }
        Ok(())
    }

    /// Refuses a directory of somebody else's: one that has something in it, and is none of ours.
    ///
    /// Others may be furnishing it just now. They write their README first, so that whoever sees more
    /// than that finds it whole afterwards.
    fn refuse_foreign(&self) -> Result<(), StoreError> {
        if self.is_new {
            return Ok(());
        }
        let foreign = self.foreign_entry()?;
        let readme = fs::read(self.join("README")).unwrap_or_default();
        let title = README.lines().next().unwrap_or_default();
        let found = match foreign {
            _ if readme.starts_with(title.as_bytes()) => return Ok(()),
            None if readme.is_empty() => return Ok(()),
            None => "README".into(),
            Some(name) => name,
        };
        Err(StoreError::Foreign {
            path: self.path.clone(),
            found,
        })
    }

    /// Returns an entry that leasehold does not make.
    fn foreign_entry(&self) -> Result<Option<String>, StoreError> {
        let fail = |errno: Errno| StoreError::io("list", &self.path, errno);
        for entry in rustix::fs::Dir::read_from(&self.directory).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let name = entry.file_name().to_string_lossy();
            if !OURS.contains(&&*name) {
                return Ok(Some(name.into_owned()));
            }
        }
        Ok(None)
    }

    fn of(path: &Path, directory: OwnedFd, is_new: bool) -> Result<Self, StoreError> {
        let stat = rustix::fs::fstat(&directory).map_err(|e| StoreError::io("look at", path, e))?;
        let mode = Mode::from_raw_mode(stat.st_mode);
        let own = Mode::RUSR | Mode::WUSR;
        Ok(Self {
            path: path.into(),
            directory,
            file_mode: (mode & Mode::from_raw_mode(0o666)) | own,
            directory_mode: (mode & Mode::from_raw_mode(0o2777)) | own | Mode::XUSR,
            owner: (stat.st_uid, stat.st_gid),
            inode: stat.st_ino,
            is_new,
            name_bytes_max: OnceLock::new(),
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn is_new(&self) -> bool {
        self.is_new
    }

    /// Returns the number of the directory. (Not that of its device, which is another one after a boot
    /// or in a container.)
    pub(crate) const fn inode(&self) -> u64 {
        self.inode
    }

    /// Returns the whole path of a file in it, for messages.
    pub(crate) fn join(&self, path: &str) -> PathBuf {
        self.path.join(path)
    }

    pub(crate) fn directory(&self) -> &OwnedFd {
        &self.directory
    }

    /// Opens a file; never creates it, never is inherited.
    pub(crate) fn open_file(&self, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
        rustix::fs::openat(
            &self.directory,
            path,
            flags | OFlags::CLOEXEC,
            Mode::empty(),
        )
    }

    /// Creates a file that must not be there yet, with the directories above it.
    pub(crate) fn create_file(&self, path: &str) -> Result<OwnedFd, Errno> {
        self.create_with(path, OFlags::EXCL)
    }

    /// Opens a file to write it, and creates it where there is none.
    pub(crate) fn open_or_create(&self, path: &str) -> Result<OwnedFd, Errno> {
        match self.open_file(path, OFlags::RDWR) {
            Err(Errno::NOENT) => self.create_with(path, OFlags::empty()),
            opened => opened,
        }
    }

    fn create_with(&self, path: &str, exclusive: OFlags) -> Result<OwnedFd, Errno> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | exclusive;
        let create = || rustix::fs::openat(&self.directory, path, flags, self.file_mode);
        let file = match create() {
            Err(Errno::NOENT) => {
                self.create_parents(path)?;
                create()?
            }
            created => created?,
        };
        self.settle(&file, self.file_mode);
        Ok(file)
    }

    /// Gives something new the rights that all here has: the umask took away what others need to see
    /// whether we live. Where a file system knows no modes, or the file is another user's, nothing has
    /// to be done.
    fn settle(&self, file: &OwnedFd, mode: Mode) {
        let Ok(stat) = rustix::fs::fstat(file) else {
            return;
        };
        if self.is_to_give_away(&stat) {
            self.give_away(file);
        }
        if Mode::from_raw_mode(stat.st_mode) != mode {
            let _ = rustix::fs::fchmod(file, mode);
        }
    }

    /// As [`Root::settle`], by the path.
    fn settle_at(&self, path: &str, mode: Mode) {
        let Ok(stat) = rustix::fs::statat(&self.directory, path, AtFlags::SYMLINK_NOFOLLOW) else {
            return;
        };
        if self.is_to_give_away(&stat) {
            // Not by the path: what stands there now may be a link to something else.
            let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW;
            if let Ok(file) = self.open_file(path, flags) {
                self.settle(&file, mode);
            }
        } else if Mode::from_raw_mode(stat.st_mode) != mode {
            let _ = rustix::fs::chmodat(&self.directory, path, mode, AtFlags::empty());
        }
    }

    /// Returns whether something we made is the superuser's in somebody else's root, which that user
    /// could not use.
    fn is_to_give_away(&self, stat: &Stat) -> bool {
        stat.st_uid == 0 && (stat.st_uid, stat.st_gid) != self.owner
    }

    fn give_away(&self, file: &OwnedFd) {
        let (user, group) = (Uid::from_raw(self.owner.0), Gid::from_raw(self.owner.1));
        // Where it cannot be, whoever comes says what it is that may not be used.
        let _ = rustix::fs::fchown(file, Some(user), Some(group));
    }

    /// Creates the directories above a path, from the lowest that is there on.
    fn create_parents(&self, path: &str) -> Result<(), Errno> {
        let Some((parent, _)) = path.rsplit_once('/') else {
            return Ok(());
        };
        let make = || rustix::fs::mkdirat(&self.directory, parent, self.directory_mode);
        let made = match make() {
            Err(Errno::NOENT) => {
                self.create_parents(parent)?;
                make()
            }
            made => made,
        };
        match made {
            Ok(()) => {
                self.settle_at(parent, self.directory_mode);
                Ok(())
            }
            Err(Errno::EXIST) => Ok(()),
            Err(errno) => Err(errno),
        }
    }

    /// Makes a FIFO.
    pub(crate) fn create_fifo(&self, path: &str) -> Result<(), Errno> {
        make_fifo(&self.directory, path, self.file_mode)?;
        self.settle_at(path, self.file_mode);
        Ok(())
    }

    /// Removes a file; one that is not there is removed already.
    pub(crate) fn unlink(&self, path: &str) -> Result<(), Errno> {
        match rustix::fs::unlinkat(&self.directory, path, AtFlags::empty()) {
            Err(Errno::NOENT) | Ok(()) => Ok(()),
            failed => failed,
        }
    }

    /// Removes the directories that the long name of a file was split into, as far as they are empty.
    pub(crate) fn remove_empty_pieces(&self, path: &str) {
        let mut path = path;
        while let Some((parent, _)) = path
            .rsplit_once('/')
            .filter(|(parent, _)| parent.ends_with('~'))
        {
            // One that is not empty stops it.
            if rustix::fs::unlinkat(&self.directory, parent, AtFlags::REMOVEDIR).is_err() {
                return;
            }
            path = parent;
        }
    }

    /// Calls `each` with the path of every file below a directory that is not a directory itself.
    pub(crate) fn walk(
        &self,
        directory: &str,
        each: &mut dyn FnMut(&str) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let fail = |errno: Errno| StoreError::io("list", self.join(directory), errno);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let opened = match self.open_file(directory, flags) {
            Err(Errno::NOENT) => return Ok(()),
            opened => opened.map_err(fail)?,
        };
        let mut below = Vec::new();
        for entry in rustix::fs::Dir::new(opened).map_err(fail)? {
            let entry = match entry {
                // Removed while we look: it has become empty.
                Err(Errno::NOENT) => break,
                entry => entry.map_err(fail)?,
            };
            let Ok(name) = entry.file_name().to_str() else {
                let detail = "a file name that leasehold does not write".into();
                return Err(StoreError::Damaged {
                    path: self.join(directory),
                    detail,
                });
            };
            if name == "." || name == ".." {
                continue;
            }
            let path = format!("{directory}/{name}");
            match self.file_type(&path, entry.file_type()) {
                FileType::Directory => below.push(path),
                _ => each(&path)?,
            }
        }
        below.iter().try_for_each(|path| self.walk(path, each))
    }

    /// Some file systems do not say in the directory what an entry is.
    fn file_type(&self, path: &str, listed: FileType) -> FileType {
        if listed != FileType::Unknown {
            return listed;
        }
        let stat = rustix::fs::statat(&self.directory, path, AtFlags::SYMLINK_NOFOLLOW);
        stat.map_or(FileType::Unknown, |stat| {
            FileType::from_raw_mode(stat.st_mode)
        })
    }
}

impl Room for Root {
    fn name_bytes_max(&self) -> usize {
        *self.name_bytes_max.get_or_init(|| {
            let told = rustix::fs::fstatvfs(&self.directory).map_or(0, |stat| stat.f_namemax);
            // Some say nothing. There, as everywhere, a name that is too long is refused when it is used.
            let told = usize::try_from(told).ok().filter(|bytes| *bytes > 0);
            told.unwrap_or(usize::MAX).min(NAME_BYTES_USUAL)
        })
    }
}

#[cfg(not(target_vendor = "apple"))]
fn make_fifo(directory: &OwnedFd, path: &str, mode: Mode) -> Result<(), Errno> {
    rustix::fs::mkfifoat(directory, path, mode)
}

/// There is no `mkfifoat` there that rustix knows.
#[cfg(target_vendor = "apple")]
fn make_fifo(_: &OwnedFd, _: &str, _: Mode) -> Result<(), Errno> {
    Err(Errno::NOTSUP)
}

/// Gives a new root in a git directory the rights that the repository is shared with
/// (`core.sharedRepository`), as `git init` gives them to `objects`.
fn share_as_repository(path: &Path, directory: &OwnedFd) -> Result<(), StoreError> {
    let Some(git) = path.parent().filter(|parent| parent.join("HEAD").exists()) else {
        return Ok(());
    };
    let config = match fs::read_to_string(git.join("config")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        read => read.map_err(|error| StoreError::io("read", git.join("config"), error))?,
    };
    let stat = rustix::fs::fstat(directory).map_err(|e| StoreError::io("look at", path, e))?;
    let Some(mode) = shared_mode(&config, stat.st_mode & 0o7777) else {
        return Ok(());
    };
    match rustix::fs::fchmod(directory, Mode::from_raw_mode(mode)) {
        // It is another user's, who does this too.
        Ok(()) | Err(Errno::PERM) => Ok(()),
        Err(errno) => Err(StoreError::io("share", path, errno)),
    }
}

/// Returns the mode of a directory under `core.sharedRepository`, or nothing where it is left to the
/// umask. git's `all` lets others read and not write, and so do we: who cannot change a repository has
/// no business in holding up those who can.
fn shared_mode(config: &str, umask_mode: u32) -> Option<u32> {
    let value = shared_repository(config)?;
    match value.to_ascii_lowercase().as_str() {
        "" | "group" | "true" | "yes" | "on" | "1" => Some(umask_mode | 0o2070),
        "all" | "world" | "everybody" | "2" => Some(umask_mode | 0o2075),
        octal if octal.starts_with('0') && octal.len() > 1 => {
            let files = u32::from_str_radix(octal, 8)
                .ok()
                .filter(|mode| mode & 0o600 == 0o600)?;
            // Whoever may read a directory may enter it.
            Some((files & 0o666) | ((files & 0o444) >> 2) | 0o2000)
        }
        _ => None,
    }
}

/// Finds the last `sharedRepository` in a `[core]` section. (Files that the config includes are not
/// looked at.)
fn shared_repository(config: &str) -> Option<String> {
    let (mut in_core, mut found) = (false, None);
    for line in config.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[') {
            in_core = section
                .split(']')
                .next()
                .is_some_and(|s| s.trim().eq_ignore_ascii_case("core"));
            continue;
        }
        let line = line.split(['#', ';']).next().unwrap_or_default();
        let (name, value) = line.split_once('=').unwrap_or((line, ""));
        if in_core && name.trim().eq_ignore_ascii_case("sharedrepository") {
            found = Some(value.trim().trim_matches('"').into());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_follow_the_repository() {
        #[track_caller]
        fn check(value: &str, mode: Option<u32>) {
            let config =
                format!("[user]\n\tsharedRepository = 0\n[Core]\n\tSharedRepository{value}\n");
            assert_eq!(shared_mode(&config, 0o755), mode, "{value}");
        }
        check(" = group ; all", Some(0o2775));
        check("", Some(0o2775));
        check(" = 1", Some(0o2775));
        check(" = all", Some(0o2775));
        check(" = 0660", Some(0o2770));
        check(" = 0664", Some(0o2775));
        check(" = 0640", Some(0o2750));
        check(" = umask", None);
        check(" = false", None);
        check(" = 0", None);
        assert_eq!(shared_mode("[user]\nsharedRepository = all\n", 0o755), None);
        assert_eq!(
            shared_mode("[core]\nsharedRepository = all\n", 0o700),
            Some(0o2775)
        );
    }
}
