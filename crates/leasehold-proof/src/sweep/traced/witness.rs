//! What the guarded commands wrote down.

/// What is wrong with it, and how often a command ran.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Witness {
    pub(super) problems: Vec<String>,
    pub(super) runs: usize,
    /// Whether somebody is in.
    pub(super) is_occupied: bool,
}

/// Reads lines `in TOKEN` and `out TOKEN`: nobody goes in before the one before is out, and each has a
/// token above the one before.
pub(super) fn read(text: &str) -> Witness {
    let mut witness = Witness::default();
    let (mut inside, mut last): (Option<u64>, u64) = (None, 0);
    for line in text.lines() {
        let (way, token) = line.split_once(' ').unwrap_or((line, ""));
        let Ok(token) = token.parse::<u64>() else {
            witness.problems.push(format!("the witness says {line:?}"));
            continue;
        };
        if way == "in" {
            witness.runs += 1;
            if let Some(other) = inside {
                witness
                    .problems
                    .push(format!("{token} went in while {other} was in"));
            }
            if token <= last {
                witness
                    .problems
                    .push(format!("token {token} after token {last}"));
            }
            (inside, last) = (Some(token), token);
        } else if inside == Some(token) {
            inside = None;
        }
    }
    witness.is_occupied = inside.is_some();
    witness
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_after_the_other_passes() {
        let witness = read("in 5\nout 5\nin 6\n");
        assert_eq!(witness.problems, Vec::<String>::new());
        assert_eq!((witness.runs, witness.is_occupied), (2, true));
    }

    #[test]
    fn two_at_once_are_refused() {
        assert_eq!(read("in 5\nin 6\nout 5\nout 6\n").problems.len(), 1);
    }

    #[test]
    fn a_token_that_goes_down_is_refused() {
        assert_eq!(read("in 6\nout 6\nin 6\nout 6\n").problems.len(), 1);
        assert_eq!(read("in 6\nout 6\nin 5\nout 5\n").problems.len(), 1);
    }

    #[test]
    fn a_command_without_a_token_is_refused() {
        assert_eq!(read("in \nout \n").problems.len(), 2);
    }
}
