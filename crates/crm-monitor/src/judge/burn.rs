//! How fast a budget is burning, by one rule.

use std::fmt;
use std::time::Duration;

use super::burn_rule::BurnRule;
use super::events::Events;
use super::evidence::Evidence;
use super::latch::Level;
use super::measured::Measured;
use super::objective::Objective;
use super::quotient::quotient;
use super::target::{ONE, Target};
use super::words::{Number, Span};

/// What one rule saw: the events of its two windows, and all that follows from them.
///
/// Made by [`BurnRules::measure`](crate::judge::BurnRules::measure), and the reason in a burn-rate alert.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Burn {
    pub(super) objective: Objective,
    pub(super) rule: BurnRule,
    pub(super) evidence: Evidence,
    pub(super) clear_share: f64,
    pub(super) long: Option<Measured>,
    pub(super) short: Option<Measured>,
}

/// `error ratio / budget`, or none without events.
pub(super) fn burn_rate(target: Target, events: Events) -> Option<f64> {
    let bad = u128::from(events.bad()) * u128::from(ONE);
    let allowed = u128::from(events.total()) * u128::from(target.budget_parts());
    (allowed > 0).then(|| quotient(bad, allowed))
}

impl Burn {
    /// The objective.
    #[must_use]
    pub const fn objective(&self) -> &Objective {
        &self.objective
    }

    /// The rule.
    #[must_use]
    pub const fn rule(&self) -> &BurnRule {
        &self.rule
    }

    /// The events of the long window; none when nothing is known of it.
    #[must_use]
    pub fn long(&self) -> Option<Events> {
        Some(self.long?.events())
    }

    /// How much of the long window they cover: less than all of it while the source is younger ([`Measured`]).
    #[must_use]
    pub fn long_covered(&self) -> Option<Duration> {
        Some(self.long?.covered(self.rule.long_window()))
    }

    /// The events of the short window; none when nothing is known of it.
    #[must_use]
    pub fn short(&self) -> Option<Events> {
        Some(self.short?.events())
    }

    /// How much of the short window they cover.
    #[must_use]
    pub fn short_covered(&self) -> Option<Duration> {
        Some(self.short?.covered(self.rule.short_window()))
    }

    /// The burn rate over what is known of the long window; none without events.
    #[must_use]
    pub fn long_burn(&self) -> Option<f64> {
        burn_rate(self.objective.target(), self.long()?)
    }

    /// The burn rate over what is known of the short window; none without events.
    #[must_use]
    pub fn short_burn(&self) -> Option<f64> {
        burn_rate(self.objective.target(), self.short()?)
    }

    /// The burn rate that is proved: that of the lower end of Wilson's interval over the long window, of which the time that is not
    /// covered is reckoned to be good ([`Measured`]).
    #[must_use]
    pub fn proved_burn(&self) -> Option<f64> {
        let reckoned = self.long?.reckoned(self.rule.long_window());
        Some(self.evidence.lower_end(reckoned)? / self.objective.target().budget())
    }

    /// The burn rate above which the rule fires.
    #[must_use]
    pub fn threshold(&self) -> f64 {
        self.rule.burn_rate(&self.objective)
    }

    /// Where it stands.
    ///
    /// - [`Level::Bad`]: both windows burn faster than the threshold, and the long one proves it ([`Evidence`]), the time that it does not
    ///   cover being reckoned to be good ([`Measured`]).
    /// - [`Level::Good`]: one of them burns slower than the share of the threshold at which it clears, or the long window has no
    ///   events.
    /// - [`Level::Unknown`]: nothing is known of a window.
    /// - [`Level::Between`]: all else, such as a short window without events: no traffic does not prove a recovery.
    #[must_use]
    pub fn level(&self) -> Level {
        let (Some(long), Some(_)) = (self.long, self.short) else {
            return Level::Unknown;
        };
        let Some(long_burn) = self.long_burn() else {
            return Level::Good;
        };
        let threshold = self.threshold();
        let clear = self.clear_share * threshold;
        // A short window without events is neither below the one nor above the other.
        let short_burn = self.short_burn();
        if long_burn < clear || short_burn.is_some_and(|burn| burn < clear) {
            return Level::Good;
        }
        let ratio = self.rule.threshold(&self.objective);
        let still = short_burn.is_some_and(|burn| burn > threshold);
        let reckoned = long.reckoned(self.rule.long_window());
        if still && self.evidence.proves_of(long.events(), reckoned, ratio) {
            Level::Bad
        } else {
            Level::Between
        }
    }
}

impl fmt::Display for Burn {
    /// In plain words: `the budget of 99.9 % over 30 d burns 16.4 times as fast as it may, of late 20 times (raised above 14.4): 164 of 10000
    /// bad in 1 h, 20 of 1000 bad in 5 min; a whole budget would last 1 d 12 h`. What is of late is the short window, and the whole budget
    /// lasts for `period / burn rate` of the faster one, which is told when it is above one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let objective = &self.objective;
        let threshold = Number(self.threshold());
        let (long, short) = (self.long_burn(), self.short_burn());
        let times = "times as fast as it may";
        match (long.map(Number), short.map(Number)) {
            (Some(long), Some(short)) => write!(
                f,
                "the budget of {objective} burns {long} {times}, of late {short} times"
            ),
            (Some(long), None) => write!(f, "the budget of {objective} burns {long} {times}"),
            (None, Some(short)) => {
                write!(f, "the budget of {objective} burns {short} {times} of late")
            }
            (None, None) => write!(f, "nothing tells how the budget of {objective} burns"),
        }?;
        write!(f, " (raised above {threshold}): ")?;
        seen(f, self.long, self.rule.long_window())?;
        f.write_str(", ")?;
        seen(f, self.short, self.rule.short_window())?;
        match long.into_iter().chain(short).reduce(f64::max) {
            Some(burn) if burn > 1.0 => {
                let lasts = Duration::from_secs_f64(objective.period().as_secs_f64() / burn);
                write!(f, "; a whole budget would last {}", Span(lasts))
            }
            _ => Ok(()),
        }
    }
}

fn seen(f: &mut fmt::Formatter<'_>, known: Option<Measured>, window: Duration) -> fmt::Result {
    let Some(known) = known else {
        return write!(f, "no data in {}", Span(window));
    };
    let events = known.events();
    if events.total() == 0 {
        f.write_str("no events")?;
    } else {
        write!(f, "{} of {} bad", events.bad(), events.total())?;
    }
    if known.is_full(window) {
        write!(f, " in {}", Span(window))
    } else {
        write!(
            f,
            " in {} (of {})",
            Span(known.covered(window)),
            Span(window)
        )
    }
}
