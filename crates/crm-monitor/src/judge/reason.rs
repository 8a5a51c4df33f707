//! Why an alert was raised.

use std::fmt;
use std::time::Duration;

use super::burn::Burn;
use super::security::SecurityFigure;
use super::threshold::Crossing;
use super::words::Span;

/// Why an alert was raised: the figures, as they were then.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Reason {
    /// The budget of an objective burns too fast.
    Burn(Burn),
    /// A figure is beyond its limit.
    Crossing(Crossing),
    /// There are too many security events.
    Security(SecurityFigure),
    /// There were no data for at least so long: nobody knows whether all is well.
    Missing(Duration),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Burn(burn) => burn.fmt(f),
            Self::Crossing(crossing) => crossing.fmt(f),
            Self::Security(figure) => figure.fmt(f),
            Self::Missing(time) => write!(
                f,
                "no data for {}, so that nobody knows whether all is well",
                Span(*time)
            ),
        }
    }
}
