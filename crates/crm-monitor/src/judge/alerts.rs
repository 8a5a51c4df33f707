//! All that is watched, and what of it asks for a human.

use std::sync::Arc;
use std::time::Duration;

use crm_clock::Tick;

use super::alert::{Alert, Change};
use super::burn_rules::BurnRules;
use super::check::{Check, Probe};
use super::error::JudgeError;
use super::measured::Measured;
use super::security::{SecurityKind, SecurityWatch};
use super::standing::Standing;
use super::threshold::Threshold;

/// A set of checks that is evaluated from time to time, and tells only what has changed.
///
/// A check is a source of figures (a closure, called at each evaluation) with the rules on them. Nothing happens between evaluations and
/// nothing is logged; how often to evaluate is the caller's choice, once in a tenth of the shortest window is enough. Of
/// each check at most three alerts are active: a page, a ticket, and a ticket for missing data. Memory grows with the number of checks
/// alone.
///
/// What is missing is told apart from what is good: a source that answers `None` neither raises nor clears an alert, the
/// check's [`Standing`] is unknown, and after a time a ticket says so (ten minutes for objectives and security events, never for figures,
/// unless said otherwise there).
///
/// # Example
///
/// ```
/// use crm_monitor::clock::Clock;
/// use crm_monitor::judge::{Alerts, BurnRules, Change, Events, Objective, Severity, Threshold};
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use std::time::Duration;
///
/// let (clock, hand) = Clock::manual();
/// let failing = Arc::new(AtomicU64::new(0)); // per mille; a rolling window of a real monitor would tell
/// let source = Arc::clone(&failing);
///
/// let month = Duration::from_secs(30 * 86_400);
/// let rules = BurnRules::workbook(Objective::percent(99.9, month)?)?;
/// let mut alerts = Alerts::new();
/// alerts.objective("answers", rules, move |window| {
///     let thousands = window.as_secs();
///     Events::with_bad(thousands * source.load(Ordering::Relaxed), thousands * 1_000).ok()
/// })?;
/// alerts.figure("workers busy", Threshold::over(0.9)?.clear_at(0.8)?, || Some(0.5))?;
///
/// assert!(alerts.evaluate(clock.now()).is_empty());
///
/// failing.store(20, Ordering::Relaxed);
/// hand.advance(Duration::from_secs(60));
/// let changes = alerts.evaluate(clock.now());
/// let [Change::Raised(page), Change::Raised(_)] = &changes[..] else { panic!("{changes:?}") };
/// assert_eq!(page.severity(), Severity::Page);
/// assert_eq!(
///     page.to_string(),
///     "page: answers: the budget of 99.9 % over 30 d burns 20 times as fast as it may, of late 20 times (raised above 14.4): \
///      72000 of 3600000 bad in 1 h, 6000 of 300000 bad in 5 min; a whole budget would last 1 d 12 h"
/// );
/// assert!(alerts.evaluate(clock.now()).is_empty()); // told once
/// assert_eq!(alerts.active().count(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct Alerts {
    checks: Vec<Check>,
    last_id: u64,
}

impl Alerts {
    /// No check yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            checks: Vec::new(),
            last_id: 0,
        }
    }

    /// Watches an objective: `events` tells the events of a window that ends now, or none when nothing is known of it.
    ///
    /// A source that is younger than a window answers with what it has, and with how long that is: `move |window| answers.over(window)` of a
    /// [`History`](crate::History) does. The time before is reckoned to be good, so that trifles in the first minutes of a process call nobody, and an
    /// outage calls as late as in a service that was well before ([`Measured`] says how late). Plain [`Events`](crate::judge::Events) are taken for
    /// those of the whole window: a source that gives what it has as such pages for three failures in its first second.
    ///
    /// # Errors
    ///
    /// [`JudgeError::Name`], [`JudgeError::Duplicate`], or [`JudgeError::Nothing`] when there is no rule.
    pub fn objective<E: Into<Measured>>(
        &mut self,
        name: &str,
        rules: BurnRules,
        events: impl Fn(Duration) -> Option<E> + Send + Sync + 'static,
    ) -> Result<&mut Self, JudgeError> {
        self.add(name, rules.into_probe(events))
    }

    /// Watches a figure: a utilisation, a quantile, a length. None means that it is not known.
    ///
    /// # Errors
    ///
    /// [`JudgeError::Name`] or [`JudgeError::Duplicate`].
    pub fn figure(
        &mut self,
        name: &str,
        threshold: Threshold,
        figure: impl Fn() -> Option<f64> + Send + Sync + 'static,
    ) -> Result<&mut Self, JudgeError> {
        self.add(name, threshold.into_probe(figure))
    }

    /// Watches security events: `count` tells how many of a kind fell into a window that ends now, or none when nothing is known of it.
    ///
    /// # Errors
    ///
    /// [`JudgeError::Name`], [`JudgeError::Duplicate`], or [`JudgeError::Nothing`] when the watch has neither a limit nor a rise.
    pub fn security(
        &mut self,
        name: &str,
        watch: SecurityWatch,
        count: impl Fn(SecurityKind, Duration) -> Option<u64> + Send + Sync + 'static,
    ) -> Result<&mut Self, JudgeError> {
        self.add(name, watch.into_probe(count))
    }

    fn add(&mut self, name: &str, probe: impl Probe + 'static) -> Result<&mut Self, JudgeError> {
        if name.is_empty() || name.len() > 128 || name.contains(char::is_control) {
            return Err(JudgeError::Name);
        }
        if self.checks.iter().any(|check| &*check.name == name) {
            return Err(JudgeError::Duplicate);
        }
        if probe.rules().is_empty() {
            return Err(JudgeError::Nothing);
        }
        self.checks
            .push(Check::new(Arc::from(name), Box::new(probe)));
        Ok(self)
    }

    /// Asks every source, and tells what was raised and what was cleared since the evaluation before: in the order in which the checks
    /// were added, of each the page first.
    ///
    /// # Panics
    ///
    /// Where a source does. No alert has moved then, so that the next evaluation tells all that this one would have.
    #[must_use = "a change is told once"]
    pub fn evaluate(&mut self, now: Tick) -> Vec<Change> {
        // All are asked before any moves: a source that panics must not take with it what others have to tell.
        let seen: Vec<_> = self.checks.iter().map(Check::look).collect();
        let mut changes = Vec::new();
        for (check, seen) in self.checks.iter_mut().zip(seen) {
            check.evaluate(seen, now, &mut self.last_id, &mut changes);
        }
        changes
    }

    /// The alerts that are active, in the order of the checks.
    pub fn active(&self) -> impl Iterator<Item = &Alert> {
        self.checks.iter().flat_map(Check::active)
    }

    /// How every check stood at the last evaluation, in the order in which they were added.
    pub fn standings(&self) -> impl Iterator<Item = Standing> {
        self.checks.iter().map(Check::standing)
    }
}
