//! What the bottleneck allows, from the service demands alone.

use crate::check;
use crate::error::ParamError;
#[cfg(feature = "libm")]
use crate::numeric::elementary::Elementary as _;

/// Asymptotic (bottleneck) bounds on throughput and response time of a system.
///
/// All it needs are the service demands: for each resource the total time that one request needs of it. No assumption
/// about distributions is made, so the bounds hold for every system in which requests do not help or hinder each other
/// except by queueing at single servers.
///
/// # Formula
///
/// ```text
/// D = sum of D_k,  D_max = largest D_k
///
/// N / (N D + Z)  <=  X(N)  <=  min( N / (D + Z), 1 / D_max )
/// max( D, N D_max - Z )  <=  R(N)  <=  N D
/// N* = (D + Z) / D_max
/// ```
///
/// `D_k` is the service demand at resource `k` and `Z` the mean think time, in one unit of time; `N` is the number of
/// users, `X` the throughput per unit of time and `R` the response time. Beyond `N*` users the bottleneck decides.
///
/// Source: Denning and Buzen 1978, as for [`throughput`](crate::throughput); E. D. Lazowska and others, "Quantitative System
/// Performance", Prentice Hall 1984.
///
/// # Example
///
/// ```
/// use crm_metrics::operational::AsymptoticBounds;
///
/// // Each request needs 9.2 s of the first resource and 8 s of the second; 20 users think for two minutes.
/// let bounds = AsymptoticBounds::new(&[9.2, 8.0], 120.0)?;
/// assert_eq!(bounds.bottleneck(), 0);
/// assert!((bounds.throughput_upper(20) - 0.108_695_652_173_913).abs() < 1e-15);
/// assert!((bounds.response_time_lower(20) - 64.0).abs() < 1e-12);
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AsymptoticBounds {
    total_demand: f64,
    bottleneck_demand: f64,
    bottleneck: usize,
    think_time: f64,
}

impl AsymptoticBounds {
    /// Bounds from the service demand at each resource and the mean think time, in one unit of time.
    ///
    /// For a batch system without thinking users `think_time` is zero.
    ///
    /// # Errors
    ///
    /// [`ParamError`] when there is no demand, one is negative or not finite, the largest lies outside 1e-290 to 1e290
    /// or the sum above that, or `think_time` is negative, not finite or above 1e290.
    pub fn new(demands: &[f64], think_time: f64) -> Result<Self, ParamError> {
        if demands.is_empty() {
            return Err(ParamError::new("demands", 0.0, "hold at least one demand"));
        }
        let mut bottleneck = 0;
        let mut total = 0.0;
        for (k, &demand) in demands.iter().enumerate() {
            total += check::not_negative("demands", demand)?;
            if demand > demands[bottleneck] {
                bottleneck = k;
            }
        }
        check::scale("demands", demands[bottleneck])?;
        let total_demand = check::scale("demands", total)?;
        let think_time = check::not_negative("think_time", think_time)?;
        if think_time > 0.0 {
            // A think time too short to matter is as good as none; one too long would overflow.
            check::scale("think_time", think_time.max(1.0))?;
        }
        Ok(Self {
            total_demand,
            bottleneck_demand: demands[bottleneck],
            bottleneck,
            think_time,
        })
    }

    /// `D`: the time that a request needs of all resources together, and its response time when it is alone.
    #[must_use]
    pub const fn total_demand(&self) -> f64 {
        self.total_demand
    }

    /// `D_max`: the largest service demand.
    #[must_use]
    pub const fn bottleneck_demand(&self) -> f64 {
        self.bottleneck_demand
    }

    /// The index of the resource with the largest service demand, the first of them where several are equal.
    #[must_use]
    pub const fn bottleneck(&self) -> usize {
        self.bottleneck
    }

    /// `1 / D_max`: the throughput that no number of users exceeds.
    #[must_use]
    pub fn saturation_throughput(&self) -> f64 {
        1.0 / self.bottleneck_demand
    }

    /// `N* = (D + Z) / D_max`: the number of users at which the two upper bounds on throughput cross.
    #[must_use]
    pub fn saturation_population(&self) -> f64 {
        (self.total_demand + self.think_time) / self.bottleneck_demand
    }

    /// The largest throughput that `population` users can reach: `min(N / (D + Z), 1 / D_max)`.
    #[must_use]
    pub fn throughput_upper(&self, population: u32) -> f64 {
        let n = f64::from(population);
        (n / (self.total_demand + self.think_time)).min(self.saturation_throughput())
    }

    /// The smallest throughput that `population` users can fall to, each always last in every queue: `N / (N D + Z)`.
    #[must_use]
    pub fn throughput_lower(&self, population: u32) -> f64 {
        if population == 0 {
            return 0.0;
        }
        let n = f64::from(population);
        n / n.mul_add(self.total_demand, self.think_time)
    }

    /// The shortest mean response time that `population` users can see: `max(D, N D_max - Z)`.
    #[must_use]
    pub fn response_time_lower(&self, population: u32) -> f64 {
        let n = f64::from(population);
        n.mul_add(self.bottleneck_demand, -self.think_time)
            .max(self.total_demand)
    }

    /// The longest mean response time that `population` users can see: `N D`, and `D` for the lone request of nobody.
    #[must_use]
    pub fn response_time_upper(&self, population: u32) -> f64 {
        f64::from(population.max(1)) * self.total_demand
    }
}
