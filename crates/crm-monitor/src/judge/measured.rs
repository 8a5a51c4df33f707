//! Events, and how much of the window they tell of.

use std::time::Duration;

use super::events::Events;
use super::quotient::scaled_up;
use crate::{Over, Snapshot};

/// The events of a window, and the time that they cover: all of the window, or less while the source is younger.
///
/// A source of [`Alerts::objective`](crate::judge::Alerts::objective) answers with whatever turns into this: [`Over`] of a history knows its time,
/// plain [`Events`] are taken to cover the whole window.
///
/// # Young sources
///
/// A rule asks for a part of a budget. A process that is one second old may have failed three times of a hundred, but has spent hardly
/// anything of what six hours may cost. So the time of a long window that is not covered is reckoned to have had the same traffic and no failure:
///
/// ```text
/// reckoned events = events * window / covered
/// ```
///
/// Those must be above the threshold, and prove it ([`Evidence`](crate::judge::Evidence)); the least number of events must really have been seen. A
/// real outage right after a start is therefore raised as late as one in a service that was well until then: after
/// `threshold * window / error ratio`, and the few failures more that make a proof. At 99.9 % over 30 days and the rule of an hour (1.44 %) that are
/// 52 seconds when all fails, 17 minutes at one in twenty, and an hour at 1.44 %. What restarts more often than that has to keep its
/// counts elsewhere.
///
/// A window that is covered to nine tenths counts as full, since a history answers within 5 % of what was asked.
///
/// # Example
///
/// ```
/// use crm_monitor::judge::{BurnRules, Events, Level, Measured, Objective};
/// use std::time::Duration;
///
/// let month = Duration::from_secs(30 * 86_400);
/// let rules = BurnRules::workbook(Objective::percent(99.9, month)?)?;
/// let failing = Events::with_bad(30, 100)?;
/// let level = |seconds| rules.measure(|_| Some(Measured::new(failing, Duration::from_secs(seconds))))[0].level();
/// assert_eq!(level(1), Level::Between); // 30 of 100 in one second: 0.008 % of an hour's traffic
/// assert_eq!(level(600), Level::Bad); // in ten minutes: 5 %
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measured {
    events: Events,
    /// None for the whole window, however long that is.
    covered: Option<Duration>,
}

impl Measured {
    /// Events of so much time, up to now.
    #[must_use]
    pub const fn new(events: Events, covered: Duration) -> Self {
        Self {
            events,
            covered: Some(covered),
        }
    }

    /// The events.
    #[must_use]
    pub const fn events(&self) -> Events {
        self.events
    }

    /// How much of a window they cover: at most all of it.
    #[must_use]
    pub fn covered(&self, window: Duration) -> Duration {
        self.covered.map_or(window, |covered| covered.min(window))
    }

    /// Whether they tell of nine tenths of a window, which counts as all.
    #[must_use]
    pub fn is_full(&self, window: Duration) -> bool {
        let tenths = |time: Duration, times: u128| time.as_nanos().saturating_mul(times);
        tenths(self.covered(window), 10) >= tenths(window, 9)
    }

    /// The events of the whole window, if the rest of it had the same traffic and no failure.
    pub(super) fn reckoned(&self, window: Duration) -> Events {
        if self.is_full(window) {
            return self.events;
        }
        let covered = self.covered(window).as_nanos();
        self.events
            .among(scaled_up(self.events.total(), window.as_nanos(), covered))
    }
}

impl From<Events> for Measured {
    /// Events of the whole window.
    fn from(events: Events) -> Self {
        let covered = None;
        Self { events, covered }
    }
}

impl From<Over<Events>> for Measured {
    /// The events of a window of a history, and how long it really is.
    fn from(over: Over<Events>) -> Self {
        Self::new(over.value, over.elapsed)
    }
}

impl From<Over<Snapshot>> for Measured {
    /// All that was timed, with the failures as the bad events, and how long the window really is.
    fn from(over: Over<Snapshot>) -> Self {
        Self::new(Events::from(&over.value), over.elapsed)
    }
}
