//! One run: build, measure round by round, report.

use crate::arguments::Arguments;
use crate::machine::Machine;
use crate::programs::Programs;
use crate::rows::{self, Row};
use crate::scratch::Scratch;
use crate::{Fallible, report};
use std::fs;
use std::rc::Rc;

pub(crate) fn run(arguments: &Arguments) -> Fallible<()> {
    let needed = arguments.rows.iter().any(|row| rows::needs_programs(*row));
    let programs = needed.then(Programs::prepare).transpose()?.map(Rc::new);
    let scratch = Rc::new(Scratch::new(arguments.directory.as_deref())?);
    let measured = measure(arguments, programs.as_ref(), &scratch);
    let (machine, sections) = measured
        .map_err(|error| format!("{error}\nthe commands said last:\n{}", scratch.said()))?;
    let text = report::markdown(&machine, arguments.rounds, &sections);
    print!("{text}");
    if let Some(path) = &arguments.output {
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

fn measure(
    arguments: &Arguments,
    programs: Option<&Rc<Programs>>,
    scratch: &Rc<Scratch>,
) -> Fallible<(Machine, Vec<report::Section>)> {
    let machine = Machine::look(scratch.path())?;
    let mut sections = Vec::new();
    for group in rows::groups(&arguments.rows) {
        let make = |number: &rows::RowNumber| rows::make(*number, programs, scratch);
        let mut rows = group
            .iter()
            .map(make)
            .collect::<Fallible<Vec<Box<dyn Row>>>>()?;
        for round in 1..=arguments.rounds {
            for (number, row) in group.iter().zip(&mut rows) {
                eprintln!("round {round} of {}: row {number}", arguments.rounds);
                row.round()?;
            }
        }
        for row in &mut rows {
            sections.push(row.finish()?);
        }
    }
    Ok((machine, sections))
}
