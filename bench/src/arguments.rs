//! What to measure, and how often.

use crate::Fallible;
use crate::rows::{NUMBERS, RowNumber};
use std::path::PathBuf;

const USAGE: &str = "\
usage: cargo run --release -p leasehold-bench -- [--rows 1,3] [--rounds N] [--quick] [--in DIRECTORY]
                                                     [--output FILE]

  --rows     which rows (all)
  --rounds   how many rounds of each row (5)
  --quick    one round
  --in       on whose file system (the repository's, in `target`); not to be published by itself
  --output   where to write the report; docs/bench/README.md for a whole run of 5 rounds or more,
             else nowhere: a glance must not replace the figures that are published";

/// Rounds of a run that may be published. They lie minutes apart, so that a slow minute of the machine
/// is seen as the spread of the rounds.
const ROUNDS_DEFAULT: usize = 5;

/// The arguments.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Arguments {
    pub(crate) rows: Vec<RowNumber>,
    pub(crate) rounds: usize,
    /// Where to make the scratch directory; `None` for the place in the repository.
    pub(crate) directory: Option<PathBuf>,
    pub(crate) output: Option<PathBuf>,
}

impl Arguments {
    /// Reads the words after the program's name.
    pub(crate) fn parse(words: impl Iterator<Item = String>) -> Fallible<Self> {
        let mut parsed = Self {
            rows: NUMBERS.to_vec(),
            rounds: ROUNDS_DEFAULT,
            directory: None,
            output: None,
        };
        let mut words = words;
        while let Some(word) = words.next() {
            let mut value = || {
                words
                    .next()
                    .ok_or_else(|| format!("{word} needs a value\n{USAGE}"))
            };
            match word.as_str() {
                "--rows" => parsed.rows = rows(&value()?)?,
                "--rounds" => parsed.rounds = value()?.parse()?,
                "--quick" => parsed.rounds = 1,
                "--in" => parsed.directory = Some(value()?.into()),
                "--output" => parsed.output = Some(value()?.into()),
                _ => return Err(format!("{word}?\n{USAGE}").into()),
            }
        }
        if parsed.rounds == 0 || parsed.rows.is_empty() {
            return Err(USAGE.into());
        }
        if parsed.output.is_none() && parsed.directory.is_none() && parsed.is_whole() {
            parsed.output = Some(crate::programs::workspace().join("docs/bench/README.md"));
        }
        Ok(parsed)
    }

    fn is_whole(&self) -> bool {
        self.rows == NUMBERS && self.rounds >= ROUNDS_DEFAULT
    }
}

fn rows(list: &str) -> Fallible<Vec<RowNumber>> {
    let mut rows = list
        .split(',')
        .map(str::parse)
        .collect::<Result<Vec<RowNumber>, _>>()?;
    rows.sort_unstable();
    rows.dedup();
    match rows.iter().find(|row| !NUMBERS.contains(row)) {
        Some(row) => Err(format!("row {row} is not measured here; these are: {NUMBERS:?}").into()),
        None => Ok(rows),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str) -> Option<Arguments> {
        Arguments::parse(line.split_whitespace().map(str::to_owned)).ok()
    }

    #[test]
    fn a_glance_is_not_published() {
        assert!(check("").is_some_and(|a| a.output.is_some()));
        assert!(check("--quick").is_some_and(|a| a.output.is_none()));
        assert!(check("--rows 1").is_some_and(|a| a.output.is_none()));
        assert!(check("--in /x").is_some_and(|a| a.output.is_none()));
        assert!(check("--quick --output x").is_some_and(|a| a.output == Some("x".into())));
    }

    #[test]
    fn nonsense_is_refused() {
        for line in ["--rows", "--rows 99", "--rows x", "--rounds 0", "--fast"] {
            assert!(check(line).is_none(), "{line}");
        }
        assert!(check("--rows 3,1,3").is_some_and(|a| a.rows == [1, 3]));
    }
}
