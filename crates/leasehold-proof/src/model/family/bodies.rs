//! The programs that families are made of, without their agents.

/// Requests for one or more of some names, each to read or to change.
pub(super) fn requests(names: &[&str]) -> Vec<String> {
    let mut all = vec![String::new()];
    for name in names {
        let longer = |request: &String| {
            let plus = if request.is_empty() { "" } else { "+" };
            [
                request.clone(),
                format!("{request}{plus}{name}"),
                format!("{request}{plus}~{name}"),
            ]
        };
        all = all.iter().flat_map(longer).collect();
    }
    all.retain(|request| !request.is_empty());
    all
}

/// Requests for one of some names, to read or to change.
pub(super) fn singles(names: &[&str]) -> Vec<String> {
    let both = |name: &&str| [(*name).to_owned(), format!("~{name}")];
    names.iter().flat_map(both).collect()
}

/// Every pattern with every way to put requests in the places that it marks with `$`.
fn fill(patterns: &[&str], requests: &[String]) -> Vec<String> {
    let mut all = Vec::new();
    let mut open: Vec<String> = patterns.iter().map(ToString::to_string).collect();
    while !open.is_empty() {
        let filled = open.iter().flat_map(|pattern| {
            let fill = |request: &String| pattern.replacen('$', request, 1);
            requests.iter().map(fill)
        });
        let (more, whole) = filled.partition(|pattern: &String| pattern.contains('$'));
        all.extend::<Vec<String>>(whole);
        open = more;
    }
    all
}

/// A guard, alone or with one inside.
pub(super) fn guards(requests: &[String]) -> Vec<String> {
    fill(&["$", "${$}"], requests)
}

/// Locks, and what is done beside or under them.
pub(super) fn locks(requests: &[String]) -> Vec<String> {
    fill(&["!$", "!$ $", "!$ !$", "!${$}"], requests)
}

/// A lock inside a guard, and more after it.
pub(super) fn locks_inside(requests: &[String]) -> Vec<String> {
    fill(&["${!$}", "${!$ $}"], requests)
}

/// What asks without waiting.
pub(super) fn without_waiting(requests: &[String]) -> Vec<String> {
    fill(&["$?", "${$?}", "!$? $"], requests)
}

/// Another agent inside.
pub(super) fn two_agents(requests: &[String]) -> Vec<String> {
    fill(&["${@x:$}", "${@x:!$}"], requests)
}

/// Everything above.
pub(super) fn all_kinds(requests: &[String]) -> Vec<String> {
    let kinds = [guards, locks, locks_inside, without_waiting, two_agents];
    kinds.iter().flat_map(|kind| kind(requests)).collect()
}

/// In front, behind, or neither.
pub(super) fn with_priority(requests: &[String]) -> Vec<String> {
    fill(
        &["$", "${$}", "$#50", "$#50{$}", "${$#50}", "!$#50 $"],
        requests,
    )
}

/// Judged as if always pressed, or as others are.
pub(super) fn strict(requests: &[String]) -> Vec<String> {
    fill(&["${$}", "&$", "&${&$}", "${&$}", "&!$ &$"], requests)
}

/// What runs out.
pub(super) fn with_ttl(requests: &[String]) -> Vec<String> {
    fill(&["$", "$:5", "$:5{$}", "${$:5}", "!$:5 $"], requests)
}
