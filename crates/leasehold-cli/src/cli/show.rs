//! Verbs that show and explain the program, and let others stand in for it.

use super::groups::{NamedCallArgs, between};
use clap::{Args, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  leasehold prime                                    (for an agent that begins, now)
  leasehold prime --format agents-md >> AGENTS.md
  leasehold prime --format claude-md > .claude/rules/leasehold.md
  leasehold prime --format cursorrules > .cursor/rules/leasehold.mdc
  leasehold prime --json | jq -r '.operations[].run'

Without --format it says who you are, what is held, waited for and frozen at this moment, what scripts of
the repository guard already, and what to do after a no. With --format only what stays true. It changes
nothing, and works outside of git too. Exits 1 where the leases cannot be read; the rest is printed.")]
pub(crate) struct Prime {
    /// Print the text for this harness's own file
    #[arg(long, value_name = "FORMAT", conflicts_with_all = ["json", "owner"])]
    pub(crate) format: Option<FormatArg>,
    #[command(flatten)]
    pub(crate) call: NamedCallArgs,
}

/// The files that harnesses read their instructions from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatArg {
    /// Claude Code: CLAUDE.md, or a file in .claude/rules
    ClaudeMd,
    /// AGENTS.md, which many harnesses read
    AgentsMd,
    /// Cursor: .cursor/rules/leasehold.mdc
    Cursorrules,
    /// Windsurf: .windsurfrules
    Windsurfrules,
    /// GitHub Copilot: .github/copilot-instructions.md
    Copilot,
    /// Cline: .clinerules/leasehold.md
    Clinerules,
    /// Aider: .aider.conf.yml
    Aider,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  leasehold demo
  leasehold demo --no-lock           (the same without leases)
  leasehold demo trunk
  leasehold demo trunk --no-lock --dir /tmp/broken-trunk
  leasehold demo --workers 2 --rows 4 --cols 8 --json

Works in a temporary directory of its own, and touches nothing of yours. Exits 0 when it was played to its
end and leases kept what they promise; without leases whatever comes is what was asked for: the verdict
says what that is. Exits 1 when what was made with leases is broken, or the demonstration failed.")]
pub(crate) struct Demo {
    /// What to show
    #[arg(value_name = "SCENE", default_value = "hexwall")]
    pub(crate) scene: Scene,
    /// Without leases, to see what happens then
    #[arg(long)]
    pub(crate) no_lock: bool,
    /// How many workers build the wall, up to 36: 8 unless said
    #[arg(long, value_name = "N", value_parser = between::<1, 36>, allow_hyphen_values = true)]
    pub(crate) workers: Option<u32>,
    /// How many rows the wall has, up to 100: 16 unless said
    #[arg(long, value_name = "N", value_parser = between::<1, 100>, allow_hyphen_values = true)]
    pub(crate) rows: Option<u32>,
    /// How many bricks a row has, up to 100: 32 unless said
    #[arg(long, value_name = "N", value_parser = between::<1, 100>, allow_hyphen_values = true)]
    pub(crate) cols: Option<u32>,
    /// How many agents work on the trunk, up to 16: 3 unless said
    #[arg(long, value_name = "N", value_parser = between::<1, 16>, allow_hyphen_values = true)]
    pub(crate) agents: Option<u32>,
    /// How many changes each of them makes, up to 100: 4 unless said
    #[arg(long, value_name = "N", value_parser = between::<1, 100>, allow_hyphen_values = true)]
    pub(crate) cycles: Option<u32>,
    /// Leave the directory, to look at what was made
    #[arg(long)]
    pub(crate) keep: bool,
    /// Work in this directory, which is new or empty, and leave it
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) dir: Option<PathBuf>,
    /// Print the outcome as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// What can be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scene {
    /// Workers lay bricks on one wall
    Hexwall,
    /// Agents build, commit and push in one clone
    Trunk,
    /// What a worker on the wall does at each turn
    #[value(hide = true)]
    Brick,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  leasehold lokt guard build --ttl 5m -- make build
  ln -s leasehold lokt    (a link of that name does the same)")]
pub(crate) struct Lokt {
    /// A command of Lokt's with its flags; `help` lists them
    #[arg(
        value_name = "WORDS",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    pub(crate) words: Vec<OsString>,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  leasehold version
  leasehold version --json")]
pub(crate) struct Version {
    /// Print the outcome as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  source <(leasehold completions bash)                                   (in ~/.bashrc)
  source <(leasehold completions zsh)                                    (in ~/.zshrc)
  leasehold completions fish > ~/.config/fish/completions/leasehold.fish

Names that are held, waited for or frozen are completed too.")]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub(crate) shell: ShellArg,
}

/// The shells that can complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ShellArg {
    /// GNU Bash
    Bash,
    /// Elvish
    Elvish,
    /// fish
    Fish,
    /// PowerShell
    Powershell,
    /// Zsh
    Zsh,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  leasehold man | man -l -
  leasehold man guard | man -l -
  leasehold man --dir ~/.local/share/man/man1")]
pub(crate) struct Man {
    /// The verb; without it, the page of the program
    #[arg(value_name = "VERB", conflicts_with = "dir")]
    pub(crate) verb: Option<String>,
    /// Write all pages into this directory
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) dir: Option<PathBuf>,
}
