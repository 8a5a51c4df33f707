//! Exact mean value analysis, one population after the other.

use super::solution::{Solution, StationMeasures};
use super::station::{Kind, Station};

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
#[derive(Clone, Debug)]
pub struct MeanValues {
    stations: Vec<Station>,
    think_time: f64,
    numbers: Vec<f64>,
    population: u32,
}

impl MeanValues {
    pub(super) fn new(stations: Vec<Station>, think_time: f64) -> Self {
        Self {
            numbers: vec![0.0; stations.len()],
            stations,
            think_time,
            population: 0,
        }
    }
}

impl Iterator for MeanValues {
    type Item = Solution;

    fn next(&mut self) -> Option<Solution> {
        self.population = self.population.checked_add(1)?;
        let residence: Vec<f64> = self
            .stations
            .iter()
            .zip(&self.numbers)
            .map(|(station, number)| match station.kind {
                Kind::Delay => station.demand(),
                _ => station.demand() * (1.0 + number),
            })
            .collect();
        let cycle = self.think_time + residence.iter().sum::<f64>();
        let throughput = f64::from(self.population) / cycle;
        let measures = self
            .stations
            .iter()
            .zip(&residence)
            .zip(&mut self.numbers)
            .map(|((station, time), number)| {
                *number = throughput * time;
                StationMeasures::closed(
                    throughput,
                    station.visit_count(),
                    throughput * station.demand(),
                    *time,
                    matches!(station.kind, Kind::Delay),
                )
            })
            .collect();
        Some(Solution::new(throughput, measures))
    }
}
