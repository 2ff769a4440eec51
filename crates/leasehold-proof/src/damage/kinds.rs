//! The ways in which a workspace is damaged.

use super::patch::Patch;
use super::world::World;
use crate::Random;
use std::fmt;
use std::fs;
use std::io;

/// What is done to a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Damage {
    /// A bit of a file is turned.
    Flip { file: String, byte: usize, bit: u8 },
    /// A file ends early.
    Cut { file: String, at: usize },
    /// Many bytes of a file are others.
    Patch { file: String, patch: Patch },
    /// A file holds something else.
    Replace { file: String, by: Instead },
    /// Two files hold what the other should.
    Swap { one: String, other: String },
    /// Two files are renamed to each other.
    Rename { one: String, other: String },
    /// A file is gone.
    Remove { file: String },
    /// There is a file that nobody asked for.
    Leftover { file: &'static str, by: Instead },
}

/// What a file holds instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Instead {
    Nothing,
    Zeros,
    Garbage,
    /// More of it than any file of ours has.
    MuchGarbage,
    Newlines,
    /// The same, of a later format.
    NewerVersion,
    /// The same, twice.
    Doubled,
    /// The same, with the beginning of a line behind it.
    TornTail,
}

const INSTEADS: [Instead; 8] = [
    Instead::Nothing,
    Instead::Zeros,
    Instead::Garbage,
    Instead::MuchGarbage,
    Instead::Newlines,
    Instead::NewerVersion,
    Instead::Doubled,
    Instead::TornTail,
];

/// At which bytes the short run cuts files other than the log.
const CUT_EVERY: usize = 5;

/// Files as editors, copies and killed processes leave them, and one that looks like a later segment.
const LEFTOVERS: [&str; 16] = [
    "epoch.new",
    "mutex.lock",
    "mutex~",
    "junk",
    "audit/000001.jsonl~",
    "audit/000001.jsonl.tmp",
    "audit/000002.jsonl",
    "audit/junk.jsonl",
    "records/name/build~",
    "records/name/.build.swp",
    "records/path/rel/src/.auth.swp",
    "records/path/rel/src/auth~",
    "leases/junk",
    "leases/0000000000000000000000000000ffff",
    "agents/junk~",
    "places/.junk",
];

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flip { file, byte, bit } => write!(f, "bit {bit} of byte {byte} of {file}"),
            Self::Cut { file, at } => write!(f, "{file} cut at {at}"),
            Self::Patch { file, patch } => write!(f, "{file}: {patch}"),
            Self::Replace { file, by } => write!(f, "{file} replaced by {by:?}"),
            Self::Swap { one, other } => write!(f, "{one} and {other} swapped"),
            Self::Rename { one, other } => write!(f, "{one} and {other} renamed"),
            Self::Remove { file } => write!(f, "{file} removed"),
            Self::Leftover { file, by } => write!(f, "{file} left over, {by:?}"),
        }
    }
}

/// Everything that is tried. `all_bits` turns each bit of each byte; else one by the seed.
pub(super) fn all(world: &World, all_bits: bool, random: &mut Random) -> Vec<Damage> {
    let mut damages = Vec::new();
    for (file, bytes) in &world.files {
        // What stands behind the line of a record, and the text for people, says nothing.
        let told = match file.as_str() {
            super::world::LOG => bytes.len(),
            "README" => 0,
            _ => bytes
                .iter()
                .position(|byte| *byte == b'\n')
                .map_or(0, |at| at + 1),
        };
        for byte in (0..told).chain((told..bytes.len()).step_by(64)) {
            let bits = if all_bits {
                0..8
            } else {
                let bit = u8::try_from(random.below(8)).unwrap_or(0);
                bit..bit + 1
            };
            let flip = |bit| Damage::Flip {
                file: file.clone(),
                byte,
                bit,
            };
            damages.extend(bits.map(flip));
            // The log is cut at every byte; of what is made again from it some places do.
            if all_bits || file == super::world::LOG || byte % CUT_EVERY == 0 {
                damages.push(Damage::Cut {
                    file: file.clone(),
                    at: byte,
                });
            }
        }
        damages.extend(INSTEADS.map(|by| Damage::Replace {
            file: file.clone(),
            by,
        }));
        // No file means that nothing is held: this store cannot tell a record that was removed from one
        // that was never there, and its documentation says so.
        if !world.is_proof(file) && !file.starts_with("records/") {
            damages.push(Damage::Remove { file: file.clone() });
        }
    }
    damages.extend(pairs(world));
    for file in LEFTOVERS {
        let insteads = [Instead::Nothing, Instead::Garbage, Instead::Zeros];
        damages.extend(insteads.map(|by| Damage::Leftover { file, by }));
    }
    damages
}

fn pairs(world: &World) -> Vec<Damage> {
    let mut damages = Vec::new();
    for one in world.files.keys() {
        for other in world.files.keys().filter(|other| *other > one) {
            let (one, other) = (one.clone(), other.clone());
            // A lock moves with its file: who renames a proof of life takes it away.
            if !world.is_proof(&one)
                && !world.is_proof(&other)
                && one != "mutex"
                && other != "mutex"
            {
                damages.push(Damage::Rename {
                    one: one.clone(),
                    other: other.clone(),
                });
            }
            damages.push(Damage::Swap { one, other });
        }
    }
    damages
}

impl Damage {
    /// Does it.
    pub(super) fn apply(&self, world: &World) -> io::Result<()> {
        match self {
            Self::Flip { file, byte, bit } => {
                let mut bytes = world.files[file].clone();
                bytes[*byte] ^= 1 << bit;
                fs::write(world.path(file), bytes)
            }
            Self::Cut { file, at } => fs::write(world.path(file), &world.files[file][..*at]),
            Self::Patch { file, patch } => fs::write(world.path(file), patch.bytes(world, file)),
            Self::Replace { file, by } => fs::write(world.path(file), by.bytes(&world.files[file])),
            Self::Swap { one, other } => {
                fs::write(world.path(one), &world.files[other])?;
                fs::write(world.path(other), &world.files[one])
            }
            Self::Rename { one, other } => {
                let aside = world.path("aside");
                fs::rename(world.path(one), &aside)?;
                fs::rename(world.path(other), world.path(one))?;
                fs::rename(aside, world.path(other))
            }
            Self::Remove { file } => fs::remove_file(world.path(file)),
            Self::Leftover { file, by } => {
                let path = world.path(file);
                if let Some(directory) = path.parent() {
                    fs::create_dir_all(directory)?;
                }
                fs::write(path, by.bytes(&[b'x'; 100]))
            }
        }
    }

    /// Whether a difference that was found is only that this file should not be there.
    pub(super) fn explains(&self, difference: &str) -> bool {
        matches!(self, Self::Leftover { file, .. } if difference.starts_with(file))
    }

    /// Whether it is of this file.
    pub(super) fn is_of(&self, name: &str) -> bool {
        match self {
            Self::Flip { file, .. }
            | Self::Cut { file, .. }
            | Self::Patch { file, .. }
            | Self::Replace { file, .. }
            | Self::Remove { file } => file == name,
            Self::Swap { one, other } | Self::Rename { one, other } => one == name || other == name,
            Self::Leftover { file, .. } => *file == name,
        }
    }
}

impl Instead {
    fn bytes(self, old: &[u8]) -> Vec<u8> {
        let garbage = |count: usize| -> Vec<u8> {
            let mut random = Random::new(count as u64);
            (0..count)
                .map(|_| random.number().to_le_bytes()[0])
                .collect()
        };
        match self {
            Self::Nothing => Vec::new(),
            Self::Zeros => vec![0; old.len()],
            Self::Garbage => garbage(old.len()),
            Self::MuchGarbage => garbage(600_000),
            Self::Newlines => vec![b'\n'; old.len()],
            Self::NewerVersion => newer(old),
            Self::Doubled => [old, old].concat(),
            Self::TornTail => [old, b"{\"v\":1,\"at\":5,\"eve"].concat(),
        }
    }
}

/// What a later version of the program may have written.
fn newer(old: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(old);
    let text = text.replacen("leasehold 1", "leasehold 2", 1);
    text.replacen("{\"v\":1", "{\"v\":2", 1).into_bytes()
}
