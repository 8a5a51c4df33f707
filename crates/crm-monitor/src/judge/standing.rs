//! How a check stands at present.

use std::fmt;
use std::sync::Arc;

use super::reason::Reason;
use super::severity::Severity;

/// How one check stood at the last evaluation: quiet, raised or unknown, and its latest figures.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    pub(super) name: Arc<str>,
    pub(super) severity: Option<Severity>,
    pub(super) known: bool,
    pub(super) figures: Vec<Reason>,
}

impl Standing {
    /// The name of the check.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The most urgent of its active alerts; none when it is quiet.
    #[must_use]
    pub const fn severity(&self) -> Option<Severity> {
        self.severity
    }

    /// Whether there were data. Quiet without data is not good: it is unknown.
    #[must_use]
    pub const fn is_known(&self) -> bool {
        self.known
    }

    /// The latest figures, one for each of its rules; none before the first evaluation.
    #[must_use]
    pub fn figures(&self) -> &[Reason] {
        &self.figures
    }
}

impl fmt::Display for Standing {
    /// `answers: quiet`, `answers: page`, `answers: unknown`, `answers: page, now unknown`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.name)?;
        match (self.severity, self.known) {
            (Some(severity), true) => severity.fmt(f),
            (Some(severity), false) => write!(f, "{severity}, now unknown"),
            (None, true) => f.write_str("quiet"),
            (None, false) => f.write_str("unknown"),
        }
    }
}
