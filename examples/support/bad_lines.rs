//! Lines of a log that cannot be used: counted, and the first of them kept with number and reason.

use std::fmt;
use std::io::{self, Write};

use serde::Serialize;

/// How many bad lines are kept with number and reason; the others are counted.
const BAD_LINES_KEPT: usize = 20;

/// How many bad lines are shown; more are in the JSON file.
const BAD_LINES_SHOWN: usize = 5;

/// The lines that were passed over.
#[derive(Debug, Default, Serialize)]
pub(crate) struct BadLines {
    pub(crate) count: u64,
    pub(crate) first: Vec<BadLine>,
}

/// A line that was passed over; the first line of the file is line 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct BadLine {
    pub(crate) line: u64,
    pub(crate) reason: String,
}

impl BadLines {
    pub(crate) fn add(&mut self, line: u64, reason: &impl fmt::Display) {
        self.count += 1;
        if self.first.len() < BAD_LINES_KEPT {
            self.first.push(BadLine {
                line,
                reason: reason.to_string(),
            });
        }
    }

    /// Tells the first of them, a line each, and how many more there are.
    pub(crate) fn tell(&self, err: &mut impl Write) -> io::Result<()> {
        for line in self.first.iter().take(BAD_LINES_SHOWN) {
            writeln!(err, "bad {line}")?;
        }
        if let Some(more @ 1..) = self.count.checked_sub(BAD_LINES_SHOWN as u64) {
            writeln!(err, "and {more} more bad lines")?;
        }
        Ok(())
    }
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_is_all_bad_is_counted_not_kept() {
        let mut bad = BadLines::default();
        (1..=1_000).for_each(|line| bad.add(line, &"blank"));
        assert_eq!(bad.count, 1_000);
        assert_eq!(bad.first.len(), BAD_LINES_KEPT);
    }
}
