//! From counters to an alert: a month at a service whose windows an objective is judged by.

use std::time::Duration;

use crm_clock::Clock;
use crm_monitor::judge::{Alerts, BurnRules, Change, Events, Objective, Severity};
use crm_monitor::{Counter, Histogram, History, Layout};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

#[test]
fn an_outage_within_a_quiet_month_raises_its_alerts_and_clears_them() {
    let (clock, hand) = Clock::manual();
    let history = History::builder()
        .clock(clock.clone())
        .period(MINUTE)
        .build()
        .unwrap();
    let (good, total) = (Counter::new(), Counter::new());
    let tracked = history.track_events(&good, &total);
    let mut alerts = Alerts::new();
    let rules = BurnRules::workbook(Objective::percent(99.9, 30 * DAY).unwrap()).unwrap();
    let windows = tracked.clone();
    alerts
        .objective("answers", rules, move |window| {
            Some(windows.over(window)?.value)
        })
        .unwrap();

    let mut pages = Vec::new();
    for minute in 1..=12 * 1_440_u64 {
        let day = minute / 1_440;
        // A tenth of all fails for an hour of the tenth day.
        let fails = (10 * 1_440..10 * 1_440 + 60).contains(&minute);
        total.add(1_000);
        good.add(if fails { 900 } else { 1_000 });
        hand.advance(MINUTE);
        history.sample();
        for change in alerts.evaluate(clock.now()) {
            let (raised, alert) = match &change {
                Change::Raised(alert) => (true, alert),
                Change::Cleared { alert, .. } => (false, alert),
            };
            if alert.severity() == Severity::Page {
                pages.push((raised, minute - 10 * 1_440));
            }
            assert!((10..12).contains(&day), "{change:?} on day {day}");
        }
    }
    // Raised within ten minutes, cleared within one short window of six hours' rule after the end.
    let [(true, raised), (false, cleared)] = pages[..] else {
        panic!("{pages:?}");
    };
    assert!(raised <= 10, "{raised}");
    assert!((60..=60 + 6 * 60).contains(&cleared), "{cleared}");
    let month = tracked.over(30 * DAY).unwrap();
    assert_eq!(
        month.value,
        Events::with_bad(6_000, 12 * 1_440_000).unwrap()
    );
    assert_eq!(month.elapsed, 12 * DAY);
}

#[test]
fn windows_of_a_histogram_tell_how_many_answers_were_in_time() {
    let (clock, hand) = Clock::manual();
    let history = History::builder().clock(clock).build().unwrap();
    let times = Histogram::new(Layout::response_times());
    let tracked = history.track(&times);
    for second in 0..600_u64 {
        times.record_duration(Duration::from_millis(if second < 540 { 90 } else { 700 }));
        hand.advance(Duration::from_secs(1));
        history.sample();
    }
    let in_time = |window| {
        let times = tracked.over(window)?.value;
        Events::new(times.count_at_most(300_000_000), times.count()).ok()
    };
    assert_eq!(in_time(MINUTE), Events::new(0, 60).ok());
    assert_eq!(in_time(10 * MINUTE), Events::new(540, 600).ok());
}
