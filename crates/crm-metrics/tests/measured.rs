//! Measured quantities are the quotients, sums and means that they say they are.

mod support;

use crm_metrics::{
    ExchangeTime, ParamError, PathTime, QueueTime, ResourceUsage, availability,
    customer_satisfaction, elapsed_share, error_rate, indexed_query_cost, query_cost,
    security_event_rate, security_events, throughput, unavailability,
};
use std::time::Duration;
use support::assert_close;
use support::tolerance::IDENTITY;

const SECOND: Duration = Duration::from_secs(1);
const MILLISECOND: Duration = Duration::from_millis(1);

/// What was refused: name and value.
fn refused<T: std::fmt::Debug>(result: Result<T, ParamError>) -> (&'static str, f64) {
    let error = result.unwrap_err();
    assert!(!error.must.is_empty());
    (error.name, error.value)
}

#[test]
fn response_time_is_the_sum_of_its_parts() {
    let (a, b, c) = (MILLISECOND, 20 * MILLISECOND, 300 * MILLISECOND);
    let total = 321 * MILLISECOND;
    let queue = QueueTime {
        queueing: a,
        service: b,
        waiting: c,
    };
    let exchange = ExchangeTime {
        request: a,
        processing: b,
        response: c,
    };
    let path = PathTime {
        processing: a,
        network_latency: b,
        system_response: c,
    };
    assert_eq!(queue.total(), total);
    assert_eq!(exchange.total(), total);
    assert_eq!(path.total(), total);
}

#[test]
fn response_time_saturates() {
    let endless = QueueTime {
        queueing: Duration::MAX,
        service: SECOND,
        waiting: Duration::MAX,
    };
    assert_eq!(endless.total(), Duration::MAX);
}

#[test]
fn throughput_is_per_second() {
    assert_eq!(throughput(500, 250 * MILLISECOND).unwrap(), 2_000.0);
    assert_eq!(throughput(0, SECOND).unwrap(), 0.0);
    assert_eq!(refused(throughput(1, Duration::ZERO)), ("over", 0.0));
    assert!(
        throughput(u64::MAX, Duration::from_nanos(1))
            .unwrap()
            .is_finite()
    );
}

#[test]
fn error_rate_is_the_share_of_all() {
    assert_eq!(error_rate(1, 8).unwrap(), 0.125);
    assert_eq!(error_rate(0, 8).unwrap(), 0.0);
    assert_eq!(error_rate(8, 8).unwrap(), 1.0);
    assert_eq!(refused(error_rate(0, 0)), ("total", 0.0));
    assert_eq!(refused(error_rate(9, 8)), ("failed", 9.0));
}

#[test]
fn availability_and_unavailability_are_shares_of_the_total() {
    assert_eq!(availability(3 * SECOND, 4 * SECOND).unwrap(), 0.75);
    assert_eq!(unavailability(SECOND, 4 * SECOND).unwrap(), 0.25);
    assert_eq!(availability(Duration::ZERO, SECOND).unwrap(), 0.0);
    assert_eq!(availability(SECOND, SECOND).unwrap(), 1.0);
    assert_eq!(
        refused(availability(SECOND, Duration::ZERO)),
        ("total", 0.0)
    );
    assert_eq!(refused(availability(2 * SECOND, SECOND)), ("up", 2.0));
    assert_eq!(refused(unavailability(2 * SECOND, SECOND)), ("down", 2.0));
}

/// Eleven nines: `1 - availability` has four digits left, `unavailability` all of them.
#[test]
fn unavailability_keeps_its_digits() {
    let year = 31_536_000 * SECOND;
    let share = unavailability(MILLISECOND, year).unwrap();
    assert_close("share", share, 3.170_979_198_376_459e-11, IDENTITY);
}

#[test]
fn elapsed_share_is_in_per_cent_of_the_end() {
    let share = |start, end| elapsed_share(start * SECOND, end * SECOND);
    assert_eq!(share(60, 80).unwrap(), 25.0);
    assert_eq!(share(0, 80).unwrap(), 100.0);
    assert_eq!(share(80, 80).unwrap(), 0.0);
    assert_eq!(refused(share(0, 0)), ("end", 0.0));
    assert_eq!(refused(share(81, 80)), ("start", 81.0));
}

#[test]
fn resources_add_up_each_on_its_own() {
    let one = ResourceUsage {
        memory_bytes: 1,
        cpu_time: 20 * MILLISECOND,
        disk_bytes: 300,
        network_bytes: 4_000,
    };
    let most = ResourceUsage {
        memory_bytes: u64::MAX,
        cpu_time: Duration::MAX,
        disk_bytes: u64::MAX,
        network_bytes: u64::MAX,
    };
    let sum: ResourceUsage = [one, one, one].iter().sum();
    assert_eq!(sum.memory_bytes, 3);
    assert_eq!(sum.cpu_time, 60 * MILLISECOND);
    assert_eq!(sum.disk_bytes, 900);
    assert_eq!(sum.network_bytes, 12_000);
    assert_eq!(one + most, most);
    let mut running = ResourceUsage::default();
    running += one;
    running += one;
    running += one;
    assert_eq!(running, sum);
    assert_eq!(
        std::iter::empty::<ResourceUsage>().sum::<ResourceUsage>(),
        ResourceUsage::default()
    );
    assert_eq!(sum.busy_processors(40 * MILLISECOND).unwrap(), 1.5);
    assert_eq!(refused(sum.busy_processors(Duration::ZERO)), ("over", 0.0));
}

#[test]
fn security_events_are_a_sum_and_a_rate() {
    assert_eq!(security_events([1, 20, 300]), 321);
    assert_eq!(security_events([]), 0);
    assert_eq!(security_events([u64::MAX, 1]), u64::MAX);
    assert_eq!(security_event_rate(30, 60 * SECOND).unwrap(), 0.5);
    assert_eq!(
        refused(security_event_rate(1, Duration::ZERO)),
        ("over", 0.0)
    );
}

#[test]
fn satisfaction_is_a_mean() {
    assert_eq!(customer_satisfaction(&[-2.0, 2.0, 1.0]).unwrap(), 1.0 / 3.0);
    assert_eq!(refused(customer_satisfaction(&[])), ("scores", 0.0));
    assert!(refused(customer_satisfaction(&[4.0, f64::NAN])).1.is_nan());
    assert_eq!(
        refused(customer_satisfaction(&[4.0, f64::INFINITY])),
        ("scores", f64::INFINITY)
    );
}

/// A plain sum of a million tenths is off in the eleventh digit, and one of large scores overflows.
#[test]
fn satisfaction_neither_drifts_nor_overflows() {
    assert_eq!(customer_satisfaction(&vec![0.1; 1_000_000]).unwrap(), 0.1);
    assert_eq!(
        customer_satisfaction(&[1.0, 1e100, 1.0, -1e100]).unwrap(),
        0.5
    );
    assert_eq!(
        customer_satisfaction(&[f64::MAX, f64::MAX, -f64::MAX, -f64::MAX, 5.0]).unwrap(),
        1.0
    );
    for n in 1..300 {
        for most in [f64::MAX, f64::MIN, 0.75 * f64::MAX] {
            let mean = customer_satisfaction(&vec![most; n]).unwrap();
            assert_close("mean", mean / most, 1.0, IDENTITY);
        }
    }
}

#[test]
fn query_cost_is_a_product() {
    assert_eq!(query_cost(100.0, 500 * MILLISECOND).unwrap(), 50.0);
    assert_eq!(
        indexed_query_cost(100.0, 500 * MILLISECOND, 3).unwrap(),
        150.0
    );
    assert_eq!(query_cost(0.0, SECOND).unwrap(), 0.0);
    assert_eq!(refused(query_cost(-1.0, SECOND)), ("plan_cost", -1.0));
    assert!(refused(query_cost(f64::NAN, SECOND)).1.is_nan());
    assert_eq!(
        refused(query_cost(f64::MAX, 2 * SECOND)),
        ("plan_cost", f64::MAX)
    );
    assert_eq!(
        refused(indexed_query_cost(f64::MAX, SECOND, 2)),
        ("plan_cost", f64::MAX)
    );
    assert_eq!(
        refused(indexed_query_cost(1.0, SECOND, 0)),
        ("indexes", 0.0)
    );
}
