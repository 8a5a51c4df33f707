//! The models beyond M/M/c at any parameters: identities, monotonicity, and no jump where a method changes.

mod support;

use crm_metrics::queueing::{
    Gg1, Ggc, Gm1, Md1, Mdc, Mg1, Mg1Priority, Mg1Ps, Mg1Vacation, Mm1, Mmc, MmcPriority, Polling,
    PollingStation, PriorityClass,
};
use proptest::collection::vec;
use proptest::prelude::{Strategy, prop_oneof};
use proptest::proptest;
use support::tolerance::{IDENTITY, METHOD_SWITCH};
use support::{above, assert_close, below, naive};

/// From 1e-100 to 1e100, every order of magnitude alike.
fn rate() -> impl Strategy<Value = f64> {
    (-100.0..100.0_f64).prop_map(|exponent| 10.0_f64.powf(exponent))
}

/// From next to nothing to 1e-9 below full.
fn load() -> impl Strategy<Value = f64> {
    prop_oneof![
        (-30.0..0.0_f64).prop_map(|exponent| 0.999 * 10.0_f64.powf(exponent)),
        0.01..0.99_f64,
        (-9.0..-2.0_f64).prop_map(|exponent| 1.0 - 10.0_f64.powf(exponent)),
    ]
}

/// From next to nothing to far more than any service has, and the ends.
fn variation() -> impl Strategy<Value = f64> {
    prop_oneof![
        (-10.0..10.0_f64).prop_map(|exponent| 10.0_f64.powf(exponent)),
        0.0..2.0_f64,
        (0..2_u8).prop_map(f64::from),
    ]
}

fn servers() -> impl Strategy<Value = u32> {
    (0.0..6.0_f64).prop_map(|exponent| 10.0_f64.powf(exponent) as u32)
}

proptest! {
    #[test]
    fn md1_is_half_of_mm1(load in load(), service in rate()) {
        let (constant, random) = (Md1::new(load / service, service), Mm1::new(load / service, 1.0 / service));
        if let (Ok(constant), Ok(random)) = (constant, random) {
            if load < 0.99 {
                assert_close("Wq", 2.0 * constant.mean_waiting_time(), random.mean_waiting_time(), IDENTITY);
            }
            let one = Mdc::new(load / service, service, 1).unwrap();
            assert_close("Wq", constant.mean_waiting_time(), one.mean_waiting_time(), IDENTITY);
            assert_close("Var Wq", constant.waiting_time_variance(), one.waiting_time_variance(), IDENTITY);
            assert_close("P(wait)", constant.utilisation(), one.probability_of_waiting(), IDENTITY);
            assert_close("P(no wait)", constant.idle_probability(), one.probability_of_not_waiting(), IDENTITY);
        }
    }

    #[test]
    fn md1_waits_are_a_distribution(load in load(), n in 0.0..40.0_f64, more in 1e-6..5.0_f64, p in 0.0..1.0_f64) {
        let model = Md1::new(load, 1.0).unwrap();
        let (cdf, tail) = (model.waiting_time_cdf(n), model.waiting_time_tail(n));
        assert_close("sum", cdf + tail, 1.0, IDENTITY);
        assert_close("ln", model.ln_waiting_time_tail(n).exp(), tail, IDENTITY);
        assert!(model.waiting_time_cdf(n + more) >= cdf * (1.0 - IDENTITY));
        assert!(model.ln_waiting_time_tail(n + more) <= model.ln_waiting_time_tail(n) * (1.0 - IDENTITY));
        let t = model.waiting_time_quantile(p);
        if t > 0.0 {
            assert_close("p", model.waiting_time_cdf(t), p, 10.0 * IDENTITY);
        } else {
            assert!(p <= model.idle_probability() * (1.0 + IDENTITY));
        }
        let late = 1.0 - (1.0 - 1e-9);
        let t = model.waiting_time_quantile(1.0 - 1e-9);
        if t > 0.0 {
            assert_close("late", model.waiting_time_tail(t), late, 1e-10);
        }
        assert_close("W", model.response_time_quantile(p), 1.0 + model.waiting_time_quantile(p), IDENTITY);
        let more = Md1::new(load + 0.5 * (1.0 - load), 1.0).unwrap();
        assert!(more.waiting_time_tail(n) * (1.0 + IDENTITY) >= tail);
    }

    #[test]
    fn md1_waits_do_not_jump(load in load(), n in 0.0..12.0_f64) {
        let smooth = |load: f64, n: f64| {
            let (before, after) = (Md1::new(load, 1.0).unwrap(), Md1::new(above(load).min(1.0 - 1e-12), 1.0).unwrap());
            for n in [below(n + 1e-3), n + 1e-3] {
                let m = above(n);
                assert_close("cdf", before.waiting_time_cdf(n), before.waiting_time_cdf(m), METHOD_SWITCH);
                assert_close("tail", before.waiting_time_tail(n), before.waiting_time_tail(m), METHOD_SWITCH);
                if load < 0.999 {
                    assert_close("cdf", before.waiting_time_cdf(n), after.waiting_time_cdf(n), METHOD_SWITCH);
                    assert_close("tail", before.waiting_time_tail(n), after.waiting_time_tail(n), METHOD_SWITCH);
                }
            }
        };
        smooth(load, 8.0 - 1e-3);
        for switch in [0.5, 0.75] {
            smooth(below(switch), n);
        }
    }

    #[test]
    fn gm1_special_cases_agree(load in load(), mu in rate()) {
        let m = 1.0 / (load * mu);
        let Ok(model) = Gm1::exponential(m, mu) else { return Ok(()) };
        if load < 0.99 {
            let random = Mm1::new(load * mu, mu).unwrap();
            assert_close("Wq", model.mean_waiting_time(), random.mean_waiting_time(), IDENTITY);
            assert_close("W", model.mean_response_time(), random.mean_response_time(), IDENTITY);
            assert_close("Var", model.waiting_time_variance(), random.waiting_time_variance(), IDENTITY);
        }
        for same in [
            Gm1::erlang(1, m, mu).unwrap(),
            Gm1::hyperexponential(&[(0.25, m), (0.75, m)], mu).unwrap(),
        ] {
            assert_close("sigma", same.probability_of_waiting(), model.probability_of_waiting(), IDENTITY);
            assert_close("W", same.mean_response_time(), model.mean_response_time(), IDENTITY);
        }
        let (clock, narrow) = (Gm1::deterministic(m, mu).unwrap(), Gm1::uniform(m, m, mu).unwrap());
        assert_close("sigma", narrow.probability_of_waiting(), clock.probability_of_waiting(), IDENTITY);
        assert_close("W", narrow.mean_response_time(), clock.mean_response_time(), IDENTITY);
        assert!(clock.probability_of_waiting() <= model.probability_of_waiting());
        if load > 0.01 && load < 0.99 {
            let transform = Gm1::from_transform(m, |s| (-s * m).exp(), mu).unwrap();
            assert_close("sigma", transform.probability_of_waiting(), clock.probability_of_waiting(), 1e-9);
        }
    }

    #[test]
    fn gm1_grows_with_load_and_variation(load in load(), k in 1_u32..50) {
        let m = 1.0 / load;
        let (less, more) = (Gm1::erlang(k + 1, m, 1.0), Gm1::erlang(k, m, 1.0));
        if let (Ok(less), Ok(more)) = (less, more) {
            assert!(less.mean_waiting_time() <= more.mean_waiting_time() * (1.0 + IDENTITY));
            let sigma = more.probability_of_waiting();
            assert!((0.0..=1.0).contains(&sigma));
            let y = more.utilisation() / more.mean_in_system();
            assert_close("sum", sigma + y, 1.0, IDENTITY);
        }
        // From below: the functional equation itself.
        if (0.02..0.98).contains(&load) {
            let model = Gm1::erlang(k, m, 1.0).unwrap();
            let sigma = model.probability_of_waiting();
            let stage = 1.0 + (1.0 - sigma) * m / f64::from(k);
            assert_close("sigma", stage.powi(-(k as i32)), sigma, 1e-11);
        }
    }

    #[test]
    fn mdc_lies_between_half_of_mmc_and_all(load in load(), c in servers(), service in rate()) {
        let lambda = load * (f64::from(c) / service);
        let Ok(model) = Mdc::new(lambda, service, c) else { return Ok(()) };
        let Ok(random) = Mmc::new(lambda, 1.0 / service, c) else { return Ok(()) };
        let slack = if load < 0.99 { 1.0 + IDENTITY } else { 1.0 + 1e-4 };
        let (wait, most) = (model.mean_waiting_time(), random.mean_waiting_time());
        assert!(wait <= most * slack, "{wait} {most}");
        if load > 0.1 && most * service.recip() > 1e-250 {
            assert!(wait * 2.0 * slack >= most, "{wait} {most}");
        }
        let (p, not) = (model.probability_of_waiting(), model.probability_of_not_waiting());
        assert_close("sum", p + not, 1.0, IDENTITY);
        if p > 1e-300 {
            assert_close("ln", model.ln_probability_of_waiting().exp(), p, IDENTITY);
        }
        if wait > 1e-290 {
            assert_close("Little", model.mean_in_queue(), lambda * wait, IDENTITY);
        }
        let more = Mdc::new(lambda, service, c + 1).unwrap();
        assert!(more.mean_waiting_time() <= wait);
        assert!(more.ln_probability_of_waiting() <= model.ln_probability_of_waiting());
    }

    #[test]
    fn approximations_are_exact_for_random_arrivals(load in load(), mu in rate(), cs2 in variation(), c in 1_u32..2_000) {
        let lambda = load * mu;
        let Ok(one) = Gg1::new(lambda, mu, 1.0, cs2) else { return Ok(()) };
        let exact = one.kingman();
        if load < 0.99 {
            let model = Mg1::new(lambda, 1.0 / mu, cs2).unwrap();
            assert_close("exact", model.mean_waiting_time(), exact, IDENTITY);
        }
        assert_close("Marchal", one.marchal(), exact, IDENTITY);
        assert_close("KLB", one.kraemer_langenbach_belz(), exact, IDENTITY);
        assert!(one.kingman_bound() >= exact * (1.0 - IDENTITY));
        if let Ok(many) = Ggc::new(lambda * f64::from(c), mu, c, 1.0, 1.0) {
            let wait = many.pool().mean_waiting_time();
            assert_close("Allen-Cunneen", many.allen_cunneen(), wait, IDENTITY);
            assert_close("Kimura", many.kimura().unwrap(), wait, IDENTITY);
            assert_close("Whitt", many.whitt(), wait, IDENTITY);
            assert_close("P(wait)", many.whitt_probability_of_waiting(), many.pool().probability_of_waiting(), IDENTITY);
        }
    }

    #[test]
    fn approximations_are_numbers(load in load(), mu in rate(), ca2 in variation(), cs2 in variation(), c in servers()) {
        if let Ok(one) = Gg1::new(load * mu, mu, ca2, cs2) {
            for wait in [one.kingman_bound(), one.kingman(), one.marchal(), one.kraemer_langenbach_belz()] {
                assert!(wait >= 0.0);
            }
            let slack = 1.0 + IDENTITY;
            assert!(one.kraemer_langenbach_belz() <= one.kingman() * slack);
            assert!(one.marchal() <= one.kingman_bound() * slack);
        }
        if let Ok(many) = Ggc::new(load * f64::from(c) * mu, mu, c, ca2, cs2) {
            for wait in [many.allen_cunneen(), many.sakasegawa(), many.whitt(), many.kimura().unwrap_or(0.0)] {
                assert!(wait >= 0.0);
            }
            assert!((0.0..=1.0).contains(&many.whitt_probability_of_waiting()));
            assert_eq!(many.kimura().is_none(), ca2 > 1.0);
        }
    }

    #[test]
    fn urgency_is_conserved(shares in vec((0.0..1.0_f64, -3.0..3.0_f64, variation()), 1..7), load in load()) {
        let total: f64 = shares.iter().map(|(share, ..)| share).sum();
        if total == 0.0 {
            return Ok(());
        }
        let classes: Vec<_> = shares
            .iter()
            .map(|&(share, exponent, cs2)| {
                let mean = 10.0_f64.powf(exponent);
                PriorityClass::new(load * (1.0 - 1e-12) * share / total / mean, mean, cs2).unwrap()
            })
            .collect();
        let polite = Mg1Priority::non_preemptive(&classes).unwrap();
        let strict = Mg1Priority::preemptive_resume(&classes).unwrap();
        let weigh = |wait: &dyn Fn(usize) -> f64| -> f64 {
            (0..classes.len())
                .map(|k| classes[k].arrival_rate() * classes[k].mean_service_time() * wait(k))
                .sum()
        };
        let work: f64 = classes
            .iter()
            .map(|class| {
                let mean = class.mean_service_time();
                0.5 * class.arrival_rate() * mean * mean * (1.0 + class.squared_coefficient_of_variation())
            })
            .sum();
        // Kleinrock's conservation law.
        let rho = polite.utilisation();
        let kept = weigh(&|k| polite.mean_waiting_time(k));
        assert_close("law", kept, rho * work / polite.idle_probability(), 1e-11);
        for k in 1..classes.len() {
            assert!(polite.mean_waiting_time(k) >= polite.mean_waiting_time(k - 1));
        }
        // The first class sees nobody else.
        let first = Mg1::new(classes[0].arrival_rate(), classes[0].mean_service_time(), classes[0].squared_coefficient_of_variation()).unwrap();
        assert_close("W0", strict.mean_response_time(0), first.mean_response_time(), IDENTITY);
        assert_eq!(strict.idle_probability(), polite.idle_probability());
    }

    #[test]
    fn urgency_in_a_pool(shares in vec(0.0..1.0_f64, 1..6), load in load(), c in servers(), mu in rate()) {
        let total: f64 = shares.iter().sum();
        let capacity = f64::from(c) * mu * load * (1.0 - 1e-12);
        let rates: Vec<_> = shares.iter().map(|share| share / total * capacity).collect();
        let Ok(strict) = MmcPriority::preemptive_resume(&rates, mu, c) else { return Ok(()) };
        let polite = MmcPriority::non_preemptive(&rates, mu, c).unwrap();
        let all = Mmc::new(rates.iter().sum(), mu, c);
        if let (Ok(all), true) = (all, load < 0.99) {
            // Exponential service: whoever waits, the line is as long.
            let wait = all.mean_waiting_time();
            if wait * mu > 1e-280 {
                assert_close("polite", polite.overall_mean_waiting_time(), wait, 1e-11);
                assert_close("strict", strict.overall_mean_waiting_time(), wait, 1e-11);
            }
        }
        let first = Mmc::new(rates[0], mu, c).unwrap();
        if first.mean_waiting_time() * mu > 1e-280 {
            assert_close("W0", strict.mean_response_time(0), first.mean_response_time(), IDENTITY);
            assert_close("Wq0", strict.mean_waiting_time(0), first.mean_waiting_time(), IDENTITY);
        }
        for k in 1..rates.len() {
            assert!(polite.mean_waiting_time(k) >= polite.mean_waiting_time(k - 1));
            assert!(strict.mean_waiting_time(k) * (1.0 + IDENTITY) >= strict.mean_waiting_time(k - 1));
        }
    }

    #[test]
    fn the_wait_of_a_class_does_not_jump(load in 0.05..0.95_f64, c in 1_u32..300) {
        // The method changes where the second class doubles the queue; around there its wait must be smooth.
        let first = load * f64::from(c);
        let queue = |rate: f64| Mmc::new(first + rate, 1.0, c).unwrap().mean_in_queue();
        let (mut low, mut high) = (0.0, f64::from(c) - first - 1e-9);
        while low < 0.5 * (low + high) && 0.5 * (low + high) < high {
            let middle = 0.5 * (low + high);
            if queue(middle) < 2.0 * queue(0.0) {
                low = middle;
            } else {
                high = middle;
            }
        }
        let second = |rate: f64| {
            let model = MmcPriority::preemptive_resume(&[first, rate], 1.0, c).unwrap();
            model.mean_waiting_time(1)
        };
        for (here, there) in [(low, high), (low * (1.0 - 1e-14), high * (1.0 + 1e-14))] {
            assert_close("Wq1", second(here), second(there), 10.0 * METHOD_SWITCH);
        }
    }

    #[test]
    fn alike_queues_have_a_formula(n in 1_usize..9, load in load(), mean in rate(), cs2 in variation(), walk in -3.0..3.0_f64, spread in 0.0..4.0_f64) {
        let lambda = load * (1.0 - 1e-12) / mean / n as f64;
        let r = mean * 10.0_f64.powf(walk);
        let variance = spread * r * r;
        let Ok(station) = PollingStation::new(lambda, mean, cs2) else { return Ok(()) };
        let Ok(station) = station.with_switch_over(r, variance) else { return Ok(()) };
        let alike = vec![station; n];
        let (Ok(exhaustive), Ok(gated)) = (Polling::exhaustive(&alike), Polling::gated(&alike)) else { return Ok(()) };
        let idle = exhaustive.stations().len() as f64 * r / exhaustive.mean_cycle_time();
        let count = n as f64;
        let rho = exhaustive.utilisation();
        let common = 0.5 * rho / idle * mean * (1.0 + cs2) + 0.5 * variance / r;
        for k in [0, n - 1] {
            let expected = common + 0.5 * count * r * (idle + rho * (count - 1.0) / count) / idle;
            assert_close("exhaustive", exhaustive.mean_waiting_time(k), expected, 1e-11);
            let expected = common + 0.5 * count * r * (1.0 + rho / count) / idle;
            assert_close("gated", gated.mean_waiting_time(k), expected, 1e-11);
        }
        if n == 1 && load < 0.99 {
            // One queue is a server that takes vacations.
            let queue = Mg1::new(lambda, mean, cs2).unwrap();
            let vacations = Mg1Vacation::multiple(queue, r, spread).unwrap();
            assert_close("vacations", exhaustive.mean_waiting_time(0), vacations.mean_waiting_time(), 1e-11);
        }
        if let Ok(limited) = Polling::one_limited(station, n as u32) {
            assert!(limited.mean_waiting_time(0) * (1.0 + IDENTITY) >= gated.mean_waiting_time(0));
        }
    }

    #[test]
    fn queues_in_another_order_of_counting(rates in vec(0.01..1.0_f64, 3), load in load(), gated in 0..2_u8) {
        let total: f64 = rates.iter().sum();
        let stations: Vec<_> = rates
            .iter()
            .enumerate()
            .map(|(i, rate)| {
                let mean = 1.0 + i as f64;
                let station = PollingStation::new(load * (1.0 - 1e-12) * rate / total / mean, mean, 0.5 * mean).unwrap();
                station.with_switch_over(0.3 * i as f64, 0.2 * i as f64).unwrap()
            })
            .collect();
        let model = |stations: &[PollingStation]| {
            if gated == 1 { Polling::gated(stations).unwrap() } else { Polling::exhaustive(stations).unwrap() }
        };
        let here = model(&stations);
        let turned = model(&[stations[1], stations[2], stations[0]]);
        for k in 0..3 {
            assert_close("Wq", turned.mean_waiting_time(k), here.mean_waiting_time((k + 1) % 3), 1e-11);
        }
    }

    #[test]
    fn sharing_is_mm1_on_average(load in load(), mean in rate()) {
        let Ok(model) = Mg1Ps::new(load / mean, mean) else { return Ok(()) };
        let queue = Mg1::exponential(load / mean, mean).unwrap();
        assert_close("W", model.mean_response_time(), queue.mean_response_time(), IDENTITY);
        assert_close("L", model.mean_in_system(), queue.mean_in_system(), IDENTITY);
        assert_close("W(s)", model.mean_response_time_of(mean), model.mean_response_time(), IDENTITY);
        assert_close("p_0", model.state_probability(0), model.idle_probability(), IDENTITY);
        assert!(model.exponential_response_time_variance() >= queue.response_time_variance().unwrap() * (1.0 - IDENTITY));
    }

    #[test]
    fn moments_of_mg1_stay_in_range(load in load(), exponent in 100.0..300.0_f64) {
        // Service that is rare and long: variance and third moment fit f64 as times, but not as multiples of the mean's powers.
        let cs2 = 10.0_f64.powf(exponent);
        let mean = 10.0_f64.powf(-0.6 * exponent);
        let third = 2.0 * mean * (mean * cs2) * (mean * cs2);
        let Ok(model) = Mg1::new(load / mean, mean, cs2) else { return Ok(()) };
        let model = model.with_third_moment(third).unwrap();
        let variance = model.waiting_time_variance().unwrap();
        let wait = model.mean_waiting_time();
        let rho = load / mean * mean;
        let expected = wait * wait + load / mean / (1.0 - rho) * third / 3.0;
        if load < 0.99 {
            assert_close("Var", variance, expected, 1e-11);
        }
        assert!(variance > 0.0);
        assert!(model.response_time_variance().unwrap() >= variance);
        assert!(!model.in_queue_variance().unwrap().is_nan());
        assert!(!model.in_system_variance().unwrap().is_nan());
    }
}

/// The distribution of the wait has the mean and the variance of the formulas, and the states add up to one.
#[test]
fn md1_distribution_has_the_moments() {
    for load in [0.1, 0.45, 0.5, 0.7, 0.8, 0.9] {
        let model = Md1::new(load, 1.0).unwrap();
        let end = 40.0 + 60.0 * model.mean_waiting_time();
        let first = naive::mean_from_tail(|t| model.waiting_time_tail(t), end);
        let second = naive::square_from_tail(|t| model.waiting_time_tail(t), end);
        assert_close("mean", first, model.mean_waiting_time(), 1e-6);
        assert_close(
            "variance",
            second - first * first,
            model.waiting_time_variance(),
            1e-6,
        );
        let states: Vec<f64> = (0..2_000).map(|n| model.state_probability(n)).collect();
        let (total, mean) = states
            .iter()
            .zip(0..)
            .fold((0.0, 0.0), |(total, mean), (p, n)| {
                (total + p, mean + p * f64::from(n))
            });
        assert_close("sum", total, 1.0, IDENTITY);
        assert_close("L", mean, model.mean_in_system(), IDENTITY);
    }
}

/// Close to full load the wait is exponential, whatever the number of servers.
#[test]
fn heavy_traffic() {
    for c in [1, 10, 1_000, 1_000_000] {
        let spare = 1e-6;
        let model = Mdc::new(f64::from(c) - spare, 1.0, c).unwrap();
        let limit = 0.5 / spare;
        let wait = model.mean_waiting_time();
        assert!(
            (wait / limit - 1.0).abs() < 3e-3,
            "{wait} instead of {limit}"
        );
        let variance = model.waiting_time_variance();
        assert!((variance / (limit * limit) - 1.0).abs() < 1e-2);
        assert!(model.probability_of_not_waiting() < 1e-2);
    }
}

/// Without arrivals nobody waits, and nothing is undefined.
#[test]
fn no_arrivals() {
    let idle = Md1::new(0.0, 1.0).unwrap();
    assert_eq!(idle.waiting_time_tail(0.0), 0.0);
    assert_eq!(idle.waiting_time_cdf(0.0), 1.0);
    assert_eq!(idle.waiting_time_quantile(1.0), 0.0);
    assert_eq!(idle.state_probability(0), 1.0);
    assert_eq!(idle.state_probability(20), 0.0);
    let idle = Mdc::new(0.0, 1.0, 3).unwrap();
    assert_eq!(
        (idle.mean_waiting_time(), idle.probability_of_waiting()),
        (0.0, 0.0)
    );
    assert_eq!(idle.waiting_time_variance(), 0.0);
    let idle = Ggc::new(0.0, 1.0, 3, 0.5, 2.0).unwrap();
    assert_eq!(
        (idle.whitt(), idle.kimura(), idle.allen_cunneen()),
        (0.0, Some(0.0), 0.0)
    );
    assert_eq!(
        (idle.sakasegawa(), idle.whitt_probability_of_waiting()),
        (0.0, 0.0)
    );
    let idle = Gg1::new(0.0, 1.0, 0.0, 2.0).unwrap();
    assert_eq!((idle.kingman_bound(), idle.marchal()), (0.0, 0.0));
    assert_eq!((idle.kingman(), idle.kraemer_langenbach_belz()), (0.0, 0.0));
    let idle = MmcPriority::preemptive_resume(&[0.0, 0.0], 1.0, 2).unwrap();
    assert_eq!(
        (idle.mean_waiting_time(0), idle.mean_waiting_time(1)),
        (0.0, 0.0)
    );
    assert_eq!(idle.overall_mean_waiting_time(), 0.0);
    let station = PollingStation::new(0.0, 1.0, 1.0)
        .unwrap()
        .with_switch_over(1.0, 0.0)
        .unwrap();
    assert_eq!(
        Polling::exhaustive(&[station; 2])
            .unwrap()
            .mean_waiting_time(0),
        1.0
    );
    let vacation = Mg1Vacation::single(Mg1::exponential(0.0, 1.0).unwrap(), 1.0, 0.0, 1.0).unwrap();
    assert_eq!(vacation.mean_waiting_time(), 0.0);
}

/// E. Borel's busy period of constant service, and that of M/M/1.
#[test]
fn busy_periods() {
    for load in [0.1, 0.5, 0.9] {
        let cube = (1.0 - load) * (1.0 - load) * (1.0 - load);
        let constant = Mg1::deterministic(load / 2.0, 2.0).unwrap();
        assert_close(
            "M/D/1",
            constant.busy_period_variance(),
            4.0 * load / cube,
            IDENTITY,
        );
        let random = Mg1::exponential(load / 2.0, 2.0).unwrap();
        assert_close(
            "M/M/1",
            random.busy_period_variance(),
            4.0 * (1.0 + load) / cube,
            IDENTITY,
        );
        let served = random.mean_served_in_busy_period();
        assert_close("served", served * 2.0, random.mean_busy_period(), IDENTITY);
    }
}

/// A third moment whose quotient by the mean is beyond the range of `f64`, and one below it.
#[test]
fn third_moments_at_the_ends_of_the_range() {
    let huge = Mg1::new(1e-10, 1e-20, 1e100)
        .unwrap()
        .with_third_moment(1e300)
        .unwrap();
    assert_close(
        "Var",
        huge.waiting_time_variance().unwrap(),
        1e290 / 3.0,
        IDENTITY,
    );
    let tiny = Mg1::new(0.5e90, 1e-90, 0.0)
        .unwrap()
        .with_third_moment(1e-270)
        .unwrap();
    let constant = Mg1::deterministic(0.5e90, 1e-90).unwrap();
    assert_close(
        "Var",
        tiny.waiting_time_variance().unwrap(),
        constant.waiting_time_variance().unwrap(),
        IDENTITY,
    );
}
