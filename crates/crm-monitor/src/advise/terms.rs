//! What an advisor goes by: prices, assumptions, and from when on something is worth saying.

/// See the setters of [`Advisor`](super::Advisor).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Terms {
    /// Seconds of waiting that a failed or refused request counts as.
    pub(super) failure: f64,
    /// Bytes by the second on the line to one client.
    pub(super) line: f64,
    /// Bytes by the second that a worker compresses.
    pub(super) encoder: f64,
    /// Seconds over which an overload is looked at.
    pub(super) horizon: f64,
    pub(super) most_workers: u32,
}

impl Terms {
    pub(super) const DEFAULT: Self = Self {
        failure: 10.0,
        line: 1_250_000.0,
        encoder: 100_000_000.0,
        horizon: 60.0,
        most_workers: super::figures_builder::WORKERS,
    };

    /// The share by which a mean response time or the bytes must fall to be worth a word.
    pub(super) const NOTABLE: f64 = 0.05;
    /// The share of errors or refused requests from which on they are worth a word.
    pub(super) const FAILING: f64 = 0.001;
    /// The wait that workers are added for, in service times, and down to which.
    pub(super) const SHORT_WAIT: f64 = 0.25;
    /// The wait that load is shed for, and down to which.
    pub(super) const LONG_WAIT: f64 = 1.0;
    /// What compression leaves of a byte, unless it was measured.
    pub(super) const COMPRESSED_TO: f64 = 0.3;
    /// The slowest percentile by the median, from which on a tail is slow; 6.6 for the 99th of exponential times.
    pub(super) const TAIL: f64 = 1.5;
}
