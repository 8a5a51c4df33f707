//! Printed values: textbooks, tables, and the tests of other packages, each at the precision it is printed in.

mod support;

use crm_metrics::availability;
use crm_metrics::operational::{AsymptoticBounds, interactive_response_time};
use crm_metrics::queueing::{Mg1Ps, Mm1, Mmc, Polling, PollingStation, erlang_b, erlang_c};
use std::time::Duration;
use support::tolerance::{IDENTITY, printed};
use support::{assert_close, assert_within};

/// Octave queueing 1.2.8, `qsmm1.m`: the edge without load.
#[test]
fn octave_mm1_without_load() {
    let idle = Mm1::new(0.0, 1.0).unwrap();
    assert_eq!(idle.utilisation(), 0.0);
    assert_eq!(idle.mean_response_time(), 1.0);
    assert_eq!(idle.mean_in_system(), 0.0);
    assert_eq!(idle.idle_probability(), 1.0);
}

/// R queueing 0.2.11, tests: lambda 1/4, mu 1/3.
#[test]
fn r_queueing_mm1() {
    let model = Mm1::new(0.25, 1.0 / 3.0).unwrap();
    assert_close("W", model.mean_response_time(), 12.0, IDENTITY);
    assert_close("Wq", model.mean_waiting_time(), 9.0, IDENTITY);
    assert_close("L", model.mean_in_system(), 3.0, IDENTITY);
    assert_close("Lq", model.mean_in_queue(), 2.25, IDENTITY);
}

/// PDQ 7, `demo/mm1.R`.
#[test]
fn pdq_mm1() {
    let model = Mm1::new(75.0, 100.0).unwrap();
    assert_eq!(model.utilisation(), 0.75);
    assert_close("W", model.mean_response_time(), 0.04, IDENTITY);
    assert_close("L", model.mean_in_system(), 3.0, IDENTITY);
}

/// Octave queueing 1.2.8, `qsmmm.m` (slides of ETH ASL 2017).
#[test]
fn octave_mmc() {
    let model = Mmc::new(9.0, 5.0, 2).unwrap();
    assert_within("Lq", model.mean_in_queue(), 7.674, printed(3));
    assert_within("W", model.mean_response_time(), 1.053, printed(3));
}

/// Gross and Harris, the eye clinic: 6 an hour, 3 doctors, 20 minutes each.
#[test]
fn gross_and_harris_eye_clinic() {
    let clinic = Mmc::new(6.0, 3.0, 3).unwrap();
    assert_close("p0", clinic.idle_probability(), 1.0 / 9.0, IDENTITY);
    assert_close("Lq", clinic.mean_in_queue(), 8.0 / 9.0, IDENTITY);
    assert_close("Wq", clinic.mean_waiting_time(), 4.0 / 27.0, IDENTITY);
    assert_close("W", clinic.mean_response_time(), 13.0 / 27.0, IDENTITY);
    assert_close("L", clinic.mean_in_system(), 26.0 / 9.0, IDENTITY);
}

/// Ciw 3.2.7, `test_processor_sharing.py`: the state probabilities of M/M/3 at 10 and 12.
#[test]
fn ciw_state_probabilities() {
    let model = Mmc::new(10.0, 12.0, 3).unwrap();
    let printed = [
        0.432_132_963_988_919_6,
        0.360_110_803_324_099_7,
        0.150_046_168_051_708_2,
        0.041_679_491_125_474_505,
        0.011_577_636_423_742_918,
        0.003_216_010_117_706_367,
    ];
    for (n, expected) in (0..).zip(printed) {
        assert_close("p_n", model.state_probability(n), expected, IDENTITY);
    }
}

/// R queueing 0.2.11, tests: two servers, 5/7 erlangs.
#[test]
fn r_queueing_erlang() {
    assert_within("C", erlang_c(2, 5.0 / 7.0).unwrap(), 0.188, printed(3));
    assert_within("B", erlang_b(2, 5.0 / 7.0).unwrap(), 0.13, printed(2));
}

/// pyworkforce 0.5.4, tests: 17 is the first number of lines to lose at most two in a hundred of 10 erlangs.
#[test]
fn pyworkforce_erlang_b() {
    assert_close("B", erlang_b(2, 1.0).unwrap(), 0.2, IDENTITY);
    assert!(erlang_b(17, 10.0).unwrap() <= 0.02);
    assert!(erlang_b(16, 10.0).unwrap() > 0.02);
}

/// Erlang B tables: the load at which a given share is lost, and how far the printed load may be off. Four and five
/// digits: Abstract Micro, help of `ErlbTrafFromBlockage`; two digits: "Carrier Grade Voice over IP", 2nd edition, appendix A.
#[test]
fn erlang_b_tables() {
    for (lines, load, share, off) in [
        (17, 9.6516, 0.01, 5e-5),
        (25, 16.1245, 0.01, 5e-4),
        (5, 0.8, 0.001, 0.06),
        (5, 1.7, 0.02, 0.06),
        (6, 1.1, 0.001, 0.06),
        (6, 1.9, 0.01, 0.06),
        (6, 3.0, 0.05, 0.06),
        (7, 1.6, 0.001, 0.06),
        (8, 2.1, 0.001, 0.06),
        (8, 3.1, 0.01, 0.06),
        (8, 4.5, 0.05, 0.06),
        (9, 5.4, 0.05, 0.06),
    ] {
        assert!(erlang_b(lines, load - off).unwrap() < share);
        assert!(erlang_b(lines, load + off).unwrap() > share);
    }
}

/// pyworkforce 0.5.4, tests: 20 calls in half an hour of 3 minutes each, 80 % within 20 s: 14 agents.
#[test]
fn pyworkforce_staffing() {
    let desk = Mmc::for_service_level(1.0 / 18.0, 1.0 / 180.0, 0.8, 20.0).unwrap();
    assert_eq!(desk.servers(), 14);
    assert_within("level", desk.waiting_time_cdf(20.0), 0.888, printed(3));
    assert_within("p_wait", desk.probability_of_waiting(), 0.174, printed(3));
    assert_within("occupancy", desk.utilisation(), 0.714, printed(3));

    let desk = Mmc::new(10.0 / 3.0, 1.0 / 3.0, 15).unwrap();
    assert_within("level", desk.waiting_time_cdf(0.33), 0.941, printed(3));
    assert_within("p_wait", desk.probability_of_waiting(), 0.102, printed(3));
    assert_within("occupancy", desk.utilisation(), 0.667, printed(3));
}

/// mpmath, 80 digits: the fewest servers for a share of waits within a time.
#[test]
fn fewest_servers_for_a_service_level() {
    for (lambda, mu, within, level, servers, reached) in [
        (10.0, 1.0, 0.1, 0.9, 15, 0.938_108_175_820_006_4),
        (1000.0, 1.0, 0.05, 0.95, 1032, 0.954_964_286_802_797_2),
        (0.1, 1.0, 0.0, 0.99, 2, 0.995_238_095_238_095_2),
    ] {
        let pool = Mmc::for_service_level(lambda, mu, level, within).unwrap();
        assert_eq!(pool.servers(), servers);
        assert_close("level", pool.waiting_time_cdf(within), reached, IDENTITY);
    }
}

/// Octave queueing 1.2.8, `qncsaba.m`.
#[test]
fn octave_asymptotic_bounds() {
    let bounds = AsymptoticBounds::new(&[9.2, 8.0], 120.0).unwrap();
    assert_within("X", bounds.throughput_upper(20), 0.109, printed(3));
    assert_within("R", bounds.response_time_lower(20), 64.0, printed(3));
}

/// Lazowska and others 1984: 64 users, think time 30 s, 2 interactions a second.
#[test]
fn lazowska_response_time_law() {
    assert_eq!(interactive_response_time(64, 2.0, 30.0).unwrap(), 2.0);
}

/// mpmath, 80 digits: MTTF / (MTTF + MTTR).
#[test]
fn steady_state_availability() {
    let hours = |n: u64| Duration::from_secs(3600 * n);
    for (up, repair, expected) in [
        (1000, 1, 0.999_000_999_000_999),
        (8760, 4, 0.999_543_587_403_012_3),
    ] {
        let a = availability(hours(up), hours(up + repair)).unwrap();
        assert_close("availability", a, expected, IDENTITY);
    }
}

/// LINE 2026-03, `PollingAPITest`: three queues, exhaustive service. Only the rates of its arrivals count.
#[test]
fn line_polling() {
    let stations = [0.5, 1.0 / 3.0, 2.0].map(|cs2| {
        let station = PollingStation::new(1.0, 0.1, cs2).unwrap();
        station.with_switch_over(0.2, 0.02).unwrap()
    });
    let model = Polling::exhaustive(&stations).unwrap();
    for (k, expected) in [
        0.476_962_383_126_767,
        0.479_587_953_903_023,
        0.475_592_520_113_068,
    ]
    .into_iter()
    .enumerate()
    {
        assert_close("Wq", model.mean_waiting_time(k), expected, IDENTITY);
    }
}

/// Ciw 3.2.7, `test_processor_sharing.py`.
#[test]
fn ciw_processor_sharing() {
    let model = Mg1Ps::new(3.0, 0.2).unwrap();
    assert_close("W", model.mean_response_time(), 0.5, IDENTITY);
}
