//! What Lokt itself wrote to its log: kept by an import, and told line by line as it stands there.

use crate::error::CliError;
use crate::ui::{self, Output};
use leasehold_api::code::Code;
use leasehold_api::moment;
use serde::Deserialize;
use std::fs::File;
use std::io::{BufRead as _, BufReader, ErrorKind};
use std::path::Path;
use std::time::SystemTime;

/// What is asked of an event.
#[derive(Deserialize)]
struct Written<'a> {
    #[serde(borrow)]
    ts: std::borrow::Cow<'a, str>,
    #[serde(borrow, default)]
    name: std::borrow::Cow<'a, str>,
}

/// Tells the events since then, of one lock or all. What is no event is counted and passed over.
pub(super) fn tell(
    path: &Path,
    since: SystemTime,
    only: Option<&str>,
    output: &mut Output,
) -> Result<(), CliError> {
    let failed = |error| {
        CliError::new(
            Code::Error,
            format!("failed to read {}: {error}", path.display()),
        )
    };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(());
        }
        Err(error) => return Err(failed(error)),
    };
    let mut lines = BufReader::new(file);
    let (mut line, mut damaged) = (Vec::new(), 0_u64);
    loop {
        line.clear();
        if lines.read_until(b'\n', &mut line).map_err(failed)? == 0 {
            break;
        }
        let text = line.trim_ascii();
        if text.is_empty() {
            continue;
        }
        let Some((at, name)) = read(text) else {
            damaged += 1;
            continue;
        };
        let wanted = at >= since && only.is_none_or(|only| only == name);
        let write = |out: &mut Vec<u8>| {
            let begin = out.len();
            out.extend(text.iter().chain(b"\n"));
            ui::end_json(out, begin);
        };
        if wanted && !output.add(write) {
            break;
        }
    }
    if damaged > 0 {
        ui::talk(&format!(
            "warning: {damaged} lines of {} could not be read",
            path.display()
        ));
    }
    Ok(())
}

/// Returns when an event happened, and to which lock.
fn read(text: &[u8]) -> Option<(SystemTime, String)> {
    let written: Written<'_> = serde_json::from_slice(text).ok()?;
    let is_date = written.ts.contains('T');
    let at = moment::parse(&written.ts, SystemTime::UNIX_EPOCH).ok()?;
    is_date.then(|| (at, written.name.into_owned()))
}
