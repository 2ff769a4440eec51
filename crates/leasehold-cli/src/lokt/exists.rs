//! `lokt exists`.

use super::{flags, name, place};
use crate::cli::{CallArgs, Exists};
use crate::commands;
use crate::error::CliError;
use std::ffi::OsString;

pub(super) fn run(words: Vec<OsString>) -> Result<u8, CliError> {
    let words = flags::read_names(&[], words)?;
    let name = name::check(words.name()?)?.to_owned();
    let call = CallArgs::of(place::enter()?);
    Ok(commands::exists::run(&Exists { name, call }))
}
