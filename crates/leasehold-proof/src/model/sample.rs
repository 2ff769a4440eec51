//! Instances drawn at random: pairs and triples of programs of all kinds, with faults or without.

use super::instance::{Faults, Instance};
use crate::Random;

/// The resources of an instance: flat ones, a tree or patterns and one more, a pool and one more.
const SETTINGS: [&[&str]; 6] = [
    &["A", "B", "C"],
    &["P", "P/x", "P/y", "A"],
    &["P/*/k", "P/x/k", "P/x", "A"],
    &["S/2", "A"],
    &["S/2", "S/1", "A"],
    &["A", "B"],
];
/// One program in so many asks with a priority; as many are judged strictly.
const APART_ONE_IN: u64 = 10;

/// Draws the programs of one instance.
struct Draw<'a> {
    random: &'a mut Random,
    names: &'static [&'static str],
    /// Whether outer leases may have a TTL.
    ends: bool,
}

impl Draw<'_> {
    /// What one request is for.
    fn claims(&mut self) -> String {
        loop {
            let mut claims = Vec::new();
            for name in self.names {
                // One resource as a rule, two at times.
                if !self.random.one_in(self.names.len() as u64) {
                    continue;
                }
                let read = !name.contains("S/") && self.random.one_in(3);
                let intent = if read { "~" } else { "" };
                claims.push(format!("{intent}{name}"));
            }
            // A request is for one slot of a pool.
            let slots = claims.iter().filter(|claim| claim.contains("S/"));
            if !claims.is_empty() && slots.count() < 2 {
                return claims.join("+");
            }
        }
    }

    /// A guard, with one inside more often than not.
    fn nest(&mut self, depth: u64) -> String {
        let mut outer = self.claims();
        if self.ends && self.random.one_in(2) {
            outer.push_str(":5");
        }
        if self.random.one_in(APART_ONE_IN) {
            outer.push_str("#50");
        } else if self.random.one_in(APART_ONE_IN) {
            outer.insert(0, '&');
        }
        if depth == 0 || self.random.one_in(3) {
            return outer;
        }
        let inner = self.nest(depth - 1);
        format!("{outer}{{{inner}}}")
    }

    fn program(&mut self, agent: &str) -> String {
        let body = match self.random.below(8) {
            0..4 => self.nest(1),
            4 => format!("!{} {}", self.claims(), self.claims()),
            5 => format!("{}{{!{}}}", self.claims(), self.claims()),
            6 => format!("{}{{{}?}}", self.claims(), self.claims()),
            _ => format!("{}{{@x:{}}}", self.claims(), self.claims()),
        };
        format!("{agent}: {body}")
    }
}

/// Draws one instance. Its number names it.
pub(super) fn instance(seed: u64, number: u64) -> Instance {
    let mut random = Random::new(seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let names = *random.pick(&SETTINGS);
    let claims = 2 + usize::from(random.one_in(3));
    let faults = match (claims, random.below(6)) {
        (2, 0) => faults([1, 0, 1, 0, 0, 0]),
        (2, 1) => faults([0, 0, 0, 0, 3, 0]),
        (2, 2) => faults([0, 1, 0, 1, 0, 0]),
        (2, 3) => faults([1, 0, 0, 0, 0, 1]),
        _ => Faults::default(),
    };
    let mut draw = Draw {
        random: &mut random,
        names,
        ends: faults.ticks > 0,
    };
    let agents = ["a", "b", "c"];
    let programs: Vec<String> = agents[..claims].iter().map(|a| draw.program(a)).collect();
    let programs: Vec<&str> = programs.iter().map(String::as_str).collect();
    let what = names[usize::try_from(random.below(names.len() as u64)).unwrap_or(0)];
    let what = what.split_once("S/").map_or(what, |_| "S");
    let instance = Instance::new(&format!("sample {number}"), &programs).faults(faults);
    let instance = match faults.freezes {
        0 => instance,
        freezes => instance.freezes(what, freezes),
    };
    let delays = faults.ticks > 0 && random.one_in(3);
    let instance = instance.lock_delay(u64::from(delays));
    // Who is killed with a lock waits for its own lock then.
    let locks = programs.iter().any(|text| text.contains('!'));
    match instance.waits_for_itself() || locks && faults.kills > 0 {
        true => instance.unfair(),
        false => instance,
    }
}

fn faults([kills, orphans, interrupts, cancels, ticks, freezes]: [u8; 6]) -> Faults {
    Faults {
        kills,
        orphans,
        interrupts,
        cancels,
        ticks,
        freezes,
        renewals: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_its_instances_and_another_does_not() {
        let text = |seed| (0..20).map(move |number| instance(seed, number).text());
        assert!(text(1).eq(text(1)));
        assert!(!text(1).eq(text(2)));
    }
}
