//! `leasehold gc`: drops what nobody needs any more.

use crate::cli::Gc;
use crate::error::CliError;
use crate::{answer, context};
use leasehold_api::code::Code;
use leasehold_api::duration;
use leasehold_api::outcome::{CollectedInfo, Outcome};
use leasehold_service::Answer;

const VERB: &str = "gc";

pub(crate) fn run(args: &Gc) -> Result<Outcome, CliError> {
    let keep = duration::parse(&args.keep).map_err(|error| {
        CliError::usage(format!("--keep {:?}: {error}", args.keep))
            .hint("write it like 30d or 12h; 0s keeps nothing")
    })?;
    let keep_ms = u64::try_from(keep.as_millis()).unwrap_or(u64::MAX);
    let (Some(context), _) = context::open_to_look(&args.call.store)? else {
        return Ok(answer::outcome(
            VERB,
            Code::Ok,
            "nothing was ever leased here",
        ));
    };
    let Answer { value, clock } = context.leasing.collect(keep_ms)?;
    let collected = CollectedInfo::new(&value, &clock);
    Ok(Outcome {
        collected: Some(collected.clone()),
        ..answer::outcome(VERB, Code::Ok, told(&collected))
    })
}

fn told(collected: &CollectedInfo) -> String {
    let mut done = Vec::new();
    if collected.checkpoint {
        done.push("began a new segment of the log".to_owned());
    }
    if let Some(until) = &collected.dropped_until {
        let size = size(collected.bytes);
        done.push(format!(
            "dropped {size} of audit, of what happened up to {until}"
        ));
    }
    match collected.leftovers {
        0 => {}
        1 => done.push("removed 1 file that was left over".into()),
        number => done.push(format!("removed {number} files that were left over")),
    }
    if done.is_empty() {
        return "there is nothing to drop".into();
    }
    done.join("; ")
}

/// Writes a number of bytes for a reader.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [(&str, u64); 3] = [("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)];
    match UNITS.iter().find(|(_, size)| bytes >= *size) {
        Some((unit, size)) => format!("{}.{} {unit}", bytes / size, bytes % size * 10 / size),
        None => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        let shown = [999, 1_000, 1_250_000, 9_999_999_999].map(size);
        assert_eq!(shown, ["999 bytes", "1.0 kB", "1.2 MB", "9.9 GB"]);
    }
}
