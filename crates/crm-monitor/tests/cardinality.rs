//! Many threads at the bounds of a family: as many series as allowed and no more, nothing counted twice, nothing lost.

use std::collections::HashSet;
use std::sync::Barrier;
use std::thread;

use crm_monitor::{Counter, Family, Monitor, Reading, Value};

const THREADS: usize = 8;

fn family(monitor: &Monitor, limit: usize) -> Family<Counter, 1> {
    monitor
        .counters("logins", ["user"])
        .limit(limit)
        .register()
        .unwrap()
}

/// The sum over all series of the family, and how many there are.
fn sum(reading: &Reading) -> (u64, usize) {
    let Some(family) = reading.family("logins") else {
        return (0, 0);
    };
    let values = family.series.iter().map(|series| match series.value {
        Value::Counter(value) => value,
        ref other => panic!("{other:?}"),
    });
    (values.sum(), family.series.len())
}

/// What a reading must be, whatever happens meanwhile.
fn check(reading: &Reading, limit: usize) {
    let Some(family) = reading.family("logins") else {
        return;
    };
    let overflow = usize::from(
        family
            .series
            .last()
            .is_some_and(|last| last.labels.get("overflow").is_some()),
    );
    let normal = &family.series[..family.series.len() - overflow];
    assert!(normal.len() <= limit, "{} of {limit}", normal.len());
    assert!(
        normal.is_sorted_by(|one, other| one.labels < other.labels),
        "each once, in order"
    );
    assert!(normal.iter().all(|series| series.created <= reading.taken));
}

/// Runs a body on each of some threads, all at once, while another thread reads until they are done.
fn together(monitor: &Monitor, limit: usize, body: impl Fn(usize) + Sync) {
    let start = Barrier::new(THREADS + 1);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..THREADS)
            .map(|index| {
                let (start, body) = (&start, &body);
                scope.spawn(move || {
                    start.wait();
                    body(index);
                })
            })
            .collect();
        start.wait();
        while !workers.iter().all(thread::ScopedJoinHandle::is_finished) {
            check(&monitor.read(), limit);
        }
    });
}

#[test]
fn threads_that_look_up_the_same_values_share_their_series() {
    const USERS: usize = 50;
    for _ in 0..20 {
        let monitor = Monitor::new();
        // Just room enough: whoever finds the family full must find the series there.
        let logins = family(&monitor, USERS);
        together(&monitor, USERS, |_| {
            for user in 0..USERS {
                logins.with([&user.to_string()]).increment();
            }
        });
        let all = (THREADS * USERS) as u64;
        assert_eq!(sum(&monitor.read()), (all, USERS));
        assert_eq!((logins.len(), logins.overflowed()), (USERS, 0));
        for user in 0..USERS {
            assert_eq!(
                logins.get([&user.to_string()]).unwrap().value(),
                THREADS as u64
            );
        }
    }
}

#[test]
fn the_limit_is_reached_and_never_passed() {
    const LIMIT: usize = 40;
    for round in 0..10 {
        let monitor = Monitor::builder().series_limit(LIMIT + 1).build().unwrap();
        // By the family's own limit, and by that of the monitor.
        let logins = family(&monitor, if round % 2 == 0 { LIMIT } else { 1000 });
        together(&monitor, LIMIT, |index| {
            for user in 0..200 {
                // Each thread in another order.
                let user = (user * 7 + index * 29) % 200;
                logins.with([&user.to_string()]).increment();
            }
        });
        let reading = monitor.read();
        assert_eq!(sum(&reading), ((THREADS * 200) as u64, LIMIT + 1));
        assert_eq!((logins.len(), monitor.series()), (LIMIT, LIMIT + 1));
        let others = reading
            .family("logins")
            .unwrap()
            .value(&[("user", "other"), ("overflow", "true")]);
        assert!(matches!(others, Some(Value::Counter(value)) if *value == logins.overflowed()));
    }
}

#[test]
fn removals_and_lookups_lose_no_room_and_no_count() {
    const LIMIT: usize = 20;
    for _ in 0..5 {
        let monitor = Monitor::new();
        let logins = family(&monitor, LIMIT);
        let removed = parking_lot::Mutex::new(Vec::new());
        together(&monitor, LIMIT, |index| {
            for step in 0..500 {
                let user = ((step * 13 + index * 5) % 30).to_string();
                if (step + index) % 5 == 0 {
                    removed.lock().extend(logins.remove([&user]));
                } else {
                    logins.with([&user]).increment();
                }
            }
        });
        let counted = (THREADS * 400) as u64;
        let (living, series) = sum(&monitor.read());
        let gone: u64 = removed.lock().iter().map(Counter::value).sum();
        assert_eq!(living + gone, counted);
        let overflow = usize::from(logins.overflowed() > 0);
        assert_eq!(
            (logins.len() + overflow, monitor.series()),
            (series, logins.len() + 1)
        );
        // The room is all there: as many as allowed still fit, and not one more.
        for user in 0..30 {
            _ = logins.remove([&user.to_string()]);
        }
        assert!(logins.is_empty());
        let before = logins.overflowed();
        for user in 0..=LIMIT {
            logins.with([&user.to_string()]).increment();
        }
        assert_eq!((logins.len(), logins.overflowed()), (LIMIT, before + 1));
    }
}

#[test]
fn registrations_race_for_one_name_and_one_wins() {
    for _ in 0..50 {
        let monitor = Monitor::builder().series_limit(3).build().unwrap();
        let winners = parking_lot::Mutex::new(Vec::new());
        together(&monitor, 0, |index| {
            let family = index % 2 == 0;
            let won = if family {
                monitor.counters("races", ["by"]).register().is_ok()
            } else {
                monitor.counter("races").register().is_ok()
            };
            if won {
                winners.lock().push(index);
            }
            _ = monitor.counter(["a", "b", "c"][index % 3]).register();
        });
        assert_eq!(winners.lock().len(), 1);
        assert_eq!(monitor.series(), 3);
        let reading = monitor.read();
        let names: HashSet<&str> = reading
            .families
            .iter()
            .map(|family| &*family.name)
            .collect();
        assert_eq!(names.len(), reading.families.len());
    }
}

#[test]
fn a_family_and_its_monitor_part_while_it_grows() {
    for _ in 0..50 {
        let monitor = Monitor::new();
        let logins = family(&monitor, 100);
        together(&monitor, 100, |index| {
            if index == 0 {
                assert!(monitor.remove("logins"));
                family(&monitor, 100).with(["new"]).increment();
            }
            for user in 0..20 {
                let user = format!("{index}-{user}");
                logins.with([&user]).increment();
                if index % 2 == 0 {
                    _ = logins.remove([&user]);
                }
            }
        });
        assert_eq!(sum(&monitor.read()), (1, 1));
        assert_eq!(monitor.series(), 2);
    }
}

/// What happened before a reading began is in it, by whichever thread the series was made.
#[test]
fn a_reading_holds_all_that_came_before_it() {
    for _ in 0..20 {
        let monitor = Monitor::new();
        let logins = family(&monitor, 1000);
        let start = Barrier::new(2);
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    start.wait();
                    for user in 0..100 {
                        let user = user.to_string();
                        logins.with([&user]).increment();
                        let reading = monitor.read();
                        let mine = reading.family("logins").unwrap().value(&[("user", &user)]);
                        assert!(matches!(mine, Some(Value::Counter(1 | 2))), "{mine:?}");
                    }
                });
            }
        });
    }
}
