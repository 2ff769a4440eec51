//! `lokt doctor`.

use super::flags::{self, Flag};
use super::place;
use crate::cli::{CallArgs, Doctor};
use crate::commands::{self, doctor::lokt::CHECK as LOKT};
use crate::context;
use crate::error::CliError;
use crate::{exit, ui};
use leasehold_api::finding::{FindingInfo, Grade};
use leasehold_store_file::discover::By;
use serde::Serialize;
use std::ffi::OsString;

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
    protocol_version: u32,
    root_method: &'static str,
    root_path: String,
    checks: Vec<Check>,
    overall: &'static str,
}

/// One thing that was looked at.
#[derive(Serialize)]
struct Check {
    name: String,
    status: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    message: String,
}

pub(super) fn run(words: Vec<OsString>) -> Result<u8, CliError> {
    let words = flags::read_names(&[Flag::Switch("json")], words)?;
    if let Some(stray) = words.names.first() {
        return Err(CliError::usage(format!("{stray:?} is no flag")));
    }
    place::take_identity()?;
    let args = Doctor {
        verify: false,
        repair: false,
        call: CallArgs::of(place::store()?),
    };
    let mut findings = commands::doctor::run(&args)?.outcome.findings;
    // What Lokt itself holds stops every command of it here.
    for finding in &mut findings {
        if finding.check == LOKT && finding.grade == Grade::Warning {
            finding.grade = Grade::Failure;
        }
    }
    let found = context::find(&args.call.store)?.found;
    let report = Report {
        protocol_version: 1,
        root_method: match found.by {
            By::Variable => "env",
            By::Git => "git",
            By::Marker | By::New => "local",
        },
        root_path: found.root.display().to_string(),
        checks: findings.iter().map(check).collect(),
        overall: status(findings.iter().map(|f| f.grade).max().unwrap_or(Grade::Ok)),
    };
    if words.has("json") {
        ui::pretty(&report);
    } else {
        tell(&report);
    }
    let failed = findings
        .iter()
        .any(|finding| finding.grade == Grade::Failure);
    Ok(if failed { exit::ERROR } else { exit::OK })
}

/// Names a check as Lokt does, where it has the same.
fn check(finding: &FindingInfo) -> Check {
    let name = match finding.check {
        "rights" => "writable",
        "file system" => "network_fs",
        "clocks" => "clock",
        LOKT => "lokt_files",
        other => other,
    };
    let hint = finding.hint.as_ref();
    let hint = hint.map(|hint| format!("; {}", place::in_words_of_lokt(hint)));
    Check {
        name: name.replace(' ', "_"),
        status: status(finding.grade),
        message: if finding.grade == Grade::Ok {
            String::new()
        } else {
            format!("{}{}", finding.message, hint.unwrap_or_default())
        },
    }
}

const fn status(grade: Grade) -> &'static str {
    match grade {
        Grade::Ok => "ok",
        Grade::Warning => "warn",
        Grade::Failure => "fail",
    }
}

fn tell(report: &Report) {
    let base = report.root_path.rsplit('/').next().unwrap_or_default();
    let method = match report.root_method {
        "env" => "LOKT_ROOT env",
        "git" => "git common dir",
        _ => "local directory",
    };
    crate::lokt::say("lokt doctor");
    crate::lokt::say("");
    crate::lokt::say(&format!("Root:        {base} (via {method})"));
    crate::lokt::say(&format!("Path:        {}", report.root_path));
    crate::lokt::say("");
    crate::lokt::say("Checks:");
    for check in &report.checks {
        let marker = format!("[{}]", check.status.to_uppercase());
        let shown = match check.name.as_str() {
            "writable" => "Directory writable",
            "network_fs" => "Network filesystem",
            "clock" => "Clock sanity",
            other => other,
        };
        crate::lokt::say(&format!("  {marker:<6} {shown}"));
        if !check.message.is_empty() {
            crate::lokt::say(&format!("         {}", check.message));
        }
    }
    crate::lokt::say("");
    let overall = match report.overall {
        "ok" => "PASS",
        "warn" => "PASS with warnings",
        _ => "FAIL",
    };
    crate::lokt::say(&format!("Result: {overall}"));
}
