//! Patterns read once more, from the text as written, and decided by trying everything.
//!
//! Exponential, and so short that it is plainly the definition: a pattern is the set of the paths that
//! match it, and of all below those.

/// One part of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Char(char),
    One,
    Run,
}

/// One part of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Name(Vec<Part>),
    Depth,
}

/// A pattern: whether it begins at the root of the file system, and its segments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    is_absolute: bool,
    segments: Vec<Segment>,
}

impl Pattern {
    /// Reads a pattern that the parser accepts.
    pub(super) fn read(text: &str) -> Self {
        let names = text.split('/').filter(|name| !name.is_empty());
        let segments = names.map(|name| match name {
            "**" => Segment::Depth,
            name => Segment::Name(parts(name)),
        });
        let here = Segment::Name(vec![Part::Char('.')]);
        Self {
            is_absolute: text.starts_with('/'),
            segments: segments.filter(|segment| *segment != here).collect(),
        }
    }

    /// Whether some path is in both.
    pub(super) fn meets(&self, other: &Self) -> bool {
        self.is_absolute == other.is_absolute && paths_meet(&self.segments, &other.segments)
    }

    /// Whether a path is in the set.
    pub(super) fn has(&self, is_absolute: bool, names: &[String]) -> bool {
        let names = names
            .iter()
            .map(|name| Segment::Name(name.chars().map(Part::Char).collect()));
        let names: Vec<Segment> = names.collect();
        self.is_absolute == is_absolute && has_path(&self.segments, &names)
    }

    pub(super) fn is_absolute(&self) -> bool {
        self.is_absolute
    }

    /// Whether deciding about it by trying everything would take long.
    pub(super) fn is_long(&self) -> bool {
        let name = |segment: &Segment| match segment {
            Segment::Name(parts) => parts.len(),
            Segment::Depth => 1,
        };
        self.segments.len() > 6 || self.segments.iter().any(|segment| name(segment) > 10)
    }

    /// Returns the names of a path in the set, with `draw` choosing a number below another.
    pub(super) fn example(&self, mut draw: impl FnMut(u64) -> u64) -> Vec<String> {
        const LETTERS: [char; 4] = ['a', 'b', '*', 'é'];
        let mut names = Vec::new();
        let letter = |number: u64| LETTERS[usize::try_from(number).unwrap_or(0) % LETTERS.len()];
        let tail = [Segment::Depth];
        for segment in self.segments.iter().chain(&tail) {
            let Segment::Name(parts) = segment else {
                for _ in 0..draw(3) {
                    names.push(letter(draw(4)).to_string());
                }
                continue;
            };
            let mut name = String::new();
            for part in parts {
                match part {
                    Part::Char(character) => name.push(*character),
                    Part::One => name.push(letter(draw(4))),
                    Part::Run => (0..draw(3)).for_each(|_| name.push(letter(draw(4)))),
                }
            }
            if name.is_empty() {
                name.push('a');
            }
            names.push(name);
        }
        names
    }
}

fn parts(name: &str) -> Vec<Part> {
    let mut characters = name.chars();
    let mut parts = Vec::new();
    while let Some(character) = characters.next() {
        parts.push(match character {
            '*' => Part::Run,
            '?' => Part::One,
            '\\' => Part::Char(characters.next().unwrap_or('\\')),
            other => Part::Char(other),
        });
    }
    parts
}

/// Two patterns share a path when the two rows can be walked together; at the end of one, whatever is
/// left of the other is below it.
fn paths_meet(a: &[Segment], b: &[Segment]) -> bool {
    match (a, b) {
        ([], _) | (_, []) => true,
        ([Segment::Depth, rest @ ..], _) => paths_meet(rest, b) || paths_meet(a, &b[1..]),
        (_, [Segment::Depth, rest @ ..]) => paths_meet(a, rest) || paths_meet(&a[1..], b),
        ([Segment::Name(x), a @ ..], [Segment::Name(y), b @ ..]) => {
            names_meet(x, y) && paths_meet(a, b)
        }
    }
}

fn names_meet(a: &[Part], b: &[Part]) -> bool {
    match (a, b) {
        ([], []) => true,
        ([Part::Run, rest @ ..], _) => {
            names_meet(rest, b) || (!b.is_empty() && names_meet(a, &b[1..]))
        }
        (_, [Part::Run, rest @ ..]) => {
            names_meet(a, rest) || (!a.is_empty() && names_meet(&a[1..], b))
        }
        ([], _) | (_, []) => false,
        ([x, a @ ..], [y, b @ ..]) => {
            (x == y || *x == Part::One || *y == Part::One) && names_meet(a, b)
        }
    }
}

fn has_path(pattern: &[Segment], path: &[Segment]) -> bool {
    match pattern {
        [] => true,
        [Segment::Depth, rest @ ..] => {
            (0..=path.len()).any(|skipped| has_path(rest, &path[skipped..]))
        }
        [Segment::Name(name), rest @ ..] => match path {
            [Segment::Name(own), below @ ..] => names_meet(name, own) && has_path(rest, below),
            _ => false,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All paths of up to three names of one or two letters.
    fn world() -> Vec<Vec<String>> {
        let names = ["a", "b", "aa", "ab", "ba", "bb"].map(String::from);
        let mut paths = vec![Vec::new()];
        let mut longest = paths.clone();
        for _ in 0..3 {
            let deeper =
                |path: &Vec<String>| names.clone().map(|name| [&path[..], &[name]].concat());
            longest = longest.iter().flat_map(deeper).collect();
            paths.extend(longest.clone());
        }
        paths
    }

    #[test]
    fn two_patterns_meet_where_a_path_of_the_world_is_in_both() {
        let (world, texts) = (
            world(),
            [
                "a", "*", "a*", "?", "*b", "**/a", "a/*", "*/b", "a/**/b", "b?", ".",
            ],
        );
        for a in texts.map(Pattern::read) {
            for b in texts.map(Pattern::read) {
                let shared = world
                    .iter()
                    .find(|path| a.has(false, path) && b.has(false, path));
                assert_eq!(a.meets(&b), shared.is_some(), "{a:?} {b:?} {shared:?}");
            }
        }
    }

    #[test]
    fn an_example_is_in_the_set() {
        for text in ["a/*/b?", "**/x", ".", "/\\*/**", "*"] {
            let pattern = Pattern::read(text);
            for seed in 0..50 {
                let mut random = crate::Random::new(seed);
                let names = pattern.example(|bound| random.below(bound));
                assert!(
                    pattern.has(pattern.is_absolute(), &names),
                    "{text} {names:?}"
                );
            }
        }
    }
}
