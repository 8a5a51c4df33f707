//! How sure one wants to be.

use super::error::JudgeError;

/// How sure one wants to be of a share that was measured, as the quantile `z` of the standard normal distribution.
///
/// The constants are named by the probability that the true share lies within both ends of an interval, but for
/// [`ONE_SIDED_95`](Self::ONE_SIDED_95), which speaks of the lower end alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Confidence {
    z: f64,
}

impl Confidence {
    /// What was measured is taken as the truth: intervals shrink to a point.
    pub const NONE: Self = Self { z: 0.0 };
    /// The truth lies above the lower end with 95 % (below the upper end as well, but not both).
    pub const ONE_SIDED_95: Self = Self {
        z: 1.644_853_626_951_472_6,
    };
    /// 95 %.
    pub const P95: Self = Self {
        z: 1.959_963_984_540_054_3,
    };
    /// 99 %.
    pub const P99: Self = Self {
        z: 2.575_829_303_548_901,
    };
    /// 99.9 %.
    pub const P999: Self = Self {
        z: 3.290_526_731_491_895,
    };

    /// The confidence of any other quantile: 1.96 for 95 %.
    ///
    /// # Errors
    ///
    /// [`JudgeError::Figure`] when `z` does not lie between 0 and 100.
    pub fn from_z(z: f64) -> Result<Self, JudgeError> {
        if (0.0..=100.0).contains(&z) {
            Ok(Self { z: z + 0.0 })
        } else {
            Err(JudgeError::figure("z", z, "lie between 0 and 100"))
        }
    }

    /// The quantile.
    #[must_use]
    pub const fn z(self) -> f64 {
        self.z
    }
}
