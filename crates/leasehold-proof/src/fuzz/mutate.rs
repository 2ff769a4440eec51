//! Changing an input here and there.

use crate::Random;

/// Bytes that mean something to one of the parsers.
const TELLING: &[u8] = b"*?/\\.{},:\"[]-0129eE+ \n\t\0\xff\x80ab";

/// Numbers at which something overflows, or just does not.
const NUMBERS: [&str; 14] = [
    "0",
    "1",
    "-1",
    "255",
    "4294967295",
    "4294967296",
    "9007199254740991",
    "9007199254740992",
    "9223372036854775807",
    "18446744073709551614",
    "18446744073709551615",
    "18446744073709551616",
    "1e400",
    "0.5",
];

/// A number below a length; 0 for nothing.
pub(super) fn place(random: &mut Random, length: usize) -> usize {
    usize::try_from(random.below(length.max(1) as u64)).unwrap_or(0)
}

/// Changes an input once.
pub(super) fn once(random: &mut Random, input: &mut Vec<u8>) {
    let at = place(random, input.len() + 1);
    let length = place(random, input.len() - at + 1).min(16);
    let telling = *random.pick(TELLING);
    match random.below(8) {
        0 => drop(input.drain(at..at + length)),
        1 => input.insert(at, telling),
        2 => {
            let twice = input[at..at + length].to_vec();
            input.splice(at..at, twice);
        }
        3 => {
            let other = place(random, input.len() + 1);
            let part = input[at..at + length].to_vec();
            input.splice(other..other, part);
        }
        4 if at < input.len() => input[at] ^= 1 << random.below(8),
        5 => input.truncate(at),
        6 => number(random, input),
        _ if at < input.len() => input[at] = telling,
        _ => input.push(telling),
    }
}

/// Changes an input a few times.
pub(super) fn few(random: &mut Random, input: &mut Vec<u8>) {
    for _ in 0..=random.below(4) {
        once(random, input);
    }
}

/// Puts a number at which something may overflow in the place of another.
pub(super) fn number(random: &mut Random, input: &mut Vec<u8>) {
    let is_start =
        |at: &usize| input[*at].is_ascii_digit() && (*at == 0 || !input[*at - 1].is_ascii_digit());
    let starts: Vec<usize> = (0..input.len()).filter(is_start).collect();
    if starts.is_empty() {
        return;
    }
    let start = *random.pick(&starts);
    let digits = input[start..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    input.splice(start..start + digits, random.pick(&NUMBERS).bytes());
}

/// Takes, doubles or swaps whole lines.
pub(super) fn lines(random: &mut Random, input: &mut Vec<u8>) {
    let mut lines: Vec<Vec<u8>> = input
        .split_inclusive(|b| *b == b'\n')
        .map(<[u8]>::to_vec)
        .collect();
    if lines.is_empty() {
        return;
    }
    let (one, other) = (place(random, lines.len()), place(random, lines.len()));
    match random.below(3) {
        0 => drop(lines.remove(one)),
        1 => lines.insert(other, lines[one].clone()),
        _ => lines.swap(one, other),
    }
    *input = lines.concat();
}

/// Puts one quoted text in the place of another.
pub(super) fn strings(random: &mut Random, input: &mut Vec<u8>) {
    let quotes: Vec<usize> = (0..input.len()).filter(|at| input[*at] == b'"').collect();
    if quotes.len() < 2 {
        return;
    }
    let mut pick = || {
        let at = place(random, quotes.len() - 1);
        quotes[at]..=quotes[at + 1]
    };
    let (from, to) = (pick(), pick());
    let text = input[from].to_vec();
    input.splice(to, text);
}
