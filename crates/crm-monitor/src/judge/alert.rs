//! An alert, and what becomes of it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crm_clock::Tick;

use super::reason::Reason;
use super::severity::Severity;
use super::words::Span;

/// Something that asks for a human: a value, with the reason in it.
///
/// What to do with it is the caller's: send it, show it, or wait for its clearing.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    pub(super) id: u64,
    pub(super) name: Arc<str>,
    pub(super) severity: Severity,
    pub(super) reason: Reason,
    pub(super) since: Tick,
}

impl Alert {
    /// Its number among all alerts of the same [`Alerts`](crate::judge::Alerts), from one. It is never given twice.
    #[must_use]
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// The name of the check that raised it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it asks for.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        self.severity
    }

    /// Why it was raised: the figures of that moment.
    #[must_use]
    pub const fn reason(&self) -> &Reason {
        &self.reason
    }

    /// When it was raised.
    #[must_use]
    pub const fn since(&self) -> Tick {
        self.since
    }
}

impl fmt::Display for Alert {
    /// `page: answers: the budget of 99.9 % over 30 d burns 20 times as fast as it may ...`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            severity,
            name,
            reason,
            ..
        } = self;
        write!(f, "{severity}: {name}: {reason}")
    }
}

/// What has changed since the evaluation before. Each alert is raised once and cleared once.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// A new alert.
    Raised(Alert),
    /// The end of one that was raised before.
    Cleared {
        /// The alert, as it was raised.
        alert: Alert,
        /// How long it was raised.
        lasted: Duration,
    },
}

impl Change {
    /// The alert in question.
    #[must_use]
    pub const fn alert(&self) -> &Alert {
        match self {
            Self::Raised(alert) | Self::Cleared { alert, .. } => alert,
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Raised(alert) => alert.fmt(f),
            Self::Cleared { alert, lasted } => {
                write!(f, "cleared after {}: {alert}", Span(*lasted))
            }
        }
    }
}
