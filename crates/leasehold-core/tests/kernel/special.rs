//! The special cases of the kernel's rules §6, each told by the same rules.

use crate::story::{Story, guard, lock};
use leasehold_core::command::{Command, Proof};
use leasehold_core::freeze::Freeze;
use leasehold_core::verdict::{Blocker, Refusal, Verdict};

use leasehold_core::{Identity, Intent, LeaseId, Timestamp};

#[test]
fn two_guards_of_one_owner_exclude_each_other() {
    let mut s = Story::new();
    s.takes("first", guard("a", "A"));
    s.is_held("second", guard("a", "A").now());
    s.queues("second", guard("a", "A"));
    s.releases("first");
    s.picks_up("second");
}

#[test]
fn own_lock_again_is_a_renewal_that_no_freeze_stops() {
    let mut s = Story::new();
    s.takes("lock", lock("a", "A").ttl(100));
    s.freezes("A", 1_000);
    s.world.wait(50);
    s.renews("again", lock("a", "A").ttl(100), "lock");
    assert_eq!(
        s.lease("lock").expires.map(Timestamp::as_millis),
        Some(s.world.now() + 100)
    );
    assert_eq!(s.world.view.leases().count(), 1);
}

#[test]
fn own_lock_without_proof() {
    let mut s = Story::new();
    s.takes("lock", lock("a", "A"));
    s.is_held("no wait", guard("a", "A").now());
    s.dies("wait", guard("a", "A"));
    s.dies("other claims", lock("a", "A B"));
    s.joins("with proof", guard("a", "A").inside("lock"), "lock");
}

#[test]
fn a_nameless_agent_is_a_stranger_to_its_own_lock() {
    let mut s = Story::new();
    s.takes("lock", lock("u", "A").nameless());
    s.is_held("again", lock("u", "A").nameless().now());
    s.queues("guard", guard("u", "A").nameless());
}

#[test]
fn siblings_exclude_each_other_but_for_what_their_chain_covers() {
    let mut s = Story::new();
    s.takes("parent", guard("a", "A"));
    s.takes("child 1", guard("a", "B").inside("parent"));
    s.queues("child 2", guard("a", "B").inside("parent"));
    s.joins("covered 1", guard("a", "A").inside("parent"), "parent");
    s.takes("lock", lock("a", "A").inside("parent"));
    // Also beside the lock that a sibling took inside the cover.
    s.joins("covered 2", guard("a", "A").inside("parent"), "parent");
    s.releases("child 1");
    s.picks_up("child 2");
}

#[test]
fn a_lock_stays_when_the_guard_around_it_is_lost() {
    let mut s = Story::new();
    s.takes("guard", guard("a", "A"));
    s.takes("lock", lock("a", "A").inside("guard"));
    let by = Identity::named("b", "h");
    let force = Command::Release {
        lease: s.id("guard"),
        by,
        proof: Proof::Force,
    };
    assert_eq!(s.run(&force), Verdict::Done);
    s.queues("b", guard("b", "A"));
    s.blocked_by("b", &["lock"]);
    let verdict = s.asks("too late", guard("a", "B").inside("guard"));
    assert_eq!(verdict, Verdict::Lost(s.id("guard")));
}

#[test]
fn scoped_leases_do_not_cover_a_lock() {
    let mut s = Story::new();
    s.takes("lock", lock("a", "A"));
    s.joins("lock in a lock", lock("b", "A").inside("lock"), "lock");
    s.takes("guard", guard("a", "B"));
    s.takes("lock in a guard", lock("a", "B").inside("guard"));
}

#[test]
fn a_waiter_gone_at_its_grant_blocks_for_the_pickup_time() {
    let mut s = Story::new();
    s.takes("a", guard("a", "A"));
    s.queues("b", guard("b", "A"));
    s.queues("c", guard("c", "A"));
    s.releases("a");
    s.later(9_999);
    assert!(!s.lease("b").is_bound());
    s.later(1);
    s.parked("b");
    s.picks_up("c");
    s.is_lost("b");
}

#[test]
fn a_dead_waiter_is_passed_at_once() {
    let mut s = Story::new();
    s.takes("a", guard("a", "A"));
    s.queues("b", guard("b", "A"));
    s.queues("c", guard("c", "A"));
    s.releases("a");
    s.dead("b");
    s.parked("b");
    s.picks_up("c");
}

#[test]
fn bound_commits_before_passed() {
    let mut s = Story::new();
    s.takes("a", guard("a", "A"));
    s.queues("b", guard("b", "A").ttl(100));
    s.releases("a");
    // Late, but nobody has passed it yet.
    s.world.wait(20_000);
    s.picks_up("b");
    assert_eq!(
        s.lease("b").expires.map(Timestamp::as_millis),
        Some(s.world.now() + 100)
    );
}

#[test]
fn an_upgrade_gets_a_token_of_its_own() {
    let mut s = Story::new();
    s.takes("read", guard("a", "A").read());
    s.takes("write", guard("a", "A").inside("read"));
    assert!(s.lease("write").token > s.lease("read").token);
    s.releases("write");
    assert_eq!(s.lease("read").claims[0].intent, Intent::Consumes);
}

#[test]
fn of_two_upgraders_the_older_waits() {
    let mut s = Story::new();
    s.takes("old", guard("a", "A").read());
    s.takes("young", guard("b", "A").read());
    s.queues("old write", guard("a", "A").inside("old"));
    s.dies("young write", guard("b", "A").inside("young"));
    s.releases("young");
    s.picks_up("old write");
}

#[test]
fn several_claims_wait_at_once_and_hold_nothing() {
    let mut s = Story::new();
    s.takes("a", guard("a", "A"));
    s.queues("both", guard("b", "A B"));
    s.is_held("behind", guard("c", "B").now());
    assert_eq!(s.world.view.leases().count(), 1);
    s.releases("a");
    s.holds("both", "A B");
}

#[test]
fn widening_is_blocked_by_others_inside_but_not_by_its_own() {
    let mut s = Story::new();
    s.takes("leaf", guard("a", "path:d/x"));
    s.takes("other", guard("b", "path:d/y"));
    s.queues("tree", guard("a", "path:d").inside("leaf"));
    s.blocked_by("tree", &["other"]);
    s.releases("other");
    s.picks_up("tree");
}

#[test]
fn a_pool_has_one_size_while_anybody_holds_or_waits() {
    let mut s = Story::new();
    s.takes("a", guard("a", "S/1"));
    let refused = |verdict: &Verdict| {
        matches!(
            verdict,
            Verdict::Refused(Refusal::PoolSize { in_force: 1, .. })
        )
    };
    assert!(refused(&s.asks("b", guard("b", "S/2"))));
    s.is_held("whole", guard("c", "S").now());
    s.releases("a");
    s.takes("b", guard("b", "S/2"));
    s.takes("c", guard("c", "S/2"));
    s.queues("d", guard("d", "S/2"));
}

/// Found by the laws: a lapsed slot that was kept beside slots of a resized pool, then renewed.
#[test]
fn a_lapsed_slot_does_not_outlive_the_size_of_its_pool() {
    let mut s = Story::new();
    s.takes("old", guard("a", "S/1").ttl(10));
    s.later(10);
    s.takes("new", guard("b", "S/2"));
    assert_eq!(s.renewal("old"), Verdict::Lost(s.id("old")));
}

/// Found by the model: the slot of the own chain was spared when it had lapsed, and revived as one
/// too many.
#[test]
fn a_lapsed_slot_of_the_own_chain_makes_way_too() {
    let mut s = Story::new();
    s.takes("other", guard("b", "S/2"));
    s.takes("slot", lock("a", "S/2").ttl(10));
    s.takes("inner", guard("a", "A").inside("slot"));
    s.later(10);
    s.takes("slot again", guard("a", "S/2").inside("inner"));
    s.slot("slot again", 1);
    assert_eq!(s.renewal("slot"), Verdict::Lost(s.id("slot")));
}

#[test]
fn a_renewal_after_expiry_finds_the_lease_unless_somebody_was_granted() {
    let mut s = Story::new();
    s.takes("a", guard("a", "A").ttl(10));
    s.later(10);
    assert!(matches!(s.renewal("a"), Verdict::Renewed(_)));
    s.later(9);
    s.is_held("b", guard("b", "A").now());
    s.later(1);
    s.takes("b", guard("b", "A").now());
    assert_eq!(s.renewal("a"), Verdict::Lost(s.id("a")));
}

/// Law L9: it ended with its holder, though nobody has noticed yet.
#[test]
fn a_renewal_does_not_bring_back_what_the_dead_held() {
    let mut s = Story::new();
    s.takes("a", guard("a", "A").ttl(10));
    s.queues("b", guard("b", "A"));
    let a = s.id("a");
    s.world.dead_holders.insert(a.bits());
    assert!(
        matches!(s.renewal("a"), Verdict::Renewed(_)),
        "its command lives, and is protected"
    );
    s.world.dead_commands.insert(a.bits());
    assert_eq!(s.renewal("a"), Verdict::Lost(a));
    s.picks_up("b");
}

#[test]
fn a_renewal_does_not_protect_an_orphan_for_longer() {
    let mut s = Story::new();
    s.takes("a", guard("a", "A"));
    s.dead("a");
    s.later(s.world.policy.orphan_ms - 1);
    assert!(matches!(s.renewal("a"), Verdict::Renewed(_)));
    s.later(1);
    assert_eq!(s.renewal("a"), Verdict::Lost(s.id("a")));
    s.takes("b", guard("b", "A").now());
}

#[test]
fn a_lease_kept_while_alive_outlives_its_ttl() {
    let mut s = Story::new();
    s.takes("a", guard("a", "A").ttl(10).kept_while_alive());
    s.later(1_000);
    s.is_held("b", guard("b", "A").now());
    s.dead("a");
    s.is_held("b", guard("b", "A").now());
    s.dead_command("a");
    s.takes("b", guard("b", "A").now());
}

#[test]
fn an_orphan_blocks_whatever_its_ttl_until_orphan_max() {
    let mut s = Story::new();
    s.takes("a", guard("a", "A").ttl(10));
    s.dead("a");
    s.later(3_599_999);
    s.is_held("b", guard("b", "A").now());
    s.later(1);
    s.takes("b", guard("b", "A").now());
    s.gone("a");
}

#[test]
fn a_lock_does_not_end_with_its_process() {
    let mut s = Story::new();
    s.takes("lock", lock("a", "A"));
    s.dead("lock");
    s.dead_command("lock");
    s.is_held("b", guard("b", "A").now());
}

#[test]
fn a_parked_place_is_not_counted_and_stands_where_it_stood() {
    let mut s = Story::new();
    s.takes("a", guard("a", "A"));
    s.queues("b", guard("b", "A").patient(100));
    s.queues("c", guard("c", "A"));
    s.later(100);
    s.parked("b");
    s.blocked_by("c", &["a"]);
    s.queues("b again", guard("b", "A"));
    s.numbered("b again", 2);
    s.blocked_by("c", &["a", "b again"]);
    s.releases("a");
    s.picks_up("b again");
}

#[test]
fn a_place_is_kept_for_ten_minutes() {
    let mut s = Story::new();
    s.takes("a", guard("a", "A"));
    s.queues("b", guard("b", "A").patient(100));
    s.later(100);
    s.later(599_999);
    s.parked("b");
    s.later(1);
    s.gone("b");
}

#[test]
fn a_frozen_ticket_blocks_nobody_and_is_judged_at_the_thaw() {
    let mut s = Story::new();
    s.takes("a", guard("a", "A"));
    s.queues("b", guard("b", "A B"));
    s.freezes("A", 1_000);
    s.takes("c", guard("c", "B"));
    s.releases("a");
    s.waits("b");
    s.thaws("A");
    s.blocked_by("b", &["c"]);
    s.releases("c");
    s.picks_up("b");
}

#[test]
fn a_freeze_stops_each_grant_and_no_holder() {
    let mut s = Story::new();
    s.takes("a", guard("a", "A").ttl(10_000));
    s.freezes("A", 1_000);
    let verdict = s.asks("b", guard("b", "A").now());
    assert!(
        matches!(verdict, Verdict::Refused(Refusal::Frozen(_))),
        "{verdict:?}"
    );
    assert!(matches!(s.renewal("a"), Verdict::Renewed(_)));
    s.joins("inner", guard("a", "A").inside("a"), "a");
    s.queues("c", guard("c", "A"));
    s.releases("a");
    s.later(999);
    s.waits("c");
    s.later(1);
    s.picks_up("c");
}

#[test]
fn strict_is_judged_as_if_always_pressed() {
    let mut s = Story::new();
    s.takes("a", guard("a", "A"));
    s.dies("younger", guard("b", "A").strict());
    s.queues("older", guard("c", "A").strict().priority(1));
    s.releases("a");
    s.picks_up("older");
}

#[test]
fn equal_owner_unlocks_a_lock_but_no_guard() {
    let mut s = Story::new();
    s.takes("lock", lock("a", "A"));
    s.takes("guard", guard("a", "B"));
    let by = |name: &str| Identity::nameless(name, "h");
    let unlock = |s: &Story, name: &str, who: &str| Command::Release {
        lease: s.id(name),
        by: by(who),
        proof: Proof::Owner,
    };
    let (theirs, ours, scoped) = (
        unlock(&s, "lock", "b"),
        unlock(&s, "lock", "a"),
        unlock(&s, "guard", "a"),
    );
    assert!(matches!(s.run(&theirs), Verdict::NotYours(_)));
    assert!(matches!(s.run(&scoped), Verdict::NotYours(_)));
    assert_eq!(s.run(&ours), Verdict::Done);
    assert_eq!(s.run(&ours), Verdict::NotFound);
}

#[test]
fn a_cancelled_waiter_leaves_no_place_and_no_grant() {
    let mut s = Story::new();
    s.takes("a", guard("a", "A"));
    s.queues("b", guard("b", "A"));
    s.queues("c", guard("c", "A"));
    s.releases("a");
    let cancel = Command::Cancel(s.id("b"));
    assert_eq!(s.run(&cancel), Verdict::Done);
    s.gone("b");
    s.picks_up("c");
    let too_late = Command::Cancel(s.id("c"));
    assert_eq!(s.run(&too_late), Verdict::NotFound);
}

#[test]
fn cards_are_made_good_by_the_grant_of_what_died() {
    let mut s = Story::new();
    s.takes("lock", lock("b", "B"));
    s.takes("a", guard("a", "A"));
    s.queues("b", guard("b", "A"));
    s.queues("c", guard("c", "B"));
    s.gone("b");
    assert_eq!(s.world.view.cards().count(), 2);
    s.releases("lock");
    s.picks_up("c");
    s.releases("a");
    s.takes("b again", guard("b", "A"));
    assert_eq!(s.world.view.cards().count(), 0);
    s.queues("lock again", lock("b", "B"));
    s.born("lock again", &[6]);
}

#[test]
fn a_death_says_who_is_in_the_way_and_who_wants_what() {
    let mut s = Story::new();
    s.takes("old", guard("a", "build"));
    s.takes("lock", lock("b", "issue:2"));
    s.queues("c", guard("c", "issue:2"));
    let verdict = s.asks("b", guard("b", "build"));
    let Verdict::Died(death) = verdict else {
        panic!("{verdict:?}")
    };
    assert_eq!(
        death.blockers.iter().map(Blocker::id).collect::<Vec<_>>(),
        [s.id("old")]
    );
    assert_eq!(
        death.wanted.iter().map(|l| l.id).collect::<Vec<_>>(),
        [s.id("lock")]
    );
    assert_eq!(
        death.pressers.iter().map(|t| t.request).collect::<Vec<_>>(),
        [s.id("c")]
    );
}

#[test]
fn of_two_that_may_not_wait_the_newcomer_dies_and_saves_the_other() {
    let mut s = Story::new();
    s.takes("x1", guard("x", "A"));
    s.takes("r2", guard("r", "B"));
    s.takes("q3", guard("q", "C"));
    s.queues("q in", guard("q", "A").inside("q3"));
    s.queues("p", guard("p", "B"));
    // It is older than q, whom its wish for C would kill.
    s.dies("r in", guard("r", "A C").inside("r2"));
    s.waits("q in");
}

#[test]
fn deaths_come_before_grants() {
    let mut s = Story::new();
    s.takes("old", guard("o", "path:t/x"));
    s.takes("lock", lock("z", "L"));
    s.freezes("path:t", 1_000);
    s.queues("z", guard("z", "path:t/x D"));
    s.queues("behind z", guard("g", "path:t/y D"));
    s.queues("free", guard("f", "path:t/z"));
    s.queues("presser", guard("p", "L"));
    s.thaws("path:t");
    s.gone("z");
    assert!(s.lease("behind z").token < s.lease("free").token);
}

#[test]
fn a_killed_wait_is_taken_up_again_before_anybody_noticed() {
    let mut s = Story::new();
    s.takes("a", guard("a", "A"));
    s.queues("b", guard("b", "A"));
    s.queues("c", guard("c", "A"));
    s.world.dead_holders.insert(s.id("b").bits());
    s.queues("b again", guard("b", "A"));
    s.numbered("b again", 2);
    s.blocked_by("b again", &["a"]);
}

/// Found by the model check: who was frozen had nobody to watch, and at the thaw nobody told it.
#[test]
fn a_thaw_and_a_freeze_wake_those_who_wait_there() {
    let mut s = Story::new();
    s.takes("a", guard("a", "A"));
    s.freezes("B", 1_000);
    s.queues("b", guard("b", "A B"));
    s.queues("c", guard("c", "A"));
    s.takes("e", guard("e", "D"));
    s.queues("d", guard("d", "D"));
    s.blocked_by("b", &[]);
    let thaw = Command::Thaw {
        resource: s.ticket("b").claims[1].resource.clone(),
        by: Identity::named("boss", "h"),
        force: false,
    };
    let decision = s.world.run(&thaw);
    assert_eq!(decision.wakes, [s.id("b"), s.id("c")]);
    s.blocked_by("b", &["a"]);
}

/// A freeze is its owner's to lift; what others set stays until they lift it, or somebody insists.
#[test]
fn who_thaws_ends_its_own_freeze_alone() {
    let mut s = Story::new();
    s.freezes("A", 1_000);
    let (dan, ada) = (Identity::named("dan", "h"), Identity::named("ada", "h"));
    let freeze = s.world.view.freezes().next().unwrap().clone();
    let resource = freeze.resource.clone();
    let also = Freeze {
        id: LeaseId::new(2_000),
        who: dan.clone(),
        ..freeze.clone()
    };
    assert_eq!(s.run(&Command::Freeze(also.clone())), Verdict::Done);
    let mut thaw = |by: &Identity, force| {
        let (resource, by) = (resource.clone(), by.clone());
        let verdict = s.run(&Command::Thaw {
            resource,
            by,
            force,
        });
        let left: Vec<LeaseId> = s.world.view.freezes().map(|freeze| freeze.id).collect();
        (verdict, left)
    };
    let not_yours = |freeze: &Freeze| Verdict::FreezeNotYours(Box::new(freeze.clone()));
    assert_eq!(
        thaw(&ada, false),
        (not_yours(&freeze), vec![freeze.id, also.id])
    );
    assert_eq!(thaw(&dan, false), (Verdict::Done, vec![freeze.id]));
    assert_eq!(thaw(&dan, false), (not_yours(&freeze), vec![freeze.id]));
    assert_eq!(thaw(&dan, true), (Verdict::Done, vec![]));
    assert_eq!(thaw(&dan, true), (Verdict::NotFound, vec![]));
}

/// Found by the model check: only the asker's own locks came back with an age, so this one was for ever
/// the younger.
#[test]
fn a_lock_around_another_agents_request_comes_back_with_its_age() {
    let mut s = Story::new();
    s.takes("lock", lock("a", "A"));
    s.takes("c1", guard("c", "C"));
    s.takes("outer", guard("a", "B"));
    s.queues("c in", guard("c", "A").inside("c1"));
    s.dies("inner", guard("d", "C").inside("outer"));
    s.releases("outer");
    s.releases("lock");
    s.picks_up("c in");
    s.releases("c in");
    s.releases("c1");
    s.takes("c2", guard("c", "C"));
    s.takes("again", lock("a", "A"));
    s.born("again", &[3, 5]);
}

#[test]
fn an_orphan_that_cannot_be_seen_any_more_stays_one() {
    let mut s = Story::new();
    s.takes("a", guard("a", "A").ttl(10));
    s.dead("a");
    s.unseen("a");
    s.later(s.world.policy.orphan_ms - 1);
    s.is_held("b", guard("b", "A").now());
    s.later(1);
    s.takes("b", guard("b", "A").now());
}

#[test]
fn who_cannot_be_seen_may_be_an_orphan_past_its_ttl() {
    let mut s = Story::new();
    s.takes("a", guard("a", "A").ttl(10));
    s.unseen("a");
    s.later(10 + s.world.policy.orphan_ms - 1);
    s.is_held("b", guard("b", "A").now());
    s.later(1);
    s.takes("b", guard("b", "A").now());
}

#[test]
fn without_a_command_who_cannot_be_seen_lapses_in_time() {
    let mut s = Story::new();
    s.takes("a", guard("a", "A").ttl(10));
    s.unseen("a");
    s.dead_command("a");
    s.later(9);
    s.is_held("b", guard("b", "A").now());
    s.later(1);
    s.takes("b", guard("b", "A").now());
}
