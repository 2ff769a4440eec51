//! The terminal and job control, under a real pseudo-terminal: `shell.py` plays the shell.

use super::*;

/// Runs `words` as a job of a shell with job control, as `shell.py` says, and returns its log.
fn check(steps: &[&str], words: &[&str], expected: &[&str]) {
    let place = Place::new();
    let mut command = shell(&place, steps, words);
    command
        .arg(std::env::current_exe().unwrap())
        .args(guard_arguments());
    assert_job(&place, &mut command, expected);
}

/// The same for a job that is a script around the guard, which it knows as `"$@"`.
fn check_script(script: &str, steps: &[&str], words: &[&str], expected: &[&str]) {
    let place = Place::new();
    let mut command = shell(&place, steps, words);
    command.args(["sh", "-c", script, "sh"]);
    command
        .arg(std::env::current_exe().unwrap())
        .args(guard_arguments());
    assert_job(&place, &mut command, expected);
}

fn shell(place: &Place, steps: &[&str], words: &[&str]) -> Command {
    let mut command = Command::new("python3");
    place.as_guard(&mut command, words);
    command
        .args(["-c", include_str!("shell.py")])
        .arg(place.path("log"));
    command.args(steps).arg("--");
    command
}

fn assert_job(place: &Place, command: &mut Command, expected: &[&str]) {
    assert_eq!(code(&mut command.spawn().unwrap()), Some(0));
    assert_eq!(place.read("log").lines().collect::<Vec<_>>(), expected);
}

/// Says whether it is in the foreground, then reads a line and exits with it.
const READ: &str = "import os, sys
print('foreground', os.tcgetpgrp(0) == os.getpgrp(), flush=True)
line = sys.stdin.readline()
print('read', line, flush=True)
os._exit(int(line))";

#[test]
fn the_command_has_the_terminal_and_gives_it_back() {
    check(
        &["see", "foreground True", "type", "7\\n"],
        &["python3", "-c", READ],
        &["exited 7 with the terminal back"],
    );
}

#[test]
fn a_killed_command_leaves_no_terminal_behind() {
    check(
        &["see", "foreground True"],
        &["sh", "-c", "echo foreground True; kill -KILL $$"],
        &["exited 137 with the terminal back"],
    );
}

#[test]
fn a_stop_is_seen_by_the_shell_and_undone_by_it() {
    check(
        &[
            "see",
            "foreground True",
            "type",
            "\\x1a",
            "stopped",
            "fg",
            "type",
            "8\\n",
        ],
        &["python3", "-c", READ],
        &[
            "stopped 20 with the terminal back",
            "continued",
            "exited 8 with the terminal back",
        ],
    );
}

#[test]
fn without_a_shell_a_stop_is_undone_at_once() {
    check(
        &[
            "bare",
            "see",
            "foreground True",
            "type",
            "\\x1a",
            "type",
            "9\\n",
        ],
        &["python3", "-c", READ],
        &["exited 9"],
    );
}

#[test]
fn ctrl_c_also_ends_the_script_around() {
    check_script(
        "\"$@\"; echo after",
        &["see", "foreground True", "type", "\\x03"],
        &["sh", "-c", "echo foreground True; exec sleep 60"],
        &["killed 2 with the terminal back"],
    );
}

#[test]
fn a_command_that_handles_ctrl_c_decides_alone() {
    check_script(
        "\"$@\"; exit $((1 + $?))",
        &["see", "ready", "type", "\\x03"],
        &[
            "bash",
            "-c",
            "trap 'kill $!; exit 4' INT; sleep 60 & echo ready; wait",
        ],
        &["exited 5 with the terminal back"],
    );
}

#[test]
fn in_a_pipeline_the_command_gets_the_terminal_when_it_asks() {
    // Its output is no terminal, so it starts in the background; reading makes it ask.
    check_script(
        "\"$@\" | cat",
        &["see", "foreground False", "type", "3\\n", "see", "read 3"],
        &["python3", "-c", READ],
        &["exited 0 with the terminal back"],
    );
}

#[test]
fn in_a_pipeline_a_stop_reaches_the_command_and_the_shell() {
    check_script(
        "\"$@\" | cat",
        &[
            "see", "ready", "type", "\\x1a", "stopped", "fg", "type", "\\x03",
        ],
        &["sh", "-c", "echo ready; exec sleep 60"],
        &[
            "stopped 20 with the terminal back",
            "continued",
            "killed 2 with the terminal back",
        ],
    );
}
