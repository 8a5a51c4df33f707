//! How much of a budget is spent, and how long the rest lasts.

use std::fmt;
use std::time::Duration;

use super::burn::burn_rate;
use super::events::Events;
use super::objective::Objective;
use super::quotient::quotient;
use super::target::ONE;
use super::words::{Percent, Span};

/// What the events of a period leave of an objective's budget.
///
/// # Formula
///
/// ```text
/// spent      = bad / (budget * events)
/// left       = 1 - spent
/// exhaustion = left * period / burn rate
/// ```
///
/// `bad` and `events` are those of the period that ends now, which rolls. Before the first period is over, `events` are
/// those so far; [`expecting`](Self::expecting) holds them against what the whole period will bring.
///
/// Source: B. Beyer and others, "The Site Reliability Workbook", O'Reilly 2018, chapters 2 and 5.
///
/// # Example
///
/// ```
/// use crm_monitor::judge::{ErrorBudget, Events, Exhaustion, Objective};
/// use std::time::Duration;
///
/// let days = |count: u64| Duration::from_secs(86_400 * count);
/// let objective = Objective::percent(99.9, days(30))?;
/// let budget = ErrorBudget::new(objective, Events::with_bad(600, 1_000_000)?);
/// assert_eq!((budget.allowed(), budget.remaining()), (1_000, 400));
/// assert_eq!((budget.spent(), budget.left()), (Some(0.6), Some(0.4)));
///
/// // In the last hour one per cent failed: ten times what the objective allows.
/// let hour = Events::with_bad(14, 1_400)?;
/// assert_eq!(budget.exhaustion(hour), Exhaustion::After(Duration::from_secs(28 * 3_600 + 48 * 60)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorBudget {
    objective: Objective,
    events: Events,
    expected: u64,
}

impl ErrorBudget {
    /// The budget of `objective` over the events of its period.
    #[must_use]
    pub const fn new(objective: Objective, events: Events) -> Self {
        Self {
            objective,
            events,
            expected: events.total(),
        }
    }

    /// The same bad events against the budget of so many events, if that is more than there were: what a period that has just begun
    /// will bring.
    #[must_use]
    pub const fn expecting(mut self, events: u64) -> Self {
        if events > self.expected {
            self.expected = events;
        }
        self
    }

    /// How many events may be bad, rounded down.
    #[must_use]
    pub fn allowed(&self) -> u64 {
        self.objective.allowed_bad(self.expected)
    }

    /// How many more events may be bad; negative when the budget is overdrawn.
    #[must_use]
    pub fn remaining(&self) -> i128 {
        i128::from(self.allowed()) - i128::from(self.events.bad())
    }

    /// Whether the objective is kept, compared in whole numbers.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.events.bad() <= self.allowed()
    }

    /// The share of the budget that is spent, above one when it is overdrawn; none without events.
    #[must_use]
    pub fn spent(&self) -> Option<f64> {
        let (spent, budget) = self.parts()?;
        Some(quotient(spent, budget))
    }

    /// The share of the budget that is left, negative when it is overdrawn; none without events.
    #[must_use]
    pub fn left(&self) -> Option<f64> {
        let (spent, budget) = self.parts()?;
        Some(if spent <= budget {
            quotient(budget - spent, budget)
        } else {
            -quotient(spent - budget, budget)
        })
    }

    /// When the rest of the budget will be spent at the rate of `recent` events, if the traffic stays as it is and nothing that
    /// was spent comes back.
    #[must_use]
    pub fn exhaustion(&self, recent: Events) -> Exhaustion {
        let Some(burn) = burn_rate(self.objective.target(), recent) else {
            return Exhaustion::Unknown;
        };
        let left = self.left().unwrap_or(1.0);
        if left <= 0.0 {
            return Exhaustion::Spent;
        }
        let seconds = left * self.objective.period().as_secs_f64() / burn;
        Duration::try_from_secs_f64(seconds).map_or(Exhaustion::Never, Exhaustion::After)
    }

    /// Bad events and budget in parts of [`ONE`].
    fn parts(&self) -> Option<(u128, u128)> {
        let budget = self.objective.target().budget_parts();
        let budget = u128::from(self.expected) * u128::from(budget);
        let spent = u128::from(self.events.bad()) * u128::from(ONE);
        (budget > 0).then_some((spent, budget))
    }
}

impl fmt::Display for ErrorBudget {
    /// `40 % of the budget of 99.9 % over 30 d is left: 600 bad events of 1000 allowed`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let objective = &self.objective;
        match self.left() {
            None => write!(f, "no events yet for the budget of {objective}"),
            Some(left) => write!(
                f,
                "{} of the budget of {objective} is left: {} bad events of {} allowed",
                Percent(left),
                self.events.bad(),
                self.allowed()
            ),
        }
    }
}

/// When a budget will be spent at the present rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exhaustion {
    /// There were no recent events, so that there is no rate.
    Unknown,
    /// Nothing is burning, or so little that no time can hold it.
    Never,
    /// After so long.
    After(Duration),
    /// It is spent already.
    Spent,
}

impl fmt::Display for Exhaustion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("nobody knows when the budget is spent: no recent events"),
            Self::Never => f.write_str("the budget is not burning"),
            Self::After(time) => write!(f, "the budget is spent in {} at this rate", Span(*time)),
            Self::Spent => f.write_str("the budget is spent"),
        }
    }
}
