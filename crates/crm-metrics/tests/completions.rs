//! Response times of Erlang A and of finite sources and waits of M/D/c agree with their values at 60 digits.

mod support;

use crm_metrics::queueing::{ErlangA, FiniteSource, Gm1, Md1, Mdc, Mmc, Mmck};
use support::naive::{mean_from_tail, square_from_tail};
use support::reference::{Case, cases_of};
use support::{assert_close, assert_within, tolerance};

/// Compares all values of the cases of a model and returns how many there were.
fn compare(model: &str, figures: impl Fn(&Case) -> Box<dyn Fn(&str) -> Option<f64>>) -> usize {
    let mut compared = 0;
    let mut wrong = Vec::new();
    for case in &cases_of(include_str!("data/completions.txt"), &[model]) {
        let figure = figures(case);
        for &(quantity, expected) in &case.values {
            let what = case.name(quantity);
            let actual = figure(quantity).unwrap_or_else(|| panic!("{what} is not compared"));
            let relative = if case.hard {
                tolerance::HARD_SYSTEMS
            } else {
                tolerance::PLAIN
            };
            let off = (actual - expected).abs();
            // The error of a logarithm is the relative one of its argument; a distribution's that is one less a tail, absolute.
            let absolute =
                quantity.starts_with("ln_") || model == "mdc_wait" && quantity.contains("<=");
            let size = if absolute {
                expected.abs().max(1.0)
            } else {
                expected.abs()
            };
            if !(actual == expected || off <= relative * size) {
                wrong.push(format!(
                    "{what}: {actual:e} instead of {expected:e}, off by {:e}",
                    off / expected.abs()
                ));
            }
            compared += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    compared
}

/// The argument of a quantity such as `P(W>0.3)`.
fn argument(quantity: &str, before: &str) -> Option<f64> {
    let rest = quantity.strip_prefix(before)?;
    rest.trim_end_matches(')').parse().ok()
}

#[test]
fn erlang_a_response() {
    let compared = compare("erlang_a_response", |case| {
        let model = ErlangA::new(
            case.get("lambda"),
            case.get("mu"),
            case.servers(),
            case.get("theta"),
        )
        .unwrap();
        Box::new(move |quantity| {
            Some(match quantity {
                "W" => model.mean_response_time(),
                "W_served" => model.mean_response_time_of_served(),
                "var_Wq_served" => model.waiting_time_variance_of_served(),
                _ => {
                    if let Some(t) = argument(quantity, "P(W_served>") {
                        model.response_time_tail_of_served(t)
                    } else if let Some(t) = argument(quantity, "P(W_served<=") {
                        model.response_time_cdf_of_served(t)
                    } else if let Some(t) = argument(quantity, "P(W>") {
                        model.response_time_tail(t)
                    } else {
                        model.response_time_cdf(argument(quantity, "P(W<=")?)
                    }
                }
            })
        })
    });
    assert!(compared > 130, "{compared}");
}

#[test]
fn finite_source_response() {
    let compared = compare("finite_source_response", |case| {
        let model = FiniteSource::with_capacity(
            case.get("lambda"),
            case.get("mu"),
            case.servers(),
            case.get("population") as u32,
            case.get("capacity") as u32,
        )
        .unwrap();
        Box::new(move |quantity| match quantity {
            "var_Wq" => Some(model.waiting_time_variance()),
            _ => argument(quantity, "P(W>").map(|t| model.response_time_tail(t)),
        })
    });
    assert_eq!(compared, 23);
}

/// At any size, and the quantile is that of the distribution.
#[test]
fn finite_source_response_at_many_customers() {
    for (servers, population) in [(1, 1_000), (30, 1_000), (3_000, 100_000), (7, 7), (9, 5)] {
        let rate = 1.02 * f64::from(servers) / f64::from(population);
        let model = FiniteSource::new(rate, 1.0, servers, population).unwrap();
        for p in [0.1, 0.6, 0.99, 0.999_999] {
            let t = model.response_time_quantile(p);
            assert_close("quantile", model.response_time_cdf(t), p, 1e-11);
        }
        // Waiting and service are independent: the tail lies between those of either and what both exceed by half.
        for t in [0.1, 1.0, 4.0] {
            let tail = model.response_time_tail(t);
            assert!(tail >= model.waiting_time_tail(t).max((-t).exp()) * (1.0 - 1e-12));
            assert!(tail <= model.waiting_time_tail(0.5 * t) + (-0.5 * t).exp());
        }
        let mean = model.mean_waiting_time();
        let square = model.response_time_variance() + (1.0 + mean) * (1.0 + mean);
        if population <= 1_000 {
            let tail = |t| model.response_time_tail(t);
            let end = model.response_time_quantile(1.0 - 1e-13);
            let h = end / 400.0;
            let sum: f64 = (0..400).map(|i| h * tail((f64::from(i) + 0.5) * h)).sum();
            assert_close("mean", sum, model.mean_response_time(), 1e-3);
            let twice = |t: f64| 2.0 * t * tail(t);
            let sum: f64 = (0..400).map(|i| h * twice((f64::from(i) + 0.5) * h)).sum();
            assert_close("square", sum, square, 1e-3);
        }
    }
}

/// However large the overload, who gets in waits until the line before them is served.
#[test]
fn mmck_in_the_limit_of_overload() {
    for (c, k) in [(4_u32, 9_u64), (30, 40)] {
        // K - c services of c servers: the mean rate is c.
        let stages = k - u64::from(c);
        let (mut term, mut tail) = (1.0, 0.0);
        let t = 0.4 * f64::from(c);
        for i in 0..stages {
            tail += term * (-t).exp();
            term *= t / (i + 1) as f64;
        }
        for rate in spread(1e18, 1e150, 133) {
            let model = Mmck::new(rate, 1.0, c, k).unwrap();
            assert_close(
                "tail",
                model.waiting_time_tail(0.4),
                tail,
                tolerance::IDENTITY,
            );
        }
    }
}

#[test]
fn mdc_wait() {
    let compared = compare("mdc_wait", |case| {
        let model = Mdc::new(case.get("lambda"), case.get("service_time"), case.servers()).unwrap();
        Box::new(move |quantity| {
            if let Some(t) = argument(quantity, "P(Wq>") {
                Some(model.waiting_time_tail(t))
            } else if let Some(t) = argument(quantity, "ln_P(Wq>") {
                Some(model.ln_waiting_time_tail(t))
            } else {
                Some(model.waiting_time_cdf(argument(quantity, "P(Wq<=")?))
            }
        })
    });
    assert!(compared > 140, "{compared}");
}

/// A log-uniform number from each of some, by a fixed step.
fn spread(low: f64, high: f64, count: u32) -> impl Iterator<Item = f64> {
    let step = (high / low).ln() / f64::from(count - 1);
    (0..count).map(move |i| low * (f64::from(i) * step).exp())
}

/// Where customers leave at the same rate whether they wait or are served, each stays for an exponential time.
#[test]
fn erlang_a_of_equal_rates() {
    for (lambda, servers) in [(0.3, 1), (2.0, 1), (8.0, 12), (500.0, 400), (500.0, 600)] {
        let model = ErlangA::new(lambda, 2.0, servers, 2.0).unwrap();
        for t in spread(1e-6, 10.0, 30) {
            let tail = model.response_time_tail(t);
            assert_close("tail", tail, (-2.0 * t).exp(), tolerance::IDENTITY);
            let cdf = model.response_time_cdf(t);
            assert_close("cdf", cdf, -(-2.0 * t).exp_m1(), tolerance::IDENTITY);
        }
        for p in [1e-9, 0.1, 0.499, 0.501, 0.9, 0.999_999] {
            let t = model.response_time_quantile(p);
            assert_close("quantile", t, -(-p).ln_1p() / 2.0, tolerance::IDENTITY);
        }
        assert_close("mean", model.mean_response_time(), 0.5, tolerance::IDENTITY);
    }
}

/// Without impatience worth the name, Erlang A is M/M/c.
#[test]
fn erlang_a_of_the_patient_is_mmc() {
    let patient = ErlangA::new(8.0, 1.0, 10, 1e-15).unwrap();
    let queue = Mmc::new(8.0, 1.0, 10).unwrap();
    for t in spread(1e-3, 30.0, 20) {
        let expected = queue.response_time_tail(t);
        assert_close(
            "served",
            patient.response_time_tail_of_served(t),
            expected,
            1e-12,
        );
        assert_close("all", patient.response_time_tail(t), expected, 1e-12);
        let expected = queue.response_time_cdf(t);
        assert_close(
            "cdf",
            patient.response_time_cdf_of_served(t),
            expected,
            1e-12,
        );
    }
    let (mine, other) = (
        patient.response_time_variance_of_served(),
        queue.response_time_variance(),
    );
    assert_close("variance", mine, other, 1e-11);
}

/// Distribution and tail fall and rise, add up to one, and jump nowhere, over many orders of magnitude.
#[test]
fn erlang_a_response_is_a_distribution() {
    for lambda in spread(0.01, 3000.0, 9) {
        for servers in [1, 3, 20, 300] {
            for theta in spread(1e-3, 100.0, 6) {
                let model = ErlangA::new(lambda, 1.0, servers, theta).unwrap();
                let what = format!("{lambda} {servers} {theta}");
                let (mut all, mut served) = (1.0, 1.0);
                for t in spread(1e-4, 20.0, 25) {
                    let tails = (
                        model.response_time_tail(t),
                        model.response_time_tail_of_served(t),
                    );
                    assert!(
                        tails.0 <= all * (1.0 + 1e-11),
                        "{what} {t}: {} after {all}",
                        tails.0
                    );
                    assert!(
                        tails.1 <= served * (1.0 + 1e-11),
                        "{what} {t}: {} after {served}",
                        tails.1
                    );
                    (all, served) = tails;
                    let cdf = model.response_time_cdf(t);
                    assert_within(&what, cdf + all, 1.0, 1e-10);
                    let cdf = model.response_time_cdf_of_served(t);
                    assert_within(&what, cdf + served, 1.0, 1e-10);
                }
                for p in [0.01, 0.3, 0.7, 0.999] {
                    let t = model.response_time_quantile(p);
                    assert_close(&what, model.response_time_cdf(t), p, 1e-8);
                    let t = model.response_time_quantile_of_served(p);
                    assert_close(&what, model.response_time_cdf_of_served(t), p, 1e-8);
                }
            }
        }
    }
}

#[test]
fn mdc_with_one_server_is_md1() {
    for rho in [0.001, 0.05, 0.3, 0.6, 0.9, 0.999, 0.999_999] {
        let (many, one) = (Mdc::new(rho, 1.0, 1).unwrap(), Md1::new(rho, 1.0).unwrap());
        for t in [0.0, 1e-9, 0.01, 0.5, 1.0, 1.5, 2.0, 7.9, 8.1, 30.0, 400.0] {
            let (mine, other) = (many.ln_waiting_time_tail(t), one.ln_waiting_time_tail(t));
            assert_within(
                &format!("{rho} {t}"),
                mine,
                other,
                1e-12 * other.abs().max(1.0),
            );
        }
        for p in [0.9995, 0.99999, 1.0 - 1e-12] {
            let (mine, other) = (many.waiting_time_quantile(p), one.waiting_time_quantile(p));
            assert_within(&format!("{rho} {p}"), mine, other, 1e-11 * other);
        }
    }
}

/// The tail integrates to the mean, and twice the time times it to the second moment, which are other integrals.
#[test]
fn mdc_tail_has_the_moments() {
    for (rho, c) in [(0.97, 1_000), (0.999_8, 1_000_000)] {
        let model = Mdc::new(0.5 * rho * f64::from(c), 2.0, c).unwrap();
        let end = model.waiting_time_quantile(1.0 - 1e-12);
        assert!(end < 2.0, "no corner within: {end}");
        let steps = 600;
        let h = end / f64::from(steps);
        let (mut first, mut second) = (0.0, 0.0);
        for i in 0..=steps {
            let t = f64::from(i) * h;
            let weight = match i {
                0 => 1.0,
                i if i == steps => 1.0,
                i if i % 2 == 1 => 4.0,
                _ => 2.0,
            };
            let tail = weight * h / 3.0 * model.waiting_time_tail(t);
            first += tail;
            second += 2.0 * t * tail;
        }
        let mean = model.mean_waiting_time();
        assert_close("mean", first, mean, 2e-7);
        assert_close(
            "second",
            second,
            model.waiting_time_variance() + mean * mean,
            2e-7,
        );
    }
}

#[test]
fn mdc_quantiles_turn_the_tail_round() {
    for (rho, c) in [
        (0.5, 2),
        (0.9, 7),
        (0.99, 40),
        (0.999_999, 5),
        (0.98, 3_000),
    ] {
        let model = Mdc::new(rho * f64::from(c), 1.0, c).unwrap();
        let mut last = 0.0;
        for late in [0.5, 0.1, 1e-3, 1e-9] {
            let late = late * model.probability_of_waiting();
            let p = 1.0 - late;
            let t = model.waiting_time_quantile(p);
            assert!(t > last, "{rho} {c} {p}");
            assert_close("tail", model.waiting_time_tail(t), 1.0 - p, 1e-11);
            assert_eq!(model.response_time_quantile(p), 1.0 + t);
            last = t;
        }
        assert_eq!(
            model.waiting_time_quantile(0.5 * model.probability_of_not_waiting()),
            0.0
        );
    }
    assert_eq!(
        Mdc::new(0.0, 1.0, 3).unwrap().waiting_time_quantile(1.0),
        0.0
    );
    assert_eq!(Mdc::new(0.0, 1.0, 3).unwrap().waiting_time_tail(0.0), 0.0);
    assert_eq!(
        Mdc::new(1.0, 1.0, 3).unwrap().waiting_time_quantile(1.0),
        f64::INFINITY
    );
}

/// Variances of numbers are those of the state probabilities.
#[test]
fn variances_of_the_states() {
    let variance = |p: &dyn Fn(u64) -> f64, value: &dyn Fn(f64) -> f64| {
        let (mut first, mut second) = (0.0, 0.0);
        for n in 0..4_000 {
            let x = value(n as f64);
            first += x * p(n);
            second += x * x * p(n);
        }
        second - first * first
    };
    let (all, waiting) = (|n: f64| n, |n: f64| (n - 1.0).max(0.0));
    for rho in [0.05, 0.6, 0.9, 0.95] {
        let line = Md1::new(rho * 3.0, 1.0 / 3.0).unwrap();
        let p = |n| line.state_probability(n);
        assert_close(
            "M/D/1",
            line.in_system_variance(),
            variance(&p, &all),
            1e-10,
        );
        assert_close(
            "M/D/1",
            line.in_queue_variance(),
            variance(&p, &waiting),
            1e-10,
        );
        assert_eq!(line.response_time_variance(), line.waiting_time_variance());
        let same = Mdc::new(rho * 3.0, 1.0 / 3.0, 1).unwrap();
        assert_close(
            "M/D/c",
            same.in_system_variance(),
            line.in_system_variance(),
            1e-12,
        );
        assert_close(
            "M/D/c",
            same.response_time_variance(),
            line.response_time_variance(),
            1e-12,
        );
        for line in [
            Gm1::deterministic(1.0 / rho, 1.0).unwrap(),
            Gm1::exponential(1.0 / rho, 1.0).unwrap(),
            Gm1::hyperexponential(&[(0.9, 0.5 / rho), (0.1, 5.5 / rho)], 1.0).unwrap(),
        ] {
            let p = |n| line.state_probability(n);
            assert_close(
                "G/M/1",
                line.in_system_variance(),
                variance(&p, &all),
                1e-10,
            );
            assert_close(
                "G/M/1",
                line.in_queue_variance(),
                variance(&p, &waiting),
                1e-10,
            );
        }
    }
}

/// Mean and square of the time that all stay are those of its tail.
#[test]
fn erlang_a_moments_of_the_stay() {
    for (lambda, servers, theta) in [
        (48.0, 50, 0.5),
        (3.0, 1, 0.2),
        (30.0, 5, 2.0),
        (0.5, 4, 9.0),
    ] {
        let model = ErlangA::new(lambda, 1.0, servers, theta).unwrap();
        let tail = |t| model.response_time_tail(t);
        let mean = model.mean_response_time();
        assert_close("mean", mean_from_tail(tail, 60.0), mean, 1e-7);
        let square = square_from_tail(tail, 60.0);
        assert_close(
            "variance",
            model.response_time_variance(),
            square - mean * mean,
            1e-6,
        );
        let tail = |t| model.response_time_tail_of_served(t);
        let mean = model.mean_response_time_of_served();
        assert_close("mean", mean_from_tail(tail, 60.0), mean, 1e-7);
        let square = square_from_tail(tail, 60.0) - mean * mean;
        assert_close(
            "variance",
            model.response_time_variance_of_served(),
            square,
            1e-6,
        );
    }
}

/// Whatever the parameters: probabilities, times, and no NaN.
#[test]
fn never_nan() {
    let probability = |what: &str, p: f64| assert!((0.0..=1.0).contains(&p), "{what}: {p}");
    let times = [0.0, 1e-300, 0.3, 7.0, 1e6, 1e300, f64::INFINITY];
    let shares = [0.0, 1e-300, 0.3, 0.5, 0.999, 1.0];
    for c in [1, 60, 5_000] {
        for rho in [
            1e-300,
            1e-9,
            0.1,
            0.7,
            0.99,
            1.0 - 1e-9,
            1.0 - 2.0_f64.powi(-52),
        ] {
            for service in [1e-200, 1e200] {
                let Ok(model) = Mdc::new(rho * f64::from(c) / service, service, c) else {
                    continue;
                };
                let what = format!("{c} {rho} {service}");
                for t in times {
                    probability(&what, model.waiting_time_tail(t * service));
                    probability(&what, model.waiting_time_cdf(t * service));
                    assert!(
                        !model.ln_waiting_time_tail(t * service).is_nan(),
                        "{what} {t}"
                    );
                }
                let mut last = 0.0;
                for p in shares {
                    let t = model.waiting_time_quantile(p);
                    assert!(t >= last, "{what} {p}: {t} after {last}");
                    last = t;
                }
            }
        }
    }
    for c in [1, 30, 4_000] {
        for lambda in [0.0, 1e-200, 0.2, 25.0, 1e5, 1e12] {
            for theta in [1e-12, 0.01, 1.0, 1e9] {
                let model = ErlangA::new(lambda, 1.0, c, theta).unwrap();
                let what = format!("{c} {lambda} {theta}");
                for t in times {
                    probability(&what, model.response_time_tail(t));
                    probability(&what, model.response_time_cdf(t));
                    probability(&what, model.response_time_tail_of_served(t));
                    probability(&what, model.response_time_cdf_of_served(t));
                }
                let variances = [
                    model.response_time_variance(),
                    model.response_time_variance_of_served(),
                ];
                assert!(variances.iter().all(|v| *v >= 0.0), "{what}: {variances:?}");
                for p in shares {
                    assert!(model.response_time_quantile(p) >= 0.0, "{what} {p}");
                    assert!(
                        model.response_time_quantile_of_served(p) >= 0.0,
                        "{what} {p}"
                    );
                }
            }
        }
    }
    for (c, n) in [(1, 1), (1, 50), (7, 2_000), (900, 1_000)] {
        for rate in [1e-100, 1e-3, 1.0, 1e5, 1e100] {
            let model = FiniteSource::new(rate, 1.0, c, n).unwrap();
            let what = format!("{c} {n} {rate}");
            for t in times {
                probability(&what, model.response_time_tail(t));
                probability(&what, model.response_time_cdf(t));
            }
            for p in shares {
                assert!(model.response_time_quantile(p) >= 0.0, "{what} {p}");
            }
            assert!(model.waiting_time_variance() >= 0.0, "{what}");
        }
    }
}
