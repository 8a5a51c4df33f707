//! Closed networks of stations with little room.

use super::error::{NetworkError, at};
use super::routing;
use super::solution::{Solution, StationMeasures};
use crate::check;
use crate::error::ParamError;
use alloc::vec;
use alloc::vec::Vec;

/// The exact solution is an elimination over all states, with the cube of their number of steps.
const MOST_STATES: usize = 2_000;

/// A closed network whose stations hold a limited number of requests, so that one full station stops others.
///
/// A request that would go to a full station stays where it is and is served again (repetitive service, "rejection" blocking). Such networks
/// have no product form in general. [`exact`](Self::exact) solves the Markov chain of all states; [`approximate`](Self::approximate) is the mean value analysis of Akyildiz
/// for stations of one server, in which blocked requests wait instead (transfer blocking).
///
/// # Formula
///
/// ```text
/// from state n to n - 1_i + 1_j at the rate  min(n_i, m_i) p_ij / S_i,   if n_j is below C_j
/// ```
///
/// `S_i` is the mean service time at station `i`, `m_i` its number of servers and `C_i` its room, servers included; `p_ij` are the routing
/// probabilities.
///
/// Source: I. F. Akyildiz, "Mean Value Analysis for Blocking Queueing Networks", IEEE Transactions on Software Engineering 14,
/// 1988; for the kinds of blocking R. O. Onvural, "Survey of Closed Queueing Networks with Blocking", ACM Computing Surveys
/// 22, 1990.
///
/// # Example
///
/// ```
/// use crm_metrics::network::BlockingNetwork;
///
/// // Akyildiz 1988, example 2: a ring of three stations with room for 4, 5 and 5, ten requests.
/// let ring = BlockingNetwork::new(
///     &[1.5, 2.0, 1.0],
///     &[4, 5, 5],
///     [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]],
/// )?;
/// let approximate = ring.approximate(10)?;
/// assert!((approximate.station(0).response_time() - 6.925).abs() < 1e-3);
/// let exact = ring.exact(10)?;
/// assert!((exact.mean_in_system() - 10.0).abs() < 1e-12);
/// # Ok::<(), crm_metrics::network::NetworkError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct BlockingNetwork {
    service_times: Vec<f64>,
    servers: Vec<u32>,
    rooms: Vec<u32>,
    routing: Vec<Vec<f64>>,
    visits: Vec<f64>,
}

impl BlockingNetwork {
    /// Stations of one server with these mean service times, rooms and routing probabilities.
    ///
    /// # Errors
    ///
    /// [`NetworkError::Param`] when there are not as many rooms as service times, or none; [`NetworkError::Station`] when a service time does not lie between
    /// 1e-100 and 1e100, a room is zero, or a row of probabilities does not sum to one; [`NetworkError::Trapped`] when the routing
    /// does not lead from everywhere to everywhere.
    pub fn new<Row: Into<Vec<f64>>>(
        service_times: &[f64],
        rooms: &[u32],
        routing: impl IntoIterator<Item = Row>,
    ) -> Result<Self, NetworkError> {
        let routing: Vec<Vec<f64>> = routing.into_iter().map(Into::into).collect();
        let stations = service_times.len();
        if stations == 0 {
            return Err(ParamError::new("service_times", 0.0, "hold at least one time").into());
        }
        if rooms.len() != stations {
            let value = rooms.len() as f64;
            return Err(ParamError::new("rooms", value, "be one for each station").into());
        }
        for (index, (&time, &room)) in service_times.iter().zip(rooms).enumerate() {
            let refuse = at(index);
            if !(1e-100..=1e100).contains(&time) {
                let error = ParamError::new("service_times", time, "lie between 1e-100 and 1e100");
                return Err(refuse(error));
            }
            if room == 0 {
                return Err(refuse(ParamError::new("rooms", 0.0, "be at least one")));
            }
        }
        routing::check(&routing, stations)?;
        let visits = routing::closed_visits(&routing)?;
        if let Some(station) = visits.iter().position(|&visits| visits == 0.0) {
            return Err(NetworkError::Trapped { station });
        }
        Ok(Self {
            service_times: service_times.to_vec(),
            servers: vec![1; stations],
            rooms: rooms.to_vec(),
            routing,
            visits,
        })
    }

    /// The same with so many servers at each station; a server needs room too.
    ///
    /// # Errors
    ///
    /// [`NetworkError::Param`] when there are not as many as stations; [`NetworkError::Station`] when there is none at a station, or more than it has
    /// room for.
    pub fn with_servers(mut self, servers: &[u32]) -> Result<Self, NetworkError> {
        if servers.len() != self.rooms.len() {
            let value = servers.len() as f64;
            return Err(ParamError::new("servers", value, "be one for each station").into());
        }
        for (index, (&servers, &room)) in servers.iter().zip(&self.rooms).enumerate() {
            check::servers(servers).map_err(at(index))?;
            if servers > room {
                let value = f64::from(servers);
                return Err(at(index)(ParamError::new(
                    "servers",
                    value,
                    "be at most the room",
                )));
            }
        }
        self.servers = servers.to_vec();
        Ok(self)
    }

    /// The exact figures, from the probabilities of all states.
    ///
    /// # Errors
    ///
    /// [`NetworkError::Param`] when `population` is zero, or not below the room of all stations together; [`NetworkError::TooLarge`] when there are
    /// more than 2,000 states; [`NetworkError::Trapped`] when the network can come to a stand.
    pub fn exact(&self, population: u32) -> Result<Solution, NetworkError> {
        self.check(population)?;
        let states = self.states(population)?;
        let index: alloc::collections::BTreeMap<&[u32], usize> = states
            .iter()
            .enumerate()
            .map(|(i, state)| (state.as_slice(), i))
            .collect();
        // In the unit of the shortest service time, so that no rate leaves the range of f64.
        let unit = self
            .service_times
            .iter()
            .copied()
            .fold(f64::INFINITY, f64::min);
        let mut rates = vec![vec![0.0; states.len()]; states.len()];
        for (from, state) in states.iter().enumerate() {
            for (i, &here) in state.iter().enumerate() {
                if here == 0 {
                    continue;
                }
                let busy = f64::from(here.min(self.servers[i]));
                let rate = busy * (unit / self.service_times[i]);
                for (j, &probability) in self.routing[i].iter().enumerate() {
                    if j != i && probability > 0.0 && state[j] < self.rooms[j] {
                        let mut next = state.clone();
                        next[i] -= 1;
                        next[j] += 1;
                        rates[from][index[next.as_slice()]] = rate * probability;
                    }
                }
            }
        }
        let weights = routing::stationary(rates).map_err(|state| NetworkError::Trapped {
            station: states[state].iter().position(|&n| n > 0).unwrap_or(0),
        })?;
        let total: f64 = weights.iter().sum();
        let stations = self.service_times.len();
        let measures: Vec<StationMeasures> = (0..stations)
            .map(|k| {
                let (mut number, mut busy) = (0.0, 0.0);
                for (state, weight) in states.iter().zip(&weights) {
                    number += f64::from(state[k]) * weight;
                    busy += f64::from(state[k].min(self.servers[k])) * weight;
                }
                let (number, busy) = (number / total, busy / total);
                let throughput = busy / self.service_times[k];
                StationMeasures::open(
                    throughput,
                    self.visits[k],
                    busy / f64::from(self.servers[k]),
                    number,
                    number / throughput,
                    false,
                )
            })
            .collect();
        Ok(Solution::new(
            measures[0].throughput() / self.visits[0],
            measures,
        ))
    }

    /// Akyildiz's approximation, for any population, with one server at each station.
    ///
    /// It is mean value analysis; whenever a mean number comes out above the room of a station, requests that arrive there no longer see
    /// a free server, and those before it are held up by its service time.
    ///
    /// # Errors
    ///
    /// [`NetworkError::Param`] when `population` is zero, or not below the room of all stations together; [`NetworkError::Unsupported`] when a
    /// station has several servers; [`NetworkError::TooLarge`] when it does not come to a result.
    pub fn approximate(&self, population: u32) -> Result<Solution, NetworkError> {
        self.check(population)?;
        if let Some(station) = self.servers.iter().position(|&servers| servers > 1) {
            return Err(NetworkError::Unsupported {
                station,
                must: "have one server",
            });
        }
        let stations = self.service_times.len();
        let mut numbers = vec![0.0; stations];
        let mut held_up = vec![0.0; stations];
        let mut free = vec![1.0; stations];
        let mut times = vec![0.0; stations];
        let mut throughput = 0.0;
        for n in 1..=population {
            let mut rounds = 0;
            loop {
                for k in 0..stations {
                    times[k] = self.service_times[k] * (free[k] + numbers[k]) + held_up[k];
                }
                let cycle: f64 = times.iter().zip(&self.visits).map(|(t, v)| t * v).sum();
                throughput = f64::from(n) / cycle;
                let next: Vec<f64> = times
                    .iter()
                    .zip(&self.visits)
                    .map(|(t, v)| throughput * t * v)
                    .collect();
                let full = (0..stations).find(|&k| next[k] > f64::from(self.rooms[k]));
                let Some(full) = full else {
                    numbers = next;
                    break;
                };
                free[full] = 0.0;
                for (k, time) in held_up.iter_mut().enumerate() {
                    let share = self.visits[k] * self.routing[k][full] / self.visits[full];
                    *time += self.service_times[full] * share;
                }
                rounds += 1;
                if rounds > 100_000 {
                    return Err(NetworkError::TooLarge {
                        states: f64::INFINITY,
                        most: MOST_STATES as f64,
                    });
                }
            }
        }
        let measures = (0..stations)
            .map(|k| {
                StationMeasures::open(
                    throughput * self.visits[k],
                    self.visits[k],
                    throughput * self.visits[k] * self.service_times[k],
                    numbers[k],
                    times[k],
                    false,
                )
            })
            .collect();
        Ok(Solution::new(throughput, measures))
    }

    fn check(&self, population: u32) -> Result<(), NetworkError> {
        let room: u64 = self.rooms.iter().map(|&room| u64::from(room)).sum();
        if population == 0 || u64::from(population) >= room {
            let value = f64::from(population);
            return Err(ParamError::new(
                "population",
                value,
                "be at least one, and below the room of all stations",
            )
            .into());
        }
        Ok(())
    }

    /// All ways to place the requests.
    fn states(&self, population: u32) -> Result<Vec<Vec<u32>>, NetworkError> {
        let mut partial = vec![(Vec::new(), population)];
        for (k, &room) in self.rooms.iter().enumerate() {
            let later: u64 = self.rooms[k + 1..]
                .iter()
                .map(|&room| u64::from(room))
                .sum();
            let mut longer = Vec::new();
            for (placed, left) in &partial {
                let least = u64::from(*left).saturating_sub(later) as u32;
                for here in least..=room.min(*left) {
                    let mut state = placed.clone();
                    state.push(here);
                    longer.push((state, left - here));
                    if longer.len() > MOST_STATES {
                        return Err(NetworkError::TooLarge {
                            states: f64::INFINITY,
                            most: MOST_STATES as f64,
                        });
                    }
                }
            }
            partial = longer;
        }
        Ok(partial.into_iter().map(|(state, _)| state).collect())
    }
}
