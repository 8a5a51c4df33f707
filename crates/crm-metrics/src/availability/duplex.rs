//! Two units with repair, where a failure may go unnoticed.

use super::Availability;
use crate::check;
use crate::error::ParamError;

/// Two equal units, one of which is enough, with one repairer; when the first fails, the system must notice and reconfigure.
///
/// A failure is covered with probability `c`: after a short reconfiguration the other unit carries on. An uncovered
/// failure takes the whole system down until it is rebooted. Coverage, not the number of units, is what limits the
/// availability of most pairs.
///
/// # Formula
///
/// ```text
/// both up  --2 lambda c-->      reconfiguring --delta--> one up
/// both up  --2 lambda (1-c)-->  rebooting     --beta-->  one up
/// one up   --lambda--> none up,   one up --mu--> both up,   none up --mu--> one up
///
/// p_2 : p_rc : p_rb : p_1 : p_0  =  1 : 2 lambda c / delta : 2 lambda (1-c) / beta : 2 lambda / mu : 2 (lambda / mu)^2
///
///         1/(2 lambda) + c/delta + c/(lambda + mu)
/// MTTF =  ----------------------------------------
///             (lambda + (1-c) mu) / (lambda + mu)
/// ```
///
/// `1/lambda` is the mean time to failure of a unit, `1/mu` its mean time to repair, `1/delta` the mean time of a
/// reconfiguration, `1/beta` that of a reboot, all exponential and in one unit of time. `MTTF` counts from both units up to
/// the first reboot or loss of both; a reconfiguration does not end it.
///
/// Source: D. Heimann, N. Mittal and K. S. Trivedi, "Availability and Reliability Modeling for Computer Systems",
/// Advances in Computers 31, 1990.
///
/// # Example
///
/// ```
/// use crm_metrics::availability::RepairableDuplex;
///
/// // The example of the source, in hours: 5,000 to a failure, 4 to repair, reconfigured in 30 s, rebooted in 10 minutes.
/// let pair = RepairableDuplex::new(5_000.0, 4.0, 0.9)?
///     .reconfiguration_time(30.0 / 3600.0)?
///     .reboot_time(600.0 / 3600.0)?;
/// assert!((pair.both_up() - 0.998_391_6).abs() < 1e-7);
/// assert_eq!(pair.mean_time_to_system_failure().floor(), 24_857.0);
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RepairableDuplex {
    failure_rate: f64,
    repair_rate: f64,
    coverage: f64,
    reconfiguration_time: f64,
    reboot_time: f64,
}

impl RepairableDuplex {
    /// Units with these mean times to failure and to repair; a share `coverage` of failures is noticed and survived.
    ///
    /// Reconfiguration and reboot take no time until told otherwise.
    ///
    /// # Errors
    ///
    /// [`ParamError`] when a time does not lie between 1e-70 and 1e70, or `coverage` not between zero and one.
    pub fn new(
        mean_time_to_failure: f64,
        mean_time_to_repair: f64,
        coverage: f64,
    ) -> Result<Self, ParamError> {
        if !(0.0..=1.0).contains(&coverage) {
            return Err(ParamError::new(
                "coverage",
                coverage,
                "lie between zero and one",
            ));
        }
        Ok(Self {
            failure_rate: 1.0 / time("mean_time_to_failure", mean_time_to_failure)?,
            repair_rate: 1.0 / time("mean_time_to_repair", mean_time_to_repair)?,
            coverage,
            reconfiguration_time: 0.0,
            reboot_time: 0.0,
        })
    }

    /// The mean time of a reconfiguration after a covered failure.
    ///
    /// # Errors
    ///
    /// [`ParamError`] when it is negative or above 1e70.
    pub fn reconfiguration_time(mut self, mean: f64) -> Result<Self, ParamError> {
        self.reconfiguration_time = pause("reconfiguration_time", mean)?;
        Ok(self)
    }

    /// The mean time of a reboot after an uncovered failure.
    ///
    /// # Errors
    ///
    /// [`ParamError`] when it is negative or above 1e70.
    pub fn reboot_time(mut self, mean: f64) -> Result<Self, ParamError> {
        self.reboot_time = pause("reboot_time", mean)?;
        Ok(self)
    }

    /// The weights of the five states, in the order of the formula, and their sum.
    fn weights(&self) -> ([f64; 5], f64) {
        let first = 2.0 * self.failure_rate;
        let ratio = self.failure_rate / self.repair_rate;
        let weights = [
            1.0,
            first * self.coverage * self.reconfiguration_time,
            first * (1.0 - self.coverage) * self.reboot_time,
            2.0 * ratio,
            2.0 * ratio * ratio,
        ];
        (weights, weights.iter().sum())
    }

    fn probability(&self, state: usize) -> f64 {
        let (weights, total) = self.weights();
        weights[state] / total
    }

    /// `p_2`: the share of time with both units up.
    #[must_use]
    pub fn both_up(&self) -> f64 {
        self.probability(0)
    }

    /// `p_rc`: the share of time spent reconfiguring.
    #[must_use]
    pub fn reconfiguring(&self) -> f64 {
        self.probability(1)
    }

    /// `p_rb`: the share of time spent rebooting.
    #[must_use]
    pub fn rebooting(&self) -> f64 {
        self.probability(2)
    }

    /// `p_1`: the share of time with one unit up.
    #[must_use]
    pub fn one_up(&self) -> f64 {
        self.probability(3)
    }

    /// `p_0`: the share of time with no unit up.
    #[must_use]
    pub fn none_up(&self) -> f64 {
        self.probability(4)
    }

    /// The availability, in which reconfiguring and rebooting count as down.
    #[must_use]
    pub fn availability(&self) -> Availability {
        let (weights, total) = self.weights();
        Availability::from_shares(
            (weights[0] + weights[3]) / total,
            (weights[1] + weights[2] + weights[4]) / total,
        )
    }

    /// `MTTF`: the mean time from both units up to the first reboot or loss of both.
    #[must_use]
    pub fn mean_time_to_system_failure(&self) -> f64 {
        let (lambda, mu, c) = (self.failure_rate, self.repair_rate, self.coverage);
        let cycle = 0.5 / lambda + c * self.reconfiguration_time + c / (lambda + mu);
        cycle * ((lambda + mu) / (lambda + (1.0 - c) * mu))
    }
}

/// A mean time whose square, and whose ratio to another one, stay within the range of `f64`.
fn time(name: &'static str, value: f64) -> Result<f64, ParamError> {
    if (1e-70..=1e70).contains(&value) {
        Ok(value)
    } else {
        Err(ParamError::new(name, value, "lie between 1e-70 and 1e70"))
    }
}

fn pause(name: &'static str, value: f64) -> Result<f64, ParamError> {
    let value = check::not_negative(name, value)?;
    if value <= 1e70 {
        Ok(value)
    } else {
        Err(ParamError::new(name, value, "be at most 1e70"))
    }
}
