//! The Universal Scalability Law.

use crate::check;
use crate::error::ParamError;
#[cfg(feature = "libm")]
use crate::numeric::elementary::Elementary as _;

/// The Universal Scalability Law: throughput against load, with contention and coherency.
///
/// # Formula
///
/// ```text
///                   gamma N
/// X(N) = -----------------------------------
///         1 + alpha (N - 1) + beta N (N - 1)
///
/// peak at N = sqrt((1 - alpha) / beta),   limit gamma / alpha,   optimal load 1 / alpha
/// ```
///
/// `N` is the load: processors, workers or users. `gamma` is the throughput of one, per unit of time; `alpha` the share of work
/// that is done one at a time (contention), `beta` the cost of keeping each pair in agreement (coherency), both without a
/// unit. At the optimal load the ideal throughput `gamma N` meets the limit of contention. With `beta` zero it is Amdahl's law.
///
/// Source: N. J. Gunther, "Guerrilla Capacity Planning", Springer 2007; with `gamma` as in B. Schwartz, "Practical Scalability
/// Analysis with the Universal Scalability Law", 2015.
///
/// # Example
///
/// ```
/// use crm_metrics::scaling::Usl;
///
/// // The SPEC SDM91 benchmark of the R package usl.
/// let law = Usl::new(90.0, 0.027_73, 0.000_104_4)?;
/// assert!((law.throughput(96.52) - 1_883.809_278).abs() < 1e-6);
/// assert!((law.peak_load().unwrap() - 96.503_528_6).abs() < 1e-6);
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usl {
    gamma: f64,
    alpha: f64,
    beta: f64,
}

impl Usl {
    /// A law with the throughput `gamma` of one, contention `alpha` and coherency `beta`.
    ///
    /// # Errors
    ///
    /// [`ParamError`] when `gamma` does not lie between 1e-290 and 1e290, `alpha` not between zero and one, or `beta` is negative or
    /// not finite.
    pub fn new(gamma: f64, alpha: f64, beta: f64) -> Result<Self, ParamError> {
        if !(0.0..=1.0).contains(&alpha) {
            return Err(ParamError::new("alpha", alpha, "lie between zero and one"));
        }
        Ok(Self {
            gamma: check::scale("gamma", gamma)?,
            alpha: alpha + 0.0,
            beta: check::not_negative("beta", beta)?,
        })
    }

    /// `gamma`: the throughput at a load of one.
    #[must_use]
    pub const fn gamma(&self) -> f64 {
        self.gamma
    }

    /// `alpha`: contention.
    #[must_use]
    pub const fn alpha(&self) -> f64 {
        self.alpha
    }

    /// `beta`: coherency.
    #[must_use]
    pub const fn beta(&self) -> f64 {
        self.beta
    }

    /// `X(N)`: the throughput at a load.
    ///
    /// # Panics
    ///
    /// When `load` is below one, infinite or NaN.
    #[must_use]
    pub fn throughput(&self, load: f64) -> f64 {
        self.gamma * self.speedup(load)
    }

    /// `X(N) / gamma`: how many times the throughput of one.
    ///
    /// # Panics
    ///
    /// As for [`throughput`](Self::throughput).
    #[must_use]
    pub fn speedup(&self, load: f64) -> f64 {
        self.efficiency(load) * load
    }

    /// `X(N) / (gamma N)`: the share of the ideal, from zero to one.
    ///
    /// # Panics
    ///
    /// As for [`throughput`](Self::throughput).
    #[must_use]
    pub fn efficiency(&self, load: f64) -> f64 {
        assert!(
            load.is_finite() && load >= 1.0,
            "the load must be finite and at least one, not {load}"
        );
        1.0 / (1.0 + (load - 1.0) * (self.alpha + self.beta * load))
    }

    /// `sqrt((1 - alpha) / beta)`: the load of the largest throughput, or none where throughput never falls.
    ///
    /// Below one, every load is past the peak.
    #[must_use]
    pub fn peak_load(&self) -> Option<f64> {
        let peak = ((1.0 - self.alpha) / self.beta).sqrt();
        (self.beta > 0.0 && peak.is_finite()).then_some(peak)
    }

    /// `X(max(1, sqrt((1 - alpha) / beta)))`: the throughput at the peak, or none where throughput never falls.
    #[must_use]
    pub fn peak_throughput(&self) -> Option<f64> {
        self.peak_load().map(|load| self.throughput(load.max(1.0)))
    }

    /// `gamma / alpha`: the throughput that contention alone would allow, or none without contention.
    #[must_use]
    pub fn limit(&self) -> Option<f64> {
        let limit = self.gamma / self.alpha;
        (self.alpha > 0.0 && limit.is_finite()).then_some(limit)
    }

    /// `1 / alpha`: the load at which the ideal throughput meets the limit, or none without contention.
    #[must_use]
    pub fn optimal_load(&self) -> Option<f64> {
        let load = 1.0 / self.alpha;
        (self.alpha > 0.0 && load.is_finite()).then_some(load)
    }
}
