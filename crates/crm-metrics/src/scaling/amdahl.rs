//! Amdahl's and Gustafson's laws.

use crate::error::ParamError;

/// Amdahl's law: how much faster `processors` (`n`) finish a fixed amount of work.
///
/// # Formula
///
/// ```text
/// S = 1 / ((1 - p) + p / n)
/// ```
///
/// `p` is the `parallel_fraction` of the work, from zero to one; `n` need not be whole. It ignores that processors get in each
/// other's way; [`Usl`](super::Usl) does not.
///
/// Source: G. M. Amdahl, "Validity of the single processor approach to achieving large scale computing capabilities",
/// AFIPS 1967.
///
/// # Errors
///
/// [`ParamError`] when `parallel_fraction` does not lie between zero and one, or `processors` is below one or not finite.
///
/// # Example
///
/// ```
/// use crm_metrics::scaling::{amdahl_limit, amdahl_speedup};
///
/// // 95 % of the work is parallel: eight processors are worth six, and no number is worth more than twenty.
/// assert!((amdahl_speedup(0.95, 8.0)? - 5.925_925_925_925_925).abs() < 1e-14);
/// assert!((amdahl_limit(0.95)? - 20.0).abs() < 1e-13);
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
pub fn amdahl_speedup(parallel_fraction: f64, processors: f64) -> Result<f64, ParamError> {
    let p = fraction(parallel_fraction)?;
    let n = count(processors)?;
    Ok(1.0 / ((1.0 - p) + p / n))
}

/// The speed-up of Amdahl's law that no number of processors exceeds: `1 / (1 - p)`, infinite for `p` of one.
///
/// Symbols and source are those of [`amdahl_speedup`].
///
/// # Errors
///
/// [`ParamError`] when `parallel_fraction` does not lie between zero and one.
///
/// # Example
///
/// ```
/// assert_eq!(crm_metrics::scaling::amdahl_limit(0.75)?, 4.0);
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
pub fn amdahl_limit(parallel_fraction: f64) -> Result<f64, ParamError> {
    Ok(1.0 / (1.0 - fraction(parallel_fraction)?))
}

/// Gustafson's law: how much more work `processors` (`n`) do in the time of one.
///
/// # Formula
///
/// ```text
/// S = (1 - p) + p n
/// ```
///
/// `p` is the `parallel_fraction` of the time on `n` processors, from zero to one.
///
/// Source: J. L. Gustafson, "Reevaluating Amdahl's Law", Communications of the ACM 31, 1988.
///
/// # Errors
///
/// As for [`amdahl_speedup`].
///
/// # Example
///
/// ```
/// use crm_metrics::scaling::gustafson_speedup;
///
/// assert!((gustafson_speedup(0.95, 8.0)? - 7.65).abs() < 1e-14);
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
pub fn gustafson_speedup(parallel_fraction: f64, processors: f64) -> Result<f64, ParamError> {
    let p = fraction(parallel_fraction)?;
    let n = count(processors)?;
    Ok((1.0 - p) + p * n)
}

fn fraction(value: f64) -> Result<f64, ParamError> {
    if (0.0..=1.0).contains(&value) {
        Ok(value)
    } else {
        Err(ParamError::new(
            "parallel_fraction",
            value,
            "lie between zero and one",
        ))
    }
}

fn count(value: f64) -> Result<f64, ParamError> {
    if value.is_finite() && value >= 1.0 {
        Ok(value)
    } else {
        Err(ParamError::new(
            "processors",
            value,
            "be finite and at least one",
        ))
    }
}
