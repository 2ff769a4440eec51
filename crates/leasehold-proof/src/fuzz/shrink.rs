//! The shortest input that still fails, as far as taking parts out finds it.

/// So many inputs are tried at most.
const TRIES_MAX: u32 = 4_000;

/// Takes parts out of a failing input, large ones first, for as long as it fails. Returns it with what
/// is wrong with it.
pub(super) fn shrink(
    input: &[u8],
    what: String,
    check: impl Fn(&[u8]) -> Result<(), String>,
) -> (Vec<u8>, String) {
    let (mut input, mut what, mut tries) = (input.to_vec(), what, 0);
    let mut part = input.len() / 2;
    while part > 0 && tries < TRIES_MAX {
        let mut at = 0;
        while at + part <= input.len() && tries < TRIES_MAX {
            let mut shorter = input.clone();
            shorter.drain(at..at + part);
            tries += 1;
            match check(&shorter) {
                Err(still) => (input, what) = (shorter, still),
                Ok(()) => at += part,
            }
        }
        part /= 2;
    }
    (input, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_fails_is_left() {
        let check = |input: &[u8]| match input.windows(2).any(|two| two == b"xy") {
            true => Err(format!("in {} bytes", input.len())),
            false => Ok(()),
        };
        let long = b"aaaaaaaaaxybbbbbbbbbbbb";
        let (input, what) = shrink(long, String::new(), check);
        assert_eq!(
            (input.as_slice(), what.as_str()),
            (&b"xy"[..], "in 2 bytes")
        );
    }
}
