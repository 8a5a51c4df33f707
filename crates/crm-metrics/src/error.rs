//! What a formula refuses: a number outside its domain, or a load that no queue survives.

use core::error::Error;
use core::fmt;

/// A parameter outside the domain of a formula.
///
/// It names the parameter, the value that was given and what the value must do. Counts are carried as `f64`; for an
/// empty slice the value is its length, zero.
///
/// ```
/// use crm_metrics::queueing::Mm1;
///
/// let refused = Mm1::new(5.0, f64::NAN).unwrap_err();
/// assert_eq!(refused.to_string(), "service_rate is NaN, but must lie between 1e-290 and 1e290");
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct ParamError {
    /// The parameter as the signature spells it, or the part of a measurement that it refuses: `load`.
    pub name: &'static str,
    /// The value that was given.
    pub value: f64,
    /// What the value must do, to be read after "must".
    pub must: &'static str,
}

impl ParamError {
    pub(crate) const fn new(name: &'static str, value: f64, must: &'static str) -> Self {
        Self { name, value, must }
    }
}

impl fmt::Display for ParamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, value, must } = self;
        write!(f, "{name} is {}, but must {must}", Number(*value))
    }
}

impl Error for ParamError {}

/// A number for a message: with an exponent where it would otherwise run to dozens of zeros.
struct Number(f64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(value) = self;
        if !value.is_finite() || *value == 0.0 || (1e-5..1e16).contains(&value.abs()) {
            write!(f, "{value}")
        } else {
            write!(f, "{value:e}")
        }
    }
}

/// A load at or above what the servers can work off: the queue would grow without end, so that there is no mean to tell.
///
/// ```
/// use crm_metrics::queueing::{ModelError, Mmc};
///
/// // 50 requests a second, each taking a tenth of a second, on four workers.
/// let Err(ModelError::Unstable(overload)) = Mmc::new(50.0, 10.0, 4) else { panic!("it is overloaded") };
/// assert_eq!(overload.stable_below, 40.0);
/// assert_eq!(overload.utilisation(), 1.25);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Unstable {
    /// The load that was offered: arrivals per unit of time for a model, erlangs for [`erlang_c`](crate::queueing::erlang_c).
    pub offered: f64,
    /// Every load below this one is stable; the unit is that of `offered`.
    pub stable_below: f64,
}

impl Unstable {
    /// The utilisation that the offered load would ask for: one or more.
    #[must_use]
    pub fn utilisation(&self) -> f64 {
        self.offered / self.stable_below
    }
}

impl fmt::Display for Unstable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            offered,
            stable_below,
        } = self;
        write!(
            f,
            "a load of {} is unstable: keep it below {}, add servers or serve faster",
            Number(*offered),
            Number(*stable_below)
        )
    }
}

impl Error for Unstable {}

/// Why a queueing model was not built.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum ModelError {
    /// A parameter lies outside the model's domain.
    Param(ParamError),
    /// The load is at or above the capacity.
    Unstable(Unstable),
}

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Param(error) => error.fmt(f),
            Self::Unstable(error) => error.fmt(f),
        }
    }
}

impl Error for ModelError {}

impl From<ParamError> for ModelError {
    fn from(error: ParamError) -> Self {
        Self::Param(error)
    }
}

impl From<Unstable> for ModelError {
    fn from(error: Unstable) -> Self {
        Self::Unstable(error)
    }
}
