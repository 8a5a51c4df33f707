//! Several classes at stations of several servers, exactly, by convolution.
//!
//! At a station of `s` servers where the classes need `D_1, D_2, ..` and open classes bring `u` servers' work, the numbers `n_1, n_2, ..` weigh
//! `(n!/(n_1! n_2! ..)) D_1^n_1 D_2^n_2 .. w(n)` with `n = n_1 + n_2 + ..` and
//!
//! ```text
//! n! w(n) = sum over m < s - n of u^m / m!  +  n! (s^(s-n) / s!) (1 - r)^-(n+1) P(Binomial(s, r) >= s - n),      r = u/s
//! ```
//!
//! which for `u = 0` is the product of `1 / min(i, s)` (F. Baskett, K. M. Chandy, R. R. Muntz and F. G. Palacios, 1975). The network's normalising
//! constant is the convolution of all stations' weights (M. Reiser and H. Kobayashi, 1975): positive terms throughout, where mean value analysis
//! of several servers subtracts. Demands are scaled by throughputs from an approximation, so that nothing overflows and what underflows
//! does not count; any scale gives the same result.

use super::approximate::{self, Classes, Figures};
use super::error::NetworkError;
use crate::numeric::binomial;
#[cfg(feature = "libm")]
use crate::numeric::elementary::Elementary as _;
use crate::queueing::ErlangSums;
use crate::queueing::poisson::ln_poisson;
use alloc::vec;
use alloc::vec::Vec;

/// More cells than this (states times arrays) do not fit a usual memory.
const MOST_CELLS: f64 = 5e7;

/// More pairs of states than this take more than a few seconds for each pair of stations with several servers.
const MOST_PAIRS: f64 = 5e8;

/// How a station serves the closed classes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Serves {
    /// No line.
    Delay,
    /// So many servers, of which open classes keep `load` busy.
    Servers { servers: f64, load: f64 },
}

/// What is told of a network.
#[derive(Clone, Debug)]
pub(super) struct Solved {
    pub(super) figures: Figures,
    /// How much longer than its demand an open request stays at each station.
    pub(super) stretches: Vec<f64>,
}

/// The exact solution, for demands by station and class as they are.
pub(super) fn exact(
    stations: &[Serves],
    demands: &[Vec<f64>],
    think_times: &[f64],
    population: &[f64],
) -> Result<Solved, NetworkError> {
    let space = Space::new(population);
    let several: Vec<usize> = (0..stations.len())
        .filter(|&k| matches!(stations[k], Serves::Servers { servers, .. } if servers > 1.0))
        .collect();
    within_limits(population, several.len())?;
    let scale = scales(stations, demands, think_times, population);
    let scaled: Vec<Vec<f64>> = demands
        .iter()
        .map(|row| row.iter().zip(&scale).map(|(d, x)| d * x).collect())
        .collect();
    let pauses: Vec<f64> = think_times.iter().zip(&scale).map(|(z, x)| z * x).collect();
    let base = space.of_the_rest(stations, &scaled, pauses);
    let weights: Vec<Weights> = several
        .iter()
        .map(|&k| match stations[k] {
            Serves::Servers { servers, load } => Weights::new(&space, &scaled[k], servers, load),
            Serves::Delay => unreachable!("only stations of several servers are listed"),
        })
        .collect();
    // All but one of the stations with several servers.
    let others: Vec<Vec<f64>> = (0..several.len())
        .map(|left_out| {
            let mut all = base.clone();
            for (i, weight) in weights.iter().enumerate() {
                if i != left_out {
                    all = space.convolved(&all, &weight.joint);
                }
            }
            all
        })
        .collect();
    let total = space.joined(&weights[0].joint, &others[0], None);
    let fewer = |rest: &[f64], class: usize| space.joined(&weights[0].joint, rest, Some(class));
    let throughputs: Vec<f64> = (0..population.len())
        .map(|class| scale[class] * (fewer(&others[0], class) / total))
        .collect();
    let mut numbers = Vec::with_capacity(stations.len());
    let mut stretches = Vec::with_capacity(stations.len());
    for (k, station) in stations.iter().enumerate() {
        match *station {
            Serves::Delay => {
                let by_class = throughputs.iter().zip(&demands[k]).map(|(x, d)| x * d);
                numbers.push(by_class.collect());
                stretches.push(1.0);
            }
            Serves::Servers { servers: 1.0, load } => {
                let row = left_over(&scaled[k], load);
                let mut twice = others[0].clone();
                space.add_single(&mut twice, &row);
                let by_class: Vec<f64> = (0..population.len())
                    .map(|class| row[class] * (fewer(&twice, class) / total))
                    .collect();
                let present: f64 = by_class.iter().sum();
                stretches.push((1.0 + present) / (1.0 - load));
                numbers.push(by_class);
            }
            Serves::Servers { .. } => {
                let i = several.iter().position(|&s| s == k).unwrap_or(0);
                let (by_class, stretch) = space.at_station(&weights[i], &others[i]);
                numbers.push(by_class);
                stretches.push(stretch);
            }
        }
    }
    Ok(Solved {
        figures: Figures {
            throughputs,
            numbers,
        },
        stretches,
    })
}

/// Refuses what would take too much memory or time, with so many stations of `several` servers.
fn within_limits(population: &[f64], several: usize) -> Result<(), NetworkError> {
    let states = population.iter().map(|n| n + 1.0).product::<f64>();
    let arrays = several as f64 + 3.0;
    let pairs: f64 = population
        .iter()
        .map(|n| 0.5 * (n + 1.0) * (n + 2.0))
        .product();
    if states * arrays > MOST_CELLS || several > 1 && pairs > MOST_PAIRS {
        let most = (MOST_CELLS / arrays).floor();
        let most = if several > 1 {
            most.min(MOST_PAIRS.sqrt().floor())
        } else {
            most
        };
        return Err(NetworkError::TooLarge { states, most });
    }
    Ok(())
}

/// Demands at a single server of which open classes keep `load` busy.
fn left_over(row: &[f64], load: f64) -> Vec<f64> {
    row.iter().map(|d| d / (1.0 - load)).collect()
}

/// Seidmann's transform: a station of `s` servers as one server of `s` times the speed and a delay of the rest. The delays follow the
/// stations, one each.
pub(super) fn seidmann(stations: &[Serves], demands: &[Vec<f64>]) -> (Vec<Vec<f64>>, Vec<bool>) {
    let mut rows = Vec::with_capacity(2 * stations.len());
    let mut lines = Vec::with_capacity(2 * stations.len());
    let mut delays = Vec::with_capacity(stations.len());
    for (station, row) in stations.iter().zip(demands) {
        let (share, left) = match *station {
            Serves::Delay => (1.0, 1.0),
            Serves::Servers { servers, load } => (1.0 / servers, 1.0 - load / servers),
        };
        rows.push(row.iter().map(|d| d * share / left).collect());
        delays.push(row.iter().map(|d| d * (1.0 - share)).collect());
        lines.push(*station != Serves::Delay);
    }
    rows.append(&mut delays);
    lines.resize(rows.len(), false);
    (rows, lines)
}

/// Throughputs near enough to scale by.
fn scales(
    stations: &[Serves],
    demands: &[Vec<f64>],
    think_times: &[f64],
    population: &[f64],
) -> Vec<f64> {
    let (rows, lines) = seidmann(stations, demands);
    let classes = Classes {
        demands: &rows,
        lines: &lines,
        think_times,
    };
    let near = approximate::bard_schweitzer(&classes, population);
    near.throughputs
        .iter()
        .map(|&x| if x > 0.0 { x } else { 1.0 })
        .collect()
}

/// All populations up to one, in mixed radix: the first class changes quickest.
struct Space {
    sizes: Vec<usize>,
    strides: Vec<usize>,
    states: usize,
}

/// The weights of a station with several servers: of every population, and `ln(n! w(n))` by their sum.
struct Weights {
    joint: Vec<f64>,
    ln_speed: Vec<f64>,
}

impl Space {
    fn new(population: &[f64]) -> Self {
        let sizes: Vec<usize> = population.iter().map(|&n| n as usize + 1).collect();
        let mut strides = vec![1; sizes.len()];
        for class in 1..sizes.len() {
            strides[class] = strides[class - 1] * sizes[class - 1];
        }
        let states = sizes.iter().product();
        Self {
            sizes,
            strides,
            states,
        }
    }

    fn digit(&self, state: usize, class: usize) -> usize {
        state / self.strides[class] % self.sizes[class]
    }

    fn sum(&self, state: usize) -> usize {
        (0..self.sizes.len()).map(|c| self.digit(state, c)).sum()
    }

    /// The weights of all delays, those of thinking (`pauses`) included, and all single servers together.
    fn of_the_rest(
        &self,
        stations: &[Serves],
        scaled: &[Vec<f64>],
        mut pauses: Vec<f64>,
    ) -> Vec<f64> {
        for (station, row) in stations.iter().zip(scaled) {
            if *station == Serves::Delay {
                for (pause, demand) in pauses.iter_mut().zip(row) {
                    *pause += demand;
                }
            }
        }
        let mut base = self.poisson(&pauses);
        for (station, row) in stations.iter().zip(scaled) {
            if let Serves::Servers { servers: 1.0, load } = *station {
                let row = left_over(row, load);
                // Scaled to a probability, so that many stations do not overflow.
                let spare = (1.0 - row.iter().sum::<f64>()).max(1e-6);
                base.iter_mut().for_each(|value| *value *= spare);
                self.add_single(&mut base, &row);
            }
        }
        base
    }

    /// The product of Poisson probabilities of the classes' numbers.
    fn poisson(&self, means: &[f64]) -> Vec<f64> {
        let tables: Vec<Vec<f64>> = means
            .iter()
            .zip(&self.sizes)
            .map(|(&mean, &size)| (0..size).map(|n| ln_count(n, mean)).collect())
            .collect();
        (0..self.states)
            .map(|state| {
                let ln = |(class, table): (usize, &Vec<f64>)| table[self.digit(state, class)];
                tables.iter().enumerate().map(ln).sum::<f64>().exp()
            })
            .collect()
    }

    /// One more station with a single server: `G(n) <- G(n) + sum over c of d_c G(n - 1_c)`.
    fn add_single(&self, all: &mut [f64], demands: &[f64]) {
        for state in 0..self.states {
            let mut value = all[state];
            for (class, demand) in demands.iter().enumerate() {
                if self.digit(state, class) > 0 {
                    value += demand * all[state - self.strides[class]];
                }
            }
            all[state] = value;
        }
    }

    fn convolved(&self, one: &[f64], other: &[f64]) -> Vec<f64> {
        let mut all = vec![0.0; self.states];
        let mut here = vec![0; self.sizes.len()];
        for (m, &weight) in other.iter().enumerate() {
            if weight == 0.0 {
                continue;
            }
            let room: Vec<usize> = (0..self.sizes.len())
                .map(|class| self.sizes[class] - self.digit(m, class))
                .collect();
            here.fill(0);
            let mut rest = 0;
            'box_of_rests: loop {
                for (to, from) in all[m + rest..][..room[0]]
                    .iter_mut()
                    .zip(&one[rest..][..room[0]])
                {
                    *to += weight * from;
                }
                let mut class = 1;
                loop {
                    if class == here.len() {
                        break 'box_of_rests;
                    }
                    here[class] += 1;
                    rest += self.strides[class];
                    if here[class] < room[class] {
                        break;
                    }
                    rest -= here[class] * self.strides[class];
                    here[class] = 0;
                    class += 1;
                }
            }
        }
        all
    }

    /// The convolution of both at the whole population, or at one that lacks a request of a class.
    fn joined(&self, one: &[f64], other: &[f64], lacking: Option<usize>) -> f64 {
        let last = self.states - 1;
        match lacking {
            None => one.iter().zip(other.iter().rev()).map(|(x, y)| x * y).sum(),
            Some(class) if self.sizes[class] == 1 => 0.0,
            Some(class) => {
                let whole = last - self.strides[class];
                (0..=whole)
                    .filter(|&m| self.digit(m, class) + 1 < self.sizes[class])
                    .map(|m| one[m] * other[whole - m])
                    .sum()
            }
        }
    }

    /// Mean numbers by class at a station, and the stretch of an open request there.
    fn at_station(&self, weights: &Weights, others: &[f64]) -> (Vec<f64>, f64) {
        let (mut total, mut stretch) = (0.0, 0.0);
        let mut numbers = vec![0.0; self.sizes.len()];
        for (m, &weight) in weights.joint.iter().enumerate() {
            let share = weight * others[self.states - 1 - m];
            if share == 0.0 {
                continue;
            }
            total += share;
            let n = self.sum(m);
            stretch += share * (weights.ln_speed[n + 1] - weights.ln_speed[n]).exp();
            for (class, number) in numbers.iter_mut().enumerate() {
                *number += share * self.digit(m, class) as f64;
            }
        }
        for number in &mut numbers {
            *number /= total;
        }
        (numbers, stretch / total)
    }
}

impl Weights {
    fn new(space: &Space, demands: &[f64], servers: f64, load: f64) -> Self {
        let most = space.sum(space.states - 1);
        let ln_speed: Vec<f64> = (0..most + 2)
            .map(|n| ln_speed(n as f64, servers, load))
            .collect();
        // The classes' Poisson probabilities are the sum's and a multinomial one.
        let joint: Vec<f64> = {
            let tables: Vec<Vec<f64>> = demands
                .iter()
                .zip(&space.sizes)
                .map(|(&mean, &size)| (0..size).map(|n| ln_count(n, mean)).collect())
                .collect();
            (0..space.states)
                .map(|state| {
                    let ln = |(class, table): (usize, &Vec<f64>)| table[space.digit(state, class)];
                    let ln: f64 = tables.iter().enumerate().map(ln).sum();
                    ln + ln_speed[space.sum(state)]
                })
                .collect()
        };
        let largest = joint.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Self {
            joint: joint.into_iter().map(|ln| (ln - largest).exp()).collect(),
            ln_speed,
        }
    }
}

/// `ln` of the Poisson probability of `n`.
fn ln_count(n: usize, mean: f64) -> f64 {
    match n {
        0 => -mean,
        _ if mean == 0.0 => f64::NEG_INFINITY,
        n => ln_poisson(n as f64, mean, n as f64 - mean),
    }
}

/// `ln(n! w(n))`.
fn ln_speed(n: f64, servers: f64, load: f64) -> f64 {
    let s = servers;
    let left = (s - load) / s;
    // n! s^(s - n) / s!, by way of Poisson probabilities at s.
    let waiting = ln_poisson(s, s, 0.0) - ln_count(n as usize, s) - (n + 1.0) * left.ln();
    if n >= s {
        return waiting;
    }
    if load == 0.0 {
        return 0.0;
    }
    let places = s - n;
    let free = load + ErlangSums::new(places, load, places - load).ln_gamma_q();
    let full = waiting + binomial::split(places, s, load / s, left).1.ln();
    free.max(full) + (-(free - full).abs()).exp().ln_1p()
}
