//! What a network refuses.

use core::error::Error;
use core::fmt;

use crate::error::{ParamError, Unstable};

/// Why a network was not built or not solved. Stations are counted from zero, in the order in which they were added.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum NetworkError {
    /// A parameter of the network lies outside its domain.
    Param(ParamError),
    /// A parameter of one station lies outside its domain.
    Station {
        /// The station.
        station: usize,
        /// Its parameter.
        error: ParamError,
    },
    /// One station cannot work off its load.
    Unstable {
        /// The first such station.
        station: usize,
        /// The arrival rate at the station, and what it must stay below.
        overload: Unstable,
    },
    /// Requests reach this station and can never leave it, or a closed network falls apart at it.
    Trapped {
        /// The station.
        station: usize,
    },
    /// The method does not know this kind of station.
    Unsupported {
        /// The station.
        station: usize,
        /// What it must be for this method, to be read after "must".
        must: &'static str,
    },
    /// The exact solution has more states than are sensible.
    TooLarge {
        /// How many states it has; infinite when they were not counted to the end.
        states: f64,
        /// How many are allowed.
        most: f64,
    },
}

impl fmt::Display for NetworkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Param(error) => error.fmt(f),
            Self::Station { station, error } => write!(f, "station {station}: {error}"),
            Self::Unstable { station, overload } => write!(f, "station {station}: {overload}"),
            Self::Trapped { station } => write!(
                f,
                "requests get to station {station} and never away: add a route, or an exit for an open network"
            ),
            Self::Unsupported { station, must } => {
                write!(f, "station {station} must {must} for this method")
            }
            Self::TooLarge { states, most } if !states.is_finite() => write!(
                f,
                "the network has more than the {most} states that are solved exactly: use an approximation"
            ),
            Self::TooLarge { states, most } => write!(
                f,
                "the network has {states} states, and at most {most} are solved exactly: use an approximation"
            ),
        }
    }
}

impl Error for NetworkError {}

impl From<ParamError> for NetworkError {
    fn from(error: ParamError) -> Self {
        Self::Param(error)
    }
}

/// Says at which station a parameter was refused.
pub(super) fn at(station: usize) -> impl Fn(ParamError) -> NetworkError {
    move |error| NetworkError::Station { station, error }
}
