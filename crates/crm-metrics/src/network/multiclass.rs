//! Networks with several classes of requests.

use super::approximate::{self, Classes, Figures};
use super::error::{NetworkError, at};
use super::multiserver::{self, Serves, Solved};
use super::station::{demand, unstable};
use crate::check;
use crate::error::{ModelError, ParamError};
#[cfg(feature = "libm")]
use crate::numeric::elementary::Elementary as _;
use crate::queueing::Mmc;
use alloc::vec;
use alloc::vec::Vec;

/// More cells than this (states times stations) do not fit a usual memory.
const MOST_CELLS: f64 = 5e7;

/// A network with several classes of requests, which differ in how much they need of each station.
///
/// # Formula
///
/// ```text
/// closed:  R_ck(n) = D_ck (1 + Q_k(n - 1_c)),   X_c = n_c / (Z_c + sum over k of R_ck),   exact for each n in turn
/// open:    R_ck = D_ck / (1 - U_k),   U_k = sum over c of lambda_c D_ck
/// mixed:   closed classes with demands D_ck / (1 - U_k), U_k from the open ones;
///          then open classes with R_ck = D_ck (1 + Q_k) / (1 - U_k), Q_k from the closed ones
/// ```
///
/// `D_ck` is the demand of class `c` at station `k` and `Z_c` its think time, in one unit of time; `n` holds the numbers of requests by
/// class, `1_c` one of class `c`. Exact for stations that share the processor among their requests, or serve in the order of arrival with equal,
/// exponential service times per visit. The exact solution of closed classes takes `O(K C)` steps for each of the `(N_1 + 1) (N_2 + 1) ...`
/// populations; the [`linearizer`](Self::linearizer) takes a few thousand in all.
///
/// Stations of several servers are exact under the same conditions (shared processors: each request gets a whole one or an equal share of
/// all), in closed and mixed networks too, by convolution of positive terms, which stays stable where the textbook's mean value analysis turns negative:
/// with one such station at no further cost, with more of them in a number of steps that is the square of that of populations for each pair.
/// The approximations replace them as A. Seidmann and others (1987) do, by one server of `s` times the speed and a delay of `D (s - 1) / s`.
///
/// Source: E. D. Lazowska and others, "Quantitative System Performance", Prentice Hall 1984, chapters 7 and 8; for several servers
/// F. Baskett and others, Journal of the ACM 22, 1975, and M. Reiser and H. Kobayashi, IBM Journal of Research and Development 19, 1975.
///
/// # Example
///
/// ```
/// use crm_metrics::network::{ClassStation, MulticlassNetwork, Workload};
///
/// // Lazowska and others, page 148: two open classes, two closed ones with one request each.
/// let system = MulticlassNetwork::builder()
///     .station(ClassStation::queue([0.25, 0.5, 0.5, 1.0]))
///     .station(ClassStation::queue([1.0 / 6.0, 1.0, 1.0, 4.0 / 3.0]))
///     .build()?;
/// let solution = system.solve(&[
///     Workload::Open(1.0),
///     Workload::Open(0.5),
///     Workload::Closed(1),
///     Workload::Closed(1),
/// ])?;
/// assert!((solution.station(0, 2).mean_in_system() - 0.210_526_315_789).abs() < 1e-12);
/// # Ok::<(), crm_metrics::network::NetworkError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct MulticlassNetwork {
    stations: Vec<ClassStation>,
    demands: Vec<Vec<f64>>,
    think_times: Vec<f64>,
}

/// A station with a service time, and a number of visits, for each class.
///
/// Numbers are checked when the network is built; an example is that of [`MulticlassNetwork`].
#[derive(Clone, Debug, PartialEq)]
pub struct ClassStation {
    kind: Kind,
    service_times: Vec<f64>,
    visits: Option<Vec<f64>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Servers(u32),
    Delay,
}

impl ClassStation {
    fn new(kind: Kind, service_times: Vec<f64>) -> Self {
        Self {
            kind,
            service_times,
            visits: None,
        }
    }

    /// One server, with the mean service time of each class.
    #[must_use]
    pub fn queue(service_times: impl Into<Vec<f64>>) -> Self {
        Self::new(Kind::Servers(1), service_times.into())
    }

    /// Several servers behind one line, with the mean service time of each class.
    #[must_use]
    pub fn servers(servers: u32, service_times: impl Into<Vec<f64>>) -> Self {
        Self::new(Kind::Servers(servers), service_times.into())
    }

    /// No line: a stay of this mean time for each class.
    #[must_use]
    pub fn delay(times: impl Into<Vec<f64>>) -> Self {
        Self::new(Kind::Delay, times.into())
    }

    /// How many times a request of each class comes by; once, until told otherwise.
    #[must_use]
    pub fn visits(mut self, visits: impl Into<Vec<f64>>) -> Self {
        self.visits = Some(visits.into());
        self
    }

    fn visit_count(&self, class: usize) -> f64 {
        self.visits.as_ref().map_or(1.0, |visits| visits[class])
    }
}

/// How the requests of one class come about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Workload {
    /// From outside, at random, at this rate.
    Open(f64),
    /// From so many users, each with one request at a time.
    Closed(u32),
}

/// Puts a [`MulticlassNetwork`] together.
#[derive(Clone, Debug, Default)]
pub struct MulticlassBuilder {
    stations: Vec<ClassStation>,
    think_times: Option<Vec<f64>>,
}

impl MulticlassBuilder {
    /// Adds a station.
    #[must_use]
    pub fn station(mut self, station: ClassStation) -> Self {
        self.stations.push(station);
        self
    }

    /// `Z_c`: the mean think time of each class; zero until told otherwise. Open classes do not use it.
    #[must_use]
    pub fn think_times(mut self, think_times: impl Into<Vec<f64>>) -> Self {
        self.think_times = Some(think_times.into());
        self
    }

    /// Checks everything.
    ///
    /// # Errors
    ///
    /// [`NetworkError::Param`] when there is no station or no class, or a class has neither a demand nor a think time above zero;
    /// [`NetworkError::Station`] when a station has not one number for each class, or a bad one.
    pub fn build(self) -> Result<MulticlassNetwork, NetworkError> {
        let Self {
            stations,
            think_times,
        } = self;
        let classes = stations
            .first()
            .map_or(0, |station| station.service_times.len());
        if classes == 0 {
            return Err(ParamError::new(
                "stations",
                stations.len() as f64,
                "be at least one, with at least one class",
            )
            .into());
        }
        let think_times = think_times.unwrap_or_else(|| vec![0.0; classes]);
        if think_times.len() != classes {
            let value = think_times.len() as f64;
            return Err(ParamError::new("think_times", value, "be one for each class").into());
        }
        for &time in &think_times {
            demand("think_time", time)?;
        }
        let mut demands = Vec::with_capacity(stations.len());
        for (index, station) in stations.iter().enumerate() {
            let refuse = at(index);
            let visits = station.visits.as_ref().map_or(classes, Vec::len);
            for (name, length) in [
                ("service_times", station.service_times.len()),
                ("visits", visits),
            ] {
                if length != classes {
                    let error = ParamError::new(name, length as f64, "be one for each class");
                    return Err(refuse(error));
                }
            }
            if let Kind::Servers(servers) = station.kind {
                check::servers(servers).map_err(&refuse)?;
            }
            let mut row = Vec::with_capacity(classes);
            for class in 0..classes {
                let time = demand("service_time", station.service_times[class]).map_err(&refuse)?;
                let visits =
                    check::not_negative("visits", station.visit_count(class)).map_err(&refuse)?;
                row.push(demand("demand", time * visits).map_err(&refuse)?);
            }
            demands.push(row);
        }
        for (class, &think_time) in think_times.iter().enumerate() {
            let total: f64 = demands.iter().map(|row: &Vec<f64>| row[class]).sum();
            if total + think_time == 0.0 || total > 1e290 {
                return Err(ParamError::new(
                    "demands",
                    total,
                    "sum to more than zero, and at most 1e290, in each class",
                )
                .into());
            }
        }
        Ok(MulticlassNetwork {
            stations,
            demands,
            think_times,
        })
    }
}

impl MulticlassNetwork {
    /// Begins a network without any station.
    #[must_use]
    pub fn builder() -> MulticlassBuilder {
        MulticlassBuilder::default()
    }

    /// The number of classes.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.think_times.len()
    }

    /// Open classes only, with these arrival rates.
    ///
    /// # Errors
    ///
    /// As for [`solve`](Self::solve).
    pub fn open(&self, arrival_rates: &[f64]) -> Result<MulticlassSolution, NetworkError> {
        let workloads: Vec<Workload> = arrival_rates.iter().map(|&r| Workload::Open(r)).collect();
        self.solve(&workloads)
    }

    /// Closed classes only, with these numbers of requests: the exact solution.
    ///
    /// # Errors
    ///
    /// As for [`solve`](Self::solve).
    pub fn closed(&self, populations: &[u32]) -> Result<MulticlassSolution, NetworkError> {
        let workloads: Vec<Workload> = populations.iter().map(|&n| Workload::Closed(n)).collect();
        self.solve(&workloads)
    }

    /// Any mixture of open and closed classes: the exact solution.
    ///
    /// # Errors
    ///
    /// [`NetworkError::Param`] when there is not one workload for each class, or an arrival rate is negative or not finite;
    /// [`NetworkError::Unstable`] with the first station that cannot work off the open classes (in units of its service capacity);
    /// [`NetworkError::TooLarge`] when the closed classes have more populations than fit the memory, or, with two or more stations of several
    /// servers, than can be convolved in seconds.
    ///
    /// # Example
    ///
    /// ```
    /// use crm_metrics::network::{ClassStation, MulticlassNetwork, Workload};
    ///
    /// // Twenty clerks and three managers, at four servers and a database.
    /// let office = MulticlassNetwork::builder()
    ///     .station(ClassStation::servers(4, [0.3, 1.2]))
    ///     .station(ClassStation::queue([0.05, 0.1]))
    ///     .think_times([2.0, 10.0])
    ///     .build()?;
    /// let solution = office.closed(&[20, 3])?;
    /// assert!(solution.utilisation(0) < 1.0);
    /// let (clerks, managers) = (solution.throughput(0), solution.throughput(1));
    /// assert!((clerks * (2.0 + solution.response_time(0)) - 20.0).abs() < 1e-12);
    /// assert!((managers * (10.0 + solution.response_time(1)) - 3.0).abs() < 1e-12);
    /// # Ok::<(), crm_metrics::network::NetworkError>(())
    /// ```
    pub fn solve(&self, workloads: &[Workload]) -> Result<MulticlassSolution, NetworkError> {
        self.solve_with(workloads, Self::exact, true)
    }

    /// Closed classes by the approximation of Bard and Schweitzer, as for [`Network`](super::Network::bard_schweitzer); open ones are as in
    /// [`solve`](Self::solve).
    ///
    /// # Errors
    ///
    /// As for [`solve`](Self::solve), but never [`NetworkError::TooLarge`].
    pub fn bard_schweitzer(
        &self,
        workloads: &[Workload],
    ) -> Result<MulticlassSolution, NetworkError> {
        self.solve_with(
            workloads,
            |classes, n| Ok(approximate::bard_schweitzer(classes, n)),
            false,
        )
    }

    /// Closed classes by the approximation of Chandy and Neuse, as for [`Network`](super::Network::linearizer); open ones are as in
    /// [`solve`](Self::solve).
    ///
    /// # Errors
    ///
    /// As for [`solve`](Self::solve), but never [`NetworkError::TooLarge`].
    pub fn linearizer(&self, workloads: &[Workload]) -> Result<MulticlassSolution, NetworkError> {
        self.solve_with(
            workloads,
            |classes, n| Ok(approximate::linearizer(classes, n)),
            false,
        )
    }

    fn solve_with(
        &self,
        workloads: &[Workload],
        method: impl Fn(&Classes<'_>, &[f64]) -> Result<Figures, NetworkError>,
        exact: bool,
    ) -> Result<MulticlassSolution, NetworkError> {
        let classes = self.classes();
        let (rates, populations) = self.rates_and_populations(workloads)?;
        let any_closed = workloads.iter().any(|w| matches!(w, Workload::Closed(_)));
        let any_open = workloads.iter().any(|w| matches!(w, Workload::Open(_)));
        let loads = self.open_loads(&rates)?;
        let lines: Vec<bool> = self
            .stations
            .iter()
            .map(|s| s.kind != Kind::Delay)
            .collect();
        // What the open classes leave of each station is slower for the closed ones.
        let slower: Vec<Vec<f64>> = self
            .demands
            .iter()
            .zip(&loads)
            .zip(&lines)
            .map(|((row, load), line)| {
                let left = if *line && any_closed { 1.0 - load } else { 1.0 };
                row.iter().map(|demand| demand / left).collect()
            })
            .collect();
        let mut figures = Figures {
            throughputs: vec![0.0; classes],
            numbers: vec![vec![0.0; classes]; self.stations.len()],
        };
        let mut stretches = None;
        if any_closed && self.several_servers() {
            let solved = self.with_several_servers(&loads, &populations, &method, exact)?;
            figures = solved.figures;
            stretches = Some(solved.stretches);
        } else if any_closed {
            let closed = Classes {
                demands: &slower,
                lines: &lines,
                think_times: &self.think_times,
            };
            figures = method(&closed, &populations)?;
        }
        let mut measures = Vec::with_capacity(self.stations.len());
        for k in 0..self.stations.len() {
            let present: f64 = figures.numbers[k].iter().sum();
            let stretch = match &stretches {
                Some(stretches) => stretches[k],
                None if any_open => self.stretch(k, loads[k], present)?,
                None => 1.0,
            };
            let by_class = (0..classes)
                .map(|class| self.measures(k, class, workloads[class], &figures, stretch));
            measures.push(by_class.collect());
        }
        let throughputs = workloads
            .iter()
            .zip(&figures.throughputs)
            .map(|(workload, closed)| match workload {
                Workload::Open(rate) => *rate,
                Workload::Closed(_) => *closed,
            })
            .collect();
        Ok(MulticlassSolution {
            throughputs,
            stations: measures,
        })
    }

    /// The arrival rates of the open classes and the populations of the closed ones, zero for the others.
    fn rates_and_populations(
        &self,
        workloads: &[Workload],
    ) -> Result<(Vec<f64>, Vec<f64>), ParamError> {
        let classes = self.classes();
        if workloads.len() != classes {
            let value = workloads.len() as f64;
            return Err(ParamError::new("workloads", value, "be one for each class"));
        }
        let mut rates = vec![0.0; classes];
        let mut populations = vec![0.0; classes];
        for (class, workload) in workloads.iter().enumerate() {
            match *workload {
                Workload::Open(rate) => {
                    rates[class] = check::not_negative("arrival_rate", rate)?;
                }
                Workload::Closed(population) => populations[class] = f64::from(population),
            }
        }
        Ok((rates, populations))
    }

    /// The figures of one class at one station, where an open request stays `stretch` times its demand.
    fn measures(
        &self,
        k: usize,
        class: usize,
        workload: Workload,
        figures: &Figures,
        stretch: f64,
    ) -> ClassMeasures {
        let demand = self.demands[k][class];
        let (throughput, number, residence) = match workload {
            Workload::Open(rate) => {
                let residence = demand * stretch;
                (rate, rate * residence, residence)
            }
            Workload::Closed(_) => {
                let throughput = figures.throughputs[class];
                let number = figures.numbers[k][class];
                let residence = if throughput > 0.0 {
                    number / throughput
                } else {
                    0.0
                };
                (throughput, number, residence)
            }
        };
        let station = &self.stations[k];
        let visits = station.visit_count(class);
        let servers = match station.kind {
            Kind::Servers(servers) => f64::from(servers),
            Kind::Delay => 1.0,
        };
        ClassMeasures {
            throughput: throughput * visits,
            utilisation: throughput * demand / servers,
            mean_in_system: number,
            residence_time: residence,
            response_time: if visits > 0.0 {
                residence / visits
            } else {
                0.0
            },
        }
    }

    fn several_servers(&self) -> bool {
        let several = |s: &ClassStation| matches!(s.kind, Kind::Servers(servers) if servers > 1);
        self.stations.iter().any(several)
    }

    /// Closed classes, and open ones beside them, where a station has several servers.
    fn with_several_servers(
        &self,
        loads: &[f64],
        populations: &[f64],
        method: &impl Fn(&Classes<'_>, &[f64]) -> Result<Figures, NetworkError>,
        exact: bool,
    ) -> Result<Solved, NetworkError> {
        let serves = |(station, &load): (&ClassStation, &f64)| match station.kind {
            Kind::Delay => Serves::Delay,
            Kind::Servers(servers) => Serves::Servers {
                servers: f64::from(servers),
                load,
            },
        };
        let stations: Vec<Serves> = self.stations.iter().zip(loads).map(serves).collect();
        if exact {
            return multiserver::exact(&stations, &self.demands, &self.think_times, populations);
        }
        let (demands, lines) = multiserver::seidmann(&stations, &self.demands);
        let closed = Classes {
            demands: &demands,
            lines: &lines,
            think_times: &self.think_times,
        };
        let mut figures = method(&closed, populations)?;
        let delays = figures.numbers.split_off(stations.len());
        let mut stretches = Vec::with_capacity(stations.len());
        for ((station, numbers), delays) in stations.iter().zip(&mut figures.numbers).zip(delays) {
            let waiting: f64 = numbers.iter().sum();
            stretches.push(match *station {
                Serves::Delay => 1.0,
                Serves::Servers { servers, load } => {
                    (1.0 + waiting) / (servers - load) + (servers - 1.0) / servers
                }
            });
            for (number, delay) in numbers.iter_mut().zip(delays) {
                *number += delay;
            }
        }
        Ok(Solved { figures, stretches })
    }

    /// The work that the open classes bring to each station, in multiples of one server.
    fn open_loads(&self, rates: &[f64]) -> Result<Vec<f64>, NetworkError> {
        let mut loads = Vec::with_capacity(self.stations.len());
        for (index, (station, row)) in self.stations.iter().zip(&self.demands).enumerate() {
            let load: f64 = row
                .iter()
                .zip(rates)
                .map(|(demand, rate)| demand * rate)
                .sum();
            if let Kind::Servers(servers) = station.kind {
                if load >= f64::from(servers) {
                    return Err(unstable(index, load, f64::from(servers)));
                }
            }
            loads.push(load);
        }
        Ok(loads)
    }

    /// How much longer than its demand an open request stays at a station.
    fn stretch(&self, station: usize, load: f64, present: f64) -> Result<f64, NetworkError> {
        match self.stations[station].kind {
            Kind::Delay => Ok(1.0),
            Kind::Servers(1) => Ok((1.0 + present) / (1.0 - load)),
            Kind::Servers(servers) => match Mmc::new(load, 1.0, servers) {
                Ok(model) => Ok(model.mean_response_time()),
                Err(ModelError::Param(error)) => Err(at(station)(error)),
                Err(ModelError::Unstable(overload)) => {
                    Err(NetworkError::Unstable { station, overload })
                }
            },
        }
    }

    /// Exact mean value analysis over all populations up to the one asked for.
    fn exact(classes: &Classes<'_>, population: &[f64]) -> Result<Figures, NetworkError> {
        let stations = classes.demands.len();
        let states: f64 = population.iter().map(|n| n + 1.0).product();
        if states * stations as f64 > MOST_CELLS {
            return Err(NetworkError::TooLarge {
                states,
                most: (MOST_CELLS / stations as f64).floor(),
            });
        }
        let sizes: Vec<usize> = population.iter().map(|&n| n as usize + 1).collect();
        // How far apart two populations lie that differ by one request of a class.
        let mut strides = vec![1; sizes.len()];
        for class in 1..sizes.len() {
            strides[class] = strides[class - 1] * sizes[class - 1];
        }
        let states = states as usize;
        let mut totals = vec![0.0; states * stations];
        let mut figures = Figures {
            throughputs: vec![0.0; sizes.len()],
            numbers: vec![vec![0.0; sizes.len()]; stations],
        };
        let mut residence = vec![0.0; stations];
        for state in 1..states {
            let last = state == states - 1;
            for (class, &stride) in strides.iter().enumerate() {
                let here = state / stride % sizes[class];
                if here == 0 {
                    continue;
                }
                let fewer = &totals[(state - stride) * stations..][..stations];
                let mut cycle = classes.think_times[class];
                for k in 0..stations {
                    let seen = if classes.lines[k] { fewer[k] } else { 0.0 };
                    residence[k] = classes.demands[k][class] * (1.0 + seen);
                    cycle += residence[k];
                }
                let throughput = here as f64 / cycle;
                for (k, time) in residence.iter().enumerate() {
                    totals[state * stations + k] += throughput * time;
                    if last {
                        figures.numbers[k][class] = throughput * time;
                    }
                }
                if last {
                    figures.throughputs[class] = throughput;
                }
            }
        }
        Ok(figures)
    }
}

/// The figures of a network with several classes.
///
/// Symbols and an example are those of [`MulticlassNetwork`].
#[derive(Clone, Debug, PartialEq)]
pub struct MulticlassSolution {
    throughputs: Vec<f64>,
    stations: Vec<Vec<ClassMeasures>>,
}

/// The figures of one class at one station.
///
/// Symbols are those of [`MulticlassNetwork`]; `V_ck` are the visits of class `c` to station `k`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassMeasures {
    throughput: f64,
    utilisation: f64,
    mean_in_system: f64,
    residence_time: f64,
    response_time: f64,
}

impl MulticlassSolution {
    /// `X_c`: requests of a class completed per unit of time.
    ///
    /// # Panics
    ///
    /// When there is no such class.
    #[must_use]
    pub fn throughput(&self, class: usize) -> f64 {
        self.throughputs[class]
    }

    /// `R_c`: the mean time from the begin to the end of a request of a class, think time not counted.
    ///
    /// # Panics
    ///
    /// When there is no such class.
    #[must_use]
    pub fn response_time(&self, class: usize) -> f64 {
        self.stations.iter().map(|s| s[class].residence_time).sum()
    }

    /// The figures of a class at a station, both counted from zero.
    ///
    /// # Panics
    ///
    /// When there is no such station or class.
    #[must_use]
    pub fn station(&self, station: usize, class: usize) -> ClassMeasures {
        self.stations[station][class]
    }

    /// `Q_k`, the sum of `Q_ck` over the classes: the mean number of requests of all classes at a station.
    ///
    /// # Panics
    ///
    /// When there is no such station.
    #[must_use]
    pub fn mean_at_station(&self, station: usize) -> f64 {
        self.stations[station]
            .iter()
            .map(|m| m.mean_in_system)
            .sum()
    }

    /// `U_k`, the sum of `U_ck` over the classes: the share of time that a server of a station is busy, with any class.
    ///
    /// # Panics
    ///
    /// When there is no such station.
    #[must_use]
    pub fn utilisation(&self, station: usize) -> f64 {
        self.stations[station].iter().map(|m| m.utilisation).sum()
    }
}

impl ClassMeasures {
    /// `X_c V_ck`: visits of the class to the station per unit of time.
    #[must_use]
    pub const fn throughput(&self) -> f64 {
        self.throughput
    }

    /// `U_ck = X_c D_ck / s`: the share of time that one of the `s` servers is busy with this class; for a delay, the mean number there.
    #[must_use]
    pub const fn utilisation(&self) -> f64 {
        self.utilisation
    }

    /// `Q_ck = X_c R_ck`: the mean number of requests of the class at the station.
    #[must_use]
    pub const fn mean_in_system(&self) -> f64 {
        self.mean_in_system
    }

    /// `R_ck`: the mean time that a request of the class spends here, over all its visits.
    #[must_use]
    pub const fn residence_time(&self) -> f64 {
        self.residence_time
    }

    /// `R_ck / V_ck`: the mean time of one visit.
    #[must_use]
    pub const fn response_time(&self) -> f64 {
        self.response_time
    }
}
