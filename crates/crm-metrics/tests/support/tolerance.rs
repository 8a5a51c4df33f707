//! Every tolerance of the tests.

/// Relative error against 80-digit values at ordinary parameters.
pub(crate) const PLAIN: f64 = 1e-12;

/// Relative error against 80-digit values at extreme parameters: near saturation, a million servers, hardly any load.
pub(crate) const HARD: f64 = 1e-12;

/// What the docs promise of the moments of M/M/1.
pub(crate) const MM1_MEANS: f64 = 1e-14;

/// What the docs promise of M/G/1, which is given rounded moments.
pub(crate) const MG1: f64 = 1e-13;

/// A quantile next to the jump at zero is the logarithm of nearly one: there the last digit of the probability of
/// waiting decides, and the error is absolute, in units of the mean wait of those who wait.
pub(crate) const QUANTILE_FLOOR: f64 = 4.0 * f64::EPSILON;

/// Erlang's formulas for few servers, where the plain sum is as good.
pub(crate) const FEW_SERVERS: f64 = 2e-14;

/// Two ways to the same figure in ordinary arithmetic.
pub(crate) const IDENTITY: f64 = 1e-12;

/// Below this, figures are built from subnormal numbers and run out of digits; their logarithms are compared instead.
pub(crate) const UNDERFLOW: f64 = 1e-300;

/// How much the result may jump where the method changes from one number of servers to the next.
pub(crate) const METHOD_SWITCH: f64 = 1e-12;

/// A value printed with as many digits as the test names.
pub(crate) const fn printed(digits: i32) -> f64 {
    match digits {
        2 => 0.005,
        3 => 0.000_5,
        _ => panic!("name the digits that the source prints"),
    }
}

/// Relative error of the systems' values at extreme parameters, where a probability is `e` to a large power.
pub(crate) const HARD_SYSTEMS: f64 = 1e-10;

/// Erlang B of real numbers of servers, at the borders of its methods too.
pub(crate) const ERLANG_B: f64 = 1e-13;
