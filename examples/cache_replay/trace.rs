//! The requests of a log, with its keys numbered.

use std::collections::HashMap;
use std::fmt;

use crate::bad_lines::BadLines;
use crate::log_lines::LineFault;

/// Positions in a trace are numbers of 32 bits, and one of them means "never".
pub(crate) const MOST_REQUESTS: usize = u32::MAX as usize;

/// Which key each request asked for. Keys are numbered from 0 in the order in which they first came, whatever they
/// were in the log: what a cache does depends on which requests are for one key, and on nothing else of the key.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    pub(crate) requests: Vec<u32>,
    pub(crate) distinct: usize,
    pub(crate) bad: BadLines,
}

impl Trace {
    /// The share of hits of a cache with room for every key: only the first request of each key misses.
    pub(crate) fn best_hit_ratio(&self) -> f64 {
        (self.requests.len() - self.distinct) as f64 / self.requests.len() as f64
    }
}

/// Why a line holds no key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    Blank,
    NoKey,
    Nul,
    Line(LineFault),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blank => write!(f, "it is blank"),
            Self::NoKey => write!(f, "the column of the key is empty"),
            Self::Nul => write!(f, "it holds a NUL byte, so it is no text"),
            Self::Line(fault) => fault.fmt(f),
        }
    }
}

/// Numbers keys in the order in which they first come.
#[derive(Debug)]
pub(crate) struct Numbering<K>(HashMap<K, u32>);

impl<K: Eq + std::hash::Hash> Numbering<K> {
    pub(crate) fn new() -> Self {
        Self(HashMap::new())
    }

    /// The number of `key`. There are never more keys than requests, so the numbers suffice.
    pub(crate) fn of<Q>(&mut self, key: &Q) -> u32
    where
        K: std::borrow::Borrow<Q>,
        Q: Eq + std::hash::Hash + ToOwned<Owned = K> + ?Sized,
    {
        if let Some(&number) = self.0.get(key) {
            return number;
        }
        let number = self.0.len() as u32;
        self.0.insert(key.to_owned(), number);
        number
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

impl From<LineFault> for Reason {
    fn from(fault: LineFault) -> Self {
        Self::Line(fault)
    }
}
