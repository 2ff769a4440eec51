//! `leasehold doctor`: whether everything is as it should be, and what to do where it is not.

pub(crate) mod lokt;
mod mended;
mod place;
mod scripts;
mod stored;

use crate::answer::{self, Told};
use crate::cli::Doctor;
use crate::context;
use crate::error::CliError;
use crate::{identity, ui};
use leasehold_api::code::Code;
use leasehold_api::finding::{FindingInfo, Grade};
use leasehold_api::outcome::Outcome;

const VERB: &str = "doctor";

pub(crate) fn run(args: &Doctor) -> Result<Told, CliError> {
    let place = context::find(&args.call.store)?;
    let mut findings = place::look(&place);
    if !findings
        .iter()
        .any(|finding| finding.grade == Grade::Failure)
    {
        stored::look(&place, args, &mut findings);
    }
    findings.push(who()?);
    findings.extend(inherited(&place));
    findings.extend(lokt::look());
    findings.extend(scripts::look(&place.base()));
    Ok(told(findings))
}

/// Whether the agent that asks is known again (law L16).
fn who() -> Result<FindingInfo, CliError> {
    const CHECK: &str = "identity";
    let who = identity::find(None)?;
    if let Some(session) = &who.session {
        let text = format!("you are {}, in session {session}", who.owner);
        return Ok(FindingInfo::ok(CHECK, text));
    }
    if who.explicit {
        return Ok(FindingInfo::ok(CHECK, format!("you are {}", who.owner)));
    }
    Ok(FindingInfo::warning(
        CHECK,
        format!(
            "you are {}, the user: each of your commands is a stranger to the others",
            who.owner
        ),
        "set LEASEHOLD_SESSION or LEASEHOLD_OWNER for each agent, so that its own locks are known \
         as its own and crossing ones are noticed",
    ))
}

/// A lease in the environment that is not held any more stops every request.
fn inherited(place: &context::Place) -> Option<FindingInfo> {
    const CHECK: &str = "environment";
    let context = place.open_existing().ok()??;
    let lease = crate::inherit::lease(context.leasing.workspace());
    let hint = "unset LEASEHOLD_LEASE and LEASEHOLD_HELD";
    match lease {
        Ok(None) => None,
        Ok(Some(lease)) => match context.leasing.is_current(lease) {
            Ok(true) => Some(FindingInfo::ok(
                CHECK,
                "this runs inside a lease that is held",
            )),
            Ok(false) => Some(FindingInfo::failure(
                CHECK,
                "LEASEHOLD_LEASE names a lease that is not held any more",
                hint,
            )),
            Err(error) => Some(FindingInfo::failure(CHECK, error.to_string(), hint)),
        },
        Err(error) => Some(FindingInfo::failure(CHECK, error.message, hint)),
    }
}

fn told(findings: Vec<FindingInfo>) -> Told {
    let count = |grade| findings.iter().filter(|f| f.grade == grade).count();
    let (failures, warnings) = (count(Grade::Failure), count(Grade::Warning));
    let (code, text) = match (failures, warnings) {
        (0, 0) => (Code::Ok, "all is well".to_owned()),
        (0, warnings) => (Code::Ok, counted(warnings, "warning")),
        (failures, 0) => (Code::Error, counted(failures, "failure")),
        (failures, warnings) => (
            Code::Error,
            format!(
                "{}, {}",
                counted(failures, "failure"),
                counted(warnings, "warning")
            ),
        ),
    };
    let mut lines: Vec<String> = findings.iter().flat_map(lines).collect();
    lines.push(text.clone());
    let outcome = Outcome {
        findings,
        ..answer::outcome(VERB, code, text)
    };
    Told { outcome, lines }
}

fn lines(finding: &FindingInfo) -> Vec<String> {
    let grade = match finding.grade {
        Grade::Ok => "ok",
        Grade::Warning => "warning",
        Grade::Failure => "FAILURE",
    };
    let line = format!("{grade:<7}  {:<11}  {}", finding.check, finding.message);
    let hint = finding.hint.iter().map(|hint| format!("{:<22}{hint}", ""));
    [line].into_iter().chain(hint).collect()
}

/// Counts things.
pub(super) fn counted(number: usize, what: &str) -> String {
    let end = if number == 1 { "" } else { "s" };
    format!("{number} {what}{end}")
}

/// Prints what was found, failures too: they are what was asked for.
pub(crate) fn print(args: &Doctor, result: Result<Told, CliError>) -> u8 {
    match result {
        Ok(told) if !args.call.json => {
            let written = told.lines.iter().try_for_each(|line| ui::line(line));
            let exit = told.outcome.exit;
            written.map_or_else(|error| super::untold(exit, &error), |()| exit)
        }
        result => super::finish(VERB, args.call.json, result),
    }
}
