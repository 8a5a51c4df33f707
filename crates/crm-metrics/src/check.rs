//! One place that refuses bad numbers, so that no formula has to ask again.

use core::time::Duration;

use crate::error::ParamError;

/// Rates and service times keep this distance from the ends of `f64`, so that the reciprocal of the smallest spare
/// capacity two of them can leave (one unit in the last place) is still finite, and no formula meets zero times infinity.
const SMALLEST: f64 = 1e-290;
const LARGEST: f64 = 1e290;

/// A service rate or a service time.
pub(crate) fn scale(name: &'static str, value: f64) -> Result<f64, ParamError> {
    if (SMALLEST..=LARGEST).contains(&value) {
        Ok(value)
    } else {
        Err(ParamError::new(name, value, "lie between 1e-290 and 1e290"))
    }
}

/// A finite number above zero.
pub(crate) fn positive(name: &'static str, value: f64) -> Result<f64, ParamError> {
    if value.is_finite() && value > 0.0 {
        Ok(value)
    } else {
        Err(ParamError::new(name, value, "be finite and above zero"))
    }
}

/// A finite number, zero or above. Negative zero comes out as zero, so that no result carries its sign.
pub(crate) fn not_negative(name: &'static str, value: f64) -> Result<f64, ParamError> {
    if value.is_finite() && value >= 0.0 {
        Ok(value + 0.0)
    } else {
        Err(ParamError::new(name, value, "be finite and not negative"))
    }
}

/// A probability strictly between zero and one.
pub(crate) fn open_share(name: &'static str, value: f64) -> Result<f64, ParamError> {
    if value > 0.0 && value < 1.0 {
        Ok(value)
    } else {
        Err(ParamError::new(
            name,
            value,
            "lie between zero and one, both excluded",
        ))
    }
}

/// A number of servers, as the formulas need it.
pub(crate) fn servers(value: u32) -> Result<f64, ParamError> {
    if value > 0 {
        Ok(f64::from(value))
    } else {
        Err(ParamError::new("servers", 0.0, "be at least one"))
    }
}

/// A number of servers that need not be whole.
pub(crate) fn real_servers(value: f64) -> Result<f64, ParamError> {
    if value > 0.0 && value <= LARGEST {
        Ok(value)
    } else {
        Err(ParamError::new(
            "servers",
            value,
            "be above zero and at most 1e290",
        ))
    }
}

/// A span of time that something is divided by.
pub(crate) fn span(name: &'static str, value: Duration) -> Result<Duration, ParamError> {
    if value.is_zero() {
        Err(ParamError::new(name, 0.0, "be longer than zero"))
    } else {
        Ok(value)
    }
}

/// A result that may have left the range of `f64`; the blame goes to the parameter named.
pub(crate) fn in_range(name: &'static str, value: f64, result: f64) -> Result<f64, ParamError> {
    if result.is_finite() {
        Ok(result)
    } else {
        Err(ParamError::new(
            name,
            value,
            "be small enough for a finite result",
        ))
    }
}

/// The probability handed to a quantile: anything but a number from zero to one is a caller's bug.
#[track_caller]
pub(crate) fn probability(p: f64) {
    assert!(
        (0.0..=1.0).contains(&p),
        "the probability of a quantile must lie between zero and one, not {p}"
    );
}

/// The time handed to a distribution, or none when it lies before zero. NaN is a caller's bug.
#[track_caller]
pub(crate) fn time(t: f64) -> Option<f64> {
    assert!(!t.is_nan(), "the time of a distribution must be a number");
    (t >= 0.0).then_some(t)
}
