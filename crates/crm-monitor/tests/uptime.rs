//! Availability of time, from a record of ups and downs.

use std::time::Duration;

use crm_clock::Tick;
use crm_monitor::judge::Uptime;
use proptest::prelude::*;

const HOUR: Duration = Duration::from_secs(3_600);

fn at(seconds: u64) -> Tick {
    Tick::ZERO + Duration::from_secs(seconds)
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

#[test]
fn nothing_is_known_before_somebody_looks() {
    let mut uptime = Uptime::new();
    assert_eq!(uptime.is_up(), None);
    let none = uptime.over(HOUR, at(10_000));
    assert_eq!((none.share(), none.observed()), (None, Duration::ZERO));
    assert_eq!(
        (none.mean_time_to_failure(), none.mean_time_to_repair()),
        (None, None)
    );
    assert_eq!(none.to_string(), "nothing is known of ups and downs");
    uptime.unknown(at(10));
    assert_eq!(uptime, Uptime::new());
    uptime.up(at(100));
    assert_eq!(uptime.is_up(), Some(true));
    // Known since a hundred seconds, up all the time, and no failure to take a mean of.
    let up = uptime.over(HOUR, at(200));
    assert_eq!((up.share(), up.observed()), (Some(1.0), seconds(100)));
    assert_eq!((up.failures(), up.mean_time_to_failure()), (0, None));
    // A window that ends before the first look knows nothing.
    assert_eq!(uptime.over(HOUR, at(100)).share(), None);
}

#[test]
fn a_window_cuts_what_reaches_over_its_ends() {
    let mut uptime = Uptime::new();
    uptime.up(at(0));
    uptime.down(at(1_000));
    uptime.up(at(1_060));
    uptime.up(at(1_100)); // again: no change
    uptime.down(at(3_000));
    assert_eq!(uptime.is_up(), Some(false));
    let all = uptime.over(HOUR, at(3_040));
    assert_eq!((all.up(), all.down()), (seconds(2_940), seconds(100)));
    assert_eq!((all.failures(), all.repairs()), (2, 1));
    assert_eq!(all.mean_time_to_failure(), Some(seconds(1_470)));
    assert_eq!(all.mean_time_to_repair(), Some(seconds(100)));
    assert_eq!(
        all.to_string(),
        "96.71 % up: down for 1 min 40 s of 50 min 40 s in 2 failures"
    );
    // From the middle of the first outage: that failure lies before the window, its repair within.
    let cut = uptime.over(seconds(2_010), at(3_040));
    assert_eq!((cut.up(), cut.down()), (seconds(1_940), seconds(70)));
    assert_eq!((cut.failures(), cut.repairs()), (1, 1));
    // It may end before the last change, too.
    let past = uptime.over(seconds(100), at(1_030));
    assert_eq!(
        (past.up(), past.down(), past.failures(), past.repairs()),
        (seconds(70), seconds(30), 1, 0)
    );
    assert_eq!(
        past.to_string(),
        "70 % up: down for 30 s of 1 min 40 s in 1 failure"
    );
    let long = uptime.over(Duration::MAX, at(3_040));
    assert_eq!(long, all);
}

#[test]
fn unknown_time_is_neither_up_nor_down_and_repairs_happen_in_it() {
    let mut uptime = Uptime::new();
    uptime.up(at(0));
    uptime.down(at(100));
    uptime.unknown(at(110));
    assert_eq!(uptime.is_up(), None);
    uptime.up(at(200));
    uptime.unknown(at(300));
    uptime.down(at(400));
    let seen = uptime.over(HOUR, at(450));
    assert_eq!(
        (seen.up(), seen.down(), seen.observed()),
        (seconds(200), seconds(60), seconds(260))
    );
    assert_eq!((seen.failures(), seen.repairs()), (2, 1));
}

#[test]
fn time_that_steps_back_takes_nothing_away() {
    let mut uptime = Uptime::new();
    uptime.up(at(100));
    uptime.down(at(200));
    uptime.up(at(150)); // taken for 200
    let seen = uptime.over(HOUR, at(300));
    assert_eq!((seen.up(), seen.down()), (seconds(200), Duration::ZERO));
    assert_eq!(uptime.over(HOUR, at(120)).up(), seconds(20));
}

#[test]
fn the_record_is_bounded_and_forgets_the_oldest() {
    let mut uptime = Uptime::new();
    for pair in 0..10_000 {
        uptime.up(at(10 * pair));
        uptime.down(at(10 * pair + 9));
    }
    let seen = uptime.over(seconds(100_000), at(100_000));
    // 1,024 changes are 512 pairs of ten seconds.
    assert_eq!(
        (seen.observed(), seen.down()),
        (seconds(5_120), seconds(512))
    );
    assert_eq!(seen.share(), Some(0.9));
    assert_eq!((seen.failures(), seen.repairs()), (512, 511));
}

#[test]
fn steady_availability_is_that_of_the_means() {
    // 999 hours up and one down, again and again: 0.999.
    let mut uptime = Uptime::new();
    for round in 0..100 {
        uptime.down(Tick::ZERO + 1_000 * round * HOUR);
        uptime.up(Tick::ZERO + (1_000 * round + 1) * HOUR);
    }
    uptime.down(Tick::ZERO + 100_000 * HOUR);
    // From the first repair to the last failure, both counted.
    let seen = uptime.over(
        99_999 * HOUR + seconds(1),
        Tick::ZERO + 100_000 * HOUR + seconds(1),
    );
    let (mttf, mttr) = (
        seen.mean_time_to_failure().unwrap(),
        seen.mean_time_to_repair().unwrap(),
    );
    assert_eq!(mttf, 999 * HOUR);
    assert!(mttr.abs_diff(HOUR) < HOUR / 50, "{mttr:?}");
    let steady = mttf.div_duration_f64(mttf + mttr);
    assert!((seen.share().unwrap() - steady).abs() < 2e-5);
}

proptest! {
    /// Against a list of what it was in each second.
    #[test]
    fn it_agrees_with_looking_every_second(
        steps in prop::collection::vec((1..20_u64, 0..3_u8), 0..60),
        window in 1..400_u64,
        back in 0..100_u64,
    ) {
        let (mut uptime, mut second_by_second, mut now) = (Uptime::new(), vec![2_u8; 500], 500);
        for (length, state) in &steps {
            match state {
                0 => uptime.up(at(now)),
                1 => uptime.down(at(now)),
                _ => uptime.unknown(at(now)),
            }
            now += length;
            second_by_second.resize(now as usize, *state);
        }
        let end = now - back.min(now);
        let begin = end.saturating_sub(window);
        let range = &second_by_second[begin as usize..end as usize];
        let count = |state| range.iter().filter(|seen| **seen == state).count() as u64;
        // Changes between two known states, those without the unknown between dropped out, which happen after the begin.
        let mut known = None;
        let (mut failures, mut repairs) = (0, 0);
        for (second, state) in second_by_second[..end as usize].iter().enumerate() {
            if *state == 2 { continue }
            if known.is_some_and(|known| known != *state) && second as u64 > begin {
                if *state == 1 { failures += 1 } else { repairs += 1 }
            }
            known = Some(*state);
        }
        let seen = uptime.over(seconds(window), at(end));
        prop_assert_eq!((seen.up(), seen.down()), (seconds(count(0)), seconds(count(1))));
        prop_assert_eq!((seen.failures(), seen.repairs()), (failures, repairs));
    }
}
