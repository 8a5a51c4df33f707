//! A record of ups and downs.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use crm_clock::Tick;

use super::words::{Percent, Span};

/// When a service, or something it depends on, was up and when it was down.
///
/// It begins as unknown, and becomes unknown again when nobody looks: that time counts neither as up nor as down. The newest 1,024
/// changes are kept (24 KiB); what lies before them is forgotten, and [`Availability::observed`] tells how much a window still has.
/// A time before the last change is taken for the time of that change.
///
/// # Example
///
/// ```
/// use crm_monitor::clock::Tick;
/// use crm_monitor::judge::Uptime;
/// use std::time::Duration;
///
/// let hours = |count: u64| Duration::from_secs(3_600 * count);
/// let mut uptime = Uptime::new();
/// uptime.up(Tick::ZERO);
/// uptime.down(Tick::ZERO + hours(499));
/// uptime.up(Tick::ZERO + hours(500));
/// let month = uptime.over(hours(720), Tick::ZERO + hours(1_000));
/// assert_eq!(month.share(), Some(719.0 / 720.0));
/// let all = uptime.over(hours(1_000), Tick::ZERO + hours(1_000));
/// assert_eq!(all.mean_time_to_failure(), Some(hours(999)));
/// assert_eq!(all.mean_time_to_repair(), Some(hours(1)));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uptime {
    /// From when on it was in which state, the oldest first; neighbours differ.
    changes: VecDeque<(Tick, State)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Up,
    Down,
    Unknown,
}

/// How many changes are kept.
const KEPT: usize = 1_024;

impl Uptime {
    /// Nothing is known yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            changes: VecDeque::new(),
        }
    }

    /// It is up from `now` on. Saying so again changes nothing.
    pub fn up(&mut self, now: Tick) {
        self.change(now, State::Up);
    }

    /// It is down from `now` on.
    pub fn down(&mut self, now: Tick) {
        self.change(now, State::Down);
    }

    /// Nobody knows from `now` on.
    pub fn unknown(&mut self, now: Tick) {
        self.change(now, State::Unknown);
    }

    /// Whether it is up, none when that is not known.
    #[must_use]
    pub fn is_up(&self) -> Option<bool> {
        match self.changes.back()? {
            (_, State::Up) => Some(true),
            (_, State::Down) => Some(false),
            (_, State::Unknown) => None,
        }
    }

    fn change(&mut self, now: Tick, state: State) {
        let last = self.changes.back();
        if last.map_or(state == State::Unknown, |(_, last)| *last == state) {
            return;
        }
        let at = last.map_or(now, |(at, _)| now.max(*at));
        if self.changes.len() == KEPT {
            self.changes.pop_front();
        }
        self.changes.push_back((at, state));
    }

    /// What is known of the `window` that ends at `now`.
    #[must_use]
    pub fn over(&self, window: Duration, now: Tick) -> Availability {
        let window = u64::try_from(window.as_nanos()).unwrap_or(u64::MAX);
        let start = Tick::from_nanos(now.as_nanos().saturating_sub(window));
        let mut seen = Availability {
            up: Duration::ZERO,
            down: Duration::ZERO,
            failures: 0,
            repairs: 0,
        };
        let ends = self.changes.iter().skip(1).map(|(at, _)| *at).chain([now]);
        // The last state that was known: a service that was lost sight of while down and found up was repaired between.
        let mut known = None;
        for ((from, state), until) in self.changes.iter().zip(ends) {
            if *from >= now {
                break;
            }
            let length = until.min(now) - (*from).max(start);
            // A change at the very start belongs to the time before it.
            let counts = u64::from(*from > start);
            match state {
                State::Up => {
                    seen.up += length;
                    seen.repairs += counts * u64::from(known == Some(State::Down));
                }
                State::Down => {
                    seen.down += length;
                    seen.failures += counts * u64::from(known == Some(State::Up));
                }
                State::Unknown => continue,
            }
            known = Some(*state);
        }
        seen
    }
}

/// Up-time, down-time and what they mean.
///
/// # Formula
///
/// ```text
/// A    = up / (up + down)
/// MTTF = up / failures,   MTTR = down / repairs
/// ```
///
/// Time that was not ended by a failure or a repair counts as well: for lifetimes that are exponential, these are the estimates of
/// greatest likelihood from a record that is cut off. With as many repairs as failures, `A = MTTF / (MTTF + MTTR)`.
///
/// Source: R. E. Barlow and F. Proschan, "Mathematical Theory of Reliability", Wiley 1965.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Availability {
    up: Duration,
    down: Duration,
    failures: u64,
    repairs: u64,
}

impl Availability {
    /// How long it was up.
    #[must_use]
    pub const fn up(&self) -> Duration {
        self.up
    }

    /// How long it was down.
    #[must_use]
    pub const fn down(&self) -> Duration {
        self.down
    }

    /// Up-time and down-time together: the part of the window of which something is known.
    #[must_use]
    pub fn observed(&self) -> Duration {
        self.up.saturating_add(self.down)
    }

    /// How often it went down.
    #[must_use]
    pub const fn failures(&self) -> u64 {
        self.failures
    }

    /// How often it came up again.
    #[must_use]
    pub const fn repairs(&self) -> u64 {
        self.repairs
    }

    /// `up / (up + down)`; none when nothing is known.
    #[must_use]
    pub fn share(&self) -> Option<f64> {
        let observed = self.observed();
        (!observed.is_zero()).then(|| self.up.div_duration_f64(observed))
    }

    /// The mean time from a repair to the next failure; none without a failure.
    #[must_use]
    pub fn mean_time_to_failure(&self) -> Option<Duration> {
        mean(self.up, self.failures)
    }

    /// The mean time from a failure to its repair; none without a repair.
    #[must_use]
    pub fn mean_time_to_repair(&self) -> Option<Duration> {
        mean(self.down, self.repairs)
    }
}

fn mean(time: Duration, count: u64) -> Option<Duration> {
    let nanos = time.as_nanos().checked_div(count.into())?;
    // At most the time itself, which ticks bound by 2^64 nanoseconds.
    Some(Duration::from_nanos(
        u64::try_from(nanos).unwrap_or(u64::MAX),
    ))
}

impl fmt::Display for Availability {
    /// `99.86 % up: down for 1 h of 30 d in 1 failure`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(share) = self.share() else {
            return f.write_str("nothing is known of ups and downs");
        };
        let plural = if self.failures == 1 { "" } else { "s" };
        write!(
            f,
            "{} up: down for {} of {} in {} failure{plural}",
            Percent(share),
            Span(self.down),
            Span(self.observed()),
            self.failures
        )
    }
}
