//! What the dashboard is told, once a second.

use serde::Serialize;

/// A moment, as the lines are drawn through it. What was not measured is missing, not zero.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Point {
    /// Milliseconds since 1970.
    pub(crate) at: u64,
    /// Seconds.
    pub(crate) p50: Option<f64>,
    pub(crate) p95: Option<f64>,
    pub(crate) p99: Option<f64>,
    /// Requests in a second.
    pub(crate) rate: f64,
    pub(crate) failed: f64,
    pub(crate) flight: u64,
    /// From 0 to 1.
    pub(crate) hits: Option<f64>,
    /// The share of the error budget that is left; below zero when more was spent.
    pub(crate) budget: Option<f64>,
    pub(crate) memory: Option<f64>,
    /// Processors.
    pub(crate) cpu: Option<f64>,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    #[default]
    Unknown,
    Ok,
    Warning,
    Critical,
}

/// All that the page shows at one moment.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct View {
    pub(crate) point: Point,
    pub(crate) about: String,
    /// Since the service was started.
    pub(crate) requests: u64,
    pub(crate) failed: u64,
    pub(crate) budget_of: String,
    /// How many should be in flight on average, by Little's law.
    pub(crate) little: Option<f64>,
    pub(crate) apdex: Option<f64>,
    pub(crate) cores: usize,
    pub(crate) health: Health,
    pub(crate) cache: Cache,
    pub(crate) alerts: Vec<Alert>,
    pub(crate) objectives: Vec<Objective>,
    pub(crate) advice: Vec<Advice>,
    /// Why there is no advice.
    pub(crate) no_advice: String,
    pub(crate) routes: Vec<Route>,
    pub(crate) saturation: Vec<Saturation>,
}

#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Health {
    pub(crate) level: Level,
    pub(crate) reason: String,
}

#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Cache {
    pub(crate) entries: usize,
    pub(crate) capacity: usize,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Alert {
    pub(crate) level: Level,
    pub(crate) title: String,
    pub(crate) reason: String,
    /// Milliseconds since 1970.
    pub(crate) since: u64,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Objective {
    pub(crate) promise: String,
    /// The share of the budget that is left.
    pub(crate) left: Option<f64>,
    pub(crate) words: String,
    pub(crate) burns: Vec<Burn>,
}

/// How many times faster than it may a budget is spent, over a long and a short window.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Burn {
    pub(crate) long_seconds: f64,
    pub(crate) short_seconds: f64,
    pub(crate) long: Option<f64>,
    pub(crate) short: Option<f64>,
    pub(crate) threshold: f64,
    /// What is raised above the threshold.
    pub(crate) level: String,
    pub(crate) firing: bool,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Advice {
    pub(crate) title: String,
    pub(crate) effect: String,
    /// The numbers behind it.
    pub(crate) facts: Vec<String>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Route {
    pub(crate) route: String,
    pub(crate) rate: f64,
    pub(crate) p50: Option<f64>,
    pub(crate) p95: Option<f64>,
    pub(crate) p99: Option<f64>,
    /// The share of its requests.
    pub(crate) failed: Option<f64>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Saturation {
    pub(crate) name: String,
    /// The share of the time; more than 1 where more comes than can be served.
    pub(crate) busy: Option<f64>,
    pub(crate) words: String,
}
