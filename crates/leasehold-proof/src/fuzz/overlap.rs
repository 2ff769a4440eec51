//! Two patterns: what they share, against the definition.

use super::corpus::Corpus;
use super::naive::Pattern;
use super::{ensure, mutate, two};
use crate::Random;
use leasehold_core::Resource;

const NAMES: [&str; 24] = [
    "a", "b", "ab", "ba", "aab", "*", "**", "?", "??", "a*", "*a", "*b", "a*b", "?a", "a?", "*ab*",
    "a*a", "?*", "*?", "\\*", "\\**", "[a]", "é", "*?*b",
];

/// How many paths of one pattern are looked for in the other.
const EXAMPLES: u64 = 4;

pub(super) fn generate(random: &mut Random, corpus: &Corpus) -> Vec<u8> {
    if random.one_in(4) && !corpus.inputs.is_empty() {
        let mut input = random.pick(&corpus.inputs).clone();
        mutate::few(random, &mut input);
        return input;
    }
    let first = pattern(random);
    // Like ones tell more: two drawn apart mostly differ in their first names.
    let mut second = if random.one_in(2) {
        pattern(random)
    } else {
        first.clone()
    };
    if random.one_in(2) {
        let mut bytes = second.into_bytes();
        mutate::once(random, &mut bytes);
        second = String::from_utf8_lossy(&bytes).into_owned();
    }
    format!("{first}\n{second}").into_bytes()
}

fn pattern(random: &mut Random) -> String {
    let count = random.below(5);
    let names: Vec<&str> = (0..count).map(|_| *random.pick(&NAMES)).collect();
    let start = if random.one_in(8) { "/" } else { "" };
    format!("{start}{}", names.join("/"))
}

pub(super) fn check(input: &[u8]) -> Result<(), String> {
    let Some((first, second)) = two(input) else {
        return Ok(());
    };
    let parse = |text: &str| Resource::parse(&format!("path:{text}"));
    let (Ok(a), Ok(b)) = (parse(first), parse(second)) else {
        return Ok(());
    };
    let (in_a, in_b) = (Pattern::read(first), Pattern::read(second));
    if in_a.is_long() || in_b.is_long() {
        return Ok(());
    }
    let meets = in_a.meets(&in_b);
    for (one, other) in [(&a, &b), (&b, &a)] {
        ensure(one.overlaps(other) == meets, || {
            format!(
                "{one} overlaps {other}: {}, and it should be {meets}",
                one.overlaps(other)
            )
        })?;
        ensure(!one.contains(other) || meets, || {
            format!("{one} contains {other} and does not overlap it")
        })?;
    }
    let bytes = first.bytes().chain(second.bytes());
    let seed = bytes.fold(0_u64, |seed, byte| {
        seed.wrapping_mul(31).wrapping_add(byte.into())
    });
    let mut random = Random::new(seed);
    examples(&mut random, (&a, &in_a), (&b, &in_b))?;
    examples(&mut random, (&b, &in_b), (&a, &in_a))
}

type Read<'a> = (&'a Resource, &'a Pattern);

/// Paths of the inner pattern, in both.
fn examples(random: &mut Random, inner: Read<'_>, outer: Read<'_>) -> Result<(), String> {
    for _ in 0..EXAMPLES {
        let names = inner.1.example(|bound| random.below(bound));
        // These are no names.
        if names.iter().any(|name| name == "." || name == "..") {
            continue;
        }
        let start = if inner.1.is_absolute() { "/" } else { "./" };
        let path = format!("{start}{}", names.join("/"));
        // Too long.
        let Ok(literal) = Resource::literal_path(&path) else {
            continue;
        };
        ensure(
            inner.0.contains(&literal) && inner.0.overlaps(&literal),
            || format!("{path} is not in {}", inner.0),
        )?;
        let is_in = outer.1.has(inner.1.is_absolute(), &names);
        ensure(outer.0.contains(&literal) == is_in, || {
            format!("{} contains {path}: it should be {is_in}", outer.0)
        })?;
        ensure(!outer.0.contains(inner.0) || is_in, || {
            format!("{} contains {}, and not {path} in it", outer.0, inner.0)
        })?;
    }
    Ok(())
}
