//! What differs from run to run: ids, tokens, process numbers, hosts, times, widths of columns.

/// Takes what differs from run to run out of a line.
pub(crate) fn steady(line: &str) -> String {
    // Each shell has its own words for the end of a child that was killed.
    if line.split_whitespace().any(|word| word == "Killed") {
        return "Killed".into();
    }
    let mut before = "";
    let mut words = Vec::new();
    for word in line.split_whitespace() {
        let core = word.trim_matches(|c: char| "(),:;.`".contains(c));
        words.push(if core.is_empty() {
            word.into()
        } else {
            word.replace(core, &value(before, core))
        });
        before = core;
    }
    words.join(" ")
}

/// Returns a word, or what kind of value it is.
fn value(before: &str, word: &str) -> String {
    let is_hex = word
        .bytes()
        .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    let is_number = word.bytes().all(|b| b.is_ascii_digit());
    let is_time = word.starts_with(|c: char| c.is_ascii_digit())
        && word.ends_with(['s', 'm', 'h', 'd'])
        && word
            .chars()
            .all(|c| c.is_ascii_digit() || ".msdh".contains(c));
    let is_date = word.starts_with("20") && word.contains('T') && word.ends_with('Z');
    match (before, word.split_once('@')) {
        _ if is_hex && word.len() == 32 => "ID".into(),
        ("lease", _) if is_hex && word.len() == 8 => "ID".into(),
        ("token", _) if is_number => "TOKEN".into(),
        ("pid", _) if is_number => "PID".into(),
        (_, Some((owner, _))) => format!("{owner}@HOST"),
        _ if is_time => "TIME".into(),
        _ if is_date => "DATE".into(),
        _ => word.into(),
    }
}

#[test]
fn what_differs_from_run_to_run_is_taken_out() {
    #[track_caller]
    fn check(a: &str, b: &str, are_alike: bool) {
        assert_eq!(
            steady(a) == steady(b),
            are_alike,
            "{} / {}",
            steady(a),
            steady(b)
        );
    }
    check("(lease 3f9c0a1b)", "(lease 00000000)", true);
    check(
        "held by ada (pid 12, `make`) for 8ms",
        "held by ada (pid 9, `make`) for 1.2s",
        true,
    );
    check("ada@laptop   1s  pid 7", "ada@x  20ms pid 8", true);
    check("token 4294967297)", "token 7)", true);
    check(
        "until 2026-11-21T19:26:07.932Z",
        "until 2027-01-02T03:04:05.006Z",
        true,
    );
    check("ada@laptop", "bob@laptop", false);
    check("exit 2", "exit 3", false);
    check("built", "build", false);
    check("sh: line 1: 77 Killed    leasehold guard", "Killed", true);
}
