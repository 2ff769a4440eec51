//! What shells and `man` get: completions and manual pages.

use crate::repo::Repo;
use std::fs;

/// What bash offers at the end of this line. It splits the line at colons too, as bash does.
pub(crate) fn completed(repo: &Repo, line: &str) -> Vec<String> {
    let script = r#"source <(leasehold completions bash)
COMP_LINE=$1 COMP_POINT=${#1} COMP_TYPE=9
mapfile -t COMP_WORDS < <(grep -oE "[:=]+|[^[:blank:]:=]+" <<< "$1")
case $1 in *\ ) COMP_WORDS+=("") ;; esac
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_leasehold leasehold
printf '%s\n' "${COMPREPLY[@]}""#;
    let words = ["-c", script, "bash", line].map(Into::into).to_vec();
    let ran = repo.call(repo.program("bash"), words).run().exits(0);
    ran.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_verbs_flags_and_live_names() {
    let repo = Repo::new();
    repo.leasehold("lock build issue:7 --owner ada")
        .run()
        .exits(0);
    repo.leasehold("freeze path:src --ttl 1h").run().exits(0);
    assert_eq!(completed(&repo, "leasehold unf"), ["unfreeze"]);
    assert_eq!(
        completed(&repo, "leasehold guard --keep"),
        ["--keep-while-alive"]
    );
    assert_eq!(completed(&repo, "leasehold guard --intent mu"), ["mutates"]);
    let names = completed(&repo, "leasehold unlock ");
    for name in ["build", "issue:7", "path:src"] {
        assert!(
            names.iter().any(|found| found == name),
            "{name} in {names:?}"
        );
    }
    assert_eq!(completed(&repo, "leasehold status bu"), ["build"]);
    assert_eq!(completed(&repo, "leasehold audit --name bu"), ["build"]);
    assert_eq!(completed(&repo, "leasehold audit --event gr"), ["granted"]);
    assert!(completed(&repo, "leasehold guard build -- tru").contains(&"true".to_owned()));
}

/// bash takes the part behind a colon for a word of its own, and puts the answer in its place.
#[test]
fn bash_completes_names_with_a_colon() {
    let repo = Repo::new();
    repo.leasehold("lock issue:77 issue:8 path:src/main.c")
        .run()
        .exits(0);
    for (line, expected) in [
        ("leasehold unlock iss", &["issue:77", "issue:8"][..]),
        ("leasehold unlock issue:", &["77", "8"]),
        ("leasehold unlock issue:7", &["77"]),
        ("leasehold guard build path:s", &["src/main.c"]),
        ("leasehold guard --intent=mu", &["mutates"]),
    ] {
        assert_eq!(completed(&repo, line), expected, "{line}");
    }
}

#[test]
fn completions_where_nothing_is_held_make_no_root() {
    let repo = Repo::new();
    assert!(completed(&repo, "leasehold unlock ").contains(&"--force".to_owned()));
    assert!(!repo.root().exists());
}

#[test]
fn every_shell_gets_lines_of_its_own() {
    let repo = Repo::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let ran = repo
            .leasehold(&format!("completions {shell}"))
            .run()
            .exits(0);
        assert!(ran.stdout.contains("LEASEHOLD_COMPLETE"), "{ran}");
    }
    repo.leasehold("completions tcsh").run().exits(64);
}

#[test]
fn every_verb_has_a_page_with_its_examples() {
    let repo = Repo::new();
    // Where nobody has pages of their own yet.
    let pages = repo.file("share/man/man1");
    let directory = pages.to_str().unwrap();
    repo.words(&["man", "--dir", directory]).run().exits(0);
    let help = repo.leasehold("--help").run().exits(0).stdout;
    let verbs = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let verbs = verbs.map_while(|line| line.split_whitespace().next());
    let mut count = 0;
    for verb in verbs.filter(|verb| *verb != "help") {
        let page = fs::read_to_string(pages.join(format!("leasehold-{verb}.1"))).unwrap();
        let printed = repo.leasehold(&format!("man {verb}")).run().exits(0).stdout;
        assert_eq!(page, printed, "{verb}");
        assert!(page.contains("Examples:"), "{verb}");
        count += 1;
    }
    assert!(count > 10, "{help}");
    let ran = repo.leasehold("man nope").run().exits(64);
    assert!(ran.stderr.contains("there is no verb \"nope\""), "{ran}");
    let ran = repo.leasehold("man --dir /dev/null/x").run().exits(1);
    assert!(ran.stderr.contains("--dir /dev/null/x: "), "{ran}");
}
