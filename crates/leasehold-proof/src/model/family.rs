//! The families of the kernel page, section 9, each with all of its instances in a fixed order.
//!
//! A family is a list of programs for each claim, and what may differ besides: who asks, what goes wrong.
//! Its instances are all combinations. They are numbered, and the numbers are walked in strides, so
//! that a part of a family is spread over all of it.

mod bodies;
mod list;

use super::instance::{Faults, Instance};
pub(super) use list::all;

/// What goes wrong in an instance.
#[derive(Debug, Clone, Copy, Default)]
struct Trouble {
    faults: Faults,
    /// What may be frozen.
    frozen: Option<&'static str>,
    lock_delay_ticks: u64,
}

/// Which programs meet each other.
#[derive(Debug)]
enum Claims {
    /// So many of one list, in no order.
    Together(usize, Vec<String>),
    /// One of each list.
    OneOfEach(Vec<Vec<String>>),
}

/// All instances of one kind.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) name: &'static str,
    claims: Claims,
    /// Who the claims are, each way to share agents.
    agents: &'static [&'static [&'static str]],
    troubles: Vec<Trouble>,
    /// Whether everybody has to come to its end, as far as its program allows.
    is_fair: bool,
}

impl Claims {
    fn count(&self) -> u64 {
        match self {
            Self::Together(claims, list) => multisets(list.len() as u64, *claims as u64),
            Self::OneOfEach(lists) => lists.iter().map(|list| list.len() as u64).product(),
        }
    }

    /// The programs of a combination.
    fn combination(&self, mut number: u64) -> Vec<&str> {
        match self {
            Self::OneOfEach(lists) => {
                let pick = |list: &'_ Vec<String>| {
                    let at = number % list.len() as u64;
                    number /= list.len() as u64;
                    usize::try_from(at).unwrap_or(0)
                };
                let places: Vec<usize> = lists.iter().map(pick).collect();
                let found = lists.iter().zip(places);
                found.map(|(list, at)| list[at].as_str()).collect()
            }
            Self::Together(claims, list) => {
                let (mut found, mut from) = (Vec::with_capacity(*claims), 0);
                for left in (0..*claims as u64).rev() {
                    // How many combinations go on from here with this program and later ones.
                    loop {
                        let rest = multisets(list.len() as u64 - from, left);
                        if number < rest {
                            break;
                        }
                        number -= rest;
                        from += 1;
                    }
                    found.push(list[usize::try_from(from).unwrap_or(0)].as_str());
                }
                found
            }
        }
    }
}

/// How many ways there are to take `picks` of `kinds`, each as often as one likes.
fn multisets(kinds: u64, picks: u64) -> u64 {
    (0..picks).fold(1, |ways, pick| ways * (kinds + pick) / (pick + 1))
}

impl Family {
    pub(super) fn count(&self) -> u64 {
        self.claims.count() * self.agents.len() as u64 * self.troubles.len() as u64
    }

    /// The instance at a place in the fixed order, beginning with 0.
    pub(super) fn instance(&self, place: u64) -> Instance {
        let number = self.number(place);
        let (number, trouble) = split(number, self.troubles.len());
        let (number, agents) = split(number, self.agents.len());
        let (trouble, agents) = (self.troubles[trouble], self.agents[agents]);
        let bodies = self.claims.combination(number);
        let programs = agents.iter().zip(bodies);
        let program = |(agent, body): (&&str, &str)| {
            // Each claim has its own other agents.
            let name = agent.split('<').next().unwrap_or(agent);
            format!("{agent}: {}", body.replace('@', &format!("@{name}")))
        };
        let programs: Vec<String> = programs.map(program).collect();
        let programs: Vec<&str> = programs.iter().map(String::as_str).collect();
        let mut instance = Instance::new(&self.title(place), &programs)
            .faults(trouble.faults)
            .lock_delay(trouble.lock_delay_ticks);
        if let Some(what) = trouble.frozen {
            instance = instance.freezes(what, 1);
        }
        // Who is killed with a lock waits for its own lock then.
        let locks = programs.iter().any(|text| text.contains('!'));
        let waits = instance.waits_for_itself() || locks && trouble.faults.kills > 0;
        match self.is_fair && !waits {
            true => instance,
            false => instance.unfair(),
        }
    }

    /// What names an instance, for people and for `--only`.
    pub(super) fn title(&self, place: u64) -> String {
        format!("{} ({} of {})", self.name, place + 1, self.count())
    }

    /// The place that a title speaks of.
    pub(super) fn place(&self, title: &str) -> Option<u64> {
        let rest = title.strip_prefix(self.name)?.strip_prefix(" (")?;
        let place: u64 = rest.split_once(' ')?.0.parse().ok()?;
        place.checked_sub(1).filter(|place| *place < self.count())
    }

    /// The combination at a place: a stride that has no divisor in common with their number comes to
    /// each of them once.
    fn number(&self, place: u64) -> u64 {
        let count = self.count();
        let near = count / 5 * 3 + 1;
        let stride = (near..).find(|stride| divisor(*stride, count) == 1);
        let walked = u128::from(place) * u128::from(stride.unwrap_or(1)) % u128::from(count);
        u64::try_from(walked).unwrap_or(0)
    }
}

/// The rest of a number, and its place among so many.
fn split(number: u64, count: usize) -> (u64, usize) {
    let count = count as u64;
    (number / count, usize::try_from(number % count).unwrap_or(0))
}

const fn divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn small(claims: Claims) -> Family {
        Family {
            name: "small",
            claims,
            agents: &[&["a", "b"], &["a", "a"]],
            troubles: vec![Trouble::default()],
            is_fair: true,
        }
    }

    fn texts(family: &Family) -> HashSet<String> {
        let text = |place| family.instance(place).text();
        let text = (0..family.count()).map(text);
        text.map(|text| text.split_once(" [").expect("a title").1.to_owned())
            .collect()
    }

    #[test]
    fn every_combination_comes_once() {
        let list = |words: &str| words.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let pairs = small(Claims::Together(2, list("A B A+B")));
        assert_eq!((pairs.count(), texts(&pairs).len()), (12, 12));
        assert!(texts(&pairs).contains("a: A | a: A+B]"));
        let each = small(Claims::OneOfEach(vec![list("A B C"), list("A D")]));
        assert_eq!((each.count(), texts(&each).len()), (12, 12));
        assert_eq!(multisets(4, 3), 20);
        let triples = Claims::Together(3, list("A B C D"));
        let found: HashSet<Vec<&str>> = (0..20).map(|n| triples.combination(n)).collect();
        assert_eq!(found.len(), 20);
    }

    #[test]
    fn every_family_can_be_read_and_each_title_leads_back() {
        for family in all() {
            let count = family.count();
            for place in [0, 1, count / 2, count - 1] {
                let instance = family.instance(place);
                assert_eq!(family.place(&instance.name), Some(place));
                assert!(instance.table.claims.len() <= 32);
            }
            assert_eq!(family.place(&family.title(count)), None);
        }
    }
}
