//! Which layers see which bug.

use leasehold_core::planted::Bug;

/// Returns the layers that should see a bug, the cheapest first. Not those that may see it by luck.
pub(super) const fn layers(bug: Bug) -> &'static [&'static str] {
    match bug {
        Bug::CompareGlobsAsText => &["fuzz", "simulation"],
        // Nobody starves in a history that ends: only a circle of states shows it.
        Bug::ForgetCards => &["model"],
        Bug::ReuseToken
        | Bug::ForgetWaiter
        | Bug::StartBeforePickup
        | Bug::ExpireEarly
        | Bug::GrantToDead
        | Bug::IgnoreFreeze
        | Bug::ForgetRequest
        | Bug::NeverPass
        | Bug::OneSlotMore
        | Bug::ReadBesideWriters
        | Bug::AbandonOrphans
        | Bug::GrantInPart
        | Bug::NeverDie
        | Bug::TrustFront => &["simulation", "model"],
        Bug::WrongBoot | Bug::SkipChecksum | Bug::UnreadableIsDead => &["damage"],
        Bug::SkipReplay
        | Bug::KeepTornLine
        | Bug::DropFromLog
        | Bug::DropFromRecords
        | Bug::KeepFailedGrant
        | Bug::RunRefused
        | Bug::ReleaseBeforeEnd
        | Bug::KeepProof
        | Bug::GoOnWhenLost
        | Bug::ForgetInCheckpoint
        | Bug::GuessAtRepair
        | Bug::LapseUnseen => &["sweep"],
        Bug::SkipMutex => &["sweep", "processes"],
    }
}

/// Returns the cases that see a bug which a sample of all may miss, or sees late: then all of these are
/// tried.
pub(super) const fn only(bug: Bug) -> Option<&'static str> {
    match bug {
        // It takes a torn line that is longer than the next one.
        Bug::KeepTornLine => Some("kill inside write"),
        Bug::KeepProof => Some("guard, kill"),
        Bug::GoOnWhenLost => Some("guard-robbed"),
        Bug::ForgetInCheckpoint => Some("gc"),
        Bug::GuessAtRepair => Some("repair-both"),
        Bug::LapseUnseen => Some("guard-past-orphan"),
        _ => None,
    }
}

/// What the build without a chosen bug is tried with.
pub(super) const CONTROL: [&str; 6] = [
    "fuzz",
    "damage",
    "simulation",
    "model",
    "sweep",
    "processes",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_enough_bugs_and_each_has_a_hunter() {
        assert!(Bug::ALL.len() >= 12);
        for bug in Bug::ALL {
            let known = |name: &&str| crate::Layer::parse(name).is_some();
            assert!(!layers(*bug).is_empty() && layers(*bug).iter().all(known));
            // What must be clean without a bug is what is dirty with one.
            assert!(layers(*bug).iter().all(|name| CONTROL.contains(name)));
        }
    }
}
