//! Under load: look-ups that arrive whether or not the last one has been answered.
//!
//! Customers arrive by a Poisson process, each drawn from the invoices, so that who buys often is asked for often.
//! The cache has room for a quarter of the customers and is warm, as that of a service that has been running: it keeps
//! missing, and there is something to queue for. Beside the measured times stands what crm-metrics predicts from the
//! rate of the arrivals and the mean and variation of the service times of the same run:
//!
//! - one worker: [`Mg1`], which is exact for Poisson arrivals and independent service times;
//! - several: [`Mmc`], its waiting time times `(1 + Cs^2) / 2`, where `Cs^2` is the squared coefficient of variation of
//!   the service times (Allen, "Probability, Statistics, and Queueing Theory", section 5.3: Allen-Cunneen).

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crm_perf::cache::Cache;
use crm_perf::metrics::operational::utilisation;
use crm_perf::metrics::queueing::{Mg1, Mmc};
use crm_perf::metrics::{QueueTime, error_rate, throughput};
use fastrand::Rng;
use serde::Serialize;

use super::arrivals::{Work, poisson, serve};
use super::{Context, invoice_stream};
use crate::customer::Customer;
use crate::database::Database;
use crate::failure::Failure;
use crate::invoice::CustomerId;
use crate::tally::Tally;
use crate::timing::Spread;

/// The figures of the leg.
#[derive(Debug, Serialize)]
pub(crate) struct Load {
    pub(crate) input: Tally,
    pub(crate) workers: usize,
    pub(crate) cache_entries: usize,
    pub(crate) deadline_millis: u64,
    pub(crate) runs: Vec<Run>,
}

/// One load on one way to serve it.
#[derive(Debug, Serialize)]
pub(crate) struct Run {
    pub(crate) cached: bool,
    /// Which of the two loads: the one sized for the database, or the one sized for the cache.
    pub(crate) sized_for_cache: bool,
    pub(crate) arrivals: usize,
    pub(crate) arrivals_per_second: f64,
    /// Of the workers' time, by the utilisation law; 1 and more is more than they can do.
    pub(crate) utilisation: f64,
    pub(crate) hit_ratio: Option<f64>,
    /// The mean of `T_q`, from the scheduled arrival until a worker is free.
    pub(crate) queueing_nanos: f64,
    /// The mean of `T_s`. The third part of a response time, `T_w`, is within it: a worker that waits for the database
    /// does nothing else meanwhile.
    pub(crate) service_nanos: f64,
    /// The squared coefficient of variation of the service times: 0 for constant ones, 1 for exponential ones.
    pub(crate) service_variation: f64,
    /// Of the response time `T_q` + `T_s`, counted from the scheduled arrival.
    pub(crate) response: Spread,
    /// What the model says, or why it says nothing.
    pub(crate) prediction: Prediction,
    pub(crate) throughput_per_second: f64,
    /// The share of the arrivals that was answered within the deadline.
    pub(crate) availability: f64,
    /// The share of the arrivals that was not answered.
    pub(crate) error_rate: f64,
    /// The share of the workers' time in which they were ready to run and another program had the processor; absent
    /// where the system does not say. What it costs is in the measured times and in no prediction.
    pub(crate) held_up: Option<f64>,
}

/// The mean times that the model gives.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Prediction {
    Steady {
        model: &'static str,
        queueing_nanos: f64,
        response_nanos: f64,
        /// Predicted over measured response time, less one.
        error: f64,
    },
    /// The line grows for as long as the load lasts, and no mean can be given.
    None { reason: String },
}

/// How long the threads of a run have to begin.
const TO_BEGIN: Duration = Duration::from_millis(20);

type Customers = Cache<CustomerId, Arc<Customer>>;

pub(crate) fn run(context: &Context<'_>, path: &Path) -> Result<Load, Failure> {
    context.progress.step("under load, finding the rate");
    let (counter, stream) = invoice_stream(&Database::open(path)?)?;
    let input = counter.tally();
    let entries = (input.customers as usize).div_ceil(4);
    let leg = Leg {
        context,
        path,
        stream: &stream,
    };

    // The warm-up asks what the runs will ask: the stream's customers, drawn at random.
    let cache: Customers = Cache::new(entries);
    let before = leg.rate(None)?;
    leg.rate(Some(&cache))?;
    let after = leg.rate(Some(&cache))?;

    context.progress.step("under load, before the cache");
    let mut runs = vec![leg.measure(None, before, false)?];
    context.progress.step("under load, after");
    runs.push(leg.measure(Some(&cache), before, false)?);
    context.progress.step("under load, after, at a higher load");
    runs.push(leg.measure(Some(&cache), after, true)?);
    context
        .progress
        .step("under load, before, at the higher load");
    runs.push(leg.measure(None, after, true)?);
    Ok(Load {
        input,
        workers: context.args.workers(),
        cache_entries: entries,
        deadline_millis: context.args.deadline,
        runs,
    })
}

struct Leg<'a> {
    context: &'a Context<'a>,
    path: &'a Path,
    stream: &'a [CustomerId],
}

impl Leg<'_> {
    /// The rate of arrivals that keeps the workers as busy as was asked for, from a run without any pause.
    fn rate(&self, cache: Option<&Customers>) -> Result<f64, Failure> {
        let quick = self.context.args.quick;
        let schedule = vec![0; if quick { 1_500 } else { 8_000 }];
        let work = self.serve(cache, &schedule, 0)?;
        let service = mean(work.served.iter().map(|served| served.service));
        let workers = self.context.args.workers() as f64;
        Ok(self.context.args.utilisation * workers / (service.max(1.0) * 1e-9))
    }

    /// Serves `schedule` with customers drawn by the seed and `draw`; the database is opened once for each worker.
    fn serve(
        &self,
        cache: Option<&Customers>,
        schedule: &[u64],
        draw: u64,
    ) -> Result<Work, Failure> {
        let mut rng = Rng::with_seed(self.context.args.seed.wrapping_add(draw));
        let asked: Vec<CustomerId> = (0..schedule.len())
            .map(|_| self.stream[rng.usize(..self.stream.len())])
            .collect();
        let asked = &asked;
        let workers = (0..self.context.args.workers())
            .map(|_| {
                let database = Database::open(self.path)?;
                Ok(move |arrival: usize| {
                    let id = asked[arrival];
                    match cache {
                        None => database.customer(id).is_ok(),
                        Some(cache) => cache
                            .get_or_load(&id, |id| database.customer(*id).map(Arc::new))
                            .is_ok(),
                    }
                })
            })
            .collect::<Result<Vec<_>, Failure>>()?;
        let clock = self.context.clock;
        Ok(serve(clock, clock.now() + TO_BEGIN, schedule, workers))
    }

    fn measure(
        &self,
        cache: Option<&Customers>,
        rate: f64,
        sized_for_cache: bool,
    ) -> Result<Run, Failure> {
        let args = self.context.args;
        // More than the workers can do takes longer than it lasts, and is plain to see after a short time.
        let overloaded = cache.is_none() && sized_for_cache;
        let time = args.load_time() / if overloaded { 5 } else { 1 };
        let count = (rate * time.as_secs_f64()).clamp(100.0, 5e6) as usize;
        let seed = args.seed.wrapping_add(1_000);
        let schedule = poisson(rate, count, seed);
        let counts_before = cache.map(Cache::stats);
        // The same load, the same customers, with the cache and without.
        let work = self.serve(cache, &schedule, if sized_for_cache { 2 } else { 1 })?;
        let hit_ratio = cache.zip(counts_before).map(|(cache, before)| {
            let now = cache.stats();
            let (hits, misses) = (now.hits - before.hits, now.misses - before.misses);
            hits as f64 / (hits + misses).max(1) as f64
        });
        let mut run = figures(args.workers(), args.deadline, &schedule, &work)?;
        (run.cached, run.sized_for_cache, run.hit_ratio) =
            (cache.is_some(), sized_for_cache, hit_ratio);
        Ok(run)
    }
}

fn figures(
    workers: usize,
    deadline_millis: u64,
    schedule: &[u64],
    work: &Work,
) -> Result<Run, Failure> {
    let served = &work.served;
    let refused = |error: &dyn std::fmt::Display| Failure::Refused(error.to_string());
    let parts: Vec<QueueTime> = served
        .iter()
        .map(|served| QueueTime {
            queueing: Duration::from_nanos(served.queueing),
            service: Duration::from_nanos(served.service),
            waiting: Duration::ZERO,
        })
        .collect();
    let mut responses: Vec<u64> = parts
        .iter()
        .map(|parts| crate::timing::nanos(parts.total()))
        .collect();
    let deadline = Duration::from_millis(deadline_millis);
    let failed = served.iter().filter(|served| !served.answered).count() as u64;
    let late = served
        .iter()
        .zip(&parts)
        .filter(|(served, parts)| served.answered && parts.total() > deadline)
        .count() as u64;
    let offered = served.len() as u64;
    // From the first scheduled arrival to the last answer.
    let first = schedule.first().copied().unwrap_or(0);
    let last = schedule.last().copied().unwrap_or(0);
    let end = served
        .iter()
        .map(|served| schedule[served.arrival] + served.queueing + served.service)
        .max()
        .unwrap_or(0);
    let span = |end: u64| Duration::from_nanos(end.saturating_sub(first).max(1));

    let arrivals_per_second =
        throughput(offered.saturating_sub(1), span(last)).map_err(|e| refused(&e))?;
    let service_nanos = mean(served.iter().map(|served| served.service));
    let queueing_nanos = mean(served.iter().map(|served| served.queueing));
    let service_variation = variation(served.iter().map(|served| served.service));
    let response = Spread::of(&mut responses);
    let prediction = match predict(
        arrivals_per_second,
        service_nanos * 1e-9,
        service_variation,
        workers,
    ) {
        Ok((model, waiting)) => {
            let queueing_nanos = waiting * 1e9;
            let response_nanos = queueing_nanos + service_nanos;
            Prediction::Steady {
                model,
                queueing_nanos,
                response_nanos,
                error: response_nanos / response.mean_nanos - 1.0,
            }
        }
        Err(reason) => Prediction::None { reason },
    };
    Ok(Run {
        cached: false,
        sized_for_cache: false,
        arrivals: served.len(),
        arrivals_per_second,
        utilisation: utilisation(arrivals_per_second, service_nanos * 1e-9)
            .map_err(|e| refused(&e))?
            / workers as f64,
        hit_ratio: None,
        queueing_nanos,
        service_nanos,
        service_variation,
        response,
        prediction,
        throughput_per_second: throughput(offered - failed, span(end)).map_err(|e| refused(&e))?,
        availability: 1.0 - error_rate(failed + late, offered).map_err(|e| refused(&e))?,
        error_rate: error_rate(failed, offered).map_err(|e| refused(&e))?,
        held_up: work
            .held_up
            .map(|nanos| nanos as f64 / (span(end).as_nanos() as f64 * workers as f64)),
    })
}

/// The model, and the mean time in the queue in seconds; or why there is none.
fn predict(
    arrivals_per_second: f64,
    service_seconds: f64,
    variation: f64,
    workers: usize,
) -> Result<(&'static str, f64), String> {
    if workers == 1 {
        let model = Mg1::new(arrivals_per_second, service_seconds, variation)
            .map_err(|error| error.to_string())?;
        return Ok(("M/G/1", model.mean_waiting_time()));
    }
    let servers = u32::try_from(workers).map_err(|error| error.to_string())?;
    let model = Mmc::new(arrivals_per_second, 1.0 / service_seconds, servers)
        .map_err(|error| error.to_string())?;
    let exponential = model.mean_waiting_time();
    Ok(("M/G/c", exponential * (1.0 + variation) / 2.0))
}

fn mean(samples: impl ExactSizeIterator<Item = u64>) -> f64 {
    let count = samples.len().max(1) as f64;
    samples.map(|sample| sample as f64).sum::<f64>() / count
}

/// The squared coefficient of variation: variance over squared mean.
fn variation(samples: impl ExactSizeIterator<Item = u64> + Clone) -> f64 {
    let mean = mean(samples.clone());
    let count = samples.len().max(1) as f64;
    let squares: f64 = samples.map(|sample| (sample as f64 - mean).powi(2)).sum();
    if mean > 0.0 {
        squares / count / mean / mean
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_models_say_the_same_of_exponential_service_on_one_worker() {
        let (name, one) = predict(50.0, 0.01, 1.0, 1).unwrap();
        assert_eq!(name, "M/G/1");
        // M/M/1 at half load waits as long as it serves.
        assert!((one - 0.01).abs() < 1e-12, "{one}");
        let steady = predict(50.0, 0.01, 0.0, 1).unwrap().1;
        assert!((steady - 0.005).abs() < 1e-12, "{steady}");
    }

    #[test]
    fn two_workers_wait_as_erlang_c_says() {
        // M/M/2 at utilisation 0.5: C = 1/3, W_q = C / (2 mu - lambda) = (1/3) / 100.
        let (name, exponential) = predict(100.0, 0.01, 1.0, 2).unwrap();
        assert_eq!(name, "M/G/c");
        assert!((exponential - 1.0 / 300.0).abs() < 1e-12, "{exponential}");
        let varied = predict(100.0, 0.01, 5.0, 2).unwrap().1;
        assert!((varied - 3.0 / 300.0).abs() < 1e-12, "{varied}");
    }

    #[test]
    fn more_than_the_workers_can_do_has_no_prediction() {
        assert!(predict(201.0, 0.01, 1.0, 2).is_err());
        assert!(predict(101.0, 0.01, 1.0, 1).is_err());
    }

    #[test]
    fn a_run_adds_up() {
        use super::super::arrivals::Served;
        let served = |arrival, queueing, service, answered| Served {
            arrival,
            queueing,
            service,
            answered,
        };
        let schedule = [1_000_000, 2_000_000, 3_000_000, 5_000_000];
        let run = figures(
            1,
            2,
            &schedule,
            &Work {
                served: vec![
                    served(0, 0, 1_000_000, true),
                    served(1, 500_000, 1_000_000, true),
                    served(2, 2_000_000, 1_000_000, true), // beyond two milliseconds
                    served(3, 0, 1_000_000, false),
                ],
                held_up: Some(500_000),
            },
        )
        .unwrap();
        assert_eq!(run.arrivals, 4);
        assert!((run.arrivals_per_second - 750.0).abs() < 1e-9);
        assert!((run.utilisation - 0.75).abs() < 1e-12);
        assert_eq!(run.queueing_nanos, 625_000.0);
        assert_eq!(run.service_nanos, 1_000_000.0);
        assert_eq!(run.service_variation, 0.0);
        assert_eq!(run.response.mean_nanos, 1_625_000.0);
        assert_eq!(run.error_rate, 0.25);
        assert_eq!(run.held_up, Some(0.1));
        assert_eq!(run.availability, 0.5);
        // Three answers from 1 ms to 6 ms.
        assert!((run.throughput_per_second - 600.0).abs() < 1e-9);
    }

    #[test]
    fn variation_of_equal_times_is_none_and_of_exponential_ones_is_one() {
        assert_eq!(variation([7, 7, 7].into_iter()), 0.0);
        // Half at 0, half at 2: variance 1, mean 1.
        assert_eq!(variation([0, 2, 0, 2].into_iter()), 1.0);
    }
}
