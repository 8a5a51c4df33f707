//! The net promoter score, and how far it can be trusted.

use super::interval::Interval;
use crate::check;
use crate::error::ParamError;
#[cfg(feature = "libm")]
use crate::numeric::elementary::Elementary as _;

/// The net promoter score: the share of promoters less the share of detractors.
///
/// # Formula
///
/// ```text
/// NPS = p - d,   variance of one answer = p + d - (p - d)^2
/// standard error = sqrt(variance / n)
/// ```
///
/// `p` and `d` are the shares of promoters (answers nine and ten) and detractors (zero to six), `n` the number of answers.
/// The score lies between minus one and one; it is usually printed times a hundred.
///
/// Source: F. F. Reichheld, "The One Number You Need to Grow", Harvard Business Review 2003; the variance is that of a
/// variable which is 1, 0 or -1.
///
/// # Example
///
/// ```
/// use crm_metrics::service_level::NetPromoterScore;
///
/// let score = NetPromoterScore::new(60, 40, 20)?;
/// assert!((score.score() - 1.0 / 3.0).abs() < 1e-15);
/// assert!((score.variance() - 5.0 / 9.0).abs() < 1e-15);
/// let interval = score.interval(1.96)?;
/// assert!((interval.low - 0.199_972).abs() < 1e-6 && (interval.high - 0.466_694).abs() < 1e-6);
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetPromoterScore {
    promoters: u64,
    passives: u64,
    detractors: u64,
}

impl NetPromoterScore {
    /// The score of so many promoters, passives and detractors.
    ///
    /// # Errors
    ///
    /// [`ParamError`] when there is no answer.
    pub fn new(promoters: u64, passives: u64, detractors: u64) -> Result<Self, ParamError> {
        if promoters == 0 && passives == 0 && detractors == 0 {
            return Err(ParamError::new("answers", 0.0, "be at least one"));
        }
        Ok(Self {
            promoters,
            passives,
            detractors,
        })
    }

    /// The score of answers from zero to ten.
    ///
    /// # Errors
    ///
    /// [`ParamError`] when there is no answer, or one is above ten.
    pub fn from_answers(answers: impl IntoIterator<Item = u8>) -> Result<Self, ParamError> {
        let mut counts = [0, 0, 0];
        for answer in answers {
            let group = match answer {
                9..=10 => 0,
                7..=8 => 1,
                0..=6 => 2,
                _ => {
                    return Err(ParamError::new(
                        "answers",
                        f64::from(answer),
                        "all lie between zero and ten",
                    ));
                }
            };
            counts[group] += 1;
        }
        Self::new(counts[0], counts[1], counts[2])
    }

    /// The number of answers.
    #[must_use]
    pub fn answers(&self) -> f64 {
        (u128::from(self.promoters) + u128::from(self.passives) + u128::from(self.detractors))
            as f64
    }

    /// `p - d`, from minus one to one.
    #[must_use]
    pub fn score(&self) -> f64 {
        (i128::from(self.promoters) - i128::from(self.detractors)) as f64 / self.answers()
    }

    /// `p + d - (p - d)^2`: the variance of one answer, from zero to one.
    #[must_use]
    pub fn variance(&self) -> f64 {
        // p + d - (p - d)^2 = (p + d) q + 4 p d with q the share of passives: no difference.
        let n = self.answers();
        let [p, q, d] = [self.promoters, self.passives, self.detractors].map(|x| x as f64 / n);
        (p + d) * q + 4.0 * p * d
    }

    /// `sqrt(variance / n)`: the standard error of the score.
    #[must_use]
    pub fn standard_error(&self) -> f64 {
        (self.variance() / self.answers()).sqrt()
    }

    /// The score plus and minus `z` standard errors; `z` is 1.96 for a confidence of 95 %
    /// ([`z_for_confidence`](super::z_for_confidence)). Meant for some dozens of answers or more.
    ///
    /// # Errors
    ///
    /// [`ParamError`] when `z` is negative or not finite.
    pub fn interval(&self, z: f64) -> Result<Interval, ParamError> {
        let margin = check::not_negative("z", z)? * self.standard_error();
        Ok(Interval {
            low: (self.score() - margin).max(-1.0),
            high: (self.score() + margin).min(1.0),
        })
    }
}
