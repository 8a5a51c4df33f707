//! Series, parallel, and k out of n, each from positive terms only.

use super::Availability;
use crate::error::ParamError;
use crate::numeric::binomial;
use alloc::vec;

/// All units are needed: `A = A_1 A_2 ... A_n`.
///
/// # Formula
///
/// ```text
/// A = product of A_i
/// U = U_1 + A_1 U_2 + A_1 A_2 U_3 + ...
/// ```
///
/// Source: R. E. Barlow and F. Proschan, "Mathematical Theory of Reliability", Wiley 1965. The sum for `U` is `1 - A` without
/// the subtraction. Without any unit nothing can fail: the result is always up.
///
/// # Example
///
/// ```
/// use crm_metrics::availability::{Availability, series};
///
/// let chain = series([0.999, 0.999, 0.9995].map(|up| Availability::new(up).unwrap()));
/// assert!((chain.up() - 0.997_501_999_5).abs() < 1e-15);
/// assert!((chain.down() - 0.002_498_000_499_999_947).abs() < 1e-17);
/// ```
#[must_use]
pub fn series(units: impl IntoIterator<Item = Availability>) -> Availability {
    units
        .into_iter()
        .fold(Availability::ALWAYS, Availability::and)
}

/// One unit is enough: `U = U_1 U_2 ... U_n`.
///
/// # Formula
///
/// ```text
/// U = product of U_i
/// A = A_1 + U_1 A_2 + U_1 U_2 A_3 + ...
/// ```
///
/// Source: as for [`series`]. Without any unit nothing works: the result is never up.
///
/// # Example
///
/// ```
/// use crm_metrics::availability::{Availability, parallel};
///
/// let pair = parallel([Availability::from_unavailability(1e-6)?; 2]);
/// assert!((pair.down() / 1e-12 - 1.0).abs() < 1e-15);
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
#[must_use]
pub fn parallel(units: impl IntoIterator<Item = Availability>) -> Availability {
    units
        .into_iter()
        .fold(Availability::NEVER, Availability::or)
}

/// At least `needed` (`k`) of `units` (`n`) equal units are up.
///
/// # Formula
///
/// ```text
/// A = sum over i from k to n of  C(n, i) A_1^i U_1^(n-i)
/// U = sum over i from 0 to k-1 of the same
/// ```
///
/// The smaller of the two sums is the one that is computed, from its largest term outwards. It is right to some 1e-14 for a thousand
/// units and to 1e-12 for a million; the cost is `O(sqrt(n))`.
///
/// Source: as for [`series`]; the terms by C. Loader, "Fast and Accurate Computation of Binomial Probabilities", 2000.
///
/// # Errors
///
/// [`ParamError`] when `needed` is zero or more than `units`.
///
/// # Example
///
/// ```
/// use crm_metrics::availability::{Availability, k_of_n};
///
/// // Nineteen nines: 1 - A would be zero.
/// let cluster = k_of_n(90, 100, Availability::new(0.999)?)?;
/// assert!((cluster.down() / 1.305_320_810_236_626e-19 - 1.0).abs() < 1e-12);
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
pub fn k_of_n(needed: u32, units: u32, unit: Availability) -> Result<Availability, ParamError> {
    check(needed, units as usize)?;
    let (down, up) = binomial::split(f64::from(needed), f64::from(units), unit.up(), unit.down());
    Ok(Availability::from_shares(up, down))
}

/// At least `needed` (`k`) of the `units` are up, which may differ from each other.
///
/// # Formula
///
/// ```text
/// P_0(0) = 1,  P_m(j) = U_m P_(m-1)(j) + A_m P_(m-1)(j-1)
/// A = P_n(k) + ... + P_n(n),  U = P_n(0) + ... + P_n(k-1)
/// ```
///
/// `P_m(j)` is the probability that `j` of the first `m` units are up. The cost is `O(n^2)`.
///
/// Source: R. E. Barlow and K. D. Heidtmann, "Computing k-out-of-n System Reliability", IEEE Transactions on Reliability,
/// 1984.
///
/// # Errors
///
/// [`ParamError`] when `needed` is zero or more than there are units.
///
/// # Example
///
/// ```
/// use crm_metrics::availability::{Availability, k_of_units};
///
/// let replicas = [0.99, 0.98, 0.9].map(|up| Availability::new(up).unwrap());
/// let quorum = k_of_units(2, &replicas)?;
/// assert!((quorum.down() - 0.003_16).abs() < 1e-15);
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
pub fn k_of_units(needed: u32, units: &[Availability]) -> Result<Availability, ParamError> {
    check(needed, units.len())?;
    let mut working = vec![0.0; units.len() + 1];
    working[0] = 1.0;
    for (m, unit) in units.iter().enumerate() {
        for j in (0..=m).rev() {
            working[j + 1] += unit.up() * working[j];
            working[j] *= unit.down();
        }
    }
    let (too_few, enough) = working.split_at(needed as usize);
    // From the small end: the far terms are the small ones on either side.
    Ok(Availability::from_shares(
        enough.iter().rev().sum(),
        too_few.iter().sum(),
    ))
}

fn check(needed: u32, units: usize) -> Result<(), ParamError> {
    let value = f64::from(needed);
    if needed == 0 {
        Err(ParamError::new("needed", value, "be at least one"))
    } else if needed as usize > units {
        Err(ParamError::new(
            "needed",
            value,
            "be at most the number of units",
        ))
    } else {
        Ok(())
    }
}
