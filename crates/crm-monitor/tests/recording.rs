//! Nothing that is recorded is lost: by any thread, of any value, at any time of a thread's life.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crm_clock::Clock;
use crm_monitor::{Counter, Histogram, InFlight, Layout};

/// More threads than any instrument has cells for.
const MANY: usize = 80;

#[test]
fn counts_by_many_threads_at_once_add_up() {
    let (counter, barrier) = (Counter::new(), Barrier::new(MANY));
    thread::scope(|scope| {
        for _ in 0..MANY {
            scope.spawn(|| {
                barrier.wait(); // all are alive together
                for _ in 0..1_000 {
                    counter.increment();
                }
                counter.add(5);
                barrier.wait();
            });
        }
    });
    assert_eq!(counter.value(), MANY as u64 * 1_005);
}

#[test]
fn values_by_many_threads_at_once_add_up() {
    let (times, barrier) = (Histogram::new(Layout::response_times()), Barrier::new(MANY));
    thread::scope(|scope| {
        for thread in 0..MANY as u64 {
            let (times, barrier) = (&times, &barrier);
            scope.spawn(move || {
                barrier.wait();
                for value in 0..500 {
                    times.record(thread * 1_000_000 + value);
                }
                times.record_failure(7);
                barrier.wait();
            });
        }
    });
    let figures = times.snapshot();
    let sum: u128 = (0..MANY as u128)
        .flat_map(|thread| (0..500).map(move |value| thread * 1_000_000 + value))
        .sum();
    assert_eq!(figures.count(), MANY as u64 * 501);
    assert_eq!(figures.failures(), MANY as u64);
    assert_eq!(figures.sum(), sum + MANY as u128 * 7);
}

#[test]
fn a_thread_that_follows_another_counts_on() {
    let counter = Counter::new();
    for _ in 0..200 {
        thread::scope(|scope| {
            scope.spawn(|| counter.add(3));
        });
    }
    assert_eq!(counter.value(), 600);
}

/// Records when its thread has nearly ended, after whatever else the thread gives back.
struct Late(Counter, Histogram);

impl Drop for Late {
    fn drop(&mut self) {
        self.0.increment();
        self.1.record(9);
    }
}

thread_local! {
    static LATE: RefCell<Option<Late>> = const { RefCell::new(None) };
}

#[test]
fn what_a_destructor_records_at_the_end_of_its_thread_counts() {
    let (counter, times) = (Counter::new(), Histogram::new(Layout::response_times()));
    for early in [false, true] {
        thread::scope(|scope| {
            let thread = scope.spawn(|| {
                // Before or after the thread is known to the instruments, so that its number is given back after or before.
                if early {
                    counter.increment();
                    times.record(1);
                }
                LATE.set(Some(Late(counter.clone(), times.clone())));
                if !early {
                    counter.increment();
                    times.record(1);
                }
            });
            // The end of a scope waits for what its threads do, not for the destructors of what they leave.
            thread.join().unwrap();
        });
    }
    assert_eq!(counter.value(), 4);
    assert_eq!((times.snapshot().count(), times.snapshot().sum()), (4, 20));
}

/// Values at which something changes: bounds of buckets, of the range, of what a word takes.
fn corners() -> Vec<u64> {
    let mut corners: Vec<u64> = (0..64)
        .flat_map(|exponent| {
            let power = 1_u64 << exponent;
            [power - 1, power, power + 1, power | (power >> 1)]
        })
        .collect();
    corners.extend([u64::MAX, u64::MAX - 1]);
    corners
}

#[test]
fn any_value_is_counted_with_its_sum() {
    for layout in [
        Layout::response_times(),
        Layout::new(1, u64::MAX, 0.01).unwrap(),
        Layout::new(1, 2, 0.25).unwrap(),
        Layout::new(1_000, 1 << 50, 0.001).unwrap(),
    ] {
        let values = Histogram::new(layout);
        let mut sum = 0;
        for value in corners() {
            // Often enough that each kind of word runs over.
            for _ in 0..600 {
                values.record(value);
                sum += u128::from(value);
            }
        }
        let figures = values.snapshot();
        assert_eq!(figures.count(), corners().len() as u64 * 600, "{layout:?}");
        assert_eq!(figures.sum(), sum, "{layout:?}");
        let counted: u64 = figures.buckets().map(|bucket| bucket.count).sum();
        assert_eq!(counted, figures.count());
        for value in corners() {
            assert!(layout.bounds(layout.index(value)).contains(&value));
        }
    }
}

#[test]
fn words_that_run_over_on_a_shared_stripe_lose_nothing() {
    let (values, barrier) = (Histogram::new(Layout::response_times()), Barrier::new(MANY));
    let wide = (1_u64 << 47) - 1; // a word takes a few hundred of them
    thread::scope(|scope| {
        for _ in 0..MANY {
            scope.spawn(|| {
                barrier.wait();
                for _ in 0..2_000 {
                    values.record(wide);
                }
                barrier.wait();
            });
        }
    });
    let count = MANY as u64 * 2_000;
    let figures = values.snapshot();
    assert_eq!(figures.count(), count);
    assert_eq!(figures.sum(), u128::from(count) * u128::from(wide));
}

/// Ends the loops that look at the flag.
struct Stopping<'a>(&'a AtomicBool);

impl Drop for Stopping<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_snapshot_beside_writers_is_of_whole_values_and_never_goes_back() {
    // In each bucket all values are the same, so that its count says what the sum has to be.
    let values = Histogram::new(Layout::response_times());
    let recorded = [1_500, 2_000_000, 7_000_000_000, (1 << 47) - 1, u64::MAX];
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        // Whether the assertions hold or not: a scope waits for its threads.
        let stopping = Stopping(&stop);
        let writers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut rounds = 0_u64;
                    while !stop.load(Ordering::Relaxed) {
                        for value in recorded {
                            values.record(value);
                        }
                        rounds += 1;
                    }
                    rounds
                })
            })
            .collect();
        let mut last = values.snapshot();
        for _ in 0..300 {
            let now = values.snapshot();
            let grown = now.since(&last).unwrap();
            assert_eq!(grown.count(), now.count() - last.count(), "a bucket shrank");
            let overflow =
                now.count_at_most(u64::MAX) - now.count_at_most(values.layout().highest());
            let near: u128 = now
                .buckets()
                .filter_map(|bucket| {
                    let value = recorded.iter().find(|value| bucket.range.contains(value))?;
                    (*bucket.range.end() < u64::MAX)
                        .then(|| u128::from(bucket.count) * u128::from(*value))
                })
                .sum();
            // The overflow holds two values; its sum is that of so many of the one and the rest of the other.
            let rest = now.sum() - near;
            let (small, large) = (u128::from(recorded[3]), u128::from(recorded[4]));
            let larges = (rest - u128::from(overflow) * small) / (large - small);
            assert_eq!((rest - u128::from(overflow) * small) % (large - small), 0);
            assert!(larges <= u128::from(overflow));
            last = now;
        }
        drop(stopping);
        let rounds: u64 = writers
            .into_iter()
            .map(|writer| writer.join().unwrap())
            .sum();
        assert_eq!(values.snapshot().count(), rounds * recorded.len() as u64);
    });
}

#[test]
fn timers_record_what_ends_and_what_does_not() {
    let (clock, hand) = Clock::manual();
    let times = Histogram::with_clock(Layout::response_times(), clock);
    let millisecond = Duration::from_millis(1);

    let stopped = times.start();
    hand.advance(millisecond);
    assert_eq!(stopped.elapsed(), millisecond);
    assert_eq!(stopped.stop(), millisecond);
    assert_eq!(
        (times.snapshot().count(), times.snapshot().failures()),
        (1, 0)
    );

    let failed = times.start_owned();
    hand.advance(millisecond * 2);
    assert_eq!(failed.fail(), millisecond * 2);
    assert_eq!(
        (times.snapshot().count(), times.snapshot().failures()),
        (2, 1)
    );

    let dropped = times.start();
    hand.advance(millisecond * 4);
    drop(dropped);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _timer = times.start();
        hand.advance(millisecond * 8);
        panic!("a handler that panics");
    }));
    assert!(panicked.is_err());
    let figures = times.snapshot();
    assert_eq!((figures.count(), figures.failures()), (4, 3));
    assert_eq!(figures.sum(), 15_000_000);

    times.start().cancel();
    assert_eq!(times.snapshot().count(), 4);
}

#[test]
fn who_enters_on_one_thread_may_leave_on_another() {
    let requests = InFlight::new();
    let inside = requests.enter_owned();
    let borrowed = requests.enter();
    assert_eq!(requests.value(), 2);
    thread::spawn(move || drop(inside)).join().unwrap();
    assert_eq!(requests.value(), 1);
    drop(borrowed);
    assert_eq!(requests.value(), 0);
}

#[test]
fn a_count_wraps_around_at_its_end() {
    let counter = Counter::new();
    counter.add(u64::MAX);
    counter.add(2);
    assert_eq!(counter.value(), 1);
}
