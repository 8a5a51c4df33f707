//! What can be refused, and what to do instead.

use std::error::Error;
use std::fmt;

use crate::Coding;

/// A name that is no coding of this build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownCoding;

impl fmt::Display for UnknownCoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown content coding; use ")?;
        let (last, others) = Coding::ALL.split_last().expect("identity is always there");
        for (index, coding) in others.iter().enumerate() {
            write!(f, "{}{coding}", if index > 0 { ", " } else { "" })?;
        }
        write!(f, " or {last}")
    }
}

impl Error for UnknownCoding {}

/// A level that the coding does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LevelOutOfRange {
    /// The level that was asked for.
    pub level: u8,
    /// The coding that was to have it.
    pub coding: Coding,
    /// The first level of that coding's scale.
    pub first: u8,
    /// The last level of that coding's scale.
    pub last: u8,
}

impl fmt::Display for LevelOutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            level,
            coding,
            first,
            last,
        } = self;
        write!(
            f,
            "level {level} is not on the scale of {coding}; choose one from {first} to {last}"
        )
    }
}

impl Error for LevelOutOfRange {}

/// A text that is no [`MediaPattern`](crate::MediaPattern).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidMediaPattern;

impl fmt::Display for InvalidMediaPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("invalid media pattern; write it as type/subtype, type/* or +suffix, without parameters")
    }
}

impl Error for InvalidMediaPattern {}

/// A write to, or flush of, an [`Encoder`](crate::Encoder) whose stream has ended.
///
/// It arrives as the source of an [`std::io::Error`] of the kind `InvalidInput`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamFinished;

impl fmt::Display for StreamFinished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the encoded stream has ended; begin another encoder for more")
    }
}

impl Error for StreamFinished {}
