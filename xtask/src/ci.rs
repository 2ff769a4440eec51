//! `cargo xtask ci`: the steps, in order, up to the first that fails.

use crate::step::{Step, TestCounts};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// From the cheapest to the dearest. What the tests say stands last, where people look.
const STEPS: [Step; 7] = [
    Step::new("format", "cargo fmt --all --check"),
    Step::new(
        "lints",
        "cargo clippy --workspace --all-targets --all-features -- -D warnings",
    ),
    Step::new(
        "release build",
        "cargo build --release --package leasehold-cli",
    ),
    Step::new("documentation", "cargo doc --workspace --no-deps")
        .env("RUSTDOCFLAGS", "-D warnings"),
    Step::new(
        "tests",
        "cargo test --workspace --lib --bins --tests --examples --no-fail-fast",
    ),
    Step::new("documentation tests", "cargo test --workspace --doc"),
    Step::new("proof", "cargo xtask proof"),
];

/// The components that a minimal toolchain leaves out: how to see one, and how to get it.
const COMPONENTS: [(Step, Step); 2] = [
    (
        Step::new("rustfmt", "cargo fmt --version"),
        Step::new("rustfmt", "rustup component add rustfmt"),
    ),
    (
        Step::new("clippy", "cargo clippy --version"),
        Step::new("clippy", "rustup component add clippy"),
    ),
];

/// Runs the steps.
pub(crate) fn run() -> ExitCode {
    let begin = Instant::now();
    if let Err(message) = install_components() {
        eprintln!("error: {message}");
        return ExitCode::FAILURE;
    }
    let (mut passed, mut tests) = (0, TestCounts::default());
    for (index, step) in STEPS.iter().enumerate() {
        println!(
            "\n=== {}/{} {}: {}",
            index + 1,
            STEPS.len(),
            step.name(),
            step.command_line()
        );
        let step_begin = Instant::now();
        let result = step.run(&mut tests);
        let took = short(step_begin.elapsed());
        match result {
            Ok(()) => println!("=== {} passed in {took}", step.name()),
            Err(message) => {
                println!("=== {} FAILED after {took}: {message}", step.name());
                println!("repeat it with: {}", step.command_line());
                close(passed, 1, &tests, begin);
                return ExitCode::FAILURE;
            }
        }
        passed += 1;
    }
    close(passed, 0, &tests, begin);
    ExitCode::SUCCESS
}

/// Prints the closing lines: the steps, then all tests of all of them.
fn close(passed: usize, failed: usize, tests: &TestCounts, begin: Instant) {
    let not_run = STEPS.len() - passed - failed;
    let not_run = if not_run == 0 {
        String::new()
    } else {
        format!(", {not_run} not run")
    };
    println!(
        "\nsteps: {passed} passed, {failed} failed{not_run}, in {}",
        short(begin.elapsed())
    );
    println!("{tests}");
}

/// Makes sure of rustfmt and clippy.
fn install_components() -> Result<(), String> {
    for (probe, install) in COMPONENTS {
        if probe.succeeds_quietly() {
            continue;
        }
        let (name, command) = (install.name(), install.command_line());
        println!("=== installing {name}: {command}");
        install
            .run(&mut TestCounts::default())
            .map_err(|error| format!("{name} is missing, and `{command}` did not help: {error}"))?;
    }
    Ok(())
}

fn short(time: Duration) -> String {
    match time.as_secs() {
        0..60 => format!("{:.1} s", time.as_secs_f64()),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}
