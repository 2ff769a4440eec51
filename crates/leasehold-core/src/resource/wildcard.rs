//! Matching a row of pattern items against a row of subjects, for characters and for segments.

/// What has to follow when the pattern is used up.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Nothing: the pattern matches the whole subject.
    Whole,
    /// Anything: the pattern matches a beginning of the subject.
    Open,
}

/// Returns whether `pattern` matches `subject`, where an item that `is_run` takes any number of
/// subjects and every other item takes one that it `accepts`.
///
/// On a mismatch the last run takes one subject more and matching goes on from there. Only the
/// last run is ever revisited: what stands before it is already matched as early as possible, and
/// giving more away earlier leaves only less for the rest. So there is no recursion, no memory is
/// taken, and no pair of pattern item and subject is compared twice:
/// at most `pattern.len() * subject.len()` comparisons.
pub(super) fn matches<P, S, I>(
    pattern: &[P],
    mut subjects: I,
    end: End,
    is_run: impl Fn(&P) -> bool,
    accepts: impl Fn(&P, S) -> bool,
) -> bool
where
    I: Iterator<Item = S> + Clone,
{
    let mut at = 0;
    let mut last_run: Option<(usize, I)> = None;
    loop {
        match pattern.get(at) {
            None if end == End::Open => return true,
            Some(item) if is_run(item) => {
                at += 1;
                if at == pattern.len() {
                    return true;
                }
                last_run = Some((at, subjects.clone()));
                continue;
            }
            item => {
                // Once the subjects are used up, a longer run would only leave fewer.
                let Some(subject) = subjects.next() else {
                    return item.is_none();
                };
                if item.is_some_and(|item| accepts(item, subject)) {
                    at += 1;
                    continue;
                }
            }
        }
        let Some((after_run, from)) = &mut last_run else {
            return false;
        };
        from.next();
        at = *after_run;
        subjects = from.clone();
    }
}
