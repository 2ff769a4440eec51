//! The words after a command, as Go's `flag` package reads them (`-ttl`, `--ttl`, `--ttl=5m`), and flags
//! behind names as well: most of Lokt's own documents write them so.

use crate::error::CliError;
use std::ffi::OsString;

/// A flag that a command has.
pub(super) enum Flag {
    /// On or off.
    Switch(&'static str),
    /// With a value.
    Value(&'static str),
}

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Words {
    switches: Vec<&'static str>,
    values: Vec<(&'static str, String)>,
    /// What is no flag.
    pub(super) names: Vec<String>,
    /// What follows `--`, if there is one.
    pub(super) command: Option<Vec<OsString>>,
}

/// Reads the words of a command that has these flags. What follows the first `--` is left alone.
pub(super) fn read(flags: &[Flag], words: Vec<OsString>) -> Result<Words, CliError> {
    let mut read = Words::default();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        if word == "--" {
            read.command = Some(words.collect());
            break;
        }
        let word = text(word)?;
        let Some(flag) = word.strip_prefix('-').filter(|rest| !rest.is_empty()) else {
            read.names.push(word);
            continue;
        };
        let flag = flag.strip_prefix('-').unwrap_or(flag);
        let (name, value) = match flag.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (flag, None),
        };
        match find(flags, name) {
            Some(Flag::Switch(name)) => read.switch(name, value.as_deref())?,
            Some(Flag::Value(name)) => {
                let next = || {
                    words
                        .next()
                        .map(|word| text(word).map_err(|error| of(name, error)))
                };
                let value = value.map(Ok).or_else(next);
                let value =
                    value.ok_or_else(|| CliError::usage(format!("--{name} needs a value")))??;
                // As in Go the last one counts.
                read.values.retain(|(other, _)| other != name);
                read.values.push((name, value));
            }
            None => return Err(CliError::usage(format!("unknown flag: {word}"))),
        }
    }
    Ok(read)
}

/// The same for a command that guards nothing: there `--` only ends the flags, as in Go.
pub(super) fn read_names(flags: &[Flag], words: Vec<OsString>) -> Result<Words, CliError> {
    let mut read = read(flags, words)?;
    for word in read.command.take().unwrap_or_default() {
        read.names.push(text(word)?);
    }
    Ok(read)
}

fn find<'a>(flags: &'a [Flag], name: &str) -> Option<&'a Flag> {
    flags.iter().find(|flag| match flag {
        Flag::Switch(own) | Flag::Value(own) => *own == name,
    })
}

fn text(word: OsString) -> Result<String, CliError> {
    word.into_string()
        .map_err(|word| CliError::usage(format!("{:?} is not valid UTF-8", word.to_string_lossy())))
}

/// Names the flag that a value belongs to.
fn of(name: &str, error: CliError) -> CliError {
    CliError {
        message: format!("--{name} {}", error.message),
        ..error
    }
}

/// Returns whether help is asked for, and not by the guarded command.
pub(super) fn asks_for_help(words: &[OsString]) -> bool {
    let mut own = words.iter().take_while(|word| *word != "--");
    own.any(|word| ["-h", "-help", "--help"].iter().any(|help| word == help))
}

impl Words {
    fn switch(&mut self, name: &'static str, value: Option<&str>) -> Result<(), CliError> {
        self.switches.retain(|other| *other != name);
        match value {
            None | Some("true" | "1" | "t" | "T" | "TRUE" | "True") => self.switches.push(name),
            Some("false" | "0" | "f" | "F" | "FALSE" | "False") => {}
            Some(value) => {
                return Err(CliError::usage(format!(
                    "--{name}={value}: it is on or off"
                )));
            }
        }
        Ok(())
    }

    /// Returns whether a switch is on.
    pub(super) fn has(&self, name: &str) -> bool {
        self.switches.contains(&name)
    }

    /// Returns the value of a flag.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        let mut values = self.values.iter();
        values
            .find(|(own, _)| *own == name)
            .map(|(_, value)| value.as_str())
    }

    /// Returns the one name that a command is about.
    pub(super) fn name(&self) -> Result<&str, CliError> {
        let name = self.at_most_one_name()?;
        name.ok_or_else(|| CliError::usage("the name of a lock is missing"))
    }

    /// Returns the name of a command that may have none. More than one would be left unprotected.
    pub(super) fn at_most_one_name(&self) -> Result<Option<&str>, CliError> {
        match self.names.as_slice() {
            [] => Ok(None),
            [name] => Ok(Some(name)),
            several => {
                let several = several.join(" ");
                Err(CliError::usage(format!("more than one name: {several}"))
                    .hint("to take several at once: leasehold guard A B -- COMMAND"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLAGS: [Flag; 3] = [Flag::Value("ttl"), Flag::Switch("wait"), Flag::Value("c")];

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn flags_stand_where_they_like() {
        for line in [
            "build --ttl 5m --wait -- make -x",
            "--ttl 5m --wait build -- make -x",
            "--wait build -ttl=5m -- make -x",
            "-wait=true --ttl 1s build --ttl=5m -- make -x",
        ] {
            let read = read(&FLAGS, words(line)).unwrap();
            assert_eq!(read.name().unwrap(), "build", "{line}");
            assert_eq!(read.value("ttl"), Some("5m"), "{line}");
            assert!(read.has("wait"), "{line}");
            assert_eq!(read.command, Some(words("make -x")), "{line}");
        }
    }

    #[test]
    fn a_value_is_whatever_comes_next() {
        let read = read(&FLAGS, words("-c --wait build --wait=false")).unwrap();
        assert_eq!(read.value("c"), Some("--wait"));
        assert!(!read.has("wait"));
        assert_eq!(read.command, None);
    }

    #[test]
    fn outside_of_guard_a_double_dash_only_ends_the_flags() {
        let read = read_names(&FLAGS, words("--wait -- --ttl")).unwrap();
        assert_eq!(read.names, ["--ttl"]);
    }

    #[test]
    fn mistakes_are_named() {
        for (line, part) in [
            ("--bogus", "--bogus"),
            ("--ttl", "--ttl needs a value"),
            ("--wait=perhaps", "--wait=perhaps"),
        ] {
            let error = read(&FLAGS, words(line)).unwrap_err();
            assert!(error.message.contains(part), "{}", error.message);
        }
        assert!(read(&FLAGS, words("")).unwrap().name().is_err());
        assert!(read(&FLAGS, words("a b")).unwrap().name().is_err());
    }

    #[test]
    fn help_of_the_guarded_command_is_its_own() {
        assert!(asks_for_help(&words("build --help")));
        assert!(asks_for_help(&words("-h")));
        assert!(!asks_for_help(&words("build -- make --help")));
    }
}
