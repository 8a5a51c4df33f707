//! What must hold of the loss, delay and abandonment models at any parameters: limits, balance of flow, no NaN, typed refusals.

mod support;

use crm_metrics::queueing::{
    BirthDeath, Engset, ErlangA, FiniteSource, MmInf, Mmc, Mmcc, Mmck, ModelError, MxM1, Retrial,
    abandonment_rate, erlang_b, erlang_b_load, erlang_b_real_servers, erlang_b_servers,
    garnett_probability_of_waiting, halfin_whitt_beta, halfin_whitt_probability_of_waiting,
    jagerman_scaled_blocking, square_root_staffing, steady_state,
};
use crm_metrics::staffing::{Desk, Interval};
use proptest::prelude::{ProptestConfig, Strategy, proptest};
use support::{assert_close, assert_within, tolerance::IDENTITY};

fn log_uniform(low: f64, high: f64) -> impl Strategy<Value = f64> {
    (low..high).prop_map(|exponent| 10.0_f64.powf(exponent))
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
    fn flow_balances_with_abandonment(load in log_uniform(-3.0, 0.7), c in 1_u32..3_000, mu in log_uniform(-3.0, 3.0), theta in log_uniform(-4.0, 4.0)) {
        let lambda = load * f64::from(c) * mu;
        let model = ErlangA::new(lambda, mu, c, theta * mu).unwrap();
        let served = model.probability_of_service();
        assert_within("all", served + model.probability_of_abandonment(), 1.0, IDENTITY);
        assert_close("abandoned", lambda * model.probability_of_abandonment(), theta * mu * model.mean_in_queue(), IDENTITY);
        assert_close("busy", f64::from(c) - model.mean_idle_servers(), model.mean_busy_servers(), 1e-11);
        assert_close("waits", model.waiting_time_tail(0.0), model.probability_of_waiting(), 1e-11);
        assert_within("served", model.served_within(0.5 / mu) + model.served_later_than(0.5 / mu), served, 1e-11);
    }

    #[test]
    fn blocking_turns_round(c in log_uniform(-1.0, 6.0), blocking in log_uniform(-12.0, -0.01)) {
        let load = erlang_b_load(c, blocking).unwrap();
        assert_close("blocking", erlang_b(c, load).unwrap(), blocking, 1e-8);
        let servers = erlang_b_real_servers(load, blocking).unwrap();
        assert_close("servers", servers, c, 1e-9);
        let whole = erlang_b_servers(load, blocking).unwrap();
        assert!(erlang_b(whole, load).unwrap() <= blocking);
        assert!(whole == 1 || erlang_b(whole - 1, load).unwrap() > blocking);
    }

    #[test]
    fn blocking_is_monotone(c in log_uniform(-1.0, 6.3), load in log_uniform(-2.0, 0.5), step in log_uniform(-9.0, -1.0)) {
        let a = c * load;
        let here = erlang_b(c, a).unwrap();
        assert!(erlang_b(c * (1.0 + step), a).unwrap() <= here * (1.0 + 1e-12));
        assert!(erlang_b(c, a * (1.0 + step)).unwrap() >= here * (1.0 - 1e-12));
    }

    #[test]
    fn little_and_limits_of_a_finite_room(load in log_uniform(-2.0, 0.5), c in 1_u32..300, room in 0_u64..100_000, mu in log_uniform(-3.0, 3.0)) {
        let lambda = load * f64::from(c) * mu;
        let model = Mmck::new(lambda, mu, c, u64::from(c) + room).unwrap();
        assert_close("L", model.throughput() * model.mean_response_time(), model.mean_in_system(), IDENTITY);
        assert_close("Lq", model.throughput() * model.mean_waiting_time(), model.mean_in_queue(), IDENTITY);
        assert_within("all", model.accepted_share() + model.blocking_probability(), 1.0, IDENTITY);
        let more = Mmck::new(lambda, mu, c, u64::from(c) + room + 1).unwrap();
        assert!(more.blocking_probability() <= model.blocking_probability() * (1.0 + 1e-12));
        if room == 0 {
            let loss = Mmcc::new(lambda, mu, c).unwrap();
            assert_close("B", model.blocking_probability(), loss.blocking_probability(), IDENTITY);
            assert_close("var", model.in_system_variance(), loss.in_system_variance(), 1e-10);
        }
        if load < 0.99 && room > 50_000 {
            let endless = Mmc::new(lambda, mu, c).unwrap();
            assert_close("Lq", model.mean_in_queue(), endless.mean_in_queue(), IDENTITY);
            assert_close("p", model.waiting_time_tail(0.1 / mu), endless.waiting_time_tail(0.1 / mu), 1e-11);
        }
    }

    #[test]
    fn mean_of_the_line_is_smooth_where_the_load_is_one(c in 1_u32..2_000, room in 1_u64..1_000_000, off in log_uniform(-16.0, -3.0)) {
        let at = |load: f64| Mmck::new(load * f64::from(c), 1.0, c, u64::from(c) + room).unwrap();
        let (low, one, high) = (at(1.0 - off), at(1.0), at(1.0 + off));
        assert!(low.mean_in_queue() <= one.mean_in_queue() * (1.0 + 1e-12));
        assert!(high.mean_in_queue() >= one.mean_in_queue() * (1.0 - 1e-12));
        assert!(low.blocking_probability() <= one.blocking_probability() * (1.0 + 1e-12));
        assert!(high.blocking_probability() >= one.blocking_probability() * (1.0 - 1e-12));
    }

    #[test]
    fn finite_sources_balance(lambda in log_uniform(-4.0, 4.0), c in 1_u32..50, n in 1_u32..2_000, share in 0.0..1.0_f64) {
        let least = c.min(n);
        let k = least + (share * f64::from(n - least)) as u32;
        let model = FiniteSource::with_capacity(lambda, 1.0, c, n, k).unwrap();
        let entering = lambda * model.mean_away() * (1.0 - model.call_congestion());
        if model.call_congestion() < 0.9 {
            assert_close("flow", entering, model.throughput(), 1e-11);
        }
        assert_within("sources", model.mean_away() + model.mean_in_system(), f64::from(n), 1e-11 * f64::from(n));
        if k == n {
            let chain = BirthDeath::new(
                &(0..n).map(|i| f64::from(n - i) * lambda).collect::<Vec<_>>(),
                &(1..=n).map(|i| f64::from(i.min(c))).collect::<Vec<_>>(),
            ).unwrap();
            assert_close("L", model.mean_in_system(), chain.mean(), 1e-11);
            assert_close("var L", model.in_system_variance(), chain.variance(), 1e-9);
            for i in [0, n / 2, n] {
                assert_within("ln p", model.ln_state_probability(i), chain.ln_probabilities()[i as usize], 1e-11 * f64::from(n));
            }
        }
    }

    #[test]
    fn desks_meet_their_targets(load in log_uniform(-1.0, 3.0), share in 0.5..0.999_f64, within in log_uniform(-3.0, 0.0), patience in log_uniform(-1.0, 1.0)) {
        for desk in [
            Desk::for_service_level(share, within).unwrap(),
            Desk::for_mean_waiting_time(within).unwrap().with_max_occupancy(0.8).unwrap(),
            Desk::for_service_level(share, within).unwrap().with_mean_patience(patience).unwrap(),
            Desk::for_abandonment(1.0 - share, patience).unwrap(),
        ] {
            let staffed = desk.staff(load, 1.0).unwrap();
            let fraction = desk.fractional_agents(load, 1.0).unwrap();
            assert!(fraction <= f64::from(staffed.agents()) && fraction > f64::from(staffed.agents()) - 1.0);
            let here = desk.performance_of(load, 1.0, f64::from(staffed.agents())).unwrap();
            assert_eq!(&here, staffed.performance());
        }
    }
}

#[test]
fn patience_without_end_is_erlang_c() {
    for (lambda, mu, c) in [(6.0, 3.0, 3), (95.0, 1.0, 100), (9_900.0, 1.0, 10_000)] {
        let (patient, impatient) = (
            Mmc::new(lambda, mu, c).unwrap(),
            ErlangA::new(lambda, mu, c, 1e-13).unwrap(),
        );
        assert_close(
            "C",
            impatient.probability_of_waiting(),
            patient.probability_of_waiting(),
            1e-8,
        );
        assert_close(
            "Wq",
            impatient.mean_waiting_time(),
            patient.mean_waiting_time(),
            1e-7,
        );
    }
    // And without any it is Erlang B.
    let (hasty, loss) = (
        ErlangA::new(9.0, 1.0, 10, 1e14).unwrap(),
        erlang_b(10, 9.0).unwrap(),
    );
    assert_close("B", hasty.probability_of_abandonment(), loss, 1e-8);
    assert_close(
        "theta",
        abandonment_rate(
            hasty.probability_of_abandonment(),
            hasty.mean_waiting_time(),
        )
        .unwrap(),
        1e14,
        1e-12,
    );
}

/// With as much patience as service the number in the system is Poisson.
#[test]
fn equal_rates_are_poisson() {
    let (desk, endless) = (
        ErlangA::new(120.0, 2.0, 55, 2.0).unwrap(),
        MmInf::new(120.0, 2.0).unwrap(),
    );
    for n in [0, 30, 55, 60, 100] {
        assert_close(
            "ln p",
            desk.ln_state_probability(n),
            endless.ln_state_probability(n),
            1e-13,
        );
    }
    assert_close(
        "waits",
        desk.probability_of_waiting(),
        endless.in_system_tail(54),
        1e-13,
    );
    assert_close("var", desk.in_system_variance(), 60.0, 1e-12);
}

#[test]
fn limits_of_many_servers() {
    let load = 1e10_f64;
    for beta in [0.1, 0.5, 1.0, 2.0] {
        let exact =
            crm_metrics::queueing::erlang_c(square_root_staffing(load, beta).unwrap(), load)
                .unwrap();
        assert_close(
            "HW",
            halfin_whitt_probability_of_waiting(beta).unwrap(),
            exact,
            1e-4,
        );
        assert_close(
            "beta",
            halfin_whitt_beta(halfin_whitt_probability_of_waiting(beta).unwrap()).unwrap(),
            beta,
            1e-13,
        );
        let blocked =
            erlang_b(square_root_staffing(load, beta).unwrap(), load).unwrap() * load.sqrt();
        assert_close("J", jagerman_scaled_blocking(beta).unwrap(), blocked, 1e-4);
    }
    for beta in [-1.0, 0.0, 1.0] {
        let c = square_root_staffing(1e9, beta).unwrap();
        let exact = ErlangA::new(1e9, 1.0, c as u32, 0.25).unwrap();
        assert_close(
            "G",
            garnett_probability_of_waiting(beta, 0.25).unwrap(),
            exact.probability_of_waiting(),
            1e-3,
        );
    }
}

#[test]
fn markov_chains() {
    // A birth-death chain is one; states that are left for ever have no share.
    let p = steady_state(&[
        [0.0, 1.0, 0.0, 0.0],
        [2.0, 0.0, 1.0, 0.0],
        [0.0, 2.0, 0.0, 0.0],
        [0.5, 0.0, 0.5, 0.0],
    ])
    .unwrap();
    let chain = BirthDeath::new(&[1.0, 1.0], &[2.0, 2.0]).unwrap();
    for (p, q) in p.iter().zip(chain.probabilities()) {
        assert_within("p", *p, *q, 1e-16);
    }
    assert_eq!(p[3], 0.0);
    // Rates twelve orders of magnitude apart: no digit is lost.
    let p = steady_state(&[[0.0, 1e-12], [1.0, 0.0]]).unwrap();
    assert_close("p", p[1], 1e-12 / (1.0 + 1e-12), 1e-15);
    assert!(steady_state(&[[0.0, 0.0], [0.0, 0.0]]).is_err());
    assert!(steady_state(&[[0.0, -1.0], [1.0, 0.0]]).is_err());
    assert!(steady_state(&[vec![0.0, 1.0], vec![1.0]]).is_err());
    assert!(steady_state(&[[0.0; 0]; 0]).is_err());
    assert!(BirthDeath::new(&[1.0], &[0.0]).is_err());
    assert!(BirthDeath::new(&[f64::NAN], &[1.0]).is_err());
    assert!(BirthDeath::new(&[1.0], &[]).is_err());
    // A million states whose weights span thousands of orders of magnitude: geometric with ratio 0.99.
    let n = 1_000_000;
    let chain = BirthDeath::new(&vec![0.99; n], &vec![1.0; n]).unwrap();
    assert_close("mean", chain.mean(), 0.99 / 0.01, 1e-12);
    assert_close(
        "ln p",
        chain.ln_probabilities()[n],
        0.01_f64.ln() + n as f64 * 0.99_f64.ln(),
        1e-13,
    );
    // Down by thirds and up again: the roundings of 1/3 do not add up.
    let (mut birth, mut death) = (vec![1.0; 300], vec![3.0; 300]);
    birth.extend([3.0; 300]);
    death.extend([1.0; 300]);
    let chain = BirthDeath::new(&birth, &death).unwrap();
    assert_close(
        "p",
        chain.probabilities()[600],
        chain.probabilities()[0],
        1e-15,
    );
    let ended = BirthDeath::new(&[1.0, 0.0, 1.0], &[1.0, 1.0, 1.0]).unwrap();
    assert_eq!(ended.probabilities(), [0.5, 0.5, 0.0, 0.0]);
    assert_eq!(ended.ln_probabilities()[3], f64::NEG_INFINITY);
}

#[test]
fn batches() {
    let single = MxM1::fixed(0.7, 1.0, 1).unwrap();
    let one = crm_metrics::queueing::Mm1::new(0.7, 1.0).unwrap();
    assert_close("L", single.mean_in_system(), one.mean_in_system(), 1e-15);
    assert_close(
        "Wq",
        single.mean_waiting_time(),
        one.mean_waiting_time(),
        1e-15,
    );
    assert_close(
        "var",
        single.in_system_variance().unwrap(),
        one.in_system_variance(),
        1e-14,
    );
    // Moments are those of the state probabilities.
    let sizes = [0.5, 0.25, 0.0, 0.25];
    let moment = |k: i32| -> f64 {
        sizes
            .iter()
            .enumerate()
            .map(|(i, p)| p * (i as f64 + 1.0).powi(k))
            .sum()
    };
    let model = MxM1::new(0.3, 1.0, moment(1), moment(2))
        .unwrap()
        .with_third_moment(moment(3))
        .unwrap();
    let mut p = vec![0.0; 2_000];
    model.state_probabilities(&sizes, &mut p);
    let sum = |k: i32| -> f64 {
        p.iter()
            .enumerate()
            .map(|(n, p)| p * (n as f64).powi(k))
            .sum()
    };
    assert_close("all", sum(0), 1.0, 1e-12);
    assert_close("L", sum(1), model.mean_in_system(), 1e-12);
    assert_close(
        "var",
        sum(2) - sum(1) * sum(1),
        model.in_system_variance().unwrap(),
        1e-11,
    );
    assert_close(
        "Lq",
        model.mean_in_system() - model.utilisation(),
        model.mean_in_queue(),
        1e-14,
    );
    let geometric = MxM1::geometric(0.1, 1.0, 3.0).unwrap();
    assert_close(
        "var",
        geometric.in_system_variance().unwrap(),
        {
            let (q, rho) = (2.0 / 3.0, 0.3);
            let m = 1.0 / (1.0 - q);
            rho * q * m * m / (1.0 - rho) + rho * m * m / ((1.0 - rho) * (1.0 - rho))
        },
        1e-13,
    );
    assert!(matches!(
        MxM1::new(0.5, 1.0, 2.0, 4.0),
        Err(ModelError::Unstable(_))
    ));
    assert!(matches!(
        MxM1::new(0.5, 1.0, 0.5, 4.0),
        Err(ModelError::Param(_))
    ));
    assert!(matches!(
        MxM1::new(0.1, 1.0, 2.0, 3.9),
        Err(ModelError::Param(_))
    ));
}

#[test]
fn retrials_have_their_limits() {
    let waits = Mmc::new(7.0, 1.0, 10).unwrap();
    let at_once = Retrial::new(7.0, 1.0, 10, 1e12).unwrap();
    assert_close(
        "orbit",
        at_once.mean_in_orbit(),
        waits.mean_in_queue(),
        1e-9,
    );
    assert_close(
        "carried",
        at_once.attempts() * (1.0 - at_once.blocking_probability()),
        7.0,
        1e-13,
    );
    assert!(matches!(
        Retrial::new(10.0, 1.0, 10, 1.0),
        Err(ModelError::Unstable(_))
    ));
    let idle = Retrial::new(0.0, 1.0, 10, 1.0).unwrap();
    assert_eq!((idle.mean_in_orbit(), idle.mean_waiting_time()), (0.0, 0.0));
}

#[test]
fn never_nan() {
    let scales = [1e-290, 1e-100, 1e-9, 0.3, 1.0, 1e9, 1e100, 1e290];
    let times = [
        -1.0,
        0.0,
        5e-324,
        1e-290,
        1e-3,
        1.0,
        1e10,
        1e290,
        f64::INFINITY,
    ];
    let shares = [0.0, 5e-324, 1e-16, 0.1, 0.5, 0.99, 1.0 - 1.2e-16, 1.0];
    let counts = [1, 2, 59, 60, 61, 1_000, 1_000_000, u32::MAX];
    let check = |what: &dyn std::fmt::Debug, all: &[f64]| {
        assert!(!all.iter().any(|x| x.is_nan()), "{all:?} of {what:?}");
    };
    for scale in scales {
        for load in [
            0.0,
            5e-324,
            1e-300,
            1e-9,
            0.5,
            1.0 - 1e-16,
            1.0,
            1.0 + 1e-9,
            2.0,
            1e6,
            1e12,
        ] {
            for c in counts {
                let lambda = load * f64::from(c) * scale;
                if let Ok(model) = Mmcc::new(lambda, scale, c) {
                    let mut all = vec![
                        model.blocking_probability(),
                        model.ln_blocking_probability(),
                        model.throughput(),
                        model.mean_in_system(),
                        model.mean_idle_servers(),
                        model.in_system_variance(),
                        model.overflow_peakedness(),
                        model.utilisation(),
                    ];
                    all.extend(
                        [0, 1, u64::from(c), u64::from(c / 2)]
                            .map(|n| model.ln_state_probability(n)),
                    );
                    check(&model, &all);
                }
                for room in [0, 1, 1_000_000] {
                    let Ok(model) = Mmck::new(lambda, scale, c, u64::from(c) + room) else {
                        continue;
                    };
                    let mut all = vec![
                        model.blocking_probability(),
                        model.ln_blocking_probability(),
                        model.accepted_share(),
                        model.mean_in_queue(),
                        model.mean_in_system(),
                        model.mean_waiting_time(),
                        model.mean_response_time(),
                        model.in_queue_variance(),
                        model.in_system_variance(),
                        model.waiting_time_variance(),
                        model.response_time_variance(),
                        model.probability_of_waiting(),
                        model.utilisation(),
                    ];
                    all.extend(
                        [0, 1, u64::from(c), u64::from(c) + room]
                            .map(|n| model.ln_state_probability(n)),
                    );
                    if room < 2 {
                        all.extend(times.iter().flat_map(|&t| {
                            [
                                model.waiting_time_tail(t / scale),
                                model.waiting_time_cdf(t / scale),
                                model.response_time_tail(t / scale),
                            ]
                        }));
                        all.extend(shares.iter().flat_map(|&p| {
                            [
                                model.waiting_time_quantile(p),
                                model.response_time_quantile(p),
                            ]
                        }));
                    }
                    check(&model, &all);
                }
                for theta in [1e-12, 1e-3, 1.0, 1e6] {
                    let Ok(model) = ErlangA::new(lambda, scale, c, theta * scale) else {
                        continue;
                    };
                    let mut all = vec![
                        model.probability_of_waiting(),
                        model.ln_probability_of_waiting(),
                        model.probability_of_abandonment(),
                        model.probability_of_abandonment_of_waiting(),
                        model.probability_of_service(),
                        model.mean_in_queue(),
                        model.mean_in_system(),
                        model.mean_idle_servers(),
                        model.mean_waiting_time(),
                        model.mean_waiting_time_of_waiting(),
                        model.in_queue_variance(),
                        model.in_system_variance(),
                        model.mean_waiting_time_of_served(),
                        model.mean_waiting_time_of_abandoning(),
                        model.waiting_time_variance(),
                    ];
                    all.extend(
                        [0, 1, u64::from(c), u64::from(c) + 9]
                            .map(|n| model.ln_state_probability(n)),
                    );
                    all.extend(times.iter().flat_map(|&t| {
                        [
                            model.waiting_time_tail(t / scale),
                            model.waiting_time_cdf(t / scale),
                            model.served_within(t / scale),
                            model.served_later_than(t / scale),
                        ]
                    }));
                    all.extend(shares.map(|p| model.waiting_time_quantile(p)));
                    check(&model, &all);
                }
            }
            if let Ok(model) = MmInf::new(load * 100.0 * scale, scale) {
                let mut all = vec![model.mean_busy_period(), model.mean_in_system_after(1.0)];
                all.extend([0, 1, 99, 1 << 40].iter().flat_map(|&n| {
                    [
                        model.ln_state_probability(n),
                        model.in_system_cdf(n),
                        model.in_system_tail(n),
                    ]
                }));
                check(&model, &all);
                for p in shares {
                    let _ = model.in_system_quantile(p);
                }
            }
        }
    }
    for ratio in [1e-150, 1e-9, 0.1, 1.0, 10.0, 1e9, 1e150] {
        for (c, n, k) in [
            (1, 1, 1),
            (1, 5, 3),
            (3, 2, 2),
            (10, 1_000, 1_000),
            (10, 1_000, 10),
            (100, 100_000, 500),
        ] {
            let model = FiniteSource::with_capacity(ratio, 1.0, c, n, k).unwrap();
            let mut all = vec![
                model.time_congestion(),
                model.call_congestion(),
                model.mean_in_system(),
                model.mean_away(),
                model.mean_in_queue(),
                model.mean_waiting_time(),
                model.probability_of_waiting(),
                model.in_queue_variance(),
                model.in_system_variance(),
            ];
            all.extend([0, 1, k].map(|n| model.ln_state_probability(n)));
            all.extend(
                times
                    .iter()
                    .flat_map(|&t| [model.waiting_time_tail(t), model.waiting_time_cdf(t)]),
            );
            all.extend(shares.map(|p| model.waiting_time_quantile(p)));
            check(&model, &all);
        }
    }
}

#[test]
fn refusals() {
    for bad in [f64::NAN, f64::INFINITY, -1.0] {
        assert_eq!(
            ErlangA::new(bad, 1.0, 1, 1.0).unwrap_err().name,
            "arrival_rate"
        );
        assert_eq!(
            ErlangA::new(1.0, bad, 1, 1.0).unwrap_err().name,
            "service_rate"
        );
        assert_eq!(
            ErlangA::new(1.0, 1.0, 1, bad).unwrap_err().name,
            "abandonment_rate"
        );
        assert_eq!(Mmck::new(bad, 1.0, 1, 1).unwrap_err().name, "arrival_rate");
        assert_eq!(Mmck::new(1.0, bad, 1, 1).unwrap_err().name, "service_rate");
        assert_eq!(Mmcc::new(bad, 1.0, 1).unwrap_err().name, "arrival_rate");
        assert_eq!(MmInf::new(bad, 1.0).unwrap_err().name, "arrival_rate");
        assert_eq!(
            FiniteSource::new(bad, 1.0, 1, 1).unwrap_err().name,
            "request_rate"
        );
        assert_eq!(
            Engset::new(1.0, bad, 1, 1).unwrap_err().name,
            "service_rate"
        );
        assert_eq!(erlang_b_load(bad, 0.1).unwrap_err().name, "servers");
        assert_eq!(erlang_b_servers(bad, 0.1).unwrap_err().name, "offered_load");
        assert_eq!(
            halfin_whitt_probability_of_waiting(bad).unwrap_err().name,
            "beta"
        );
        assert_eq!(
            square_root_staffing(bad, 1.0).unwrap_err().name,
            "offered_load"
        );
        assert_eq!(
            garnett_probability_of_waiting(0.0, bad).unwrap_err().name,
            "patience_ratio"
        );
        assert_eq!(Interval::new(1.0, bad, 1.0).unwrap_err().name, "calls");
        assert_eq!(Desk::for_mean_waiting_time(bad).unwrap_err().name, "target");
        assert_eq!(Desk::for_service_level(bad, 1.0).unwrap_err().name, "share");
    }
    for bad in [0.0, 1.0, f64::NAN, 1.5] {
        assert_eq!(erlang_b_load(3, bad).unwrap_err().name, "blocking");
        assert_eq!(halfin_whitt_beta(bad).unwrap_err().name, "waiting");
        assert_eq!(Desk::for_abandonment(bad, 1.0).unwrap_err().name, "target");
        assert_eq!(
            ErlangA::for_abandonment(1.0, 1.0, 1.0, bad)
                .unwrap_err()
                .name,
            "target"
        );
    }
    assert_eq!(Mmck::new(1.0, 1.0, 3, 2).unwrap_err().name, "capacity");
    assert_eq!(Mmck::new(1.0, 1.0, 0, 2).unwrap_err().name, "servers");
    assert_eq!(
        FiniteSource::with_capacity(1.0, 1.0, 3, 9, 2)
            .unwrap_err()
            .name,
        "capacity"
    );
    assert_eq!(
        FiniteSource::with_capacity(1.0, 1.0, 3, 9, 10)
            .unwrap_err()
            .name,
        "capacity"
    );
    assert_eq!(Engset::new(1.0, 1.0, 3, 0).unwrap_err().name, "sources");
    let desk = Desk::for_service_level(0.8, 20.0).unwrap();
    assert!(desk.with_shrinkage(1.0).is_err() && desk.with_max_occupancy(1.0).is_err());
    // Overload of one interval is an error of that interval only.
    let day = [
        Interval::new(30.0, 100.0, 3.0).unwrap(),
        Interval::new(30.0, 50.0, 3.0).unwrap(),
    ];
    let review: Vec<_> = desk.review(&day, &[10.0, 10.0]).collect();
    assert!(matches!(review[0], Err(ModelError::Unstable(_))) && review[1].is_ok());
    assert!(matches!(
        desk.staff(1e12, 1.0),
        Err(ModelError::Unstable(_))
    ));
}
