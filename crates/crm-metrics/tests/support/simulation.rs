//! A simulation of G/G/c/K with abandonment, and of servers with priorities, sharing or several queues: an oracle that knows
//! no formula.
//!
//! A line a model: `Line::new(arrivals, service, c).run(SEED).agrees(&[("Wq", model.mean_waiting_time())])`. Seeds are fixed, and
//! `agrees` allows five standard errors of the batch means, so that a test either always passes or never does.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

const BATCHES: usize = 40;

/// How many standard errors a figure may be off.
const SIGMAS: f64 = 5.0;

/// A standard error beyond this share of the figure tells too little.
const COARSEST: f64 = 0.08;

/// `SplitMix64` (G. L. Steele, D. Lea and C. H. Flood 2014): small, seeded, and good enough for means.
#[derive(Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Uniform between zero and one, both excluded.
    fn share(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (((z ^ (z >> 31)) >> 12) as f64 + 0.5) / 2.0_f64.powi(52)
    }
}

/// The distribution of a time.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Law {
    Constant(f64),
    /// By its mean.
    Exponential(f64),
    /// Stages and mean.
    Erlang(u32, f64),
    /// The first mean with that probability, else the second.
    Hyperexponential(f64, f64, f64),
    Uniform(f64, f64),
}

impl Law {
    pub(crate) fn draw(self, random: &mut Random) -> f64 {
        match self {
            Self::Constant(value) => value,
            Self::Exponential(mean) => -mean * random.share().ln(),
            Self::Erlang(stages, mean) => {
                let mean = mean / f64::from(stages);
                (0..stages).map(|_| -mean * random.share().ln()).sum()
            }
            Self::Hyperexponential(p, first, second) => {
                let mean = if random.share() < p { first } else { second };
                -mean * random.share().ln()
            }
            Self::Uniform(least, most) => least + (most - least) * random.share(),
        }
    }

    pub(crate) fn mean(self) -> f64 {
        self.moments().0
    }

    /// The variance over the squared mean.
    pub(crate) fn variation(self) -> f64 {
        let (first, second, _) = self.moments();
        second / first / first - 1.0
    }

    /// The first three moments.
    pub(crate) fn moments(self) -> (f64, f64, f64) {
        match self {
            Self::Constant(x) => (x, x * x, x * x * x),
            Self::Exponential(m) => (m, 2.0 * m * m, 6.0 * m * m * m),
            Self::Erlang(stages, m) => {
                let k = f64::from(stages);
                let second = m * m * (1.0 + 1.0 / k);
                (m, second, second * m * (1.0 + 2.0 / k))
            }
            Self::Hyperexponential(p, a, b) => {
                let mix = |n: i32| p * a.powi(n) + (1.0 - p) * b.powi(n);
                (mix(1), 2.0 * mix(2), 6.0 * mix(3))
            }
            Self::Uniform(a, b) => {
                let moment =
                    |n: i32| (b.powi(n + 1) - a.powi(n + 1)) / (f64::from(n + 1) * (b - a));
                (moment(1), moment(2), moment(3))
            }
        }
    }
}

/// What a simulation found: the mean of each figure in each batch.
#[derive(Debug, Default)]
pub(crate) struct Figures(Vec<(String, Vec<f64>)>);

impl Figures {
    fn add(&mut self, name: &str, value: f64) {
        match self.0.iter_mut().find(|(other, _)| other == name) {
            Some((_, values)) => values.push(value),
            None => self.0.push((name.to_owned(), vec![value])),
        }
    }

    /// The mean of a figure and its standard error.
    pub(crate) fn estimate(&self, name: &str) -> (f64, f64) {
        let found = self.0.iter().find(|(other, _)| other == name);
        let values = &found.unwrap_or_else(|| panic!("no figure {name}")).1;
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let square: f64 = values.iter().map(|x| (x - mean) * (x - mean)).sum();
        (mean, (square / (n - 1.0) / n).sqrt())
    }

    /// Asserts that each value named is within its interval, and the interval narrow enough to tell something.
    #[track_caller]
    pub(crate) fn agrees(&self, expected: &[(&str, f64)]) {
        for &(name, value) in expected {
            let (mean, error) = self.estimate(name);
            assert!(
                error <= COARSEST * mean.abs(),
                "{name}: {mean} is only known to {error}"
            );
            assert!(
                (mean - value).abs() <= SIGMAS * error + 1e-12 * mean.abs(),
                "{name}: {value} instead of {mean}, {:.1} standard errors off",
                (mean - value) / error
            );
        }
    }
}

/// A time in a heap; it is never NaN.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Time(f64);

impl Eq for Time {}

impl PartialOrd for Time {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Time {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// G/G/c/K with abandonment: one line before `servers`, in order of arrival.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    arrivals: Law,
    service: Law,
    servers: u32,
    patience: Option<Law>,
    room: usize,
    times: Vec<f64>,
    customers: usize,
}

impl Line {
    pub(crate) fn new(arrivals: Law, service: Law, servers: u32) -> Self {
        Self {
            arrivals,
            service,
            servers,
            patience: None,
            room: usize::MAX,
            times: Vec::new(),
            customers: 400_000,
        }
    }

    /// Who has not begun service after so long leaves.
    pub(crate) fn patience(self, patience: Law) -> Self {
        Self {
            patience: Some(patience),
            ..self
        }
    }

    /// So many places, in service and in line together; who finds none is turned away.
    pub(crate) fn room(self, room: usize) -> Self {
        Self { room, ..self }
    }

    /// Counts those who wait longer than each time: figures `P(Wq>0)`, `P(Wq>1.5)` and so on, and `P(W>1.5)`.
    pub(crate) fn times(self, times: &[f64]) -> Self {
        Self {
            times: times.to_vec(),
            ..self
        }
    }

    /// Figures of those who are let in: `Wq`, `Wq^2`, `W`, `W^2`, `P(Wq>t)`, `P(W>t)`, `P(wait)`, `P(abandon)`; of all: `P(blocked)`; over time: `L`, `Lq`,
    /// `busy` (servers), `throughput`; as arrivals find it: `P(n=0)`.
    ///
    /// With abandonment `Wq` is the time in line, whether it ends with service or not, and `W` ends likewise.
    pub(crate) fn run(&self, seed: u64) -> Figures {
        let random = &mut Random::new(seed);
        // When each server is free, and when each customer leaves.
        let mut free: BinaryHeap<_> = (0..self.servers).map(|_| Reverse(Time(0.0))).collect();
        let mut leaving = BinaryHeap::new();
        let mut figures = Figures::default();
        let mut now = 0.0;
        let batch = self.customers / BATCHES;
        // The first batch only fills the system.
        for number in 0..=BATCHES {
            let begin = now;
            let mut sums = [0.0; 9];
            let mut later = vec![(0.0, 0.0); self.times.len()];
            for _ in 0..batch {
                now += self.arrivals.draw(random);
                while leaving
                    .peek()
                    .is_some_and(|&Reverse(Time(time))| time <= now)
                {
                    leaving.pop();
                }
                if leaving.len() >= self.room {
                    sums[0] += 1.0;
                    continue;
                }
                if leaving.is_empty() {
                    sums[8] += 1.0;
                }
                let Reverse(Time(first)) = *free.peek().expect("there is a server");
                let offered = (first - now).max(0.0);
                let patience = self.patience.map_or(f64::INFINITY, |law| law.draw(random));
                let wait = offered.min(patience);
                let mut response = wait;
                if patience < offered {
                    sums[1] += 1.0;
                } else {
                    let service = self.service.draw(random);
                    response += service;
                    free.pop();
                    free.push(Reverse(Time(now + response)));
                    sums[6] += service;
                }
                leaving.push(Reverse(Time(now + response)));
                sums[2] += wait;
                sums[3] += wait * wait;
                sums[4] += response;
                sums[5] += response * response;
                sums[7] += f64::from(u8::from(offered > 0.0));
                for (counts, &time) in later.iter_mut().zip(&self.times) {
                    counts.0 += f64::from(u8::from(wait > time));
                    counts.1 += f64::from(u8::from(response > time));
                }
            }
            if number == 0 {
                continue;
            }
            let span = now - begin;
            let [
                blocked,
                abandoned,
                wait,
                square,
                response,
                response_square,
                work,
                waited,
                empty,
            ] = sums;
            let entered = batch as f64 - blocked;
            figures.add("P(blocked)", blocked / batch as f64);
            figures.add("P(n=0)", empty / batch as f64);
            figures.add("throughput", (entered - abandoned) / span);
            figures.add("L", response / span);
            figures.add("Lq", wait / span);
            figures.add("busy", work / span);
            for (name, sum) in [
                ("P(abandon)", abandoned),
                ("P(wait)", waited),
                ("Wq", wait),
                ("Wq^2", square),
                ("W", response),
                ("W^2", response_square),
            ] {
                figures.add(name, sum / entered);
            }
            for (counts, time) in later.iter().zip(&self.times) {
                figures.add(&format!("P(Wq>{time})"), counts.0 / entered);
                figures.add(&format!("P(W>{time})"), counts.1 / entered);
            }
        }
        figures
    }
}

/// One server that shares its speed among all present: figures `W`, `W^2` and `L`.
pub(crate) fn shared(arrivals: Law, service: Law, seed: u64) -> Figures {
    let random = &mut Random::new(seed);
    let batch = 10_000;
    let mut figures = Figures::default();
    // Everybody present has received `received` more than when he came, so that the order of leaving is that of `received` plus service.
    let mut present: BinaryHeap<Reverse<(Time, Time)>> = BinaryHeap::new();
    let (mut now, mut received) = (0.0, 0.0);
    let mut next = arrivals.draw(random);
    for number in 0..=BATCHES {
        let begin = now;
        let (mut first, mut second) = (0.0, 0.0);
        let mut left = 0;
        while left < batch {
            let count = present.len() as f64;
            let done = present
                .peek()
                .map_or(f64::INFINITY, |&Reverse((Time(end), _))| {
                    now + (end - received) * count
                });
            let then = done.min(next);
            if !present.is_empty() {
                received += (then - now) / count;
            }
            now = then;
            if done <= next {
                let Reverse((_, Time(came))) = present.pop().expect("somebody is present");
                let response: f64 = now - came;
                first += response;
                second += response * response;
                left += 1;
            } else {
                present.push(Reverse((Time(received + service.draw(random)), Time(now))));
                next = now + arrivals.draw(random);
            }
        }
        if number > 0 {
            figures.add("W", first / f64::from(batch));
            figures.add("W^2", second / f64::from(batch));
            figures.add("L", first / (now - begin));
        }
    }
    figures
}

/// Random arrivals in classes, each with its rate and law of service, at `servers`: figures `W0`, `W1` and so on, the response time of
/// each class.
pub(crate) fn prioritised(
    classes: &[(f64, Law)],
    servers: usize,
    preemptive: bool,
    seed: u64,
) -> Figures {
    struct Customer {
        class: usize,
        came: f64,
        left: f64,
    }
    let random = &mut Random::new(seed);
    let total: f64 = classes.iter().map(|(rate, _)| rate).sum();
    let gap = Law::Exponential(1.0 / total);
    let mut lines: Vec<VecDeque<Customer>> = classes.iter().map(|_| VecDeque::new()).collect();
    let mut serving: Vec<Customer> = Vec::new();
    let mut now = 0.0;
    let mut next = gap.draw(random);
    let mut figures = Figures::default();
    for number in 0..=BATCHES {
        let mut sums = vec![(0.0, 0.0); classes.len()];
        let mut departed = 0;
        while departed < 10_000 {
            let soonest =
                (0..serving.len()).min_by(|&a, &b| serving[a].left.total_cmp(&serving[b].left));
            let done = soonest.map_or(f64::INFINITY, |i| now + serving[i].left);
            let then = done.min(next);
            for customer in &mut serving {
                customer.left -= then - now;
            }
            now = then;
            if let (true, Some(i)) = (done <= next, soonest) {
                let customer = serving.swap_remove(i);
                sums[customer.class].0 += now - customer.came;
                sums[customer.class].1 += 1.0;
                departed += 1;
            } else {
                let mut pick = random.share() * total;
                let class = classes.iter().position(|(rate, _)| {
                    pick -= rate;
                    pick < 0.0
                });
                let class = class.unwrap_or(classes.len() - 1);
                let left = classes[class].1.draw(random);
                lines[class].push_back(Customer {
                    class,
                    came: now,
                    left,
                });
                next = now + gap.draw(random);
                let least = (0..serving.len()).max_by_key(|&i| serving[i].class);
                if let Some(i) = least
                    .filter(|&i| preemptive && serving.len() == servers && serving[i].class > class)
                {
                    let interrupted = serving.swap_remove(i);
                    lines[interrupted.class].push_front(interrupted);
                }
            }
            while serving.len() < servers {
                let Some(customer) = lines.iter_mut().find_map(VecDeque::pop_front) else {
                    break;
                };
                serving.push(customer);
            }
        }
        if number > 0 {
            for (class, (sum, count)) in sums.iter().enumerate() {
                figures.add(&format!("W{class}"), sum / count);
            }
        }
    }
    figures
}

/// How long a server stays at a queue.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Visit {
    Exhaustive,
    Gated,
    One,
}

/// A server that goes round queues, each with the rate of its random arrivals, its law of service and that of the walk to the next:
/// figures `Wq0`, `Wq1` and so on.
pub(crate) fn polled(queues: &[(f64, Law, Law)], visit: Visit, seed: u64) -> Figures {
    let random = &mut Random::new(seed);
    let mut lines: Vec<VecDeque<f64>> = queues.iter().map(|_| VecDeque::new()).collect();
    let mut next: Vec<f64> = queues
        .iter()
        .map(|(rate, ..)| Law::Exponential(1.0 / rate).draw(random))
        .collect();
    let mut now = 0.0;
    let mut figures = Figures::default();
    for number in 0..=BATCHES {
        let mut sums = vec![(0.0, 0.0); queues.len()];
        let mut served = 0;
        while served < 10_000 {
            for (i, &(_, service, walk)) in queues.iter().enumerate() {
                let came = now;
                let mut visited = 0;
                loop {
                    for (j, (rate, ..)) in queues.iter().enumerate() {
                        while next[j] <= now {
                            lines[j].push_back(next[j]);
                            next[j] += Law::Exponential(1.0 / rate).draw(random);
                        }
                    }
                    let Some(&arrived) = lines[i].front() else {
                        break;
                    };
                    if visit == Visit::One && visited == 1
                        || visit == Visit::Gated && arrived > came
                    {
                        break;
                    }
                    lines[i].pop_front();
                    sums[i].0 += now - arrived;
                    sums[i].1 += 1.0;
                    visited += 1;
                    now += service.draw(random);
                }
                served += visited;
                now += walk.draw(random);
            }
        }
        if number > 0 {
            for (queue, (sum, count)) in sums.iter().enumerate() {
                figures.add(&format!("Wq{queue}"), sum / count);
            }
        }
    }
    figures
}

/// One server that goes away once, for a time of law `away`, whenever nobody is left: figure `Wq`.
pub(crate) fn single_vacations(arrivals: Law, service: Law, away: Law, seed: u64) -> Figures {
    let random = &mut Random::new(seed);
    let (mut now, mut free) = (0.0, 0.0);
    let mut figures = Figures::default();
    for number in 0..=BATCHES {
        let mut sum = 0.0;
        for _ in 0..10_000 {
            now += arrivals.draw(random);
            if now > free {
                free = f64::max(now, free + away.draw(random));
            }
            sum += free - now;
            free += service.draw(random);
        }
        if number > 0 {
            figures.add("Wq", sum / 1e4);
        }
    }
    figures
}
