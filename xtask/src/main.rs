//! What continuous integration runs, as a program: `cargo xtask ci`.
//!
//! The same steps run on every machine. They need the Rust toolchain and git, and nothing else.

mod ci;
mod step;

use std::env;
use std::process::ExitCode;

const HELP: &str = "\
Usage: cargo xtask <TASK>

Tasks:
  ci      Check format and lints, build, document and test: everything that has to pass
  help    Print this help";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["ci"] => ci::run(),
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
