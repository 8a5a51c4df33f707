//! Rates and times, as they are typed and as they are shown.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// Units of time, each with its seconds; the first name is the one that is shown.
const UNITS: [(&[&str], f64); 7] = [
    (&["ns"], 1e-9),
    (&["us", "\u{b5}s"], 1e-6),
    (&["ms"], 1e-3),
    (&["s", "sec"], 1.0),
    (&["min", "m"], 60.0),
    (&["h"], 3_600.0),
    (&["day", "d"], 86_400.0),
];

/// A time, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub(crate) struct Time(pub(crate) f64);

impl FromStr for Time {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let end = text
            .find(|c: char| c.is_alphabetic() && c != 'e' && c != 'E')
            .unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        let seconds = match unit.trim() {
            "" => Some(1.0),
            unit => seconds_of(unit),
        };
        let number: Option<f64> = number.trim().parse().ok();
        match (number, seconds) {
            (Some(number), Some(seconds)) => Ok(Self(number * seconds)),
            _ => Err(format!(
                "`{text}` is no time: give a number and a unit, as 20ms, 1.5s, 3min or 2h"
            )),
        }
    }
}

fn seconds_of(name: &str) -> Option<f64> {
    UNITS
        .iter()
        .find(|(names, _)| names.contains(&name))
        .map(|(_, seconds)| *seconds)
}

impl fmt::Display for Time {
    /// With three digits, in the largest unit of which there is at least one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0.0 {
            return f.pad("0 s");
        }
        let (name, seconds) = self.unit();
        f.pad(&format!("{} {name}", digits(self.0 / seconds)))
    }
}

impl Time {
    /// The unit in which it is shown, and its seconds.
    pub(crate) fn unit(self) -> (&'static str, f64) {
        // Minutes are shown from two on: 90 s is easier than 1.5 min.
        let shown = |seconds: f64| if seconds == 60.0 { 120.0 } else { seconds };
        let (names, seconds) = UNITS
            .iter()
            .rev()
            .find(|(_, seconds)| self.0 >= shown(*seconds) * 0.9995)
            .unwrap_or(&UNITS[0]);
        (names[0], *seconds)
    }
}

/// Arrivals in a unit of time: 120/s, 7200/min.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rate {
    pub(crate) per_second: f64,
    /// The unit in which it was typed.
    unit: &'static str,
    seconds: f64,
}

impl Rate {
    /// Another rate, shown in the unit of this one.
    pub(crate) fn with(self, per_second: f64) -> Self {
        Self { per_second, ..self }
    }

    /// In the unit in which it was typed.
    pub(crate) fn number(self) -> f64 {
        self.per_second * self.seconds
    }

    pub(crate) fn unit(self) -> &'static str {
        self.unit
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (number, unit) = text.split_once('/').unwrap_or((text, "s"));
        let named = UNITS.iter().find(|(names, _)| names.contains(&unit.trim()));
        let number: Option<f64> = number.trim().replace('_', "").parse().ok();
        match (number, named) {
            (Some(number), Some(&(names, seconds))) => Ok(Self {
                per_second: number / seconds,
                unit: names[0],
                seconds,
            }),
            _ => Err(format!(
                "`{text}` is no rate: give arrivals in a unit of time, as 120/s, 7200/min or 300/h"
            )),
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}/{}", digits(self.number()), self.unit))
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.per_second)
    }
}

/// Three digits, or all before the point, without zeros at the end.
pub(crate) fn digits(number: f64) -> String {
    if !number.is_finite() || number.abs() >= 1e9 {
        return format!("{number:.3e}");
    }
    let whole = number.abs().max(1e-9).log10().floor() as i32;
    let places = (2 - whole).clamp(0, 12) as usize;
    let text = format!("{number:.places$}");
    if text.contains('.') {
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_typed_with_their_unit() {
        for (text, seconds) in [
            ("20ms", 0.02),
            ("1.5 s", 1.5),
            ("3min", 180.0),
            ("2h", 7_200.0),
            ("250us", 250e-6),
            ("0.5", 0.5),
            ("1e-3s", 1e-3),
        ] {
            let time: Time = text.parse().unwrap();
            assert!((time.0 - seconds).abs() < 1e-15, "{text}: {}", time.0);
        }
        for bad in ["", "ms", "3 weeks", "x", "1.2.3s"] {
            assert!(bad.parse::<Time>().is_err(), "{bad}");
        }
    }

    #[test]
    fn rates_keep_the_unit_in_which_they_were_typed() {
        let calls: Rate = "300/h".parse().unwrap();
        assert!((calls.per_second - 300.0 / 3600.0).abs() < 1e-15);
        assert_eq!(calls.to_string(), "300/h");
        assert_eq!(calls.with(0.1).to_string(), "360/h");
        assert_eq!("1_200".parse::<Rate>().unwrap().to_string(), "1200/s");
        for bad in ["", "/s", "5/week", "many"] {
            assert!(bad.parse::<Rate>().is_err(), "{bad}");
        }
    }

    #[test]
    fn three_digits_are_shown() {
        for (seconds, text) in [
            (0.0, "0 s"),
            (0.012_345, "12.3 ms"),
            (0.9999, "1 s"),
            (1.0, "1 s"),
            (90.0, "90 s"),
            (180.0, "3 min"),
            (5_400.0, "1.5 h"),
            (3e-12, "0.003 ns"),
        ] {
            assert_eq!(Time(seconds).to_string(), text);
        }
        assert_eq!(digits(1_234.5), "1234");
        assert_eq!(digits(1.0), "1");
    }
}
