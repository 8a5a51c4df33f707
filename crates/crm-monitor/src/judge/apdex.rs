//! Apdex: how satisfied response times leave users.

use std::fmt;
use std::time::Duration;

use super::error::JudgeError;
use super::quotient::quotient;
use super::words::Number;

/// The application performance index of a window.
///
/// # Formula
///
/// ```text
/// Apdex_T = (satisfied + tolerating / 2) / samples
/// ```
///
/// Satisfied are answers within the target `T`, tolerating those within `4 T`, frustrated all later ones and all failures.
/// The score lies between zero (all frustrated) and one (all satisfied).
///
/// Source: Apdex Alliance, "Application Performance Index, Technical Specification", version 1.1, 2007.
///
/// # Example
///
/// ```
/// use crm_monitor::judge::{Apdex, ApdexRating};
/// use std::time::Duration;
///
/// let apdex = Apdex::new(60, 30, 10);
/// assert_eq!(apdex.score(), Some(0.75));
/// assert_eq!(apdex.rating(), Some(ApdexRating::Fair));
///
/// // From a histogram: how many answers took at most so long, of how many.
/// let at_most = |time: Duration| if time < Duration::from_secs(1) { 60 } else { 90 };
/// assert_eq!(Apdex::of(Duration::from_millis(300), 100, at_most)?, apdex);
/// # Ok::<(), crm_monitor::judge::JudgeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Apdex {
    satisfied: u64,
    tolerating: u64,
    frustrated: u64,
}

impl Apdex {
    /// The index of so many satisfied, tolerating and frustrated users.
    #[must_use]
    pub const fn new(satisfied: u64, tolerating: u64, frustrated: u64) -> Self {
        Self {
            satisfied,
            tolerating,
            frustrated,
        }
    }

    /// The index of `samples` answers against a target, where `at_most` tells how many of them took at most so long. It is asked
    /// for `target` and for four times that. Leave failures out of what it counts, but in the samples: they frustrate however
    /// soon they come.
    ///
    /// # Errors
    ///
    /// [`JudgeError::MoreThanAll`] when more answers took at most so long than took longer still, or than there are.
    pub fn of(
        target: Duration,
        samples: u64,
        at_most: impl Fn(Duration) -> u64,
    ) -> Result<Self, JudgeError> {
        let satisfied = at_most(target);
        let tolerated = at_most(target.saturating_mul(4));
        for (part, total) in [(satisfied, tolerated), (tolerated, samples)] {
            if part > total {
                return Err(JudgeError::MoreThanAll { part, total });
            }
        }
        Ok(Self::new(
            satisfied,
            tolerated - satisfied,
            samples - tolerated,
        ))
    }

    /// How many there are.
    #[must_use]
    pub const fn samples(&self) -> u128 {
        self.satisfied as u128 + self.tolerating as u128 + self.frustrated as u128
    }

    /// `(satisfied + tolerating / 2) / samples`, or none without samples.
    #[must_use]
    pub fn score(&self) -> Option<f64> {
        let samples = self.samples();
        (samples > 0).then(|| quotient(self.halves(), 2 * samples))
    }

    /// The word for the score, or none without samples.
    #[must_use]
    pub fn rating(&self) -> Option<ApdexRating> {
        let samples = self.samples();
        // Whole numbers: halves / (2 samples) >= hundredths / 100.
        let reaches = |hundredths: u128| 100 * self.halves() >= hundredths * 2 * samples;
        let rating = match () {
            () if samples == 0 => return None,
            () if reaches(94) => ApdexRating::Excellent,
            () if reaches(85) => ApdexRating::Good,
            () if reaches(70) => ApdexRating::Fair,
            () if reaches(50) => ApdexRating::Poor,
            () => ApdexRating::Unacceptable,
        };
        Some(rating)
    }

    /// Whether there are fewer than the 100 samples from which the specification takes a score at its word.
    #[must_use]
    pub const fn is_small(&self) -> bool {
        self.samples() < 100
    }

    const fn halves(&self) -> u128 {
        2 * self.satisfied as u128 + self.tolerating as u128
    }
}

impl fmt::Display for Apdex {
    /// `0.75, fair`; with an asterisk when there are few samples, and `no samples` without any.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Some(score), Some(rating)) = (self.score(), self.rating()) else {
            return f.write_str("no samples");
        };
        let mark = if self.is_small() { "*" } else { "" };
        write!(f, "{}{mark}, {rating}", Number(score))
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

impl fmt::Display for ApdexRating {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unacceptable => "unacceptable",
            Self::Poor => "poor",
            Self::Fair => "fair",
            Self::Good => "good",
            Self::Excellent => "excellent",
        })
    }
}
