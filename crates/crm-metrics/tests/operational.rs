//! The operational laws agree with each other, and bounds bound.

mod support;

use crm_metrics::operational::{
    AsymptoticBounds, forced_flow, interactive_response_time, little_number, little_rate,
    little_time, service_demand, utilisation,
};
use proptest::prelude::{ProptestConfig, prop, prop_assert, proptest};
use support::tolerance::IDENTITY;
use support::{above, assert_close};

const NOT_NUMBERS: [f64; 4] = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0];

#[test]
fn utilisation_is_throughput_times_service_time() {
    assert_eq!(utilisation(40.0, 0.0625).unwrap(), 2.5);
    assert_eq!(utilisation(0.0, 5.0).unwrap(), 0.0);
    for bad in NOT_NUMBERS {
        assert_eq!(utilisation(bad, 1.0).unwrap_err().name, "throughput");
        assert_eq!(utilisation(1.0, bad).unwrap_err().name, "service_time");
    }
    assert!(utilisation(f64::MAX, 2.0).is_err());
}

#[test]
fn little_solves_for_each_quantity() {
    assert_eq!(little_number(32.0, 0.25).unwrap(), 8.0);
    assert_eq!(little_rate(8.0, 0.25).unwrap(), 32.0);
    assert_eq!(little_time(8.0, 32.0).unwrap(), 0.25);
    for bad in NOT_NUMBERS {
        assert_eq!(little_number(bad, 1.0).unwrap_err().name, "rate");
        assert_eq!(little_number(1.0, bad).unwrap_err().name, "time");
        assert_eq!(little_rate(bad, 1.0).unwrap_err().name, "number");
        assert_eq!(little_rate(1.0, bad).unwrap_err().name, "time");
        assert_eq!(little_time(bad, 1.0).unwrap_err().name, "number");
        assert_eq!(little_time(1.0, bad).unwrap_err().name, "rate");
    }
    assert_eq!(little_rate(1.0, 0.0).unwrap_err().name, "time");
    assert_eq!(little_time(1.0, 0.0).unwrap_err().name, "rate");
    assert!(little_number(f64::MAX, 2.0).is_err());
    assert!(little_rate(f64::MAX, 0.5).is_err());
    assert!(little_time(f64::MAX, 0.5).is_err());
}

#[test]
fn response_time_law_refuses_figures_that_do_not_belong_together() {
    assert_eq!(interactive_response_time(10, 2.0, 5.0).unwrap(), 0.0);
    let error = interactive_response_time(10, 2.0, 5.1).unwrap_err();
    assert_eq!((error.name, error.value), ("think_time", 5.1));
    // What the message asks for is accepted, to the last digit.
    for n in 1..1_000 {
        let longest = f64::from(n) / 0.1;
        let r = interactive_response_time(n, 0.1, longest).unwrap();
        assert!((0.0..=1e-12 * longest).contains(&r), "{n} users: {r:e}");
        assert!(interactive_response_time(n, 0.1, above(longest)).is_err());
    }
    for bad in NOT_NUMBERS {
        assert!(interactive_response_time(10, bad, 1.0).is_err());
        assert!(interactive_response_time(10, 1.0, bad).is_err());
    }
    assert!(interactive_response_time(10, 0.0, 1.0).is_err());
    assert!(interactive_response_time(10, 1e-320, 1.0).is_err()); // the quotient is not finite
}

/// Where users mostly think, `N / X - Z` is the difference of two close numbers, and computed as such right to seven digits.
#[test]
fn response_time_law_keeps_its_digits() {
    // The exact quotient of the doubles, by rational arithmetic.
    let r = interactive_response_time(3, 0.1, 29.999_999_999).unwrap();
    assert_close("R", r, 9.999_984_174_058_34e-10, IDENTITY);
}

#[test]
fn bounds_name_the_bottleneck() {
    let bounds = AsymptoticBounds::new(&[0.005, 0.03, 0.027, 0.03], 0.938).unwrap();
    assert_eq!(bounds.bottleneck(), 1);
    assert_eq!(bounds.bottleneck_demand(), 0.03);
    assert_close("D", bounds.total_demand(), 0.092, IDENTITY);
    assert_close(
        "1 / D_max",
        bounds.saturation_throughput(),
        100.0 / 3.0,
        IDENTITY,
    );
    assert_close("N*", bounds.saturation_population(), 1.03 / 0.03, IDENTITY);
    assert_close("X(1)", bounds.throughput_upper(1), 1.0 / 1.03, IDENTITY);
    assert_close("X(1)", bounds.throughput_lower(1), 1.0 / 1.03, IDENTITY);
    assert_close(
        "X(100)",
        bounds.throughput_upper(100),
        100.0 / 3.0,
        IDENTITY,
    );
    assert_close(
        "R(100)",
        bounds.response_time_lower(100),
        3.0 - 0.938,
        IDENTITY,
    );
    assert_close("R(100)", bounds.response_time_upper(100), 9.2, IDENTITY);
}

#[test]
fn bounds_of_nobody_are_numbers() {
    for think_time in [0.0, 2.0] {
        let bounds = AsymptoticBounds::new(&[1.0, 0.0], think_time).unwrap();
        assert_eq!(bounds.throughput_lower(0), 0.0);
        assert_eq!(bounds.throughput_upper(0), 0.0);
        assert_eq!(bounds.response_time_lower(0), 1.0);
        assert_eq!(bounds.response_time_upper(0), 1.0);
    }
}

#[test]
fn bounds_refuse_what_is_no_system() {
    assert_eq!(AsymptoticBounds::new(&[], 1.0).unwrap_err().value, 0.0);
    assert!(AsymptoticBounds::new(&[0.0, 0.0], 1.0).is_err());
    assert!(AsymptoticBounds::new(&[1e290, 1e290], 1.0).is_err());
    assert!(AsymptoticBounds::new(&[1e-291; 20], 1.0).is_err());
    assert!(AsymptoticBounds::new(&[1.0], 1e300).is_err());
    assert!(AsymptoticBounds::new(&[1.0], 1e290).is_ok());
    assert!(AsymptoticBounds::new(&[1.0], 1e-300).is_ok());
    for bad in NOT_NUMBERS {
        assert_eq!(
            AsymptoticBounds::new(&[1.0, bad], 1.0).unwrap_err().name,
            "demands"
        );
        assert_eq!(
            AsymptoticBounds::new(&[1.0], bad).unwrap_err().name,
            "think_time"
        );
    }
}

/// Exact mean value analysis of single-server stations, as every textbook has it.
fn mean_value_analysis(demands: &[f64], think_time: f64, population: u32) -> (f64, f64) {
    let mut queues = vec![0.0; demands.len()];
    let (mut x, mut r) = (0.0, 0.0);
    for n in 1..=population {
        let times: Vec<f64> = demands
            .iter()
            .zip(&queues)
            .map(|(d, q)| d * (1.0 + q))
            .collect();
        r = times.iter().sum::<f64>();
        x = f64::from(n) / (think_time + r);
        queues = times.iter().map(|time| x * time).collect();
    }
    (x, r)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bounds_enclose_the_exact_solution(
        demands in prop::collection::vec(0.001..10.0_f64, 1..6),
        think_time in 0.0..50.0_f64,
        population in 1..80_u32,
    ) {
        let bounds = AsymptoticBounds::new(&demands, think_time).unwrap();
        let (x, r) = mean_value_analysis(&demands, think_time, population);
        let slack = 1.0 + IDENTITY;
        prop_assert!(x <= bounds.throughput_upper(population) * slack);
        prop_assert!(x * slack >= bounds.throughput_lower(population));
        prop_assert!(r <= bounds.response_time_upper(population) * slack);
        prop_assert!(r * slack >= bounds.response_time_lower(population));
        let law = interactive_response_time(population, x, think_time).unwrap();
        prop_assert!((law - r).abs() <= 1e-9 * r);
    }
}

/// A resource is as busy by its own throughput and service time as by the system's throughput and the demand on it.
#[test]
fn demand_is_visits_times_service_time() {
    let (throughput, visits, service_time) = (3.0, 15.0, 0.004);
    let own = forced_flow(throughput, visits).unwrap();
    let busy = utilisation(own, service_time).unwrap();
    let demand = service_demand(busy, throughput).unwrap();
    assert!((demand - visits * service_time).abs() < 1e-16);
    assert!((utilisation(throughput, demand).unwrap() - busy).abs() < 1e-15);
}

#[test]
fn the_laws_of_flow_and_demand_refuse_what_no_system_measures() {
    for bad in [-1.0, f64::NAN, f64::INFINITY] {
        assert!(forced_flow(bad, 1.0).is_err() && forced_flow(1.0, bad).is_err());
        assert!(service_demand(bad, 1.0).is_err() && service_demand(1.0, bad).is_err());
    }
    assert!(service_demand(0.5, 0.0).is_err());
    assert!(service_demand(1.0, f64::MIN_POSITIVE / 4.0).is_err());
    assert!(forced_flow(f64::MAX, 2.0).is_err());
}
