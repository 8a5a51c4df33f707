//! Too many security events, or more than usual.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use crm_clock::Tick;
use crm_monitor::judge::{
    Alerts, Change, Hold, JudgeError, Level, Reason, SecurityKind, SecurityWatch, Severity,
};
use proptest::prelude::*;

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

fn logins() -> SecurityWatch {
    SecurityWatch::new(SecurityKind::FailedLogin, 5 * MINUTE).unwrap()
}

fn limit(limit: u64, count: Option<u64>) -> Level {
    logins().limit(limit).measure(|_, _| count)[0].level()
}

/// A rise by five, of so many in five minutes against so many in a day.
fn rise(count: u64, all: u64) -> Level {
    let watch = logins().rise(5.0, DAY).unwrap();
    watch.measure(|_, window| Some(if window == DAY { all } else { count }))[0].level()
}

#[test]
fn a_limit_is_raised_above_it_and_cleared_at_half_of_it() {
    assert_eq!(limit(100, Some(101)), Level::Bad);
    assert_eq!(limit(100, Some(100)), Level::Between);
    assert_eq!(limit(100, Some(51)), Level::Between);
    assert_eq!(limit(100, Some(50)), Level::Good);
    assert_eq!(limit(0, Some(1)), Level::Bad);
    assert_eq!(limit(0, Some(0)), Level::Good);
    assert_eq!(limit(0, None), Level::Unknown);
}

#[test]
fn a_rise_must_be_proved() {
    // 670 in the other 23 h 55 min are 2.33 in five minutes; five times that are 11.7.
    assert_eq!(rise(12, 682), Level::Between); // as counted, but no proof
    assert_eq!(rise(20, 690), Level::Between);
    assert_eq!(rise(30, 700), Level::Bad);
    assert_eq!(rise(5, 675), Level::Good);
    // From nothing: ten at least.
    assert_eq!(rise(9, 9), Level::Between);
    assert_eq!(rise(10, 10), Level::Bad);
    assert_eq!(rise(0, 0), Level::Good);
    // Read a moment apart, the span may lack what the window has.
    assert_eq!(rise(12, 11), Level::Bad);

    let watch = logins().rise(5.0, DAY).unwrap();
    assert_eq!(
        watch.measure(|_, window| (window != DAY).then_some(30))[0].level(),
        Level::Unknown
    );
    assert_eq!(
        watch.measure(|_, window| (window == DAY).then_some(30))[0].level(),
        Level::Unknown
    );
    let eager = watch.minimum_events(9);
    assert_eq!(eager.measure(|_, _| Some(9))[0].level(), Level::Bad);
}

#[test]
fn the_steady_rate_is_usual_and_twice_as_much_is_no_rise_by_five() {
    // The same in every five minutes of a day; then twice that; then ten times.
    for usual in [1, 10, 1_000, 1_000_000] {
        assert_eq!(rise(usual, 288 * usual), Level::Good);
        assert_eq!(rise(2 * usual, 289 * usual), Level::Good);
        assert_eq!(rise(3 * usual, 290 * usual), Level::Between);
        if usual >= 10 {
            assert_eq!(rise(10 * usual, 297 * usual), Level::Bad);
        }
    }
}

#[test]
fn the_usual_rate_leaves_out_the_window() {
    // Five minutes against the five before.
    let watch = logins().rise(5.0, 10 * MINUTE).unwrap();
    let level = |count, all| {
        let see = |_, window| Some(if window == 5 * MINUTE { count } else { all });
        watch.measure(see)[0].level()
    };
    assert_eq!(level(4_000, 5_000), Level::Between); // four times
    assert_eq!(level(6_000, 7_000), Level::Bad); // six times
    assert_eq!(level(2_500, 3_500), Level::Good); // half of five times
}

#[test]
fn what_makes_no_sense_is_refused() {
    assert!(matches!(
        SecurityWatch::new(SecurityKind::Other, Duration::ZERO),
        Err(JudgeError::Windows { .. })
    ));
    for factor in [1.0, 0.0, -5.0, f64::NAN, f64::INFINITY, 1.1e6] {
        assert!(
            matches!(
                logins().rise(factor, DAY),
                Err(JudgeError::Figure { name: "factor", .. })
            ),
            "{factor}"
        );
    }
    let short = 5 * MINUTE;
    assert_eq!(
        logins().rise(5.0, short),
        Err(JudgeError::Windows { short, long: short })
    );
    let nothing = Alerts::new()
        .security("logins", logins(), |_, _| None)
        .err();
    assert_eq!(nothing, Some(JudgeError::Nothing));
}

#[test]
fn the_kinds_are_few_and_their_names_are_labels() {
    let mut names: Vec<_> = SecurityKind::ALL.iter().map(|kind| kind.name()).collect();
    for name in &names {
        assert!(
            name.bytes()
                .all(|byte| byte == b'_' || byte.is_ascii_lowercase()),
            "{name}"
        );
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), SecurityKind::ALL.len());
    for kind in SecurityKind::ALL {
        let words = kind.to_string();
        assert!(words.ends_with('s') && !words.contains('_'), "{words}");
    }
}

#[test]
fn figures_are_told_in_plain_words() {
    let watch = logins().limit(100).rise(5.0, DAY).unwrap();
    let tell = |count: Option<u64>, all: Option<u64>| {
        let figures = watch.measure(|_, window| if window == DAY { all } else { count });
        [figures[0].to_string(), figures[1].to_string()]
    };
    assert_eq!(
        tell(Some(30), Some(700)),
        [
            "30 failed logins in 5 min (raised above 100)",
            "30 failed logins in 5 min, 12.85 times the usual rate of 1 d (raised at 5 times)"
        ]
    );
    assert_eq!(
        tell(Some(30), Some(30))[1],
        "30 failed logins in 5 min, none before in 1 d (raised at 5 times)"
    );
    assert_eq!(
        tell(None, None)[0],
        "no data on failed logins in 5 min (raised above 100)"
    );
    // What is not known is not taken for none.
    assert_eq!(
        tell(Some(30), None)[1],
        "30 failed logins in 5 min, no data of 1 d (raised at 5 times)"
    );
    for all in [None, Some(700)] {
        assert_eq!(
            tell(None, all)[1],
            "no data on failed logins in 5 min (raised at 5 times)"
        );
    }
    let figure = watch.measure(|_, window| Some(if window == DAY { 700 } else { 30 }))[1];
    assert_eq!(
        (figure.kind(), figure.window(), figure.count()),
        (SecurityKind::FailedLogin, 5 * MINUTE, Some(30))
    );
    let times = figure.times_usual().unwrap();
    assert!((times - 30.0 / 670.0 * 287.0).abs() < 1e-12, "{times}");
    assert_eq!(watch.measure(|_, _| Some(30))[0].times_usual(), None);
}

#[test]
fn an_attack_raises_one_alert_and_is_cleared_when_it_is_over() {
    let counts = Arc::new(Mutex::new(Some([0_u64; 2])));
    let source = Arc::clone(&counts);
    let mut alerts = Alerts::new();
    let watch = logins().limit(100).rise(5.0, DAY).unwrap();
    let watch = watch
        .severity(Severity::Page)
        .hold(Hold::new())
        .missing_after(Some(MINUTE));
    let count = move |kind, window| {
        assert_eq!(kind, SecurityKind::FailedLogin);
        let counts = (*source.lock().unwrap())?;
        Some(counts[usize::from(window == DAY)])
    };
    alerts.security("logins", watch, count).unwrap();
    let mut now = Tick::ZERO;
    let mut step = |new| {
        *counts.lock().unwrap() = new;
        now = now + MINUTE;
        alerts.evaluate(now)
    };
    assert_eq!(step(Some([2, 600])), []);
    let raised = step(Some([40, 640])); // a rise, within the limit
    let [Change::Raised(alert)] = &raised[..] else {
        panic!("{raised:?}")
    };
    assert!(
        alert
            .to_string()
            .starts_with("page: logins: 40 failed logins in 5 min, 19.1"),
        "{alert}"
    );
    assert!(matches!(alert.reason(), Reason::Security(figure) if figure.count() == Some(40)));
    assert_eq!(step(Some([400, 1_000])), []); // the limit as well: the same alert
    assert_eq!(step(Some([400, 100_000])), []); // the rise has become the usual, the limit has not
    assert_eq!(step(None), []);
    assert_eq!(step(None).len(), 1); // missing for a minute
    assert_eq!(step(Some([51, 100_000])).len(), 1); // there again
    assert!(matches!(
        step(Some([50, 100_000]))[..],
        [Change::Cleared { .. }]
    ));
}

proptest! {
    /// More in the window never lower the level, more before never raise it.
    #[test]
    fn levels_follow_the_counts(count in 0..2_000_u64, before in 0..100_000_u64, more in 0..2_000_u64) {
        let rank = |level| [Level::Good, Level::Between, Level::Bad].iter().position(|of| *of == level).unwrap();
        let level = rank(rise(count, count + before));
        prop_assert!(rank(rise(count + more, count + more + before)) >= level);
        prop_assert!(rank(rise(count, count + before + more)) <= level);
    }
}
