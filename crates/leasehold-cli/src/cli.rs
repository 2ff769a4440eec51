//! The command line. Flags may stand before or after names; what follows `--` is the command.

use clap::{ArgMatches, Args, Command, FromArgMatches, Parser, Subcommand, ValueEnum};
use clap_complete::ArgValueCandidates;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

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

/// Lets shells complete names that are in use.
fn live() -> ArgValueCandidates {
    ArgValueCandidates::new(crate::commands::completions::live_names)
}

/// How long a command has to end by itself when its lease is lost.
pub(crate) const STOP_GRACE: &str = "10s";

/// Reads a whole number, and says which ones there are where it is none.
fn number<N: FromStr + Bounded>(text: &str) -> Result<N, String> {
    let wrong = |_| format!("not a number from 0 to {}", N::MAX);
    text.parse().map_err(wrong)
}

/// Reads a whole number within limits, and says which they are where it is none.
fn between<const LEAST: u32, const MOST: u32>(text: &str) -> Result<u32, String> {
    let number = text.parse().ok();
    let number = number.filter(|number| (LEAST..=MOST).contains(number));
    number.ok_or_else(|| format!("not a number from {LEAST} to {MOST}"))
}

/// A kind of number that has a greatest one.
trait Bounded: fmt::Display {
    const MAX: Self;
}

impl Bounded for u8 {
    const MAX: Self = Self::MAX;
}

impl Bounded for u32 {
    const MAX: Self = Self::MAX;
}

/// Where leases are remembered.
#[derive(Args, Debug, PartialEq, Eq)]
pub(crate) struct StoreArgs {
    /// Where leases are remembered: `file:` (the default) or `file:DIRECTORY`
    #[arg(long, value_name = "URL", allow_hyphen_values = true)]
    pub(crate) store: Option<String>,
}

/// Who asks.
#[derive(Args, Debug, PartialEq, Eq)]
pub(crate) struct OwnerArgs {
    /// The name others see; else LEASEHOLD_OWNER, else the agent harness's session, else the user
    #[arg(long, value_name = "NAME")]
    pub(crate) owner: Option<String>,
}

/// What is to be leased, and for what.
#[derive(Args, Debug, PartialEq, Eq)]
pub(crate) struct ClaimArgs {
    /// What to lease: all of it or nothing
    #[arg(value_name = "NAME", required = true, add = live())]
    pub(crate) names: Vec<String>,
    /// Only read it: readers share, writers wait (the same as --intent consumes)
    #[arg(long, conflicts_with_all = ["intent", "slots"])]
    pub(crate) read: bool,
    /// What will be done with it
    #[arg(
        long,
        value_name = "INTENT",
        conflicts_with = "slots",
        allow_hyphen_values = true
    )]
    pub(crate) intent: Option<IntentArg>,
    /// Take one of N slots of a pool; with several names: NAME=N
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub(crate) slots: Vec<String>,
}

/// What is asked for, by `guard` and `lock`.
#[derive(Args, Debug, PartialEq, Eq)]
pub(crate) struct RequestArgs {
    #[command(flatten)]
    pub(crate) claims: ClaimArgs,
    /// Queue instead of failing, for 10 minutes (an agent: 100 seconds) unless --timeout says otherwise
    #[arg(long)]
    pub(crate) wait: bool,
    /// Queue for at most this long, such as 90s, 5m, 1h30m
    #[arg(
        long,
        value_name = "DURATION",
        requires = "wait",
        allow_hyphen_values = true
    )]
    pub(crate) timeout: Option<String>,
    /// Lifetime, such as 5m: `guard` renews at half of it, a lock lives 1h unless said; `none` for no
    /// limit
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true)]
    pub(crate) ttl: Option<String>,
    /// Ask from inside this lease; else LEASEHOLD_LEASE, which `guard` sets
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    pub(crate) lease: Option<String>,
    /// Lower goes first when requests cross; 100 unless said
    #[arg(long, value_name = "N", value_parser = number::<u32>, allow_hyphen_values = true)]
    pub(crate) priority: Option<u32>,
    #[command(flatten)]
    pub(crate) owner: OwnerArgs,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// The intents, as the command line names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum IntentArg {
    /// Create or export
    Provides,
    /// Read or import
    Consumes,
    /// Change (the default)
    Mutates,
    /// Remove
    Deletes,
    /// Need it to exist
    DependsOn,
    /// Rename: name both paths
    Renames,
}

#[derive(Args, Debug, PartialEq, Eq)]
#[command(after_help = "\
Examples:
  leasehold guard build --ttl 5m -- make build
  leasehold guard build --wait --timeout 20m -- make build
  leasehold guard path:src/auth path:docs/auth.md -- ./refactor.sh
  leasehold guard path:src --read --wait -- cargo doc
  leasehold guard gpu --slots 2 --wait -- ./train.sh
  leasehold guard git-push --wait -c 'git pull --rebase && git push'

The command gets LEASEHOLD_LEASE, LEASEHOLD_TOKEN, LEASEHOLD_OWNER, LEASEHOLD_RESOURCE,
LEASEHOLD_SLOT and LEASEHOLD_EXPIRES. With --ttl the lease is renewed at half its time.")]
pub(crate) struct Guard {
    #[command(flatten)]
    pub(crate) request: RequestArgs,
    /// Keep the lease past its TTL for as long as this guard lives, were it stopped or too busy to renew
    #[arg(long, requires = "ttl")]
    pub(crate) keep_while_alive: bool,
    /// Write our own outcome here as JSON, apart from the command's output
    #[arg(long, value_name = "PATH")]
    pub(crate) json_file: Option<PathBuf>,
    /// Stop the command with this signal when the lease is lost
    #[arg(
        long,
        value_name = "SIGNAL",
        default_value = "TERM",
        allow_hyphen_values = true
    )]
    pub(crate) stop_signal: StopSignal,
    /// Kill the command this long after that
    #[arg(long, value_name = "DURATION", default_value = STOP_GRACE, allow_hyphen_values = true)]
    pub(crate) stop_grace: String,
    /// Run this by `sh -c`, for `&&`, pipes and the like; what follows `--` are its $0, $1, ...
    #[arg(short = 'c', value_name = "SCRIPT")]
    pub(crate) script: Option<std::ffi::OsString>,
    /// Exit with this code instead of 2 when it is held or frozen, or the wait timed out
    #[arg(short = 'E', value_name = "N", value_parser = number::<u8>, allow_hyphen_values = true)]
    pub(crate) held_exit: Option<u8>,
    /// The command to run
    #[arg(
        last = true,
        required_unless_present = "script",
        value_name = "COMMAND"
    )]
    pub(crate) command: Vec<std::ffi::OsString>,
}

/// The signals that ask a command to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StopSignal {
    /// SIGTERM
    #[value(name = "TERM")]
    Term,
    /// SIGINT
    #[value(name = "INT")]
    Int,
    /// SIGHUP
    #[value(name = "HUP")]
    Hup,
    /// SIGQUIT
    #[value(name = "QUIT")]
    Quit,
    /// SIGKILL: at once, without a chance to clean up
    #[value(name = "KILL")]
    Kill,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  leasehold lock issue:8057324b --ttl 30m
  if leasehold lock deploy --wait; then ./deploy.sh; leasehold unlock deploy; fi

Without --ttl the lease lives 1h; `--ttl none` lets it live until `unlock`.")]
pub(crate) struct Lock {
    #[command(flatten)]
    pub(crate) request: RequestArgs,
    /// Print the outcome as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  leasehold unlock deploy
  leasehold unlock --lease 3f9c0a1b5d7e42c8a6b09f1e2d3c4b5a
  leasehold unlock deploy --force
  leasehold unlock --all                (all that you locked)
  leasehold unlock --owner ada --force  (all that ada locked)
  leasehold unlock --stale              (what is past its time, and what the dead held)")]
pub(crate) struct Unlock {
    /// A resource of the lease; the whole lease is given back
    #[arg(value_name = "NAME", conflicts_with = "lease", add = live())]
    pub(crate) name: Option<String>,
    /// The lease, by its id: the proof that it is yours
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    pub(crate) lease: Option<String>,
    /// All that you locked; with --force all that anybody holds
    #[arg(long, conflicts_with_all = ["name", "lease", "owner", "stale"])]
    pub(crate) all: bool,
    /// What is past its time, and what the dead held; with NAME only what overlaps it
    #[arg(long, conflicts_with_all = ["lease", "owner", "force"])]
    pub(crate) stale: bool,
    /// Take it away from whoever holds it; the audit keeps who did
    #[arg(long)]
    pub(crate) force: bool,
    /// Print the outcome as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// The name to go by; without NAME and --lease, all that this owner locked
    #[arg(long, value_name = "NAME")]
    pub(crate) owner: Option<String>,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  leasehold renew --lease 3f9c0a1b5d7e42c8a6b09f1e2d3c4b5a --ttl 30m
  leasehold renew            (inside `guard`: the lease in LEASEHOLD_LEASE)")]
pub(crate) struct Renew {
    /// The lease; else LEASEHOLD_LEASE
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    pub(crate) lease: Option<String>,
    /// Its new lifetime, from now; else the one it has
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true)]
    pub(crate) ttl: Option<String>,
    /// Print the outcome as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  leasehold status
  leasehold status build --json
  leasehold status --prune-expired")]
pub(crate) struct Status {
    /// Show only what overlaps this
    #[arg(value_name = "NAME", add = live())]
    pub(crate) name: Option<String>,
    /// First clear away what is past its time, and what the dead held
    #[arg(long)]
    pub(crate) prune_expired: bool,
    /// Print the outcome as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  leasehold why build
  leasehold why path:src --read
  leasehold why gpu --slots 2 --json

Exits 0 when it would be granted now, 2 when not, 5 when waiting for it could end in a deadlock.
Changes nothing. The answer is for `guard` with the same names, from where you are now.")]
pub(crate) struct Why {
    #[command(flatten)]
    pub(crate) claims: ClaimArgs,
    /// As if asked from inside this lease; else LEASEHOLD_LEASE, which `guard` sets
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    pub(crate) lease: Option<String>,
    /// Print the outcome as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) owner: OwnerArgs,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  leasehold freeze deploy --ttl 30m
  leasehold freeze path:migrations --ttl 2h
  leasehold freeze path:. --ttl 10m         (the whole repository)

Commands that run already go on. Who waits, waits through it. To freeze again sets its end anew.")]
pub(crate) struct Freeze {
    /// What to freeze, and all that overlaps it
    #[arg(value_name = "NAME", add = live())]
    pub(crate) name: String,
    /// How long: a forgotten freeze must not stop everybody for ever
    #[arg(
        long,
        value_name = "DURATION",
        required = true,
        allow_hyphen_values = true
    )]
    pub(crate) ttl: String,
    /// Print the outcome as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) owner: OwnerArgs,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  leasehold unfreeze deploy
  leasehold unfreeze deploy --force")]
pub(crate) struct Unfreeze {
    /// What was frozen, as it was named then
    #[arg(value_name = "NAME", add = live())]
    pub(crate) name: String,
    /// End it whoever set it; the audit keeps who did
    #[arg(long)]
    pub(crate) force: bool,
    /// Print the outcome as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) owner: OwnerArgs,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  leasehold audit --since 8h                          (what happened overnight)
  leasehold audit --name build --since 2026-11-21
  leasehold audit --owner ada --event forced,lapsed   (what ada lost, or took away)
  leasehold audit --follow                            (from now on, until interrupted)
  leasehold audit --since 1h --json | jq -r 'select(.event == \"refused\") | .owner'

WHEN is how long ago (90s, 8h, 7d), a day (2026-11-21, from midnight UTC), or a date with its time
(2026-11-21T08:30:00Z, 2026-11-21T08:30+02:00). Events: refused queued granted bound passed renewed
released forced freed orphaned lapsed parked resumed died cancelled frozen thawed dropped.")]
pub(crate) struct Audit {
    /// Only what happened since then
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true)]
    pub(crate) since: Option<String>,
    /// Only what happened until then
    #[arg(
        long,
        value_name = "WHEN",
        conflicts_with = "follow",
        allow_hyphen_values = true
    )]
    pub(crate) until: Option<String>,
    /// Only what is about something that overlaps this; may be given again
    #[arg(long, value_name = "NAME", add = live())]
    pub(crate) name: Vec<String>,
    /// Only what this owner did or had done to it: `ada` or `ada@host`
    #[arg(long, value_name = "OWNER")]
    pub(crate) owner: Option<String>,
    /// Only these events; several with commas
    #[arg(
        long,
        value_name = "EVENT",
        value_delimiter = ',',
        allow_hyphen_values = true,
        add = ArgValueCandidates::new(crate::commands::completions::events)
    )]
    pub(crate) event: Vec<String>,
    /// Show renewals too, which are left out unless they are named
    #[arg(long)]
    pub(crate) renewals: bool,
    /// Go on with what comes; without --since only that
    #[arg(long, short = 'f', alias = "tail")]
    pub(crate) follow: bool,
    /// Print one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  leasehold gc
  leasehold gc --keep 7d
  leasehold gc --keep 0s     (the whole audit; what is held stays)

What is held, waited for and frozen stays, and tokens go on rising. It may run at any time, beside
anything else. The log begins a new segment by itself when it has become long; only `gc` drops any.")]
pub(crate) struct Gc {
    /// Keep what happened in this time for `audit`
    #[arg(
        long,
        value_name = "DURATION",
        default_value = "30d",
        allow_hyphen_values = true
    )]
    pub(crate) keep: String,
    /// Print the outcome as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  leasehold doctor
  leasehold doctor --verify          (replays the log; takes seconds where it is long)
  leasehold doctor --repair
  leasehold doctor --json | jq '.findings[] | select(.grade != \"ok\")'

Exits 0 when everything works, warnings or not, and 1 when something does not. Without --repair it
changes nothing. Nothing is mended by guessing: what is damaged twice is left as it is.")]
pub(crate) struct Doctor {
    /// Also replay the log, and compare what it says with the records
    #[arg(long)]
    pub(crate) verify: bool,
    /// Mend what can be mended, and remove what is left over
    #[arg(long)]
    pub(crate) repair: bool,
    /// Print the outcome as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  leasehold prime                                    (for an agent that begins, now)
  leasehold prime --format agents-md >> AGENTS.md
  leasehold prime --format claude-md > .claude/rules/leasehold.md
  leasehold prime --format cursorrules > .cursor/rules/leasehold.mdc
  leasehold prime --json | jq -r '.operations[].run'

Without --format it says who you are, what is held, waited for and frozen at this moment, what scripts of
the repository guard already, and what to do after a no. With --format only what stays true. It changes
nothing, and works outside of git too. Exits 1 where the leases cannot be read; the rest is printed.")]
pub(crate) struct Prime {
    /// Print the text for this harness's own file
    #[arg(long, value_name = "FORMAT", conflicts_with_all = ["json", "owner"])]
    pub(crate) format: Option<FormatArg>,
    /// Print the outcome as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) owner: OwnerArgs,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// The files that harnesses read their instructions from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatArg {
    /// Claude Code: CLAUDE.md, or a file in .claude/rules
    ClaudeMd,
    /// AGENTS.md, which many harnesses read
    AgentsMd,
    /// Cursor: .cursor/rules/leasehold.mdc
    Cursorrules,
    /// Windsurf: .windsurfrules
    Windsurfrules,
    /// GitHub Copilot: .github/copilot-instructions.md
    Copilot,
    /// Cline: .clinerules/leasehold.md
    Clinerules,
    /// Aider: .aider.conf.yml
    Aider,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  leasehold exists \"tests-passed-$COMMIT\" && exit 0")]
pub(crate) struct Exists {
    /// What to look for; of a path also what is above and below it
    #[arg(value_name = "NAME", add = live())]
    pub(crate) name: String,
    /// Print the outcome as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  leasehold check && git push        (inside `guard`: is my lease still mine?)
  leasehold check --lease 3f9c0a1b5d7e42c8a6b09f1e2d3c4b5a --token 42")]
pub(crate) struct Check {
    /// The lease; else LEASEHOLD_LEASE
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    pub(crate) lease: Option<String>,
    /// The fencing token that came with it; else LEASEHOLD_TOKEN
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub(crate) token: Option<String>,
    /// Print the outcome as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  leasehold demo
  leasehold demo --no-lock           (the same without leases)
  leasehold demo trunk
  leasehold demo trunk --no-lock --dir /tmp/broken-trunk
  leasehold demo --workers 2 --rows 4 --cols 8 --json

Works in a temporary directory of its own, and touches nothing of yours. Exits 0 when it was played to its
end and leases kept what they promise; without leases whatever comes is what was asked for: the verdict
says what that is. Exits 1 when what was made with leases is broken, or the demonstration failed.")]
pub(crate) struct Demo {
    /// What to show
    #[arg(value_name = "SCENE", default_value = "hexwall")]
    pub(crate) scene: Scene,
    /// Without leases, to see what happens then
    #[arg(long)]
    pub(crate) no_lock: bool,
    /// How many workers build the wall, up to 36: 8 unless said
    #[arg(long, value_name = "N", value_parser = between::<1, 36>, allow_hyphen_values = true)]
    pub(crate) workers: Option<u32>,
    /// How many rows the wall has, up to 100: 16 unless said
    #[arg(long, value_name = "N", value_parser = between::<1, 100>, allow_hyphen_values = true)]
    pub(crate) rows: Option<u32>,
    /// How many bricks a row has, up to 100: 32 unless said
    #[arg(long, value_name = "N", value_parser = between::<1, 100>, allow_hyphen_values = true)]
    pub(crate) cols: Option<u32>,
    /// How many agents work on the trunk, up to 16: 3 unless said
    #[arg(long, value_name = "N", value_parser = between::<1, 16>, allow_hyphen_values = true)]
    pub(crate) agents: Option<u32>,
    /// How many changes each of them makes, up to 100: 4 unless said
    #[arg(long, value_name = "N", value_parser = between::<1, 100>, allow_hyphen_values = true)]
    pub(crate) cycles: Option<u32>,
    /// Leave the directory, to look at what was made
    #[arg(long)]
    pub(crate) keep: bool,
    /// Work in this directory, which is new or empty, and leave it
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) dir: Option<PathBuf>,
    /// Print the outcome as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// What can be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scene {
    /// Workers lay bricks on one wall
    Hexwall,
    /// Agents build, commit and push in one clone
    Trunk,
    /// What a worker on the wall does at each turn
    #[value(hide = true)]
    Brick,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  leasehold import lokt                 (the locks and freezes in this repository's .git/lokt)
  leasehold import lokt --from /srv/locks

All of it is taken over or nothing. What cannot be read clearly, and guards of Lokt that run still, are
named, and nothing is changed.")]
pub(crate) struct Import {
    /// What to take over from
    #[arg(value_name = "SYSTEM")]
    pub(crate) system: System,
    /// Its directory; else LOKT_ROOT, else the one that it has in this repository
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) from: Option<PathBuf>,
    /// Print the outcome as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// The systems that can be taken over from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum System {
    /// Lokt's lock files
    Lokt,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  leasehold lokt guard build --ttl 5m -- make build
  ln -s leasehold lokt    (a link of that name does the same)")]
pub(crate) struct Lokt {
    /// A command of Lokt's with its flags; `help` lists them
    #[arg(
        value_name = "WORDS",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    pub(crate) words: Vec<std::ffi::OsString>,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  leasehold version
  leasehold version --json")]
pub(crate) struct Version {
    /// Print the outcome as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  source <(leasehold completions bash)                                   (in ~/.bashrc)
  source <(leasehold completions zsh)                                    (in ~/.zshrc)
  leasehold completions fish > ~/.config/fish/completions/leasehold.fish

Names that are held, waited for or frozen are completed too.")]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub(crate) shell: ShellArg,
}

/// The shells that can complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ShellArg {
    /// GNU Bash
    Bash,
    /// Elvish
    Elvish,
    /// fish
    Fish,
    /// PowerShell
    Powershell,
    /// Zsh
    Zsh,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  leasehold man | man -l -
  leasehold man guard | man -l -
  leasehold man --dir ~/.local/share/man/man1")]
pub(crate) struct Man {
    /// The verb; without it, the page of the program
    #[arg(value_name = "VERB", conflicts_with = "dir")]
    pub(crate) verb: Option<String>,
    /// Write all pages into this directory
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) dir: Option<PathBuf>,
}
