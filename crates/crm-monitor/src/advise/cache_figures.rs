//! What is known of a cache in a window.

use std::time::Duration;

use super::error::FiguresError;

/// What is known of a cache in a window: the share of hits, and what a hit and a miss cost a worker.
///
/// Plain values: [`FiguresBuilder::build`](super::FiguresBuilder::build) checks them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CacheFigures {
    pub(super) hit_ratio: f64,
    pub(super) hit: f64,
    pub(super) miss: f64,
    pub(super) lookups: f64,
    pub(super) reachable: Option<f64>,
}

impl CacheFigures {
    /// A share of `hit_ratio` (0 to 1) of the lookups takes `hit`, the others `miss`, the load included.
    #[must_use]
    pub const fn new(hit_ratio: f64, hit: Duration, miss: Duration) -> Self {
        Self {
            hit_ratio,
            hit: hit.as_secs_f64(),
            miss: miss.as_secs_f64(),
            lookups: 1.0,
            reachable: None,
        }
    }

    /// Lookups in a request, on average; 1 unless said.
    #[must_use]
    pub const fn lookups(mut self, lookups: f64) -> Self {
        self.lookups = lookups;
        self
    }

    /// The hit ratio that a larger cache is known to reach, from a trace for instance. Unless said, advice is for half as many misses.
    #[must_use]
    pub const fn reachable(mut self, hit_ratio: f64) -> Self {
        self.reachable = Some(hit_ratio);
        self
    }

    /// The share of lookups that hit, from 0 to 1.
    #[must_use]
    pub const fn hit_ratio(&self) -> f64 {
        self.hit_ratio
    }

    /// Seconds that a miss takes beyond a hit.
    pub(super) fn difference(&self) -> f64 {
        self.miss - self.hit
    }

    /// Seconds that a request spends in lookups, were the hit ratio so.
    pub(super) fn time_at(&self, hit_ratio: f64) -> f64 {
        self.lookups * (self.miss - hit_ratio * self.difference())
    }

    /// The variance of the service time at another hit ratio, in square seconds.
    ///
    /// Part of it comes of some lookups hitting and others not. The rest is taken to be of the misses and of the other work, both of
    /// one coefficient of variation.
    pub(super) fn variance_at(&self, hit_ratio: f64, service_time: f64, variance: f64) -> f64 {
        let mixed = |hits: f64| self.lookups * hits * (1.0 - hits) * self.difference().powi(2);
        let work = (service_time - self.time_at(self.hit_ratio)).max(0.0);
        let squares = |hits: f64| work.powi(2) + self.lookups * (1.0 - hits) * self.miss.powi(2);
        let rest = (variance - mixed(self.hit_ratio)).max(0.0);
        let (before, after) = (squares(self.hit_ratio), squares(hit_ratio));
        let share = if before > 0.0 { after / before } else { 1.0 };
        mixed(hit_ratio) + rest * share
    }

    pub(super) fn check(&self) -> Result<(), FiguresError> {
        super::figures_builder::within("hit_ratio", self.hit_ratio, 0.0, 1.0)?;
        super::figures_builder::within("hit", self.hit, 0.0, super::figures_builder::TIME)?;
        super::figures_builder::within("miss", self.miss, 0.0, super::figures_builder::TIME)?;
        super::figures_builder::within("lookups", self.lookups, 0.0, 1e6)?;
        if let Some(reachable) = self.reachable {
            super::figures_builder::within("reachable", reachable, 0.0, 1.0)?;
        }
        Ok(())
    }
}
