//! The utilisation law and Little's law.

use std::time::Duration;

use crm_monitor::judge::{Agreement, JudgeError, LittleCheck, Saturation};
use proptest::prelude::*;

const MILLISECOND: Duration = Duration::from_millis(1);

#[test]
fn utilisation_is_throughput_times_service_time_over_servers() {
    let pool = Saturation::new(300.0, 25 * MILLISECOND, 10).unwrap();
    assert_eq!((pool.busy(), pool.utilisation()), (7.5, 0.75));
    assert_eq!((pool.capacity(), pool.spare()), (Some(400.0), Some(100.0)));
    assert_eq!(
        pool.to_string(),
        "75 % busy: 7.5 of 10 servers at 300 requests/s"
    );
    let idle = Saturation::new(-0.0, Duration::ZERO, 1).unwrap();
    assert_eq!(
        (idle.busy().to_bits(), idle.capacity(), idle.spare()),
        (0, None, None)
    );
}

#[test]
fn more_than_all_busy_is_told_to_be_impossible() {
    let full = |per_second| Saturation::new(per_second, 10 * MILLISECOND, 1).unwrap();
    assert!(full(101.0).is_possible());
    let over = full(150.0);
    assert!(!over.is_possible());
    assert_eq!(over.spare(), Some(0.0));
    assert_eq!(
        over.to_string(),
        "150 % busy: 1.5 of 1 servers at 150 requests/s; that cannot be: the service time includes waiting, or there are more servers"
    );
}

#[test]
fn what_is_no_figure_is_refused() {
    for per_second in [-1.0, f64::NAN, f64::INFINITY, 1.1e18] {
        let refused = Saturation::new(per_second, MILLISECOND, 1).unwrap_err();
        assert!(
            matches!(
                refused,
                JudgeError::Figure {
                    name: "throughput",
                    ..
                }
            ),
            "{refused}"
        );
        let refused = LittleCheck::new(per_second, MILLISECOND, 1.0).unwrap_err();
        assert!(
            matches!(
                refused,
                JudgeError::Figure {
                    name: "throughput",
                    ..
                }
            ),
            "{refused}"
        );
    }
    let refused = Saturation::new(1.0, MILLISECOND, 0).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "servers is 0, but must be at least one"
    );
    for in_flight in [-1.0, f64::NAN, f64::INFINITY] {
        let refused = LittleCheck::new(1.0, MILLISECOND, in_flight).unwrap_err();
        assert!(
            matches!(
                refused,
                JudgeError::Figure {
                    name: "in_flight",
                    ..
                }
            ),
            "{refused}"
        );
    }
}

#[test]
fn a_disagreement_with_little_says_what_it_means() {
    let check = |in_flight| LittleCheck::new(200.0, 50 * MILLISECOND, in_flight).unwrap();
    assert_eq!(
        (check(10.0).expected(), check(31.0).measured()),
        (10.0, 31.0)
    );
    for (in_flight, agreement) in [
        (10.0, Agreement::Agrees),
        (12.2, Agreement::Agrees), // 2.2 over; one, and a tenth of 12.2
        (12.3, Agreement::MoreInFlight),
        (8.0, Agreement::Agrees), // 2 below; one, and a tenth of 10
        (7.9, Agreement::FewerInFlight),
        (0.0, Agreement::FewerInFlight),
    ] {
        assert_eq!(check(in_flight).agreement(0.1), agreement, "{in_flight}");
    }
    assert_eq!(check(11.0).agreement(-1.0), Agreement::Agrees); // one request, whatever the tolerance
    assert_eq!(check(11.1).agreement(0.0), Agreement::MoreInFlight);
    assert_eq!(check(31.0).to_string(), "31 in flight, 10 expected");
    assert!(
        Agreement::MoreInFlight
            .to_string()
            .contains("requests hang")
    );
    assert!(
        Agreement::FewerInFlight
            .to_string()
            .contains("time outside")
    );
    assert!(Agreement::Agrees.to_string().ends_with("agree"));
}

proptest! {
    /// A first-come-first-served line of several servers, counted by hand over a window that begins and ends empty: both laws hold for
    /// whatever comes, and are broken by requests that hang.
    #[test]
    fn the_laws_hold_for_a_line_that_was_simulated(
        requests in prop::collection::vec((0..50_u64, 1..100_u64), 1..100),
        servers in 1..5_u32,
    ) {
        let mut free = vec![0_u64; servers as usize];
        let (mut arrival, mut in_system, mut in_service, mut end) = (0, 0, 0, 0);
        for (gap, service) in &requests {
            arrival += gap;
            let next = free.iter_mut().min().unwrap();
            let start = arrival.max(*next);
            *next = start + service;
            in_system += *next - arrival;
            in_service += service;
            end = end.max(*next);
        }
        let window = end as f64 / 1e3;
        let count = requests.len() as u64;
        let throughput = count as f64 / window;
        let mean = |sum: u64| Duration::from_nanos(sum * 1_000_000 / count);
        // Time in milliseconds: the sum over all is the integral of the number in flight.
        let in_flight = in_system as f64 / end as f64;
        let little = LittleCheck::new(throughput, mean(in_system), in_flight).unwrap();
        prop_assert!((little.expected() / in_flight - 1.0).abs() < 1e-6);
        prop_assert_eq!(little.agreement(0.0), Agreement::Agrees);
        let hanging = LittleCheck::new(throughput, mean(in_system), in_flight + 2.0).unwrap();
        prop_assert_eq!(hanging.agreement(0.0), Agreement::MoreInFlight);
        let pool = Saturation::new(throughput, mean(in_service), servers).unwrap();
        let busy = in_service as f64 / (end as f64 * f64::from(servers));
        prop_assert!((pool.utilisation() / busy - 1.0).abs() < 1e-6);
        prop_assert!(pool.is_possible());
    }
}
