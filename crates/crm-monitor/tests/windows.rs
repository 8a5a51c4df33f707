//! Windows are as long as they say, hold what happened in that time, and lose nothing, whatever the clock and the samples do.

#[path = "support/past.rs"]
mod past;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use crm_clock::{Clock, ManualClock};
use crm_monitor::judge::Events;
use crm_monitor::{Counter, Histogram, History, HistoryError, Layout, Over, Tracked};
use past::Past;
use proptest::prelude::*;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

fn history(period: Duration) -> (History, ManualClock) {
    let (clock, hand) = Clock::manual();
    let history = History::builder().clock(clock).period(period).build();
    (history.unwrap(), hand)
}

/// Lengths from `shortest` to `longest`, each some percent longer than the one before.
fn lengths(shortest: Duration, longest: Duration) -> impl Iterator<Item = Duration> {
    std::iter::successors(Some(shortest), |length| Some(length.mul_f64(1.037)))
        .take_while(move |length| *length <= longest)
        .chain([longest])
}

/// How far a window is from the length that was asked for, as a part of it.
fn miss(asked: Duration, elapsed: Duration) -> f64 {
    asked.abs_diff(elapsed).as_secs_f64() / asked.as_secs_f64()
}

#[test]
fn with_a_sample_a_second_windows_are_right_by_five_percent() {
    let (history, hand) = history(SECOND);
    let events = Counter::new();
    let tracked = history.track(&events);
    for second in 1..=30_000 {
        events.add(second);
        hand.advance(SECOND);
        history.sample();
    }
    // The sum of the last n whole numbers up to 30,000.
    let in_last = |n: u64| n * (2 * 30_000 - n + 1) / 2;
    for length in lengths(SECOND, 30_000 * SECOND) {
        let over = tracked.over(length).unwrap();
        assert!(
            miss(length, over.elapsed) <= 0.05 || over.elapsed.abs_diff(length) <= SECOND / 2,
            "{length:?}: {over:?}"
        );
        assert_eq!(over.value, in_last(over.elapsed.as_secs()), "{length:?}");
        assert_eq!(over.age, Duration::ZERO);
    }
    for seconds in 1..=20 {
        assert_eq!(
            tracked.over(seconds * SECOND).unwrap().elapsed,
            seconds * SECOND
        );
    }
}

#[test]
fn a_month_is_answered_for_every_length() {
    let (history, hand) = history(MINUTE);
    let events = Counter::new();
    let tracked = history.track(&events);
    for _ in 0..45 * 24 * 60 {
        events.increment();
        hand.advance(MINUTE);
        history.sample();
    }
    for length in lengths(10 * MINUTE, 30 * DAY) {
        let over = tracked.over(length).unwrap();
        assert!(miss(length, over.elapsed) <= 0.05, "{length:?}: {over:?}");
        assert_eq!(over.value, over.elapsed.as_secs() / 60);
        assert_eq!(over.rate().per(MINUTE), 1.0);
    }
    // What lies before the longest window is gone, and with it its memory.
    let kept = tracked.over(Duration::MAX).unwrap();
    assert!(kept.elapsed >= 30 * DAY && kept.elapsed <= 33 * DAY);
    assert!(tracked.bytes() <= tracked.bytes_at_most());
}

#[test]
fn a_week_passes_at_once() {
    let (history, hand) = history(SECOND);
    let events = Counter::new();
    let tracked = history.track(&events);
    events.add(10);
    hand.advance(SECOND);
    history.sample();
    events.add(7);
    hand.advance(7 * DAY);
    history.sample();
    let week = tracked.over(7 * DAY).unwrap();
    assert_eq!((week.value, week.elapsed), (7, 7 * DAY));
    // Nothing is known of the last hour alone, and the window says so.
    let hour = tracked.over(HOUR).unwrap();
    assert_eq!((hour.value, hour.elapsed), (7, 7 * DAY));
    assert_eq!(tracked.over(Duration::MAX).unwrap().value, 17);

    events.add(3);
    hand.advance(SECOND);
    let second = tracked.over(SECOND).unwrap();
    assert_eq!((second.value, second.elapsed), (3, SECOND));
    assert_eq!(tracked.over(Duration::MAX).unwrap().value, 20);
}

#[test]
fn an_hour_without_samples_loses_and_doubles_nothing() {
    let (history, hand) = history(SECOND);
    let events = Counter::new();
    let tracked = history.track(&events);
    for round in 0..4 {
        for _ in 0..600 {
            events.increment();
            hand.advance(SECOND);
            history.sample();
        }
        assert_eq!(tracked.over(MINUTE).unwrap().value, 60, "round {round}");
        events.add(100);
        hand.advance(HOUR);
        history.sample();
        let slept = tracked.over(HOUR).unwrap();
        assert_eq!((slept.value, slept.elapsed), (100, HOUR));
        assert_eq!(
            tracked.over(Duration::MAX).unwrap().value,
            (round + 1) * 700
        );
    }
}

#[test]
fn a_window_is_up_to_date_without_anybody_who_samples() {
    let (history, hand) = history(SECOND);
    let events = Counter::new();
    let tracked = history.track(&events);
    events.add(4);
    hand.advance(MINUTE);
    let over = tracked.over(MINUTE).unwrap();
    assert_eq!(
        (over.value, over.elapsed, over.age),
        (4, MINUTE, Duration::ZERO)
    );
    // Younger than a period: the window ends where it ended before, and says how long ago that was.
    events.add(2);
    hand.advance(SECOND * 3 / 4);
    let over = tracked.over(MINUTE).unwrap();
    assert_eq!((over.value, over.age), (4, SECOND * 3 / 4));
    hand.advance(SECOND / 4);
    let timeline = tracked.timeline(2 * MINUTE);
    assert_eq!(
        timeline.iter().map(|part| part.value).collect::<Vec<_>>(),
        [4, 2]
    );
}

#[test]
fn a_second_sample_at_the_same_time_changes_nothing() {
    let (history, hand) = history(SECOND);
    let events = Counter::new();
    let tracked = history.track(&events);
    history.sample();
    assert_eq!(tracked.over(MINUTE), None);
    events.add(5);
    hand.advance(SECOND);
    history.sample();
    let before = tracked.over(MINUTE).unwrap();
    events.add(2);
    history.sample();
    history.sample();
    assert_eq!(tracked.over(MINUTE).unwrap(), before);
    // What came in after the first sample is in the interval after it, once.
    hand.advance(SECOND);
    history.sample();
    assert_eq!(tracked.over(SECOND).unwrap().value, 2);
    assert_eq!(tracked.over(MINUTE).unwrap().value, 7);
}

#[test]
fn a_hasty_loop_adds_no_points_and_a_slightly_early_one_misses_none() {
    let (history, hand) = history(SECOND);
    let events = Counter::new();
    let tracked = history.track(&events);
    for _ in 0..1_000 {
        events.increment();
        hand.advance(Duration::from_millis(1));
        history.sample();
    }
    assert_eq!(tracked.timeline(MINUTE).len(), 2);
    for _ in 0..10 {
        events.increment();
        hand.advance(Duration::from_millis(990));
        history.sample();
    }
    assert_eq!(tracked.timeline(MINUTE).len(), 12);
    assert_eq!(tracked.over(MINUTE).unwrap().value, 1_010);
}

#[test]
fn of_two_equally_near_beginnings_the_earlier_is_taken() {
    let (history, hand) = history(SECOND);
    let events = Counter::new();
    let tracked = history.track(&events);
    for _ in 0..5 {
        events.increment();
        hand.advance(2 * SECOND);
        history.sample();
    }
    for (asked, elapsed) in [
        (0, 2),
        (1, 2),
        (2, 2),
        (3, 4),
        (4, 4),
        (9, 10),
        (10, 10),
        (11, 10),
    ] {
        let over = tracked.over(asked * SECOND).unwrap();
        assert_eq!(over.elapsed, elapsed * SECOND, "{asked} s");
    }
    let ages: Vec<_> = tracked
        .timeline(7 * SECOND)
        .iter()
        .map(|part| part.age)
        .collect();
    assert_eq!(ages, [6 * SECOND, 4 * SECOND, 2 * SECOND, Duration::ZERO]);
}

#[test]
fn a_young_history_says_how_much_it_covers() {
    let (history, hand) = history(SECOND);
    let events = Counter::new();
    events.add(1_000); // before anybody looked
    let tracked = history.track(&events);
    assert_eq!(tracked.over(HOUR), None);
    assert!(tracked.timeline(HOUR).is_empty());
    events.add(6);
    hand.advance(3 * SECOND);
    history.sample();
    let over = tracked.over(HOUR).unwrap();
    assert_eq!((over.value, over.elapsed), (6, 3 * SECOND));
    assert_eq!(over.rate().per_second(), 2.0);
    assert_eq!(over.rate().interval(), Some(SECOND / 2));
    assert_eq!(over.rate().to_string(), "2/s");
    assert_eq!(format!("{:.1}", over.rate()), "2.0/s");
}

#[test]
fn a_histogram_is_followed_with_its_quantiles_and_failures() {
    let (history, hand) = history(SECOND);
    let times = Histogram::new(Layout::response_times());
    times.record(77_000_000);
    let tracked = history.track(&times);
    let mut parts = Vec::new();
    for second in 1..=500_u64 {
        let before = times.snapshot();
        for step in 0..second % 7 {
            times.record(1_000_000 * second + step);
        }
        if second % 10 == 0 {
            times.record_failure(3_000_000_000);
        }
        parts.push(times.snapshot().since(&before).unwrap());
        hand.advance(SECOND);
        history.sample();
    }
    for seconds in [1, 2, 19, 60, 300, 500] {
        let over = tracked.over(seconds * SECOND).unwrap();
        let covered = over.elapsed.as_secs() as usize;
        let mut expected = parts[500 - covered].clone();
        for part in &parts[500 - covered + 1..] {
            expected.merge(part).unwrap();
        }
        assert_eq!(over.value, expected, "{seconds} s");
        assert_eq!(over.rate().count(), expected.count());
    }
    let whole = tracked.over(Duration::MAX).unwrap().value;
    assert_eq!((whole.count(), whole.failures()), (1_497 + 50, 50));
    assert_eq!(whole.quantile(1.0).unwrap().high(), {
        let layout = times.layout();
        *layout.bounds(layout.index(3_000_000_000)).end()
    });
    let mut timeline = tracked
        .timeline(Duration::MAX)
        .into_iter()
        .map(|part| part.value);
    let mut sum = timeline.next().unwrap();
    timeline.for_each(|part| sum.merge(&part).unwrap());
    assert_eq!(sum, whole);
}

#[test]
fn good_events_are_followed_among_all() {
    let (history, hand) = history(SECOND);
    let (good, total) = (Counter::new(), Counter::new());
    let tracked = history.track_events(&good, &total);
    for second in 0..100 {
        total.add(10);
        good.add(if second < 90 { 10 } else { 9 });
        hand.advance(SECOND);
        history.sample();
    }
    let ten = tracked.over(10 * SECOND).unwrap();
    assert_eq!(ten.value, Events::new(90, 100).unwrap());
    assert_eq!(ten.rate().per_second(), 10.0);
    let whole = tracked.over(Duration::MAX).unwrap().value;
    assert_eq!(whole, Events::new(990, 1_000).unwrap());
}

/// What is good in one sample may be counted in the next alone. It is not lost for that, and no window has more good events than events.
#[test]
fn good_events_may_be_ahead_for_a_moment() {
    let (history, hand) = history(SECOND);
    let (good, total) = (Counter::new(), Counter::new());
    let tracked = history.track_events(&good, &total);
    let second = |good_by, total_by| {
        good.add(good_by);
        total.add(total_by);
        hand.advance(SECOND);
        tracked.over(SECOND).unwrap().value
    };
    assert_eq!(second(5, 3), Events::new(3, 3).unwrap());
    assert_eq!(second(0, 4), Events::new(0, 4).unwrap());
    assert_eq!(
        tracked.over(2 * SECOND).unwrap().value,
        Events::new(5, 7).unwrap()
    );
}

#[test]
fn a_total_that_falls_counts_nothing_twice() {
    let (history, hand) = history(SECOND);
    let total = Arc::new(AtomicU64::new(50));
    let read = Arc::clone(&total);
    let tracked = history.track_with(move || read.load(Ordering::Relaxed));
    let after = |value| {
        total.store(value, Ordering::Relaxed);
        hand.advance(SECOND);
        tracked.over(SECOND).unwrap().value
    };
    assert_eq!(after(60), 10);
    assert_eq!(after(58), 0);
    assert_eq!(after(61), 1);
    assert_eq!(after(0), 0);
    assert_eq!(after(61), 0);
    assert_eq!(after(u64::MAX), u64::MAX - 61);
    assert_eq!(after(3), 0);
    assert_eq!(tracked.over(Duration::MAX).unwrap().value, u64::MAX - 50);
}

#[test]
fn an_instrument_is_followed_until_nobody_can_ask() {
    let (history, hand) = history(SECOND);
    let held = Arc::new(());
    let theirs = Arc::clone(&held);
    let tracked = history.track_with(move || Arc::strong_count(&theirs) as u64);
    let clone = tracked.clone();
    drop(tracked);
    hand.advance(SECOND);
    history.sample();
    assert!(clone.over(SECOND).is_some());
    assert!(format!("{history:?}").contains("tracks: 1"));
    drop(clone);
    assert_eq!(Arc::strong_count(&held), 1);
    history.sample();
    assert!(format!("{history:?}").contains("tracks: 0"));
}

#[test]
fn without_samples_too_what_nobody_asks_for_is_forgotten() {
    let (history, _hand) = history(SECOND);
    let events = Counter::new();
    let kept: Vec<_> = (0..3).map(|_| history.track(&events)).collect();
    for _ in 0..1_000 {
        drop(history.track(&events));
    }
    let shown = format!("{history:?}");
    let held = (0..=2 * kept.len() + 2).find(|held| shown.contains(&format!("tracks: {held},")));
    assert!(held.is_some(), "{shown}");
}

#[test]
fn one_that_panics_keeps_no_other_from_its_sample() {
    let (history, hand) = history(SECOND);
    let first = AtomicU64::new(0);
    let failing = history.track_with(move || match first.fetch_add(1, Ordering::Relaxed) {
        1 => panic!("not now"),
        call => call,
    });
    let events = Counter::new();
    let tracked = history.track(&events);
    events.add(7);
    hand.advance(SECOND);
    let sampled = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| history.sample()));
    let told = sampled.unwrap_err();
    assert_eq!(told.downcast_ref(), Some(&"not now"));
    hand.advance(SECOND / 4);
    let over = tracked.over(SECOND).unwrap();
    assert_eq!((over.value, over.age), (7, SECOND / 4));
    drop(failing);
}

#[test]
fn a_function_may_ask_for_its_own_windows_and_may_panic() {
    let (history, hand) = history(SECOND);
    let own: Arc<parking_lot::Mutex<Option<Tracked<u64>>>> = Arc::default();
    let (seen, calls) = (Arc::clone(&own), Arc::new(AtomicU64::new(0)));
    let counted = Arc::clone(&calls);
    let tracked = history.track_with(move || {
        if let Some(tracked) = &*seen.lock() {
            let _ = tracked.over(MINUTE);
        }
        let call = counted.fetch_add(1, Ordering::Relaxed);
        assert!(call != 2, "the third call fails");
        call * 10
    });
    *own.lock() = Some(tracked.clone());
    hand.advance(SECOND);
    history.sample();
    hand.advance(SECOND);
    let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| tracked.over(MINUTE)));
    assert!(failed.is_err());
    hand.advance(SECOND);
    let over = tracked.over(MINUTE).unwrap();
    assert_eq!((over.value, over.elapsed), (30, 3 * SECOND));
    *own.lock() = None;
}

#[test]
fn windows_add_up_while_all_happens_at_once() {
    let (history, hand) = history(Duration::from_millis(2));
    let events = Counter::new();
    let times = Histogram::new(Layout::new(1, 1_000_000, 0.05).unwrap());
    let (counted, timed) = (history.track(&events), history.track(&times));
    let rounds = if cfg!(miri) { 20 } else { 2_000 };
    thread::scope(|scope| {
        for seed in 0..2 {
            let (events, times) = (&events, &times);
            scope.spawn(move || {
                let mut random = fastrand::Rng::with_seed(seed);
                for _ in 0..rounds {
                    events.add(3);
                    times.record(random.u64(1..1_000_000));
                }
            });
        }
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..rounds / 10 {
                    hand.advance(Duration::from_millis(1));
                    history.sample();
                    let whole = counted.over(Duration::MAX).map_or(0, |over| over.value);
                    let later = counted.over(Duration::MAX).map_or(0, |over| over.value);
                    assert!(later >= whole, "{later} after {whole}");
                    if let Some(over) = timed.over(SECOND) {
                        let buckets: u64 = over.value.buckets().map(|bucket| bucket.count).sum();
                        assert_eq!(buckets, over.value.count());
                    }
                }
            });
        }
    });
    hand.advance(SECOND);
    assert_eq!(counted.over(Duration::MAX).unwrap().value, 6 * rounds);
    assert_eq!(timed.over(Duration::MAX).unwrap().value, times.snapshot());
    assert_eq!(sum(&counted.timeline(Duration::MAX)), 6 * rounds);
}

#[test]
fn settings_that_cannot_be_kept_are_errors() {
    let build = || History::builder();
    let short = Duration::from_micros(999);
    assert!(matches!(
        build().period(short).build(),
        Err(HistoryError::PeriodTooShort { period, .. }) if period == short
    ));
    for longest in [
        Duration::ZERO,
        2 * SECOND - Duration::from_nanos(1),
        3_661 * DAY,
        Duration::MAX,
    ] {
        assert!(matches!(
            build().longest(longest).build(),
            Err(HistoryError::LongestOutOfRange { longest: told, .. }) if told == longest
        ));
    }
    for error in [0.0, 0.0049, 0.251, -1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(
            build().error(error).build(),
            Err(HistoryError::ErrorOutOfRange { .. })
        ));
    }
    let history = build()
        .period(MINUTE)
        .longest(2 * MINUTE)
        .error(0.25)
        .build()
        .unwrap();
    assert_eq!((history.period(), history.longest()), (MINUTE, 2 * MINUTE));
    let history = build().longest(3_660 * DAY).error(0.005).build().unwrap();
    assert!(history.track(&Counter::new()).bytes() < 200_000);
}

fn sum(parts: &[Over<u64>]) -> u64 {
    parts.iter().map(|part| part.value).sum()
}

#[derive(Clone, Debug)]
enum Step {
    Add(u64),
    Advance(Duration),
    Sample,
    Ask(Duration),
}

fn step() -> impl Strategy<Value = Step> {
    let jump = prop_oneof![
        10 => Just(SECOND),
        2 => (1_u64..3_000_000_000).prop_map(Duration::from_nanos),
        2 => (1_u64..300).prop_map(Duration::from_secs),
        1 => (1_u64..100_000).prop_map(Duration::from_secs),
        1 => (1_u64..50).prop_map(|days| DAY * days as u32),
    ];
    let length = prop_oneof![
        (0_u64..30).prop_map(Duration::from_secs),
        (1_u64..30 * 86_400).prop_map(Duration::from_secs),
        Just(30 * DAY),
        Just(Duration::MAX),
    ];
    prop_oneof![
        3 => (0_u64..1_000).prop_map(Step::Add),
        4 => jump.prop_map(Step::Advance),
        6 => Just(Step::Sample),
        1 => length.prop_map(Step::Ask),
    ]
}

/// A quarter of the usual cases, each of which is long.
fn config() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig {
        failure_persistence: None,
        cases: usual.cases.div_ceil(4),
        ..usual
    }
}

proptest! {
    #![proptest_config(config())]

    /// Against a past that keeps every sample.
    #[test]
    fn windows_agree_with_a_past_that_forgets_nothing(steps in proptest::collection::vec(step(), 0..400)) {
        let (history, hand) = history(SECOND);
        let events = Counter::new();
        let times = Histogram::new(Layout::new(1, 2_000, 0.05).unwrap());
        let (counted, timed) = (history.track(&events), history.track(&times));
        let mut past = Past::new(SECOND, 30 * DAY, 0.05);
        for step in steps {
            match step {
                Step::Add(n) => {
                    events.add(n);
                    times.record(n);
                    past.add(n);
                }
                Step::Advance(by) => {
                    hand.advance(by);
                    past.advance(by);
                }
                Step::Sample => {
                    history.sample();
                    past.sample(SECOND / 2);
                }
                Step::Ask(length) => {
                    let (over, recorded) = (counted.over(length), timed.over(length));
                    past.sample(SECOND);
                    past.check(length, over);
                    prop_assert_eq!(
                        over.map(|over| over.elapsed),
                        recorded.as_ref().map(|over| over.elapsed)
                    );
                    prop_assert_eq!(
                        over.map_or(0, |over| u128::from(over.value)),
                        recorded.map_or(0, |over| over.value.sum())
                    );
                    let timeline = counted.timeline(length);
                    prop_assert_eq!(sum(&timeline), over.map_or(0, |over| over.value));
                    prop_assert_eq!(
                        timeline.iter().map(|part| part.elapsed).sum::<Duration>(),
                        over.map_or(Duration::ZERO, |over| over.elapsed)
                    );
                }
            }
            prop_assert!(counted.bytes() <= counted.bytes_at_most());
            prop_assert!(timed.bytes() <= timed.bytes_at_most());
        }
    }
}
