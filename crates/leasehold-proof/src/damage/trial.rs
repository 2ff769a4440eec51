//! One damage, and what may follow: all comes right, or an error that names the file. Never a wrong
//! grant, never a panic, never a changed log.

use super::driver;
use super::kinds::Damage;
use super::world::{LOG, TAKEN, Time, World, show};
use leasehold_core::FencingToken;
use leasehold_core::command::Command;
use leasehold_core::verdict::Verdict;
use leasehold_core::view::Key;
use leasehold_store::{Access, Loaded as _, Store as _, StoreError};
use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Requests of a trial have ids from here on.
const NEW: u64 = 1_000;

/// What came of a trial.
#[derive(Debug, Default)]
pub(super) struct Tried {
    pub(super) operations: u64,
    /// How many of them were refused with an error.
    pub(super) errors: u64,
    pub(super) problems: Vec<String>,
}

/// Damages a world, tries everything in it, and puts it back.
pub(super) fn run(world: &World, damage: &Damage, time: Time) -> io::Result<Tried> {
    damage.apply(world)?;
    let log = fs::read(world.path(LOG)).unwrap_or_default();
    let mut trial = Trial {
        world,
        damage,
        time,
        may_lose: time != Time::SameBoot && damage.is_of(LOG),
        tried: Tried::default(),
    };
    if catch_unwind(AssertUnwindSafe(|| trial.everything())).is_err() {
        trial.problem("it panicked");
    }
    if !keeps(world, &log, &fs::read(world.path(LOG)).unwrap_or_default()) {
        trial.problem("the log was changed");
    }
    if !world.has_its_proofs() {
        trial.problem("the proof of life of a living holder was removed");
    }
    let tried = trial.tried;
    world.put_back()?;
    Ok(tried)
}

/// Whether nothing that was in the log is lost. The beginning of a line at its end may go; what is
/// cut after a new boot is kept beside it.
fn keeps(world: &World, before: &[u8], after: &[u8]) -> bool {
    if after.starts_with(before) {
        return true;
    }
    let same = before.iter().zip(after).take_while(|(a, b)| a == b).count();
    let end = before[..same]
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    let cut = &before[end..];
    let is_torn = !cut.contains(&b'\n');
    let aside = world.path(&format!("audit/000001.cut-at-{end}"));
    is_torn || fs::read(aside).is_ok_and(|kept| kept == cut)
}

/// Where two texts part.
fn difference(expected: &str, found: &str) -> String {
    let same = expected
        .bytes()
        .zip(found.bytes())
        .take_while(|(a, b)| a == b)
        .count();
    let part = |text: &str| -> String {
        let bytes = text
            .as_bytes()
            .get(same.saturating_sub(40)..)
            .unwrap_or_default();
        String::from_utf8_lossy(&bytes[..bytes.len().min(160)]).into_owned()
    };
    format!("`{}` and not `{}`", part(found), part(expected))
}

struct Trial<'a> {
    world: &'a World,
    damage: &'a Damage,
    time: Time,
    /// Whether it looks like a power loss, which may take the last commits.
    may_lose: bool,
    tried: Tried,
}

impl Trial<'_> {
    fn problem(&mut self, what: &str) {
        self.tried
            .problems
            .push(format!("{what} ({:?})", self.time));
    }

    /// Takes what came of one operation; an error must be of a kind that people can act on.
    fn take<T>(&mut self, what: &str, result: Result<T, StoreError>) -> Option<T> {
        self.tried.operations += 1;
        let error = match result {
            Ok(value) => return Some(value),
            Err(error) => error,
        };
        self.tried.errors += 1;
        let names_a_file = error
            .to_string()
            .contains(&*self.world.root().to_string_lossy());
        let is_clear = matches!(
            error,
            StoreError::Damaged { .. } | StoreError::Newer { .. } | StoreError::Io { .. }
        );
        if !is_clear || !names_a_file {
            self.problem(&format!("{what}: {error}"));
        }
        None
    }

    fn everything(&mut self) {
        // Each as a process of its own.
        self.look(Access::Read);
        for (number, name) in (NEW..).zip(TAKEN) {
            self.ask_for_what_is_taken(number, name);
        }
        self.ask_for_what_is_free();
        self.look(Access::Decide);
        self.rebuild();
    }

    fn ask_for_what_is_taken(&mut self, number: u64, name: &str) {
        let ask = Command::Ask(driver::ask(u128::from(number), "zoe", &[name]));
        let verdict = self
            .world
            .open(self.time)
            .and_then(|store| driver::run(&store, &ask));
        match self.take(name, verdict) {
            Some(Verdict::Refused(_)) | None => {}
            Some(_) if self.may_lose => {}
            Some(verdict) => self.problem(&format!("{name} is taken: {verdict:?}")),
        }
    }

    fn ask_for_what_is_free(&mut self) {
        let ask = Command::Ask(driver::standing(u128::from(NEW) + 100, "zoe", &["free"]));
        let verdict = self
            .world
            .open(self.time)
            .and_then(|store| driver::run(&store, &ask));
        let last = self.world.last_token;
        match self.take("free", verdict) {
            Some(Verdict::Granted(lease)) if self.is_later(lease.token) => {}
            None => {}
            Some(verdict) => self.problem(&format!("free, after token {last}: {verdict:?}")),
        }
    }

    /// Whether a token is above all before it; in a new boot by a new epoch, because power loss may
    /// have taken the last of them out of the log.
    fn is_later(&self, token: FencingToken) -> bool {
        let last = FencingToken::new(self.world.last_token).unwrap_or(FencingToken::MAX);
        token > last && (self.time == Time::SameBoot || token.epoch() > last.epoch())
    }

    fn look(&mut self, access: Access) {
        let store = self.world.open(self.time);
        let seen = store.and_then(|store| {
            let loaded = store.load(&[Key::All], access)?;
            Ok(show(loaded.view(), NEW))
        });
        match self.take("look", seen) {
            Some(seen) if seen != self.world.expected && !self.may_lose => {
                let difference = difference(&self.world.expected, &seen);
                self.problem(&format!("{access:?} shows {difference}"));
            }
            _ => {}
        }
    }

    /// What `doctor` does: after a rebuild the records say what the log says.
    fn rebuild(&mut self) {
        let differences = self.world.open(self.time).and_then(|store| {
            store.rebuild()?;
            let mut differences = store.verify()?;
            differences.retain(|difference| !self.damage.explains(difference));
            Ok(differences)
        });
        match self.take("rebuild", differences) {
            Some(differences) if !differences.is_empty() => {
                self.problem(&format!("after a rebuild: {}", differences.join(", ")));
            }
            _ => {}
        }
        self.look(Access::Read);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_undamaged_world_passes() {
        let world = World::new(Time::SameBoot).unwrap();
        let damage = Damage::Leftover {
            file: "junk",
            by: super::super::kinds::Instead::Nothing,
        };
        for time in [Time::SameBoot, Time::NextBoot] {
            let tried = run(&world, &damage, time).unwrap();
            assert_eq!((tried.errors, tried.problems), (0, Vec::new()));
        }
    }

    #[test]
    fn a_lost_lease_is_seen() {
        let mut world = World::new(Time::SameBoot).unwrap();
        // As if the store forgot: the world is another than the checker believes.
        world.files.retain(|path, _| !path.starts_with("records/"));
        let stale = world.files.clone();
        world.put_back().unwrap();
        world.files = stale;
        let damage = Damage::Remove {
            file: "records/name/gpu".into(),
        };
        let mut trial = Trial {
            world: &world,
            damage: &damage,
            time: Time::SameBoot,
            may_lose: false,
            tried: Tried::default(),
        };
        trial.ask_for_what_is_taken(NEW, "gpu");
        assert_eq!(trial.tried.problems.len(), 1);
    }

    #[test]
    fn a_changed_log_is_seen() {
        let world = World::new(Time::SameBoot).unwrap();
        assert!(keeps(&world, b"one\ntwo\n", b"one\ntwo\nthree\n"));
        assert!(keeps(&world, b"one\ntw", b"one\nthree\n"));
        assert!(!keeps(&world, b"one\ntwo\n", b"one\n"));
        assert!(!keeps(&world, b"one\ntwo\nthree\n", b"one\nTwo\nthree\n"));
    }
}
