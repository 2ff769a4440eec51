//! `docs/cli.md` and the README's table, held against `--help` and what `--json` prints.

use crate::page::{blocks, read, section};
use crate::sandbox::Sandbox;
use std::collections::BTreeSet;
use std::fs;

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
    let verbs_of_page = section(&page, "## Verbs");
    let headings = verbs_of_page
        .iter()
        .filter_map(|(_, line)| line.strip_prefix("### "));
    let described: BTreeSet<String> = headings.map(str::to_owned).collect();
    assert_eq!(described, verbs());
    let table = section(&read("README.md"), "## What there is")
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
    let shown: Vec<serde_json::Value> = blocks(&section(&page, "## JSON"))
        .iter()
        .filter(|block| block.language == "json")
        .map(|block| serde_json::from_str(&block.text()).expect("the page shows JSON"))
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
