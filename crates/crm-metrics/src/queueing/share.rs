//! Shares known together with their complement, so that neither end of zero to one loses its digits.

#[cfg(feature = "libm")]
use crate::numeric::elementary::Elementary as _;

/// `ln(x)`, given `complement = 1 - x` as exactly: near one the complement has the digits.
pub(super) fn ln_share(x: f64, complement: f64) -> f64 {
    if x < 0.5 {
        x.ln()
    } else {
        (-complement).ln_1p()
    }
}

/// The quantile of a time that is zero with probability `at_zero`, and beyond that exponential with the `rate`:
/// `ln(beyond / (1 - p)) / rate`, or zero when `p` is at most `at_zero`. `beyond` is `1 - at_zero`, known as exactly.
pub(super) fn quantile_past_atom(p: f64, at_zero: f64, beyond: f64, rate: f64) -> f64 {
    let late = 1.0 - p;
    // How far p lies past the atom, on the side where the digits are.
    let past = if beyond < 0.5 {
        beyond - late
    } else {
        p - at_zero
    };
    if past <= 0.0 {
        return 0.0;
    }
    (past / late).ln_1p() / rate
}
