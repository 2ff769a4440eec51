//! Rows 8 and 9: one lease taken and given back in the memory store, in this process.
//!
//! A pair is [`Leasing::acquire`] and `Held::release` on a `Coordinator`: what a server does for a
//! request, and what a program that embeds leasehold does. The requests are made beforehand.

use super::Row;
use crate::Fallible;
use crate::leases::{self, Wanted};
use crate::report::{Section, Unit};
use crate::sample::Sample;
use leasehold_core::claim::Claim;
use leasehold_core::command::Ask;
use leasehold_core::intent::Intent;
use leasehold_core::lease::Kind;
use leasehold_core::limits::Policy;
use leasehold_service::{Coordinator, Leasing};
use leasehold_store::conformance::sample::Draw;
use leasehold_store::memory::MemoryStore;
use rustix::time::{ClockId, Timespec, clock_gettime};
use std::time::Instant;

const FLAT_TITLE: &str = "8. Acquire and release in the memory store, one flat resource";
const PATHS_TITLE: &str =
    "9. The same for a path of depth 6 among 100 000 path leases and 100 globs";
const HELD: usize = 100_000;
const GLOBS: usize = 100;
/// With none held, flat.
const EMPTY_MAX_NS: f64 = 2_000.0;
/// With `HELD` held, flat.
const FULL_MAX_NS: f64 = 4_000.0;
/// With `HELD` paths and `GLOBS` globs held.
const PATHS_MAX_NS: f64 = 10_000.0;
/// Pairs in a batch: short enough that most batches are not interrupted even on a busy machine, and long
/// enough that reading two clocks before and after is lost in it.
const PAIRS: usize = 25;
/// Batches per round of each kind.
const BATCHES: usize = 1_000;
/// Resources asked for in turns, so that not one of them stays in the processor's cache.
const ASKED: usize = 1_000;

/// One workspace, and how its pairs come out.
struct Case {
    what: &'static str,
    kind: Kind,
    limit_ns: f64,
    coordinator: Coordinator<MemoryStore>,
    asked: Vec<Claim>,
    ids: Draw,
    wall: Sample,
    cpu: Sample,
}

impl Case {
    fn new(
        (what, kind, limit_ns): (&'static str, Kind, f64),
        held: impl Iterator<Item = Wanted>,
        asked: impl Iterator<Item = Wanted>,
    ) -> Fallible<Self> {
        let coordinator = Coordinator::new(MemoryStore::new(), Policy::default());
        leases::hold(&coordinator, held)?;
        let asked = asked.collect::<Result<Vec<Claim>, String>>()?;
        let (wall, cpu) = (Sample::default(), Sample::default());
        Ok(Self {
            what,
            kind,
            limit_ns,
            coordinator,
            asked,
            ids: Draw::new(2),
            wall,
            cpu,
        })
    }

    /// Runs one batch and returns wall and CPU time of a pair, in nanoseconds.
    fn batch(&mut self) -> Fallible<(f64, f64)> {
        let who = leases::agent("asker");
        let asks: Vec<Ask> = (0..PAIRS)
            .map(|_| {
                let id = self.ids.id();
                let claim = self.asked[usize::try_from(id.bits() % 1_000).unwrap_or(0)].clone();
                Ask {
                    kind: self.kind,
                    ..Ask::new(id, who.clone(), vec![claim])
                }
            })
            .collect();
        let leasing: &dyn Leasing = &self.coordinator;
        let (begin, cpu) = (Instant::now(), thread_cpu_ns());
        for ask in asks {
            let _released = leases::granted(leasing, ask)?.release(leasing)?;
        }
        let (wall, cpu) = (begin.elapsed().as_secs_f64() * 1e9, thread_cpu_ns() - cpu);
        let pairs = f64::from(u32::try_from(PAIRS)?);
        Ok((wall / pairs, cpu / pairs))
    }
}

/// A row of such cases.
pub(super) struct Memory {
    title: &'static str,
    cases: Vec<Case>,
}

impl Memory {
    /// Row 8.
    pub(super) fn flat() -> Fallible<Self> {
        let held = |count: usize| (0..count).map(|n| leases::flat(&format!("held-{n}")));
        let asked = || (0..ASKED).map(|n| leases::flat(&format!("asked-{n}")));
        let cases = vec![
            Case::new(
                ("none held, standing", Kind::Standing, EMPTY_MAX_NS),
                held(0),
                asked(),
            )?,
            Case::new(
                ("none held, scoped", Kind::Scoped, EMPTY_MAX_NS),
                held(0),
                asked(),
            )?,
            Case::new(
                ("100 000 held, standing", Kind::Standing, FULL_MAX_NS),
                held(HELD),
                asked(),
            )?,
            Case::new(
                ("100 000 held, scoped", Kind::Scoped, FULL_MAX_NS),
                held(HELD),
                asked(),
            )?,
        ];
        Ok(Self {
            title: FLAT_TITLE,
            cases,
        })
    }

    /// Row 9.
    pub(super) fn paths() -> Fallible<Self> {
        let among = |kind, what| {
            Case::new(
                (what, kind, PATHS_MAX_NS),
                globs().chain(paths()),
                asked_paths(),
            )
        };
        let cases = vec![
            Case::new(
                ("none held, standing", Kind::Standing, PATHS_MAX_NS),
                globs().take(0),
                asked_paths(),
            )?,
            among(Kind::Standing, "100 000 and 100 held, standing")?,
            among(Kind::Scoped, "100 000 and 100 held, scoped")?,
        ];
        Ok(Self {
            title: PATHS_TITLE,
            cases,
        })
    }
}

/// A tree of depth 6, ten names in each directory.
fn paths() -> impl Iterator<Item = Wanted> {
    (0..HELD).map(|n| leases::flat(&format!("path:{}/main.rs", directory(n))))
}

/// Files beside them.
fn asked_paths() -> impl Iterator<Item = Wanted> {
    (0..ASKED).map(|n| leases::flat(&format!("path:{}/lib.rs", directory(n * (HELD / ASKED)))))
}

/// Readers' patterns that come close to everything and hit nothing that is asked for: a third of them
/// differs in the last name only, a third in a directory, a third begins with a wildcard.
fn globs() -> impl Iterator<Item = Wanted> {
    (0..GLOBS).map(|n| {
        let text = match n % 3 {
            0 => format!("path:{}/*.gen{n}", directory(n * (HELD / GLOBS))),
            1 => format!("path:a{}/b*/c*/d*/gen{n}/**", n % 10),
            _ => format!("path:a*/*/*/*/*/*.gen{n}"),
        };
        leases::claim(&text, Intent::Consumes)
    })
}

fn directory(n: usize) -> String {
    let digit = |place: usize| n / 10_usize.pow(u32::try_from(place).unwrap_or(0)) % 10;
    format!(
        "a{}/b{}/c{}/d{}/e{}",
        digit(4),
        digit(3),
        digit(2),
        digit(1),
        digit(0)
    )
}

impl Row for Memory {
    fn round(&mut self) -> Fallible<()> {
        for case in &mut self.cases {
            case.wall.begin_round();
            case.cpu.begin_round();
            // Not counted.
            case.batch()?;
        }
        for _ in 0..BATCHES {
            for case in &mut self.cases {
                let (wall, cpu) = case.batch()?;
                case.wall.add(wall);
                case.cpu.add(cpu);
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Fallible<Section> {
        let mut section = Section::new(self.title);
        for Case {
            what,
            limit_ns,
            wall,
            cpu,
            ..
        } in &self.cases
        {
            section.bound(
                &format!("{what}: wall"),
                wall,
                Unit::Nanoseconds,
                Some(*limit_ns),
            );
            section.bound(
                &format!("{what}: CPU"),
                cpu,
                Unit::Nanoseconds,
                Some(*limit_ns),
            );
        }
        section.notes.push(format!(
            "A figure is a batch of {PAIRS} pairs, divided. A pair is `acquire` and `release` on a \
             `Coordinator` (load, decide and commit, twice), over {ASKED} resources in turns; the \
             requests are made beforehand. A scoped lease has a presence, a standing one has none."
        ));
        Ok(section)
    }
}

fn thread_cpu_ns() -> f64 {
    let Timespec { tv_sec, tv_nsec } = clock_gettime(ClockId::ThreadCPUTime);
    let second = std::time::Duration::from_secs(u64::try_from(tv_sec).unwrap_or(0)).as_secs_f64();
    second * 1e9 + f64::from(u32::try_from(tv_nsec).unwrap_or(0))
}
