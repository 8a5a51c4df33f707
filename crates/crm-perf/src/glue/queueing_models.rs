//! The monitor's advisor predicts by the models of queueing.

use crm_metrics::queueing::{Ggc, Mg1, Mmc, ModelError};
use crm_monitor::advise::{Load, Predict, Prediction};

/// Predicts for [`Advisor`](crate::monitor::advise::Advisor) by the models of [`metrics::queueing`](crate::metrics::queueing), each where it is best:
///
/// | arrivals | services | workers | model | mean wait |
/// |---|---|---|---|---|
/// | random | any | 1 | [`Mg1`] | exact |
/// | random | exponential | any | [`Mmc`] | exact |
/// | random, or more regular | any | any | [`Ggc::kimura`] | -6 to 1 % from 0.9 of the capacity on |
/// | in bursts | any | any | [`Ggc::whitt`] | -11 to 5 % from there on |
///
/// Beside the built-in [`AllenCunneen`](crate::monitor::advise::AllenCunneen), which is off by -14 to 12 %, it does not slow down with the number
/// of workers.
///
/// ```
/// use crm_perf::QueueingModels;
/// use crm_perf::monitor::advise::{Action, Advisor, Figures, Measure};
/// use std::time::Duration;
///
/// let minute = Figures::builder()
///     .arrival_rate(340.0) // a second
///     .service_time(Duration::from_millis(42))
///     .service_variation(4.6) // a standard deviation of 90 ms
///     .workers(16)
///     .build()?;
/// let counsel = Advisor::predicting_by(QueueingModels).advise(&minute);
/// let advice = counsel.of(Action::AddWorkers).expect("they wait for 33 ms");
/// assert_eq!(
///     advice.to_string(),
///     "add workers: bring the workers from 16 to 18, and expect the mean response time to go from 74.9 ms to 48 ms"
/// );
/// # Ok::<(), crm_perf::monitor::advise::FiguresError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueingModels;

impl Predict for QueueingModels {
    fn predict(&self, load: &Load) -> Option<Prediction> {
        let waiting_time = match waiting_time(load) {
            Ok(waiting_time) => waiting_time,
            Err(ModelError::Unstable(_)) => f64::INFINITY,
            Err(_) => return None,
        };
        Prediction::new(load, waiting_time)
    }
}

fn waiting_time(load: &Load) -> Result<f64, ModelError> {
    let (arrivals, service_rate) = (load.arrival_rate, 1.0 / load.service_time);
    let (ca2, cs2) = (load.arrival_variation, load.service_variation);
    if ca2 == 1.0 && load.workers == 1 {
        return Ok(Mg1::new(arrivals, load.service_time, cs2)?.mean_waiting_time());
    }
    if ca2 == 1.0 && cs2 == 1.0 {
        return Ok(Mmc::new(arrivals, service_rate, load.workers)?.mean_waiting_time());
    }
    let pool = Ggc::new(arrivals, service_rate, load.workers, ca2, cs2)?;
    Ok(pool.kimura().unwrap_or_else(|| pool.whitt()))
}
