//! Thresholds in the range syntax of Nagios plugins.

use std::fmt;
use std::str::FromStr;

/// A range of good values, as the options `-w` and `-c` of Nagios plugins take it: a value outside of it alerts, or one
/// inside of it when it begins with `@`. Both ends belong to the range.
///
/// | written | alerts when the value is |
/// |---|---|
/// | `10` | below 0 or above 10 |
/// | `10:` | below 10 |
/// | `~:10` | above 10 |
/// | `10:20` | below 10 or above 20 |
/// | `@10:20` | from 10 to 20 |
///
/// Numbers are decimal: a sign, digits, a point and digits.
///
/// ```
/// use crm_monitor::expose::Range;
///
/// let range: Range = "0.5:".parse()?;
/// assert!(range.alerts(0.4));
/// assert!(!range.alerts(0.5));
/// assert_eq!(range.to_string(), "0.5:");
/// # Ok::<(), crm_monitor::expose::RangeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    low: f64,
    high: f64,
    inverted: bool,
}

impl Range {
    /// Alerts above `high` or below 0, as `high` alone does in writing.
    ///
    /// # Errors
    ///
    /// [`RangeError::Reversed`] below 0, [`RangeError::NotFinite`] if it is infinite or not a number.
    pub fn up_to(high: f64) -> Result<Range, RangeError> {
        Range::between(0.0, finite(high)?)
    }

    /// Alerts below `low`.
    ///
    /// # Errors
    ///
    /// [`RangeError::NotFinite`] if it is infinite or not a number.
    pub fn at_least(low: f64) -> Result<Range, RangeError> {
        Range::between(finite(low)?, f64::INFINITY)
    }

    /// Alerts below `low` and above `high`; the ends may be infinite.
    ///
    /// # Errors
    ///
    /// [`RangeError::Reversed`] if `low` is above `high`, [`RangeError::NotFinite`] if one is not a number, or if `low`
    /// is positive infinity or `high` is negative infinity.
    pub fn between(low: f64, high: f64) -> Result<Range, RangeError> {
        if low.is_nan() || high.is_nan() || low == f64::INFINITY || high == f64::NEG_INFINITY {
            Err(RangeError::NotFinite)
        } else if low > high {
            Err(RangeError::Reversed { low, high })
        } else {
            Ok(Range {
                low,
                high,
                inverted: false,
            })
        }
    }

    /// The range that alerts where this one does not.
    #[must_use]
    pub fn inverted(self) -> Range {
        Range {
            inverted: !self.inverted,
            ..self
        }
    }

    /// Whether the value is one to be told about. What is not a number is.
    #[must_use]
    pub fn alerts(&self, value: f64) -> bool {
        value.is_nan() || (self.low <= value && value <= self.high) == self.inverted
    }
}

fn finite(value: f64) -> Result<f64, RangeError> {
    if value.is_finite() {
        Ok(value)
    } else {
        Err(RangeError::NotFinite)
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.inverted {
            f.write_str("@")?;
        }
        // Without a colon, the range begins at 0. Rust writes floats without exponents, which the syntax does not have.
        if self.low == f64::NEG_INFINITY {
            f.write_str("~:")?;
        } else if self.low != 0.0 || self.high.is_infinite() {
            write!(f, "{}:", self.low)?;
        }
        if self.high.is_finite() {
            write!(f, "{}", self.high)
        } else {
            Ok(())
        }
    }
}

impl FromStr for Range {
    type Err = RangeError;

    fn from_str(text: &str) -> Result<Range, RangeError> {
        let (inverted, ends) = match text.strip_prefix('@') {
            Some(ends) => (true, ends),
            None => (false, text),
        };
        if ends.is_empty() {
            return Err(RangeError::Empty);
        }
        let (low, high) = match ends.split_once(':') {
            None => (0.0, number(ends)?),
            Some((low, high)) => {
                let low = match low {
                    "~" => f64::NEG_INFINITY,
                    "" => 0.0,
                    low => number(low)?,
                };
                (
                    low,
                    if high.is_empty() {
                        f64::INFINITY
                    } else {
                        number(high)?
                    },
                )
            }
        };
        let range = Range::between(low, high)?;
        Ok(if inverted { range.inverted() } else { range })
    }
}

/// A decimal number; Rust's reader alone would also take `inf`, `nan` and exponents.
fn number(text: &str) -> Result<f64, RangeError> {
    let not_a_number = || RangeError::NotANumber { text: text.into() };
    if text
        .bytes()
        .any(|byte| !matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+'))
    {
        return Err(not_a_number());
    }
    text.parse().map_err(|_| not_a_number()).and_then(finite)
}

/// Why a text is not a [`Range`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum RangeError {
    /// There is nothing, or nothing behind the `@`.
    Empty,
    /// One of its ends is not a decimal number.
    NotANumber {
        /// That end.
        text: Box<str>,
    },
    /// An end is not a number, or no number can lie in the range.
    NotFinite,
    /// It begins above its end.
    Reversed {
        /// Where it begins.
        low: f64,
        /// Where it ends.
        high: f64,
    },
}

impl fmt::Display for RangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RangeError::Empty => {
                f.write_str("the range is empty: write for example 10, 10:, ~:10, 10:20 or @10:20")
            }
            RangeError::NotANumber { text } => {
                write!(
                    f,
                    "`{text}` is not a decimal number: an end of a range is for example 10, -0.5 or, at the left, ~"
                )
            }
            RangeError::NotFinite => {
                f.write_str("an end of the range is out of reach: give a finite number")
            }
            RangeError::Reversed { low, high } => {
                write!(
                    f,
                    "the range begins at {low}, above its end at {high}: exchange the two, or begin it with ~"
                )
            }
        }
    }
}

impl std::error::Error for RangeError {}
