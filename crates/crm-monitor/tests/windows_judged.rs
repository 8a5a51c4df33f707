//! From counters to an alert: a month at a service whose windows an objective is judged by.

use std::time::Duration;

use crm_clock::Clock;
use crm_monitor::judge::{Alerts, BurnRules, Change, Events, Objective, Reason, Severity};
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
        .objective("answers", rules, move |window| windows.over(window))
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

/// A service that has just started: each second one number of answers, of which some fail. What is told in which second.
fn started(seconds: u64, each: impl Fn(u64) -> (u64, u64)) -> Vec<(u64, Change)> {
    let (clock, hand) = Clock::manual();
    let history = History::builder().clock(clock.clone()).build().unwrap();
    let (good, total) = (Counter::new(), Counter::new());
    let answers = history.track_events(&good, &total);
    let rules = BurnRules::workbook(Objective::percent(99.9, 30 * DAY).unwrap()).unwrap();
    let mut alerts = Alerts::new();
    alerts
        .objective("answers", rules, move |window| answers.over(window))
        .unwrap();
    let mut told = Vec::new();
    for second in 1..=seconds {
        let (bad, all) = each(second);
        total.add(all);
        good.add(all - bad);
        hand.advance(Duration::from_secs(1));
        history.sample();
        let changes = alerts.evaluate(clock.now()).into_iter();
        told.extend(changes.map(|change| (second, change)));
        // Young, but not in the dark.
        assert!(alerts.standings().all(|check| check.is_known()), "{second}");
    }
    told
}

#[test]
fn three_failures_in_the_first_second_call_nobody() {
    for per_second in [0, 1, 20, 97] {
        let told = started(3_600, |second| match second {
            1 => (3, 100),
            _ => (0, per_second),
        });
        assert_eq!(told, [], "{per_second} in a second");
    }
    // All of three, and then one request a minute.
    let told = started(3_600, |second| match second {
        1 => (3, 3),
        _ => (0, u64::from(second % 60 == 0)),
    });
    assert_eq!(told, []);
}

#[test]
fn an_outage_right_after_the_start_pages_as_late_as_one_after_good_hours() {
    // All fail from the first second on: 1.44 % of an hour are 52 seconds. Then one in twenty: 17 minutes.
    for (bad, bounds) in [(20, 52..=60), (1, 1_036..=1_140)] {
        let at = |start: u64| {
            let told = started(start + 1_200, |second| {
                (if second > start { bad } else { 0 }, 20)
            });
            let page = |(_, change): &&(u64, Change)| change.alert().severity() == Severity::Page;
            let (second, change) = told.iter().find(page).unwrap().clone();
            (second - start, change)
        };
        let (first, change) = at(0);
        assert!(bounds.contains(&first), "{first}");
        // An hour and a minute later, within the 5 % by which a window may be longer or shorter.
        let (later, _) = at(3_660);
        assert!(first.abs_diff(later) * 20 <= first + 20, "{first} {later}");

        let Reason::Burn(burn) = change.alert().reason() else {
            panic!("{change}")
        };
        assert_eq!(burn.long_covered(), Some(Duration::from_secs(first)));
        assert_eq!(burn.long().unwrap().total(), first * 20);
    }
}
