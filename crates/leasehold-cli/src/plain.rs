//! The plain shape of `guard`, read without the parser.
//!
//! Most calls of leasehold are `guard NAME --wait --ttl 5m -- COMMAND`. For a guard that nobody is in
//! the way of, building clap's parser is half of all that is computed. What is not of that shape, or
//! might be wrong, is clap's: this file has no messages. A test compares the two.

use crate::cli::{ClaimArgs, Guard, OwnerArgs, RequestArgs, STOP_GRACE, StopSignal, StoreArgs};
use std::ffi::OsString;

/// Reads the arguments after the name of the program, if they are of the plain shape.
pub(crate) fn guard(words: impl IntoIterator<Item = OsString>) -> Option<Guard> {
    let mut words = words.into_iter();
    if words.next()? != "guard" {
        return None;
    }
    let mut request = bare_request();
    loop {
        let word = words.next()?.into_string().ok()?;
        match word.as_str() {
            "--" => break,
            "--wait" if !request.wait => request.wait = true,
            "--read" if !request.claims.read => request.claims.read = true,
            "--timeout" if request.timeout.is_none() => request.timeout = Some(value(&mut words)?),
            "--ttl" if request.ttl.is_none() => request.ttl = Some(value(&mut words)?),
            name if !name.starts_with('-') => request.claims.names.push(word),
            _ => return None,
        }
    }
    let command: Vec<OsString> = words.collect();
    let is_time = |name: &String| name.starts_with(|first: char| first.is_ascii_digit());
    // That may have been meant for the wait.
    let is_doubtful = request.wait && request.claims.names.iter().any(is_time);
    let is_whole = !request.claims.names.is_empty()
        && !is_doubtful
        && !command.is_empty()
        && (request.wait || request.timeout.is_none());
    is_whole.then(|| bare(request, command))
}

/// A request for nothing yet, without flags.
pub(crate) fn bare_request() -> RequestArgs {
    RequestArgs {
        claims: ClaimArgs {
            names: Vec::new(),
            read: false,
            intent: None,
            slots: Vec::new(),
        },
        wait: false,
        timeout: None,
        ttl: None,
        lease: None,
        priority: None,
        owner: OwnerArgs { owner: None },
        store: StoreArgs { store: None },
    }
}

/// A guard of that request around a command, without flags of its own.
pub(crate) fn bare(request: RequestArgs, command: Vec<OsString>) -> Guard {
    Guard {
        request,
        keep_while_alive: false,
        json_file: None,
        stop_signal: StopSignal::Term,
        stop_grace: STOP_GRACE.into(),
        script: None,
        held_exit: None,
        command,
    }
}

fn value(words: &mut impl Iterator<Item = OsString>) -> Option<String> {
    let word = words.next()?.into_string().ok()?;
    (!word.starts_with('-')).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Verb};
    use clap::Parser as _;

    const VOCABULARY: [&str; 15] = [
        "guard",
        "build",
        "path:a b",
        "",
        "--",
        "--wait",
        "--read",
        "--ttl",
        "5m",
        "--timeout",
        "-x",
        "--ttl=5m",
        "--slots",
        "help",
        "-",
    ];

    /// Every line of up to five words after `guard`, and longer ones that end in a command.
    fn lines() -> impl Iterator<Item = Vec<&'static str>> {
        let lengths = 0..=4_u32;
        lengths.flat_map(|length| {
            (0..VOCABULARY.len().pow(length)).flat_map(move |mut number| {
                let mut line = vec!["guard"];
                for _ in 0..length {
                    line.push(VOCABULARY[number % VOCABULARY.len()]);
                    number /= VOCABULARY.len();
                }
                let with_command = line.iter().copied().chain(["--", "make", "--wait", "-x"]);
                [with_command.collect(), line]
            })
        })
    }

    /// What it reads, clap reads the same.
    #[test]
    fn reads_what_the_parser_reads() {
        let mut plain = 0;
        for line in lines() {
            let Some(guard) = guard(line.iter().map(OsString::from)) else {
                continue;
            };
            plain += 1;
            let words = ["leasehold"].iter().chain(&line);
            let parsed = Cli::try_parse_from(words).unwrap_or_else(|error| {
                panic!("{line:?} is refused by the parser: {error}");
            });
            let Verb::Guard(parsed) = parsed.verb else {
                panic!("{line:?} is a guard");
            };
            assert_eq!(guard, parsed, "{line:?}");
        }
        assert!(plain > 1000, "only {plain} lines were plain");
    }

    #[test]
    fn reads_the_usual_lines() {
        for line in [
            "guard build -- make",
            "guard build --wait -- make -j 2",
            "guard path:src --read --wait --timeout 5m -- make",
            "guard build --ttl 5m -- make build",
            "guard --wait a b -- make",
        ] {
            assert!(
                guard(line.split(' ').map(OsString::from)).is_some(),
                "{line}"
            );
        }
    }
}
