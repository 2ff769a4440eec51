//! The text for the file that a harness reads its instructions from. It lies there for long and is shared:
//! nothing in it is about this moment, this agent, or this clone's own settings.
//!
//! | format | file | its form |
//! |---|---|---|
//! | `claude-md` | `CLAUDE.md`, `.claude/rules/*.md` | Markdown; `@path` outside of code takes a file in |
//! | `agents-md` | `AGENTS.md` | Markdown without front matter; some read 32 KiB at most |
//! | `copilot` | `.github/copilot-instructions.md` | Markdown, two pages at most |
//! | `clinerules` | `.clinerules/*.md` | Markdown; front matter would only say for which files it counts |
//! | `cursorrules` | `.cursor/rules/*.mdc` | Markdown with front matter; `.cursorrules` is its past |
//! | `windsurfrules` | `.windsurfrules` | Markdown, 6000 characters at most |
//! | `aider` | `.aider.conf.yml` | YAML |

use super::markdown::{RAW_SHOWN, code};
use super::{Front, Guarded, aider, rules};
use crate::cli::FormatArg;
use clap::ValueEnum as _;
use std::fs::{File, Metadata};
use std::io::Read as _;
use std::path::Path;

/// What one file of Windsurf's may have.
const WINDSURF_CHARACTERS_MAX: usize = 6_000;

/// What is read of a file of instructions: no model reads as much.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Returns the text of a format.
pub(super) fn lines(format: FormatArg, guarded: &Guarded, front: Front) -> Vec<String> {
    match format {
        FormatArg::ClaudeMd | FormatArg::AgentsMd | FormatArg::Copilot | FormatArg::Clinerules => {
            page(format, guarded, front)
        }
        FormatArg::Cursorrules => {
            let head = [
                "---",
                "description: Running what must not overlap, beside other agents",
                "globs:",
                "alwaysApply: true",
                "---",
                "",
            ];
            let head = head.into_iter().map(str::to_owned);
            head.chain(page(format, guarded, front)).collect()
        }
        FormatArg::Windsurfrules => list(guarded, front),
        FormatArg::Aider => aider::lines(guarded, front),
    }
}

/// Returns the file of a format that other things stand in too, where the text is in it already. A shell
/// has emptied a file that is written anew before this looks.
pub(super) fn made_before(format: FormatArg, top: &Path, front: Front) -> Option<&'static str> {
    let file = match format {
        FormatArg::ClaudeMd => "CLAUDE.md",
        FormatArg::AgentsMd => "AGENTS.md",
        FormatArg::Copilot => ".github/copilot-instructions.md",
        FormatArg::Windsurfrules => ".windsurfrules",
        FormatArg::Aider => ".aider.conf.yml",
        FormatArg::Clinerules | FormatArg::Cursorrules => return None,
    };
    let path = top.join(file);
    // To open a pipe would be to wait for a writer.
    path.metadata().ok().filter(Metadata::is_file)?;
    let mut text = Vec::new();
    let opened = File::open(path).ok()?;
    opened.take(FILE_BYTES_MAX).read_to_end(&mut text).ok()?;
    String::from_utf8_lossy(&text)
        .contains(&origin(format, front))
        .then_some(file)
}

fn page(format: FormatArg, guarded: &Guarded, front: Front) -> Vec<String> {
    let mut lines = vec![
        "## Working beside other agents".into(),
        String::new(),
        introduction(front),
    ];
    let Guarded {
        operations,
        suggestions,
    } = guarded;
    lines.extend(rules::operations("###", operations, suggestions, front));
    lines.extend(rules::all("###", None, front));
    lines.extend([String::new(), format!("<!-- {} -->", origin(format, front))]);
    lines
}

fn introduction(front: Front) -> String {
    let (program, leases) = (front.program, rules::introduction(front));
    format!(
        "{leases} When you begin, run `{program} prime`: it says who you are to the others and what is held at that \
         moment; later `{program} status` does."
    )
}

/// Says where the text is from.
pub(super) fn origin(format: FormatArg, front: Front) -> String {
    let program = front.program;
    let value = format.to_possible_value();
    let name = value.as_ref().map_or("", |value| value.get_name());
    format!("Made by `{program} prime --format {name}`; make it again when scripts change.")
}

/// One list, as long as Windsurf reads: operations go first, the last of them out.
fn list(guarded: &Guarded, front: Front) -> Vec<String> {
    let program = front.program;
    let operation = |operation| {
        let (run, raw) = rules::commands(operation, code);
        let names = code(&operation.names.join(" "), RAW_SHOWN);
        match &operation.instead_of {
            Some(_) => format!("- {names}: run {run}, never {raw}"),
            None => format!("- {names}: run {run}"),
        }
    };
    let mut operations: Vec<String> = guarded.operations.iter().map(operation).collect();
    let mut rest: Vec<String> = guarded.suggestions.iter().map(rules::suggestion).collect();
    rest.extend(rules::usage(front));
    rest.extend(rules::waiting(None, front));
    let codes = if front.is_lokt {
        "- Exit code 2: somebody else has it, or it is frozen; run it again with `--wait`, after a wait unchanged. \
         1: an error, such as a lost lock; look at what is left behind. 64: the command line is wrong."
    } else {
        "- Exit code 2: somebody else has it, or it is frozen; run it again with `--wait`, after a wait unchanged. \
         5: unlock what the message names, then again. 6: the lease was lost half-way; look at what is left behind. \
         7: it is unknown whether it happened; look at `leasehold status`. 64: the command line is wrong."
    };
    rest.push(codes.into());
    rest.extend(
        rules::never()
            .iter()
            .map(|rule| rule.replacen("- ", "- never ", 1)),
    );
    rest.push(String::new());
    rest.push(format!(
        "<!-- {} -->",
        origin(FormatArg::Windsurfrules, front)
    ));
    let head = [
        "# Working beside other agents".into(),
        String::new(),
        introduction(front),
        String::new(),
    ];
    let fixed: usize = head
        .iter()
        .chain(&rest)
        .map(|line| line.chars().count() + 1)
        .sum();
    let more = format!("- more operations: `{program} prime`");
    let mut left = WINDSURF_CHARACTERS_MAX.saturating_sub(fixed + more.len() + 1);
    let all = operations.len();
    let fits = |line: &String| {
        let length = line.chars().count() + 1;
        let has_room = length <= left;
        left = left.saturating_sub(length);
        has_room
    };
    operations = operations.into_iter().take_while(fits).collect();
    if operations.len() < all {
        operations.push(more);
    }
    head.into_iter().chain(operations).chain(rest).collect()
}
