//! `lokt status`.

use super::flags::{self, Flag};
use super::record::Record;
use super::{name, place};
use crate::cli::StoreArgs;
use crate::context::{self, Context};
use crate::error::CliError;
use crate::{exit, identity, ui};
use leasehold_api::lease::{FreezeInfo, LeaseInfo};
use leasehold_core::Resource;
use leasehold_core::view::Key;
use leasehold_service::Answer;
use std::ffi::OsString;

const FLAGS: [Flag; 2] = [Flag::Switch("json"), Flag::Switch("prune-expired")];

pub(super) fn run(words: Vec<OsString>) -> Result<u8, CliError> {
    let words = flags::read_names(&FLAGS, words)?;
    let name = words.at_most_one_name()?.map(name::check).transpose()?;
    let store = place::enter()?;
    let pruned = if words.has("prune-expired") {
        prune(&store, name)?
    } else {
        Vec::new()
    };
    let found = look(&store, name)?;
    let json = words.has("json");
    match name {
        Some(name) if found.locks.is_empty() && !pruned.is_empty() => {
            if !json {
                crate::lokt::say(&format!("pruned expired lock \"{name}\""));
            }
            Ok(exit::OK)
        }
        Some(name) => Ok(one(name, &found, json)),
        None => {
            list(&found, &pruned, json);
            Ok(exit::OK)
        }
    }
}

/// What there is.
pub(super) struct Found {
    pub(super) locks: Vec<Record>,
    freezes: Vec<Record>,
}

/// Looks at what is held and frozen, under one name or all. What is over is left out, as Lokt's sweep
/// would have removed it, unless that is switched off.
pub(super) fn look(store: &StoreArgs, name: Option<&str>) -> Result<Found, CliError> {
    let mut found = Found {
        locks: Vec::new(),
        freezes: Vec::new(),
    };
    let (Some(context), _) = context::open_to_look(store)? else {
        return Ok(found);
    };
    let key = match name {
        Some(name) => Key::Overlap(context.base.parse(name)?),
        None => Key::All,
    };
    let Answer { value: view, clock } = context.leasing.look(&[key])?;
    let mut leases: Vec<LeaseInfo> = view
        .leases()
        .map(|lease| LeaseInfo::new(lease, Some(&view), &clock))
        .filter(|lease| place::shows_what_is_over() || !lease.state.is_over())
        .collect();
    leases.sort_by_key(|lease| lease.token);
    // A lease of several names is shown under each; of one name only that is asked for.
    found.locks = leases
        .iter()
        .flat_map(Record::all_of)
        .filter(|record| name.is_none_or(|name| record.name == name))
        .collect();
    let freezes = view.freezes().filter(|freeze| freeze.is_on(view.now()));
    found.freezes = freezes
        .map(|freeze| Record::of_freeze(&FreezeInfo::new(freeze, &clock)))
        .collect();
    found.locks.sort_by(|a, b| a.name.cmp(&b.name));
    found.freezes.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// Clears away what is over, and returns its names.
fn prune(store: &StoreArgs, name: Option<&str>) -> Result<Vec<String>, CliError> {
    let Some(context) = context::open_to_look(store)?.0 else {
        return Ok(Vec::new());
    };
    let named: Option<Resource> = name.map(|name| context.base.parse(name)).transpose()?;
    sweep(&context, named.as_slice())
}

/// Ends what is over on these resources, or everywhere, and returns its names.
pub(super) fn sweep(context: &Context, named: &[Resource]) -> Result<Vec<String>, CliError> {
    let Answer { value, clock } = context.leasing.sweep(named, &identity::find(None)?)?;
    let infos = value.leases.iter();
    let infos = infos.map(|lease| LeaseInfo::new(lease, Some(&value.view), &clock));
    let records = infos.flat_map(|info| Record::all_of(&info).collect::<Vec<_>>());
    Ok(records.map(|record| record.name).collect())
}

fn one(name: &str, found: &Found, json: bool) -> u8 {
    let Some(record) = found.locks.first() else {
        ui::talk(&format!("lock \"{name}\" not found"));
        for freeze in &found.freezes {
            let until = freeze
                .expires_at
                .as_deref()
                .unwrap_or("its record can be read");
            ui::talk(&format!(
                "hint: nobody holds it, but it is frozen until {until}"
            ));
        }
        return exit::NOT_FOUND;
    };
    if json {
        ui::pretty(record);
    } else {
        record
            .lines()
            .iter()
            .for_each(|line| crate::lokt::say(line));
    }
    let more = found.locks.len() - 1;
    if more > 0 {
        ui::talk(&format!(
            "note: {more} more share it; see them all: leasehold status {name}"
        ));
    }
    exit::OK
}

fn list(found: &Found, pruned: &[String], json: bool) {
    let all: Vec<&Record> = found.locks.iter().chain(&found.freezes).collect();
    if json {
        ui::pretty(&all);
        return;
    }
    pruned
        .iter()
        .for_each(|name| crate::lokt::say(&format!("pruned: {name} (expired)")));
    all.iter()
        .for_each(|record| crate::lokt::say(&record.line()));
    if all.is_empty() && pruned.is_empty() {
        crate::lokt::say("no locks");
    }
    if !pruned.is_empty() {
        crate::lokt::say("");
        crate::lokt::say(&format!("pruned {} expired lock(s)", pruned.len()));
    }
}
