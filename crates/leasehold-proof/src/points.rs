//! What names mean, found out by counting points: a path or pattern is the set of its points in a small
//! file tree. Nothing of the kernel's resource arithmetic is used here.

/// Every path up to some length that is made of a few words.
pub(crate) struct Tree(Vec<Vec<&'static str>>);

impl Tree {
    /// All paths of these parts. `depth` is one part more than the longest pattern has, and one of the
    /// parts is in no pattern: so what overlaps anywhere overlaps here.
    pub(crate) fn new(parts: &[&'static str], depth: usize) -> Self {
        let mut all = vec![Vec::new()];
        let mut last = all.clone();
        for _ in 0..depth {
            let longer = |path: &Vec<&'static str>| {
                let longer = parts.iter().map(|part| [&path[..], &[*part]].concat());
                longer.collect::<Vec<_>>()
            };
            last = last.iter().flat_map(longer).collect();
            all.extend_from_slice(&last);
        }
        Self(all)
    }

    /// Returns which points a name has: all paths of which a beginning matches. A flat name has none.
    pub(crate) fn set(&self, text: &str) -> Vec<bool> {
        let Some(pattern) = text.strip_prefix("path:") else {
            return vec![false; self.0.len()];
        };
        let pattern: Vec<&str> = pattern.split('/').filter(|part| *part != ".").collect();
        let has = |path: &Vec<&str>| (0..=path.len()).any(|end| matches(&pattern, &path[..end]));
        self.0.iter().map(has).collect()
    }
}

/// Returns whether two sets have a point in common.
pub(crate) fn meet(a: &[bool], b: &[bool]) -> bool {
    a.iter().zip(b).any(|(x, y)| *x && *y)
}

/// Returns whether the first set has all points of the second, which has some.
pub(crate) fn contains(outer: &[bool], inner: &[bool]) -> bool {
    inner.contains(&true) && outer.iter().zip(inner).all(|(x, y)| *x || !*y)
}

fn matches(pattern: &[&str], path: &[&str]) -> bool {
    match (pattern.split_first(), path.split_first()) {
        (None, None) => true,
        (Some((&"**", rest)), _) => (0..=path.len()).any(|skip| matches(rest, &path[skip..])),
        (Some((part, rest)), Some((name, below))) => {
            part_matches(part, name) && matches(rest, below)
        }
        _ => false,
    }
}

fn part_matches(part: &str, name: &str) -> bool {
    match part.strip_prefix('*') {
        Some(ending) => name.ends_with(ending),
        None => part == name,
    }
}
