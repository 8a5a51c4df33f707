//! Exact mean value analysis, one population after the other.

use super::solution::{Solution, StationMeasures};
use super::station::{Kind, Station};
use alloc::vec;
use alloc::vec::Vec;

/// The exact figures for one request, two, three, and so on: the iterator of [`Network::mean_values`](super::Network::mean_values).
///
/// # Formula
///
/// ```text
/// R_k(n) = D_k (1 + Q_k(n-1))   one server,   R_k(n) = D_k   no line
/// X(n) = n / (Z + sum of R_k(n)),   Q_k(n) = X(n) R_k(n)
/// ```
///
/// Source: M. Reiser and S. S. Lavenberg, "Mean-Value Analysis of Closed Multichain Queuing Networks", Journal of the ACM 27,
/// 1980.
///
/// # Example
///
/// ```
/// use crm_metrics::network::{Network, Station};
///
/// // Two equal stations: with n requests the throughput is n / (n + 1) of that of one.
/// let pair = Network::builder().station(Station::queue(1.0)).station(Station::queue(1.0)).build()?;
/// for (n, solution) in (1..4).zip(pair.mean_values()?) {
///     assert!((solution.throughput() - f64::from(n) / f64::from(n + 1)).abs() < 1e-15);
/// }
/// # Ok::<(), crm_metrics::network::NetworkError>(())
/// ```
#[derive(Clone, Debug)]
pub struct MeanValues {
    stations: Vec<Station>,
    think_time: f64,
    population: u32,
    throughput: f64,
    /// Station by station: the demand, one where there is a line, and the last residence time and mean number.
    demands: Vec<f64>,
    lines: Vec<f64>,
    residence: Vec<f64>,
    numbers: Vec<f64>,
}

impl MeanValues {
    pub(super) fn new(stations: Vec<Station>, think_time: f64) -> Self {
        let line = |station: &Station| f64::from(u8::from(!matches!(station.kind, Kind::Delay)));
        Self {
            demands: stations.iter().map(Station::demand).collect(),
            lines: stations.iter().map(line).collect(),
            residence: vec![0.0; stations.len()],
            numbers: vec![0.0; stations.len()],
            stations,
            think_time,
            population: 0,
            throughput: 0.0,
        }
    }

    /// One request more.
    fn advance(&mut self) -> Option<()> {
        self.population = self.population.checked_add(1)?;
        let at = self.demands.iter().zip(&self.lines).zip(&self.numbers);
        for (time, ((demand, line), number)) in self.residence.iter_mut().zip(at) {
            *time = demand * (1.0 + line * number);
        }
        let cycle = self.think_time + self.residence.iter().sum::<f64>();
        self.throughput = f64::from(self.population) / cycle;
        for (number, time) in self.numbers.iter_mut().zip(&self.residence) {
            *number = self.throughput * time;
        }
        Some(())
    }
}

impl Iterator for MeanValues {
    type Item = Solution;

    fn next(&mut self) -> Option<Solution> {
        self.nth(0)
    }

    /// Without the figures of those in between.
    fn nth(&mut self, n: usize) -> Option<Solution> {
        for _ in 0..=n {
            self.advance()?;
        }
        let throughput = self.throughput;
        let measures = self
            .stations
            .iter()
            .zip(&self.demands)
            .zip(&self.residence)
            .map(|((station, demand), &time)| {
                StationMeasures::closed(
                    throughput,
                    station.visit_count(),
                    throughput * demand,
                    time,
                    matches!(station.kind, Kind::Delay),
                )
            })
            .collect();
        Some(Solution::new(throughput, measures))
    }
}
