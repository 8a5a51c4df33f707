//! Line speeds and sizes as they are typed, and figures as they are shown.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// A number and the unit behind it.
fn number_and_unit(text: &str) -> Option<(f64, &str)> {
    let text = text.trim();
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let number: f64 = number.replace('_', "").parse().ok()?;
    Some((number, unit.trim()))
}

/// The speed of a line, in bits per second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Line(pub(crate) f64);

impl Line {
    /// For how long the line is busy with so many bytes, in seconds.
    pub(crate) fn seconds(self, bytes: u64) -> f64 {
        bytes as f64 * 8.0 / self.0
    }
}

impl FromStr for Line {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (number, unit) = number_and_unit(text).unwrap_or((0.0, ""));
        let unit = unit.strip_suffix("/s").unwrap_or(unit);
        let bits = match unit.to_ascii_lowercase().as_str() {
            "bit" => 1.0,
            "kbit" => 1e3,
            "mbit" => 1e6,
            "gbit" => 1e9,
            _ => 0.0,
        };
        let speed = number * bits;
        if (1.0..=1e13).contains(&speed) {
            Ok(Self(speed))
        } else {
            Err(format!(
                "`{text}` is no speed: give a number and a unit, as 10Mbit/s, 256kbit/s or 1Gbit/s"
            ))
        }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (value, unit) = match self.0 {
            bits if bits < 999.5 => (bits, "bit/s"),
            bits if bits < 999.5e3 => (bits / 1e3, "kbit/s"),
            bits if bits < 999.5e6 => (bits / 1e6, "Mbit/s"),
            bits => (bits / 1e9, "Gbit/s"),
        };
        write!(f, "{} {unit}", digits(value))
    }
}

impl Serialize for Line {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0)
    }
}

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size(pub(crate) u64);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (number, unit) = number_and_unit(text).unwrap_or((0.0, ""));
        let bytes = match unit {
            "" | "B" => 1.0,
            "kB" => 1e3,
            "MB" => 1e6,
            "GB" => 1e9,
            "KiB" => 1024.0,
            "MiB" => 1024.0 * 1024.0,
            "GiB" => 1024.0 * 1024.0 * 1024.0,
            _ => 0.0,
        };
        let size = number * bytes;
        if (1.0..=1e12).contains(&size) {
            Ok(Self(size as u64))
        } else {
            Err(format!(
                "`{text}` is no size: give bytes, or a number and a unit, as 500kB, 64MiB or 1GiB"
            ))
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (value, unit) = match self.0 as f64 {
            b if b < 1024.0 => return write!(f, "{} B", self.0),
            b if b < 1024.0 * 1024.0 => (b / 1024.0, "KiB"),
            b if b < 1024.0 * 1024.0 * 1024.0 => (b / 1024.0 / 1024.0, "MiB"),
            b => (b / 1024.0 / 1024.0 / 1024.0, "GiB"),
        };
        write!(f, "{} {unit}", digits(value))
    }
}

/// Seconds, with three digits and the unit that suits them.
pub(crate) fn time(seconds: f64) -> String {
    let nanos = seconds * 1e9;
    let (value, unit) = match nanos {
        n if n < 999.5 => (n, "ns"),
        n if n < 999.5e3 => (n / 1e3, "\u{b5}s"),
        n if n < 999.5e6 => (n / 1e6, "ms"),
        n => (n / 1e9, "s"),
    };
    format!("{} {unit}", digits(value))
}

/// How many times as much.
pub(crate) fn times(ratio: f64) -> String {
    format!("{} x", digits(ratio))
}

pub(crate) fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// Three significant digits, where there are decimals at all; without those that say nothing.
pub(crate) fn digits(value: f64) -> String {
    let text = match value {
        v if v < 9.995 => format!("{v:.2}"),
        v if v < 99.95 => format!("{v:.1}"),
        v => return format!("{v:.0}"),
    };
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_are_typed_in_bits() {
        for (text, bits, shown) in [
            ("10Mbit/s", 1e7, "10 Mbit/s"),
            ("256 kbit/s", 256e3, "256 kbit/s"),
            ("1gbit", 1e9, "1 Gbit/s"),
            ("1.5Mbit/s", 1.5e6, "1.5 Mbit/s"),
            ("9600bit/s", 9600.0, "9.6 kbit/s"),
        ] {
            let line: Line = text.parse().unwrap();
            assert_eq!(line, Line(bits), "{text}");
            assert_eq!(line.to_string(), shown);
        }
        // Bytes are not bits, and nobody shall guess.
        for bad in ["10MB/s", "10", "Mbit/s", "0Mbit/s", "1e3Mbit/s", ""] {
            assert!(bad.parse::<Line>().is_err(), "{bad}");
        }
        assert_eq!(Line(8e6).seconds(1_000_000), 1.0);
    }

    #[test]
    fn sizes_are_typed_in_bytes() {
        for (text, bytes, shown) in [
            ("100", 100, "100 B"),
            ("64MiB", 64 << 20, "64 MiB"),
            ("1.5 KiB", 1536, "1.5 KiB"),
            ("1GB", 1_000_000_000, "954 MiB"),
        ] {
            let size: Size = text.parse().unwrap();
            assert_eq!(size, Size(bytes), "{text}");
            assert_eq!(size.to_string(), shown);
        }
        for bad in ["", "MiB", "0.5", "-1", "5 apples"] {
            assert!(bad.parse::<Size>().is_err(), "{bad}");
        }
    }

    #[test]
    fn figures_have_three_digits() {
        assert_eq!(time(0.000_012_345), "12.3 \u{b5}s");
        assert_eq!(time(1.5), "1.5 s");
        assert_eq!(times(10.0), "10 x");
        assert_eq!(times(1.234), "1.23 x");
        assert_eq!(percent(0.1234), "12.3 %");
    }
}
