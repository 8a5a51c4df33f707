//! Figures that functions tell: present when they have a value, and harmless when they fail.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use crm_monitor::{Counter, Family, Monitor, Reading, RegisterError, Value};

fn gauge(reading: &Reading, name: &str) -> Option<f64> {
    match reading.family(name)?.value(&[]) {
        Some(Value::ObservedGauge(value)) => Some(*value),
        other => panic!("{name}: {other:?}"),
    }
}

fn failed(reading: &Reading) -> u64 {
    match reading
        .family("crm_monitor_failed_observations")
        .unwrap()
        .value(&[])
    {
        Some(Value::Counter(failed)) => *failed,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_function_is_asked_once_a_reading() {
    let monitor = Monitor::new();
    assert!(monitor.read().families.is_empty());
    let asked = Arc::new(AtomicU64::new(0));
    let asks = Arc::clone(&asked);
    monitor
        .observe_gauge("queue_fill_ratio")
        .register(move || asks.fetch_add(1, Ordering::Relaxed) as f64 / 4.0)
        .unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    assert_eq!(gauge(&monitor.read(), "queue_fill_ratio"), Some(0.0));
    assert_eq!(gauge(&monitor.read(), "queue_fill_ratio"), Some(0.25));
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

#[test]
fn what_has_no_value_is_absent() {
    let monitor = Monitor::new();
    monitor.observe_gauge("nothing").register(|| None).unwrap();
    monitor
        .observe_counter("none_yet")
        .register(|| None)
        .unwrap();
    monitor
        .observe_gauge("something")
        .register(|| Some(1.5))
        .unwrap();
    monitor
        .observe_gauge("no_number")
        .register(|| f64::NAN)
        .unwrap();
    let reading = monitor.read();
    assert!(reading.family("nothing").is_none() && reading.family("none_yet").is_none());
    assert_eq!(gauge(&reading, "something"), Some(1.5));
    assert!(gauge(&reading, "no_number").unwrap().is_nan()); // a gauge may be so
    assert_eq!(failed(&reading), 0);
}

#[test]
fn a_function_that_fails_is_absent_and_counted_and_spoils_nothing() {
    let monitor = Monitor::new();
    let turn = Arc::new(AtomicU64::new(0));
    let turns = Arc::clone(&turn);
    monitor
        .observe_counter("bytes_sent")
        .register(move || match turns.fetch_add(1, Ordering::Relaxed) {
            0 => -1.0,
            1 => f64::NAN,
            2 => f64::INFINITY,
            // Without a message on the test's output.
            3 => std::panic::resume_unwind(Box::new("the source is gone")),
            _ => 4.5,
        })
        .unwrap();
    monitor.counter("logins").register().unwrap().increment();
    for failures in 1..=4 {
        let reading = monitor.read();
        assert!(reading.family("bytes_sent").is_none());
        assert!(matches!(
            reading.family("logins").unwrap().value(&[]),
            Some(Value::Counter(1))
        ));
        // The count stands behind the functions in a reading.
        assert_eq!(failed(&reading), failures);
    }
    let reading = monitor.read();
    let sent = reading.family("bytes_sent").unwrap().value(&[]);
    assert!(matches!(sent, Some(Value::ObservedCounter(value)) if *value == 4.5));
    assert_eq!(failed(&reading), 4);
}

/// Whatever a function does with the monitor, no lock is held while it runs, and none when it is dropped.
#[test]
fn a_function_may_use_the_monitor_itself() {
    struct UsesWhenDropped(Monitor);
    impl Drop for UsesWhenDropped {
        fn drop(&mut self) {
            self.0.gauge("afterwards").register().unwrap();
            assert!(!self.0.read().families.is_empty());
        }
    }

    let monitor = Monitor::new();
    let by_route = monitor.counters("by_route", ["route"]).register().unwrap();
    let inside = monitor.clone();
    let turn = AtomicU64::new(0);
    monitor
        .observe_gauge("inquisitive")
        .register(move || {
            let turn = turn.fetch_add(1, Ordering::Relaxed);
            if turn == 0 {
                by_route.with(["/new"]).increment();
                inside.counter("registered_inside").register().unwrap();
                assert!(inside.read().family("by_route").is_some());
                assert!(by_route.remove(["/new"]).is_some());
                assert!(inside.remove("registered_inside"));
            }
            turn as f64
        })
        .unwrap();
    assert_eq!(gauge(&monitor.read(), "inquisitive"), Some(0.0));

    let guard = UsesWhenDropped(monitor.clone());
    let told = move || {
        let _ = &guard;
        1.0
    };
    monitor.observe_gauge("guarded").register(told).unwrap();
    assert!(monitor.remove_series("guarded", &[]));
    assert!(monitor.remove("afterwards"));
    let guard = UsesWhenDropped(monitor.clone());
    let told = move || {
        let _ = &guard;
        1.0
    };
    monitor.observe_gauge("guarded").register(told).unwrap();
    assert!(monitor.remove("guarded"));
    assert!(monitor.remove("afterwards"));
    // Refused, and dropped for that.
    let guard = UsesWhenDropped(monitor.clone());
    let told = move || {
        let _ = &guard;
        1.0
    };
    let refused = monitor
        .observe_gauge("inquisitive")
        .register(told)
        .unwrap_err();
    assert!(matches!(refused, RegisterError::Duplicate { .. }));
    assert!(monitor.remove("afterwards"));
}

/// A family in whose monitor the function that tells the date looks values up that were left for it. It is called between a
/// lookup and the insertion of what that makes, so that it comes as another thread would.
fn visited(limit: usize) -> (Family<Counter, 1>, impl Fn(&'static str)) {
    let family: Arc<OnceLock<Family<Counter, 1>>> = Arc::default();
    let visitor: Arc<Mutex<Option<&str>>> = Arc::default();
    let (visited, left) = (Arc::clone(&family), Arc::clone(&visitor));
    let monitor = Monitor::builder()
        .wall_clock(move || {
            let user = left.lock().unwrap().take();
            if let (Some(user), Some(family)) = (user, visited.get()) {
                family.with([user]).increment();
            }
            crm_clock::wall_time()
        })
        .build()
        .unwrap();
    let logins = monitor
        .counters("logins", ["user"])
        .limit(limit)
        .register()
        .unwrap();
    family.set(logins.clone()).unwrap();
    (logins, move |user| *visitor.lock().unwrap() = Some(user))
}

#[test]
fn whoever_makes_the_same_series_meanwhile_is_joined() {
    let (logins, meanwhile) = visited(1);
    meanwhile("a");
    logins.with(["a"]).increment();
    assert_eq!((logins.len(), logins.overflowed()), (1, 0));
    assert_eq!(logins.with(["a"]).value(), 2);
}

#[test]
fn whoever_takes_the_last_room_meanwhile_has_it() {
    let (logins, meanwhile) = visited(1);
    meanwhile("b");
    logins.with(["a"]).increment();
    assert_eq!((logins.len(), logins.overflowed()), (1, 1));
    assert!(logins.get(["b"]).is_some() && logins.get(["a"]).is_none());
}

#[test]
fn whoever_makes_the_overflow_series_meanwhile_shares_it() {
    let (logins, meanwhile) = visited(0);
    meanwhile("b");
    logins.with(["a"]).increment();
    assert_eq!((logins.overflowed(), logins.with(["c"]).value()), (2, 2));
}
