//! Scripts that guard less than they seem to: in `guard x -- a && b` the shell runs `b` after the guard.

use crate::names::Base;
use crate::scripts::{self, GUARDS, Script, shell};
use crate::ui;
use leasehold_api::finding::FindingInfo;

const CHECK: &str = "scripts";
/// How many lines are named.
const NAMED: usize = 10;

pub(super) fn look(base: &Base) -> Vec<FindingInfo> {
    let Some(top) = &base.top else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    scripts::each(top, &mut |script| look_into(script, &mut findings));
    let more = findings.len().saturating_sub(NAMED);
    findings.truncate(NAMED);
    if more > 0 {
        findings.push(FindingInfo::warning(
            CHECK,
            format!("{more} more lines of this kind"),
            "mend the first ones, then run doctor again",
        ));
    }
    findings
}

fn look_into(script: &Script, found: &mut Vec<FindingInfo>) {
    let shown = &script.shown;
    for (number, line) in scripts::joined(&script.text) {
        if let Some((guarded, rest)) = unguarded(&line) {
            let both = ui::quoted(&format!("{guarded} && {rest}"));
            found.push(FindingInfo::warning(
                CHECK,
                format!("{shown}:{number}: `{rest}` runs outside the lease"),
                format!("guard both: in place of `-- {guarded} && …` write -c {both}"),
            ));
        }
    }
}

/// Returns a guarded command and what comes behind the `&&` that ends it, if that is not guarded itself.
fn unguarded(line: &str) -> Option<(&str, &str)> {
    let (begin, word) = GUARDS
        .iter()
        .filter_map(|word| Some((line.find(word)?, word)))
        .min()?;
    let after = begin + word.len();
    let end = top_level_and(&line[after..])? + after;
    // The script of `-c`, and what stands before `--`, are not the guarded command.
    let (_, guarded) = line[after..end].split_once(" -- ")?;
    // In a page for people the code may end in the middle of a line.
    let is_in_page = line[..begin].matches('`').count() % 2 == 1;
    let rest = line[end + 2..].trim();
    let rest = if is_in_page {
        rest.split('`').next().unwrap_or_default()
    } else {
        rest
    };
    let rest = rest.trim_end_matches(['"', '\'', ',']).trim();
    let is_guarded = rest.is_empty() || GUARDS.iter().any(|word| rest.starts_with(word));
    if is_guarded {
        return unguarded(rest);
    }
    Some((guarded.trim(), rest))
}

/// Returns where the first `&&` outside of quotes is.
fn top_level_and(text: &str) -> Option<usize> {
    // A comment, the next command, or the end of code in a page: another one begins.
    let is_end = |rest: &[u8]| rest.starts_with(b"&&") || matches!(rest, [b';' | b'`' | b'#', ..]);
    let at = shell::first_outside(text, is_end)?;
    text[at..].starts_with("&&").then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: Option<&str>) {
        assert_eq!(unguarded(line).map(|(_, rest)| rest), expected, "{line}");
    }

    #[test]
    fn what_runs_outside_the_lease_is_found() {
        check(
            "leasehold guard push -- git pull --rebase && git push",
            Some("git push"),
        );
        check(
            "  lokt guard git-push --ttl 2m -- git pull && git push # x",
            Some("git push # x"),
        );
        check(
            "Run `leasehold guard a -- make && make test` first",
            Some("make test"),
        );
        check(
            "leasehold guard a -- x && leasehold guard b -- y && z",
            Some("z"),
        );
        check("test -f x && leasehold guard a -- y && z", Some("z"));
        check("leasehold guard a -- sh -c 'x && y' && z", Some("z"));
    }

    #[test]
    fn what_is_guarded_or_was_meant_so_is_not() {
        check("leasehold guard a -- sh -c 'x && y'", None);
        check("leasehold guard a -c 'x && y'", None);
        check("leasehold guard a -c \"x && y\" -- z", None);
        check("leasehold guard a -- x; y && z", None);
        check("leasehold guard a -- x || y", None);
        check("leasehold guard a -- x \\&\\& y", None);
        check("leasehold guard a -- x && leasehold guard b -- y", None);
        check("make && leasehold guard a -- x", None);
        check("leasehold guard a && x", None);
        check("a `leasehold guard a -- x` b && c", None);
        check("leasehold guard a -- é && ", None);
    }

    #[test]
    fn lines_that_go_on_are_one() {
        let lines = scripts::joined("a\nleasehold guard b -- c \\\n  && d\ne");
        assert_eq!(unguarded(&lines[1].1), Some(("c", "d")));
    }
}
