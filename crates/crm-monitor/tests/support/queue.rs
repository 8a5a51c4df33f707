//! A small service: workers behind one line, requests that read a cache, all from a seed.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

use crm_monitor::advise::{CacheFigures, Figures, FiguresBuilder};
use fastrand::Rng;

/// What the service is like. Times in seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Service {
    /// By the second.
    pub(crate) arrivals: f64,
    /// How many come at once; more than one makes bursts.
    pub(crate) burst: u32,
    pub(crate) workers: usize,
    /// The share of requests that may come in; the others are refused.
    pub(crate) admitted: f64,
    pub(crate) work: Work,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Work {
    Exponential(f64),
    /// `(share, mean)` of the rarer exponential kind, and the mean of the other.
    Mixed((f64, f64), f64),
    /// Work besides, hit ratio, time of a hit, mean time of a miss; the miss is exponential.
    Cached(f64, f64, f64, f64),
    /// A constant on top of an exponential.
    Shifted(f64, f64),
}

fn exponential(rng: &mut Rng, mean: f64) -> f64 {
    -(1.0 - rng.f64()).ln() * mean
}

impl Work {
    fn draw(self, rng: &mut Rng) -> f64 {
        match self {
            Self::Exponential(mean) => exponential(rng, mean),
            Self::Mixed((share, rare), usual) => {
                let mean = if rng.f64() < share { rare } else { usual };
                exponential(rng, mean)
            }
            Self::Cached(besides, hit_ratio, hit, miss) => {
                let lookup = if rng.f64() < hit_ratio {
                    hit
                } else {
                    exponential(rng, miss)
                };
                exponential(rng, besides) + lookup
            }
            Self::Shifted(constant, mean) => constant + exponential(rng, mean),
        }
    }
}

/// What was seen of it.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) seconds: f64,
    pub(crate) responses: Vec<f64>,
    pub(crate) services: Vec<f64>,
    pub(crate) refused: u32,
    /// In-flight over time, integrated.
    pub(crate) presence: f64,
}

impl Service {
    /// The first `requests` of a service that was empty. After `warm` of them it is measured.
    pub(crate) fn run(self, seed: u64, warm: usize, requests: usize) -> Seen {
        let mut rng = Rng::with_seed(seed);
        let mut free: BinaryHeap<Reverse<u64>> = (0..self.workers).map(|_| Reverse(0)).collect();
        let mut departures: BinaryHeap<Reverse<u64>> = BinaryHeap::new();
        let (mut now, mut begun) = (0.0_f64, 0.0);
        let mut seen = Seen {
            seconds: 0.0,
            responses: Vec::new(),
            services: Vec::new(),
            refused: 0,
            presence: 0.0,
        };
        let nanos = |seconds: f64| (seconds * 1e9) as u64;
        let mut burst = VecDeque::new();
        for number in 0..warm + requests {
            if number == warm {
                begun = now;
            }
            if burst.pop_front().is_none() {
                let until = now + exponential(&mut rng, f64::from(self.burst) / self.arrivals);
                // In flight between the two arrivals, departure by departure.
                while let Some(&Reverse(gone)) = departures.peek() {
                    if gone as f64 / 1e9 > until {
                        break;
                    }
                    let gone = (gone as f64 / 1e9).max(now);
                    if number >= warm {
                        seen.presence += departures.len() as f64 * (gone - now);
                    }
                    now = gone;
                    departures.pop();
                }
                if number >= warm {
                    seen.presence += departures.len() as f64 * (until - now);
                }
                now = until;
                burst.extend((1..self.burst).map(|_| ()));
            }
            if rng.f64() >= self.admitted {
                seen.refused += u32::from(number >= warm);
                continue;
            }
            let work = self.work.draw(&mut rng);
            let Reverse(earliest) = free.pop().unwrap();
            let start = earliest.max(nanos(now));
            let end = start + nanos(work);
            free.push(Reverse(end));
            departures.push(Reverse(end));
            if number >= warm {
                seen.services.push(work);
                seen.responses.push((end - nanos(now)) as f64 / 1e9);
            }
        }
        seen.seconds = now - begun;
        seen
    }
}

pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The squared coefficient of variation.
pub(crate) fn variation(values: &[f64]) -> f64 {
    let mean = mean(values);
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    squares / values.len() as f64 / mean.powi(2)
}

impl Seen {
    /// The figures of a service of so many workers.
    pub(crate) fn figures(&self, service: &Service) -> FiguresBuilder {
        let mut sorted = self.responses.clone();
        sorted.sort_by(f64::total_cmp);
        let percentile = |share: f64| {
            Duration::from_secs_f64(sorted[(share * (sorted.len() - 1) as f64) as usize])
        };
        let figures = Figures::builder()
            .arrival_rate(self.responses.len() as f64 / self.seconds)
            .refused(f64::from(self.refused) / self.seconds)
            .service_time(Duration::from_secs_f64(mean(&self.services)))
            .service_variation(variation(&self.services))
            .response_time(Duration::from_secs_f64(mean(&self.responses)))
            .percentile(0.5, percentile(0.5))
            .percentile(0.99, percentile(0.99))
            .in_flight(self.presence / self.seconds)
            .workers(service.workers as u32)
            .errors(0.0);
        match service.work {
            Work::Cached(_, hit_ratio, hit, miss) => figures.cache(CacheFigures::new(
                hit_ratio,
                Duration::from_secs_f64(hit),
                Duration::from_secs_f64(miss),
            )),
            _ => figures,
        }
    }
}
