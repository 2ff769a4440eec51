//! The command line. Flags may stand before or after names; what follows `--` is the command.
//!
//! The arguments of the verbs are in `hold`, `look`, `keep` and `show`, what they share in `groups`.

mod groups;
mod hold;
mod keep;
mod look;
mod show;

pub(crate) use groups::{
    CallArgs, ClaimArgs, IntentArg, NamedCallArgs, OwnerArgs, RequestArgs, StoreArgs,
};
pub(crate) use hold::{Guard, Lock, Renew, STOP_GRACE, StopSignal, Unlock};
pub(crate) use keep::{Doctor, Freeze, Gc, Import, System, Unfreeze};
pub(crate) use look::{Audit, Check, Exists, Status, Why};
pub(crate) use show::{Completions, Demo, FormatArg, Lokt, Man, Prime, Scene, ShellArg, Version};

use clap::{ArgMatches, Args, Command, FromArgMatches, Parser, Subcommand};

/// Leases and locks for swarms of AI coding agents that share a repository.
#[derive(Debug, Parser)]
#[command(name = "leasehold", version, after_help = CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

const CODES: &str = "\
Exit codes:
  0 done    1 error    2 held, frozen or wait timed out    3 not found    4 not yours
  5 died: release what you hold, then retry    6 lease lost    7 outcome unknown    64 usage
  Under guard the command's own code passes through; 127 not found, 126 not startable.

Names:
  build             a bare word
  issue:8057324b    a kind and a name: issue repo symbol api table config, or any other word
  path:src/auth     a file or tree, from the top of the repository; ./ and ../ start where you are
  path:src/*.rs     wildcards * ? ** cover all that they can match, and what is below it";

/// Declares the verbs: one line each, with what `--help` says of it.
///
/// The arguments of a verb are built only when it is the one that is called. Building those of all
/// verbs is half of what a `guard` computes, and `guard` starts for every command.
macro_rules! verbs {
    ($($verb:ident $name:literal $about:literal,)*) => {
        #[derive(Debug)]
        pub(crate) enum Verb {
            $(#[doc = $about] $verb($verb),)*
        }

        impl Subcommand for Verb {
            fn augment_subcommands(command: Command) -> Command {
                command
                    .subcommand_required(true)
                    .arg_required_else_help(true)
                    $(.subcommand(Command::new($name).about($about).defer(|verb| {
                        // Again: groups of arguments bring a description of their own.
                        $verb::augment_args(verb).about($about)
                    })))*
            }

            fn augment_subcommands_for_update(command: Command) -> Command {
                Self::augment_subcommands(command)
            }

            fn has_subcommand(name: &str) -> bool {
                Self::named(name).is_some()
            }
        }

        impl Verb {
            /// Returns the verb of that name.
            pub(crate) fn named(name: &str) -> Option<&'static str> {
                [$($name),*].into_iter().find(|known| *known == name)
            }

            /// Returns the arguments of the verb of that name, without building those of the others.
            pub(crate) fn arguments(name: &str) -> Option<Command> {
                match name {
                    $($name => Some($verb::augment_args(Command::new($name))),)*
                    _ => None,
                }
            }
        }

        impl FromArgMatches for Verb {
            fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
                match matches.subcommand() {
                    $(Some(($name, of_verb)) => $verb::from_arg_matches(of_verb).map(Self::$verb),)*
                    _ => Err(clap::Error::new(clap::error::ErrorKind::MissingSubcommand)),
                }
            }

            fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
                *self = Self::from_arg_matches(matches)?;
                Ok(())
            }
        }
    };
}

verbs! {
    Guard "guard" "Run a command under a lease: one at a time, released when it ends",
    Lock "lock" "Take a lease that outlives this command, until `unlock` or its TTL",
    Unlock "unlock" "Give a lease back",
    Renew "renew" "Let a lease live longer",
    Status "status" "Show what is held and who waits",
    Why "why" "Explain why something can or cannot be had now, and what to do",
    Exists "exists" "Tell by the exit code whether anything is held: 0 yes, 3 no",
    Freeze "freeze" "Refuse every new lease on something for a while; who holds one goes on",
    Unfreeze "unfreeze" "End a freeze before its time",
    Audit "audit" "Show what happened: grants, refusals, releases, and who took what away",
    Gc "gc" "Drop what nobody needs any more: old audit, files of the dead",
    Doctor "doctor" "Look whether everything is as it should be, and say what to do where not",
    Prime "prime" "Print what an agent should know before it works here",
    Check "check" "Tell by the exit code whether a lease still holds: 0 yes, 6 no",
    Demo "demo" "Show what goes wrong without leases, and that it does not with them",
    Import "import" "Take over what another system holds here",
    Lokt "lokt" "Do as Lokt did: its commands, answers and exit codes",
    Completions "completions" "Print what makes a shell complete names and flags",
    Man "man" "Print a manual page, or write them all",
    Version "version" "Print the version",
}
