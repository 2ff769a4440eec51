//! The worked traces of the kernel's rules §8, named and told as they stand there.

use crate::story::{Story, guard, lock};

#[test]
fn trace_1_crossing() {
    let mut s = Story::new();
    s.takes("a1", guard("a", "B"));
    s.takes("b2", guard("b", "A"));
    s.queues("bB", guard("b", "B").inside("b2"));
    s.queues("aA", guard("a", "A").inside("a1"));
    s.gone("bB");
    s.releases("b2");
    s.picks_up("aA");
    s.queues("b again", guard("b", "A"));
    s.born("b again", &[2]);
    s.releases("aA");
    s.picks_up("b again");
}

#[test]
fn trace_2_passing() {
    let mut s = Story::new();
    s.takes("w1", guard("w", "A"));
    s.queues("r2", guard("r", "A B"));
    s.takes("w in", guard("w", "B").inside("w1"));
    s.releases("w in");
    s.waits("r2");
    s.releases("w1");
    s.picks_up("r2");
}

#[test]
fn trace_2_whoever_passes_is_served_first() {
    let mut s = Story::new();
    s.takes("w1", guard("w", "A"));
    s.takes("x2", guard("x", "B"));
    s.queues("p3", guard("p", "A"));
    s.queues("r4", guard("r", "B"));
    s.queues("w in", guard("w", "B").inside("w1"));
    s.blocked_by("w in", &["x2"]);
    s.blocked_by("r4", &["x2", "w in"]);
    s.releases("x2");
    s.picks_up("w in");
    s.waits("r4");
}

#[test]
fn trace_3_no_passing() {
    let mut s = Story::new();
    // r dies for the lock C, which y wants while x is older.
    s.takes("r C", lock("r", "C"));
    s.takes("x", guard("x", "A"));
    s.queues("r3", guard("r", "A B"));
    s.queues("y", guard("y", "C"));
    s.gone("r3");
    s.releases("r C");
    s.picks_up("y");
    s.releases("x");
    s.takes("w5", guard("w", "A"));
    s.queues("r again", guard("r", "A B"));
    s.born("r again", &[3]);
    s.dies("w in", guard("w", "B").inside("w5"));
    s.releases("w5");
    s.picks_up("r again");
    s.holds("r again", "A B");
}

#[test]
fn trace_4_claims() {
    let mut s = Story::new();
    s.takes("a1", lock("a", "issue:1"));
    s.takes("b2", lock("b", "issue:2"));
    s.takes("a3", guard("a", "build"));
    s.queues("b4", guard("b", "build"));
    s.queues("c5", guard("c", "issue:2"));
    s.gone("b4");
    s.releases("b2");
    s.picks_up("c5");
}

#[test]
fn trace_4_without_a_waiter_there_is_no_death() {
    let mut s = Story::new();
    s.takes("a1", lock("a", "issue:1"));
    s.takes("b2", lock("b", "issue:2"));
    s.takes("a3", guard("a", "build"));
    s.queues("b4", guard("b", "build"));
    s.releases("a3");
    s.picks_up("b4");
}

#[test]
fn trace_5_convoy_and_place() {
    let mut s = Story::new();
    s.takes("x1", guard("x", "A"));
    s.queues("r2", guard("r", "A B"));
    s.queues("s3", guard("s", "B"));
    s.dead("r2");
    s.parked("r2");
    s.picks_up("s3");
    s.queues("r again", guard("r", "A B"));
    s.numbered("r again", 2);
    s.blocked_by("r again", &["x1", "s3"]);
    s.queues("t4", guard("t", "B"));
    s.blocked_by("t4", &["s3", "r again"]);
}

#[test]
fn trace_6_why_attempts() {
    let mut s = Story::new();
    s.takes("a1", guard("a", "B"));
    s.takes("b2", guard("b", "A"));
    s.queues("b in", guard("b", "B").inside("b2"));
    s.queues("a in", guard("a", "A").inside("a1"));
    s.gone("b in");
    s.releases("b2");
    s.picks_up("a in");
    s.queues("b retry", guard("b", "A"));
    s.releases("a in");
    s.picks_up("b retry");
    s.releases("a1");
    // The second round of a is younger than the retry of b.
    s.takes("a next", guard("a", "B"));
    s.queues("b retry in", guard("b", "B").inside("b retry"));
    s.dies("a next in", guard("a", "A").inside("a next"));
    s.releases("a next");
    s.picks_up("b retry in");
}

#[test]
fn trace_7_upgrade_of_the_younger() {
    let mut s = Story::new();
    s.takes("a1", guard("a", "A").read());
    s.takes("b2", guard("b", "A").read());
    s.queues("w3", guard("w", "A"));
    s.dies("b write", guard("b", "A").inside("b2"));
}

#[test]
fn trace_7_upgrade_of_the_older() {
    let mut s = Story::new();
    s.takes("a1", guard("a", "A").read());
    s.takes("b2", guard("b", "A").read());
    s.queues("w3", guard("w", "A"));
    s.queues("a write", guard("a", "A").inside("a1"));
    s.releases("b2");
    s.picks_up("a write");
    s.releases("a write");
    s.waits("w3");
    s.releases("a1");
    s.picks_up("w3");
}

#[test]
fn trace_8_pool_of_two() {
    let mut s = Story::new();
    s.takes("a1", guard("a", "S/2"));
    s.takes("b2", guard("b", "S/2"));
    s.queues("c3", guard("c", "S/2 A"));
    s.queues("d4", guard("d", "S/2"));
    s.releases("b2");
    s.picks_up("c3");
    s.slot("c3", 1);
    s.waits("d4");
    s.releases("a1");
    s.picks_up("d4");
    s.slot("d4", 0);
}

#[test]
fn trace_8_a_ticket_reserves_one_slot_and_no_more() {
    let mut s = Story::new();
    s.takes("x", guard("x", "A"));
    s.takes("a", guard("a", "S/2"));
    s.takes("b", guard("b", "S/2"));
    s.queues("c", guard("c", "S/2 A"));
    s.queues("d", guard("d", "S/2"));
    s.releases("b");
    s.waits("d");
    s.releases("a");
    s.picks_up("d");
    s.waits("c");
    s.releases("x");
    s.picks_up("c");
}

#[test]
fn trace_9_lock_inside_a_guard() {
    let mut s = Story::new();
    s.takes("a1", guard("a", "A"));
    s.queues("b2", guard("b", "A"));
    s.takes("a lock", lock("a", "A").inside("a1"));
    s.born("a lock", &[1, 3]);
    s.releases("a1");
    s.waits("b2");
    s.blocked_by("b2", &["a lock"]);
    s.releases("a lock");
    s.picks_up("b2");
}

#[test]
fn trace_10_two_locks() {
    let mut s = Story::new();
    s.takes("a1", lock("a", "A"));
    s.takes("b2", lock("b", "B"));
    s.queues("a3", guard("a", "B"));
    s.dies("b4", guard("b", "A"));
    s.queues("c5", guard("c", "A"));
    s.gone("a3");
    s.releases("a1");
    s.releases("b2");
    s.picks_up("c5");
    s.releases("c5");
    s.takes("a again", lock("a", "A"));
    s.born("a again", &[3]);
    s.takes("b again", lock("b", "B"));
    s.born("b again", &[4]);
}
