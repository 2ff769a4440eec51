//! What the README and `docs/cli.md` say, held against the program.
//!
//! The tour in the README is run as it stands: every `console` block of the section, in order, in one
//! shell and one fresh repository. `$ ` begins a command, the lines after it are its output, both
//! streams. What differs from run to run (ids, tokens, process numbers, hosts, times, widths of
//! columns) is taken out of both sides before they are compared, so the README can show real ones.

#![expect(
    clippy::unwrap_used,
    reason = "these are tests, their helpers included"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

/// The heading of the section that is run.
const TOUR: &str = "## A tour in two minutes";

/// Printed between the commands of a tour, with the number of the one that ended.
const MARK: &str = "@@@ end of command";

/// The root of the repository of leasehold itself.
fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    let path = project().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A fresh repository, and nothing of our environment in it.
struct Sandbox {
    directory: tempfile::TempDir,
}

impl Sandbox {
    fn new() -> Self {
        let sandbox = Self {
            directory: tempfile::tempdir().unwrap(),
        };
        fs::create_dir(sandbox.repository()).unwrap();
        let init = sandbox
            .command("git")
            .args(["init", "--quiet"])
            .output()
            .unwrap();
        assert!(init.status.success(), "git init: {init:?}");
        sandbox
    }

    fn repository(&self) -> PathBuf {
        self.directory.path().join("repository")
    }

    fn command(&self, program: &str) -> Command {
        let binaries = Path::new(env!("CARGO_BIN_EXE_leasehold"))
            .parent()
            .unwrap()
            .to_path_buf();
        let inherited = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths([binaries].into_iter().chain(env::split_paths(&inherited)));
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", path.unwrap())
            .env("HOME", self.directory.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .current_dir(self.repository())
            .stdin(Stdio::null());
        command
    }

    /// Runs `leasehold` and returns its exit code and standard output.
    fn leasehold(&self, owner: &str, arguments: &[&str]) -> (Option<i32>, String) {
        let mut command = self.command("leasehold");
        let output = command
            .env("LEASEHOLD_OWNER", owner)
            .args(arguments)
            .output()
            .unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
        )
    }
}

/// One command of the tour.
#[derive(Debug)]
struct Step {
    line_number: usize,
    command: String,
    output: Vec<String>,
}

/// Returns the lines from a heading to the next one of its level, with their numbers.
fn section<'a>(text: &'a str, heading: &str) -> Vec<(usize, &'a str)> {
    let level = heading.split(' ').next().unwrap_or_default().len();
    let is_end = |line: &str| {
        let marks = line.len() - line.trim_start_matches('#').len();
        marks > 0 && marks <= level && line[marks..].starts_with(' ')
    };
    let numbered = text
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line));
    let from = numbered.skip_while(|(_, line)| *line != heading);
    from.skip(1).take_while(|(_, line)| !is_end(line)).collect()
}

/// Returns the fenced blocks of a language.
fn blocks<'a>(lines: &[(usize, &'a str)], language: &str) -> Vec<Vec<(usize, &'a str)>> {
    let (mut blocks, mut open) = (Vec::new(), None);
    for (number, line) in lines.iter().copied() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(info)) => open = Some((info == language, Vec::new())),
            (None, None) => {}
            (Some((_, lines)), None) => lines.push((number, line)),
            (Some(_), Some(_)) => {
                let block = open.take().filter(|(wanted, _)| *wanted);
                blocks.extend(block.map(|(_, lines)| lines));
            }
        }
    }
    blocks
}

fn steps(readme: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for (line_number, line) in blocks(&section(readme, TOUR), "console")
        .into_iter()
        .flatten()
    {
        match line.strip_prefix("$ ") {
            Some(command) => {
                steps.push(Step {
                    line_number,
                    command: command.into(),
                    output: Vec::new(),
                });
            }
            None => {
                let step = steps.last_mut().expect("a block begins with a command");
                step.output.push(line.into());
            }
        }
    }
    steps
}

/// Runs all commands in one shell and returns what each printed.
fn run(sandbox: &Sandbox, steps: &[Step]) -> Vec<Vec<String>> {
    let mut script = String::from("exec 2>&1\n");
    for (index, step) in steps.iter().enumerate() {
        // The mark keeps the exit code for an `echo $?` that may follow.
        script += &format!(
            "{}\n_code=$?; echo '{MARK} {index}'; (exit $_code)\n",
            step.command
        );
    }
    let output = sandbox
        .command("sh")
        .args(["-c", &script])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut printed = vec![Vec::new(); steps.len()];
    let mut at = 0;
    for line in text.lines() {
        if line.starts_with(MARK) {
            at += 1;
        } else if let Some(lines) = printed.get_mut(at) {
            lines.push(line.to_owned());
        }
    }
    assert_eq!(
        at,
        steps.len(),
        "the shell did not come to the end:\n{text}"
    );
    printed
}

/// Takes what differs from run to run out of a line.
fn steady(line: &str) -> String {
    // Each shell has its own words for the end of a child that was killed.
    if line.split_whitespace().any(|word| word == "Killed") {
        return "Killed".into();
    }
    let mut before = "";
    let mut words = Vec::new();
    for word in line.split_whitespace() {
        let core = word.trim_matches(|c: char| "(),:;.`".contains(c));
        words.push(if core.is_empty() {
            word.into()
        } else {
            word.replace(core, &value(before, core))
        });
        before = core;
    }
    words.join(" ")
}

/// Returns a word, or what kind of value it is.
fn value(before: &str, word: &str) -> String {
    let is_hex = word
        .bytes()
        .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    let is_number = word.bytes().all(|b| b.is_ascii_digit());
    let is_time = word.starts_with(|c: char| c.is_ascii_digit())
        && word.ends_with(['s', 'm', 'h', 'd'])
        && word
            .chars()
            .all(|c| c.is_ascii_digit() || ".msdh".contains(c));
    match (before, word.split_once('@')) {
        _ if is_hex && word.len() == 32 => "ID".into(),
        ("lease", _) if is_hex && word.len() == 8 => "ID".into(),
        ("token", _) if is_number => "TOKEN".into(),
        ("pid", _) if is_number => "PID".into(),
        (_, Some((owner, _))) => format!("{owner}@HOST"),
        _ if is_time => "TIME".into(),
        _ => word.into(),
    }
}

#[test]
fn the_tour_in_the_readme_is_true() {
    let readme = read("README.md");
    let steps = steps(&readme);
    assert!(
        !steps.is_empty(),
        "README.md has no console block under {TOUR:?}"
    );
    let printed = run(&Sandbox::new(), &steps);
    let mut wrong = Vec::new();
    for (step, printed) in steps.iter().zip(&printed) {
        let expected: Vec<String> = step.output.iter().map(|line| steady(line)).collect();
        let found: Vec<String> = printed.iter().map(|line| steady(line)).collect();
        if expected != found {
            let (said, is) = (step.output.join("\n"), printed.join("\n"));
            let place = format!("README.md:{}: $ {}", step.line_number, step.command);
            wrong.push(format!(
                "{place}\n--- the README says\n{said}\n--- it prints\n{is}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn what_differs_from_run_to_run_is_taken_out() {
    #[track_caller]
    fn check(a: &str, b: &str, are_alike: bool) {
        assert_eq!(
            steady(a) == steady(b),
            are_alike,
            "{} / {}",
            steady(a),
            steady(b)
        );
    }
    check("(lease 3f9c0a1b)", "(lease 00000000)", true);
    check(
        "held by ada (pid 12, `make`) for 8ms",
        "held by ada (pid 9, `make`) for 1.2s",
        true,
    );
    check("ada@laptop   1s  pid 7", "ada@x  20ms pid 8", true);
    check("token 4294967297)", "token 7)", true);
    check("ada@laptop", "bob@laptop", false);
    check("exit 2", "exit 3", false);
    check("built", "build", false);
    check("sh: line 1: 77 Killed    leasehold guard", "Killed", true);
}

/// Runs `leasehold … --help`.
fn help(arguments: &[&str]) -> String {
    let arguments: Vec<&str> = arguments.iter().copied().chain(["--help"]).collect();
    let (code, text) = Sandbox::new().leasehold("ada", &arguments);
    assert_eq!(code, Some(0), "{arguments:?}");
    text
}

/// Returns the verbs that `leasehold --help` lists.
fn verbs() -> BTreeSet<String> {
    let text = help(&[]);
    let listed = text.lines().skip_while(|line| *line != "Commands:").skip(1);
    let listed = listed.take_while(|line| line.starts_with("  "));
    // `help` is the parser's own.
    listed
        .filter_map(|line| line.split_whitespace().next())
        .filter(|verb| *verb != "help")
        .map(str::to_owned)
        .collect()
}

/// Returns the flags in a help text, with the names of their values. (`- ` begins a possible value.)
fn flags(help: &str) -> BTreeSet<String> {
    let lines = help.lines().map(str::trim_start);
    let flags = lines.filter(|line| line.starts_with('-') && !line.starts_with("- "));
    // The description is at least two blanks further on, or on the next line.
    let flags = flags.map(|line| {
        line.split("  ")
            .next()
            .unwrap_or_default()
            .trim()
            .to_owned()
    });
    flags.filter(|flag| flag != "-h, --help").collect()
}

/// Returns the values that a help text lists for flags that take one of a few.
fn values(help: &str) -> BTreeSet<String> {
    let listed = help
        .lines()
        .map(str::trim_start)
        .filter_map(|line| line.strip_prefix("- "));
    let long = listed.map(|line| line.split(':').next().unwrap_or_default());
    let short = help
        .lines()
        .filter_map(|line| line.split_once("[possible values: "));
    let short = short.flat_map(|(_, rest)| rest.trim_end_matches(']').split(", "));
    long.chain(short).map(str::to_owned).collect()
}

#[test]
fn the_page_on_the_command_line_has_every_verb() {
    let page = read("docs/cli.md");
    let section = section(&page, "## Verbs");
    let headings = section
        .iter()
        .filter_map(|(_, line)| line.strip_prefix("### "));
    let described: BTreeSet<String> = headings.map(str::to_owned).collect();
    assert_eq!(described, verbs());
    let table = self::section(&read("README.md"), "## What there is")
        .iter()
        .fold(String::new(), |text, (_, line)| text + line + "\n");
    for verb in verbs() {
        assert!(
            table.contains(&format!("| `{verb}")),
            "the README's table lacks `{verb}`"
        );
    }
}

#[test]
fn the_page_on_the_command_line_has_every_flag() {
    let (page, overview) = (read("docs/cli.md"), help(&[]));
    for verb in verbs() {
        let (help, section) = (help(&[&verb]), section(&page, &format!("### {verb}")));
        let rows = section
            .iter()
            .filter_map(|(_, line)| line.strip_prefix("| `"));
        let described: BTreeSet<String> = rows
            .filter_map(|row| row.split('`').next())
            .map(str::to_owned)
            .collect();
        assert_eq!(
            described,
            flags(&help),
            "the flags of {verb}: the page, then the program"
        );
        let about = help.lines().next().unwrap();
        assert!(overview.contains(about), "{verb} is about {about:?}");
        let text: String = section
            .iter()
            .map(|(_, line)| format!("{line}\n"))
            .collect();
        for value in values(&help) {
            assert!(
                text.contains(&format!("`{value}`")),
                "the page on {verb} lacks `{value}`"
            );
        }
        let usage = help
            .lines()
            .find_map(|line| line.strip_prefix("Usage: "))
            .unwrap();
        assert!(
            text.contains(&format!("`{usage}`")),
            "the page on {verb} lacks `{usage}`"
        );
    }
}

/// Returns the members of a JSON value, as paths.
fn members(value: &serde_json::Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        serde_json::Value::Object(object) => object.iter().for_each(|(name, value)| {
            let path = format!("{path}.{name}");
            members(value, &path, found);
            found.insert(path);
        }),
        serde_json::Value::Array(items) => {
            items
                .iter()
                .for_each(|item| members(item, &format!("{path}[]"), found));
        }
        _ => {}
    }
}

#[test]
fn the_json_on_the_page_is_what_the_program_prints() {
    let sandbox = Sandbox::new();
    let json = |owner: &str, arguments: &[&str]| -> serde_json::Value {
        let (code, text) = sandbox.leasehold(owner, arguments);
        let value: serde_json::Value = serde_json::from_str(&text).expect("one object on one line");
        assert_eq!(value["exit"].as_i64(), code.map(i64::from), "{text}");
        value
    };
    let report = sandbox.repository().join("outcome.json");
    let lock = json("ada", &["lock", "deploy", "--ttl", "30m", "--json"]);
    let refused = json("bob", &["lock", "deploy", "--ttl", "30m", "--json"]);
    let arguments = [
        "guard",
        "build",
        "--json-file",
        report.to_str().unwrap(),
        "--",
        "false",
    ];
    let (code, _) = sandbox.leasehold("ada", &arguments);
    assert_eq!(code, Some(1));
    let guard: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(&report).unwrap()).unwrap();

    let page = read("docs/cli.md");
    let shown: Vec<serde_json::Value> = blocks(&section(&page, "## JSON"), "json")
        .iter()
        .map(|lines| lines.iter().map(|(_, line)| *line).collect::<String>())
        .map(|text| serde_json::from_str(&text).expect("the page shows JSON"))
        .collect();
    let shape = |value: &serde_json::Value| {
        let mut found = BTreeSet::new();
        members(value, "", &mut found);
        (value["verb"].clone(), value["code"].clone(), found)
    };
    let shown: Vec<_> = shown.iter().map(shape).collect();
    assert_eq!(
        shown,
        [lock, refused, guard].iter().map(shape).collect::<Vec<_>>()
    );
}
