//! Quotients of whole numbers, rounded once.

/// `numerator / denominator` as the nearest `f64` wherever both, reduced, are below 2^53.
///
/// The fraction is reduced first, so that equal fractions give equal results: 144 of 10,000 burns a budget of 0.1 % at the very
/// number that 2 % of it in an hour does, and "above" can be told from "at".
///
/// Nothing over nothing is NaN, as always; callers ask before.
pub(super) fn quotient(numerator: u128, denominator: u128) -> f64 {
    let common = gcd(numerator, denominator).max(1);
    (numerator / common) as f64 / (denominator / common) as f64
}

fn gcd(mut a: u128, mut b: u128) -> u128 {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// `amount * parts / whole`, rounded down; `parts` at most `whole`, and `whole` at most 2^40.
pub(super) fn share_of(amount: u128, parts: u64, whole: u64) -> u128 {
    let (parts, whole) = (u128::from(parts), u128::from(whole));
    amount / whole * parts + amount % whole * parts / whole
}

/// `number * times / of`, rounded up; none stay none, and what is more than the greatest number, or of nothing, is that one.
pub(super) fn scaled_up(number: u64, times: u128, of: u128) -> u64 {
    let product = u128::from(number).saturating_mul(times);
    let quotient = match (product, of) {
        (0, _) => 0,
        (_, 0) => u128::MAX,
        _ => product.div_ceil(of),
    };
    u64::try_from(quotient).unwrap_or(u64::MAX)
}
