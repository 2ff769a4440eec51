//! Damage of many bytes at once, as disks and copies leave it.

use super::world::World;
use crate::Random;
use std::fmt;

/// What disks write at once, and halves of it; a record takes one of them.
const BLOCKS: [usize; 4] = [64, 256, 512, 4096];

/// What is done to the bytes of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Patch {
    /// A block was not written: what reads as zeros instead.
    Zeros { at: usize, len: usize },
    /// A block has something else.
    Garbage { at: usize, len: usize, seed: u64 },
    /// A block is as it was at an earlier moment; zeros where there was none.
    Torn {
        at: usize,
        len: usize,
        moment: usize,
    },
    /// A block is missing, and what follows has moved up.
    Lost { at: usize, len: usize },
    /// Two blocks have changed places.
    Swapped {
        one: usize,
        other: usize,
        len: usize,
    },
    /// The end is there twice.
    RepeatedTail { len: usize },
    /// All of it is as it was at an earlier moment.
    Older { moment: usize },
}

impl fmt::Display for Patch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zeros { at, len } => write!(f, "zeros in {len} bytes from {at}"),
            Self::Garbage { at, len, seed } => write!(f, "garbage {seed} in {len} bytes from {at}"),
            Self::Torn { at, len, moment } => write!(f, "{len} bytes from {at} of moment {moment}"),
            Self::Lost { at, len } => write!(f, "{len} bytes from {at} lost"),
            Self::Swapped { one, other, len } => {
                write!(f, "{len} bytes from {one} and from {other} swapped")
            }
            Self::RepeatedTail { len } => write!(f, "the last {len} bytes repeated"),
            Self::Older { moment } => write!(f, "as at moment {moment}"),
        }
    }
}

/// Draws a file and what is done to it. Nothing where it would be as it should be, or where one is drawn
/// that nobody could notice.
pub(super) fn draw(world: &World, random: &mut Random) -> Option<(String, Patch)> {
    let files: Vec<&String> = world
        .files
        .keys()
        .filter(|file| *file != "README")
        .collect();
    let file = *random.pick(&files);
    let now = &world.files[file];
    let block = *random.pick(&BLOCKS);
    let place = |random: &mut Random| below(random, now.len().div_ceil(block)) * block;
    let (at, len) = (place(random), block);
    let moment = below(random, world.older.len());
    let patch = match random.below(7) {
        0 => Patch::Zeros { at, len },
        1 => Patch::Garbage {
            at,
            len,
            seed: random.number(),
        },
        2 => Patch::Torn { at, len, moment },
        3 => Patch::Lost { at, len },
        4 => Patch::Swapped {
            one: at,
            other: place(random),
            len,
        },
        5 => Patch::RepeatedTail {
            len: tail(now, random),
        },
        _ => Patch::Older { moment },
    };
    let then = patch.bytes(world, file);
    // A whole older record cannot be told from the right one, and the documentation of the store says so.
    let is_record = file.contains('/') && file != super::world::LOG;
    let mut older = world.older.iter().filter_map(|files| files.get(file));
    let is_older = is_record && older.any(|older| line(older) == line(&then));
    (then != *now && !is_older).then(|| (file.clone(), patch))
}

/// The line of a record; what stands behind it says nothing.
fn line(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|byte| *byte == b'\n');
    &bytes[..end.unwrap_or(bytes.len())]
}

/// How long a tail is: half of the time some whole lines, which no checksum tells from good ones.
fn tail(bytes: &[u8], random: &mut Random) -> usize {
    let begins = bytes.iter().zip(1..).filter(|(byte, _)| **byte == b'\n');
    let begins: Vec<usize> = begins
        .map(|(_, next)| next)
        .filter(|next| *next < bytes.len())
        .collect();
    if begins.is_empty() || random.one_in(2) {
        1 + below(random, bytes.len())
    } else {
        bytes.len() - *random.pick(&begins)
    }
}

fn below(random: &mut Random, bound: usize) -> usize {
    usize::try_from(random.below(bound.max(1) as u64)).unwrap_or(0)
}

impl Patch {
    /// Returns what the file holds then.
    pub(super) fn bytes(&self, world: &World, file: &str) -> Vec<u8> {
        let mut bytes = world.files[file].clone();
        let len = bytes.len();
        let older = |moment: usize| world.older[moment].get(file).cloned().unwrap_or_default();
        let range = |at: usize, wide: usize| at.min(len)..(at + wide).min(len);
        match *self {
            Self::Zeros { at, len } => bytes[range(at, len)].fill(0),
            Self::Garbage { at, len, seed } => {
                let mut random = Random::new(seed);
                let garbage = |byte: &mut u8| *byte = random.number().to_le_bytes()[0];
                bytes[range(at, len)].iter_mut().for_each(garbage);
            }
            Self::Torn { at, len, moment } => {
                let older = older(moment);
                for index in range(at, len) {
                    bytes[index] = older.get(index).copied().unwrap_or(0);
                }
            }
            Self::Lost { at, len } => drop(bytes.drain(range(at, len))),
            Self::Swapped { one, other, len } => {
                let (one, other) = (range(one, len), range(other, len));
                // The last block may be shorter.
                for (one, other) in one.zip(other) {
                    bytes.swap(one, other);
                }
            }
            Self::RepeatedTail { len: tail } => bytes.extend_from_within(len - tail.min(len)..),
            Self::Older { moment } => bytes = older(moment),
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::damage::world::Time;

    #[test]
    fn each_kind_changes_what_it_says() {
        let mut world = World::new(Time::SameBoot).unwrap();
        world.files = [("mutex".into(), b"abcdefgh".to_vec())].into();
        world.older = vec![[("mutex".into(), b"ABC".to_vec())].into()];
        let check = |patch: Patch, expected: &[u8]| {
            assert_eq!(patch.bytes(&world, "mutex"), expected, "{patch}");
        };
        check(Patch::Zeros { at: 6, len: 4 }, b"abcdef\0\0");
        check(Patch::Lost { at: 2, len: 3 }, b"abfgh");
        check(Patch::RepeatedTail { len: 2 }, b"abcdefghgh");
        check(Patch::Older { moment: 0 }, b"ABC");
        let torn = Patch::Torn {
            at: 2,
            len: 2,
            moment: 0,
        };
        check(torn, b"abC\0efgh");
        let swapped = Patch::Swapped {
            one: 0,
            other: 6,
            len: 3,
        };
        check(swapped, b"ghcdefab");
    }

    #[test]
    fn a_whole_older_record_is_not_drawn() {
        let world = World::new(Time::SameBoot).unwrap();
        let mut random = Random::new(1);
        let drawn: Vec<_> = (0..2_000)
            .filter_map(|_| draw(&world, &mut random))
            .collect();
        assert!(drawn.len() > 500);
        for (file, patch) in drawn
            .iter()
            .filter(|(file, _)| file.starts_with("records/"))
        {
            let bytes = patch.bytes(&world, file);
            let mut older = world.older.iter().filter_map(|files| files.get(file));
            assert!(
                !older.any(|older| line(older) == line(&bytes)),
                "{file}: {patch}"
            );
        }
    }
}
