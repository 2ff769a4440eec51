//! `leasehold-proof`: runs the layers and prints what they found.

use clap::Parser;
use leasehold_proof::{Budget, Layer, Planted, Report};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

/// Tries to make leasehold break a promise.
#[derive(Debug, Parser)]
struct Arguments {
    /// The layers to run: fuzz, damage, simulation, model, sweep, processes, planted. All of them if none is named.
    #[arg(value_parser = |name: &str| Layer::parse(name).ok_or("there is no such layer"))]
    layers: Vec<Layer>,
    /// Where all choices come from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How long each layer may take, about. Without it: the short run of continuous integration.
    #[arg(long)]
    minutes: Option<u64>,
    /// The leasehold binary that is tried. Without it: the one beside this program.
    #[arg(long)]
    binary: Option<PathBuf>,
    /// Of the layers with named cases, run only those whose names have this in them.
    #[arg(long)]
    only: Option<String>,
    /// Try little, and stop at the first violation.
    #[arg(long)]
    brief: bool,
    /// The leasehold binary that was built with the feature `planted`. Without it: the one in `planted/`
    /// beside this program.
    #[arg(long, requires = "planted_proof")]
    planted_binary: Option<PathBuf>,
    /// The binary of this program that was built with it.
    #[arg(long, requires = "planted_binary")]
    planted_proof: Option<PathBuf>,
}

fn main() -> ExitCode {
    if let Some(code) = leasehold_proof::hidden() {
        return ExitCode::from(code);
    }
    #[cfg(feature = "planted")]
    if let Some(name) = std::env::var_os("LEASEHOLD_PLANTED")
        && !leasehold_core::planted::plant(&name.to_string_lossy())
    {
        eprintln!("error: there is no bug {name:?} to plant");
        return ExitCode::from(2);
    }
    let arguments = Arguments::parse();
    let budget = Budget {
        seed: arguments.seed,
        minutes: arguments.minutes,
        binary: arguments
            .binary
            .or_else(|| beside("leasehold"))
            .unwrap_or_else(|| "leasehold".into()),
        only: arguments.only,
        brief: arguments.brief,
        planted: arguments
            .planted_binary
            .or_else(|| beside("planted/leasehold"))
            .zip(
                arguments
                    .planted_proof
                    .or_else(|| beside("planted/leasehold-proof")),
            )
            .map(|(binary, proof)| Planted { binary, proof }),
    };
    let layers = if arguments.layers.is_empty() {
        Layer::ALL.to_vec()
    } else {
        arguments.layers
    };
    let mut report = Report::default();
    for layer in layers {
        let begin = Instant::now();
        let outcome = layer.run(&budget);
        print!("{}", report.add(layer, &outcome, begin.elapsed()));
    }
    print!("\n{}", report.table());
    if report.is_good() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// A program where cargo, or `cargo xtask proof`, puts it.
fn beside(name: &str) -> Option<PathBuf> {
    let path = std::env::current_exe().ok()?.parent()?.join(name);
    path.is_file().then_some(path)
}
