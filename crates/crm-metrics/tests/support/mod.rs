//! What the tests share: tolerances, reference values, and formulas in their plainest form.
#![expect(dead_code, reason = "each test binary uses the part it needs")]

pub(crate) mod naive;
pub(crate) mod reference;
pub(crate) mod simulation;
pub(crate) mod tolerance;

/// Asserts that `actual` is within `relative` of `expected`, and says how far off it is.
#[track_caller]
pub(crate) fn assert_close(what: &str, actual: f64, expected: f64, relative: f64) {
    let size = expected.abs().max(tolerance::UNDERFLOW);
    assert_within(what, actual, expected, relative * size);
}

/// Asserts that `actual` is within `allowed` of `expected`, and says how far off it is.
#[track_caller]
pub(crate) fn assert_within(what: &str, actual: f64, expected: f64, allowed: f64) {
    let off = (actual - expected).abs();
    assert!(
        actual == expected || off <= allowed,
        "{what}: {actual:e} instead of {expected:e}, off by {off:e} where {allowed:e} is allowed"
    );
}

/// The next number above a positive one; `f64::next_up` is younger than our minimum Rust.
pub(crate) fn above(x: f64) -> f64 {
    f64::from_bits(x.to_bits() + 1)
}

/// The next number below a positive one.
pub(crate) fn below(x: f64) -> f64 {
    f64::from_bits(x.to_bits() - 1)
}
