//! What the claims of an instance do, written as one line each.
//!
//! | text | what it is |
//! |---|---|
//! | `A` | a guard on A, with nothing inside |
//! | `A{B C}` | a guard on A; inside it one on B, then one on C |
//! | `A+~B` | one request for both: A to change, B to read |
//! | `S/2`, `P/x` | a slot of a pool of two; a path in the tree P |
//! | `!A` | a lock on A, kept until `-A` or the end; `!A{B}`: B with its proof |
//! | `A?`, `A%5` | without waiting; with 5 ms of patience |
//! | `A:5`, `A:5k` | with a TTL of 5 ms; kept while its holder lives |
//! | `@c:A` | the same, by another agent |

use leasehold_core::{Claim, Identity, Intent, Resource, Ttl, lease::Kind};
use std::num::NonZeroU32;

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
        let mut reader = Reader {
            rest: body,
            agent,
            program: Self {
                text: text.to_owned(),
                requests: Vec::new(),
                steps: Vec::new(),
                parent,
            },
            locks: Vec::new(),
        };
        reader.sequence(None);
        let mut program = reader.program;
        let kept = reader.locks.into_iter().map(Step::Give);
        program.steps.extend(kept);
        program
    }

    /// Whether it may be refused, and so may never come to its end.
    pub(super) fn may_be_refused(&self) -> bool {
        self.requests.iter().any(|request| !request.waits)
    }
}

fn identity(agent: &str) -> Identity {
    match agent.strip_prefix('_') {
        Some(name) => Identity::nameless(name, "h"),
        None => Identity::named(agent, "h"),
    }
}

struct Reader<'a> {
    rest: &'a str,
    agent: &'a str,
    program: Program,
    /// Locks not given back yet.
    locks: Vec<usize>,
}

impl<'a> Reader<'a> {
    fn sequence(&mut self, inside: Option<usize>) {
        loop {
            self.rest = self.rest.trim_start();
            if self.rest.is_empty() || self.eat("}") {
                return;
            }
            if self.eat("-") {
                self.unlock();
            } else {
                self.item(inside);
            }
        }
    }

    fn eat(&mut self, sign: &str) -> bool {
        self.rest
            .strip_prefix(sign)
            .map(|rest| self.rest = rest)
            .is_some()
    }

    fn word(&mut self, ends: &[char]) -> &'a str {
        let end = self.rest.find(ends).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    fn unlock(&mut self) {
        let name = self.word(&[' ', '}']);
        let lock = self.locks.iter().position(|lock| {
            let request = &self.program.requests[*lock];
            request.claims == claims(name)
        });
        let lock = self.locks.remove(lock.expect("it was locked before"));
        self.program.steps.push(Step::Give(lock));
    }

    fn item(&mut self, inside: Option<usize>) {
        let start = self.rest;
        let kind = if self.eat("!") {
            Kind::Standing
        } else {
            Kind::Scoped
        };
        let agent = if self.eat("@") {
            let agent = self.word(&[':']);
            self.eat(":");
            agent
        } else {
            self.agent
        };
        let claims = claims(self.word(&[' ', '?', ':', '%', '{', '}']));
        let waits = !self.eat("?");
        let patience_ms = self.eat("%").then(|| self.millis());
        let ttl = self.eat(":").then(|| self.millis());
        let keep_while_alive = self.eat("k");
        let request = self.program.requests.len();
        let text = start[..start.len() - self.rest.len()].to_owned();
        self.program.requests.push(Request {
            text,
            who: identity(agent),
            claims,
            kind,
            inside,
            waits,
            patience_ms,
            ttl: ttl.map(|millis| Ttl::from_millis(millis).expect("a lifetime")),
            keep_while_alive,
        });
        self.program.steps.push(Step::Take(request));
        if self.eat("{") {
            self.sequence(Some(request));
        }
        match kind {
            Kind::Scoped => self.program.steps.push(Step::Give(request)),
            Kind::Standing => self.locks.push(request),
        }
    }

    fn millis(&mut self) -> u64 {
        let word = self.word(&[' ', '?', ':', '%', '{', '}', 'k']);
        word.parse().expect("milliseconds")
    }
}

/// Reads `A+~B`, sorted as a front door sends it.
fn claims(text: &str) -> Vec<Claim> {
    let mut claims: Vec<Claim> = text.split('+').map(claim).collect();
    claims.sort();
    claims
}

fn claim(text: &str) -> Claim {
    let (text, intent) = match text.strip_prefix('~') {
        Some(text) => (text, Intent::Consumes),
        None => (text, Intent::Mutates),
    };
    let name = |name: &str| resource(name);
    match text.split_once('/') {
        Some((pool, size)) if !text.starts_with('P') => {
            let size: u32 = size.parse().expect("a pool has a size");
            Claim::slot(name(pool), NonZeroU32::new(size).expect("not zero"))
        }
        _ => Claim::new(name(text), intent),
    }
}

/// Returns the resource of a word: `P` and what begins with it is a tree.
pub(super) fn resource(word: &str) -> Resource {
    let text = match word.starts_with('P') {
        true => format!("path:{word}"),
        false => word.to_owned(),
    };
    Resource::parse(&text).expect("a word is a resource")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_as_it_is_meant() {
        let program = Program::parse("a: !A:5 B?{@c:~C+S/2} -A D%5");
        let takes: Vec<&str> = program.requests.iter().map(|r| r.text.as_str()).collect();
        assert_eq!(takes, ["!A:5", "B?", "@c:~C+S/2", "D%5"]);
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
    }
}
