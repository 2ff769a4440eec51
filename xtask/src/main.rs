//! What continuous integration runs, as a program: `cargo xtask ci`; and the proof: `cargo xtask proof`.
//!
//! The same steps run on every machine. They need the Rust toolchain and git, and nothing else.

mod ci;
mod proof;
mod step;

use std::env;
use std::process::ExitCode;

const HELP: &str = "\
Usage: cargo xtask <TASK>

Tasks:
  ci      Check format and lints, build, document and test: everything that has to pass
  proof   Try to break every promise: model check, simulation, real processes, faults, damage, fuzz,
          planted bugs; what follows is passed on (--minutes 60, --seed N, layers)
  help    Print this help";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["ci"] => ci::run(),
        ["proof", arguments @ ..] => proof::run(arguments),
        [] | ["help" | "-h" | "--help"] => {
            println!("{HELP}");
            ExitCode::SUCCESS
        }
        unknown => {
            eprintln!("error: there is no task `{}`\n\n{HELP}", unknown.join(" "));
            ExitCode::from(64)
        }
    }
}
