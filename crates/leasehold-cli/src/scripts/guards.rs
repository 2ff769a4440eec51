//! The guards in a script: what they take, and what they run.

use super::base;
use super::shell::{self, Word};
use crate::cli::Verb;

/// The front of ours whose words come after its name.
const LOKT: &str = "lokt";
/// What may stand before the program of a command.
const BEFORE: [&str; 17] = [
    "if", "then", "elif", "else", "while", "until", "do", "{", "!", "time", "exec", "env", "sudo",
    "command", "nohup", "nice", "eval",
];

/// A guard, as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Guarded {
    pub(crate) names: Vec<String>,
    /// The guarded command or script.
    pub(crate) command: String,
}

/// Reads guards: knows which of their flags have a value behind them.
pub(crate) struct Reader {
    with_value: Vec<String>,
}

impl Reader {
    /// Asks the command line. Lokt's flags are among ours.
    pub(crate) fn new() -> Self {
        let guard = Verb::arguments("guard");
        let flags = guard.iter().flat_map(clap::Command::get_arguments);
        let with_value = flags.filter(|flag| flag.get_action().takes_values());
        let names = with_value.flat_map(|flag| {
            let long = flag.get_long().map(str::to_owned);
            long.into_iter().chain(flag.get_short().map(String::from))
        });
        Self {
            with_value: names.collect(),
        }
    }

    /// Returns the guards that a shell would run.
    pub(crate) fn guards(&self, script: &str) -> Vec<Guarded> {
        let commands = shell::commands(script);
        let guards = commands.iter().map(|words| self.guard(script, words));
        guards.flatten().collect()
    }

    fn guard(&self, script: &str, words: &[Word]) -> Option<Guarded> {
        let first = words.iter().position(|word| !may_come_before(&word.text))?;
        let texts: Vec<&str> = words[first..]
            .iter()
            .map(|word| word.text.as_str())
            .collect();
        let own = match texts.as_slice() {
            [program, "guard", ..] if ["leasehold", LOKT].contains(&base(program)) => 2,
            [program, LOKT, "guard", ..] if base(program) == "leasehold" => 3,
            _ => return None,
        };
        self.request(script, &words[first + own..])
    }

    fn request(&self, script: &str, words: &[Word]) -> Option<Guarded> {
        let (mut names, mut inline) = (Vec::new(), None);
        let mut rest = words.iter();
        let mut command = "";
        while let Some(word) = rest.next() {
            if word.text == "--" {
                let (first, last) = (rest.as_slice().first(), words.last());
                command = first.zip(last).map_or("", |(a, z)| &script[a.begin..z.end]);
                break;
            }
            match word.text.strip_prefix('-') {
                None => names.push(word.text.clone()),
                Some(flag) => {
                    let flag = flag.strip_prefix('-').unwrap_or(flag);
                    let has_value = self.with_value.iter().any(|known| known == flag);
                    let value = if has_value { rest.next() } else { None };
                    if flag == "c" {
                        inline = value.map(|word| word.text.clone());
                    }
                }
            }
        }
        let command = inline.unwrap_or_else(|| command.to_owned());
        let is_whole = !names.is_empty() && !command.trim().is_empty();
        is_whole.then_some(Guarded { names, command })
    }
}

fn may_come_before(word: &str) -> bool {
    shell::is_assignment(word) || BEFORE.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(script: &str, expected: &[(&str, &str)]) {
        let found: Vec<(String, String)> = Reader::new()
            .guards(script)
            .into_iter()
            .map(|guard| (guard.names.join(" "), guard.command))
            .collect();
        let found: Vec<(&str, &str)> = found
            .iter()
            .map(|(a, b)| (a.as_str(), b.as_str()))
            .collect();
        assert_eq!(found, expected, "{script}");
    }

    #[test]
    fn names_and_commands_are_read_whatever_the_flags() {
        check("leasehold guard build -- make", &[("build", "make")]);
        check(
            "lokt guard --ttl 5m -timeout=2m build --wait -- make 'a b' > log",
            &[("build", "make 'a b' > log")],
        );
        check(
            "if ! X=1 ./bin/leasehold guard a 'issue:b c' --slots 2 --owner x -- sh -c \"y\"; then z; fi",
            &[("a issue:b c", "sh -c \"y\"")],
        );
        check(
            "leasehold guard push --wait -c 'git pull &&\n git push' -E 75",
            &[("push", "git pull &&\n git push")],
        );
        check("leasehold lokt guard a -- b", &[("a", "b")]);
        check(
            "exec sudo leasehold guard \\\n  a \\\n  -- b \\\n c",
            &[("a", "b \\\n c")],
        );
        check(
            "leasehold guard a -- b && lokt guard c -- d",
            &[("a", "b"), ("c", "d")],
        );
    }

    #[test]
    fn what_is_not_run_is_no_guard() {
        check("# leasehold guard a -- b", &[]);
        check("x # leasehold guard a -- b", &[]);
        check("echo leasehold guard a -- b", &[]);
        check("echo 'run: leasehold guard a -- b'", &[]);
        check("cat <<EOF\nleasehold guard a -- b\nEOF", &[]);
        check("leasehold guard -- b", &[]);
        check("leasehold guard a --", &[]);
        check("leasehold lock a -- b", &[]);
        check("notlokt guard a -- b", &[]);
    }
}
