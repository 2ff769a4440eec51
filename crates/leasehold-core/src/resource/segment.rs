//! One segment of a path or pattern: its parts, its parsing and its canonical text.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::ResourceError;

/// One part of a segment with wildcards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// This character.
    Char(char),
    /// `?`: any one character.
    AnyChar,
    /// `*`: any run of characters, also none.
    AnyRun,
}

/// One segment of a path pattern.
#[derive(Debug)]
pub(super) enum Segment {
    /// Exactly this name, without escapes.
    Literal(Box<str>),
    /// A name with wildcards, in canonical order.
    Glob(Box<[Token]>),
    /// `**`: any number of segments, also none.
    AnyDepth,
}

/// A segment of a pattern or of a literal path, borrowed.
#[derive(Clone, Copy)]
pub(super) enum SegmentRef<'a> {
    Literal(&'a str),
    Glob(&'a [Token]),
    AnyDepth,
}

impl Segment {
    /// Returns the segment written as `text`, which has no `/`.
    pub(super) fn parse(text: &str) -> Result<Self, ResourceError> {
        if text == "**" {
            return Ok(Self::AnyDepth);
        }
        let tokens = tokenize(text)?;
        if tokens.iter().all(|token| matches!(token, Token::Char(_))) {
            let characters = tokens.iter().filter_map(|token| token.character());
            return Ok(Self::Literal(characters.collect::<String>().into()));
        }
        Ok(Self::Glob(in_canonical_order(&tokens).into()))
    }

    pub(super) fn as_ref(&self) -> SegmentRef<'_> {
        match self {
            Self::Literal(name) => SegmentRef::Literal(name),
            Self::Glob(tokens) => SegmentRef::Glob(tokens),
            Self::AnyDepth => SegmentRef::AnyDepth,
        }
    }

    /// Returns whether this is `*`, which every name matches.
    pub(super) fn is_any_name(&self) -> bool {
        matches!(self, Self::Glob(tokens) if **tokens == [Token::AnyRun])
    }

    /// Returns the length without escapes, a wildcard counting as one byte.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Literal(name) => name.len(),
            Self::Glob(tokens) => tokens
                .iter()
                .map(|token| token.character().map_or(1, char::len_utf8))
                .sum(),
            Self::AnyDepth => 2,
        }
    }

    pub(super) fn wildcards(&self) -> usize {
        match self {
            Self::Literal(_) => 0,
            Self::Glob(tokens) => tokens
                .iter()
                .filter(|token| token.character().is_none())
                .count(),
            Self::AnyDepth => 1,
        }
    }

    /// Appends the canonical text. `\` is written where the character after it would otherwise
    /// mean something; of braces only the caller knows, who sees the whole path.
    pub(super) fn write(&self, text: &mut String, escape_braces: bool) {
        let write_character = |text: &mut String, character| {
            if matches!(character, '*' | '?' | '\\') || (escape_braces && character == '{') {
                text.push('\\');
            }
            text.push(character);
        };
        match self {
            Self::Literal(name) => name.chars().for_each(|c| write_character(text, c)),
            Self::Glob(tokens) => {
                for token in tokens {
                    match token {
                        Token::Char(character) => write_character(text, *character),
                        Token::AnyChar => text.push('?'),
                        Token::AnyRun => text.push('*'),
                    }
                }
            }
            Self::AnyDepth => text.push_str("**"),
        }
    }
}

impl Token {
    pub(super) fn character(self) -> Option<char> {
        match self {
            Self::Char(character) => Some(character),
            Self::AnyChar | Self::AnyRun => None,
        }
    }
}

fn tokenize(text: &str) -> Result<Vec<Token>, ResourceError> {
    let mut tokens = Vec::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        tokens.push(match character {
            // An escaped star is a `Char`, so two runs in a row are two bare stars.
            '*' if tokens.last() == Some(&Token::AnyRun) => {
                return Err(ResourceError::AnyDepthInsideSegment {
                    segment: text.to_string(),
                });
            }
            '*' => Token::AnyRun,
            '?' => Token::AnyChar,
            '\\' => match characters.next() {
                Some(escaped) if !escaped.is_alphanumeric() => Token::Char(escaped),
                // Before a letter it is a Windows path rather than an escape.
                Some(_) | None => {
                    return Err(ResourceError::DanglingEscape {
                        segment: text.to_string(),
                    });
                }
            },
            _ => Token::Char(character),
        });
    }
    Ok(tokens)
}

/// Returns the tokens with each row of wildcards brought into one order: `*?*` and `*?` mean the
/// same as `?*` (at least one character). A whole segment `?*` is `*`, because no name is empty.
fn in_canonical_order(tokens: &[Token]) -> Vec<Token> {
    let mut ordered = Vec::with_capacity(tokens.len());
    let mut is_run_due = false;
    for &token in tokens {
        match token {
            Token::AnyRun => is_run_due = true,
            Token::AnyChar => ordered.push(token),
            Token::Char(_) => {
                if core::mem::take(&mut is_run_due) {
                    ordered.push(Token::AnyRun);
                }
                ordered.push(token);
            }
        }
    }
    if is_run_due {
        ordered.push(Token::AnyRun);
    }
    if ordered == [Token::AnyChar, Token::AnyRun] {
        ordered.remove(0);
    }
    ordered
}
