//! Open networks by arrivals and routing probabilities.

use super::error::{NetworkError, at};
use super::routing;
use super::solution::Solution;
use super::station::Station;
use crate::check;
use alloc::vec;
use alloc::vec::Vec;

/// An open network after Jackson: requests come in from outside at any station, and each station passes them on by chance.
///
/// # Formula
///
/// ```text
/// lambda_j = gamma_j + sum over i of lambda_i p_ij
/// every station as if it were alone with Poisson arrivals at lambda_j (M/M/1, M/M/c, M/M/inf)
/// ```
///
/// `gamma_j` is the arrival rate from outside at station `j` and `p_ij` the probability of going on from `i` to `j`; what is left of
/// a row leaves the network. The equations are solved without a subtraction (W. K. Grassmann, M. I. Taksar and D. P. Heyman, 1985), so that
/// a request in a billion that leaves is as exact as any other.
///
/// Source: J. R. Jackson, "Networks of Waiting Lines", Operations Research 5, 1957.
///
/// # Example
///
/// ```
/// use crm_metrics::network::{JacksonNetwork, Station};
///
/// // Bolch and others, example 7.4: a CPU, two disks and a terminal line.
/// let system = JacksonNetwork::builder()
///     .station(Station::queue(0.04), 0.0)
///     .station(Station::queue(0.03), 0.0)
///     .station(Station::queue(0.06), 0.0)
///     .station(Station::queue(0.05), 4.0)
///     .routing([
///         [0.0, 0.5, 0.5, 0.0],
///         [1.0, 0.0, 0.0, 0.0],
///         [0.6, 0.0, 0.0, 0.0],
///         [1.0, 0.0, 0.0, 0.0],
///     ])
///     .build()?;
/// let solution = system.solution();
/// assert!((solution.station(0).throughput() - 20.0).abs() < 1e-13);
/// assert!((solution.station(2).mean_in_system() - 1.5).abs() < 1e-13);
/// assert!((solution.response_time() - 1.544_642_857_142_857).abs() < 1e-13);
/// # Ok::<(), crm_metrics::network::NetworkError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct JacksonNetwork {
    solution: Solution,
}

/// Puts a [`JacksonNetwork`] together.
#[derive(Clone, Debug, Default)]
pub struct JacksonBuilder {
    stations: Vec<Station>,
    external: Vec<f64>,
    routing: Vec<Vec<f64>>,
}

impl JacksonBuilder {
    /// Adds a station with its arrival rate from outside. The station's number of visits has no part in it: the routing decides.
    #[must_use]
    pub fn station(mut self, station: Station, arrival_rate: f64) -> Self {
        self.stations.push(station);
        self.external.push(arrival_rate);
        self
    }

    /// The probabilities `routing[i][j]` of going on from station `i` to `j`. Without any, all requests leave after one station.
    #[must_use]
    pub fn routing<Row: Into<Vec<f64>>>(mut self, routing: impl IntoIterator<Item = Row>) -> Self {
        self.routing = routing.into_iter().map(Into::into).collect();
        self
    }

    /// Checks and solves the network.
    ///
    /// # Errors
    ///
    /// [`NetworkError::Param`] or [`NetworkError::Station`] when a number is bad or no request comes in; [`NetworkError::Trapped`] when requests reach
    /// a station that they can never leave; [`NetworkError::Unstable`] with the first station that cannot work off its load.
    pub fn build(self) -> Result<JacksonNetwork, NetworkError> {
        let Self {
            stations,
            external,
            mut routing,
        } = self;
        if routing.is_empty() {
            routing = vec![vec![0.0; stations.len()]; stations.len()];
        }
        routing::check(&routing, stations.len())?;
        let mut entering = 0.0;
        for (index, (station, &rate)) in stations.iter().zip(&external).enumerate() {
            station.check(index)?;
            entering += check::not_negative("arrival_rate", rate).map_err(at(index))?;
        }
        check::scale("arrival_rate", entering)?;
        let rates = routing::open_rates(&external, &routing)?;
        let flows = rates.into_iter().map(|rate| (rate, rate / entering));
        let solution = Solution::open(entering, &stations, flows)?;
        Ok(JacksonNetwork { solution })
    }
}

impl JacksonNetwork {
    /// Begins a network without any station.
    #[must_use]
    pub fn builder() -> JacksonBuilder {
        JacksonBuilder::default()
    }

    /// The figures of the network; its throughput is the sum of the arrival rates from outside.
    #[must_use]
    pub const fn solution(&self) -> &Solution {
        &self.solution
    }
}
