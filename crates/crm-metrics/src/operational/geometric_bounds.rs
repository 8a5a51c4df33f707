//! What the demands allow when the network has a product form: geometric bounds.

use super::AsymptoticBounds;
use super::balanced_bounds::checked;
use crate::error::ParamError;
#[cfg(feature = "libm")]
use crate::numeric::elementary::Elementary as _;
use alloc::vec::Vec;

/// Geometric bounds on throughput and response time of a closed network: within a few per cent of the exact values, from a handful of
/// operations per station.
///
/// They bound the number at every station but the slowest ones by geometric sums, and leave the rest to these. They hold for networks of
/// single servers with a product form (see [`network`](crate::network)).
///
/// # Formula
///
/// ```text
/// y_k = N D_k / (Z + D + N D_max),  Y_k = D_k X+
/// (y_k - y_k^(N+1)) / (1 - y_k)  <=  Q_k(N)  <=  (Y_k - Y_k^(N+1)) / (1 - Y_k)      where D_k < D_max
///
/// b = Z + D + D_max (N-1) - sum over k of (D_max - D_k) Q_k(N-1)
/// X(N) = 2 N / (b + sqrt(b^2 - 4 Z D_max M)),   M = N - 1 for the lower bound, N for the upper one
/// X+ = min( 1/D_max, N / (D + Z + q (sum of D_k^2) / D) ),   q = N-1 - Z min( (N-1) / (D + Z), 1/D_max )
/// ```
///
/// with the lower bounds of `Q_k` for the lower bound of `X` and the upper ones for the upper. `X+` is the proportional upper bound (C. T. Hsieh
/// and S. S. Lam, "Two Classes of Performance Bounds for Closed Queueing Networks", Performance Evaluation 7, 1987), the other symbols are
/// those of [`BalancedBounds`](super::BalancedBounds). Without think time both reduce to `N / b`.
///
/// Source: G. Casale, R. R. Muntz and G. Serazzi, "Geometric Bounds: A Noniterative Analysis Technique for Closed Queueing Networks",
/// IEEE Transactions on Computers 57, 2008.
///
/// # Example
///
/// ```
/// use crm_metrics::operational::GeometricBounds;
///
/// // Tables IV and V of the source.
/// let demands = [0.1, 0.1, 0.09, 0.08];
/// let batch = GeometricBounds::new(&demands, 0.0)?;
/// assert!((batch.throughput_lower(10) - 8.152_1).abs() < 1e-4);
/// assert!((batch.throughput_upper(10) - 8.269_0).abs() < 1e-4);
/// let interactive = GeometricBounds::new(&demands, 1.0)?;
/// assert!((interactive.throughput_lower(20) - 8.085_6).abs() < 1e-4);
/// assert!((interactive.throughput_upper(20) - 8.646_7).abs() < 1e-4);
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct GeometricBounds {
    demands: Vec<f64>,
    asymptotic: AsymptoticBounds,
    think_time: f64,
}

impl GeometricBounds {
    /// Bounds from the service demand at each station and the mean think time, in one unit of time.
    ///
    /// # Errors
    ///
    /// As for [`BalancedBounds::new`](super::BalancedBounds::new), and [`ParamError`] when a demand or the think time is above 1e140 or
    /// the largest demand below 1e-140.
    pub fn new(demands: &[f64], think_time: f64) -> Result<Self, ParamError> {
        let (total, largest, think_time) = checked(demands, think_time)?;
        // A square is taken.
        for (name, value) in [("demands", total), ("think_time", think_time)] {
            if value > 1e140 {
                return Err(ParamError::new(name, value, "be at most 1e140"));
            }
        }
        if largest < 1e-140 {
            return Err(ParamError::new(
                "demands",
                largest,
                "hold one of at least 1e-140",
            ));
        }
        Ok(Self {
            demands: demands.to_vec(),
            asymptotic: AsymptoticBounds::new(demands, think_time)?,
            think_time,
        })
    }

    /// The smallest throughput that `population` users can reach.
    #[must_use]
    pub fn throughput_lower(&self, population: u32) -> f64 {
        let seen = population.saturating_sub(1);
        self.throughput(population, seen, |demand| self.least_number(seen, demand))
    }

    /// The largest throughput that `population` users can reach.
    #[must_use]
    pub fn throughput_upper(&self, population: u32) -> f64 {
        let seen = population.saturating_sub(1);
        self.throughput(population, population, |demand| {
            self.most_number(seen, demand)
        })
    }

    /// The shortest mean response time that `population` users can see: `N / X - Z` with the upper bound of `X`.
    #[must_use]
    pub fn response_time_lower(&self, population: u32) -> f64 {
        self.response_time(population, self.throughput_upper(population))
    }

    /// The longest mean response time that `population` users can see: `N / X - Z` with the lower bound of `X`.
    #[must_use]
    pub fn response_time_upper(&self, population: u32) -> f64 {
        self.response_time(population, self.throughput_lower(population))
    }

    fn response_time(&self, population: u32, throughput: f64) -> f64 {
        if population == 0 {
            return self.asymptotic.total_demand();
        }
        f64::from(population) / throughput - self.think_time
    }

    fn throughput(&self, population: u32, under_root: u32, number: impl Fn(f64) -> f64) -> f64 {
        if population == 0 {
            return 0.0;
        }
        let n = f64::from(population);
        let largest = self.asymptotic.bottleneck_demand();
        let relief: f64 = self
            .demands
            .iter()
            .filter(|&&demand| demand < largest)
            .map(|&demand| (largest - demand) * number(demand))
            .sum();
        let b = self.think_time + self.asymptotic.total_demand() + largest * (n - 1.0) - relief;
        let inner = b * b - 4.0 * self.think_time * largest * f64::from(under_root);
        let root = if self.think_time > 0.0 {
            inner.max(0.0).sqrt()
        } else {
            b
        };
        2.0 * n / (b + root)
    }

    /// The least mean number with `seen` users at a station with this demand.
    fn least_number(&self, seen: u32, demand: f64) -> f64 {
        let n = f64::from(seen);
        let cycle = self.think_time + self.asymptotic.total_demand();
        let y = demand * n / (cycle + self.asymptotic.bottleneck_demand() * n);
        geometric(y, n)
    }

    /// The greatest mean number with `seen` users at a station with this demand.
    fn most_number(&self, seen: u32, demand: f64) -> f64 {
        let n = f64::from(seen);
        geometric(demand * self.proportional_bound(n), n)
    }

    /// `X+` with so many users.
    fn proportional_bound(&self, n: f64) -> f64 {
        let total = self.asymptotic.total_demand();
        let seen = self.demands.iter().map(|demand| demand * (demand / total));
        let most = self.asymptotic.saturation_throughput();
        // Of the others, those that cannot be thinking stand somewhere in line.
        let others = (n - 1.0).max(0.0);
        let standing =
            (others * (total / (total + self.think_time))).max(others - self.think_time * most);
        (n / (total + self.think_time + standing * seen.sum::<f64>())).min(most)
    }
}

/// `(y - y^(n+1)) / (1 - y)`: a geometric sum of `n` terms, also next to one.
fn geometric(y: f64, n: f64) -> f64 {
    if y <= 0.0 || n <= 0.0 {
        return 0.0;
    }
    let ln_y = y.ln();
    if ln_y == 0.0 {
        return n;
    }
    y * ((n * ln_y).exp_m1() / ln_y.exp_m1())
}
