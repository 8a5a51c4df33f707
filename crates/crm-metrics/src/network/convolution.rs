//! The exact solution of a closed network with one class, by a convolution of probabilities.
//!
//! The textbook's normalising constant `G(N)` overflows, its mean values for several servers cancel to negative probabilities. Both are avoided by a
//! change of measure: with the throughput `theta` at which an open network of the same stations would hold `N` requests on
//! average, every station's weights become the distribution of its number, and `G(N)` the probability that these add up to `N`. All terms are positive, all
//! lie between zero and one, what underflows is too small to matter, and `X(N) = theta G(N-1) / G(N)`.
//!
//! One server costs one multiplication per population (Buzen 1973). Several servers have a generating function with a short
//! polynomial of positive coefficients over `1 - z D / c`, and cost about `c` (at most some `27 sqrt(D X)`) per population, once
//! on the way there, and twice on the way back, which leads past each station's own number: what is left of it is what the other stations hold.

use super::station::{Kind, Station};
#[cfg(feature = "libm")]
use crate::numeric::elementary::Elementary as _;
use crate::queueing::poisson::ln_poisson;
use alloc::vec;
use alloc::vec::Vec;

/// Probabilities below this one cannot change any digit of the result.
const NEGLIGIBLE: f64 = 1e-40;

/// Stations with one server that are added together.
const LANES: usize = 16;

/// What the convolution tells of a network with `N` requests.
#[derive(Debug)]
pub(super) struct Convolved {
    pub(super) throughput: f64,
    pub(super) ln_normalising_constant: f64,
    /// Utilisation and residence time of each station.
    pub(super) stations: Vec<(f64, f64)>,
}

/// The distribution of the number at some of the stations, as far as `N`, with the logarithm of what it was divided by.
#[derive(Clone, Debug)]
struct Partial {
    probabilities: Vec<f64>,
    ln_scale: f64,
}

/// The probabilities of the numbers at one station: the power series of a polynomial over `1 - ratio z`.
#[derive(Clone, Debug)]
struct Factor {
    numerator: Vec<f64>,
    ratio: f64,
    ln_scale: f64,
}

/// One station in the changed measure.
struct Tilted<'a> {
    station: &'a Station,
    /// `theta D`.
    load: f64,
}

/// Solves the network for a population of at least one. Some demand or the think time is above zero.
pub(super) fn solve(stations: &[Station], think_time: f64, population: u32) -> Convolved {
    let theta = tilt(stations, think_time, population);
    let tilted: Vec<Tilted<'_>> = stations
        .iter()
        .map(|station| Tilted {
            station,
            load: theta * station.demand(),
        })
        .collect();
    let n = population as usize;
    let (simple, complex): (Vec<usize>, Vec<usize>) =
        (0..stations.len()).partition(|&k| tilted[k].is_simple());
    let without_line: f64 = tilted
        .iter()
        .filter(|tilted| matches!(tilted.station.kind, Kind::Delay))
        .map(|tilted| tilted.load)
        .sum();
    let mut base = Partial::poisson(theta * think_time + without_line, n);
    let lines: Vec<f64> = simple
        .iter()
        .filter(|&&k| !matches!(stations[k].kind, Kind::Delay))
        .map(|&k| tilted[k].load)
        .collect();
    base.add_queues(&lines);
    // One of the others after the other; what stands there on the way is met once more from the other end.
    let factors: Vec<Factor> = complex.iter().map(|&k| tilted[k].factor(n)).collect();
    let mut before = Vec::with_capacity(factors.len());
    let mut whole = base;
    for factor in &factors {
        let more = whole.with(factor);
        before.push(core::mem::replace(&mut whole, more));
    }
    let at = whole.probabilities[n];
    let throughput = theta * (whole.probabilities[n - 1] / at);
    let mut numbers = vec![None; stations.len()];
    let mut after = vec![0.0; n + 1];
    after[0] = 1.0;
    for ((&k, factor), before) in complex.iter().zip(&factors).zip(&before).rev() {
        let meets = |after: &[f64]| {
            let products = before.probabilities.iter().zip(after.iter().rev());
            products.map(|(a, b)| a * b).sum::<f64>() / at
        };
        let busy = match stations[k].kind {
            Kind::Servers(servers) => throughput * stations[k].demand() / f64::from(servers),
            _ => meets(&factor.busy().times(&after)),
        };
        let next = factor.times(&after);
        numbers[k] = Some((busy, meets(&factor.weighed(&after, &next))));
        after = next;
    }
    let mut others = others(&whole.probabilities[..n], &lines).into_iter();
    let figures = stations
        .iter()
        .enumerate()
        .map(|(k, station)| {
            let demand = station.demand();
            match (&station.kind, numbers[k]) {
                (_, Some((utilisation, number))) => {
                    // A number may underflow where the time that it stands for does not.
                    let residence = if tilted[k].load < 1e-200 {
                        demand
                    } else {
                        number / throughput
                    };
                    (utilisation, residence)
                }
                (Kind::Delay, None) => (throughput * demand, demand),
                (_, None) => {
                    let sum = others.next().expect("there is one for each line");
                    let residence = demand * (sum / whole.probabilities[n - 1]);
                    (throughput * demand, residence)
                }
            }
        })
        .collect();
    Convolved {
        throughput,
        ln_normalising_constant: at.ln() + whole.ln_scale - f64::from(population) * theta.ln(),
        stations: figures,
    }
}

/// The distribution of the number at station `k` with `N` requests in the network.
pub(super) fn distribution(
    stations: &[Station],
    think_time: f64,
    population: u32,
    k: usize,
) -> Vec<f64> {
    let theta = tilt(stations, think_time, population);
    let n = population as usize;
    let (mut without_line, mut lines, mut factors) = (theta * think_time, Vec::new(), Vec::new());
    for (other, station) in stations.iter().enumerate() {
        let load = theta * station.demand();
        match station.kind {
            _ if other == k => {}
            Kind::Delay => without_line += load,
            Kind::Servers(1) => lines.push(load),
            _ => factors.push(Tilted { station, load }.factor(n)),
        }
    }
    let mut rest = Partial::poisson(without_line, n);
    rest.add_queues(&lines);
    for factor in &factors {
        rest = rest.with(factor);
    }
    let (here, _) = Tilted {
        station: &stations[k],
        load: theta * stations[k].demand(),
    }
    .weights(n);
    let mut joint: Vec<f64> = here
        .iter()
        .zip(rest.probabilities.iter().rev())
        .map(|(a, b)| a * b)
        .collect();
    let total: f64 = joint.iter().sum();
    for p in &mut joint {
        *p /= total;
    }
    joint
}

/// The throughput at which an open network would hold `population` requests on average.
fn tilt(stations: &[Station], think_time: f64, population: u32) -> f64 {
    let n = f64::from(population);
    let mean = |theta: f64| -> f64 {
        let lines: f64 = stations
            .iter()
            .map(|station| station.mean_number(theta * station.demand()))
            .sum();
        theta * think_time + lines
    };
    let limit = stations
        .iter()
        .map(|station| station.capacity() / station.demand())
        .fold(f64::INFINITY, f64::min);
    let longest = stations
        .iter()
        .map(Station::demand)
        .fold(think_time, f64::max);
    // Where all stand in one line, and where nobody waits.
    let mut high = limit.min(2.0 * n / longest);
    while high < limit && mean(high) < n {
        high = (2.0 * high).min(limit);
    }
    let mut low = high;
    while mean(low) > n {
        low *= 0.5;
    }
    for _ in 0..64 {
        let middle = 0.5 * (low + high);
        let here = mean(middle);
        // A small part of any standard deviation: the middle of the distribution need not be met exactly.
        if (here - n).abs() < 0.1 * n.sqrt() {
            return middle;
        }
        if here > n {
            high = middle;
        } else {
            low = middle;
        }
    }
    low
}

impl Partial {
    /// A Poisson distribution: all stations without a line together.
    fn poisson(mean: f64, n: usize) -> Self {
        let mut probabilities = vec![0.0; n + 1];
        if mean == 0.0 {
            probabilities[0] = 1.0;
            return Self {
                probabilities,
                ln_scale: 0.0,
            };
        }
        let mode = (mean.floor() as usize).min(n);
        probabilities[mode] = ln_poisson(mode as f64, mean, mode as f64 - mean).exp();
        for k in mode..n {
            probabilities[k + 1] = probabilities[k] * (mean / (k + 1) as f64);
        }
        for k in (0..mode).rev() {
            probabilities[k] = probabilities[k + 1] * ((k + 1) as f64 / mean);
        }
        Self {
            probabilities,
            ln_scale: mean,
        }
    }

    /// Adds stations with one server each.
    ///
    /// For each, `p_n` becomes `idle p_n + load p_(n-1)`, and waits for the one before. So some go through the list together, each one place
    /// behind the one before it: what they do at a time does not depend on each other.
    fn add_queues(&mut self, loads: &[f64]) {
        let size = self.probabilities.len();
        for group in loads.chunks(LANES) {
            // A load of zero changes nothing.
            let mut load = [0.0; LANES];
            load[..group.len()].copy_from_slice(group);
            let idle = load.map(|load| 1.0 - load);
            let mut last = [0.0; LANES];
            for place in 0..size + LANES - 1 {
                let mut next = [0.0; LANES];
                next[0] = self.probabilities.get(place).copied().unwrap_or(0.0);
                next[1..].copy_from_slice(&last[..LANES - 1]);
                for lane in 0..LANES {
                    next[lane] = idle[lane] * next[lane] + load[lane] * last[lane];
                }
                last = next;
                if place >= LANES - 1 {
                    self.probabilities[place - (LANES - 1)] = last[LANES - 1];
                }
            }
            self.ln_scale -= idle.iter().map(|idle| idle.ln()).sum::<f64>();
        }
    }

    /// Together with a station of any kind.
    fn with(&self, factor: &Factor) -> Self {
        Self {
            probabilities: factor.times(&self.probabilities),
            ln_scale: self.ln_scale + factor.ln_scale,
        }
    }
}

impl Factor {
    /// So that all coefficients together are one.
    fn scaled(mut numerator: Vec<f64>, ratio: f64, ln_divided: f64) -> Self {
        let sum = numerator.iter().sum::<f64>() / (1.0 - ratio);
        for a in &mut numerator {
            *a /= sum;
        }
        Self {
            numerator,
            ratio,
            ln_scale: sum.ln() + ln_divided,
        }
    }

    /// The product with a power series, as far as that goes.
    fn times(&self, series: &[f64]) -> Vec<f64> {
        let mut product = multiply(&self.numerator, series);
        divide(&mut product, self.ratio);
        product
    }

    /// The product with a power series when each coefficient here is taken as many times as its power says; `times` is the product itself.
    ///
    /// That is `z f' = (z a' + ratio z f) / (1 - ratio z)` for `f = a / (1 - ratio z)`.
    fn weighed(&self, series: &[f64], times: &[f64]) -> Vec<f64> {
        let numerator: Vec<f64> = (0..)
            .zip(&self.numerator)
            .map(|(j, a)| f64::from(j) * a)
            .collect();
        let mut product = multiply(&numerator, series);
        for (cell, before) in product[1..].iter_mut().zip(times) {
            *cell += self.ratio * before;
        }
        divide(&mut product, self.ratio);
        product
    }

    /// All but the constant coefficient.
    fn busy(&self) -> Self {
        let mut numerator = self.numerator.clone();
        if let [first, second, ..] = &mut numerator[..] {
            *second += self.ratio * *first;
        } else {
            numerator.push(self.ratio * numerator[0]);
        }
        numerator[0] = 0.0;
        Self { numerator, ..*self }
    }
}

/// The product of two power series, as far as the second goes.
fn multiply(short: &[f64], series: &[f64]) -> Vec<f64> {
    /// Results that stay in the fastest memory while all terms of the shorter series are added to them.
    const BLOCK: usize = 512;
    let mut product = vec![0.0; series.len()];
    let (first, last) = support(short);
    // Probabilities, of which the largest need not be looked for.
    let (from, to) = above(series, 1e-10 * NEGLIGIBLE);
    for (block, cells) in product.chunks_mut(BLOCK).enumerate() {
        let begin = block * BLOCK;
        for (j, q) in short[..last].iter().enumerate().skip(first) {
            // Cell `begin + i` gets `q` times the element `begin + i - j`.
            let low = (from + j).max(begin);
            let high = (to + j).min(begin + cells.len());
            if low < high {
                let terms = &series[low - j..high - j];
                for (cell, p) in cells[low - begin..high - begin].iter_mut().zip(terms) {
                    *cell += q * p;
                }
            }
        }
    }
    product
}

/// Divides a power series by `1 - ratio z`: each coefficient gets `ratio` times the one before.
fn divide(series: &mut [f64], ratio: f64) {
    if ratio == 0.0 {
        return;
    }
    let square = ratio * ratio;
    let powers = [ratio, square, square * ratio, square * square];
    let mut last = 0.0;
    let mut fours = series.chunks_exact_mut(4);
    for four in &mut fours {
        // What does not wait for the last four first.
        let one = four[0];
        let two = four[1] + ratio * one;
        let three = four[2] + ratio * two;
        let all = four[3] + ratio * three;
        let own = [one, two, three, all];
        for ((cell, own), power) in four.iter_mut().zip(own).zip(powers) {
            *cell = own + power * last;
        }
        last = four[3];
    }
    for cell in fours.into_remainder() {
        *cell += ratio * last;
        last = *cell;
    }
}

/// For each load the sum of `load^j` times the probability of `n - 1 - j` elsewhere: of the probabilities of at least `j` at that station
/// with `n - 1` present, relative to that of all being there.
fn others(probabilities: &[f64], loads: &[f64]) -> Vec<f64> {
    let mut sums = Vec::with_capacity(loads.len());
    for group in loads.chunks(LANES) {
        let mut load = [0.0; LANES];
        load[..group.len()].copy_from_slice(group);
        let mut sum = [0.0; LANES];
        for p in probabilities {
            for lane in 0..LANES {
                sum[lane] = load[lane] * sum[lane] + p;
            }
        }
        sums.extend_from_slice(&sum[..group.len()]);
    }
    sums
}

/// The range outside which all values are negligible beside the largest.
fn support(values: &[f64]) -> (usize, usize) {
    above(
        values,
        NEGLIGIBLE * values.iter().copied().fold(0.0, f64::max),
    )
}

/// The range outside which no value is above `least`.
fn above(values: &[f64], least: f64) -> (usize, usize) {
    let counts = |value: &f64| *value > least;
    let first = values.iter().position(counts).unwrap_or(0);
    let last = values.iter().rposition(counts).map_or(0, |last| last + 1);
    (first, last)
}

impl Tilted<'_> {
    fn is_simple(&self) -> bool {
        matches!(self.station.kind, Kind::Delay | Kind::Servers(1))
    }

    /// The speed with `k` requests present, relative to one.
    fn speed(&self, k: usize) -> f64 {
        match &self.station.kind {
            Kind::Servers(servers) => k.min(*servers as usize) as f64,
            Kind::Delay => k as f64,
            Kind::Speeds(speeds) => speeds[k.min(speeds.len()) - 1],
        }
    }

    /// The weights of `0 ... n` requests here, and the logarithm of a factor that they have all been divided by.
    fn weights(&self, n: usize) -> (Vec<f64>, f64) {
        let mut ln_scale = 0.0;
        let mut weights = Vec::with_capacity(n + 1);
        weights.push(1.0);
        for k in 1..=n {
            let mut next = weights[k - 1] * (self.load / self.speed(k));
            if next > 1e200 {
                for weight in &mut weights {
                    *weight *= 1e-200;
                }
                next *= 1e-200;
                ln_scale += 200.0 * core::f64::consts::LN_10;
            }
            weights.push(next);
        }
        (weights, ln_scale)
    }

    /// The generating function of the weights up to `n`, as a polynomial over `1 - ratio z`, and the logarithm of what it was divided by.
    ///
    /// Where the speed never exceeds the last one, the coefficients `w_k (1 - speed_k / last)` are positive, and end where the last speed is reached.
    fn factor(&self, n: usize) -> Factor {
        let (reached, last) = match &self.station.kind {
            Kind::Servers(servers) => (*servers as usize, f64::from(*servers)),
            Kind::Speeds(speeds) => (speeds.len(), speeds[speeds.len() - 1]),
            Kind::Delay => (usize::MAX, f64::INFINITY),
        };
        let short = reached <= n && (1..reached).all(|k| self.speed(k) <= last);
        if !short {
            let (weights, ln_scale) = self.weights(n);
            return Factor::scaled(weights, 0.0, ln_scale);
        }
        let (mut weights, ln_scale) = self.weights(reached - 1);
        for (k, weight) in weights.iter_mut().enumerate().skip(1) {
            *weight *= (last - self.speed(k)) / last;
        }
        Factor::scaled(weights, self.load / last, ln_scale)
    }
}
