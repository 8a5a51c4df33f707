//! What the demands allow when the network has a product form: balanced-job bounds.

use crate::check;
use crate::error::ParamError;
#[cfg(feature = "libm")]
use crate::numeric::elementary::Elementary as _;

/// Balanced-job bounds on throughput and response time of a closed network: closer than
/// [`AsymptoticBounds`](super::AsymptoticBounds), from no more than the number of stations on top.
///
/// A network in which every station had the mean demand would do better than the true one, a network in which every station had the largest demand
/// would do worse. The bounds hold for networks of single servers with a product form (see [`network`](crate::network)).
///
/// # Formula
///
/// ```text
/// D = sum of D_k,  D_max = largest,  D_avg = D / K
///
///                 N                                              N
/// ----------------------------------  <= X(N) <=  min( 1/D_max, -------------------------------- )
/// D + Z + (N-1) D_max / (1 + Z/(N D))                            D + Z + (N-1) D_avg / (1 + Z/D)
///
/// R(N) = N / X(N) - Z
/// ```
///
/// `D_k` is the service demand at station `k` of `K` and `Z` the mean think time, in one unit of time; `N` is the number of users.
///
/// Source: J. Zahorjan, K. C. Sevcik, D. L. Eager and B. Galler, "Balanced Job Bound Analysis of Queueing Networks",
/// Communications of the ACM 25, 1982; with think time as in E. D. Lazowska and others, "Quantitative System Performance",
/// Prentice Hall 1984, section 5.4.
///
/// # Example
///
/// ```
/// use crm_metrics::operational::BalancedBounds;
///
/// // Four stations and ten users; the exact throughput is 8.2062.
/// let bounds = BalancedBounds::new(&[0.1, 0.1, 0.09, 0.08], 0.0)?;
/// assert!((bounds.throughput_lower(10) - 7.874).abs() < 1e-3);
/// assert!((bounds.throughput_upper(10) - 8.316).abs() < 1e-3);
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BalancedBounds {
    total: f64,
    largest: f64,
    mean: f64,
    think_time: f64,
}

impl BalancedBounds {
    /// Bounds from the service demand at each station and the mean think time, in one unit of time.
    ///
    /// # Errors
    ///
    /// [`ParamError`] when there is no demand, one is negative or not finite, the largest lies outside 1e-290 to 1e290
    /// or the sum above that, or `think_time` is negative, not finite or above 1e290.
    pub fn new(demands: &[f64], think_time: f64) -> Result<Self, ParamError> {
        let (total, largest, think_time) = checked(demands, think_time)?;
        Ok(Self {
            total,
            largest,
            mean: total / demands.len() as f64,
            think_time,
        })
    }

    /// The smallest throughput that `population` users can reach.
    #[must_use]
    pub fn throughput_lower(&self, population: u32) -> f64 {
        let n = f64::from(population);
        n / (self.think_time + self.response_time_upper(population))
    }

    /// The largest throughput that `population` users can reach.
    #[must_use]
    pub fn throughput_upper(&self, population: u32) -> f64 {
        let n = f64::from(population);
        let balanced = n / (self.think_time + self.balanced_response_time(n));
        balanced.min(1.0 / self.largest)
    }

    /// The shortest mean response time that `population` users can see.
    #[must_use]
    pub fn response_time_lower(&self, population: u32) -> f64 {
        let n = f64::from(population);
        n.mul_add(self.largest, -self.think_time)
            .max(self.balanced_response_time(n))
    }

    /// The longest mean response time that `population` users can see.
    #[must_use]
    pub fn response_time_upper(&self, population: u32) -> f64 {
        let n = f64::from(population.max(1));
        self.total + (n - 1.0) * self.largest / (1.0 + self.think_time / (n * self.total))
    }

    fn balanced_response_time(&self, n: f64) -> f64 {
        let others = (n - 1.0).max(0.0);
        self.total + others * self.mean / (1.0 + self.think_time / self.total)
    }
}

/// The sum and the largest of the demands, and the think time, once they are known to be good.
pub(super) fn checked(demands: &[f64], think_time: f64) -> Result<(f64, f64, f64), ParamError> {
    let bounds = super::AsymptoticBounds::new(demands, think_time)?;
    let think_time = check::not_negative("think_time", think_time)?;
    Ok((
        bounds.total_demand(),
        bounds.bottleneck_demand(),
        think_time,
    ))
}
