//! Text of others in Markdown: shown as code, and unable to end it.

use crate::message::abridged;
use crate::ui;

/// How many characters of a command that is not to be run are shown: enough to know it by.
pub(super) const RAW_SHOWN: usize = 60;
/// And of one that is.
pub(super) const RUN_SHOWN: usize = 200;

/// Returns a text on one line, made harmless and cut.
pub(super) fn clean(text: &str, characters_max: usize) -> String {
    abridged(&ui::one_line(text.trim()), characters_max)
}

/// Returns a text as code: between more backticks than it has in a row.
pub(super) fn code(text: &str, characters_max: usize) -> String {
    let text = clean(text, characters_max);
    let fence = "`".repeat(longest_run(&text) + 1);
    let pad = if text.is_empty() || text.starts_with('`') || text.ends_with('`') {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// The same in a cell of a table, which a `|` would end.
pub(super) fn cell(text: &str, characters_max: usize) -> String {
    code(text, characters_max).replace('|', r"\|")
}

/// Returns lines as a block of code.
pub(super) fn block(lines: &[String]) -> Vec<String> {
    let lines: Vec<String> = lines.iter().map(|line| ui::one_line(line)).collect();
    let longest = lines.iter().map(|line| longest_run(line)).max();
    let fence = "`".repeat(longest.unwrap_or(0).max(2) + 1);
    let begin = format!("{fence}text");
    [begin].into_iter().chain(lines).chain([fence]).collect()
}

fn longest_run(text: &str) -> usize {
    let runs = text.split(|c| c != '`').map(str::len);
    runs.max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_ends_the_code_that_it_is_in() {
        for (text, expected) in [
            ("make", "`make`"),
            ("a `b` c", "``a `b` c``"),
            ("`x``", "``` `x`` ```"),
            ("", "`  `"),
            ("a\nb\u{1b}[2J\u{202e}", r"`a\nb\u{1b}[2J\u{202e}`"),
        ] {
            assert_eq!(code(text, 60), expected);
        }
        assert_eq!(cell(r"a | b\|c", 60), r"`a \| b\\|c`");
        assert_eq!(code(&"é".repeat(70), 60), format!("`{}…`", "é".repeat(59)));
    }

    #[test]
    fn a_block_ends_behind_its_lines() {
        let lines = block(&["```".into(), "x\n````".into()]);
        assert_eq!(lines, ["`````text", "```", r"x\n````", "`````"]);
    }
}
