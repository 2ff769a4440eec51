//! Runs what a document says, in order, in one shell and one fresh repository.
//!
//! * A `console` block: `$ ` begins a command, `> ` goes on with it, the lines after it are its output,
//!   both streams. What differs from run to run is taken out of both sides before they are compared, so
//!   that a document can show real ones.
//! * A `sh` block is run as it stands and has to end with 0; its output is not compared.
//! * A block below `<!-- file: PATH -->` is written to that file, which can be run if it begins with `#!`.
//!
//! All other blocks are only shown.

use crate::page::{Block, blocks, read, section, whole};
use crate::sandbox::Sandbox;
use crate::steady::all_steady;

/// Printed between the steps, with the number of the one that ended and its exit code.
const MARK: &str = "@@@ end of step";

/// What of a document is run.
pub(crate) enum Part {
    /// All of it.
    Whole,
    /// What is below this heading.
    Section(&'static str),
}

/// One thing that is done.
#[derive(Debug)]
struct Step {
    line_number: usize,
    script: String,
    /// What has to be printed; else it has to succeed.
    output: Option<Vec<String>>,
}

/// What a step printed, and its exit code.
#[derive(Clone, Debug, Default)]
struct Done {
    printed: Vec<String>,
    code: String,
}

/// Runs a document and compares.
#[track_caller]
pub(crate) fn check(document: &str, part: &Part) {
    let text = read(document);
    let lines = match part {
        Part::Whole => whole(&text),
        Part::Section(heading) => section(&text, heading),
    };
    let steps: Vec<Step> = blocks(&lines).iter().flat_map(steps).collect();
    assert!(!steps.is_empty(), "{document} has nothing to run");
    let done = run(&Sandbox::new(), &steps);
    let wrong: Vec<String> = steps
        .iter()
        .zip(&done)
        .filter_map(|(step, done)| difference(document, step, done))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Returns what a block tells to do.
fn steps(block: &Block<'_>) -> Vec<Step> {
    let line_number = block.lines.first().map_or(0, |(number, _)| *number);
    let path = block
        .comment
        .and_then(|comment| comment.strip_prefix("file: "));
    let whole = |script: String| {
        vec![Step {
            line_number,
            script,
            output: None,
        }]
    };
    match (path, block.language) {
        (Some(path), _) => whole(write_file(path, &block.text())),
        (None, "sh") => whole(block.text()),
        (None, "console") => commands(block),
        (None, _) => Vec::new(),
    }
}

/// Returns the script that writes a file.
fn write_file(path: &str, text: &str) -> String {
    let executable = if text.starts_with("#!") {
        format!("chmod +x '{path}'")
    } else {
        String::new()
    };
    format!(
        "mkdir -p \"$(dirname '{path}')\"\ncat >'{path}' <<'@@@ end of file'\n{text}@@@ end of file\n{executable}"
    )
}

fn commands(block: &Block<'_>) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for (line_number, line) in block.lines.iter().copied() {
        if let Some(command) = line.strip_prefix("$ ") {
            steps.push(Step {
                line_number,
                script: command.into(),
                output: Some(Vec::new()),
            });
            continue;
        }
        let step = steps.last_mut().expect("a block begins with a command");
        let output = step.output.get_or_insert_default();
        match line.strip_prefix("> ").filter(|_| output.is_empty()) {
            Some(more) => step.script += &format!("\n{more}"),
            None => output.push(line.into()),
        }
    }
    steps
}

/// Runs all steps in one shell and returns what came of each.
fn run(sandbox: &Sandbox, steps: &[Step]) -> Vec<Done> {
    let mut script = String::from("exec 2>&1\n");
    for (index, step) in steps.iter().enumerate() {
        // The mark keeps the exit code for an `echo $?` that may follow.
        script += &format!(
            "{}\n_code=$?; echo \"{MARK} {index} $_code\"; (exit $_code)\n",
            step.script
        );
    }
    let output = sandbox
        .command("sh")
        .args(["-c", &script])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut done = vec![Done::default(); steps.len()];
    let mut at = 0;
    for line in text.lines() {
        let Some(done) = done.get_mut(at) else { break };
        if let Some(mark) = line.strip_prefix(MARK) {
            done.code = mark.split(' ').next_back().unwrap_or_default().into();
            at += 1;
        } else {
            done.printed.push(line.to_owned());
        }
    }
    let all = steps.len();
    assert_eq!(at, all, "the shell did not come to the end:\n{text}");
    done
}

/// Says what a step did other than the document has it.
fn difference(document: &str, step: &Step, done: &Done) -> Option<String> {
    let place = format!("{document}:{}: $ {}", step.line_number, step.script);
    let is = done.printed.join("\n");
    let Some(said) = &step.output else {
        let code = &done.code;
        return (code != "0").then(|| format!("{place}\n--- exits {code} and prints\n{is}"));
    };
    (all_steady(said) != all_steady(&done.printed)).then(|| {
        let said = said.join("\n");
        format!("{place}\n--- the document says\n{said}\n--- it prints\n{is}")
    })
}

#[test]
fn a_document_is_taken_apart_and_run() {
    let text = "\
# A
<!-- file: bin/hello -->
```sh
#!/bin/sh
echo hello \"$1\"
```
```console
$ bin/hello \\
> you
hello you
$ echo a; false
b
```
```json
{}
```
```sh
false
```
";
    let steps: Vec<Step> = blocks(&whole(text)).iter().flat_map(steps).collect();
    let done = run(&Sandbox::new(), &steps);
    let wrong: Vec<Option<String>> = steps
        .iter()
        .zip(&done)
        .map(|(step, done)| difference("d", step, done))
        .collect();
    let expected = [
        None,
        None,
        Some("d:11: $ echo a; false\n--- the document says\nb\n--- it prints\na".to_owned()),
        Some("d:18: $ false\n\n--- exits 1 and prints\n".to_owned()),
    ];
    assert_eq!(wrong, expected);
}
