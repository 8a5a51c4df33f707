//! The past of an instrument takes the memory that is stated for it, whatever is recorded.

use std::time::Duration;

use crm_clock::Clock;
use crm_monitor::{Counter, Histogram, History, Layout};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn a_counter_takes_five_kilobytes_and_a_pair_eight() {
    let history = History::new();
    let counter = history.track(&Counter::new());
    let pair = history.track_events(&Counter::new(), &Counter::new());
    assert!(counter.bytes() < 5_120, "{}", counter.bytes());
    assert!(pair.bytes() < 8_192, "{}", pair.bytes());
    // All of it is taken at the beginning.
    assert_eq!(counter.bytes(), counter.bytes_at_most());
    assert_eq!(pair.bytes(), pair.bytes_at_most());
}

#[test]
fn a_month_of_ordinary_response_times_takes_a_fifth_of_a_megabyte() {
    let (clock, hand) = Clock::manual();
    let history = History::builder().clock(clock).build().unwrap();
    let times = Histogram::new(Layout::response_times());
    let tracked = history.track(&times);
    let mut random = fastrand::Rng::with_seed(9);
    let mut pass = |steps: u32, each: Duration, values: u32| {
        for _ in 0..steps {
            for _ in 0..values {
                let normal = (0..12).map(|_| random.f64()).sum::<f64>() - 6.0;
                times.record((5e6 * normal.exp()) as u64);
            }
            hand.advance(each);
            history.sample();
        }
    };
    // As many values as it takes to fill the buckets; seconds where windows are short.
    pass(31 * 24, 60 * MINUTE, 500);
    pass(360, MINUTE, 400);
    pass(600, SECOND, 300);
    assert!(tracked.bytes() < 200_000, "{}", tracked.bytes());
    assert!(tracked.timeline(Duration::MAX).len() > 150);
    let at_most = tracked.bytes_at_most();
    assert!((500_000..560_000).contains(&at_most), "{at_most}");
}

#[test]
fn the_last_reading_of_a_histogram_is_counted_and_what_is_forgotten_is_not() {
    let (clock, hand) = Clock::manual();
    let history = History::builder().clock(clock).build().unwrap();
    let layout = Layout::response_times();
    let times = Histogram::new(layout);
    let empty = history.track(&times).bytes();
    for place in 0..layout.len() {
        times.record(*layout.bounds(place).start());
    }
    let tracked = history.track(&times);
    assert_eq!(tracked.bytes(), empty + layout.len() * 8);

    times.record(5_000_000);
    hand.advance(SECOND);
    history.sample();
    let change = tracked.bytes() - empty - layout.len() * 8;
    assert!((5..16).contains(&change), "{change} bytes");
    // What happens in the second month is all that is left.
    for _ in 0..3 {
        hand.advance(31 * 1_440 * MINUTE);
        history.sample();
    }
    assert_eq!(tracked.timeline(Duration::MAX).len(), 1);
    assert_eq!(tracked.bytes(), empty + layout.len() * 8 + 3);
}

#[test]
fn without_a_bound_there_is_no_most() {
    let unbounded = History::builder().histogram_bytes(usize::MAX).build();
    let times = Histogram::new(Layout::response_times());
    let tracked = unbounded.unwrap().track(&times);
    assert_eq!(tracked.bytes_at_most(), usize::MAX);
}

/// Every bucket at every sample, with counts that grow: the most that there can be to keep.
#[test]
fn what_gives_way_to_too_much_is_the_length_of_windows_alone() {
    for budget in [0, 8_000, 1_000_000] {
        let (clock, hand) = Clock::manual();
        let history = History::builder()
            .clock(clock)
            .histogram_bytes(budget)
            .build()
            .unwrap();
        let layout = Layout::new(1, 4_000, 0.02).unwrap();
        let values: Vec<u64> = (0..layout.len())
            .map(|place| *layout.bounds(place).start())
            .collect();
        let times = Histogram::new(layout);
        let tracked = history.track(&times);
        for step in 0..702 {
            for _ in 0..1 + step % 3 {
                values.iter().for_each(|value| times.record(*value));
            }
            hand.advance(MINUTE);
            history.sample();
            let (bytes, at_most) = (tracked.bytes(), tracked.bytes_at_most());
            assert!(bytes <= at_most, "step {step}: {bytes} of {at_most}");
        }
        let whole = tracked.over(Duration::MAX).unwrap();
        assert_eq!(
            (&whole.value, whole.elapsed),
            (&times.snapshot(), 702 * MINUTE)
        );
        let minute = tracked.over(MINUTE).unwrap();
        assert_eq!(minute.elapsed, MINUTE);
        assert_eq!(minute.value.count(), values.len() as u64 * 3);
        // How far windows of ten minutes to ten hours are from their length at worst.
        let worst = (10..600)
            .map(|minutes| {
                let asked = minutes * MINUTE;
                let over = tracked.over(asked).unwrap();
                over.elapsed.abs_diff(asked).as_secs_f64() / asked.as_secs_f64()
            })
            .fold(0.0, f64::max);
        match budget {
            0 => assert_eq!(tracked.timeline(Duration::MAX).len(), 2),
            8_000 => {
                assert!(worst > 0.05 && worst < 0.25, "{worst}");
            }
            _ => assert!(worst <= 0.05, "{worst}"),
        }
    }
}
