//! Apdex: how satisfied response times leave users.

use core::time::Duration;

use crate::error::ParamError;

/// The application performance index of a count of response times.
///
/// # Formula
///
/// ```text
/// Apdex_T = (satisfied + tolerating / 2) / samples
/// ```
///
/// Satisfied are responses within the target `T`, tolerating those within `4 T`, frustrated all later ones and all errors.
/// The score lies between zero and one.
///
/// Source: Apdex Alliance, "Application Performance Index, Technical Specification", version 1.1, 2007.
///
/// # Example
///
/// ```
/// use crm_metrics::service_level::{Apdex, ApdexRating};
/// use std::time::Duration;
///
/// let index = Apdex::new(40, 200, 48)?;
/// assert!((index.score() - 0.486_111_111_111_111_1).abs() < 1e-15);
/// assert_eq!(index.rating(), ApdexRating::Unacceptable);
///
/// let seconds = [0.3, 0.5, 1.9, 2.1].map(Duration::from_secs_f64);
/// assert_eq!(Apdex::from_times(Duration::from_millis(500), seconds)?.score(), 0.625);
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Apdex {
    satisfied: u64,
    tolerating: u64,
    frustrated: u64,
}

impl Apdex {
    /// The index of so many satisfied, tolerating and frustrated users.
    ///
    /// # Errors
    ///
    /// [`ParamError`] when there is no sample.
    pub fn new(satisfied: u64, tolerating: u64, frustrated: u64) -> Result<Self, ParamError> {
        if satisfied == 0 && tolerating == 0 && frustrated == 0 {
            return Err(ParamError::new("samples", 0.0, "be at least one"));
        }
        Ok(Self {
            satisfied,
            tolerating,
            frustrated,
        })
    }

    /// The index of response times against a target `T`. Count failed requests with [`new`](Self::new), as frustrated.
    ///
    /// # Errors
    ///
    /// [`ParamError`] when there is no response time.
    pub fn from_times(
        target: Duration,
        times: impl IntoIterator<Item = Duration>,
    ) -> Result<Self, ParamError> {
        let patience = target.saturating_mul(4);
        let mut counts = [0, 0, 0];
        for time in times {
            let zone = usize::from(time > target) + usize::from(time > patience);
            counts[zone] += 1;
        }
        Self::new(counts[0], counts[1], counts[2])
    }

    /// `(satisfied + tolerating / 2) / samples`: the score, from zero (all frustrated) to one (all satisfied).
    #[must_use]
    pub fn score(&self) -> f64 {
        let [satisfied, tolerating, frustrated] =
            [self.satisfied, self.tolerating, self.frustrated].map(u128::from);
        let samples = satisfied + tolerating + frustrated;
        (2 * satisfied + tolerating) as f64 / (2 * samples) as f64
    }

    /// The word for the score.
    #[must_use]
    pub fn rating(&self) -> ApdexRating {
        match self.score() {
            score if score >= 0.94 => ApdexRating::Excellent,
            score if score >= 0.85 => ApdexRating::Good,
            score if score >= 0.70 => ApdexRating::Fair,
            score if score >= 0.50 => ApdexRating::Poor,
            _ => ApdexRating::Unacceptable,
        }
    }
}

/// The words of the Apdex specification, with the least score of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ApdexRating {
    /// Below 0.50.
    Unacceptable,
    /// From 0.50.
    Poor,
    /// From 0.70.
    Fair,
    /// From 0.85.
    Good,
    /// From 0.94.
    Excellent,
}
