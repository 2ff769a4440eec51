//! Documents of the project, taken apart.

use std::fs;
use std::path::{Path, PathBuf};

/// The root of the repository of leasehold itself.
fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub(crate) fn read(path: &str) -> String {
    let path = project().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns all lines, with their numbers.
pub(crate) fn whole(text: &str) -> Vec<(usize, &str)> {
    let lines = text.lines().enumerate();
    lines.map(|(index, line)| (index + 1, line)).collect()
}

/// Returns the lines from a heading to the next one of its level, with their numbers.
pub(crate) fn section<'a>(text: &'a str, heading: &str) -> Vec<(usize, &'a str)> {
    let level = heading.split(' ').next().unwrap_or_default().len();
    let is_end = |line: &str| {
        let marks = line.len() - line.trim_start_matches('#').len();
        marks > 0 && marks <= level && line[marks..].starts_with(' ')
    };
    let from = whole(text)
        .into_iter()
        .skip_while(|(_, line)| *line != heading);
    from.skip(1).take_while(|(_, line)| !is_end(line)).collect()
}

/// A fenced block.
#[derive(Debug, Default)]
pub(crate) struct Block<'a> {
    pub(crate) language: &'a str,
    /// What the comment on the line above says, if there is one: `<!-- … -->`.
    pub(crate) comment: Option<&'a str>,
    pub(crate) lines: Vec<(usize, &'a str)>,
}

impl Block<'_> {
    /// Returns the lines as they stand.
    pub(crate) fn text(&self) -> String {
        self.lines
            .iter()
            .map(|(_, line)| format!("{line}\n"))
            .collect()
    }
}

/// Returns the fenced blocks.
pub(crate) fn blocks<'a>(lines: &[(usize, &'a str)]) -> Vec<Block<'a>> {
    let (mut blocks, mut open, mut before): (Vec<Block<'a>>, bool, &str) = (Vec::new(), false, "");
    for (number, line) in lines.iter().copied() {
        match line.strip_prefix("```") {
            Some(_) if open => open = false,
            Some(language) => {
                open = true;
                blocks.push(Block {
                    language,
                    comment: comment(before),
                    lines: Vec::new(),
                });
            }
            None if open => blocks
                .last_mut()
                .expect("one is open")
                .lines
                .push((number, line)),
            None => {}
        }
        before = line;
    }
    blocks
}

fn comment(line: &str) -> Option<&str> {
    let inside = line.strip_prefix("<!--")?.strip_suffix("-->")?;
    Some(inside.trim())
}
