//! One availability, carried with its complement.

use crate::check;
use crate::error::ParamError;
#[cfg(feature = "libm")]
use crate::numeric::elementary::Elementary as _;

/// The share of time that a unit is up, together with the share that it is down.
///
/// Close to one the nines of an availability crowd together: `0.99999999999` has lost five of its digits when it is
/// subtracted from one. Both shares are therefore kept, and neither is ever computed from the other.
///
/// # Formula
///
/// ```text
/// A = MTTF / (MTTF + MTTR),  U = MTTR / (MTTF + MTTR) = 1 - A
/// down-time = U * span,  nines = -log10(U)
/// ```
///
/// `MTTF` is the mean time to failure, counted from the end of a repair, and `MTTR` the mean time to repair, in one unit of
/// time. Their sum is the mean time between failures, `MTBF`; where a source writes `MTBF / (MTBF + MTTR)`, its `MTBF` is
/// what is called `MTTF` here. `span` is any span of time, and the down-time comes out in its unit.
///
/// Source: R. E. Barlow and F. Proschan, "Mathematical Theory of Reliability", Wiley 1965.
///
/// # Example
///
/// ```
/// use crm_metrics::availability::Availability;
///
/// // A disk fails once a year and is replaced within four hours.
/// let disk = Availability::from_mean_times(8760.0, 4.0)?;
/// assert!((disk.up() - 0.999_543_587_403_012_3).abs() < 1e-15);
/// assert!((disk.down_time(365.0 * 86_400.0) - 14_393.427_658_603_378).abs() < 1e-10); // seconds a year
///
/// // "Three nines" are 43.2 minutes in 30 days.
/// let three = Availability::from_nines(3.0)?;
/// assert!((three.down_time(30.0 * 24.0 * 60.0) - 43.2).abs() < 1e-12);
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Availability {
    up: f64,
    down: f64,
}

impl Availability {
    /// Always up.
    pub const ALWAYS: Self = Self { up: 1.0, down: 0.0 };
    /// Never up.
    pub const NEVER: Self = Self { up: 0.0, down: 1.0 };

    /// A unit that is up for the share `up` of time.
    ///
    /// Near one, [`from_unavailability`](Self::from_unavailability) takes the other share with all its digits.
    ///
    /// # Errors
    ///
    /// [`ParamError`] when `up` does not lie between zero and one.
    pub fn new(up: f64) -> Result<Self, ParamError> {
        let up = share("availability", up)?;
        Ok(Self { up, down: 1.0 - up })
    }

    /// A unit that is down for the share `down` of time.
    ///
    /// # Errors
    ///
    /// [`ParamError`] when `down` does not lie between zero and one.
    pub fn from_unavailability(down: f64) -> Result<Self, ParamError> {
        let down = share("unavailability", down)?;
        Ok(Self {
            up: 1.0 - down,
            down,
        })
    }

    /// A unit that runs for `mean_time_to_failure` and is then repaired for `mean_time_to_repair`, on average.
    ///
    /// # Errors
    ///
    /// [`ParamError`] when `mean_time_to_failure` does not lie between 1e-290 and 1e290, or `mean_time_to_repair` is neither zero nor
    /// in that range.
    pub fn from_mean_times(
        mean_time_to_failure: f64,
        mean_time_to_repair: f64,
    ) -> Result<Self, ParamError> {
        let works = check::scale("mean_time_to_failure", mean_time_to_failure)?;
        if mean_time_to_repair == 0.0 {
            return Ok(Self::ALWAYS);
        }
        let fails = check::scale("mean_time_to_repair", mean_time_to_repair)?;
        let cycle = works + fails;
        Ok(Self {
            up: works / cycle,
            down: fails / cycle,
        })
    }

    /// A unit with so many nines: two for 99 %, three for 99.9 %, and 3.3 for about 99.95 %.
    ///
    /// # Errors
    ///
    /// [`ParamError`] when `nines` is negative or not finite.
    pub fn from_nines(nines: f64) -> Result<Self, ParamError> {
        let nines = check::not_negative("nines", nines)?;
        Ok(Self {
            up: -(-nines * core::f64::consts::LN_10).exp_m1(),
            down: 10.0_f64.powf(-nines),
        })
    }

    /// The most down-time that a target leaves, turned round: down for `down_time` out of each `span`, in one unit of time.
    ///
    /// # Errors
    ///
    /// [`ParamError`] when `span` is not finite and above zero, or `down_time` does not lie between zero and `span`.
    pub fn from_down_time(down_time: f64, span: f64) -> Result<Self, ParamError> {
        let span = check::positive("span", span)?;
        let down_time = check::not_negative("down_time", down_time)?;
        if down_time > span {
            return Err(ParamError::new(
                "down_time",
                down_time,
                "be at most the span",
            ));
        }
        Ok(Self {
            up: (span - down_time) / span,
            down: down_time / span,
        })
    }

    /// Both shares as they were computed; they lie between zero and one but for the last rounding.
    pub(crate) fn from_shares(up: f64, down: f64) -> Self {
        Self {
            up: up.clamp(0.0, 1.0),
            down: down.clamp(0.0, 1.0),
        }
    }

    /// `A`: the share of time up.
    #[must_use]
    pub const fn up(&self) -> f64 {
        self.up
    }

    /// `U = 1 - A`: the share of time down.
    #[must_use]
    pub const fn down(&self) -> f64 {
        self.down
    }

    /// `U * span`: the time down within `span`, in its unit.
    ///
    /// # Panics
    ///
    /// When `span` is negative, infinite or NaN.
    #[must_use]
    pub fn down_time(&self, span: f64) -> f64 {
        assert!(
            span.is_finite() && span >= 0.0,
            "the span must be finite and not negative, not {span}"
        );
        self.down * span
    }

    /// `86400 U`: seconds down in a day of 86,400 seconds.
    #[must_use]
    pub fn down_seconds_per_day(&self) -> f64 {
        self.down_time(86_400.0)
    }

    /// `2592000 U`: seconds down in a month of 30 days.
    #[must_use]
    pub fn down_seconds_per_month(&self) -> f64 {
        self.down_time(2_592_000.0)
    }

    /// `31536000 U`: seconds down in a year of 365 days.
    #[must_use]
    pub fn down_seconds_per_year(&self) -> f64 {
        self.down_time(31_536_000.0)
    }

    /// `-log10(U)`: three for 99.9 %. Infinite for a unit that is never down.
    #[must_use]
    pub fn nines(&self) -> f64 {
        if self.down < 0.5 {
            -self.down.log10()
        } else {
            -(-self.up).ln_1p() / core::f64::consts::LN_10
        }
    }

    /// Up when this one and `other` are both up.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self::from_shares(self.up * other.up, self.down + self.up * other.down)
    }

    /// Up when this one or `other` is up.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self::from_shares(self.up + self.down * other.up, self.down * other.down)
    }
}

/// A number from zero to one, the ends included.
fn share(name: &'static str, value: f64) -> Result<f64, ParamError> {
    if (0.0..=1.0).contains(&value) {
        Ok(value + 0.0)
    } else {
        Err(ParamError::new(name, value, "lie between zero and one"))
    }
}
