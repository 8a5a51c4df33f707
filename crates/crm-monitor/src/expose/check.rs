//! A check in the manner of Nagios: one line with performance data, and an exit code.

use std::fmt;
use std::time::Duration;

use super::range::Range;

/// How a service is doing, by the exit codes of Nagios plugins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CheckState {
    /// Nothing alerts: exit code 0.
    Ok,
    /// A value is in its warning range: exit code 1.
    Warning,
    /// A value is in its critical range: exit code 2.
    Critical,
    /// A value is missing: exit code 3.
    Unknown,
}

impl CheckState {
    /// What the plugin's process has to exit with.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            CheckState::Ok => 0,
            CheckState::Warning => 1,
            CheckState::Critical => 2,
            CheckState::Unknown => 3,
        }
    }

    /// `OK`, `WARNING`, `CRITICAL` or `UNKNOWN`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            CheckState::Ok => "OK",
            CheckState::Warning => "WARNING",
            CheckState::Critical => "CRITICAL",
            CheckState::Unknown => "UNKNOWN",
        }
    }

    /// Of several, a critical one is told first, then a warning; what is unknown hides neither.
    fn severity(self) -> u8 {
        match self {
            CheckState::Ok => 0,
            CheckState::Unknown => 1,
            CheckState::Warning => 2,
            CheckState::Critical => 3,
        }
    }
}

impl fmt::Display for CheckState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl From<CheckState> for std::process::ExitCode {
    fn from(state: CheckState) -> Self {
        std::process::ExitCode::from(state.exit_code())
    }
}

/// The unit of a [`CheckValue`], among those that Nagios knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CheckUnit {
    /// A number of things.
    #[default]
    None,
    /// `s`
    Seconds,
    /// `%`
    Percent,
    /// `B`
    Bytes,
    /// `c`: a counter, which only grows.
    Counter,
}

impl CheckUnit {
    /// How it is written behind a value.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            CheckUnit::None => "",
            CheckUnit::Seconds => "s",
            CheckUnit::Percent => "%",
            CheckUnit::Bytes => "B",
            CheckUnit::Counter => "c",
        }
    }
}

/// One value of a [`Check`], with the ranges it is held against.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckValue {
    label: Box<str>,
    value: Option<f64>,
    unit: CheckUnit,
    warning: Option<Range>,
    critical: Option<Range>,
    minimum: Option<f64>,
    maximum: Option<f64>,
}

impl CheckValue {
    /// A value under a label. `None`, and what is not finite, is a value that could not be had: it makes the check
    /// [`CheckState::Unknown`] and is written `U`.
    ///
    /// In the performance data an apostrophe in the label is doubled; `=`, `|` and control characters, which no
    /// spelling of it can hold, become `_`, `/` and spaces.
    #[must_use]
    pub fn new(label: impl Into<Box<str>>, value: impl Into<Option<f64>>) -> CheckValue {
        CheckValue {
            label: label.into(),
            value: value.into().filter(|value| value.is_finite()),
            unit: CheckUnit::None,
            warning: None,
            critical: None,
            minimum: None,
            maximum: None,
        }
    }

    /// A time, in seconds, with the minimum 0.
    #[must_use]
    pub fn duration(label: impl Into<Box<str>>, value: impl Into<Option<Duration>>) -> CheckValue {
        CheckValue::new(label, value.into().map(|value| value.as_secs_f64()))
            .unit(CheckUnit::Seconds)
            .minimum(0.0)
    }

    /// Says what the value counts.
    #[must_use]
    pub fn unit(mut self, unit: CheckUnit) -> CheckValue {
        self.unit = unit;
        self
    }

    /// Warns when this range alerts.
    #[must_use]
    pub fn warning(mut self, range: Range) -> CheckValue {
        self.warning = Some(range);
        self
    }

    /// Is critical when this range alerts.
    #[must_use]
    pub fn critical(mut self, range: Range) -> CheckValue {
        self.critical = Some(range);
        self
    }

    /// The least that the value can be, for graphs; one that is not finite is left out.
    #[must_use]
    pub fn minimum(mut self, minimum: f64) -> CheckValue {
        self.minimum = Some(minimum).filter(|minimum| minimum.is_finite());
        self
    }

    /// The most that the value can be, for graphs; one that is not finite is left out.
    #[must_use]
    pub fn maximum(mut self, maximum: f64) -> CheckValue {
        self.maximum = Some(maximum).filter(|maximum| maximum.is_finite());
        self
    }

    /// What the value says against its ranges, the critical one first.
    #[must_use]
    pub fn state(&self) -> CheckState {
        let alerts = |range: Option<Range>, value| range.is_some_and(|range| range.alerts(value));
        match self.value {
            None => CheckState::Unknown,
            Some(value) if alerts(self.critical, value) => CheckState::Critical,
            Some(value) if alerts(self.warning, value) => CheckState::Warning,
            Some(_) => CheckState::Ok,
        }
    }

    fn write_text(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", OneLine(&self.label))?;
        let Some(value) = self.value else {
            return f.write_str("is not known");
        };
        // On its own side of the thresholds, whatever it takes.
        let rounded = Rounded(value).to_string();
        let short = CheckValue {
            value: rounded.parse().ok(),
            ..self.clone()
        };
        if short.state() == self.state() {
            f.write_str(&rounded)?;
        } else {
            write!(f, "{value}")?;
        }
        f.write_str(self.unit.symbol())?;
        let range = match self.state() {
            CheckState::Critical => self.critical,
            CheckState::Warning => self.warning,
            CheckState::Ok | CheckState::Unknown => None,
        };
        match range {
            Some(range) => write!(f, " (threshold {range})"),
            None => Ok(()),
        }
    }

    fn write_data(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("'")?;
        for character in self.label.chars() {
            match character {
                '\'' => f.write_str("''")?,
                '=' => f.write_str("_")?,
                '|' => f.write_str("/")?,
                control if control.is_control() => f.write_str(" ")?,
                plain => write!(f, "{plain}")?,
            }
        }
        f.write_str("'=")?;
        match self.value {
            Some(value) => write!(f, "{value}{}", self.unit.symbol())?,
            None => f.write_str("U")?,
        }
        let ranges =
            [self.warning, self.critical].map(|range| range.map(|range| range.to_string()));
        let limits = [self.minimum, self.maximum].map(|limit| limit.map(|limit| limit.to_string()));
        ranges
            .iter()
            .chain(&limits)
            .try_for_each(|field| write!(f, ";{}", field.as_deref().unwrap_or_default()))
    }
}

/// What a Nagios plugin says: one line, which [`Display`](fmt::Display) writes, and an exit code. Its words round a value to three
/// significant digits, unless it would cross a threshold by that, and keep whole digits; the performance data behind `|` keep all.
///
/// ```
/// use crm_monitor::expose::{Check, CheckValue, CheckUnit, CheckState};
/// use std::time::Duration;
///
/// let check = Check::new("CRM")
///     .value(CheckValue::duration("response time p95", Duration::from_millis(620)).warning("0.5".parse()?).critical("1".parse()?))
///     .value(CheckValue::new("hit ratio", 92.5).unit(CheckUnit::Percent).warning("80:".parse()?));
/// assert_eq!(check.state(), CheckState::Warning);
/// assert_eq!(check.state().exit_code(), 1);
/// assert_eq!(
///     check.to_string(),
///     "CRM WARNING: response time p95 0.62s (threshold 0.5) \
///      | 'response time p95'=0.62s;0.5;1;0; 'hit ratio'=92.5%;80:;;;"
/// );
/// # Ok::<(), crm_monitor::expose::RangeError>(())
/// ```
///
/// A program prints the line and returns `ExitCode::from(check.state())` from its `main`. Icinga, Naemon, Shinken and
/// Zabbix (as an external check) run the same programs.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a check says nothing until its line is printed and its state is the exit code"]
pub struct Check {
    name: Box<str>,
    values: Vec<CheckValue>,
}

impl Check {
    /// A check of that name, which begins the line. `|` and control characters in it become `/` and spaces.
    pub fn new(name: impl Into<Box<str>>) -> Check {
        Check {
            name: name.into(),
            values: Vec::new(),
        }
    }

    /// Adds a value.
    pub fn value(mut self, value: CheckValue) -> Check {
        self.values.push(value);
        self
    }

    /// The worst of its values: critical, else warning, else unknown, else OK. Without any it is unknown.
    #[must_use]
    pub fn state(&self) -> CheckState {
        self.values
            .iter()
            .map(CheckValue::state)
            .max_by_key(|state| state.severity())
            .unwrap_or(CheckState::Unknown)
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        write!(f, "{} {state}:", OneLine(&self.name))?;
        // When all is well every value is told, otherwise the ones to look at, the worst first.
        let mut told: Vec<_> = self
            .values
            .iter()
            .filter(|value| state == CheckState::Ok || value.state() != CheckState::Ok)
            .collect();
        told.sort_by_key(|value| std::cmp::Reverse(value.state().severity()));
        for (at, value) in told.iter().enumerate() {
            f.write_str(if at == 0 { " " } else { ", " })?;
            value.write_text(f)?;
        }
        if self.values.is_empty() {
            return f.write_str(" nothing was measured");
        }
        f.write_str(" |")?;
        self.values.iter().try_for_each(|value| {
            f.write_str(" ")?;
            value.write_data(f)
        })
    }
}

/// A number to three significant digits, as people read it; whole digits all stay.
struct Rounded(f64);

impl fmt::Display for Rounded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // By the exponent of the rounded number: that of 0.9996 is 0, as for 1.00.
        let scientific = format!("{:.2e}", self.0);
        let exponent = scientific.split_once('e').map(|(_, exponent)| exponent);
        let exponent: i32 = exponent.and_then(|text| text.parse().ok()).unwrap_or(0);
        let decimals = usize::try_from(2 - exponent).unwrap_or(0);
        let text = format!("{:.decimals$}", self.0);
        if text.contains('.') {
            f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
        } else {
            f.write_str(&text)
        }
    }
}

/// Text in which a line and the performance data cannot be mistaken.
struct OneLine<'a>(&'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| match character {
            '|' => f.write_str("/"),
            control if control.is_control() => f.write_str(" "),
            plain => write!(f, "{plain}"),
        })
    }
}
