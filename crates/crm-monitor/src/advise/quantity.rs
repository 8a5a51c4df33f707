//! Numbers as a sentence has them: three digits, and the unit that fits.

use std::fmt;

use super::measure::Dimension;

/// A number with its unit, to be written: `12.3 ms`, `85 %`, `1.5 MB/s`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quantity(pub(super) f64, pub(super) Dimension);

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(value, dimension) = *self;
        match dimension {
            Dimension::Seconds => scaled(f, value, &[(1.0, "s"), (1e-3, "ms"), (1e-6, "us")]),
            Dimension::Share => write!(f, "{} %", three(value * 100.0)),
            Dimension::PerSecond => write!(f, "{}/s", three(value)),
            Dimension::BytesPerSecond => scaled(
                f,
                value,
                &[(1e9, "GB/s"), (1e6, "MB/s"), (1e3, "kB/s"), (1.0, "B/s")],
            ),
            Dimension::Count | Dimension::Ratio => f.write_str(&three(value)),
        }
    }
}

/// In the largest unit of which there is one at least, or in the smallest.
fn scaled(f: &mut fmt::Formatter<'_>, value: f64, units: &[(f64, &str)]) -> fmt::Result {
    let fitting = units.iter().find(|(unit, _)| value.abs() >= *unit * 0.9995);
    if let Some((unit, name)) = fitting.or(units.last()) {
        write!(f, "{} {name}", three(value / unit))?;
    }
    Ok(())
}

/// Three significant digits without zeros at the end, whole numbers from a hundred on.
pub(super) fn three(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{}", value.abs()); // never "-0"
    }
    let digits = (2.0 - value.abs().log10().floor()).clamp(0.0, 9.0);
    let text = format!("{value:.*}", digits as usize);
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_and_the_unit_that_fits() {
        for (value, dimension, text) in [
            (0.0123, Dimension::Seconds, "12.3 ms"),
            (1.0, Dimension::Seconds, "1 s"),
            (0.9999, Dimension::Seconds, "1 s"),
            (0.000_25, Dimension::Seconds, "250 us"),
            (0.0, Dimension::Seconds, "0 us"),
            (3_600.0, Dimension::Seconds, "3600 s"),
            (0.855, Dimension::Share, "85.5 %"),
            (1.2, Dimension::Share, "120 %"),
            (0.1, Dimension::PerSecond, "0.1/s"),
            (1_500_000.0, Dimension::BytesPerSecond, "1.5 MB/s"),
            (12.0, Dimension::BytesPerSecond, "12 B/s"),
            (6.0, Dimension::Count, "6"),
            (-0.0, Dimension::Count, "0"),
            (f64::INFINITY, Dimension::Ratio, "inf"),
        ] {
            assert_eq!(Quantity(value, dimension).to_string(), text);
        }
    }
}
