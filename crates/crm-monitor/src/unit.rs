//! What a figure is measured in.

/// What a figure is measured in. It is the last part of the name: `http_response_time_seconds`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unit {
    /// A plain number; the name says of what.
    #[default]
    None,
    /// Seconds. Whole numbers are recorded in nanoseconds, and exposed in seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// A part of a whole, from 0 to 1.
    Ratio,
}

impl Unit {
    /// The word at the end of the name; empty without a unit.
    #[must_use]
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Seconds => "seconds",
            Self::Bytes => "bytes",
            Self::Ratio => "ratio",
        }
    }

    /// What a recorded whole number is divided by when it is exposed: 1e9 for seconds, which are recorded in nanoseconds, and 1 else.
    #[must_use]
    pub const fn scale(self) -> f64 {
        match self {
            Self::Seconds => 1e9,
            _ => 1.0,
        }
    }

    /// The unit that the name ends with, none if it ends with no known one.
    pub(crate) fn of_name(name: &str) -> Self {
        [Self::Seconds, Self::Bytes, Self::Ratio]
            .into_iter()
            .find(|unit| {
                name.strip_suffix(unit.suffix())
                    .is_some_and(|rest| rest.ends_with('_'))
            })
            .unwrap_or(Self::None)
    }
}
