//! The thread that samples does so by itself and at a word, outlives what panics, and ends with its handle.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use crm_clock::Clock;
use crm_monitor::{Counter, History, Sampler, Tracked};
use parking_lot::Mutex;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_test_drives_it_through_a_week_without_waiting() {
    let (clock, hand) = Clock::manual();
    let history = History::builder()
        .clock(clock)
        .period(60 * SECOND)
        .build()
        .unwrap();
    let sampler = Sampler::spawn(&history).unwrap();
    let events = Counter::new();
    let tracked = history.track(&events);
    for _ in 0..7 * 24 {
        events.add(2);
        hand.advance(3_600 * SECOND);
        sampler.sample_now();
        assert_eq!(tracked.over(3_600 * SECOND).unwrap().age, Duration::ZERO);
    }
    let week = tracked.over(7 * 24 * 3_600 * SECOND).unwrap();
    assert_eq!(week.value, 336);
    let intervals = tracked.timeline(Duration::MAX);
    assert!(
        intervals.len() > 40,
        "the thread took no samples: {}",
        intervals.len()
    );
}

#[test]
fn it_samples_once_a_period_by_itself() {
    let history = History::builder()
        .period(Duration::from_millis(1))
        .build()
        .unwrap();
    let (sender, receiver) = mpsc::channel();
    let sender = Mutex::new(sender);
    let tracked = history.track_with(move || {
        let _ = sender.lock().send(());
        0
    });
    let _sampler = Sampler::spawn(&history).unwrap();
    // The first is that of the beginning.
    for _ in 0..4 {
        receiver.recv().unwrap();
    }
    drop(tracked);
}

#[test]
fn it_ends_with_its_handle() {
    let (clock, _hand) = Clock::manual();
    let history = History::builder()
        .clock(clock)
        .period(3_600 * SECOND)
        .build()
        .unwrap();
    let held = Arc::new(());
    let theirs = Arc::clone(&held);
    let tracked = history.track_with(move || Arc::strong_count(&theirs) as u64);
    let sampler = Sampler::spawn(&history).unwrap();
    sampler.sample_now();
    let debug = format!("{sampler:?}");
    assert!(debug.contains("rounds_asked_for: 1"), "{debug}");
    drop(sampler); // within the hour that it would wait
    drop((history, tracked));
    assert_eq!(Arc::strong_count(&held), 1);
}

/// Whoever drops the handle waits for the sample that is being taken.
#[test]
fn it_is_gone_when_its_handle_is() {
    let history = History::builder()
        .period(Duration::from_millis(1))
        .build()
        .unwrap();
    let (inside, entered) = mpsc::channel();
    let left = Arc::new(AtomicU64::new(0));
    let theirs = (Mutex::new(inside), Arc::clone(&left));
    let first = AtomicU64::new(0);
    let tracked = history.track_with(move || {
        if first.fetch_add(1, Ordering::Relaxed) == 1 {
            theirs.0.lock().send(()).unwrap();
            (0..2_000).for_each(|_| std::thread::yield_now());
            theirs.1.store(1, Ordering::Relaxed);
        }
        0
    });
    let sampler = Sampler::spawn(&history).unwrap();
    entered.recv().unwrap();
    drop(sampler);
    assert_eq!(left.load(Ordering::Relaxed), 1);
    drop(tracked);
}

#[test]
fn it_goes_on_where_a_function_panics() {
    let (clock, hand) = Clock::manual();
    let history = History::builder().clock(clock).build().unwrap();
    let calls = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&calls);
    let failing = history.track_with(move || {
        let call = counted.fetch_add(1, Ordering::Relaxed);
        assert!(call == 0 || call > 2, "not yet");
        call
    });
    let events = Counter::new();
    let tracked = history.track(&events);
    let sampler = Sampler::spawn(&history).unwrap();
    for _ in 0..3 {
        events.increment();
        hand.advance(SECOND);
        sampler.sample_now();
    }
    assert_eq!(calls.load(Ordering::Relaxed), 4);
    // The one beside it missed nothing, and it went on itself once it could be read.
    assert_eq!(tracked.timeline(Duration::MAX).len(), 3);
    let over = failing.over(SECOND).unwrap();
    assert_eq!((over.value, over.elapsed), (3, 3 * SECOND));
}

#[test]
fn it_goes_on_where_what_it_was_the_last_to_hold_panics() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("in the drop of a function");
        }
    }

    let (clock, hand) = Clock::manual();
    let history = History::builder().clock(clock).build().unwrap();
    let own: Arc<Mutex<Option<Tracked<u64>>>> = Arc::default();
    let (theirs, bomb) = (Arc::clone(&own), Bomb);
    let given_up = history.track_with(move || {
        let _ = &bomb;
        drop(theirs.lock().take());
        1
    });
    *own.lock() = Some(given_up);
    let events = Counter::new();
    let tracked = history.track(&events);
    let sampler = Sampler::spawn(&history).unwrap();
    for _ in 0..2 {
        events.increment();
        hand.advance(SECOND);
        sampler.sample_now();
    }
    assert_eq!(tracked.timeline(Duration::MAX).len(), 2);
}

/// What a panic carries may panic itself when it is dropped, and that is the end of the thread.
#[test]
fn nobody_waits_for_a_thread_that_has_ended() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("in the drop of a panic");
        }
    }

    let (clock, hand) = Clock::manual();
    let history = History::builder().clock(clock).build().unwrap();
    let first = AtomicU64::new(0);
    let failing = history.track_with(move || {
        if first.fetch_add(1, Ordering::Relaxed) == 1 {
            std::panic::panic_any(Bomb);
        }
        1
    });
    let sampler = Sampler::spawn(&history).unwrap();
    hand.advance(SECOND);
    sampler.sample_now();
    sampler.sample_now();
    drop(sampler);
    // Whoever asks still gets an answer.
    assert_eq!(failing.over(SECOND).unwrap().value, 0);
}

#[test]
fn its_handle_may_be_dropped_by_what_it_calls() {
    let history = History::builder()
        .period(Duration::from_millis(1))
        .build()
        .unwrap();
    let own: Arc<Mutex<Option<Sampler>>> = Arc::default();
    let (sender, receiver) = mpsc::channel();
    let theirs = (Arc::clone(&own), Mutex::new(sender));
    let tracked = history.track_with(move || {
        let sampler = theirs.0.lock().take();
        if let Some(sampler) = sampler {
            sampler.sample_now(); // it is doing so
            drop(sampler);
            theirs.1.lock().send(()).unwrap();
        }
        7
    });
    *own.lock() = Some(Sampler::spawn(&history).unwrap());
    receiver.recv().unwrap();
    drop(tracked);
}
