//! A limit on any figure.

use std::fmt;
use std::time::Duration;

use super::check::Probe;
use super::error::JudgeError;
use super::hold::Hold;
use super::latch::Level;
use super::reason::Reason;
use super::severity::Severity;
use super::words::Number;

/// On which side of a limit a figure is bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// Above it: a utilisation, a queue, a response time.
    Over,
    /// Below it: a hit ratio, an Apdex score, free memory.
    Under,
}

/// A limit on a figure, with a second one at which the alert clears, so that a figure that wavers about the first raises one alert.
///
/// It asks for a ticket, is raised at once and cleared when the figure has been on the good side of `clear_at` for five minutes
/// ([`Hold`]), unless said otherwise. A figure that is NaN is unknown; an infinite one is not.
///
/// # Example
///
/// ```
/// use crm_monitor::judge::{Level, Severity, Threshold};
///
/// let busy = Threshold::over(0.9)?.clear_at(0.8)?.severity(Severity::Page);
/// assert_eq!(busy.level(Some(0.95)), Level::Bad);
/// assert_eq!(busy.level(Some(0.85)), Level::Between);
/// assert_eq!(busy.level(Some(0.8)), Level::Good);
/// assert_eq!(busy.level(None), Level::Unknown);
///
/// let hits = Threshold::under(0.6)?.clear_at(0.7)?;
/// assert_eq!(hits.level(Some(0.5)), Level::Bad);
/// assert!(Threshold::under(0.6)?.clear_at(0.5).is_err());
/// # Ok::<(), crm_monitor::judge::JudgeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold {
    side: Side,
    limit: f64,
    clear_at: f64,
    severity: Severity,
    hold: Hold,
    missing_after: Option<Duration>,
}

impl Threshold {
    /// Bad above `limit`.
    ///
    /// # Errors
    ///
    /// [`JudgeError::Figure`] when the limit is not finite.
    pub fn over(limit: f64) -> Result<Self, JudgeError> {
        Self::new(Side::Over, limit)
    }

    /// Bad below `limit`.
    ///
    /// # Errors
    ///
    /// [`JudgeError::Figure`] when the limit is not finite.
    pub fn under(limit: f64) -> Result<Self, JudgeError> {
        Self::new(Side::Under, limit)
    }

    fn new(side: Side, limit: f64) -> Result<Self, JudgeError> {
        if !limit.is_finite() {
            return Err(JudgeError::figure("limit", limit, "be finite"));
        }
        Ok(Self {
            side,
            limit,
            clear_at: limit,
            severity: Severity::Ticket,
            hold: Hold::new().clear_after(Duration::from_secs(300)),
            missing_after: None,
        })
    }

    /// Where the alert clears: the limit itself unless said otherwise.
    ///
    /// # Errors
    ///
    /// [`JudgeError::Figure`] when it is not finite, [`JudgeError::ClearsBeyond`] when it lies on the bad side of the limit.
    pub fn clear_at(mut self, clear_at: f64) -> Result<Self, JudgeError> {
        if !clear_at.is_finite() {
            return Err(JudgeError::figure("clear_at", clear_at, "be finite"));
        }
        let limit = self.limit;
        if self.is_bad(clear_at) {
            return Err(JudgeError::ClearsBeyond { limit, clear_at });
        }
        self.clear_at = clear_at;
        Ok(self)
    }

    /// What the alert asks for.
    #[must_use]
    pub const fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// How long the figure must stay bad or good.
    #[must_use]
    pub const fn hold(mut self, hold: Hold) -> Self {
        self.hold = hold;
        self
    }

    /// After which time without a figure a ticket says so; never unless said otherwise, since many figures have no value without traffic.
    #[must_use]
    pub const fn missing_after(mut self, time: Option<Duration>) -> Self {
        self.missing_after = time;
        self
    }

    /// Where a figure stands.
    #[must_use]
    pub fn level(&self, figure: Option<f64>) -> Level {
        match figure {
            Some(figure) if figure.is_nan() => Level::Unknown,
            None => Level::Unknown,
            Some(figure) if self.is_bad(figure) => Level::Bad,
            Some(figure) => {
                let good = match self.side {
                    Side::Over => figure <= self.clear_at,
                    Side::Under => figure >= self.clear_at,
                };
                if good { Level::Good } else { Level::Between }
            }
        }
    }

    fn is_bad(&self, figure: f64) -> bool {
        match self.side {
            Side::Over => figure > self.limit,
            Side::Under => figure < self.limit,
        }
    }

    pub(super) fn into_probe(self, figure: impl Fn() -> Option<f64> + Send + Sync) -> impl Probe {
        Watched {
            threshold: self,
            figure,
        }
    }
}

/// A figure against its limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Crossing {
    figure: Option<f64>,
    side: Side,
    limit: f64,
    clear_at: f64,
}

impl Crossing {
    /// The figure, none when it was not known.
    #[must_use]
    pub const fn figure(&self) -> Option<f64> {
        self.figure
    }

    /// On which side of the limit it is bad.
    #[must_use]
    pub const fn side(&self) -> Side {
        self.side
    }

    /// Where the alert is raised.
    #[must_use]
    pub const fn limit(&self) -> f64 {
        self.limit
    }

    /// Where it clears.
    #[must_use]
    pub const fn clear_at(&self) -> f64 {
        self.clear_at
    }
}

impl fmt::Display for Crossing {
    /// `0.95 (raised over 0.9, cleared at 0.8)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.figure {
            Some(figure) => Number(figure).fmt(f)?,
            None => f.write_str("not known")?,
        }
        let side = match self.side {
            Side::Over => "over",
            Side::Under => "under",
        };
        let (limit, clear_at) = (Number(self.limit), Number(self.clear_at));
        write!(f, " (raised {side} {limit}, cleared at {clear_at})")
    }
}

struct Watched<F> {
    threshold: Threshold,
    figure: F,
}

impl<F: Fn() -> Option<f64> + Send + Sync> Probe for Watched<F> {
    fn rules(&self) -> Vec<(Severity, Hold)> {
        vec![(self.threshold.severity, self.threshold.hold)]
    }

    fn missing_after(&self) -> Option<Duration> {
        self.threshold.missing_after
    }

    fn look(&self) -> Vec<(Level, Reason)> {
        let figure = (self.figure)().filter(|figure| !figure.is_nan());
        let Threshold {
            side,
            limit,
            clear_at,
            ..
        } = self.threshold;
        let crossing = Crossing {
            figure,
            side,
            limit,
            clear_at,
        };
        vec![(self.threshold.level(figure), Reason::Crossing(crossing))]
    }
}
