//! What must hold between the figures of a model, at any parameters.

mod support;

use crm_metrics::operational::little_number;
use crm_metrics::queueing::{Mg1, Mm1, Mmc, erlang_b, erlang_c, ln_erlang_b, ln_erlang_c};
use proptest::prelude::{ProptestConfig, Strategy, prop_oneof, proptest};
use support::tolerance::{FEW_SERVERS, IDENTITY, METHOD_SWITCH, QUANTILE_FLOOR, UNDERFLOW};
use support::{above, assert_close, assert_within, below, naive};

/// Rates over twelve orders of magnitude.
fn rate() -> impl Strategy<Value = f64> {
    (-6.0..6.0_f64).prop_map(|exponent| 10.0_f64.powf(exponent))
}

/// Loads of all kinds: next to nothing, ordinary, and next to saturation.
fn load() -> impl Strategy<Value = f64> {
    prop_oneof![
        (-9.0..0.0_f64).prop_map(|exponent| 0.99 * 10.0_f64.powf(exponent)),
        0.01..0.99_f64,
        (-9.0..-2.0_f64).prop_map(|exponent| 1.0 - 10.0_f64.powf(exponent)),
    ]
}

/// One to some ten thousand servers, small numbers as likely as large ones.
fn servers() -> impl Strategy<Value = u32> {
    (0.0..4.3_f64).prop_map(|exponent| 10.0_f64.powf(exponent) as u32)
}

fn pool() -> impl Strategy<Value = Mmc> {
    (rate(), load(), servers())
        .prop_map(|(mu, load, c)| Mmc::new(load * mu * f64::from(c), mu, c).unwrap())
}

fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn littles_law(model in pool()) {
        let through = |time| little_number(model.arrival_rate(), time).unwrap();
        assert_close("L", through(model.mean_response_time()), model.mean_in_system(), IDENTITY);
        assert_close("Lq", through(model.mean_waiting_time()), model.mean_in_queue(), IDENTITY);
        assert_close("rho", through(1.0 / model.service_rate()), model.offered_load(), IDENTITY);
    }

    #[test]
    fn littles_law_of_one_server(mu in rate(), load in load(), cs2 in 0.0..50.0_f64) {
        let exponential = Mm1::new(load * mu, mu).unwrap();
        assert_close("L", exponential.arrival_rate() * exponential.mean_response_time(), exponential.mean_in_system(), IDENTITY);
        assert_close("Lq", exponential.arrival_rate() * exponential.mean_waiting_time(), exponential.mean_in_queue(), IDENTITY);
        let general = Mg1::new(load * mu, 1.0 / mu, cs2).unwrap();
        assert_close("L", general.arrival_rate() * general.mean_response_time(), general.mean_in_system(), IDENTITY);
        assert_close("Lq", general.arrival_rate() * general.mean_waiting_time(), general.mean_in_queue(), IDENTITY);
    }

    #[test]
    fn one_server_of_mmc_is_mm1(mu in rate(), load in load(), p in 0.0..1.0_f64, n in 0..200_u64) {
        let (one, many) = (Mm1::new(load * mu, mu).unwrap(), Mmc::new(load * mu, mu, 1).unwrap());
        let t = one.mean_response_time();
        for (what, a, b) in [
            ("utilisation", one.utilisation(), many.utilisation()),
            ("idle", one.idle_probability(), many.idle_probability()),
            ("waiting", one.probability_of_waiting(), many.probability_of_waiting()),
            ("L", one.mean_in_system(), many.mean_in_system()),
            ("Lq", one.mean_in_queue(), many.mean_in_queue()),
            ("W", one.mean_response_time(), many.mean_response_time()),
            ("Wq", one.mean_waiting_time(), many.mean_waiting_time()),
            ("var L", one.in_system_variance(), many.in_system_variance()),
            ("var Lq", one.in_queue_variance(), many.in_queue_variance()),
            ("var W", one.response_time_variance(), many.response_time_variance()),
            ("var Wq", one.waiting_time_variance(), many.waiting_time_variance()),
            ("p_n", one.ln_state_probability(n), many.ln_state_probability(n)),
            ("W <= t", one.response_time_cdf(t), many.response_time_cdf(t)),
            ("W > t", one.response_time_tail(t), many.response_time_tail(t)),
            ("W <= t", one.response_time_cdf(t * 1e-6), many.response_time_cdf(t * 1e-6)),
            ("Wq <= t", one.waiting_time_cdf(t), many.waiting_time_cdf(t)),
            ("Wq > t", one.waiting_time_tail(t), many.waiting_time_tail(t)),
            ("W quantile", one.response_time_quantile(p), many.response_time_quantile(p)),
        ] {
            assert_close(what, b, a, IDENTITY);
        }
        let allowed = QUANTILE_FLOOR * t + IDENTITY * one.waiting_time_quantile(p);
        assert_within("Wq quantile", many.waiting_time_quantile(p), one.waiting_time_quantile(p), allowed);
    }

    #[test]
    fn exponential_service_of_mg1_is_mm1(mu in rate(), load in load()) {
        let one = Mm1::new(load * mu, mu).unwrap();
        let general = Mg1::exponential(load * mu, 1.0 / mu).unwrap();
        // The reciprocal of mu is rounded, and near saturation the spare capacity feels it.
        let relative = IDENTITY + 4.0 * f64::EPSILON / one.idle_probability();
        for (what, a, b) in [
            ("L", one.mean_in_system(), general.mean_in_system()),
            ("Lq", one.mean_in_queue(), general.mean_in_queue()),
            ("W", one.mean_response_time(), general.mean_response_time()),
            ("Wq", one.mean_waiting_time(), general.mean_waiting_time()),
            ("var L", one.in_system_variance(), general.in_system_variance().unwrap()),
            ("var Lq", one.in_queue_variance(), general.in_queue_variance().unwrap()),
            ("var W", one.response_time_variance(), general.response_time_variance().unwrap()),
            ("var Wq", one.waiting_time_variance(), general.waiting_time_variance().unwrap()),
        ] {
            assert_close(what, b, a, relative);
        }
    }

    #[test]
    fn cdf_and_tail_are_complements(model in pool(), x in 0.0..30.0_f64) {
        let one = Mm1::new(model.utilisation(), 1.0).unwrap();
        for t in [x / model.service_rate(), x * model.mean_response_time(), x * 1e-12] {
            assert_close("Wq", model.waiting_time_cdf(t) + model.waiting_time_tail(t), 1.0, IDENTITY);
            assert_close("W", model.response_time_cdf(t) + model.response_time_tail(t), 1.0, IDENTITY);
            assert_close("Wq", one.waiting_time_cdf(t) + one.waiting_time_tail(t), 1.0, IDENTITY);
            assert_close("W", one.response_time_cdf(t) + one.response_time_tail(t), 1.0, IDENTITY);
        }
    }

    #[test]
    fn quantiles_invert_distributions(model in pool(), exponent in -12.0..0.0_f64) {
        let small = 10.0_f64.powf(exponent) / 2.0;
        let one = Mm1::new(model.utilisation(), 1.0).unwrap();
        // From below by the distribution, from above by the tail.
        assert_close("W", model.response_time_cdf(model.response_time_quantile(small)), small, IDENTITY);
        assert_close("W", one.response_time_cdf(one.response_time_quantile(small)), small, IDENTITY);
        for (quantile, cdf) in [
            (model.waiting_time_quantile(small), model.waiting_time_cdf(model.waiting_time_quantile(small))),
            (one.waiting_time_quantile(small), one.waiting_time_cdf(one.waiting_time_quantile(small))),
        ] {
            if quantile > 0.0 {
                assert_close("Wq", cdf, small, IDENTITY);
            } else {
                assert!(cdf * (1.0 + IDENTITY) >= small);
            }
        }
        let (p, late) = (1.0 - small, 1.0 - (1.0 - small));
        assert_close("W", model.response_time_tail(model.response_time_quantile(p)), late, 10.0 * IDENTITY);
        assert_close("W", one.response_time_tail(one.response_time_quantile(p)), late, 10.0 * IDENTITY);
        for (quantile, tail, waits) in [
            (model.waiting_time_quantile(p), model.waiting_time_tail(model.waiting_time_quantile(p)), model.probability_of_waiting()),
            (one.waiting_time_quantile(p), one.waiting_time_tail(one.waiting_time_quantile(p)), one.probability_of_waiting()),
        ] {
            if quantile > 0.0 {
                assert_close("Wq", tail, late, 10.0 * IDENTITY);
            } else {
                assert!(waits <= late * (1.0 + IDENTITY));
            }
        }
    }

    #[test]
    fn more_load_never_helps(mu in rate(), c in servers(), load in 0.0..0.99_f64, more in 1e-6..0.009_f64) {
        let capacity = mu * f64::from(c);
        let less = Mmc::new(load * capacity, mu, c).unwrap();
        let more = Mmc::new((load + more) * capacity, mu, c).unwrap();
        let t = 1.0 / mu;
        assert!(more.utilisation() > less.utilisation());
        assert!(more.probability_of_waiting() >= less.probability_of_waiting());
        assert!(more.ln_probability_of_waiting() > less.ln_probability_of_waiting());
        assert!(more.mean_waiting_time() >= less.mean_waiting_time());
        assert!(more.mean_response_time() >= less.mean_response_time());
        assert!(more.mean_in_system() > less.mean_in_system());
        assert!(more.waiting_time_tail(t) >= less.waiting_time_tail(t));
        assert!(more.waiting_time_quantile(0.99) >= less.waiting_time_quantile(0.99));
        let slack = 1.0 + IDENTITY;
        assert!(more.response_time_tail(t) * slack >= less.response_time_tail(t));
        assert!(more.response_time_quantile(0.99) * slack >= less.response_time_quantile(0.99));
    }

    #[test]
    fn a_further_server_never_hurts(mu in rate(), c in servers(), load in load()) {
        let lambda = load * mu * f64::from(c);
        let (fewer, more) = (Mmc::new(lambda, mu, c).unwrap(), Mmc::new(lambda, mu, c + 1).unwrap());
        assert!(more.ln_probability_of_waiting() < fewer.ln_probability_of_waiting());
        assert!(more.mean_waiting_time() <= fewer.mean_waiting_time());
        assert!(more.waiting_time_quantile(0.999) <= fewer.waiting_time_quantile(0.999));
    }

    #[test]
    fn the_fewest_servers_are_enough_and_one_less_is_not(mu in rate(), erlangs in 0.0..3e3_f64, target in rate(), p in 0.01..0.999_f64) {
        let lambda = erlangs * mu;
        let pool = Mmc::for_mean_waiting_time(lambda, mu, target).unwrap();
        assert!(pool.mean_waiting_time() <= target);
        if let Ok(less) = Mmc::new(lambda, mu, pool.servers() - 1) {
            assert!(less.mean_waiting_time() > target);
        }
        let pool = Mmc::for_service_level(lambda, mu, p, target).unwrap();
        assert!(pool.waiting_time_tail(target) <= 1.0 - p);
        if let Ok(less) = Mmc::new(lambda, mu, pool.servers() - 1) {
            assert!(less.waiting_time_tail(target) > 1.0 - p);
        }
    }

    #[test]
    fn blocking_and_delay_are_related(c in servers(), load in load()) {
        let a = load * f64::from(c);
        let (b, d) = (erlang_b(c, a).unwrap(), erlang_c(c, a).unwrap());
        assert_close("C", b / (1.0 - (a / f64::from(c)) * (1.0 - b)), d, 1e-6); // this form cancels near saturation
        assert!(b <= d);
        if b > UNDERFLOW {
            assert_close("ln B", ln_erlang_b(c, a).unwrap(), b.ln(), IDENTITY);
            assert_close("ln C", ln_erlang_c(c, a).unwrap().exp(), d, IDENTITY);
        }
        assert_close("C", Mmc::new(a, 1.0, c).unwrap().probability_of_waiting(), d, IDENTITY);
    }
}

/// Rates may be per second or per century: only the unit of the times changes. Powers of two leave the digits alone.
#[test]
fn figures_do_not_depend_on_the_unit_of_time() {
    for exponent in [-480, -360, -60, 60, 480] {
        let unit = 2.0_f64.powi(exponent);
        for (load, cs2) in [(0.3, 0.0), (0.75, 4.0), (0.999, 1e6), (0.5, 1e20)] {
            let third = 1.5 * (1.0 + cs2) * (1.0 + cs2);
            let model = Mg1::new(load, 1.0, cs2).unwrap();
            let model = model.with_third_moment(third).unwrap();
            let scaled = Mg1::new(load / unit, unit, cs2).unwrap();
            let moment = ((third * unit) * unit) * unit;
            if !moment.is_normal() {
                continue;
            }
            let scaled = scaled.with_third_moment(moment).unwrap();
            assert_eq!(scaled.in_system_variance(), model.in_system_variance());
            assert_eq!(scaled.in_queue_variance(), model.in_queue_variance());
            for (here, there) in [
                (
                    model.waiting_time_variance(),
                    scaled.waiting_time_variance(),
                ),
                (
                    model.response_time_variance(),
                    scaled.response_time_variance(),
                ),
            ] {
                assert_eq!(there, here.map(|variance| (variance * unit) * unit));
            }
        }
        for servers in [1, 3, 200] {
            let arrivals = 0.9 * f64::from(servers);
            let model = Mmc::new(arrivals, 1.0, servers).unwrap();
            let scaled = Mmc::new(arrivals / unit, 1.0 / unit, servers).unwrap();
            assert_eq!(scaled.mean_in_system(), model.mean_in_system());
            assert_eq!(
                scaled.ln_state_probability(0),
                model.ln_state_probability(0)
            );
            for p in [1e-9, 0.3, 0.99] {
                let (here, there) = (
                    model.response_time_quantile(p),
                    scaled.response_time_quantile(p),
                );
                assert_close("W quantile", there / unit, here, IDENTITY);
                assert_close(
                    "W",
                    scaled.response_time_tail(there),
                    model.response_time_tail(here),
                    IDENTITY,
                );
            }
            let variance = scaled.response_time_variance() / unit / unit;
            assert_eq!(variance, model.response_time_variance());
        }
    }
}

/// The balance equations, term by term.
#[test]
fn states_of_a_small_pool() {
    for (lambda, mu, c) in [(0.9, 0.5, 2), (7.0, 1.0, 8), (30.0, 1.0, 40), (0.1, 2.0, 5)] {
        let model = Mmc::new(lambda, mu, c).unwrap();
        for (n, expected) in (0..).zip(naive::state_probabilities(lambda, mu, c, 90)) {
            assert_close("p_n", model.state_probability(n), expected, IDENTITY);
        }
        let waits: f64 = (u64::from(c)..3_000)
            .map(|n| model.state_probability(n))
            .sum();
        assert_close("C", waits, model.probability_of_waiting(), IDENTITY);
    }
}

/// A target that is met to the last digit is met.
#[test]
fn targets_are_inclusive() {
    let wait = Mmc::new(6.0, 3.0, 3).unwrap().mean_waiting_time();
    let clinic = Mmc::for_mean_waiting_time(6.0, 3.0, wait).unwrap();
    assert_eq!(clinic.servers(), 3);
    let clinic = Mmc::for_mean_waiting_time(6.0, 3.0, below(wait)).unwrap();
    assert_eq!(clinic.servers(), 4);
    // One server is busy half the time, so that half of the requests wait.
    let desk = Mmc::for_service_level(1.0, 2.0, 0.5, 0.0).unwrap();
    assert_eq!(desk.servers(), 1);
    // A tenth is a little more than its decimal spelling: five servers are enough, although the quotient is five.
    let full = Mmc::for_mean_waiting_time(0.5, 0.1, 1e300).unwrap();
    assert_eq!((full.servers(), full.offered_load()), (5, 5.0));
}

#[test]
fn blocking_of_a_few_servers_is_its_definition() {
    for c in 1..60 {
        for a in [1e-4, 1e-3, 0.5, 1.0, 10.0, 59.5, 60.0, 200.0] {
            let b = erlang_b(c, a).unwrap();
            assert_close("B", b, naive::erlang_b(c, a), FEW_SERVERS);
        }
    }
}

/// Mean and variance of a time are those of its distribution.
#[test]
fn moments_are_those_of_the_distributions() {
    for (lambda, mu, c) in [(0.8, 1.0, 1), (1.0, 1.0, 2), (6.0, 3.0, 3), (18.0, 1.0, 20)] {
        let model = Mmc::new(lambda, mu, c).unwrap();
        let end = 60.0 * (1.0 / mu + 1.0 / (f64::from(c) * mu - lambda));
        for (tail, mean, variance) in [
            (
                &(|t| model.waiting_time_tail(t)) as &dyn Fn(f64) -> f64,
                model.mean_waiting_time(),
                model.waiting_time_variance(),
            ),
            (
                &|t| model.response_time_tail(t),
                model.mean_response_time(),
                model.response_time_variance(),
            ),
        ] {
            let first = naive::mean_from_tail(tail, end);
            let second = naive::square_from_tail(tail, end);
            assert_close("mean", first, mean, 1e-9);
            assert_close("variance", second - first * first, variance, 1e-8);
        }
    }
}

/// At 60 servers, and at as much load as servers, the method changes; the result must not jump.
#[test]
fn methods_meet() {
    // One step of the recurrence, 1/B(c+1) = 1 + (c + 1)/a 1/B(c), leads from one method to the other.
    for fraction in [0.0, 1e-9, 0.25, 0.5, 0.999_999] {
        let c = 59.0 + fraction;
        for a in [
            0.5,
            10.0,
            30.0,
            50.0,
            59.0,
            60.0 - 1e-9,
            60.0,
            61.0,
            90.0,
            300.0,
        ] {
            let here = ln_erlang_b(c, a).unwrap();
            let stepped = -((c + 1.0) / a * (-here).exp()).ln_1p();
            let there = ln_erlang_b(c + 1.0, a).unwrap();
            assert_close("ln B", there, stepped, METHOD_SWITCH);
        }
    }
    for c in [171_u32, 1_000, 1_000_000] {
        let a = f64::from(c);
        let less = erlang_b(c, below(a)).unwrap();
        assert_close("B", less, erlang_b(c, above(a)).unwrap(), METHOD_SWITCH);
        assert_close("B", less, erlang_b(c, a).unwrap(), METHOD_SWITCH);
    }
    // Where spare capacity and service rate meet, and the textbook's response time is zero over zero.
    let meet = Mmc::new(4.0, 1.0, 5).unwrap();
    let near = Mmc::new(above(4.0), 1.0, 5).unwrap();
    for t in [0.1, 0.499_999, 0.500_001, 3.0, 30.0] {
        assert_close(
            "W",
            near.response_time_tail(t),
            meet.response_time_tail(t),
            METHOD_SWITCH,
        );
        assert_close(
            "W",
            near.response_time_cdf(t),
            meet.response_time_cdf(t),
            METHOD_SWITCH,
        );
    }
}
