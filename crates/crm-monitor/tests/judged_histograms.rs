//! What a histogram recorded, judged: from its timers to a page, and to words for how satisfied users are.

use std::time::Duration;

use crm_clock::Clock;
use crm_monitor::judge::{Alerts, Apdex, BurnRules, Change, Events, Objective, Severity};
use crm_monitor::{Histogram, History, Layout};

const MILLISECOND: Duration = Duration::from_millis(1);

#[test]
fn failures_of_timers_are_the_bad_events() {
    let times = Histogram::new(Layout::response_times());
    for _ in 0..7 {
        times.start().stop();
    }
    times.start().fail();
    drop(times.start()); // given up
    assert_eq!(
        Events::from(&times.snapshot()),
        Events::with_bad(2, 9).unwrap()
    );
    assert_eq!(
        Events::from(&Histogram::new(Layout::response_times()).snapshot()),
        Events::default()
    );
}

#[test]
fn a_histogram_tells_its_apdex_and_what_was_soon_enough() {
    let times = Histogram::new(Layout::response_times());
    for (count, millis) in [(60, 100), (30, 900), (10, 3_000)] {
        for _ in 0..count {
            times.record_duration(millis * MILLISECOND);
        }
    }
    let seen = times.snapshot();
    let within = |time: Duration| seen.count_at_most(time.as_nanos() as u64);
    let apdex = Apdex::of(300 * MILLISECOND, seen.count(), within).unwrap();
    assert_eq!(apdex.to_string(), "0.75, fair");
    let soon = Events::new(within(1_000 * MILLISECOND), seen.count()).unwrap();
    assert_eq!(soon.error_ratio(), Some(0.1));
}

#[test]
fn an_outage_that_timers_see_pages_once_and_is_cleared_once() {
    let (clock, hand) = Clock::manual();
    let times = Histogram::with_clock(Layout::response_times(), clock.clone());
    let history = History::builder().clock(clock.clone()).build().unwrap();
    let tracked = history.track(&times);
    let month = Duration::from_secs(30 * 86_400);
    let rules = BurnRules::workbook(Objective::percent(99.9, month).unwrap()).unwrap();
    let mut alerts = Alerts::new();
    alerts
        .objective("answers", rules, move |window| tracked.over(window))
        .unwrap();

    // Five hours of twenty requests a minute; in the fourth, ten minutes of failures.
    let mut told = Vec::new();
    for minute in 0..300 {
        for _ in 0..20 {
            let timer = times.start();
            if (180..190).contains(&minute) {
                timer.fail()
            } else {
                timer.stop()
            };
        }
        hand.advance(Duration::from_secs(60));
        history.sample();
        told.extend(
            alerts
                .evaluate(clock.now())
                .into_iter()
                .map(|change| (minute, change)),
        );
    }
    let pages: Vec<_> = told
        .iter()
        .filter(|(_, change)| change.alert().severity() == Severity::Page)
        .collect();
    let [
        (raised, Change::Raised(_)),
        (cleared, Change::Cleared { .. }),
    ] = pages[..]
    else {
        panic!("{told:?}")
    };
    assert!((180..184).contains(raised), "{raised}");
    assert!((240..265).contains(cleared), "{cleared}");
    assert_eq!(told.len(), 3, "{told:?}"); // and the ticket, which stays
}

#[test]
fn a_failure_that_comes_soon_is_no_good_answer() {
    let limit = 300 * MILLISECOND;
    let times = Histogram::new(Layout::response_times());
    let mut random = fastrand::Rng::with_seed(17);
    let (mut good, mut late_failures, mut at_the_limit) = (0, 0, 0);
    assert_eq!(Events::within(&times.snapshot(), limit), Events::default());
    for total in 1..=2_000_u64 {
        let millis = random.u64(1..=600);
        let (soon, fails) = (millis <= 300, random.u32(..5) == 0);
        if fails {
            times.record_failure(millis * 1_000_000);
        } else {
            times.record(millis * 1_000_000);
        }
        good += u64::from(soon && !fails);
        late_failures += u64::from(!soon && fails);
        // A bucket is about a hundredth wide.
        at_the_limit += u64::from((297..=300).contains(&millis));
        let seen = Events::within(&times.snapshot(), limit);
        assert_eq!(seen.total(), total);
        // Never too good, and too bad by no more than is promised.
        assert!(seen.good() <= good, "{seen:?}, {good}");
        assert!(
            seen.good() + late_failures + at_the_limit >= good,
            "{seen:?}, {good}"
        );
    }
    assert!(late_failures > 100);
    // What fails late only: the failures alone are more than what was soon.
    let late = Histogram::new(Layout::response_times());
    for _ in 0..3 {
        late.record_failure(2_000_000_000);
    }
    late.record(1);
    let seen = Events::within(&late.snapshot(), limit);
    assert_eq!((seen.good(), seen.total()), (0, 4));
    // A limit beyond all nanoseconds is none.
    let all = Events::within(&late.snapshot(), Duration::MAX);
    assert_eq!(all, Events::from(&late.snapshot()));
}
