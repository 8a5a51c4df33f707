//! The burn-rate alerts of one objective.

use std::time::Duration;

use super::burn::Burn;
use super::burn_rule::BurnRule;
use super::check::Probe;
use super::error::JudgeError;
use super::evidence::Evidence;
use super::hold::Hold;
use super::latch::Level;
use super::measured::Measured;
use super::objective::Objective;
use super::reason::Reason;
use super::severity::Severity;

/// Multi-window, multi-burn-rate alerts on an objective.
///
/// | part of the budget | long window | short window | burn rate of 30 days | asks for | in |
/// |---|---|---|---|---|---|
/// | 2 % | 1 h | 5 min | 14.4 | page | [`workbook`](Self::workbook) |
/// | 5 % | 6 h | 30 min | 6 | page | [`workbook`](Self::workbook) |
/// | 10 % | 1 d | 2 h | 3 | ticket | [`daily`](Self::daily) adds it |
/// | 10 % | 3 d | 6 h | 1 | ticket | [`workbook`](Self::workbook) |
///
/// Source: B. Beyer and others, "The Site Reliability Workbook", O'Reilly 2018, chapter 5, table 5-8.
///
/// Rules of one severity make one alert: it is raised when the first of them fires, and cleared when none is left. Each rule
/// clears when one of its windows burns at less than 90 % of the threshold ([`clear_share`](Self::clear_share)) for as long as its short
/// window ([`Hold`], doubling up to its long window); [`hold`](Self::hold) says otherwise for all.
///
/// # Example
///
/// ```
/// use crm_monitor::judge::{BurnRules, Events, Level, Objective};
/// use std::time::Duration;
///
/// let month = Duration::from_secs(30 * 86_400);
/// let rules = BurnRules::workbook(Objective::percent(99.9, month)?)?;
/// // Two per cent of 12,000 requests an hour fail, all the time.
/// let events = |window: Duration| {
///     let total = window.as_secs() / 60 * 200;
///     Events::with_bad(total / 50, total).ok()
/// };
/// let [fast, slow, creeping] = rules.measure(events).try_into().unwrap();
/// assert_eq!(fast.long_burn(), Some(20.0));
/// assert_eq!((fast.level(), slow.level()), (Level::Bad, Level::Bad));
/// assert_eq!(creeping.threshold(), 1.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct BurnRules {
    objective: Objective,
    rules: Vec<BurnRule>,
    evidence: Evidence,
    clear_share: f64,
    hold: Option<Hold>,
    missing_after: Option<Duration>,
}

const HOUR: Duration = Duration::from_secs(3_600);
const MONTH: Duration = Duration::from_secs(30 * 86_400);

/// The rows of the workbook: per cent of the budget, the long window in hours, and what it asks for.
const ROWS: [(f64, u32, Severity); 3] = [
    (2.0, 1, Severity::Page),
    (5.0, 6, Severity::Page),
    (10.0, 72, Severity::Ticket),
];

impl BurnRules {
    /// No rule yet: add some with [`rule`](Self::rule).
    #[must_use]
    pub const fn new(objective: Objective) -> Self {
        Self {
            objective,
            rules: Vec::new(),
            evidence: Evidence::STANDARD,
            clear_share: 0.9,
            hold: None,
            missing_after: Some(Duration::from_secs(600)),
        }
    }

    /// The three rules of the workbook. Windows and parts of the budget are those of the table, so that other periods scale the burn
    /// rates: of 28 days they are 13.44, 5.6 and 0.93. A burn rate below one keeps its objective all the same; for
    /// periods much shorter than a month, such as a week, [`scaled`](Self::scaled) makes more sense.
    ///
    /// # Errors
    ///
    /// [`JudgeError::Windows`] when the period is shorter than three days; [`JudgeError::CannotFire`] when the objective is too lax for
    /// a burn rate: at 30 days one of 93 % and less can never burn at 14.4. Give such an objective rules of its own; of one below
    /// 1 % the error asks whether a share was meant, as in `Objective::percent(0.999, month)`.
    pub fn workbook(objective: Objective) -> Result<Self, JudgeError> {
        Self::table(objective, |hours| hours * HOUR)
    }

    /// The three rules of the workbook with windows in proportion to the period, so that the burn rates are 14.4, 6 and 1 whatever
    /// the period: of a week the first windows are 14 minutes and 70 seconds.
    ///
    /// # Errors
    ///
    /// [`JudgeError::CannotFire`] as for [`workbook`](Self::workbook); [`JudgeError::Windows`] when the period is so short that a window
    /// rounds to nothing.
    pub fn scaled(objective: Objective) -> Result<Self, JudgeError> {
        // A month has 720 hours.
        let hours = (MONTH.as_secs() / HOUR.as_secs()) as u32;
        Self::table(objective, |count| objective.period() * count / hours)
    }

    fn table(objective: Objective, window: impl Fn(u32) -> Duration) -> Result<Self, JudgeError> {
        let mut rules = Self::new(objective);
        for (percent, hours, severity) in ROWS {
            let long = window(hours);
            rules = rules.rule(BurnRule::new(severity, percent, long, long / 12)?)?;
        }
        Ok(rules)
    }

    /// Adds the ticket at 10 % of the budget within a day.
    ///
    /// # Errors
    ///
    /// Those of [`rule`](Self::rule).
    pub fn daily(self) -> Result<Self, JudgeError> {
        let rule = BurnRule::new(Severity::Ticket, 10.0, 24 * HOUR, 2 * HOUR)?;
        self.rule(rule)
    }

    /// Adds a rule.
    ///
    /// # Errors
    ///
    /// [`JudgeError::Windows`] when its long window is longer than the period; [`JudgeError::CannotFire`] when its burn rate is not
    /// reached even if all events are bad.
    pub fn rule(mut self, rule: BurnRule) -> Result<Self, JudgeError> {
        rule.check(&self.objective)?;
        self.rules.push(rule);
        Ok(self)
    }

    /// What a long window must have seen.
    #[must_use]
    pub const fn evidence(mut self, evidence: Evidence) -> Self {
        self.evidence = evidence;
        self
    }

    /// The share of the threshold below which a rule clears: 0.9 unless said otherwise.
    ///
    /// # Errors
    ///
    /// [`JudgeError::Figure`] when it does not lie above zero and at most at one.
    pub fn clear_share(mut self, share: f64) -> Result<Self, JudgeError> {
        if !(share > 0.0 && share <= 1.0) {
            let must = "lie above zero and be at most one";
            return Err(JudgeError::figure("share", share, must));
        }
        self.clear_share = share;
        Ok(self)
    }

    /// How long the level of a rule must last, for all rules.
    #[must_use]
    pub const fn hold(mut self, hold: Hold) -> Self {
        self.hold = Some(hold);
        self
    }

    /// After which time without any data a ticket says so: ten minutes unless said otherwise; none for never.
    #[must_use]
    pub const fn missing_after(mut self, time: Option<Duration>) -> Self {
        self.missing_after = time;
        self
    }

    /// The objective.
    #[must_use]
    pub const fn objective(&self) -> &Objective {
        &self.objective
    }

    /// The rules, in the order in which they were added.
    #[must_use]
    pub fn rules(&self) -> &[BurnRule] {
        &self.rules
    }

    /// What each rule sees, in the order of [`rules`](Self::rules): `events` tells the events of a window that ends now, or none
    /// when nothing is known of it. [`Measured`], or an [`Over`](crate::Over), says how much of the window they cover.
    #[must_use]
    pub fn measure<E: Into<Measured>>(&self, events: impl Fn(Duration) -> Option<E>) -> Vec<Burn> {
        let measure = |rule: &BurnRule| Burn {
            objective: self.objective,
            rule: *rule,
            evidence: self.evidence,
            clear_share: self.clear_share,
            long: events(rule.long_window()).map(Into::into),
            short: events(rule.short_window()).map(Into::into),
        };
        self.rules.iter().map(measure).collect()
    }

    fn hold_of(&self, rule: &BurnRule) -> Hold {
        let own = Hold::new()
            .clear_after(rule.short_window())
            .at_most(rule.long_window());
        self.hold.unwrap_or(own)
    }

    pub(super) fn into_probe<E: Into<Measured>>(
        self,
        events: impl Fn(Duration) -> Option<E> + Send + Sync + 'static,
    ) -> impl Probe + 'static {
        let measured = move |window| events(window).map(Into::into);
        Watched {
            rules: self,
            events: measured,
        }
    }
}

struct Watched<F> {
    rules: BurnRules,
    events: F,
}

impl<F: Fn(Duration) -> Option<Measured> + Send + Sync> Probe for Watched<F> {
    fn rules(&self) -> Vec<(Severity, Hold)> {
        let own = |rule: &BurnRule| (rule.severity(), self.rules.hold_of(rule));
        self.rules.rules.iter().map(own).collect()
    }

    fn missing_after(&self) -> Option<Duration> {
        self.rules.missing_after
    }

    fn look(&self) -> Vec<(Level, Reason)> {
        let burns = self.rules.measure(&self.events).into_iter();
        burns
            .map(|burn| (burn.level(), Reason::Burn(burn)))
            .collect()
    }
}
