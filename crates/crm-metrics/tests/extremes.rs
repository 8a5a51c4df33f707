//! Rates, times and probabilities at the ends of their ranges.

mod support;

use crm_metrics::queueing::{ErlangA, FiniteSource, Md1, Mmc, Mmck, Target};
use support::reference::cases_of;
use support::{assert_close, assert_within, tolerance};

const LAST: f64 = f64::MAX;

/// Patience of a billion services and of a billionth of one.
#[test]
fn patience() {
    let cases = cases_of(include_str!("data/patience.txt"), &["erlang_a_patience"]);
    assert_eq!(cases.len(), 7);
    for case in &cases {
        let (lambda, mu) = (case.get("lambda"), case.get("mu"));
        let desk = ErlangA::new(lambda, mu, case.servers(), case.get("theta")).unwrap();
        for &(quantity, expected) in &case.values {
            let (name, t) = quantity
                .trim_end_matches(')')
                .split_once(['>', '='])
                .unwrap();
            let t: f64 = t.parse().unwrap();
            let actual = match name {
                "P(W" => desk.response_time_tail(t),
                "P(W<" => desk.response_time_cdf(t),
                _ => desk.response_time_cdf_of_served(t),
            };
            let what = case.name(quantity);
            assert_within(&what, actual, expected, tolerance::PLAIN * expected);
        }
    }
}

/// The unit of time is free: rates and times that are powers of two apart give the same figures.
#[test]
fn any_unit_of_time() {
    for unit in [2.0_f64.powi(-900), 2.0_f64.powi(900)] {
        let (plain, other) = (
            Mmc::new(1.5, 1.0, 2).unwrap(),
            Mmc::new(1.5 * unit, unit, 2).unwrap(),
        );
        for p in [0.1, 0.5, 0.99] {
            let t = unit * other.response_time_quantile(p);
            assert_close("quantile", t, plain.response_time_quantile(p), 1e-13);
        }
        let desk = |unit: f64| ErlangA::new(12.0 * unit, unit, 10, 0.5 * unit).unwrap();
        let (plain, other) = (desk(1.0), desk(unit));
        let served = unit * other.mean_waiting_time_of_served();
        assert_close("served", served, plain.mean_waiting_time_of_served(), 1e-13);
        let gone = unit * other.mean_waiting_time_of_abandoning();
        let expected = plain.mean_waiting_time_of_abandoning();
        assert_close("given up", gone, expected, 1e-13);
        // The square of the unit leaves the range of f64, downwards or upwards.
        let out = if unit > 1.0 { 0.0 } else { f64::INFINITY };
        assert_eq!(other.waiting_time_variance(), out);
        assert_eq!(other.waiting_time_variance_of_served(), out);
        assert_eq!(other.response_time_variance(), out);
    }
}

#[test]
fn times_without_end() {
    for load in [0.3, 0.5, 0.9] {
        assert_eq!(Md1::new(load, 1.0).unwrap().waiting_time_tail(LAST), 0.0);
    }
    let queue = Mmck::new(1.0, 1.0, 1, 6).unwrap();
    assert_eq!(queue.waiting_time_tail(LAST), 0.0);
    let users = FiniteSource::with_capacity(1e-9, 1.0, 3, 20, 8).unwrap();
    assert_eq!(users.waiting_time_tail(LAST), 0.0);
    assert_eq!(users.response_time_tail(LAST), 0.0);
}

/// However short the time, those who wait are waiting.
#[test]
fn times_next_to_nothing() {
    for t in [5e-324, 1e-300, 1e-20, 1e-13] {
        let queue = Mmck::new(0.9, 1.0, 1, 2).unwrap();
        assert_close(
            "tail",
            queue.waiting_time_tail(t),
            queue.probability_of_waiting(),
            1e-12,
        );
        let users = FiniteSource::with_capacity(1e-9, 1.0, 3, 20, 8).unwrap();
        assert_close(
            "tail",
            users.waiting_time_tail(t),
            users.probability_of_waiting(),
            1e-12,
        );
    }
}

/// Five of six stages of rate ten: all who are let in find one place left.
#[test]
fn overload_without_bounds() {
    let queue = Mmck::new(1e81, 1.0, 10, 15).unwrap();
    let x = 2.5_f64;
    let tail = (-x).exp() * (1.0 + x + x * x / 2.0 + x.powi(3) / 6.0 + x.powi(4) / 24.0);
    assert_close("tail", queue.waiting_time_tail(0.25), tail, 1e-13);
    assert_close("cdf", queue.waiting_time_cdf(0.25), 1.0 - tail, 1e-13);
    assert!(queue.waiting_time_cdf(1e-20) < 1e-90);
    assert!(Mmck::new(2e9, 1.0, 2, 7).unwrap().utilisation() <= 1.0);
    assert!(
        ErlangA::new(1e12, 1.0, 1_000_000, 0.1)
            .unwrap()
            .utilisation()
            <= 1.0
    );
}

/// One of a billion is answered within the time of a thousandth of a service, behind half a million others.
#[test]
fn the_quickest_of_a_million() {
    let queue = Mmck::new(1.0, 1.0, 1, 1_000_001).unwrap();
    let t = queue.response_time_quantile(1e-9);
    assert_close("cdf", queue.response_time_cdf(t), 1e-9, 1e-6);
}

/// A line with room for a thousand that is hardly ever longer than two hundred: as with room for all.
#[test]
fn more_room_than_is_needed() {
    let all = FiniteSource::new(1.0 / 1900.0, 1.0, 1, 2_000).unwrap();
    let some = FiniteSource::with_capacity(1.0 / 1900.0, 1.0, 1, 2_000, 1_000).unwrap();
    for t in [1.0, 100.0, 200.0, 300.0] {
        assert_close(
            "tail",
            some.waiting_time_tail(t),
            all.waiting_time_tail(t),
            1e-12,
        );
    }
}

/// The largest rate of slow servers is as near to the target as that of quick ones.
#[test]
fn targets_of_slow_servers() {
    let unit = 2.0_f64.powi(-600);
    let target = Target::WaitingTime {
        p: 0.9,
        within: 0.0,
    };
    let plain = Mmc::largest_arrival_rate(1.0, 61, target).unwrap();
    let slow = Mmc::largest_arrival_rate(unit, 61, target).unwrap();
    assert_close("rate", slow / unit, plain, 1e-13);
}
