//! Priorities: classes of requests, the first of which is always served before the others.

use super::erlang::Loss;
use super::exact::Exact;
use super::mg1::product;
use crate::check;
use crate::error::{ModelError, ParamError, Unstable};
#[cfg(feature = "libm")]
use crate::numeric::elementary::Elementary as _;
use alloc::vec::Vec;

/// A class of requests of an M/G/1 queue with priorities: its arrival rate, and the moments of its service time.
///
/// An example is that of [`Mg1Priority`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PriorityClass {
    arrival_rate: f64,
    mean_service_time: f64,
    squared_variation: f64,
}

impl PriorityClass {
    /// Requests that come at `arrival_rate` (`lambda`) per unit of time and take `mean_service_time` (`s`) on average, with the given
    /// squared coefficient of variation (`cs2`).
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
            squared_variation: check::not_negative(
                "squared_coefficient_of_variation",
                squared_coefficient_of_variation,
            )?,
        })
    }

    /// `lambda`: arrivals of this class per unit of time.
    #[must_use]
    pub const fn arrival_rate(&self) -> f64 {
        self.arrival_rate
    }

    /// `s`: the mean service time of this class.
    #[must_use]
    pub const fn mean_service_time(&self) -> f64 {
        self.mean_service_time
    }

    /// `cs2`: the squared coefficient of variation of the service time of this class.
    #[must_use]
    pub const fn squared_coefficient_of_variation(&self) -> f64 {
        self.squared_variation
    }
}

/// M/G/1 with priorities: one server, Poisson arrivals in classes, service times of any distribution; the most urgent class first,
/// and in order of arrival within a class.
///
/// Classes are counted from zero, the most urgent one. Symbols for class `k`: `lambda_k`, `s_k`, `E[S_k^2] = s_k^2 (1 + cs2_k)`, and
/// `sigma_k = lambda_0 s_0 + ... + lambda_k s_k`, the load of the classes up to it.
///
/// The distances of `sigma_k` from one are summed with twice the digits, so that the relative error stays below 1e-13 at
/// any load.
///
/// Source: A. Cobham, "Priority assignment in waiting line problems", Operations Research 2, 1954, and L. Kleinrock, "Queueing
/// Systems, Volume 2", Wiley 1976.
///
/// # Example
///
/// ```
/// use crm_metrics::queueing::{Mg1Priority, PriorityClass};
///
/// let classes = [
///     PriorityClass::new(0.1, 1.0, 1.0)?,
///     PriorityClass::new(0.2, 1.5, 1.0)?,
///     PriorityClass::new(0.1, 2.0, 0.0)?,
/// ];
/// let polite = Mg1Priority::non_preemptive(&classes)?;
/// assert!((polite.mean_waiting_time(0) - 0.833_333_333_333_333_3).abs() < 1e-15);
/// assert!((polite.mean_waiting_time(2) - 3.125).abs() < 1e-14);
///
/// let strict = Mg1Priority::preemptive_resume(&classes)?;
/// assert!((strict.mean_response_time(0) - 1.111_111_111_111_111).abs() < 1e-14); // M/M/1 by itself
/// # Ok::<(), crm_metrics::queueing::ModelError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Mg1Priority {
    classes: Vec<PriorityClass>,
    waits: Vec<f64>,
    idle: f64,
}

impl Mg1Priority {
    /// Nobody is interrupted: an urgent request waits until the one in service is done.
    ///
    /// The mean wait of class `k` is `w / ((1 - sigma_(k-1)) (1 - sigma_k))`, with `w = sum of lambda_i E[S_i^2] / 2` over all classes.
    ///
    /// # Errors
    ///
    /// [`ModelError::Param`] when there is no class; [`ModelError::Unstable`] when the load of all classes is one or more. It
    /// carries the load in erlangs.
    pub fn non_preemptive(classes: &[PriorityClass]) -> Result<Self, ModelError> {
        let idle = remaining(classes)?;
        let ahead = idle_before(&idle);
        let residual: f64 = classes.iter().map(residual).sum();
        let waits = idle.iter().zip(ahead);
        Ok(Self {
            waits: waits
                .map(|(after, before)| residual / after / before)
                .collect(),
            classes: classes.to_vec(),
            idle: idle[idle.len() - 1],
        })
    }

    /// A more urgent request interrupts the one in service, which is later resumed where it was left.
    ///
    /// The mean response time of class `k` is `(s_k + w_k / (1 - sigma_k)) / (1 - sigma_(k-1))`, with `w_k = sum of lambda_i E[S_i^2] / 2`
    /// up to class `k`: those below do not matter to it.
    ///
    /// # Errors
    ///
    /// As for [`non_preemptive`](Self::non_preemptive). An overloaded class does not harm those above it, which can be asked for
    /// without it.
    pub fn preemptive_resume(classes: &[PriorityClass]) -> Result<Self, ModelError> {
        let idle = remaining(classes)?;
        let ahead = idle_before(&idle);
        let (mut work, mut load) = (0.0, 0.0);
        let waits = classes.iter().zip(idle.iter().zip(ahead));
        let waits = waits.map(|(class, (after, before))| {
            work += residual(class);
            // s_k / (1 - sigma_(k-1)) - s_k, without the difference.
            let interrupted = class.mean_service_time * (load / before);
            load += class.arrival_rate * class.mean_service_time;
            interrupted + work / after / before
        });
        Ok(Self {
            waits: waits.collect(),
            classes: classes.to_vec(),
            idle: idle[idle.len() - 1],
        })
    }

    /// The classes, the most urgent one first.
    #[must_use]
    pub fn classes(&self) -> &[PriorityClass] {
        &self.classes
    }

    /// `rho`, the sum of `lambda_k s_k`: the share of time that the server is busy.
    #[must_use]
    pub fn utilisation(&self) -> f64 {
        self.classes
            .iter()
            .map(|class| class.arrival_rate * class.mean_service_time)
            .sum()
    }

    /// `1 - rho`: the probability that the system is empty.
    #[must_use]
    pub const fn idle_probability(&self) -> f64 {
        self.idle
    }

    /// The mean time that a request of `class` spends in the system without being served, interruptions included.
    ///
    /// # Panics
    ///
    /// When there is no such class.
    #[must_use]
    pub fn mean_waiting_time(&self, class: usize) -> f64 {
        self.waits[class]
    }

    /// The mean time of a request of `class` from arrival to departure.
    ///
    /// # Panics
    ///
    /// When there is no such class.
    #[must_use]
    pub fn mean_response_time(&self, class: usize) -> f64 {
        self.classes[class].mean_service_time + self.waits[class]
    }

    /// The mean number of requests of `class` that are in the system but not being served.
    ///
    /// # Panics
    ///
    /// When there is no such class.
    #[must_use]
    pub fn mean_in_queue(&self, class: usize) -> f64 {
        self.classes[class].arrival_rate * self.waits[class]
    }

    /// The mean number of requests of `class` in the system.
    ///
    /// # Panics
    ///
    /// When there is no such class.
    #[must_use]
    pub fn mean_in_system(&self, class: usize) -> f64 {
        self.classes[class].arrival_rate * self.mean_response_time(class)
    }
}

/// `lambda E[S^2] / 2`: the work that an arrival finds left of a request of this class in service.
fn residual(class: &PriorityClass) -> f64 {
    product(
        class.arrival_rate * class.mean_service_time,
        class.mean_service_time,
        0.5 + 0.5 * class.squared_variation,
    )
}

/// `1 - sigma_k` for each class.
fn remaining(classes: &[PriorityClass]) -> Result<Vec<f64>, ModelError> {
    let mut left = Exact::new(1.0);
    let mut idle = Vec::with_capacity(classes.len());
    for class in classes {
        left = left.minus(Exact::product(class.arrival_rate, class.mean_service_time));
        idle.push(left.value());
    }
    match idle.last() {
        None => Err(ParamError::new("classes", 0.0, "be at least one").into()),
        Some(&last) if last <= 0.0 => Err(Unstable {
            offered: 1.0 - last,
            stable_below: 1.0,
        }
        .into()),
        Some(_) => Ok(idle),
    }
}

/// `1 - sigma_(k-1)` for each class.
fn idle_before(idle: &[f64]) -> impl Iterator<Item = f64> {
    core::iter::once(1.0).chain(idle.iter().copied())
}

/// M/M/c with priorities: several servers, Poisson arrivals in classes that differ in urgency only.
///
/// Classes are counted from zero, the most urgent one. Symbols: `lambda_k` is the arrival rate of class `k`, `mu` the service rate of one
/// server, the same for all, `c` the number of servers, `d_k = c mu - lambda_0 - ... - lambda_k` the capacity that the classes up to `k` leave. The formula
/// and its source are those of [`non_preemptive`](Self::non_preemptive) and [`preemptive_resume`](Self::preemptive_resume).
///
/// The spare capacities are summed with twice the digits, and the difference of two nearly equal queues is an integral
/// of positive terms, so that the relative error stays below 1e-12 at any load.
///
/// # Example
///
/// ```
/// use crm_metrics::queueing::MmcPriority;
///
/// let desk = MmcPriority::non_preemptive(&[1.0, 2.0, 1.5], 1.0, 6)?;
/// assert!((desk.mean_waiting_time(0) - 0.084_330_415_161_166).abs() < 1e-14);
/// assert!((desk.mean_waiting_time(2) - 0.562_202_767_741_106_2).abs() < 1e-14);
/// # Ok::<(), crm_metrics::queueing::ModelError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct MmcPriority {
    arrival_rates: Vec<f64>,
    service_rate: f64,
    servers: u32,
    waits: Vec<f64>,
}

impl MmcPriority {
    /// Nobody is interrupted: an urgent request waits until some request in service is done.
    ///
    /// The mean wait of class `k` is `C c mu / (d_(k-1) d_k)`, with `C` the probability that all servers are busy.
    ///
    /// Source: A. Cobham, "Priority assignment in waiting line problems", Operations Research 2, 1954.
    ///
    /// # Errors
    ///
    /// [`ModelError::Param`] when there is no class or no server, an arrival rate is negative or not finite, or `service_rate` not
    /// between 1e-290 and 1e290; [`ModelError::Unstable`] when the arrival rates together are not below `servers * service_rate`.
    pub fn non_preemptive(
        arrival_rates: &[f64],
        service_rate: f64,
        servers: u32,
    ) -> Result<Self, ModelError> {
        let levels = levels(arrival_rates, service_rate, servers)?;
        let c = f64::from(servers);
        let capacity = c * service_rate;
        let last = &levels[levels.len() - 1];
        let (all_busy, _) = delay(c, last.load / service_rate, last.spare / service_rate);
        let before = core::iter::once(capacity).chain(levels.iter().map(|level| level.spare));
        let waits = levels.iter().zip(before);
        Ok(Self {
            waits: waits
                .map(|(level, before)| all_busy / level.spare * (capacity / before))
                .collect(),
            arrival_rates: arrival_rates.to_vec(),
            service_rate,
            servers,
        })
    }

    /// A more urgent request interrupts one of the least urgent in service, which is later resumed.
    ///
    /// The classes up to `k` are an M/M/c of their own; class `k` has what its queue is longer than that of the classes before.
    ///
    /// Source: J. P. Buzen and A. B. Bondi, "The response times of priority classes under preemptive resume in M/M/m queues", Operations
    /// Research 31, 1983.
    ///
    /// # Errors
    ///
    /// As for [`non_preemptive`](Self::non_preemptive). An overloaded class does not harm those above it, which can be asked for
    /// without it.
    pub fn preemptive_resume(
        arrival_rates: &[f64],
        service_rate: f64,
        servers: u32,
    ) -> Result<Self, ModelError> {
        let levels = levels(arrival_rates, service_rate, servers)?;
        let c = f64::from(servers);
        let mut waits = Vec::with_capacity(levels.len());
        let (mut load, mut spare) = (0.0, c);
        for (level, rate) in levels.iter().zip(arrival_rates) {
            let more = rate / service_rate;
            waits.push(growth(c, load, spare, more, level.spare / service_rate) / service_rate);
            (load, spare) = (level.load / service_rate, level.spare / service_rate);
        }
        Ok(Self {
            arrival_rates: arrival_rates.to_vec(),
            service_rate,
            servers,
            waits,
        })
    }

    /// `lambda_k`: arrivals of each class per unit of time, the most urgent one first.
    #[must_use]
    pub fn arrival_rates(&self) -> &[f64] {
        &self.arrival_rates
    }

    /// `mu`: requests that one server could serve per unit of time.
    #[must_use]
    pub const fn service_rate(&self) -> f64 {
        self.service_rate
    }

    /// `c`: the number of servers.
    #[must_use]
    pub const fn servers(&self) -> u32 {
        self.servers
    }

    /// The mean time that a request of `class` spends in the system without being served, interruptions included.
    ///
    /// # Panics
    ///
    /// When there is no such class.
    #[must_use]
    pub fn mean_waiting_time(&self, class: usize) -> f64 {
        self.waits[class]
    }

    /// The mean time of a request of `class` from arrival to departure.
    ///
    /// # Panics
    ///
    /// When there is no such class.
    #[must_use]
    pub fn mean_response_time(&self, class: usize) -> f64 {
        1.0 / self.service_rate + self.waits[class]
    }

    /// The mean number of requests of `class` that are in the system but not being served.
    ///
    /// # Panics
    ///
    /// When there is no such class.
    #[must_use]
    pub fn mean_in_queue(&self, class: usize) -> f64 {
        self.arrival_rates[class] * self.waits[class]
    }

    /// The mean number of requests of `class` in the system.
    ///
    /// # Panics
    ///
    /// When there is no such class.
    #[must_use]
    pub fn mean_in_system(&self, class: usize) -> f64 {
        self.arrival_rates[class] * self.mean_response_time(class)
    }

    /// The sum of `lambda_k W_k` over that of `lambda_k`: the mean waiting time over all classes; zero without arrivals.
    #[must_use]
    pub fn overall_mean_waiting_time(&self) -> f64 {
        let total: f64 = self.arrival_rates.iter().sum();
        if total == 0.0 {
            return 0.0;
        }
        let shares = self.arrival_rates.iter().zip(&self.waits);
        shares.map(|(rate, wait)| rate / total * wait).sum()
    }
}

/// The arrival rate of the classes up to one, and the capacity that they leave.
struct Level {
    load: f64,
    spare: f64,
}

fn levels(
    arrival_rates: &[f64],
    service_rate: f64,
    servers: u32,
) -> Result<Vec<Level>, ModelError> {
    let service_rate = check::scale("service_rate", service_rate)?;
    let capacity = Exact::product(check::servers(servers)?, service_rate);
    let mut load = Exact::new(0.0);
    let mut levels = Vec::with_capacity(arrival_rates.len());
    for &rate in arrival_rates {
        load = load.plus(Exact::new(check::not_negative("arrival_rate", rate)?));
        levels.push(Level {
            load: load.value(),
            spare: capacity.minus(load).value(),
        });
    }
    match levels.last() {
        None => Err(ParamError::new("arrival_rates", 0.0, "be at least one").into()),
        // Negated, so that loads beyond the range of f64 are refused too.
        Some(last) if !(last.spare > 0.0 && last.load.is_finite()) => Err(Unstable {
            offered: last.load,
            stable_below: capacity.value(),
        }
        .into()),
        Some(_) => Ok(levels),
    }
}

/// The probability that all `c` servers are busy with `a` erlangs, and its complement; `gap = c - a`.
fn delay(c: f64, a: f64, gap: f64) -> (f64, f64) {
    let loss = Loss::new(c, a, gap);
    (loss.delay(gap / c), loss.no_delay(gap / c))
}

/// How much the queue of M/M/c grows from `load` to `load + more` erlangs, over `more`; `gap` and `gap_after` are what is left to
/// `c` before and after.
fn growth(c: f64, load: f64, gap: f64, more: f64, gap_after: f64) -> f64 {
    let queue = |a: f64, gap: f64| delay(c, a, gap).0 * (a / gap);
    let (before, after) = (queue(load, gap), queue(load + more, gap_after));
    if after >= 2.0 * before && before < after {
        return (after - before) / more;
    }
    // The mean of the derivative, whose terms are positive, by Gauss and Legendre's rule: the queue at most doubles, so that
    // twelve points give all digits.
    let slope = |x: f64| {
        let (a, gap) = (x.mul_add(more, load), (-x).mul_add(more, gap));
        let (waits, waits_not) = delay(c, a, gap);
        waits / gap * (gap + a * (waits_not / gap) + 1.0 + a / gap)
    };
    let mut sum = 0.0;
    for (node, weight) in GAUSS {
        sum += weight * (slope(0.5 - 0.5 * node) + slope(0.5 + 0.5 * node));
    }
    0.5 * sum
}

/// The positive nodes of the twelve-point rule on -1 to 1, and their weights.
const GAUSS: [(f64, f64); 6] = [
    (0.125_233_408_511_468_9, 0.249_147_045_813_402_8),
    (0.367_831_498_998_180_2, 0.233_492_536_538_354_8),
    (0.587_317_954_286_617_4, 0.203_167_426_723_065_92),
    (0.769_902_674_194_304_7, 0.160_078_328_543_346_23),
    (0.904_117_256_370_474_9, 0.106_939_325_995_318_43),
    (0.981_560_634_246_719_3, 0.047_175_336_386_511_83),
];
