//! The parser of resources: what it accepts, it writes back as it read it.

use super::corpus::Corpus;
use super::{ensure, mutate};
use crate::Random;
use leasehold_core::Resource;

const PIECES: [&str; 30] = [
    "a", "b", "Z", "0", "é", "漢", "*", "?", "**", "/", "//", "./", "../", ".", "..", "\\", "\\*",
    "\\?", "\\\\", "{", "}", ",", "{a,b}", "[", "]", ":", " ", "\u{200b}", "\u{202e}", "\n",
];
const SCHEMES: [&str; 9] = [
    "", "path:", "path:", "path:", "path:/", "name:", "issue:", "x-1:", "Path:",
];

pub(super) fn generate(random: &mut Random, corpus: &Corpus) -> Vec<u8> {
    if random.one_in(3) && !corpus.inputs.is_empty() {
        let mut input = random.pick(&corpus.inputs).clone();
        mutate::few(random, &mut input);
        return input;
    }
    let mut text = String::from(*random.pick(&SCHEMES));
    let count = if random.one_in(50) { 200 } else { 10 };
    for _ in 0..random.below(count) {
        let piece = *random.pick(&PIECES);
        // Now and then as long as the limits allow.
        let times = if random.one_in(200) {
            random.below(300)
        } else {
            1
        };
        (0..times).for_each(|_| text.push_str(piece));
    }
    text.into_bytes()
}

pub(super) fn check(input: &[u8]) -> Result<(), String> {
    let Ok(text) = std::str::from_utf8(input) else {
        return Ok(());
    };
    let literal = Resource::literal_path(text);
    let parsed = Resource::parse(text);
    if let Err(error) = &parsed {
        let told = format!("{error} {}", error.hint().unwrap_or_default());
        ensure(!told.contains(char::is_control), || {
            format!("a refusal with a control character: {told:?}")
        })?;
    }
    for resource in literal.iter().chain(&parsed) {
        check_written(resource)?;
    }
    // A path of a file system keeps its name, whatever is in it.
    if let Ok(literal) = &literal {
        let path = literal.as_path().ok_or("a literal path is no path")?;
        ensure(path.is_literal(), || {
            format!("{text:?} is taken as a pattern")
        })?;
        let names = |path: &str| -> Vec<String> {
            let names = path
                .split('/')
                .filter(|name| !name.is_empty() && *name != ".");
            names.map(String::from).collect()
        };
        ensure(names(path.literal_prefix()) == names(text), || {
            format!("{text:?} becomes {:?}", path.literal_prefix())
        })?;
    }
    Ok(())
}

/// What is written is read back as the same, and is its own only spelling.
fn check_written(resource: &Resource) -> Result<(), String> {
    let written = resource.to_string();
    let back = Resource::parse(&written);
    ensure(back.as_ref() == Ok(resource), || {
        format!("{resource:?} is written {written:?} and read back as {back:?}")
    })?;
    ensure(back.is_ok_and(|back| back.to_string() == written), || {
        format!("{written:?} is not its own spelling")
    })?;
    // The whole text too: records and lines hold it.
    let whole = format!("{}:{}", resource.kind(), resource.rest());
    let back = Resource::parse(&whole);
    ensure(back.as_ref() == Ok(resource), || {
        format!("{whole:?} is read back as {back:?}")
    })?;
    ensure(
        resource.overlaps(resource) && resource.contains(resource),
        || format!("{resource:?} does not overlap itself"),
    )
}
