//! What a figure is measured in.

use std::fmt;

use crate::error::UnitError;

/// What a family's figures are measured in: a base unit, and the last part of the family's name.
///
/// The name decides. `http_response_time_seconds` is in seconds whether or not its registration says so, and a registration
/// that declares another unit than the name tells is refused. Nothing is ever renamed.
///
/// ```
/// use crm_monitor::Unit;
///
/// assert_eq!(Unit::of_name("http_response_time_seconds")?, Unit::Seconds);
/// assert_eq!(Unit::of_name("http_requests")?, Unit::None);
/// assert!(Unit::of_name("http_response_time_milliseconds").is_err()); // no base unit
/// # Ok::<(), crm_monitor::UnitError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unit {
    /// A plain number; the name says of what.
    #[default]
    None,
    /// A plain number with a fraction. Whole numbers are recorded in millionths, and exposed in ones. No name tells it, so it is
    /// declared; it goes with names that tell no unit.
    Millionths,
    /// Seconds. Whole numbers are recorded in nanoseconds, and exposed in seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// A part of a whole, from 0 to 1; for gauges that are observed, because the others hold whole numbers.
    Ratio,
    /// Amperes, of electric current.
    Amperes,
    /// Degrees Celsius.
    Celsius,
    /// Grams.
    Grams,
    /// Joules, of energy.
    Joules,
    /// Meters.
    Meters,
    /// Volts.
    Volts,
}

/// Every unit that has a word.
const UNITS: [Unit; 9] = [
    Unit::Seconds,
    Unit::Bytes,
    Unit::Ratio,
    Unit::Amperes,
    Unit::Celsius,
    Unit::Grams,
    Unit::Joules,
    Unit::Meters,
    Unit::Volts,
];

/// Words for multiples and parts of a base unit, or short for one, and what to use instead. Those that
/// `promtool check metrics` objects to and that leave no doubt; single letters do.
const SCALED: [(&str, Unit); 32] = [
    ("weeks", Unit::Seconds),
    ("days", Unit::Seconds),
    ("hours", Unit::Seconds),
    ("minutes", Unit::Seconds),
    ("sec", Unit::Seconds),
    ("secs", Unit::Seconds),
    ("milliseconds", Unit::Seconds),
    ("millis", Unit::Seconds),
    ("ms", Unit::Seconds),
    ("microseconds", Unit::Seconds),
    ("micros", Unit::Seconds),
    ("us", Unit::Seconds),
    ("nanoseconds", Unit::Seconds),
    ("nanos", Unit::Seconds),
    ("ns", Unit::Seconds),
    ("bits", Unit::Bytes),
    ("octets", Unit::Bytes),
    ("kilobytes", Unit::Bytes),
    ("kibibytes", Unit::Bytes),
    ("kb", Unit::Bytes),
    ("megabytes", Unit::Bytes),
    ("mebibytes", Unit::Bytes),
    ("mb", Unit::Bytes),
    ("gigabytes", Unit::Bytes),
    ("gibibytes", Unit::Bytes),
    ("gb", Unit::Bytes),
    ("percent", Unit::Ratio),
    ("percentage", Unit::Ratio),
    ("milliamperes", Unit::Amperes),
    ("kilograms", Unit::Grams),
    ("kilometers", Unit::Meters),
    ("millivolts", Unit::Volts),
];

impl Unit {
    /// The word at the end of the name; empty without a unit.
    #[must_use]
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::None | Self::Millionths => "",
            Self::Seconds => "seconds",
            Self::Bytes => "bytes",
            Self::Ratio => "ratio",
            Self::Amperes => "amperes",
            Self::Celsius => "celsius",
            Self::Grams => "grams",
            Self::Joules => "joules",
            Self::Meters => "meters",
            Self::Volts => "volts",
        }
    }

    /// What a recorded whole number is divided by when it is exposed: 1e9 for seconds, which are recorded in nanoseconds, 1e6
    /// for millionths, and 1 else.
    #[must_use]
    pub const fn scale(self) -> f64 {
        match self {
            Self::Seconds => 1e9,
            Self::Millionths => 1e6,
            _ => 1.0,
        }
    }

    /// The unit that the last word of a name tells; none if it tells none, or is the only word.
    ///
    /// # Errors
    ///
    /// [`UnitError::Scaled`] where the word is a multiple, a part or an abbreviation of a base unit.
    pub fn of_name(name: &str) -> Result<Self, UnitError> {
        let Some((_, word)) = name.rsplit_once('_') else {
            return Ok(Self::None);
        };
        if let Some(&(_, base)) = SCALED.iter().find(|(scaled, _)| *scaled == word) {
            return Err(UnitError::Scaled {
                name: name.to_owned(),
                base,
            });
        }
        let unit = UNITS.into_iter().find(|unit| unit.suffix() == word);
        Ok(unit.unwrap_or(Self::None))
    }
}

impl fmt::Display for Unit {
    /// The word at the end of the name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.suffix())
    }
}
