//! Durations, shares and numbers as people write them.

use std::fmt;
use std::time::Duration;

/// A duration in its two largest units: `30 d`, `1 h`, `2 d 4 h`, `5 min`, `1.5 s`, `250 ms`.
pub(super) struct Span(pub(super) Duration);

const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(span) = self;
        let seconds = span.as_secs();
        if seconds < 60 {
            return match span.as_secs_f64() {
                0.0 => f.write_str("0 s"),
                short if short < 1e-6 => write!(f, "{} ns", span.as_nanos()),
                short if short < 1e-3 => write!(f, "{} us", Number(short * 1e6)),
                short if short < 1.0 => write!(f, "{} ms", Number(short * 1e3)),
                short => write!(f, "{} s", Number(short)),
            };
        }
        let first = UNITS.iter().position(|(unit, _)| seconds >= *unit);
        let first = first.unwrap_or(UNITS.len() - 1);
        let (unit, name) = UNITS[first];
        write!(f, "{} {name}", seconds / unit)?;
        match UNITS.get(first + 1) {
            Some((next, name)) if seconds % unit / next > 0 => {
                write!(f, " {} {name}", seconds % unit / next)
            }
            _ => Ok(()),
        }
    }
}

/// A number to four significant digits, without superfluous zeros; with an exponent where it would be long.
pub(super) struct Number(pub(super) f64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(number) = *self;
        let size = number.abs();
        if number == 0.0 {
            return f.write_str("0");
        }
        if !size.is_finite() {
            return write!(f, "{number}");
        }
        if !(1e-4..1e15).contains(&size) {
            return write!(f, "{number:.3e}");
        }
        // Digits before the point; at least one, so that 0.0123 shows four of its own.
        let magnitude = size.log10().floor() as i32;
        let decimals = (3 - magnitude).max(0) as usize;
        let text = format!("{number:.decimals$}");
        if text.contains('.') {
            f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
        } else {
            f.write_str(&text)
        }
    }
}

/// A share in per cent: `2.01 %`.
pub(super) struct Percent(pub(super) f64);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", Number(self.0 * 100.0))
    }
}
