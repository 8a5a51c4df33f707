//! The requests of a log, with its keys numbered.

use std::collections::HashMap;
use std::fmt;

use serde::Serialize;

/// Positions in a trace are numbers of 32 bits, and one of them means "never".
pub(crate) const MOST_REQUESTS: usize = u32::MAX as usize;

/// How many bad lines are kept with number and reason; the others are counted.
const BAD_LINES_KEPT: usize = 20;

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

/// The lines that held no key.
#[derive(Debug, Default, Serialize)]
pub(crate) struct BadLines {
    pub(crate) count: u64,
    pub(crate) first: Vec<BadLine>,
}

impl BadLines {
    pub(crate) fn add(&mut self, line: u64, reason: Reason) {
        self.count += 1;
        if self.first.len() < BAD_LINES_KEPT {
            self.first.push(BadLine { line, reason });
        }
    }
}

/// A line that was passed over; the first line of the file is line 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct BadLine {
    pub(crate) line: u64,
    #[serde(serialize_with = "as_text")]
    pub(crate) reason: Reason,
}

fn as_text<S: serde::Serializer>(reason: &Reason, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(reason)
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.reason)
    }
}

/// Why a line holds no key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    Blank,
    NoKey,
    FewFields(usize),
    OpenQuote,
    Nul,
    TooLong,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blank => write!(f, "it is blank"),
            Self::NoKey => write!(f, "the column of the key is empty"),
            Self::FewFields(1) => write!(f, "it has only one field"),
            Self::FewFields(fields) => write!(f, "it has only {fields} fields"),
            Self::OpenQuote => write!(f, "it has a quote that nothing closes"),
            Self::Nul => write!(f, "it holds a NUL byte, so it is no text"),
            Self::TooLong => write!(
                f,
                "it is longer than {} KiB",
                crate::reader::LONGEST_LINE / 1024
            ),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_is_all_bad_is_counted_not_kept() {
        let mut bad = BadLines::default();
        (1..=1_000).for_each(|line| bad.add(line, Reason::Blank));
        assert_eq!(bad.count, 1_000);
        assert_eq!(bad.first.len(), BAD_LINES_KEPT);
    }
}
