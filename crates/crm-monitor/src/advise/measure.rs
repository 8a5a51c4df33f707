//! What is predicted and measured, and in which unit.

use std::fmt;

/// The unit of a number in an advice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dimension {
    /// Seconds.
    Seconds,
    /// A share from 0 to 1, written in per cent; a utilisation may be above 1.
    Share,
    /// So many by the second.
    PerSecond,
    /// Bytes by the second.
    BytesPerSecond,
    /// A number of things: workers, requests in flight.
    Count,
    /// A plain ratio: a squared coefficient of variation, one percentile by another.
    Ratio,
}

impl Dimension {
    /// As written after a number: `s`, `/s`, `B/s`; empty for the others.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Seconds => "s",
            Self::PerSecond => "/s",
            Self::BytesPerSecond => "B/s",
            Self::Share | Self::Count | Self::Ratio => "",
        }
    }
}

/// A figure that advice changes or predicts.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Measure {
    /// Requests taken in by the second.
    ArrivalRate,
    /// Bytes sent by the second.
    BytesOut,
    /// What all waiting costs: see [`Advice::worth`](super::Advice::worth).
    Cost,
    /// Requests that failed, by the second.
    ErrorRate,
    /// The share of lookups that hit.
    HitRatio,
    /// The response time that this share of requests does not exceed.
    Percentile(f64),
    /// Requests turned away by the second.
    RefusedRate,
    /// The mean response time.
    ResponseTime,
    /// The mean service time.
    ServiceTime,
    /// The share of time that workers are busy.
    Utilisation,
    /// The mean time before a worker begins.
    WaitingTime,
    /// Requests that can be worked on at once.
    Workers,
}

impl Measure {
    /// The unit of its numbers.
    #[must_use]
    pub const fn dimension(self) -> Dimension {
        match self {
            Self::ArrivalRate | Self::ErrorRate | Self::RefusedRate => Dimension::PerSecond,
            Self::BytesOut => Dimension::BytesPerSecond,
            Self::Cost | Self::Workers => Dimension::Count,
            Self::HitRatio | Self::Utilisation => Dimension::Share,
            Self::Percentile(_) | Self::ResponseTime | Self::ServiceTime | Self::WaitingTime => {
                Dimension::Seconds
            }
        }
    }
}

/// Its name in a sentence.
impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ArrivalRate => "requests taken in",
            Self::BytesOut => "bytes sent",
            Self::Cost => "requests kept waiting",
            Self::ErrorRate => "errors",
            Self::HitRatio => "hit ratio",
            Self::Percentile(share) => {
                return write!(f, "{}th percentile", super::quantity::three(share * 100.0));
            }
            Self::RefusedRate => "requests refused",
            Self::ResponseTime => "mean response time",
            Self::ServiceTime => "mean service time",
            Self::Utilisation => "utilisation",
            Self::WaitingTime => "mean waiting time",
            Self::Workers => "workers",
        })
    }
}
