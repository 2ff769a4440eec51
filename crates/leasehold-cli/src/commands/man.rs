//! `leasehold man`: manual pages, from the same text as `--help`.

use crate::cli::{self, Cli};
use crate::{exit, ui};
use clap::CommandFactory as _;
use clap_mangen::Man;
use std::fs;
use std::io::{self, IsTerminal as _};

/// Prints a page, or writes all of them.
pub(crate) fn run(args: &cli::Man) -> u8 {
    let program = Cli::command();
    if let Some(directory) = &args.dir {
        let made = fs::create_dir_all(directory);
        return match made.and_then(|()| clap_mangen::generate_to(program, directory)) {
            Ok(()) => exit::OK,
            Err(error) => {
                ui::talk(&format!("error: --dir {}: {error}", directory.display()));
                exit::ERROR
            }
        };
    }
    let page = match &args.verb {
        None => Some(program),
        Some(verb) => page_of(program, verb),
    };
    let Some(page) = page else {
        let verb = args.verb.as_deref().unwrap_or_default();
        ui::talk(&format!("error: there is no verb {verb:?}"));
        ui::talk("hint: see all verbs: leasehold --help");
        return exit::USAGE;
    };
    match render(page) {
        Ok(text) => {
            if io::stdout().is_terminal() {
                let verb = args
                    .verb
                    .as_deref()
                    .map_or_else(String::new, |verb| format!(" {verb}"));
                ui::talk(&format!("hint: to read it: leasehold man{verb} | man -l -"));
            }
            ui::text(&text)
        }
        Err(error) => {
            ui::talk(&format!("error: man: {error}"));
            exit::ERROR
        }
    }
}

/// Returns the page of a verb, under the name that its file has.
fn page_of(mut program: clap::Command, verb: &str) -> Option<clap::Command> {
    program.build();
    let name = format!("{}-{verb}", program.get_name());
    let found = program.find_subcommand(verb)?.clone();
    Some(found.display_name(name))
}

fn render(page: clap::Command) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    Man::new(page).render(&mut text)?;
    Ok(text)
}
