//! Polling: one server that goes round several queues.

use super::exact::Exact;
use super::mg1::product;
use crate::check;
use crate::error::{ModelError, ParamError, Unstable};
#[cfg(feature = "libm")]
use crate::numeric::elementary::Elementary as _;
use alloc::vec;
use alloc::vec::Vec;

/// A queue of a polling system: its arrivals and services, and the time the server takes to get to the next queue.
///
/// An example is that of [`Polling`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PollingStation {
    arrival_rate: f64,
    mean_service_time: f64,
    service_variation: f64,
    switch_over: f64,
    switch_over_variance: f64,
}

impl PollingStation {
    /// A queue at which `arrival_rate` (`lambda`) requests come per unit of time that take `mean_service_time` (`s`) on average, with the given
    /// squared coefficient of variation (`cs2`), and from which the server goes on at once.
    ///
    /// # Errors
    ///
    /// [`ParamError`] when `arrival_rate` or the variation is negative or not finite, or `mean_service_time` not between 1e-290 and
    /// 1e290.
    pub fn new(
        arrival_rate: f64,
        mean_service_time: f64,
        squared_coefficient_of_variation: f64,
    ) -> Result<Self, ParamError> {
        Ok(Self {
            arrival_rate: check::not_negative("arrival_rate", arrival_rate)?,
            mean_service_time: check::scale("mean_service_time", mean_service_time)?,
            service_variation: check::not_negative(
                "squared_coefficient_of_variation",
                squared_coefficient_of_variation,
            )?,
            switch_over: 0.0,
            switch_over_variance: 0.0,
        })
    }

    /// The same queue, from which the server takes `mean` (`r`) to get to the next one, with the given `variance`.
    ///
    /// # Errors
    ///
    /// [`ParamError`] when `mean` or `variance` is negative or not finite, or there is a variance without a mean.
    pub fn with_switch_over(self, mean: f64, variance: f64) -> Result<Self, ParamError> {
        let switch_over = check::not_negative("mean", mean)?;
        let switch_over_variance = check::not_negative("variance", variance)?;
        if switch_over == 0.0 && variance > 0.0 {
            return Err(ParamError::new(
                "variance",
                variance,
                "be zero without a mean",
            ));
        }
        Ok(Self {
            switch_over,
            switch_over_variance,
            ..self
        })
    }

    /// `lambda s`.
    fn load(&self) -> f64 {
        self.arrival_rate * self.mean_service_time
    }

    /// `lambda E[S^2] / 2`.
    fn residual(&self) -> f64 {
        product(
            self.load(),
            self.mean_service_time,
            0.5 + 0.5 * self.service_variation,
        )
    }
}

/// Cyclic polling: one server visits queues with Poisson arrivals in a fixed order, and takes some time from one to the next.
///
/// The model of a token ring, of a worker who goes through several inboxes, of a disk that serves its cylinders. Symbols: `lambda_i`,
/// `s_i` and `rho_i = lambda_i s_i` belong to queue `i`, `rho` is the sum of the `rho_i`, and `R` the mean time that the server walks in a round. The
/// means are exact.
///
/// The relative error is below 1e-12. [`exhaustive`](Self::exhaustive) and [`gated`](Self::gated) take some `N^3` operations for
/// `N` queues, times the logarithm of the number of rounds that the system remembers.
///
/// Source: H. Takagi, "Analysis of Polling Systems", MIT Press 1986; here the covariances of the times since the last visits are
/// summed over all past rounds, which are positive terms, and the loads' rounding is taken out by the conservation law of O. J. Boxma and
/// W. P. Groenendijk (Journal of Applied Probability 24, 1987).
///
/// # Example
///
/// ```
/// use crm_metrics::queueing::{Polling, PollingStation};
///
/// let inbox = PollingStation::new(1.0, 0.1, 0.5)?.with_switch_over(0.2, 0.02)?;
/// let alike = [inbox; 3];
/// let (exhaustive, gated) = (Polling::exhaustive(&alike)?, Polling::gated(&alike)?);
/// assert!(exhaustive.mean_waiting_time(0) < gated.mean_waiting_time(0));
/// assert!((exhaustive.mean_cycle_time() - 0.6 / 0.7).abs() < 1e-15);
/// # Ok::<(), crm_metrics::queueing::ModelError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Polling {
    stations: Vec<PollingStation>,
    waits: Vec<f64>,
    /// `1 - rho`.
    idle: f64,
}

impl Polling {
    /// The server stays at a queue until it is empty.
    ///
    /// # Errors
    ///
    /// [`ModelError::Param`] when there is no station, or no switch-over takes any time; [`ModelError::Unstable`] when `rho` is not below
    /// one. It carries the load in erlangs.
    pub fn exhaustive(stations: &[PollingStation]) -> Result<Self, ModelError> {
        Self::branching(stations, true)
    }

    /// The server serves those whom it finds when it comes to a queue, and leaves later ones for the next round.
    ///
    /// # Errors
    ///
    /// As for [`exhaustive`](Self::exhaustive).
    pub fn gated(stations: &[PollingStation]) -> Result<Self, ModelError> {
        Self::branching(stations, false)
    }

    /// The server serves at most one request at each visit; `stations` queues are all alike, as only then an exact formula is known.
    ///
    /// ```text
    ///       N lambda E[S^2] + (1 - rho) Var[r] / r + R (1 + rho / N)
    /// W_q = --------------------------------------------------------
    ///                     2 (1 - rho - lambda R)
    /// ```
    ///
    /// Source: H. Takagi 1986, as above.
    ///
    /// # Errors
    ///
    /// [`ModelError::Param`] when there is no station, or the switch-over takes no time; [`ModelError::Unstable`] when `N lambda (s + r)` is
    /// not below one. It carries this load.
    pub fn one_limited(station: PollingStation, stations: u32) -> Result<Self, ModelError> {
        let n = f64::from(stations);
        let all = vec![station; stations as usize];
        let (idle, _) = spare(&all)?;
        // 1 - N lambda (s + r), with twice the digits.
        let (lambda, r) = (station.arrival_rate, station.switch_over);
        let walked = Exact::product(lambda, r).times(n);
        let served = Exact::product(lambda, station.mean_service_time).times(n);
        let left = Exact::new(1.0).minus(walked).minus(served).value();
        if left <= 0.0 {
            return Err(Unstable {
                offered: 1.0 - left,
                stable_below: 1.0,
            }
            .into());
        }
        let walk = 0.5 * n * r * (1.0 + station.load());
        let varied = 0.5 * idle * (station.switch_over_variance / r);
        let wait = (n * station.residual() + varied + walk) / left;
        Ok(Self {
            waits: vec![wait; all.len()],
            stations: all,
            idle,
        })
    }

    /// Exhaustive or gated service.
    fn branching(stations: &[PollingStation], exhaustive: bool) -> Result<Self, ModelError> {
        let (idle, walk) = spare(stations)?;
        let cycle = walk / idle;
        let round = Round {
            stations,
            exhaustive,
            cycle,
        };
        let covariances = round.covariances();
        let mut waits = Vec::with_capacity(stations.len());
        let mut now = covariances;
        for (i, station) in stations.iter().enumerate() {
            // Mean and variance of the time since the last visit, of which those present are the arrivals.
            let mean = round.away(i);
            let rest = 0.5 * (now[i][i] / mean + mean);
            waits.push(if exhaustive {
                rest + station.residual() / round.not(i)
            } else {
                (1.0 + station.load()) * rest
            });
            round.turn(i, &mut now);
            round.add_noise(i, &mut now);
        }
        let conserved = conserved(stations, exhaustive, idle, walk);
        let loads = stations.iter().map(PollingStation::load);
        let summed: f64 = loads.zip(&waits).map(|(load, wait)| load * wait).sum();
        debug_assert!(
            summed == 0.0 || ((conserved / summed - 1.0) * idle).abs() < 1e-9,
            "the waits {waits:?} add up to {summed} instead of {conserved}"
        );
        if summed > 0.0 && conserved.is_finite() && (conserved / summed).is_normal() {
            for wait in &mut waits {
                *wait *= conserved / summed;
            }
        }
        Ok(Self {
            stations: stations.to_vec(),
            waits,
            idle,
        })
    }

    /// The stations, in the order of the visits.
    #[must_use]
    pub fn stations(&self) -> &[PollingStation] {
        &self.stations
    }

    /// `rho`: the share of time that the server serves.
    #[must_use]
    pub fn utilisation(&self) -> f64 {
        self.stations.iter().map(PollingStation::load).sum()
    }

    /// `R / (1 - rho)`: the mean time between two visits to the same queue.
    #[must_use]
    pub fn mean_cycle_time(&self) -> f64 {
        let walk: f64 = self
            .stations
            .iter()
            .map(|station| station.switch_over)
            .sum();
        walk / self.idle
    }

    /// `W_q`: the mean time of a request at `station`, counted from zero, from arrival to the begin of service.
    ///
    /// # Panics
    ///
    /// When there is no such station.
    #[must_use]
    pub fn mean_waiting_time(&self, station: usize) -> f64 {
        self.waits[station]
    }

    /// `W`: the mean time of a request at `station` from arrival to departure.
    ///
    /// # Panics
    ///
    /// When there is no such station.
    #[must_use]
    pub fn mean_response_time(&self, station: usize) -> f64 {
        self.stations[station].mean_service_time + self.waits[station]
    }

    /// `L_q = lambda W_q`: the mean number waiting at `station`.
    ///
    /// # Panics
    ///
    /// When there is no such station.
    #[must_use]
    pub fn mean_in_queue(&self, station: usize) -> f64 {
        self.stations[station].arrival_rate * self.waits[station]
    }
}

/// `1 - rho` and `R`, after the checks that all kinds of service share.
fn spare(stations: &[PollingStation]) -> Result<(f64, f64), ModelError> {
    let mut left = Exact::new(1.0);
    let mut walk = 0.0;
    for station in stations {
        left = left.minus(Exact::product(
            station.arrival_rate,
            station.mean_service_time,
        ));
        walk += station.switch_over;
    }
    if stations.is_empty() {
        return Err(ParamError::new("stations", 0.0, "be at least one").into());
    }
    let idle = left.value();
    if idle <= 0.0 {
        return Err(Unstable {
            offered: 1.0 - idle,
            stable_below: 1.0,
        }
        .into());
    }
    Ok((idle, check::scale("switch_over", walk)?))
}

/// What the waits, weighted with the loads, add up to: Boxma and Groenendijk's conservation law.
fn conserved(stations: &[PollingStation], exhaustive: bool, idle: f64, walk: f64) -> f64 {
    let (mut rho, mut squares, mut pairs) = (0.0, 0.0, 0.0);
    let (mut residual, mut variance) = (0.0, 0.0);
    for station in stations {
        let load = station.load();
        pairs += load * rho;
        squares += load * load;
        rho += load;
        residual += station.residual();
        variance += station.switch_over_variance;
    }
    // rho^2 less the sum of the squares, or plus it.
    let mixed = 2.0 * pairs + if exhaustive { 0.0 } else { 2.0 * squares };
    rho * (residual / idle)
        + rho * (0.5 * variance / walk + 0.5 * walk)
        + 0.5 * walk * (mixed / idle)
}

/// A round of the server, as a linear map of the times since the last visits.
///
/// The number present at queue `i` is Poisson, given some time `Y_i` in which they came. A visit to `i` turns `Y_i` into service, which adds to the
/// `Y` of all others (and, gated, to its own): `rho_i Y_i`, or `rho_i / (1 - rho_i) Y_i` with those who come meanwhile. Walking adds to all.
struct Round<'a> {
    stations: &'a [PollingStation],
    exhaustive: bool,
    cycle: f64,
}

impl Round<'_> {
    /// `1 - rho_i` for exhaustive service.
    fn not(&self, i: usize) -> f64 {
        let station = &self.stations[i];
        (-station.arrival_rate).mul_add(station.mean_service_time, 1.0)
    }

    /// The mean of `Y_i` when the server comes to queue `i`.
    fn away(&self, i: usize) -> f64 {
        if self.exhaustive {
            self.not(i) * self.cycle
        } else {
            self.cycle
        }
    }

    /// Replaces row `i` of `map` by what a visit to queue `i` makes of it in all rows.
    fn turn_rows(&self, i: usize, map: &mut [Vec<f64>]) {
        let load = self.stations[i].load();
        let gain = if self.exhaustive {
            load / self.not(i)
        } else {
            load
        };
        let row = core::mem::take(&mut map[i]);
        for (j, other) in map.iter_mut().enumerate() {
            if j == i {
                let kept = if self.exhaustive { 0.0 } else { gain };
                *other = row.iter().map(|value| kept * value).collect();
            } else {
                for (value, from) in other.iter_mut().zip(&row) {
                    *value += gain * from;
                }
            }
        }
    }

    /// The same on both sides of a covariance matrix.
    fn turn(&self, i: usize, covariances: &mut Vec<Vec<f64>>) {
        self.turn_rows(i, covariances);
        *covariances = transposed(covariances);
        self.turn_rows(i, covariances);
    }

    /// What the visit to queue `i` and the walk after it add to the covariances by their own variation.
    fn add_noise(&self, i: usize, covariances: &mut [Vec<f64>]) {
        let station = &self.stations[i];
        // lambda E[T^2] per unit of Y_i, where T is a service, or the busy period that it begins.
        let square = 2.0 * station.residual();
        let noise = if self.exhaustive {
            let not = self.not(i);
            self.cycle * (square / not / not)
        } else {
            self.cycle * square
        };
        for (j, row) in covariances.iter_mut().enumerate() {
            for (k, value) in row.iter_mut().enumerate() {
                *value += station.switch_over_variance;
                if !self.exhaustive || (j != i && k != i) {
                    *value += noise;
                }
            }
        }
    }

    /// The covariances of `Y` when the server comes to the first queue: the sum over all past rounds, by doubling their number.
    fn covariances(&self) -> Vec<Vec<f64>> {
        let n = self.stations.len();
        let mut map: Vec<Vec<f64>> = (0..n)
            .map(|j| (0..n).map(|k| if j == k { 1.0 } else { 0.0 }).collect())
            .collect();
        let mut sum = vec![vec![0.0; n]; n];
        for i in 0..n {
            self.turn_rows(i, &mut map);
            self.turn(i, &mut sum);
            self.add_noise(i, &mut sum);
        }
        for _ in 0..64 {
            let older = times(&times(&map, &sum), &transposed(&map));
            let mut grown = false;
            for (row, more) in sum.iter_mut().zip(&older) {
                for (value, more) in row.iter_mut().zip(more) {
                    grown |= *more > 1e-17 * *value;
                    *value += more;
                }
            }
            if !grown {
                break;
            }
            map = times(&map, &map);
        }
        sum
    }
}

fn transposed(matrix: &[Vec<f64>]) -> Vec<Vec<f64>> {
    (0..matrix.len())
        .map(|k| matrix.iter().map(|row| row[k]).collect())
        .collect()
}

fn times(a: &[Vec<f64>], b: &[Vec<f64>]) -> Vec<Vec<f64>> {
    a.iter()
        .map(|row| {
            let mut product = vec![0.0; b.len()];
            for (factor, other) in row.iter().zip(b) {
                for (value, from) in product.iter_mut().zip(other) {
                    *value += factor * from;
                }
            }
            product
        })
        .collect()
}
