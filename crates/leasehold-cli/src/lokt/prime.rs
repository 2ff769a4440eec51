//! `lokt prime`: the same text, with Lokt's commands and exit codes in it.

use super::flags::{self, Flag};
use super::{place, reply};
use crate::cli::{FormatArg, OwnerArgs};
use crate::commands::prime::{self, Front};
use crate::error::CliError;
use crate::ui;
use clap::ValueEnum as _;
use std::ffi::OsString;

pub(super) fn run(words: Vec<OsString>) -> Result<u8, CliError> {
    let words = flags::read_names(&[Flag::Value("format")], words)?;
    if let Some(stray) = words.names.first() {
        return Err(CliError::usage(format!("{stray:?} is no flag")));
    }
    let format = words.value("format").map(format).transpose()?;
    place::take_identity()?;
    let store = place::store()?;
    let front = Front {
        program: reply::program(),
        is_lokt: true,
    };
    let told = match format {
        Some(format) => prime::file(format, &store, front),
        None => {
            // Nothing is asked for here, so it is no reason to refuse.
            if let Err(error) = place::enter() {
                ui::talk(&format!("warning: {}", error.message));
                reply::hints(&error.hints);
            }
            prime::live(&OwnerArgs { owner: None }, &store, front)
        }
    };
    Ok(prime::finish(false, told))
}

fn format(name: &str) -> Result<FormatArg, CliError> {
    FormatArg::from_str(name, false).map_err(|_| {
        let all = FormatArg::value_variants().iter();
        let names = all.filter_map(FormatArg::to_possible_value);
        let names: Vec<String> = names.map(|value| value.get_name().to_owned()).collect();
        let all = names.join(", ");
        CliError::usage(format!("--format {name:?} is none of: {all}"))
    })
}
