//! Says what would help, the most worth first.

use std::fmt;
use std::time::Duration;

use super::action::Action;
use super::advice::Advice;
use super::allen_cunneen::AllenCunneen;
use super::counsel::{Counsel, NotKnown};
use super::fact::Fact;
use super::figures::Figures;
use super::measure::Measure;
use super::predict::Predict;
use super::situation::Situation;
use super::terms::Terms;
use super::{add_workers, cache_more, compress, errors, shed_load, slow_tail};

/// What a candidate has to say: advice, nothing, or that it lacks figures.
pub(super) type Considered = Result<Option<Advice>, Vec<&'static str>>;

/// Says what would help a service, in order of worth.
///
/// ```
/// use crm_monitor::advise::{Action, Advisor, CacheFigures, Figures, Measure};
/// use std::time::Duration;
///
/// let ms = Duration::from_millis;
/// let minute = Figures::builder()
///     .arrival_rate(360.0) // a second
///     .service_time(ms(10))
///     .response_time(ms(29))
///     .workers(4)
///     .cache(CacheFigures::new(0.6, ms(1), ms(16)))
///     .build()?;
///
/// let counsel = Advisor::new().advise(&minute);
/// let first = &counsel.advice()[0];
/// assert_eq!(first.action(), Action::CacheMore);
/// assert_eq!(
///     first.to_string(),
///     "cache more: bring the hit ratio from 60 % to 80 %, and expect the mean response time to go from 29 ms to 8.67 ms"
/// );
/// assert!(counsel.of(Action::Compress).is_none()); // nothing is known of the bytes:
/// assert!(counsel.not_known().iter().any(|not_known| not_known.action() == Action::Compress));
///
/// // A day later, with a larger cache.
/// let after = Figures::builder()
///     .arrival_rate(365.0)
///     .service_time(ms(7))
///     .response_time(Duration::from_micros(8_400))
///     .workers(4)
///     .cache(CacheFigures::new(0.8, ms(1), ms(16)))
///     .build()?;
/// let verdict = first.held_against(&after);
/// assert_eq!(verdict.is_held(), Some(true));
/// # Ok::<(), crm_monitor::advise::FiguresError>(())
/// ```
///
/// # How it reckons
///
/// - Arrival rate, service time and workers make a load; the model, [`AllenCunneen`] unless another is given, says what it does now and
///   after one change.
/// - Where the response time was measured, the model is bent to it: waits up to three times the modelled ones are taken for
///   bursts of arrivals, and scaled; what is longer is taken for something outside the queue, and stays what it is.
/// - A wait is no longer than what builds up within the [horizon](Self::horizon), so that an overload has a number too.
/// - Advice must cut the mean response time, or the bytes, by 5 % at least, and errors must be one in a thousand.
/// - Everything is worth what [`Advice::worth`] says.
///
/// | advice | what is changed |
/// |---|---|
/// | cache more | half as many misses, or the hit ratio known to be reachable; a hit and a miss cost what they did |
/// | compress | the compressible bytes shrink to 30 %, or as was measured; compressing them keeps workers busy |
/// | add workers | the fewest that bring the wait down to a quarter of the service time, those refused now taken in |
/// | shed load | the least that brings the wait down to one service time; each refused request counts as a failure |
/// | look at the slow tail | a percentile, 1.5 times that of exponential times with the same median or more, comes down to it |
/// | look at the errors | there are none |
#[derive(Clone)]
pub struct Advisor<P = AllenCunneen> {
    predict: P,
    terms: Terms,
}

impl Advisor {
    /// An advisor with the built-in model.
    #[must_use]
    pub const fn new() -> Self {
        Self::predicting_by(AllenCunneen)
    }
}

impl Default for Advisor {
    fn default() -> Self {
        Self::new()
    }
}

impl<P> Advisor<P> {
    /// An advisor with another model.
    #[must_use]
    pub const fn predicting_by(predict: P) -> Self {
        Self {
            predict,
            terms: Terms::DEFAULT,
        }
    }

    /// What a failed or refused request counts as in waiting. Ten seconds unless said: that long a person's attention lasts
    /// (J. Nielsen, "Usability Engineering", 1993).
    #[must_use]
    pub const fn failure(mut self, waiting: Duration) -> Self {
        self.terms.failure = waiting.as_secs_f64();
        self
    }

    /// Bytes by the second on the line to one client, at least 1; ten megabits, 1,250,000 bytes, unless said.
    #[must_use]
    pub const fn line(mut self, bytes_by_second: u64) -> Self {
        self.terms.line = at_least_one(bytes_by_second) as f64;
        self
    }

    /// Bytes by the second that one worker compresses, at least 1; 100,000,000 unless said.
    #[must_use]
    pub const fn encoder(mut self, bytes_by_second: u64) -> Self {
        self.terms.encoder = at_least_one(bytes_by_second) as f64;
        self
    }

    /// How far ahead an overload is looked at; a minute unless said. With more, a queue has more time to grow.
    #[must_use]
    pub const fn horizon(mut self, ahead: Duration) -> Self {
        self.terms.horizon = ahead.as_secs_f64();
        self
    }

    /// The most workers that can be had, the processors for instance; 100,000, which is all that are reckoned with, unless said.
    #[must_use]
    pub const fn most_workers(mut self, workers: u32) -> Self {
        let limit = Terms::DEFAULT.most_workers;
        self.terms.most_workers = if workers < limit { workers } else { limit };
        self
    }
}

const fn at_least_one(number: u64) -> u64 {
    if number == 0 { 1 } else { number }
}

impl<P: Predict> Advisor<P> {
    /// What would help.
    ///
    /// Linear in the number of workers; a few microseconds for some.
    #[must_use]
    pub fn advise(&self, figures: &Figures) -> Counsel {
        let situation = Situation::new(figures, &self.terms, &self.predict);
        let (mut advice, mut not_known, mut judged) = (Vec::new(), Vec::new(), false);
        for (action, considered) in [
            (Action::CacheMore, cache_more::consider(&situation)),
            (Action::Compress, compress::consider(&situation)),
            (Action::AddWorkers, add_workers::consider(&situation)),
            (Action::ShedLoad, shed_load::consider(&situation)),
            (Action::LookAtSlowTail, slow_tail::consider(&situation)),
            (Action::LookAtErrors, errors::consider(&situation)),
        ] {
            match considered {
                Ok(considered) => {
                    judged = true;
                    // A model that is no model may have given a number that is none.
                    advice.extend(considered.filter(|advice| advice.worth.is_finite()));
                }
                Err(lacking) => not_known.push(NotKnown { action, lacking }),
            }
        }
        advice.sort_by(|left, right| right.worth.total_cmp(&left.worth));
        if judged && advice.is_empty() {
            advice.push(fine(figures));
        }
        Counsel { advice, not_known }
    }
}

/// Without the model, which need not be `Debug`.
impl<P> fmt::Debug for Advisor<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Advisor")
            .field("terms", &self.terms)
            .finish_non_exhaustive()
    }
}

/// Nothing to do, with the figures that say so.
fn fine(figures: &Figures) -> Advice {
    let evidence = [
        Measure::ArrivalRate,
        Measure::ResponseTime,
        Measure::Utilisation,
        Measure::HitRatio,
        Measure::ErrorRate,
    ]
    .into_iter()
    .filter_map(|measure| {
        let value = figures.measured(measure)?;
        Some(Fact::new(measure.to_string(), value, measure.dimension()))
    })
    .collect();
    Advice {
        action: Action::Nothing,
        change: None,
        evidence,
        effects: Vec::new(),
        worth: 0.0,
        basis: figures.clone(),
    }
}
