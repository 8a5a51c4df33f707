//! What was promised to the customers, what is left of the budgets, and what asks for a human.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crm_perf::clock::Tick;
use crm_perf::monitor::judge::{
    Alert, Alerts, Burn, BurnRules, ErrorBudget, Events, Evidence, JudgeError, Level, Objective,
    Reason, Severity, Threshold,
};
use crm_perf::monitor::{Snapshot, Tracked};

use crate::failure::Failure;
use crate::view;

/// What is answered within this time is quick.
pub(crate) const TIME: Duration = Duration::from_millis(100);
/// The share of connections in use above which somebody should look.
const BUSY: f64 = 0.9;

/// With fewer requests in a window nobody is called.
const ENOUGH: u64 = 200;

/// A promise, and how its events are counted in what a window has recorded.
#[derive(Clone, Copy, Debug)]
struct Promise {
    name: &'static str,
    words: &'static str,
    /// So many of a hundred requests keep it.
    percent: f64,
    events: fn(&Snapshot) -> Events,
}

const PROMISES: [Promise; 2] = [
    Promise {
        name: "availability",
        words: "99.9 % of the requests succeed",
        percent: 99.9,
        events: |recorded| Events::from(recorded),
    },
    Promise {
        name: "speed",
        words: "99 % of the requests are answered within 100 ms",
        percent: 99.0,
        events: |recorded| Events::within(recorded, TIME),
    },
];

impl Promise {
    /// The events of a window, which is taken for a whole one however young the service is: who looks at an example does not wait for hours. A
    /// service would hand over `Measured`, which says how much of the window there was.
    fn events(&self, requests: &Tracked<Snapshot>, window: Duration) -> Option<Events> {
        let recorded = requests.over(window)?.value;
        Some((self.events)(&recorded))
    }
}

/// The windows are in proportion to the period, so that a budget for a day raises an alert within seconds.
fn rules_of(promise: &Promise, period: Duration) -> Result<BurnRules, Failure> {
    let objective = Objective::percent(promise.percent, period).map_err(Failure::Objective)?;
    let rules = BurnRules::scaled(objective).map_err(Failure::Judge)?;
    // The first requests of all are slow, and say little.
    Ok(rules.evidence(Evidence::default().minimum_events(ENOUGH)))
}

/// The promises, and the alerts that guard them.
#[derive(Debug)]
pub(crate) struct Promises {
    requests: Tracked<Snapshot>,
    rules: Vec<(Promise, BurnRules)>,
    alerts: Alerts,
}

impl Promises {
    /// Promises for a period, on requests that are followed, and an alert on the share of connections in use.
    pub(crate) fn new(
        period: Duration,
        requests: Tracked<Snapshot>,
        busy: impl Fn() -> Option<f64> + Send + Sync + 'static,
    ) -> Result<Self, Failure> {
        let rules = PROMISES.into_iter();
        let rules = rules.map(|promise| Ok((promise, rules_of(&promise, period)?)));
        let rules = rules.collect::<Result<Vec<_>, Failure>>()?;
        let alerts = alerts(&rules, &requests, busy).map_err(Failure::Judge)?;
        Ok(Self {
            requests,
            rules,
            alerts,
        })
    }

    /// Asks everything once, and tells how the promises stand at `now`, which the clock on the wall calls `wall`. `recent` is the window whose traffic is taken for that of the whole
    /// period, as long as the period has not passed.
    pub(crate) fn judge(&mut self, now: Tick, wall: SystemTime, recent: Duration) -> Standing {
        // What has changed is seen in what is active.
        let _ = self.alerts.evaluate(now);
        let mut alerts: Vec<_> = self
            .alerts
            .active()
            .map(|alert| shown(alert, now, wall))
            .collect();
        alerts.sort_by_key(|alert| std::cmp::Reverse(alert.level));
        let objectives = self.rules.iter().map(|(promise, rules)| {
            let events = |window| promise.events(&self.requests, window);
            objective(promise, rules, recent, events)
        });
        Standing {
            objectives: objectives.collect(),
            alerts,
        }
    }
}

fn alerts(
    rules: &[(Promise, BurnRules)],
    requests: &Tracked<Snapshot>,
    busy: impl Fn() -> Option<f64> + Send + Sync + 'static,
) -> Result<Alerts, JudgeError> {
    let mut alerts = Alerts::new();
    for (promise, rules) in rules {
        let (promise, requests) = (*promise, requests.clone());
        alerts.objective(promise.name, rules.clone(), move |window| {
            promise.events(&requests, window)
        })?;
    }
    let limit = Threshold::over(BUSY)?
        .clear_at(BUSY - 0.1)?
        .severity(Severity::Ticket);
    alerts.figure("share of database connections in use", limit, busy)?;
    Ok(alerts)
}

/// How the promises stand, as the page shows it.
#[derive(Debug)]
pub(crate) struct Standing {
    pub(crate) objectives: Vec<view::Objective>,
    pub(crate) alerts: Vec<view::Alert>,
}

impl Standing {
    /// A page is critical, a ticket a warning; without any request nothing is known.
    pub(crate) fn health(&self, requests: u64) -> view::Health {
        let worst = self.alerts.iter().max_by_key(|alert| alert.level);
        let (level, reason) = match worst {
            Some(alert) => (alert.level, format!("{}: {}", alert.title, alert.reason)),
            None if requests == 0 => (view::Level::Unknown, "nothing was asked yet".to_owned()),
            None => (view::Level::Ok, "every promise is kept".to_owned()),
        };
        view::Health { level, reason }
    }
}

fn objective(
    promise: &Promise,
    rules: &BurnRules,
    recent: Duration,
    events: impl Fn(Duration) -> Option<Events>,
) -> view::Objective {
    let objective = *rules.objective();
    let (left, words) = match (events(objective.period()), events(recent)) {
        (Some(whole), Some(last)) if whole.total() > 0 => {
            let periods = objective.period().as_secs_f64() / recent.as_secs_f64();
            let budget = ErrorBudget::new(objective, whole)
                .expecting((last.total() as f64 * periods) as u64);
            let words = format!(
                "{} of {} requests broke it; at the traffic of the last minute the period has room for {}. {}.",
                whole.bad(),
                whole.total(),
                budget.allowed(),
                capital(&budget.exhaustion(last).to_string())
            );
            (budget.left(), words)
        }
        _ => (None, "Nothing was asked yet.".to_owned()),
    };
    view::Objective {
        promise: promise.words.to_owned(),
        left,
        words,
        burns: rules.measure(events).iter().map(burn).collect(),
    }
}

fn burn(burn: &Burn) -> view::Burn {
    let rule = burn.rule();
    view::Burn {
        long_seconds: rule.long_window().as_secs_f64(),
        short_seconds: rule.short_window().as_secs_f64(),
        long: burn.long_burn(),
        short: burn.short_burn(),
        threshold: rule.burn_rate(burn.objective()),
        level: rule.severity().to_string(),
        firing: burn.level() == Level::Bad,
    }
}

fn shown(alert: &Alert, now: Tick, wall: SystemTime) -> view::Alert {
    let level = match alert.severity() {
        Severity::Page => view::Level::Critical,
        Severity::Ticket => view::Level::Warning,
    };
    let since = wall.checked_sub(now - alert.since()).unwrap_or(UNIX_EPOCH);
    view::Alert {
        level,
        title: format!(
            "{}: {}",
            capital(&alert.severity().to_string()),
            alert.name()
        ),
        reason: reason(alert.reason()),
        since: millis(since),
    }
}

fn reason(reason: &Reason) -> String {
    let mut words = capital(&reason.to_string());
    words.push('.');
    words
}

/// With a capital letter, as a sentence begins.
pub(crate) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

/// Milliseconds since 1970, as a browser counts.
pub(crate) fn millis(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_millis() as u64
}
