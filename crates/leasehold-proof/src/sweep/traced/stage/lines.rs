//! Command lines, and what the guarded commands do.

/// Splits a line into words.
pub(in crate::sweep::traced) fn words(line: &str) -> Vec<String> {
    line.split(' ').map(String::from).collect()
}

/// A guard with flags and names, whose command goes through a gate, or is stopped there.
pub(in crate::sweep::traced) fn guard(owner: &str, what: &str, gate: &str) -> Vec<String> {
    let script = format!(
        "trap 'echo \"out $LEASEHOLD_TOKEN\" >> ../witness; exit 9' TERM; \
         echo \"in $LEASEHOLD_TOKEN\" >> ../witness; : > ../up-{gate}; \
         read x < ../gate-{gate}; echo \"out $LEASEHOLD_TOKEN\" >> ../witness"
    );
    guarded(owner, what, script)
}

/// A guard whose command only goes in and out.
pub(in crate::sweep::traced) fn passing_guard(owner: &str, what: &str) -> Vec<String> {
    let script = "echo \"in $LEASEHOLD_TOKEN\" >> ../witness; \
                  echo \"out $LEASEHOLD_TOKEN\" >> ../witness";
    guarded(owner, what, script.into())
}

fn guarded(owner: &str, what: &str, script: String) -> Vec<String> {
    let mut words = words(&format!("guard --owner {owner} {what} -c"));
    words.push(script);
    words
}
