//! The exact solution of a closed network with one class, by a convolution of probabilities.
//!
//! The textbook's normalising constant `G(N)` overflows, its mean values for several servers cancel to negative probabilities. Both are avoided by a
//! change of measure: with the throughput `theta` at which an open network of the same stations would hold `N` requests on
//! average, every station's weights become the distribution of its number, and `G(N)` the probability that these add up to `N`. All terms are positive, all
//! lie between zero and one, what underflows is too small to matter, and `X(N) = theta G(N-1) / G(N)`.
//!
//! One server costs one multiplication per population (Buzen 1973). Several servers have a generating function with a short
//! polynomial of positive coefficients over `1 - z D / c`, and cost about `c` (at most some `27 sqrt(D X)`) per population.

use super::station::{Kind, Station};
use crate::queueing::poisson::ln_poisson;

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
    // What the network without each of the others looks like, every addition shared by half of them.
    let mut without: Vec<Option<Partial>> = stations.iter().map(|_| None).collect();
    let whole = if let Some(&first) = complex.first() {
        leave_one_out(base, &complex, &tilted, &mut without);
        let mut whole = without[first].clone().expect("it was left out once");
        whole.add(&tilted[first]);
        whole
    } else {
        base
    };
    let at = whole.probabilities[n];
    let throughput = theta * (whole.probabilities[n - 1] / at);
    let mut others = others(&whole.probabilities[..n], &lines).into_iter();
    let figures = stations
        .iter()
        .enumerate()
        .map(|(k, station)| {
            let demand = station.demand();
            match (&station.kind, &without[k]) {
                (_, Some(rest)) => {
                    let (busy, number) = tilted[k].mean_with(rest);
                    let utilisation = match station.kind {
                        Kind::Servers(servers) => throughput * demand / f64::from(servers),
                        _ => busy,
                    };
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
    let mut rest = Partial::poisson(theta * think_time, n);
    for (other, station) in stations.iter().enumerate() {
        if other != k {
            let load = theta * station.demand();
            rest.add(&Tilted { station, load });
        }
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
        if mean(middle) > n {
            high = middle;
        } else {
            low = middle;
        }
    }
    low
}

/// Fills `without[k]` with everything in `have` and `open` but station `k`, for each `k` in `open`.
fn leave_one_out(
    have: Partial,
    open: &[usize],
    tilted: &[Tilted<'_>],
    without: &mut [Option<Partial>],
) {
    if let [only] = open {
        without[*only] = Some(have);
        return;
    }
    let (left, right) = open.split_at(open.len() / 2);
    let mut with_left = have.clone();
    for &k in left {
        with_left.add(&tilted[k]);
    }
    leave_one_out(with_left, right, tilted, without);
    let mut with_right = have;
    for &k in right {
        with_right.add(&tilted[k]);
    }
    leave_one_out(with_right, left, tilted, without);
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

    /// Adds a station of any kind.
    fn add(&mut self, tilted: &Tilted<'_>) {
        let n = self.probabilities.len() - 1;
        match &tilted.station.kind {
            Kind::Servers(1) => self.add_queues(&[tilted.load]),
            Kind::Delay => {
                let other = Self::poisson(tilted.load, n);
                self.ln_scale += other.ln_scale;
                self.convolve(&other.probabilities, 0.0);
            }
            _ => {
                let (numerator, ratio, ln_divided) = tilted.generating_function(n);
                let sum = numerator.iter().sum::<f64>() / (1.0 - ratio);
                let scaled: Vec<f64> = numerator.iter().map(|p| p / sum).collect();
                self.ln_scale += sum.ln() + ln_divided;
                self.convolve(&scaled, ratio);
            }
        }
    }

    /// Multiplies the generating function by that of `numerator`, over `1 - ratio z`.
    fn convolve(&mut self, numerator: &[f64], ratio: f64) {
        let size = self.probabilities.len();
        let mut result = vec![0.0; size];
        let (first, last) = support(numerator);
        let (from, to) = support(&self.probabilities);
        let short = &numerator[first..last];
        for (k, &p) in self.probabilities[..to].iter().enumerate().skip(from) {
            if k + first >= size {
                break;
            }
            for (cell, q) in result[k + first..].iter_mut().zip(short) {
                *cell += p * q;
            }
        }
        if ratio > 0.0 {
            let mut last = 0.0;
            for cell in &mut result {
                last = *cell + ratio * last;
                *cell = last;
            }
        }
        self.probabilities = result;
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
    let least = NEGLIGIBLE * values.iter().copied().fold(0.0, f64::max);
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
                ln_scale += 200.0 * std::f64::consts::LN_10;
            }
            weights.push(next);
        }
        (weights, ln_scale)
    }

    /// The generating function of the weights up to `n`, as a polynomial over `1 - ratio z`, and the logarithm of what it was divided by.
    ///
    /// Where the speed never exceeds the last one, the coefficients `w_k (1 - speed_k / last)` are positive, and end where the last speed is reached.
    fn generating_function(&self, n: usize) -> (Vec<f64>, f64, f64) {
        let (reached, last) = match &self.station.kind {
            Kind::Servers(servers) => (*servers as usize, f64::from(*servers)),
            Kind::Speeds(speeds) => (speeds.len(), speeds[speeds.len() - 1]),
            Kind::Delay => (usize::MAX, f64::INFINITY),
        };
        let short = reached <= n && (1..reached).all(|k| self.speed(k) <= last);
        if !short {
            let (weights, ln_scale) = self.weights(n);
            return (weights, 0.0, ln_scale);
        }
        let (mut weights, ln_scale) = self.weights(reached - 1);
        for (k, weight) in weights.iter_mut().enumerate().skip(1) {
            *weight *= (last - self.speed(k)) / last;
        }
        (weights, self.load / last, ln_scale)
    }

    /// The probability of anybody here and the mean number, given the rest of the network.
    fn mean_with(&self, rest: &Partial) -> (f64, f64) {
        let n = rest.probabilities.len() - 1;
        let (weights, _) = self.weights(n);
        let (mut total, mut busy, mut first) = (0.0, 0.0, 0.0);
        for (k, (weight, p)) in weights
            .iter()
            .zip(rest.probabilities.iter().rev())
            .enumerate()
        {
            let joint = weight * p;
            total += joint;
            if k > 0 {
                busy += joint;
                first += k as f64 * joint;
            }
        }
        (busy / total, first / total)
    }
}
