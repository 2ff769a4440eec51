//! Lokt's locks and freezes as leases.
//!
//! First everything is read and judged, and nothing is changed unless all of it is clear. Then the leases
//! are taken, under the ids that the locks have, so that an import that was killed is simply run again. At
//! last Lokt's directories are moved aside, and files put in their place: a Lokt that is still around fails
//! there from then on, and locks nothing beside us. Its audit stays where it is; `lokt audit` reads it.

mod aside;
mod leases;

pub(crate) use self::aside::was_done;
use self::leases::{Taken, Taking};
use super::VERB;
use crate::answer::{self, Told};
use crate::cli::Import;
use crate::context;
use crate::error::CliError;
use crate::lokt::files::{self, Entry, Lock, Process};
use crate::lokt::{name, place};
use crate::{message, ui};
use leasehold_api::code::Code;
use leasehold_api::outcome::Outcome;
use std::path::Path;
use std::time::SystemTime;

pub(super) fn run(args: &Import) -> Result<Told, CliError> {
    let own_store;
    let store = if args.call.store.store.is_some() {
        &args.call.store
    } else {
        own_store = place::store()?;
        &own_store
    };
    // A store that is none is refused before anything else is said.
    context::find(store)?;
    let root = match &args.from {
        Some(path) => context::current_directory()?.join(path),
        None => place::root_of_lokt()?,
    };
    let _alone = aside::alone(&root)?;
    aside::begin_again(&root)?;
    let directories = aside::directories(&root)?;
    if directories.is_empty() {
        return Ok(nothing(&root).into());
    }
    let found = files::read(&root)?;
    let live = judged(&root, &found)?;
    let context = context::open_to_import(store)?;
    let taken = live.into_iter().map(|lock| Taken::of(&context, lock));
    let taken: Vec<Taken> = taken.collect::<Result<_, _>>()?;
    let mut taking = Taking::begin(&context, &taken)?;
    let moved = taking
        .take(&taken)
        .and_then(|()| aside::move_aside(&root, &directories, &found));
    match moved {
        Ok(kept) => Ok(told(&root, &kept, &taken, taking.infos()?)),
        Err(error) => {
            taking.undo()?;
            Err(error)
        }
    }
}

fn nothing(root: &Path) -> Outcome {
    let text = format!("there are no locks of Lokt in {}", root.display());
    let hint = aside::was_done(root).then(|| "they were taken over before".to_owned());
    Outcome {
        hints: hint.into_iter().collect(),
        ..answer::outcome(VERB, Code::NotFound, text)
    }
}

/// Returns the locks that are live, if everything there is clear and nobody is at work.
fn judged(root: &Path, found: &[Entry]) -> Result<Vec<Lock>, CliError> {
    let mut unclear = Vec::new();
    let (mut live, mut running) = (Vec::new(), Vec::new());
    let now = SystemTime::now();
    for entry in found {
        match &entry.lock {
            Err(wrong) => unclear.push(format!("{}: {wrong}", entry.path.display())),
            Ok(lock) if !lock.is_live(now) => {}
            Ok(lock) => match unusable(lock).or_else(|| copied(lock, &live)) {
                Some(wrong) => unclear.push(format!("{}: {wrong}", entry.path.display())),
                None if !lock.is_freeze && lock.process == Process::Alive => running.push(lock),
                None => live.push(lock.clone()),
            },
        }
    }
    if !unclear.is_empty() {
        let text = match unclear.len() {
            1 => "a file of Lokt's is not clear, so nothing was changed".to_owned(),
            number => format!("{number} files of Lokt's are not clear, so nothing was changed"),
        };
        let mut error = CliError::new(Code::Error, text);
        error.hints = message::listed(&unclear, Clone::clone);
        return Err(error.hint("remove what nobody needs any more, then import again"));
    }
    if !running.is_empty() {
        let number = running.len();
        let text = format!(
            "Lokt is at work in {}, so nothing was changed",
            root.display()
        );
        let mut error = CliError::new(Code::Held, text);
        error.hints = message::listed(&running, |lock| {
            let Lock {
                name,
                owner,
                host,
                pid,
                ..
            } = lock;
            format!("`{name}` is held by a guard of {owner}@{host} that runs still (pid {pid})")
        });
        let them = if number == 1 { "it" } else { "them" };
        return Err(error.hint(format!("wait for {them} to end, then import again")));
    }
    Ok(live)
}

/// Returns why a lock that is live cannot be made a lease.
fn unusable(lock: &Lock) -> Option<String> {
    if lock.is_freeze && lock.expires.is_none() {
        return Some("it is a freeze without an end, and a freeze has to end".into());
    }
    name::check(&lock.name).err().map(|error| error.message)
}

/// Returns of what a lock is a copy. One lease cannot be two.
fn copied(lock: &Lock, before: &[Lock]) -> Option<String> {
    let original = before.iter().find(|other| other.id == lock.id)?;
    Some(format!(
        "it has the id of `{}`, so it is a copy",
        original.name
    ))
}

fn told(root: &Path, kept: &Path, taken: &[Taken], infos: leases::Infos) -> Told {
    let freezes = taken.iter().filter(|taken| taken.lock.is_freeze).count();
    let text = format!(
        "took over {} and {} of Lokt's; its files are in {} now, its log stays in {}",
        counted(taken.len() - freezes, "lock"),
        counted(freezes, "freeze"),
        kept.display(),
        root.join(files::AUDIT).display()
    );
    let hints = taken.iter().filter(|taken| {
        let lock = &taken.lock;
        !lock.is_freeze && lock.expires.is_none() && lock.process == Process::Dead
    });
    let hints = hints.map(|taken| {
        let name = ui::quoted(&taken.lock.name);
        format!(
            "`{name}` has no TTL, and the process that locked it is gone; if a guard left it behind: \
             leasehold unlock {name} --force"
        )
    });
    let hints = hints.collect();
    let mut lines = vec![text.clone()];
    lines.extend(infos.lines);
    Told {
        outcome: Outcome {
            hints,
            leases: infos.leases,
            freezes: infos.freezes,
            ..answer::outcome(VERB, Code::Ok, text)
        },
        lines,
    }
}

fn counted(number: usize, thing: &str) -> String {
    match number {
        1 => format!("1 {thing}"),
        number => format!("{number} {thing}s"),
    }
}
