//! What shells and `man` get: completions and manual pages.

use crate::repo::Repo;
use std::fs;

/// What bash offers for these words, the last of them being typed.
pub(crate) fn completed(repo: &Repo, words: &str) -> Vec<String> {
    let script = format!(
        r#"source <(leasehold completions bash)
COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); COMP_TYPE=9
_clap_complete_leasehold leasehold "${{COMP_WORDS[COMP_CWORD]}}" "${{COMP_WORDS[COMP_CWORD - 1]}}"
printf '%s\n' "${{COMPREPLY[@]}}""#
    );
    let words = vec!["-c".into(), script.into()];
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
    let names = completed(&repo, "leasehold unlock ''");
    for name in ["build", "issue:7", "path:src"] {
        assert!(
            names.iter().any(|found| found == name),
            "{name} in {names:?}"
        );
    }
    assert_eq!(completed(&repo, "leasehold status bu"), ["build"]);
}

#[test]
fn completions_where_nothing_is_held_make_no_root() {
    let repo = Repo::new();
    assert!(completed(&repo, "leasehold unlock ''").contains(&"--force".to_owned()));
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
    let pages = repo.file("man");
    fs::create_dir(&pages).unwrap();
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
