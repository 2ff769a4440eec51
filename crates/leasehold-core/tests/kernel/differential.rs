//! The kernel against the model: random programs, the same answers and the same state after each
//! command.

use crate::model::Model;
use crate::model::state::{Answer, State};
use crate::program::{Program, about, config, events, programs};
use crate::world::{World, short_times};
use proptest::prelude::*;
use std::panic::{AssertUnwindSafe, catch_unwind};

fn check(program: &Program) -> Result<(), TestCaseError> {
    let mut trail = String::new();
    catch_unwind(AssertUnwindSafe(|| compare(program, &mut trail)))
        .unwrap_or_else(|_| Err(TestCaseError::fail("the kernel or the model panicked")))
        .map_err(|error| TestCaseError::fail(format!("{error}\n{trail}")))
}

/// Runs a program on both and says where they first differ.
fn compare(program: &Program, trail: &mut String) -> Result<(), TestCaseError> {
    let mut world = World::new(short_times(program.setting.lock_delay_ms));
    let mut model = Model {
        policy: world.policy,
        ..Model::default()
    };
    for (at, step) in program.steps.iter().enumerate() {
        let Some(command) = step.play(&program.setting, &mut world, at as u128 + 1) else {
            continue;
        };
        *trail += &about(&world, &command);
        let decision = world.run(&command);
        *trail += &events(&decision);
        model.now = world.now();
        model.dead_holders = world.dead_holders.clone();
        model.dead_commands = world.dead_commands.clone();
        let answer = model.run(&command);
        prop_assert_eq!(Answer::of(&decision.verdict), answer);
        prop_assert_eq!(State::of(&world.view), model.state.clone());
    }
    Ok(())
}

proptest! {
    #![proptest_config(config())]
    #[test]
    fn the_kernel_does_what_the_model_does(program in programs(30)) {
        check(&program)?;
    }
}
