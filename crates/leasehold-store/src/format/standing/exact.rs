//! The shape in which nearly all standing leases are written, read member by member.

use super::{Piece, Standing};
use crate::format::scan::{self, leading_number};
use leasehold_core::intent::Intent;
use leasehold_core::{FencingToken, Resource, Timestamp, Ttl, event};

/// How long an id is.
const ID_DIGITS: usize = 32;

/// A place in a text of which only what is written exactly so is read.
pub(super) struct Exact<'a> {
    pub(super) rest: &'a str,
}

impl<'a> Exact<'a> {
    /// Goes over what has to be there. Of a known length, it is compared as one or two numbers.
    #[inline(always)]
    pub(super) fn literal<const N: usize>(&mut self, literal: &[u8; N]) -> Option<()> {
        if self.rest.as_bytes().first_chunk()? != literal {
            return None;
        }
        self.rest = self.rest.get(N..)?;
        Some(())
    }

    #[inline(always)]
    pub(super) fn maybe<const N: usize>(&mut self, literal: &[u8; N]) -> bool {
        self.literal(literal).is_some()
    }

    /// Reads a text behind its first quote: one without escapes, and of ASCII only.
    fn text(&mut self) -> Option<&'a str> {
        let end = scan::not_plain(self.rest.as_bytes())?;
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        self.literal(b"\"")?;
        Some(text)
    }

    /// Reads a number of as many digits as surely fit; longer ones are rare, and left to serde.
    fn number(&mut self) -> Option<u64> {
        const DIGITS_MAX: usize = 19;
        let digits = self.rest.as_bytes();
        let (number, rest) = leading_number(digits)?;
        let length = digits.len() - rest.len();
        if length > DIGITS_MAX || length > 1 && digits[0] == b'0' {
            return None;
        }
        self.rest = self.rest.get(length..)?;
        Some(number)
    }

    /// Reads an id behind its first quote.
    fn id(&mut self) -> Option<&'a str> {
        let digits: &[u8; ID_DIGITS] = self.rest.as_bytes().first_chunk()?;
        let is_digit = |byte: &u8| byte.is_ascii_digit() | (b'a'..=b'f').contains(byte);
        // All of them without a branch: many at a time.
        if !digits.iter().fold(true, |all, byte| all & is_digit(byte)) {
            return None;
        }
        let id = self.rest.get(..ID_DIGITS)?;
        self.rest = self.rest.get(ID_DIGITS..)?;
        self.literal(b"\"")?;
        Some(id)
    }

    /// Reads a number behind a name that may not be there.
    #[inline(always)]
    fn maybe_number<const N: usize>(&mut self, name: &[u8; N]) -> Option<Option<u64>> {
        if self.maybe(name) {
            self.number().map(Some)
        } else {
            Some(None)
        }
    }

    fn numbers(&mut self) -> Option<()> {
        self.literal(b"[")?;
        self.number()?;
        while self.maybe(b",") {
            self.number()?;
        }
        self.literal(b"]")
    }

    fn small_number(&mut self) -> Option<u32> {
        self.number()?.try_into().ok()
    }

    pub(super) fn claim(&mut self) -> Option<(&'a str, Intent)> {
        self.literal(b"{\"resource\":\"")?;
        let resource = self.text()?;
        self.literal(b",\"intent\":\"")?;
        let intent = self.text()?.parse().ok()?;
        self.literal(b"}")?;
        Some((resource, intent))
    }

    /// Reads a lease whose resources are all fine.
    #[inline(always)]
    pub(super) fn lease(&mut self, is_fine: impl Fn(&str) -> bool) -> Option<Standing<&'a str>> {
        self.literal(b"{\"id\":\"")?;
        let id = self.id()?;
        self.literal(b",\"who\":{\"owner\":\"")?;
        let owner = self.text()?;
        self.literal(b",\"host\":\"")?;
        let host = self.text()?;
        let session = if self.maybe(b",\"session\":\"") {
            Some(self.text()?)
        } else {
            None
        };
        self.maybe(b",\"explicit\":true");
        self.literal(b"},\"claims\":[")?;
        let claims = self.rest;
        loop {
            let (resource, _) = self.claim()?;
            if !is_fine(resource) {
                return None;
            }
            if !self.maybe(b",") {
                break;
            }
        }
        let claims = &claims[..claims.len() - self.rest.len()];
        self.literal(b"],\"standing\":true,\"birth\":")?;
        self.numbers()?;
        self.literal(b",\"seniority\":[")?;
        self.small_number()?;
        self.literal(b",")?;
        self.numbers()?;
        self.literal(b"],\"number\":")?;
        self.number()?;
        self.literal(b",\"token\":")?;
        let token = FencingToken::new(self.number()?)?;
        self.literal(b",\"granted\":")?;
        let granted = Timestamp::from_millis(self.number()?);
        let ttl = self.maybe_number(b",\"ttl_ms\":")?;
        let expires = self.maybe_number(b",\"expires\":")?;
        let keep_while_alive = self.maybe(b",\"keep_while_alive\":true");
        self.literal(b",\"pid\":")?;
        let pid = self.small_number()?;
        self.literal(b",\"command\":\"")?;
        let command = self.text()?;
        self.literal(b"}")?;
        Some(Standing {
            id,
            owner,
            host,
            session,
            claims,
            token,
            granted,
            ttl: ttl.map(Ttl::from_millis).transpose().ok()?,
            expires: expires.map(Timestamp::from_millis),
            keep_while_alive,
            pid,
            command,
        })
    }

    /// Reads an event about one standing lease and nothing else.
    pub(super) fn change(&mut self) -> Option<Piece<'a, event::Event>> {
        self.literal(b"{\"event\":\"")?;
        let name = self.text()?;
        self.literal(b",\"lease\":")?;
        let lease = self.lease(Resource::is_canonical)?;
        self.literal(b"}")?;
        match name {
            "granted" | "bound" | "renewed" => Some(Piece::Put(lease)),
            "released" | "freed" | "lapsed" => Some(Piece::Drop(lease.id)),
            _ => None,
        }
    }
}
