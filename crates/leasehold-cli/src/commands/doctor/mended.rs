//! Whether log and records agree, and making them.

use super::stored::{as_count, broken, some};
use leasehold_api::finding::FindingInfo;
use leasehold_store_file::FileStore;

/// Mends what can be mended, and says what was.
pub(super) fn repaired(store: &FileStore) -> Vec<FindingInfo> {
    const CHECK: &str = "repair";
    let repaired = match store.repair() {
        Ok(repaired) => repaired,
        Err(error) => {
            let hint = "nothing was changed: keep a copy of the directory; with everybody gone it may \
                        be removed";
            return vec![FindingInfo::failure(CHECK, error.to_string(), hint)];
        }
    };
    let mut findings = Vec::new();
    if !repaired.records.is_empty() {
        let number = repaired.records.len();
        let text = format!(
            "made the records again from the log; {number} were wrong: {}",
            some(&repaired.records)
        );
        findings.push(FindingInfo::ok(CHECK, text));
    }
    if let Some(damage) = &repaired.log {
        let text = format!("began the log anew from the records, because {damage}");
        findings.push(FindingInfo::ok(CHECK, text));
    }
    if repaired.leftovers > 0 {
        let text = format!(
            "removed {} that nobody needs",
            super::counted(as_count(repaired.leftovers), "file")
        );
        findings.push(FindingInfo::ok(CHECK, text));
    }
    if findings.is_empty() {
        findings.push(FindingInfo::ok(CHECK, "there was nothing to mend"));
    }
    findings
}

/// Compares what is stored twice.
pub(super) fn verified(store: &FileStore) -> Vec<FindingInfo> {
    const CHECK: &str = "verify";
    let mut findings = Vec::new();
    match store.verify() {
        Ok(differences) if differences.is_empty() => {
            findings.push(FindingInfo::ok(
                CHECK,
                "replaying the log gives the records",
            ));
        }
        Ok(differences) => {
            let number = super::counted(differences.len(), "record");
            let text = format!("{number} not as the log says: {}", some(&differences));
            findings.push(FindingInfo::failure(
                CHECK,
                text,
                "leasehold doctor --repair",
            ));
        }
        Err(error) => findings.push(broken(CHECK, &error)),
    }
    match store.verify_history() {
        Ok(problems) if problems.is_empty() => {}
        Ok(problems) => findings.push(FindingInfo::warning(
            CHECK,
            format!(
                "the audit is damaged, what holds now is not: {}",
                some(&problems)
            ),
            "`leasehold audit` passes over it; `leasehold gc` drops it when it is old",
        )),
        Err(error) => findings.push(broken(CHECK, &error)),
    }
    findings
}
