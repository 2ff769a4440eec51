//! The file store: the leases of a workspace in a directory of plain text files.
//!
//! # Layout
//!
//! * [`FileStore`] (`store`) is the [`Store`](leasehold_store::Store); `session` is its stay inside the
//!   `mutex`, `shared` what it has in common with its presences.
//! * `log` is the truth: a commit is one appended `line`. `state` folds it, `list` folds it for those who
//!   look at all of it, `recover` begins a boot and makes records from it.
//! * `record`, `records`: what holds now, a cache of the log; long queues in stretches. `homes` says which entity stands in which
//!   record, `names` how names become file names, `header` how far the records have been brought.
//! * `presence`, `life`, `watch`, `wake`: proof of life by kernel locks, and sleeping.
//! * `root`, `clock`: the directory and its modes, the time line. [`discover`] finds the directory.
//!
//! # Guarantees
//!
//! * A commit is one append under one kernel lock. A kill at any instruction leaves the old state or
//!   the new one: whoever locks next replays what the records lack, and cuts a line that was torn.
//! * Every line and record has a checksum. A record that is not whole is made again from the log, one
//!   that cannot be used at all is done without; anything else that cannot be understood is an error,
//!   never an empty record.
//! * A token is never given out twice, also across power loss: its epoch is on disk for good before the
//!   first grant of a boot.
//! * Dead is only whose lock could be taken.
//!
//! # Limitations
//!
//! * Power loss may take the last commits; it cannot mix them up.
//! * The newest segment of the log is read once after a boot, and by
//!   [`Key::All`](leasehold_core::view::Key::All).
//! * Linux. Elsewhere opening a store says that the boot cannot be told.
//! * On a network file system the locks may not reach other machines.
//!
//! # Where it differs from the design page, and why
//!
//! * A path is one file in the directory of its first segment, not a tree of directories: making and
//!   removing those took 6 to 16 ms for a path of depth 6 on a busy ext4, under the mutex, and takes
//!   0.3 ms now. What is below a path is told by the names in one directory; only that is read.
//! * Parked places stand with their request, chain and agents too, as the keys promise; `homes` says
//!   how that converges.
//! * Whether the file of an id goes is decided by whoever empties it: its owner at its end, or anybody
//!   else inside the mutex who sees its owner dead. (A standing lease outlives its owner's end.)
//! * Patterns lie in `records/path/glob`, because `glob` may be a flat kind.
//! * Long names are split into directories and never hashed, so no two can meet.
//! * `core.sharedRepository = all` lets others read and not write, as git does.
//! * The header has 320 bytes: within one sector, which is what counts.
//!
//! ```no_run
//! use leasehold_store::{Access, Loaded, Store};
//! use leasehold_store_file::{FileStore, Options};
//!
//! let store = FileStore::open(".git/leasehold".as_ref(), Options::default()).unwrap();
//! let loaded = store.load(&[], Access::Decide).unwrap();
//! assert_eq!(loaded.view().leases().count(), 0);
//! ```

mod audit;
mod clock;
pub mod discover;
mod gc;
mod header;
mod homes;
pub mod inspect;
mod joined;
mod leftovers;
mod life;
mod line;
mod list;
mod log;
mod mutex;
mod names;
mod presence;
mod record;
mod records;
mod recover;
mod repair;
mod root;
mod rotate;
mod session;
mod shared;
mod state;
mod store;
mod verify;
mod wake;
mod watch;

pub use clock::{Clock, MachineClock};
pub use repair::Repaired;
pub use store::{FileLoaded, FileStore, Options};
