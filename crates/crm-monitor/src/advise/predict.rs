//! The seam for models: from a load to what it does.

use super::load::Load;

/// What a model says of a load.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Prediction {
    /// The mean time from arrival to answer in seconds; infinite in overload.
    pub response_time: f64,
    /// The mean time before a worker begins, in seconds; infinite in overload.
    pub waiting_time: f64,
    /// The share of time that the workers are busy; 1 and more in overload.
    pub utilisation: f64,
}

impl Prediction {
    /// What follows from a mean wait, in seconds, under a load; `None` when that is no time.
    #[must_use]
    pub fn new(load: &Load, waiting_time: f64) -> Option<Self> {
        (waiting_time >= 0.0).then(|| Self {
            response_time: waiting_time + load.service_time,
            waiting_time,
            utilisation: load.utilisation(),
        })
    }
}

/// Tells what a load would do. A closure will do; the facade `crm-perf` brings the models of `crm-metrics`.
///
/// ```
/// use crm_monitor::advise::{Advisor, Load, Prediction};
///
/// let advisor = Advisor::predicting_by(|load: &Load| {
///     let idle = 1.0 - load.utilisation(); // M/M/1
///     let wait = if idle > 0.0 { load.utilisation() * load.service_time / idle } else { f64::INFINITY };
///     Prediction::new(load, wait)
/// });
/// # let _ = advisor;
/// ```
pub trait Predict {
    /// What the load would do; `None` where the model cannot say, which gives no advice. In overload the times are infinite.
    fn predict(&self, load: &Load) -> Option<Prediction>;
}

impl<F> Predict for F
where
    F: Fn(&Load) -> Option<Prediction>,
{
    fn predict(&self, load: &Load) -> Option<Prediction> {
        self(load)
    }
}
