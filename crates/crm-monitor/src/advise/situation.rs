//! The load as it is, fitted to what was measured, and as it would be after one change.

use std::f64::consts::PI;
use std::fmt;

use super::effect::Effect;
use super::fact::Fact;
use super::figures::Figures;
use super::load::Load;
use super::measure::{Dimension, Measure};
use super::predict::{Predict, Prediction};
use super::terms::Terms;

/// What a candidate is considered with.
pub(super) struct Situation<'a> {
    pub(super) figures: &'a Figures,
    pub(super) terms: &'a Terms,
    predict: &'a dyn Predict,
    queue: Result<Queue, Vec<&'static str>>,
}

/// Without the model, which need not be `Debug`.
impl fmt::Debug for Situation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Situation")
            .field("figures", self.figures)
            .field("terms", self.terms)
            .field("queue", &self.queue)
            .finish_non_exhaustive()
    }
}

/// The load as it is, and how the model has to be bent to give the response time that was measured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Queue {
    pub(super) load: Load,
    /// Of the load as it is: measured where possible.
    pub(super) now: Prediction,
    modelled_wait: f64,
    /// Measured waits by modelled ones: arrivals are more or less regular than the model was told.
    factor: f64,
    /// Seconds of the response that neither service nor queue explain; they stay what they are.
    elsewhere: f64,
}

impl<'a> Situation<'a> {
    pub(super) fn new(figures: &'a Figures, terms: &'a Terms, predict: &'a dyn Predict) -> Self {
        let queue = Queue::of(figures, terms, predict);
        Self {
            figures,
            terms,
            predict,
            queue,
        }
    }

    /// The queue, or what is not known of it.
    pub(super) fn queue(&self) -> Result<&Queue, Vec<&'static str>> {
        self.queue.as_ref().map_err(Clone::clone)
    }

    /// What another load would do here; `None` where the model cannot say.
    pub(super) fn with(&self, queue: &Queue, load: &Load) -> Option<Prediction> {
        let wait = modelled_wait(self.predict, load, self.terms.horizon)?;
        Prediction::new(load, queue.factor * wait + queue.elsewhere)
    }

    /// The same without what is waited elsewhere.
    pub(super) fn wait_for_worker(&self, queue: &Queue, load: &Load) -> Option<f64> {
        Some(self.with(queue, load)?.waiting_time - queue.elsewhere)
    }
}

impl Queue {
    fn of(
        figures: &Figures,
        terms: &Terms,
        predict: &dyn Predict,
    ) -> Result<Self, Vec<&'static str>> {
        let (Some(arrival_rate), Some(service_time), Some(workers)) =
            (figures.arrival_rate, figures.service_time, figures.workers)
        else {
            return Err([
                ("arrival rate", figures.arrival_rate.is_none()),
                ("service time", figures.service_time.is_none()),
                ("workers", figures.workers.is_none()),
            ]
            .into_iter()
            .filter_map(|(name, lacking)| lacking.then_some(name))
            .collect());
        };
        let load = Load {
            arrival_rate,
            arrival_variation: figures.arrival_variation.unwrap_or(1.0),
            service_time,
            service_variation: figures.service_variation.unwrap_or(1.0),
            workers,
        };
        let modelled_wait =
            modelled_wait(predict, &load, terms.horizon).ok_or_else(|| vec!["a model's answer"])?;
        let (factor, elsewhere) = figures.response_time.map_or((1.0, 0.0), |response_time| {
            bend(
                (response_time - service_time).max(0.0),
                modelled_wait,
                &load,
            )
        });
        let now = Prediction::new(&load, factor * modelled_wait + elsewhere)
            .ok_or_else(|| vec!["a model's answer"])?;
        Ok(Self {
            load,
            now,
            modelled_wait,
            factor,
            elsewhere,
        })
    }

    /// Requests that are waiting or worked on, by Little's law.
    pub(super) fn cost(&self, after: &Prediction, load: &Load) -> f64 {
        load.arrival_rate * after.response_time
    }

    /// The numbers that every prediction starts from.
    pub(super) fn evidence(&self, figures: &Figures) -> Vec<Fact> {
        let load = &self.load;
        let assumed = |known: bool, name: &'static str, otherwise: &'static str| {
            if known { name } else { otherwise }
        };
        let measured = figures.response_time.is_some();
        let mut evidence = vec![
            Fact::new("arrival rate", load.arrival_rate, Dimension::PerSecond),
            Fact::new("mean service time", load.service_time, Dimension::Seconds),
            Fact::new(
                assumed(
                    figures.service_variation.is_some(),
                    "variation of the service time",
                    "variation of the service time (assumed)",
                ),
                load.service_variation,
                Dimension::Ratio,
            ),
            Fact::new("workers", f64::from(load.workers), Dimension::Count),
            Fact::new("utilisation", self.now.utilisation, Dimension::Share),
            Fact::new(
                assumed(
                    measured,
                    "mean response time",
                    "mean response time (modelled)",
                ),
                self.now.response_time,
                Dimension::Seconds,
            ),
            Fact::new(
                "mean wait (modelled)",
                self.modelled_wait,
                Dimension::Seconds,
            ),
        ];
        if measured {
            evidence.push(Fact::new(
                "mean wait neither service nor queue explain (modelled)",
                self.elsewhere,
                Dimension::Seconds,
            ));
        }
        evidence
    }

    /// Response time first: it is what the prediction is held against.
    pub(super) fn effects(&self, after: &Prediction) -> Vec<Effect> {
        vec![
            Effect::new(
                Measure::ResponseTime,
                self.now.response_time,
                after.response_time,
            ),
            Effect::new(
                Measure::WaitingTime,
                self.now.waiting_time,
                after.waiting_time,
            ),
            Effect::new(
                Measure::Utilisation,
                self.now.utilisation,
                after.utilisation,
            ),
        ]
    }

    /// Whether the mean response time falls by enough for a word.
    pub(super) fn is_notable(&self, after: &Prediction) -> bool {
        self.now.response_time - after.response_time >= Terms::NOTABLE * self.now.response_time
    }
}

/// A model's wait below this share of the service time is too small to compare a measured one with.
const COMPARABLE: f64 = 0.02;
/// A measured wait is taken for queueing up to so many times the modelled one: bursts of arrivals make up for that.
const MOST: f64 = 3.0;

/// How a measured wait comes of a modelled one: by a factor up to [`MOST`], and what is left by something else than queueing.
fn bend(measured: f64, modelled: f64, load: &Load) -> (f64, f64) {
    if modelled < COMPARABLE * load.service_time {
        return (1.0, (measured - modelled).max(0.0));
    }
    let factor = (measured / modelled).min(MOST);
    (factor, (measured - factor * modelled).max(0.0))
}

/// The mean wait that a model gives for ever, or that has built up within the horizon, whichever is the shorter; where they are
/// alike it is shorter than either, by `1 / sqrt(1 / W^2 + 1 / B^2)`.
fn modelled_wait(predict: &dyn Predict, load: &Load, horizon: f64) -> Option<f64> {
    let for_ever = predict.predict(load)?.waiting_time;
    if for_ever.is_nan() || for_ever < 0.0 {
        return None;
    }
    let so_far = built_up(load, horizon);
    let (shorter, longer) = (for_ever.min(so_far), for_ever.max(so_far));
    if shorter == 0.0 || longer.is_infinite() {
        return Some(shorter);
    }
    Some(shorter / 1.0_f64.hypot(shorter / longer))
}

/// The mean wait of those who come within `horizon` seconds from an empty queue on, in heavy traffic:
///
/// ```text
/// max(0, rho - 1) T / 2  +  2 / 3 sqrt(2 (ca2 + cs2) S T / (pi c))
/// ```
///
/// The first part is what a fluid would pile up, the second the mean of a reflected Brownian motion without drift.
/// Source: D. P. Gaver, "Diffusion approximations and models for certain congestion problems", Journal of Applied Probability 5, 1968.
fn built_up(load: &Load, horizon: f64) -> f64 {
    let pile = (load.utilisation() - 1.0).max(0.0) * horizon / 2.0;
    let variation = load.arrival_variation + load.service_variation;
    let workers = f64::from(load.workers);
    let spread = 2.0 * variation * load.service_time * horizon / (PI * workers);
    pile + 2.0 / 3.0 * spread.sqrt()
}
