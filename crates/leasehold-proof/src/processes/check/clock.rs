//! The time line of the workspace is that of the boot-time clock, whatever wall clocks show (law L13).
//!
//! That nothing lapses before its time and that grants and renewals are for their TTL is told in
//! `replay`, by the times of the log. Here those times are compared with a clock that the log knows
//! nothing of. Together: no jump of a wall clock ends a lease early.

use crate::processes::history::Deed;
use crate::processes::story::{Life, Story};

/// Every grant is later than its question, and earlier than what its operation did next.
pub(in crate::processes) fn true_line(story: &Story) -> Vec<String> {
    let lives = story.lives.iter();
    lives.filter_map(|life| wrong(story, life)).collect()
}

fn wrong(story: &Story, life: &Life) -> Option<String> {
    let op = story.ops.get(&life.op?)?;
    let start = story.holds.iter().find(|hold| Some(hold.op) == life.op);
    // What was killed may have been `nsenter` around it, and the guard went on.
    let ended = op.ended.as_ref().map(|end| end.t);
    let ended = ended.filter(|_| op.first_deed(&Deed::KillGuard).is_none());
    let next = [start.map(|hold| hold.start), ended];
    let next = next.into_iter().flatten().min().unwrap_or(u64::MAX / 2);
    let is_right = op.invoked <= life.granted + story.slack && life.granted <= next + story.slack;
    (!is_right).then(|| {
        let ms = |t: u64| t / 1_000_000;
        let (granted, from, to) = (ms(life.granted), ms(op.invoked), ms(next));
        let line = op.line();
        format!("granted at {granted} ms by the log, but it was between {from} and {to} ms: {line}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::processes::check::sample::Sample;

    #[test]
    fn a_grant_before_its_question_or_after_its_command_is_told() {
        let problems = |shift_ms: i64| {
            let mut sample = Sample::default();
            sample.guard(1, "build", 100..200);
            let commit = &mut sample.commits[0];
            commit.at = commit.at.saturating_add_signed(shift_ms * 1_000_000);
            true_line(&sample.story()).len()
        };
        assert_eq!([0, -50, 50].map(problems), [0, 1, 1]);
    }
}
