//! One turn of a worker: look at the wall, think, lay a brick. Right alone, and wrong when two do it at
//! once: whoever writes last puts back the wall that it had seen.

use super::place::failure;
use super::wall::{Brick, FILE, Wall};
use crate::error::CliError;
use crate::exit;
use std::fs::{self, File};
use std::io::{self, Write as _};

/// Lays a brick on the wall in this directory, and returns the exit code: [`exit::NOT_FOUND`] where no
/// place, or no brick, is left.
pub(super) fn lay() -> Result<u8, CliError> {
    let worker = std::env::var("LEASEHOLD_OWNER").ok();
    let worker = worker.and_then(|name| name.strip_prefix(super::hexwall::WORKER)?.parse().ok());
    let Some(worker) = worker else {
        return Err(CliError::usage("`demo brick` is a worker's part of `demo`")
            .hint("see the whole of it: leasehold demo"));
    };
    let failed = |error: io::Error| failure(FILE, &error);
    let text = fs::read_to_string(FILE).map_err(failed)?;
    let wall = Wall::parse(&text);
    let mut wall = wall.ok_or_else(|| failed(io::ErrorKind::InvalidData.into()))?;
    let Some(place) = wall.next_free() else {
        return Ok(exit::NOT_FOUND);
    };
    tell(&format!("looked {worker}"))?;
    // Taking a brick gives the others time to look, too. It is where the first turns without leases wait
    // for each other.
    // Not by the standard library, which would take as many as there are.
    let taken = rustix::io::read(rustix::stdio::stdin(), &mut [0]);
    if taken.map_err(|errno| failed(errno.into()))? == 0 {
        return Ok(exit::NOT_FOUND);
    }
    let kind = wall.kind_at(place);
    wall.places[place] = Some(Brick { kind, worker });
    // In one piece, and no byte longer or shorter: a worker that is killed here tears nothing.
    let mut file = File::options().write(true).open(FILE).map_err(failed)?;
    file.write_all(wall.text().as_bytes()).map_err(failed)?;
    tell(&format!("laid {worker} {place}"))?;
    Ok(exit::OK)
}

/// Reports to the demonstration, in one piece. When it is not there any more, the work is over.
fn tell(report: &str) -> Result<(), CliError> {
    let told = rustix::io::write(rustix::stdio::stdout(), format!("{report}\n").as_bytes());
    told.map_or_else(|errno| Err(failure("a report", &errno.into())), |_| Ok(()))
}
