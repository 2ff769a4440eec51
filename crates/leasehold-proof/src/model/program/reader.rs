//! Reading a program, sign by sign.

use super::{Program, Request, Step};
use leasehold_core::{Claim, Identity, Intent, Resource, Ttl, lease::Kind};
use std::num::NonZeroU32;

/// What ends the name of what is claimed.
const ENDS: [char; 7] = [' ', '?', ':', '%', '{', '}', '#'];

fn identity(agent: &str) -> Identity {
    match agent.strip_prefix('_') {
        Some(name) => Identity::nameless(name, "h"),
        None => Identity::named(agent, "h"),
    }
}

/// What is read so far, and what is left to read.
pub(super) struct Reader<'a> {
    rest: &'a str,
    agent: &'a str,
    program: Program,
    /// Locks not given back yet.
    locks: Vec<usize>,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(rest: &'a str, agent: &'a str, program: Program) -> Self {
        Self {
            rest,
            agent,
            program,
            locks: Vec::new(),
        }
    }

    /// Reads all of it. Locks that are kept are given back at the end.
    pub(super) fn read(mut self) -> Program {
        self.sequence(None);
        let kept = self.locks.into_iter().map(Step::Give);
        self.program.steps.extend(kept);
        self.program
    }

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
        let strict = self.eat("&");
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
        let claims = claims(self.word(&ENDS));
        let waits = !self.eat("?");
        let patience_ms = self.eat("%").then(|| self.number());
        let ttl = self.eat(":").then(|| self.number());
        let keep_while_alive = self.eat("k");
        let priority = self.eat("#").then(|| self.number());
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
            priority: priority.map(|number| u32::try_from(number).expect("a priority")),
            strict,
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

    fn number(&mut self) -> u64 {
        let digits = self.rest.trim_start_matches(|c: char| c.is_ascii_digit());
        let (word, rest) = self.rest.split_at(self.rest.len() - digits.len());
        self.rest = rest;
        word.parse().expect("a number")
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
        Some((pool, size)) if !is_path(text) => {
            let size: u32 = size.parse().expect("a pool has a size");
            Claim::slot(name(pool), NonZeroU32::new(size).expect("not zero"))
        }
        _ => Claim::new(name(text), intent),
    }
}

/// `P` and what begins with it is a tree, and what has a star in it a pattern of paths.
fn is_path(word: &str) -> bool {
    word.starts_with('P') || word.contains('*')
}

/// Returns the resource of a word.
pub(in super::super) fn resource(word: &str) -> Resource {
    let text = match is_path(word) {
        true => format!("path:{word}"),
        false => word.to_owned(),
    };
    Resource::parse(&text).expect("a word is a resource")
}
