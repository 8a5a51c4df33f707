//! Bad input comes back as a typed error, and nothing ever becomes NaN.

mod support;

use crm_metrics::queueing::{
    Mg1, Mm1, Mmc, ModelError, Unstable, erlang_b, erlang_c, ln_erlang_b, ln_erlang_c,
};
use crm_metrics::{ParamError, error_rate};
use std::fmt::Debug;
use std::panic::catch_unwind;
use support::{above, below};

const NOT_RATES: [f64; 7] = [
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    -1.0,
    0.0,
    1e-300,
    1e300,
];
const NOT_COUNTS: [f64; 4] = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1e-300];

#[track_caller]
fn refused<T: Debug>(result: Result<T, ModelError>, name: &str, value: f64) {
    match result {
        Err(ModelError::Param(error)) => {
            assert_eq!(error.name, name);
            assert!(error.value == value || error.value.is_nan() && value.is_nan());
            assert!(error.to_string().contains(name));
        }
        other => panic!("{name} = {value}: {other:?}"),
    }
}

#[track_caller]
fn unstable<T: Debug>(result: Result<T, ModelError>) -> Unstable {
    match result {
        Err(ModelError::Unstable(overload)) => overload,
        other => panic!("expected an unstable load, not {other:?}"),
    }
}

#[test]
fn bad_arrival_rates() {
    for bad in NOT_COUNTS {
        refused(Mm1::new(bad, 1.0), "arrival_rate", bad);
        refused(Mmc::new(bad, 1.0, 2), "arrival_rate", bad);
        refused(Mg1::new(bad, 1.0, 1.0), "arrival_rate", bad);
        refused(Mg1::deterministic(bad, 1.0), "arrival_rate", bad);
        refused(Mg1::exponential(bad, 1.0), "arrival_rate", bad);
        refused(
            Mmc::for_mean_waiting_time(bad, 1.0, 1.0),
            "arrival_rate",
            bad,
        );
        refused(
            Mmc::for_service_level(bad, 1.0, 0.8, 1.0),
            "arrival_rate",
            bad,
        );
        refused(erlang_c(3, bad), "offered_load", bad);
        refused(ln_erlang_c(3, bad), "offered_load", bad);
        refused(erlang_b(3, bad).map_err(Into::into), "offered_load", bad);
        refused(ln_erlang_b(3, bad).map_err(Into::into), "offered_load", bad);
    }
}

#[test]
fn bad_service() {
    for bad in NOT_RATES {
        refused(Mm1::new(0.0, bad), "service_rate", bad);
        refused(Mmc::new(0.0, bad, 2), "service_rate", bad);
        refused(
            Mmc::for_mean_waiting_time(1.0, bad, 1.0),
            "service_rate",
            bad,
        );
        refused(
            Mmc::for_service_level(1.0, bad, 0.8, 1.0),
            "service_rate",
            bad,
        );
        refused(Mg1::new(0.0, bad, 1.0), "mean_service_time", bad);
        refused(Mg1::deterministic(0.0, bad), "mean_service_time", bad);
        refused(Mg1::exponential(0.0, bad), "mean_service_time", bad);
    }
    for bad in NOT_COUNTS {
        let name = "squared_coefficient_of_variation";
        refused(Mg1::new(0.5, 1.0, bad), name, bad);
    }
}

/// The bounds that the docs name are themselves allowed.
#[test]
fn ends_of_the_scale() {
    for end in [1e-290, 1e290] {
        assert!(Mm1::new(0.0, end).is_ok());
        assert!(Mmc::new(0.0, end, 1).is_ok());
        assert!(Mg1::new(0.0, end, 1.0).is_ok());
    }
    for beyond in [below(1e-290), above(1e290)] {
        refused(Mm1::new(0.0, beyond), "service_rate", beyond);
        refused(Mmc::new(0.0, beyond, 1), "service_rate", beyond);
        refused(Mg1::new(0.0, beyond, 1.0), "mean_service_time", beyond);
    }
}

#[test]
fn no_servers() {
    refused(Mmc::new(1.0, 1.0, 0), "servers", 0.0);
    refused(erlang_c(0, 1.0), "servers", 0.0);
    refused(ln_erlang_c(0, 1.0), "servers", 0.0);
    refused(erlang_b(0, 1.0).map_err(Into::into), "servers", 0.0);
    refused(ln_erlang_b(0, 1.0).map_err(Into::into), "servers", 0.0);
}

#[test]
fn impossible_third_moments() {
    let model = Mg1::new(0.25, 2.0, 1.0).unwrap();
    // Mean 2, second moment 8: the third is at least 8^2 / 2 = 32, give or take the caller's rounding.
    assert!(model.with_third_moment(32.0).is_ok());
    assert!(model.with_third_moment(32.0 * (1.0 - 0.9e-9)).is_ok());
    assert!(model.with_third_moment(32.0 * (1.0 - 1.1e-9)).is_err());
    for bad in [f64::NAN, f64::INFINITY, -1.0, 0.0, 31.9] {
        let error: ParamError = model.with_third_moment(bad).unwrap_err();
        assert_eq!(error.name, "third_moment");
    }
    assert_eq!(model.waiting_time_variance(), None);
    assert_eq!(model.response_time_variance(), None);
    assert_eq!(model.in_queue_variance(), None);
    assert_eq!(model.in_system_variance(), None);
}

#[test]
fn bad_targets() {
    for bad in [f64::NAN, f64::INFINITY, -1.0, 0.0] {
        refused(Mmc::for_mean_waiting_time(1.0, 1.0, bad), "target", bad);
    }
    for bad in [f64::NAN, f64::INFINITY, -1.0, 0.0, 1.0] {
        refused(Mmc::for_service_level(1.0, 1.0, bad, 1.0), "p", bad);
    }
    for bad in NOT_COUNTS {
        refused(Mmc::for_service_level(1.0, 1.0, 0.5, bad), "within", bad);
    }
}

#[test]
fn overload_carries_the_stable_load() {
    for lambda in [10.0, above(10.0), 1e300] {
        let overload = unstable(Mm1::new(lambda, 10.0));
        assert_eq!((overload.offered, overload.stable_below), (lambda, 10.0));
        assert!(overload.utilisation() >= 1.0);
        assert_eq!(unstable(Mmc::new(lambda, 2.5, 4)).stable_below, 10.0);
        assert_eq!(unstable(Mg1::new(lambda, 0.1, 1.0)).stable_below, 10.0);
        assert_eq!(unstable(erlang_c(10, lambda)).stable_below, 10.0);
    }
    // Exactly as much as can be served is too much.
    assert_eq!(unstable(Mm1::new(4.0, 4.0)).utilisation(), 1.0);
    assert_eq!(unstable(Mmc::new(4.0, 2.0, 2)).utilisation(), 1.0);
    assert_eq!(unstable(Mg1::new(4.0, 0.25, 1.0)).utilisation(), 1.0);
    assert_eq!(unstable(erlang_c(4, 4.0)).utilisation(), 1.0);
    assert_eq!(unstable(Mm1::new(15.0, 10.0)).utilisation(), 1.5);
    assert!(Mm1::new(below(10.0), 10.0).is_ok());
    assert!(Mmc::new(below(10.0), 2.5, 4).is_ok());
    assert!(erlang_c(10, below(10.0)).is_ok());
    let text = unstable(Mm1::new(15.0, 10.0)).to_string();
    assert_eq!(
        text,
        "a load of 15 is unstable: keep it below 10, add servers or serve faster"
    );
}

/// A message is read by people: a count is a whole number, and no line runs to three hundred digits.
#[test]
fn messages_stay_short() {
    let count = error_rate(5, 3).unwrap_err();
    assert_eq!(
        count.to_string(),
        "failed is 5, but must be at most the total"
    );
    for (value, text) in [
        (1e291, "1e291"),
        (1e-300, "1e-300"),
        (-2.5, "-2.5"),
        (0.0, "0"),
        (f64::NEG_INFINITY, "-inf"),
        (f64::NAN, "NaN"),
    ] {
        let error = Mm1::new(0.5, value).unwrap_err().to_string();
        let expected = format!("service_rate is {text}, but must lie between 1e-290 and 1e290");
        assert_eq!(error, expected);
    }
    let text = unstable(Mm1::new(1e200, 1e-100)).to_string();
    assert_eq!(
        text,
        "a load of 1e200 is unstable: keep it below 1e-100, add servers or serve faster"
    );
}

#[test]
fn no_number_of_servers_is_enough() {
    let overload = unstable(Mmc::for_mean_waiting_time(1e12, 1.0, 1.0));
    assert_eq!(overload.stable_below, f64::from(u32::MAX));
    unstable(Mmc::for_service_level(1e300, 1.0, 0.5, 1.0));
    let full = f64::from(u32::MAX) - 1e-3;
    refused(Mmc::for_mean_waiting_time(full, 1.0, 1e-9), "target", 1e-9);
    refused(Mmc::for_service_level(full, 1.0, 0.999, 0.0), "p", 0.999);
}

#[test]
fn impossible_arguments_of_distributions_panic() {
    let (one, many) = (Mm1::new(0.5, 1.0).unwrap(), Mmc::new(0.5, 1.0, 2).unwrap());
    let panics = |call: &(dyn Fn() -> f64 + std::panic::RefUnwindSafe)| catch_unwind(call).is_err();
    for bad in [f64::NAN, -1e-9, above(1.0)] {
        assert!(panics(&|| one.waiting_time_quantile(bad)));
        assert!(panics(&|| one.response_time_quantile(bad)));
        assert!(panics(&|| many.waiting_time_quantile(bad)));
        assert!(panics(&|| many.response_time_quantile(bad)));
    }
    assert!(panics(&|| one.waiting_time_cdf(f64::NAN)));
    assert!(panics(&|| one.waiting_time_tail(f64::NAN)));
    assert!(panics(&|| one.response_time_cdf(f64::NAN)));
    assert!(panics(&|| one.response_time_tail(f64::NAN)));
    assert!(panics(&|| many.waiting_time_cdf(f64::NAN)));
    assert!(panics(&|| many.waiting_time_tail(f64::NAN)));
    assert!(panics(&|| many.response_time_cdf(f64::NAN)));
    assert!(panics(&|| many.response_time_tail(f64::NAN)));
}

/// All figures of a model, at times and probabilities from one end to the other.
fn figures_of_mmc(model: &Mmc) -> Vec<f64> {
    let mut all = vec![
        model.utilisation(),
        model.offered_load(),
        model.idle_probability(),
        model.probability_of_waiting(),
        model.ln_probability_of_waiting(),
        model.mean_in_queue(),
        model.mean_in_system(),
        model.mean_waiting_time(),
        model.mean_response_time(),
        model.in_queue_variance(),
        model.in_system_variance(),
        model.waiting_time_variance(),
        model.response_time_variance(),
    ];
    for n in [0, 1, 170, 171, u64::from(u32::MAX), u64::MAX] {
        all.push(model.state_probability(n));
        all.push(model.ln_state_probability(n));
    }
    for t in TIMES {
        all.push(model.waiting_time_cdf(t));
        all.push(model.waiting_time_tail(t));
        all.push(model.response_time_cdf(t));
        all.push(model.response_time_tail(t));
    }
    for p in SHARES {
        all.push(model.waiting_time_quantile(p));
        all.push(model.response_time_quantile(p));
    }
    all
}

fn figures_of_mm1(model: &Mm1) -> Vec<f64> {
    let mut all = vec![
        model.utilisation(),
        model.idle_probability(),
        model.probability_of_waiting(),
        model.mean_in_queue(),
        model.mean_in_system(),
        model.mean_waiting_time(),
        model.mean_response_time(),
        model.in_queue_variance(),
        model.in_system_variance(),
        model.waiting_time_variance(),
        model.response_time_variance(),
    ];
    for n in [0, 1, u64::MAX] {
        all.push(model.state_probability(n));
        all.push(model.ln_state_probability(n));
    }
    for t in TIMES {
        all.push(model.waiting_time_cdf(t));
        all.push(model.waiting_time_tail(t));
        all.push(model.response_time_cdf(t));
        all.push(model.response_time_tail(t));
    }
    for p in SHARES {
        all.push(model.waiting_time_quantile(p));
        all.push(model.response_time_quantile(p));
    }
    all
}

fn figures_of_mg1(model: &Mg1) -> Vec<f64> {
    vec![
        model.utilisation(),
        model.idle_probability(),
        model.probability_of_waiting(),
        model.mean_in_queue(),
        model.mean_in_system(),
        model.mean_waiting_time(),
        model.mean_response_time(),
        model.mean_busy_period(),
        model.in_queue_variance().unwrap_or(0.0),
        model.in_system_variance().unwrap_or(0.0),
        model.waiting_time_variance().unwrap_or(0.0),
        model.response_time_variance().unwrap_or(0.0),
    ]
}

const TIMES: [f64; 11] = [
    f64::NEG_INFINITY,
    -1.0,
    -0.0,
    0.0,
    5e-324,
    1e-290,
    0.5,
    1e10,
    1e290,
    f64::MAX,
    f64::INFINITY,
];
const SHARES: [f64; 9] = [
    0.0,
    5e-324,
    1e-300,
    1e-16,
    0.1,
    0.5,
    0.99,
    1.0 - 1.2e-16,
    1.0,
];

#[test]
fn never_nan() {
    let scales = [1e-290, 1e-170, 1e-150, 0.3, 1.0, 1e150, 1e290];
    let loads = [
        0.0,
        5e-324,
        1e-300,
        1e-160,
        1e-9,
        0.5,
        0.8,
        0.999_999,
        1.0 - 1.2e-16,
    ];
    for scale in scales {
        for load in loads {
            if let Ok(model) = Mm1::new(load * scale, scale) {
                let all = figures_of_mm1(&model);
                assert!(!all.iter().any(|x| x.is_nan()), "{model:?}: {all:?}");
            }
            for servers in [1, 2, 5, 170, 171, 10_000, 1_000_000, u32::MAX] {
                if let Ok(model) = Mmc::new(load * scale * f64::from(servers), scale, servers) {
                    let all = figures_of_mmc(&model);
                    assert!(!all.iter().any(|x| x.is_nan()), "{model:?}: {all:?}");
                }
            }
            for cs2 in [0.0, 1e-300, 1.0, 1e150, f64::MAX] {
                let Ok(model) = Mg1::new(load / scale, scale, cs2) else {
                    continue;
                };
                let third = 1.1 * (1.0 + cs2) * (1.0 + cs2) * scale * scale * scale;
                let third = model.with_third_moment(third);
                for model in [Ok(model), third].into_iter().flatten() {
                    let all = figures_of_mg1(&model);
                    assert!(!all.iter().any(|x| x.is_nan()), "{model:?}: {all:?}");
                }
            }
        }
    }
    for servers in [1, 2, 170, 171, 1_000_000, u32::MAX] {
        for load in [0.0, 5e-324, 1e-300, 1.0, 170.0, 1e6, 4e9, 1e20, f64::MAX] {
            let blocking = erlang_b(servers, load).unwrap();
            assert!((0.0..=1.0).contains(&blocking), "{servers} {load}");
            assert!(ln_erlang_b(servers, load).unwrap() <= 0.0);
            if let Ok(delay) = erlang_c(servers, load) {
                assert!((0.0..=1.0).contains(&delay), "{servers} {load}");
                assert!(ln_erlang_c(servers, load).unwrap() <= 0.0);
            }
        }
    }
}

/// A share and its complement are each rounded, and together may come to more than one.
#[test]
fn never_more_than_certain() {
    let mut state = 1_u64;
    for _ in 0..20_000 {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let load = (state >> 11) as f64 / (1_u64 << 53) as f64;
        let servers = 1 + (state % 64) as u32;
        let rate = 0.1 * f64::from(servers);
        let one = Mm1::new(load * rate, rate).unwrap();
        let many = Mmc::new(load * rate, 0.1, servers).unwrap();
        for t in [0.0, 0.1, 1.0, 10.0, f64::INFINITY] {
            for share in [
                one.waiting_time_cdf(t),
                one.waiting_time_tail(t),
                one.response_time_cdf(t),
                one.response_time_tail(t),
                many.waiting_time_cdf(t),
                many.waiting_time_tail(t),
                many.response_time_cdf(t),
                many.response_time_tail(t),
            ] {
                assert!((0.0..=1.0).contains(&share), "{many:?} {t}: {share:e}");
            }
        }
    }
}

/// The sign of a zero does not come through.
#[test]
fn negative_zero_is_zero() {
    let idle = Mm1::new(-0.0, 1.0).unwrap();
    assert!(idle.utilisation().is_sign_positive());
    assert!(idle.mean_waiting_time().is_sign_positive());
    assert!(erlang_b(1, -0.0).unwrap().is_sign_positive());
}

/// A probability below the smallest normal number, whose reciprocal overflows, is still there.
#[test]
fn subnormal_blocking() {
    let load = 4.53e-31;
    let blocking = erlang_b(10, load).unwrap();
    assert!(blocking > 0.0 && blocking < 1e-309);
    assert!((blocking.ln() - ln_erlang_b(10, load).unwrap()).abs() < 1e-9);
    let delay = erlang_c(10, load).unwrap();
    assert!((delay.ln() - ln_erlang_c(10, load).unwrap()).abs() < 1e-9);
}

/// Without arrivals nobody waits, and the ends of distributions are where they belong.
#[test]
fn ends() {
    let idle = Mmc::new(0.0, 2.0, 3).unwrap();
    assert_eq!(idle.probability_of_waiting(), 0.0);
    assert_eq!(idle.ln_probability_of_waiting(), f64::NEG_INFINITY);
    assert_eq!(idle.idle_probability(), 1.0);
    assert_eq!(idle.state_probability(1), 0.0);
    assert_eq!(idle.ln_state_probability(9), f64::NEG_INFINITY);
    assert_eq!(idle.mean_response_time(), 0.5);
    assert_eq!(idle.waiting_time_quantile(1.0), 0.0);
    let busy = Mmc::new(5.0, 2.0, 3).unwrap();
    let one = Mm1::new(1.0, 2.0).unwrap();
    assert_eq!(busy.waiting_time_quantile(1.0), f64::INFINITY);
    assert_eq!(busy.response_time_quantile(1.0), f64::INFINITY);
    assert_eq!(busy.response_time_quantile(0.0), 0.0);
    assert_eq!(one.waiting_time_quantile(1.0), f64::INFINITY);
    assert_eq!(one.response_time_quantile(1.0), f64::INFINITY);
    assert_eq!(one.response_time_quantile(0.0), 0.0);
    for (cdf, tail) in [
        (busy.waiting_time_cdf(-1.0), busy.waiting_time_tail(-1.0)),
        (busy.response_time_cdf(-1.0), busy.response_time_tail(-1.0)),
        (busy.response_time_cdf(0.0), busy.response_time_tail(0.0)),
        (one.waiting_time_cdf(-1.0), one.waiting_time_tail(-1.0)),
        (one.response_time_cdf(-1.0), one.response_time_tail(-1.0)),
        (one.response_time_cdf(0.0), one.response_time_tail(0.0)),
    ] {
        assert_eq!((cdf, tail), (0.0, 1.0));
    }
    for (cdf, tail) in [
        (
            busy.waiting_time_cdf(f64::INFINITY),
            busy.waiting_time_tail(f64::INFINITY),
        ),
        (
            busy.response_time_cdf(f64::INFINITY),
            busy.response_time_tail(f64::INFINITY),
        ),
        (
            one.waiting_time_cdf(f64::INFINITY),
            one.waiting_time_tail(f64::INFINITY),
        ),
    ] {
        assert!((cdf - 1.0).abs() < 1e-15);
        assert_eq!(tail, 0.0);
    }
}

#[test]
fn types_cross_threads_and_are_errors() {
    fn crosses<T: Send + Sync + Copy + Debug>() {}
    crosses::<Mm1>();
    crosses::<Mmc>();
    crosses::<Mg1>();
    fn error<T: std::error::Error + Send + Sync + 'static>() {}
    error::<ParamError>();
    error::<Unstable>();
    error::<ModelError>();
}
