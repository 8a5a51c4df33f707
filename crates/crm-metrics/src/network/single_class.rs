//! A network with one class of requests.

use super::approximate;
use super::convolution;
use super::error::NetworkError;
use super::mean_values::MeanValues;
use super::routing;
use super::solution::{Solution, StationMeasures};
use super::station::{Kind, Station, demand};
use crate::error::ParamError;
use alloc::vec;
use alloc::vec::Vec;

/// A network of stations with one class of requests: open, or closed with a fixed number of them.
///
/// Symbols: `D_k` is the service demand at station `k`, visits times mean service time; `Z` the think time between two
/// requests of a user, `N` the number of users, `X` the throughput and `R` the response time. Each method names its formula and its source.
///
/// # Example
///
/// ```
/// use crm_metrics::network::{Network, Station};
///
/// // Jain, example 34.2: a CPU and two disks, 20 users who think for four seconds.
/// let system = Network::builder()
///     .station(Station::queue(0.125).visits(16.0))
///     .station(Station::queue(0.3).visits(10.0))
///     .station(Station::queue(0.2).visits(5.0))
///     .think_time(4.0)
///     .build()?;
/// let at_20 = system.closed(20)?;
/// assert!((at_20.throughput() - 0.333_246_512_22).abs() < 1e-11);
/// assert!((at_20.station(1).mean_in_system() - 16.177).abs() < 1e-3);
/// assert_eq!(at_20.bottleneck(), Some(1));
///
/// // The same stations with requests from outside, one every five seconds.
/// let open = system.open(0.2)?;
/// assert!((open.station(1).utilisation() - 0.6).abs() < 1e-15);
/// # Ok::<(), crm_metrics::network::NetworkError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    stations: Vec<Station>,
    think_time: f64,
}

/// Puts a [`Network`] together.
#[derive(Clone, Debug, Default)]
pub struct NetworkBuilder {
    stations: Vec<Station>,
    think_time: f64,
    routing: Option<Vec<Vec<f64>>>,
}

impl NetworkBuilder {
    /// Adds a station.
    #[must_use]
    pub fn station(mut self, station: Station) -> Self {
        self.stations.push(station);
        self
    }

    /// Adds a station with one server for each service demand.
    #[must_use]
    pub fn demands(mut self, demands: impl IntoIterator<Item = f64>) -> Self {
        self.stations
            .extend(demands.into_iter().map(Station::queue));
        self
    }

    /// `Z`: the mean time between the end of a user's request and the begin of the next; zero until told otherwise.
    #[must_use]
    pub const fn think_time(mut self, think_time: f64) -> Self {
        self.think_time = think_time;
        self
    }

    /// The probabilities `routing[i][j]` that a request goes on from station `i` to `j`, instead of numbers of visits. One round ends with
    /// each visit to station zero.
    #[must_use]
    pub fn routing<Row: Into<Vec<f64>>>(mut self, routing: impl IntoIterator<Item = Row>) -> Self {
        self.routing = Some(routing.into_iter().map(Into::into).collect());
        self
    }

    /// Checks everything.
    ///
    /// # Errors
    ///
    /// [`NetworkError::Param`] when there is neither a demand nor a think time above zero, or the think time is neither zero nor
    /// between 1e-290 and 1e290; [`NetworkError::Station`] when a number of a station is bad; [`NetworkError::Trapped`] when the
    /// routing does not lead from everywhere to everywhere.
    pub fn build(self) -> Result<Network, NetworkError> {
        let Self {
            mut stations,
            think_time,
            routing,
        } = self;
        let think_time = demand("think_time", think_time)?;
        if let Some(routing) = routing {
            routing::check(&routing, stations.len())?;
            let visits = routing::closed_visits(&routing)?;
            for (station, visits) in stations.iter_mut().zip(visits) {
                *station = station.clone().visits(visits);
            }
        }
        for (index, station) in stations.iter().enumerate() {
            station.check(index)?;
        }
        // Folded from zero: the sum of no demand at all would be a negative zero, and stand so in the refusal.
        let total = stations.iter().map(Station::demand).fold(0.0, |a, b| a + b);
        if total + think_time == 0.0 || total > 1e290 {
            return Err(ParamError::new(
                "demands",
                total,
                "sum to more than zero, and at most 1e290",
            )
            .into());
        }
        Ok(Network {
            stations,
            think_time,
        })
    }
}

impl Network {
    /// Begins a network without any station.
    #[must_use]
    pub fn builder() -> NetworkBuilder {
        NetworkBuilder::default()
    }

    /// The number of stations.
    #[must_use]
    pub fn len(&self) -> usize {
        self.stations.len()
    }

    /// Whether there is no station, and users only think.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.stations.is_empty()
    }

    /// `D_k`: the service demands, station by station.
    #[must_use]
    pub fn demands(&self) -> Vec<f64> {
        self.stations.iter().map(Station::demand).collect()
    }

    /// `Z`: the think time.
    #[must_use]
    pub const fn think_time(&self) -> f64 {
        self.think_time
    }

    /// Requests come from outside, at random, at this rate. The think time has no part in it.
    ///
    /// # Formula
    ///
    /// ```text
    /// lambda_k = lambda v_k,   every station as if it were alone (M/M/1, M/M/c, M/M/inf)
    /// ```
    ///
    /// Source: J. R. Jackson, "Jobshop-like Queueing Systems", Management Science 10, 1963.
    ///
    /// # Errors
    ///
    /// [`NetworkError::Param`] when `arrival_rate` is negative or not finite; [`NetworkError::Unstable`] with the first station that cannot work
    /// off its load.
    pub fn open(&self, arrival_rate: f64) -> Result<Solution, NetworkError> {
        let arrival_rate = crate::check::not_negative("arrival_rate", arrival_rate)?;
        let visits = self.stations.iter().map(Station::visit_count);
        let flows = visits.map(|visits| (arrival_rate * visits, visits));
        Solution::open(arrival_rate, &self.stations, flows)
    }

    /// So many users, each with one request at a time: the exact solution, for all kinds of stations.
    ///
    /// # Formula
    ///
    /// ```text
    /// G(N) = sum over all ways to place N requests of the product of the stations' weights
    /// X(N) = G(N-1) / G(N)
    /// ```
    ///
    /// It is computed by a convolution of probabilities, in which nothing overflows, underflows or cancels; the relative error is some 1e-13
    /// for 10,000 users. One server costs one step per user, several servers up to `c` of them: 10,000 users at ten stations take less than
    /// a millisecond. A speed that depends on the number present and falls again costs `N` steps per user.
    ///
    /// Source: J. P. Buzen, "Computational Algorithms for Closed Queueing Networks with Exponential Servers",
    /// Communications of the ACM 16, 1973.
    ///
    /// # Errors
    ///
    /// [`NetworkError::Param`] when `population` is zero or above ten million.
    ///
    /// # Example
    ///
    /// ```
    /// use crm_metrics::network::{Network, Station};
    ///
    /// // Eight servers of four seconds, 80 users who think for ten: the textbook's recursion has it at -0.69 a second.
    /// let pool = Network::builder().station(Station::servers(8, 4.0)).think_time(10.0).build()?;
    /// let solution = pool.closed(80)?;
    /// assert!((solution.throughput() - 2.0).abs() < 1e-14);
    /// assert!((solution.response_time() - 30.0).abs() < 1e-12);
    /// # Ok::<(), crm_metrics::network::NetworkError>(())
    /// ```
    pub fn closed(&self, population: u32) -> Result<Solution, NetworkError> {
        check_population(population)?;
        let convolved = convolution::solve(&self.stations, self.think_time, population);
        let measures = self
            .stations
            .iter()
            .zip(&convolved.stations)
            .map(|(station, &(utilisation, residence))| {
                StationMeasures::closed(
                    convolved.throughput,
                    station.visit_count(),
                    utilisation,
                    residence,
                    matches!(station.kind, Kind::Delay),
                )
            })
            .collect();
        Ok(Solution::new(convolved.throughput, measures))
    }

    /// `ln G(N)`, the logarithm of the normalising constant of [`closed`](Self::closed), with `G(0) = 1`.
    ///
    /// # Errors
    ///
    /// [`NetworkError::Param`] when `population` is above ten million.
    pub fn ln_normalising_constant(&self, population: u32) -> Result<f64, NetworkError> {
        if population == 0 {
            return Ok(0.0);
        }
        check_population(population)?;
        let convolved = convolution::solve(&self.stations, self.think_time, population);
        Ok(convolved.ln_normalising_constant)
    }

    /// The probabilities of `0 ... N` requests at a station, with `N` users.
    ///
    /// # Errors
    ///
    /// As for [`closed`](Self::closed).
    ///
    /// # Panics
    ///
    /// When there is no such station.
    ///
    /// # Example
    ///
    /// ```
    /// use crm_metrics::network::Network;
    ///
    /// // Two equal stations, three requests: all four ways to share them are equally likely.
    /// let pair = Network::builder().demands([1.0, 1.0]).build()?;
    /// for p in pair.state_probabilities(3, 0)? {
    ///     assert!((p - 0.25).abs() < 1e-15);
    /// }
    /// # Ok::<(), crm_metrics::network::NetworkError>(())
    /// ```
    pub fn state_probabilities(
        &self,
        population: u32,
        station: usize,
    ) -> Result<Vec<f64>, NetworkError> {
        check_population(population)?;
        assert!(
            station < self.stations.len(),
            "there is no station {station} among {}",
            self.stations.len()
        );
        Ok(convolution::distribution(
            &self.stations,
            self.think_time,
            population,
            station,
        ))
    }

    /// The exact figures for one user, two, three, and so on, by mean value analysis: for a curve over the number of users.
    ///
    /// # Errors
    ///
    /// [`NetworkError::Unsupported`] when a station is neither a single server nor a delay; its recursion is unstable for others, and
    /// [`closed`](Self::closed) is not.
    ///
    /// # Example
    ///
    /// ```
    /// use crm_metrics::network::Network;
    ///
    /// let system = Network::builder().demands([2.0, 3.0, 1.0]).think_time(4.0).build()?;
    /// let curve: Vec<f64> = system.mean_values()?.take(20).map(|at| at.throughput()).collect();
    /// assert_eq!(curve[0], 0.1);
    /// assert!((curve[19] - 0.333_246_512_220_576_3).abs() < 1e-15);
    /// # Ok::<(), crm_metrics::network::NetworkError>(())
    /// ```
    pub fn mean_values(&self) -> Result<MeanValues, NetworkError> {
        self.only_simple()?;
        Ok(MeanValues::new(self.stations.clone(), self.think_time))
    }

    /// The approximation of Bard and Schweitzer: its cost does not depend on the number of users, its error is some per cent around the knee.
    ///
    /// # Formula
    ///
    /// ```text
    /// Q_k(N-1) = (N-1)/N Q_k(N),   then as in mean value analysis, until nothing changes
    /// ```
    ///
    /// Source: P. J. Schweitzer, "Approximate analysis of multiclass closed networks of queues", 1979.
    ///
    /// # Errors
    ///
    /// [`NetworkError::Param`] when `population` is zero; [`NetworkError::Unsupported`] as for
    /// [`mean_values`](Self::mean_values).
    ///
    /// # Example
    ///
    /// ```
    /// use crm_metrics::network::Network;
    ///
    /// // Lazowska and others, page 117.
    /// let system = Network::builder().demands([0.605, 2.1, 1.35]).think_time(15.0).build()?;
    /// let approximate = system.bard_schweitzer(3)?;
    /// assert!((approximate.response_time() - 4.87).abs() < 0.005);
    /// # Ok::<(), crm_metrics::network::NetworkError>(())
    /// ```
    pub fn bard_schweitzer(&self, population: u32) -> Result<Solution, NetworkError> {
        self.approximate(population, approximate::bard_schweitzer)
    }

    /// The approximation of Chandy and Neuse: as [`bard_schweitzer`](Self::bard_schweitzer), ten times closer, at some times the cost.
    ///
    /// # Formula
    ///
    /// ```text
    /// F_k = Q_k(N-1)/(N-1) - Q_k(N)/N,   estimated from solutions at N and N-1, three times over
    /// Q_k(N-1) = (N-1) (Q_k(N)/N + F_k)
    /// ```
    ///
    /// Source: K. M. Chandy and D. Neuse, "Linearizer: a heuristic algorithm for queueing network models of computing
    /// systems", Communications of the ACM 25, 1982.
    ///
    /// # Errors
    ///
    /// As for [`bard_schweitzer`](Self::bard_schweitzer).
    pub fn linearizer(&self, population: u32) -> Result<Solution, NetworkError> {
        self.approximate(population, approximate::linearizer)
    }

    fn approximate(
        &self,
        population: u32,
        method: fn(&approximate::Classes<'_>, &[f64]) -> approximate::Figures,
    ) -> Result<Solution, NetworkError> {
        self.only_simple()?;
        if population == 0 {
            return Err(ParamError::new("population", 0.0, "be at least one").into());
        }
        let demands: Vec<Vec<f64>> = self.stations.iter().map(|s| vec![s.demand()]).collect();
        let lines: Vec<bool> = self
            .stations
            .iter()
            .map(|s| !matches!(s.kind, Kind::Delay))
            .collect();
        let classes = approximate::Classes {
            demands: &demands,
            lines: &lines,
            think_times: &[self.think_time],
        };
        let figures = method(&classes, &[f64::from(population)]);
        let throughput = figures.throughputs[0];
        let measures = self
            .stations
            .iter()
            .zip(&figures.numbers)
            .map(|(station, numbers)| {
                StationMeasures::closed(
                    throughput,
                    station.visit_count(),
                    throughput * station.demand(),
                    numbers[0] / throughput,
                    matches!(station.kind, Kind::Delay),
                )
            })
            .collect();
        Ok(Solution::new(throughput, measures))
    }

    fn only_simple(&self) -> Result<(), NetworkError> {
        let other = self
            .stations
            .iter()
            .position(|station| !matches!(station.kind, Kind::Delay | Kind::Servers(1)));
        match other {
            Some(station) => Err(NetworkError::Unsupported {
                station,
                must: "have one server or be a delay",
            }),
            None => Ok(()),
        }
    }
}

fn check_population(population: u32) -> Result<(), NetworkError> {
    if (1..=10_000_000).contains(&population) {
        Ok(())
    } else {
        let value = f64::from(population);
        Err(ParamError::new("population", value, "lie between one and ten million").into())
    }
}
