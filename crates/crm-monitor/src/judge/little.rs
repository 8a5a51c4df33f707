//! Little's law as a test of what was measured.

use std::fmt;
use std::time::Duration;

use super::error::JudgeError;
use super::saturation::throughput;
use super::words::Number;

/// The mean number in flight that was measured, against what throughput and response time make of it.
///
/// # Formula
///
/// ```text
/// L = X W
/// ```
///
/// `X` is the throughput in requests a second, `W` the mean response time, `L` the mean number in flight, all of the same window. The
/// law holds for every window that begins and ends with as many in flight, whatever the traffic; so a disagreement tells that
/// one of the three is not what it seems. [`Agreement`] says which.
///
/// Source: J. D. C. Little, "A Proof for the Queuing Formula: L = λW", Operations Research 9(3), 1961.
///
/// # Example
///
/// ```
/// use crm_monitor::judge::{Agreement, LittleCheck};
/// use std::time::Duration;
///
/// let check = LittleCheck::new(200.0, Duration::from_millis(50), 31.0)?;
/// assert_eq!(check.expected(), 10.0);
/// assert_eq!(check.agreement(0.1), Agreement::MoreInFlight); // 21 of them never come to an end
/// # Ok::<(), crm_monitor::judge::JudgeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LittleCheck {
    throughput: f64,
    response: Duration,
    in_flight: f64,
}

impl LittleCheck {
    /// Holds a mean number in flight against a throughput a second and a mean response time.
    ///
    /// # Errors
    ///
    /// [`JudgeError::Figure`] when the throughput is negative, NaN or above 10^18, or the number in flight negative or not finite.
    pub fn new(per_second: f64, response: Duration, in_flight: f64) -> Result<Self, JudgeError> {
        if !(in_flight.is_finite() && in_flight >= 0.0) {
            let must = "be finite and not negative";
            return Err(JudgeError::figure("in_flight", in_flight, must));
        }
        Ok(Self {
            throughput: throughput(per_second)?,
            response,
            in_flight: in_flight + 0.0,
        })
    }

    /// `X W`: how many should be in flight on average.
    #[must_use]
    pub fn expected(&self) -> f64 {
        self.throughput * self.response.as_secs_f64()
    }

    /// How many were.
    #[must_use]
    pub const fn measured(&self) -> f64 {
        self.in_flight
    }

    /// Whether both agree, up to a part `tolerance` of the greater one and one request, which is what the ends of a window cut off.
    #[must_use]
    pub fn agreement(&self, tolerance: f64) -> Agreement {
        let (expected, measured) = (self.expected(), self.measured());
        let slack = 1.0 + tolerance.max(0.0) * expected.max(measured);
        if measured - expected > slack {
            Agreement::MoreInFlight
        } else if expected - measured > slack {
            Agreement::FewerInFlight
        } else {
            Agreement::Agrees
        }
    }
}

impl fmt::Display for LittleCheck {
    /// `31 in flight, 10 expected`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (measured, expected) = (Number(self.measured()), Number(self.expected()));
        write!(f, "{measured} in flight, {expected} expected")
    }
}

/// What a comparison by Little's law means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Agreement {
    /// The three figures belong together.
    Agrees,
    /// More are in flight than leave: requests hang and so are in no response time yet, guards are leaked, or the load is rising
    /// within the window.
    MoreInFlight,
    /// Fewer are in flight than response times tell: these include time outside, such as waiting before the gauge is entered, some
    /// are counted twice, or the load is falling within the window.
    FewerInFlight,
}

impl fmt::Display for Agreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Agrees => "in flight, throughput and response time agree",
            Self::MoreInFlight => {
                "more in flight than leave: requests hang, guards leak, or the load is rising"
            }
            Self::FewerInFlight => {
                "fewer in flight than response times tell: they include time outside, some are counted twice, or the load is falling"
            }
        })
    }
}
