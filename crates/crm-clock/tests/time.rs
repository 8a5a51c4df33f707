//! Time goes forward, by hand or by itself, and never wraps.

use std::thread;
use std::time::Duration;

use crm_clock::{Clock, ManualClock, Tick};

#[test]
fn the_types_cross_threads() {
    fn crosses<T: Send + Sync + Clone>() {}
    crosses::<Clock>();
    crosses::<ManualClock>();
    crosses::<Tick>();
}

#[test]
fn a_manual_clock_stands_still_until_moved() {
    let (clock, hand) = Clock::manual();
    assert_eq!(clock.now(), Tick::ZERO);
    assert_eq!(clock.now(), Tick::ZERO);
    assert_eq!(
        hand.advance(Duration::from_millis(3)),
        Tick::from_nanos(3_000_000)
    );
    assert_eq!(clock.now(), Tick::from_nanos(3_000_000));
    assert_eq!(hand.now(), clock.now());
}

#[test]
fn clones_of_a_manual_clock_share_its_time_and_other_clocks_do_not() {
    let (clock, hand) = Clock::manual();
    let (other, _) = Clock::manual();
    let twin = clock.clone();
    hand.clone().advance(Duration::from_nanos(5));
    assert_eq!(twin.now(), Tick::from_nanos(5));
    assert_eq!(other.now(), Tick::ZERO);
}

#[test]
fn moves_by_several_threads_add_up() {
    let (clock, hand) = Clock::manual();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..1_000 {
                    hand.advance(Duration::from_nanos(1));
                }
            });
        }
    });
    assert_eq!(clock.now().as_nanos(), 4_000);
}

#[test]
fn the_end_of_time_is_a_wall_not_a_wrap() {
    let (clock, hand) = Clock::manual();
    hand.advance(Duration::from_nanos(7));
    assert_eq!(hand.advance(Duration::MAX), Tick::MAX);
    assert_eq!(hand.advance(Duration::from_nanos(1)), Tick::MAX);
    assert_eq!(clock.now(), Tick::MAX);
    assert_eq!(Tick::ZERO - Tick::MAX, Duration::ZERO);
}

#[test]
fn the_system_clock_runs_and_never_goes_back() {
    let clock = Clock::default();
    let twin = Clock::system();
    let start = clock.now();
    let mut last = start;
    while last == start {
        let now = if last.as_nanos() % 2 == 0 {
            clock.now()
        } else {
            twin.now()
        };
        assert!(now >= last);
        last = now;
    }
}

#[test]
fn the_coarse_clock_runs_behind_the_system_clock_and_never_goes_back() {
    let (coarse, exact) = (Clock::coarse(), Clock::system());
    let start = coarse.now();
    let mut last = start;
    while last - start < Duration::from_millis(20) {
        let now = coarse.now();
        assert!(now >= last && now <= exact.now());
        last = now;
    }
}

#[test]
fn a_coarse_clock_starts_anew_after_the_last_one_has_gone() {
    let before = Clock::coarse().now();
    let clock = Clock::coarse();
    assert!(clock.now() >= before);
    let start = clock.now();
    while clock.now() == start {
        thread::yield_now();
    }
}

#[test]
fn debug_names_the_kind_of_clock() {
    assert!(format!("{:?}", Clock::coarse()).contains("Coarse"));
    assert!(format!("{:?}", Clock::system()).contains("System"));
    assert!(format!("{:?}", Clock::manual().0).contains("Manual"));
}
