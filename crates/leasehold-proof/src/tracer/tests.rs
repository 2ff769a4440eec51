//! The tracer on shells.

use super::*;
use std::collections::BTreeMap;
use std::fs;
use std::time::Instant;
use tempfile::TempDir;

/// The longest that a shell may take on a busy machine.
const LONG: Duration = Duration::from_secs(60);

/// Does one deed to the call that a test chooses, and counts.
struct Chooser<C> {
    chooses: C,
    deed: Deed,
    programs: BTreeMap<Pid, String>,
    done: usize,
}

impl<C: FnMut(Option<&str>, &Call) -> bool> Watcher for Chooser<C> {
    fn becomes(&mut self, process: Pid, program: &Path) {
        let name = program.file_name().unwrap_or_default();
        let name = name.to_string_lossy().into_owned();
        self.programs.insert(process, name);
    }

    fn enters(&mut self, caller: Caller, call: &Call) -> Deed {
        let program = self.programs.get(&caller.process).map(String::as_str);
        if !(self.chooses)(program, call) {
            return Deed::Pass;
        }
        self.done += 1;
        self.deed
    }
}

fn shell(place: &TempDir, script: &str) -> Program {
    let file = |name: &str| File::create(place.path().join(name)).unwrap();
    Program {
        words: ["/bin/sh", "-c", script].map(OsString::from).to_vec(),
        environment: vec![("PATH".into(), std::env::var_os("PATH").unwrap())],
        directory: place.path().into(),
        stdout: file("stdout"),
        stderr: file("stderr"),
    }
}

/// Runs a script; returns how it ended, what it said, and how often the deed was done. Nothing where this
/// machine does not let us trace.
fn check<C>(script: &str, follow: Follow, deed: Deed, chooses: C) -> Option<(End, String, usize)>
where
    C: FnMut(Option<&str>, &Call) -> bool + Send + 'static,
{
    let place = tempfile::tempdir().unwrap();
    let chooser = Chooser {
        chooses,
        deed,
        programs: BTreeMap::new(),
        done: 0,
    };
    let mut running = match start(shell(&place, script), follow, chooser) {
        Ok(running) => running,
        Err(error) => {
            eprintln!("skipped: {error}");
            return None;
        }
    };
    let end = running.wait(LONG).unwrap().expect("the shell hangs");
    let chooser = running.join().unwrap();
    let said = fs::read_to_string(place.path().join("stdout")).unwrap();
    Some((end, said, chooser.done))
}

#[test]
fn a_call_of_a_child_fails_and_the_others_do_not() {
    let script = "echo one; env echo two; echo $?";
    let fails = Deed::Fail(Errno::ENOSPC);
    let of_child = |program: Option<&str>, call: &Call| {
        call.talks && program.is_some_and(|name| !name.contains("sh"))
    };
    let Some((end, said, done)) = check(script, Follow::Children, fails, of_child) else {
        return;
    };
    assert_eq!(end, End::Exited(0));
    // It fails again where it wants to say that it failed.
    assert!(done >= 1, "{said}");
    assert_eq!(said, "one\n1\n");
    let (_, said, done) = check(script, Follow::Threads, fails, of_child).unwrap();
    assert_eq!((said.as_str(), done), ("one\ntwo\n0\n", 0));
}

#[test]
fn what_a_killed_program_started_goes_on() {
    let script = "(echo in; read line < gate; echo out) & wait";
    for follow in [Follow::Threads, Follow::Children] {
        let place = tempfile::tempdir().unwrap();
        let gate = place.path().join("gate");
        nix::unistd::mkfifo(&gate, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let idle = Chooser {
            chooses: |_: Option<&str>, _: &Call| false,
            deed: Deed::Pass,
            programs: BTreeMap::new(),
            done: 0,
        };
        let Ok(mut running) = start(shell(&place, script), follow, idle) else {
            return;
        };
        let said = || fs::read_to_string(place.path().join("stdout")).unwrap();
        let begin = Instant::now();
        while said() != "in\n" && begin.elapsed() < LONG {
            thread::sleep(Duration::from_millis(1));
        }
        running.kill();
        assert_eq!(
            running.wait(LONG).unwrap(),
            Some(End::Signaled(Signal::SIGKILL))
        );
        // Opening it waits for the reader, which has outlived its parent.
        fs::write(&gate, "go\n").unwrap();
        while said() != "in\nout\n" && begin.elapsed() < LONG {
            thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(said(), "in\nout\n");
        running.join().unwrap();
    }
}

#[test]
fn a_delayed_call_is_made_later_and_others_go_on() {
    let place = tempfile::tempdir().unwrap();
    let delay = Duration::from_millis(100);
    let slow = Chooser {
        chooses: |program: Option<&str>, call: &Call| {
            call.talks && program.is_some_and(|name| !name.contains("sh"))
        },
        deed: Deed::Delay(delay),
        programs: BTreeMap::new(),
        done: 0,
    };
    let script = "env echo slow & echo fast; wait";
    let begin = Instant::now();
    let Ok(mut running) = start(shell(&place, script), Follow::Children, slow) else {
        return;
    };
    let end = running.wait(LONG).unwrap();
    assert_eq!(end, Some(End::Exited(0)));
    assert_eq!(running.join().unwrap().done, 1);
    // Not before; how much later is up to the machine.
    assert!(begin.elapsed() >= delay);
    let said = fs::read_to_string(place.path().join("stdout")).unwrap();
    let mut lines: Vec<&str> = said.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["fast", "slow"]);
}

#[test]
fn a_program_that_is_not_there_ends_as_the_shell_says() {
    let place = tempfile::tempdir().unwrap();
    let mut program = shell(&place, "");
    program.words = vec!["/nowhere/at/all".into()];
    let idle = Chooser {
        chooses: |_: Option<&str>, _: &Call| false,
        deed: Deed::Pass,
        programs: BTreeMap::new(),
        done: 0,
    };
    let Ok(mut running) = start(program, Follow::Children, idle) else {
        return;
    };
    assert_eq!(running.wait(LONG).unwrap(), Some(End::Exited(127)));
}
