//! What was to be reached, and whether it was.

use std::fmt;
use std::io::{self, Write};
use std::ops::RangeBounds;

/// The targets of a benchmark with what was found.
#[derive(Default)]
pub(crate) struct Verdicts(Vec<Verdict>);

struct Verdict {
    what: String,
    asked: String,
    found: f64,
    reached: bool,
}

impl Verdicts {
    /// Judges a figure by the range in which it is to be.
    pub(crate) fn judge<R>(&mut self, what: impl Into<String>, asked: R, found: f64)
    where
        R: RangeBounds<f64> + fmt::Debug,
    {
        self.0.push(Verdict {
            what: what.into(),
            asked: format!("{asked:?}"),
            found,
            reached: asked.contains(&found),
        });
    }

    /// Writes the table, unless the sizes are those of a test, which say nothing.
    pub(crate) fn write(&self, out: &mut impl Write, is_test: bool) -> io::Result<()> {
        if is_test {
            return writeln!(out, "\n{} targets, not judged in a test", self.0.len());
        }
        writeln!(out, "\n## Targets\n\n{self}")
    }
}

impl fmt::Display for Verdicts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| target | asked | found | |")?;
        writeln!(f, "|---|---|---:|---|")?;
        for verdict in &self.0 {
            let Verdict {
                what, asked, found, ..
            } = verdict;
            let word = if verdict.reached { "reached" } else { "MISSED" };
            writeln!(f, "| {what} | {asked} | {found:.3} | {word} |")?;
        }
        let missed = self.0.iter().filter(|verdict| !verdict.reached).count();
        write!(f, "\n{missed} of {} missed", self.0.len())
    }
}
