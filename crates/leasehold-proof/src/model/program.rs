//! What the claims of an instance do, written as one line each.
//!
//! | text | what it is |
//! |---|---|
//! | `A` | a guard on A, with nothing inside |
//! | `A{B C}` | a guard on A; inside it one on B, then one on C |
//! | `A+~B` | one request for both: A to change, B to read |
//! | `S/2`, `P/x`, `P/*/k` | a slot of a pool of two; a path in the tree P; a pattern |
//! | `!A` | a lock on A, kept until `-A` or the end; `!A{B}`: B with its proof |
//! | `A?`, `A%5` | without waiting; with 5 ms of patience |
//! | `A:5`, `A:5k` | with a TTL of 5 ms; kept while its holder lives |
//! | `A#50` | with priority 50 |
//! | `&A` | judged as if somebody always wanted what it holds |
//! | `@c:A` | the same, by another agent |

mod reader;

use leasehold_core::seniority::Seniority;
use leasehold_core::{Claim, Identity, Ttl, lease::Kind};
use reader::Reader;

pub(super) use reader::resource;

/// One request of a program.
#[derive(Debug, Clone)]
pub(super) struct Request {
    /// As it is written.
    pub(super) text: String,
    pub(super) who: Identity,
    pub(super) claims: Vec<Claim>,
    pub(super) kind: Kind,
    /// The request of the same program that it is inside of.
    pub(super) inside: Option<usize>,
    pub(super) waits: bool,
    pub(super) patience_ms: Option<u64>,
    pub(super) ttl: Option<Ttl>,
    pub(super) keep_while_alive: bool,
    pub(super) priority: Option<u32>,
    pub(super) strict: bool,
}

/// One step of a program. The number is that of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Take(usize),
    Give(usize),
}

/// What one claim does, from its first request to its last release.
#[derive(Debug, Clone)]
pub(super) struct Program {
    /// `agent: steps`, as written.
    pub(super) text: String,
    pub(super) requests: Vec<Request>,
    pub(super) steps: Vec<Step>,
    /// The claim and its request that all of this is inside of: that guard waits for its end.
    pub(super) parent: Option<(usize, usize)>,
}

impl Program {
    /// Reads `agent: steps`. An agent that begins with `_` is nameless; `agent<2.0:` is a claim inside
    /// request 0 of claim 2 of the instance.
    pub(super) fn parse(text: &str) -> Self {
        let (head, body) = text.split_once(": ").expect("agent, colon, steps");
        let (agent, parent) = match head.split_once('<') {
            None => (head, None),
            Some((agent, parent)) => {
                let (claim, request) = parent.split_once('.').expect("claim.request");
                let number = |text: &str| text.parse().expect("a number");
                (agent, Some((number(claim), number(request))))
            }
        };
        let program = Self {
            text: text.to_owned(),
            requests: Vec::new(),
            steps: Vec::new(),
            parent,
        };
        Reader::new(body, agent, program).read()
    }

    /// Whether it may be refused, and so may never come to its end.
    pub(super) fn may_be_refused(&self) -> bool {
        self.requests.iter().any(|request| !request.waits)
    }

    /// The priorities of its requests: that of the first in front, and that of the last.
    pub(super) fn priorities(&self) -> (u32, u32) {
        let mut all: Vec<u32> = Vec::with_capacity(self.requests.len());
        for request in &self.requests {
            let inherited = request.inside.map(|outer| all[outer]);
            let own = request.priority.or(inherited);
            all.push(own.unwrap_or(Seniority::PRIORITY_DEFAULT));
        }
        let first = all.iter().min().copied();
        let last = all.iter().max().copied();
        first.zip(last).expect("a program asks for something")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_as_it_is_meant() {
        let program = Program::parse("a: !A:5 B?{@c:~C+S/2} -A D%5#50");
        let takes: Vec<&str> = program.requests.iter().map(|r| r.text.as_str()).collect();
        assert_eq!(takes, ["!A:5", "B?", "@c:~C+S/2", "D%5#50"]);
        use Step::{Give, Take};
        let steps = [
            Take(0),
            Take(1),
            Take(2),
            Give(2),
            Give(1),
            Give(0),
            Take(3),
            Give(3),
        ];
        assert_eq!(program.steps, steps);
        assert_eq!(program.requests[2].inside, Some(1));
        assert_eq!(program.requests[2].who, Identity::named("c", "h"));
        assert!(program.may_be_refused());
        assert_eq!(program.requests[0].kind, Kind::Standing);
        assert_eq!(program.priorities(), (50, 100));
        let strict = Program::parse("a: &!A#7{P/*/k#9{B}}");
        assert!(strict.requests[0].strict && strict.requests[0].kind == Kind::Standing);
        assert_eq!(strict.priorities(), (7, 9));
        assert_eq!(
            strict.requests[1].claims[0].resource.to_string(),
            "path:P/*/k"
        );
    }
}
