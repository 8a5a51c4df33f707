//! How fast a budget is burning, by one rule.

use std::fmt;
use std::time::Duration;

use super::burn_rule::BurnRule;
use super::events::Events;
use super::evidence::Evidence;
use super::latch::Level;
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
    pub(super) long: Option<Events>,
    pub(super) short: Option<Events>,
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
    pub const fn long(&self) -> Option<Events> {
        self.long
    }

    /// The events of the short window; none when nothing is known of it.
    #[must_use]
    pub const fn short(&self) -> Option<Events> {
        self.short
    }

    /// The burn rate over the long window; none without events.
    #[must_use]
    pub fn long_burn(&self) -> Option<f64> {
        burn_rate(self.objective.target(), self.long?)
    }

    /// The burn rate over the short window; none without events.
    #[must_use]
    pub fn short_burn(&self) -> Option<f64> {
        burn_rate(self.objective.target(), self.short?)
    }

    /// The burn rate that is proved: that of the lower end of Wilson's interval over the long window.
    #[must_use]
    pub fn proved_burn(&self) -> Option<f64> {
        Some(self.evidence.lower_end(self.long?)? / self.objective.target().budget())
    }

    /// The burn rate above which the rule fires.
    #[must_use]
    pub fn threshold(&self) -> f64 {
        self.rule.burn_rate(&self.objective)
    }

    /// Where it stands.
    ///
    /// - [`Level::Bad`]: both windows burn faster than the threshold, and the long one proves it ([`Evidence`]).
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
        if still && self.evidence.proves(long, ratio) {
            Level::Bad
        } else {
            Level::Between
        }
    }
}

impl fmt::Display for Burn {
    /// In plain words: `the budget of 99.9 % over 30 d burns 20 times as fast as it may (raised above 14.4): 1000 of 50000 events were
    /// bad in 1 h, 90 of 4200 in 5 min; a whole budget would last 1 d 12 h`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let objective = &self.objective;
        let threshold = Number(self.threshold());
        match self.long_burn() {
            Some(burn) => write!(
                f,
                "the budget of {objective} burns {} times as fast as it may (raised above {threshold}): ",
                Number(burn)
            )?,
            None => write!(
                f,
                "nothing tells how the budget of {objective} burns (raised above {threshold}): "
            )?,
        }
        seen(f, self.long, self.rule.long_window())?;
        f.write_str(", ")?;
        seen(f, self.short, self.rule.short_window())?;
        match self.long_burn() {
            Some(burn) if burn > 1.0 => {
                let lasts = Duration::from_secs_f64(objective.period().as_secs_f64() / burn);
                write!(f, "; a whole budget would last {}", Span(lasts))
            }
            _ => Ok(()),
        }
    }
}

fn seen(f: &mut fmt::Formatter<'_>, events: Option<Events>, window: Duration) -> fmt::Result {
    let window = Span(window);
    match events {
        None => write!(f, "no data in {window}"),
        Some(events) if events.total() == 0 => write!(f, "no events in {window}"),
        Some(events) => write!(f, "{} of {} bad in {window}", events.bad(), events.total()),
    }
}
