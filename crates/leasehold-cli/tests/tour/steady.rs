//! What differs from run to run: ids, tokens, process numbers, hosts, times, widths of columns.

/// What is said or not as the processes happen to run: of whom waits, and of how long it takes as a rule.
const BY_CHANCE: [&str; 3] = [
    "note: 1 other waits",
    "hint: usually",
    "hint: it is held for",
];

/// Takes what differs from run to run out of the lines.
pub(crate) fn all_steady(lines: &[String]) -> Vec<String> {
    let lines = lines.iter().filter(|line| !is_by_chance(line));
    let lines = lines.map(|line| steady(line));
    // Some shells say that a child was killed, and others do not.
    lines.filter(|line| line != "Killed").collect()
}

fn is_by_chance(line: &str) -> bool {
    // Whoever was killed just now may be seen dying.
    let is_dying = line.starts_with("waiting for") && line.contains("its guard is dead");
    is_dying || BY_CHANCE.iter().any(|begin| line.starts_with(begin))
}

/// Takes what differs from run to run out of a line.
fn steady(line: &str) -> String {
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
    let all_hex = |word: &str| {
        let mut bytes = word.bytes();
        bytes.all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let is_hex = all_hex(word);
    let is_number = word.bytes().all(|b| b.is_ascii_digit());
    let is_time = word.starts_with(|c: char| c.is_ascii_digit())
        && word.ends_with(['s', 'm', 'h', 'd'])
        && word
            .chars()
            .all(|c| c.is_ascii_digit() || ".msdh".contains(c));
    let is_date = word.len() == 24 && word.ends_with('Z') && word.contains('T');
    // A name with a commit in it.
    if let Some((name, commit)) = word.rsplit_once('-')
        && commit.len() == 40
        && all_hex(commit)
    {
        return format!("{name}-COMMIT");
    }
    match (before, word.split_once('@')) {
        _ if is_hex && word.len() == 32 => "ID".into(),
        ("lease" | "freeze" | "by", _) if is_hex && word.len() == 8 => "ID".into(),
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
    check("2026-11-21T18:38:24.682Z", "2027-01-02T03:04:05.678Z", true);
    let (one, other) = ("0".repeat(40), "f".repeat(40));
    check(&format!("`a-{one}`"), &format!("`a-{other}`"), true);
    check(&format!("`a-{one}`"), &format!("`b-{one}`"), false);
    check("ada@laptop", "bob@laptop", false);
    check("exit 2", "exit 3", false);
    check("built", "build", false);
    check("sh: line 1: 77 Killed    leasehold guard", "Killed", true);
}

#[test]
fn what_comes_by_chance_is_left_out() {
    let lines = [
        "error: held",
        "sh: 1: Killed",
        "waiting for `a`, next in line: held by ada; its guard is dead, its command still runs",
        "note: 1 other waits for `a`: bob",
        "hint: queue",
    ];
    let lines = lines.map(str::to_owned);
    assert_eq!(all_steady(&lines), ["error: held", "hint: queue"]);
}
