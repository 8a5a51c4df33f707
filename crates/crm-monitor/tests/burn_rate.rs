//! When errors burn a budget too fast, by the table of the SRE workbook, and what is no proof of it.

use std::time::Duration;

use crm_clock::Tick;
use crm_monitor::judge::{
    Alerts, Burn, BurnRule, BurnRules, Confidence, Events, Evidence, JudgeError, Level, Measured,
    Objective, Severity,
};
use proptest::prelude::*;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

fn of(percent: f64, days: u32) -> Objective {
    Objective::percent(percent, days * DAY).unwrap()
}

fn thresholds(rules: &BurnRules) -> Vec<f64> {
    let rate = |rule: &BurnRule| rule.burn_rate(rules.objective());
    rules.rules().iter().map(rate).collect()
}

/// The fast rule of the workbook, which sees so many bad of so many in its windows.
fn fast(evidence: Evidence, long: (u64, u64), short: (u64, u64)) -> Burn {
    let rules = BurnRules::workbook(of(99.9, 30))
        .unwrap()
        .evidence(evidence);
    let see = |window| {
        let (bad, total) = if window == HOUR { long } else { short };
        Events::with_bad(bad, total).ok()
    };
    rules.measure(see)[0]
}

#[test]
fn the_table_is_that_of_the_workbook() {
    let rules = BurnRules::workbook(of(99.9, 30)).unwrap().daily().unwrap();
    assert_eq!(thresholds(&rules), [14.4, 6.0, 1.0, 3.0]);
    let windows: Vec<_> = rules
        .rules()
        .iter()
        .map(|rule| (rule.long_window(), rule.short_window()))
        .collect();
    assert_eq!(
        windows,
        [
            (HOUR, 5 * MINUTE),
            (6 * HOUR, 30 * MINUTE),
            (3 * DAY, 6 * HOUR),
            (DAY, 2 * HOUR)
        ]
    );
    let severities: Vec<_> = rules.rules().iter().map(BurnRule::severity).collect();
    assert_eq!(
        severities,
        [
            Severity::Page,
            Severity::Page,
            Severity::Ticket,
            Severity::Ticket
        ]
    );
    let percents: Vec<_> = rules.rules().iter().map(BurnRule::percent).collect();
    assert_eq!(percents, [2.0, 5.0, 10.0, 10.0]);
    // Error ratios of 99.9 %: 1.44 %, 0.6 %, 0.1 %, 0.3 %, each the nearest f64.
    let ratios: Vec<_> = rules
        .rules()
        .iter()
        .map(|rule| rule.threshold(rules.objective()))
        .collect();
    assert_eq!(ratios, [0.014_4, 0.006, 0.001, 0.003]);
}

#[test]
fn other_periods_scale_the_burn_rates_or_the_windows() {
    let month = BurnRules::workbook(of(99.9, 28)).unwrap();
    assert_eq!(thresholds(&month), [13.44, 5.6, 28.0 / 30.0]);
    let quarter = BurnRules::workbook(of(99.9, 90)).unwrap();
    assert_eq!(thresholds(&quarter), [43.2, 18.0, 3.0]);

    let week = BurnRules::scaled(of(99.9, 7)).unwrap();
    assert_eq!(thresholds(&week), [14.4, 6.0, 1.0]);
    assert_eq!(week.rules()[0].long_window(), 14 * MINUTE);
    assert_eq!(week.rules()[0].short_window(), Duration::from_secs(70));
    assert_eq!(week.rules()[2].long_window(), Duration::from_secs(60_480));
    assert_eq!(
        BurnRules::scaled(of(99.9, 30)),
        BurnRules::workbook(of(99.9, 30))
    );
}

#[test]
fn what_could_never_fire_is_refused() {
    // 14.4 times a budget of 7 % is more than all.
    let most = 100.0 / 7.0;
    let refused = BurnRules::workbook(of(93.0, 30)).unwrap_err();
    assert_eq!(
        refused,
        JudgeError::CannotFire {
            burn_rate: 14.4,
            most,
            target: of(93.0, 30).target(),
        }
    );
    assert!(
        refused
            .to_string()
            .starts_with("a burn rate above 14.4 is never reached, since it is 14.29 when all")
    );
    assert!(refused.to_string().ends_with(" or lengthen the window"));
    assert!(BurnRules::workbook(of(93.1, 30)).is_ok());
    // A share that was given for per cent.
    for (percent, asks) in [
        (0.999, "; or is 99.9 % meant, and not 0.999 %?"),
        (0.99, "; or is 99 % meant, and not 0.99 %?"),
        (0.999_95, "; or is 99.995 % meant, and not 0.99995 %?"),
        (1.0, " or lengthen the window"),
    ] {
        let refused = BurnRules::workbook(of(percent, 30))
            .unwrap_err()
            .to_string();
        assert!(refused.ends_with(asks), "{refused}");
    }
    // At exactly all, nothing is above it.
    let half = BurnRule::new(Severity::Page, 100.0, 15 * DAY, DAY).unwrap();
    assert!(matches!(
        BurnRules::new(of(50.0, 30)).rule(half),
        Err(JudgeError::CannotFire { .. })
    ));
    assert!(BurnRules::new(of(50.1, 30)).rule(half).is_ok());
}

#[test]
fn windows_fit_into_each_other_and_into_the_period() {
    let rule = |long, short| BurnRule::new(Severity::Page, 2.0, long, short);
    for (long, short) in [(HOUR, HOUR), (HOUR, 2 * HOUR), (HOUR, Duration::ZERO)] {
        assert_eq!(rule(long, short), Err(JudgeError::Windows { short, long }));
    }
    let week = rule(7 * DAY, HOUR).unwrap();
    assert!(BurnRules::new(of(99.9, 7)).rule(week).is_ok());
    let refused = BurnRules::new(of(99.9, 6)).rule(week).unwrap_err();
    assert_eq!(
        refused,
        JudgeError::Windows {
            short: 7 * DAY,
            long: 6 * DAY
        }
    );
    assert!(
        refused
            .to_string()
            .starts_with("a window of 7 d does not lie within 6 d: "),
        "{refused}"
    );
    assert!(BurnRules::workbook(of(99.9, 2)).is_err());
    let instant = Objective::percent(99.9, Duration::from_nanos(500)).unwrap();
    assert!(matches!(
        BurnRules::scaled(instant),
        Err(JudgeError::Windows { .. })
    ));
    // Windows that no period holds are refused, not overflowed.
    let huge = rule(Duration::MAX, HOUR).unwrap();
    assert!(BurnRules::new(of(99.9, 30)).rule(huge).is_err());
    assert!(huge.burn_rate(&of(99.9, 30)) < 1e-9);
    assert!(huge.threshold(&of(99.9, 30)) < 1e-9);
}

#[test]
fn a_part_of_the_budget_is_a_decimal_above_0_and_at_most_100() {
    let rule = |percent| BurnRule::new(Severity::Page, percent, HOUR, MINUTE);
    for percent in [
        0.0,
        -1.0,
        100.000_1,
        f64::NAN,
        f64::INFINITY,
        1e300,
        0.000_01,
        1.234_56,
    ] {
        let refused = rule(percent).unwrap_err();
        assert!(
            matches!(
                refused,
                JudgeError::Figure {
                    name: "percent",
                    ..
                }
            ),
            "{percent}: {refused}"
        );
    }
    for percent in [0.000_1, 2.0, 33.333_3, 100.0] {
        assert_eq!(rule(percent).unwrap().percent(), percent);
    }
}

#[test]
fn clear_shares_lie_between_0_and_1() {
    let rules = BurnRules::workbook(of(99.9, 30)).unwrap();
    for share in [0.0, -0.1, 1.01, f64::NAN] {
        assert!(matches!(
            rules.clone().clear_share(share),
            Err(JudgeError::Figure { name: "share", .. })
        ));
    }
    assert!(rules.clear_share(1.0).is_ok());
}

#[test]
fn both_windows_must_burn_above_the_threshold() {
    let level = |long, short| fast(Evidence::none(), long, short).level();
    assert_eq!(level((145, 10_000), (13, 900)), Level::Bad); // 14.5 and 14.44
    assert_eq!(level((144, 10_000), (13, 900)), Level::Between); // at the threshold, not above it
    assert_eq!(level((145, 10_000), (144, 10_000)), Level::Between);
    assert_eq!(level((1_000, 10_000), (0, 900)), Level::Good); // over since five minutes
    assert_eq!(level((0, 10_000), (0, 900)), Level::Good);
    assert_eq!(level((100, 10_000), (900, 900)), Level::Good); // a trifle, so far
}

#[test]
fn it_clears_below_a_share_of_the_threshold() {
    // 90 % of 14.4 is 12.96.
    let level = |bad| fast(Evidence::none(), (2_000, 100_000), (bad, 100_000)).level();
    assert_eq!(level(1_441), Level::Bad);
    assert_eq!(level(1_440), Level::Between);
    assert_eq!(level(1_296), Level::Between);
    assert_eq!(level(1_295), Level::Good);
    let half = BurnRules::workbook(of(99.9, 30))
        .unwrap()
        .clear_share(0.5)
        .unwrap();
    let see = |bad| half.measure(|_| Events::with_bad(bad, 100_000).ok())[0].level();
    assert_eq!(see(720), Level::Between);
    assert_eq!(see(719), Level::Good);
}

#[test]
fn one_failure_out_of_three_raises_nothing() {
    let level = |long| fast(Evidence::default(), long, long).level();
    for long in [(1, 3), (3, 3), (1, 9), (9, 9), (1, 10), (1, 50)] {
        assert_eq!(level(long), Level::Between, "{long:?}");
    }
    assert_eq!(level((2, 10)), Level::Bad);
    assert_eq!(level((10, 10)), Level::Bad); // an outage at ten requests an hour
}

#[test]
fn little_traffic_must_prove_what_it_shows() {
    let level = |long, short| fast(Evidence::default(), long, short).level();
    // The lower end of Wilson's interval at one-sided 95 %: 0.66 % for 2, 1.21 % for 3, 1.81 % for 4 of 100.
    assert_eq!(level((2, 100), (2, 100)), Level::Between);
    assert_eq!(level((3, 100), (3, 100)), Level::Between);
    assert_eq!(level((4, 100), (4, 100)), Level::Bad);
    // 1.434 % for 163 and 1.444 % for 164 of 10,000, against 1.44 %.
    assert_eq!(level((163, 10_000), (100, 900)), Level::Between);
    assert_eq!(level((164, 10_000), (100, 900)), Level::Bad);
    // The short window need not prove anything.
    assert_eq!(level((164, 10_000), (1, 3)), Level::Bad);

    let burn = fast(Evidence::default(), (164, 10_000), (1, 3));
    assert_eq!(burn.long_burn(), Some(16.4));
    assert!((burn.proved_burn().unwrap() - 14.437_899_445_796_48).abs() < 1e-12);
    let strict = Evidence::default().minimum_events(10_001);
    assert_eq!(fast(strict, (164, 10_000), (1, 3)).level(), Level::Between);
    let strict = Evidence::default().minimum_bad(165);
    assert_eq!(fast(strict, (164, 10_000), (1, 3)).level(), Level::Between);
    let strict = Evidence::default().confidence(Confidence::P99);
    assert_eq!(fast(strict, (164, 10_000), (1, 3)).level(), Level::Between);
}

#[test]
fn evidence_asks_for_more_than_the_threshold() {
    let proves =
        |bad, total| Evidence::none().proves(Events::with_bad(bad, total).unwrap(), 0.0144);
    assert!(!proves(144, 10_000));
    assert!(proves(145, 10_000));
    assert!(!proves(0, 0));
}

#[test]
fn a_check_stands_as_its_most_urgent_alert_and_is_known_by_any_of_its_windows() {
    let standing = |known: Duration| {
        let mut alerts = Alerts::new();
        let rules = BurnRules::workbook(of(99.9, 30))
            .unwrap()
            .missing_after(Some(Duration::ZERO));
        let source = move |window| (window <= known).then(|| Events::with_bad(100, 100).unwrap());
        alerts.objective("answers", rules, source).unwrap();
        let changes = alerts.evaluate(Tick::ZERO).len();
        (changes, alerts.standings().next().unwrap())
    };
    let (changes, all) = standing(3 * DAY);
    assert_eq!(
        (changes, all.severity(), all.is_known()),
        (2, Some(Severity::Page), true)
    );
    assert_eq!(
        (all.to_string().as_str(), all.figures().len()),
        ("answers: page", 3)
    );
    // A young history knows an hour: enough for a page, and nothing is missing.
    let (changes, young) = standing(HOUR);
    assert_eq!(
        (changes, young.severity(), young.is_known()),
        (1, Some(Severity::Page), true)
    );
    // The five minutes alone tell nothing.
    let (changes, blind) = standing(5 * MINUTE);
    assert_eq!(
        (changes, blind.severity(), blind.is_known()),
        (1, Some(Severity::Ticket), false)
    );
    assert_eq!(blind.to_string(), "answers: ticket, now unknown");
}

#[test]
fn missing_is_not_good_and_no_events_are_not_missing() {
    let rules = BurnRules::workbook(of(99.9, 30)).unwrap();
    let level = |long: Option<(u64, u64)>, short: Option<(u64, u64)>| {
        let see = |window| {
            let (bad, total) = if window == HOUR { long? } else { short? };
            Events::with_bad(bad, total).ok()
        };
        rules.measure(see)[0].level()
    };
    assert_eq!(level(None, None), Level::Unknown);
    assert_eq!(level(Some((0, 100)), None), Level::Unknown);
    assert_eq!(level(None, Some((0, 100))), Level::Unknown);
    // No traffic for an hour burns nothing; none for five minutes proves no recovery.
    assert_eq!(level(Some((0, 0)), Some((0, 0))), Level::Good);
    assert_eq!(level(Some((50, 1_000)), Some((0, 0))), Level::Between);
    assert_eq!(level(Some((1, 1_000)), Some((0, 0))), Level::Good);
}

#[test]
fn a_burn_tells_its_figures() {
    let burn = fast(Evidence::default(), (164, 10_000), (20, 1_000));
    assert_eq!((burn.short_burn(), burn.threshold()), (Some(20.0), 14.4));
    assert_eq!(burn.long().unwrap().bad(), 164);
    assert_eq!(burn.short().unwrap().total(), 1_000);
    assert_eq!(burn.rule().long_window(), HOUR);
    assert_eq!(burn.objective(), &of(99.9, 30));
    assert_eq!(
        burn.to_string(),
        "the budget of 99.9 % over 30 d burns 16.4 times as fast as it may, of late 20 times (raised above 14.4): \
         164 of 10000 bad in 1 h, 20 of 1000 bad in 5 min; a whole budget would last 1 d 12 h"
    );
    // A sudden outage: 200 times of late, and no day and a half until the budget is gone, but three hours and a half.
    let sudden = fast(Evidence::default(), (164, 10_000), (200, 1_000)).to_string();
    assert!(
        sudden.contains(" burns 16.4 times as fast as it may, of late 200 times (raised"),
        "{sudden}"
    );
    assert!(
        sudden.ends_with("; a whole budget would last 3 h 36 min"),
        "{sudden}"
    );
    // Over since then: the long window is the faster one.
    let over = fast(Evidence::default(), (200, 10_000), (0, 1_000)).to_string();
    assert!(
        over.contains(" burns 20 times as fast as it may, of late 0 times (raised"),
        "{over}"
    );
    assert!(
        over.ends_with("; a whole budget would last 1 d 12 h"),
        "{over}"
    );
    // Only one of the windows is known.
    let rules = BurnRules::workbook(of(99.9, 30)).unwrap();
    let only = |known: Duration| {
        let see = |window| (window == known).then(|| Events::with_bad(20, 1_000).unwrap());
        rules.measure(see)[0].to_string()
    };
    assert_eq!(
        only(HOUR),
        "the budget of 99.9 % over 30 d burns 20 times as fast as it may (raised above 14.4): \
         20 of 1000 bad in 1 h, no data in 5 min; a whole budget would last 1 d 12 h"
    );
    assert_eq!(
        only(5 * MINUTE),
        "the budget of 99.9 % over 30 d burns 20 times as fast as it may of late (raised above 14.4): \
         no data in 1 h, 20 of 1000 bad in 5 min; a whole budget would last 1 d 12 h"
    );
    let quiet = fast(Evidence::default(), (5, 10_000), (0, 0)).to_string();
    assert!(
        quiet.ends_with(": 5 of 10000 bad in 1 h, no events in 5 min"),
        "{quiet}"
    );
    let blind = BurnRules::workbook(of(99.9, 30))
        .unwrap()
        .measure(|_| None::<Events>)[0]
        .to_string();
    assert_eq!(
        blind,
        "nothing tells how the budget of 99.9 % over 30 d burns (raised above 14.4): no data in 1 h, no data in 5 min"
    );
}

#[test]
fn the_time_before_a_source_began_is_reckoned_to_be_good() {
    let rules = BurnRules::workbook(of(99.9, 30)).unwrap();
    let see = |rules: &BurnRules, events: (u64, u64), covered| {
        let events = Events::with_bad(events.0, events.1).unwrap();
        rules.measure(move |_| Some(Measured::new(events, covered)))[0]
    };
    // 3 of 100 in a second are 3 of 360,000 in an hour, whose lower end is far below 1.44 %.
    let second = see(&rules, (3, 100), Duration::from_secs(1));
    assert_eq!(second.level(), Level::Between);
    assert_eq!(second.long_burn(), Some(30.0));
    assert!(second.proved_burn().unwrap() < 0.1);
    // By the same reckoning, 164 of 1,000 in six minutes are 164 of 10,000 in an hour: just proved.
    let [less, enough] = [163, 164].map(|bad| see(&rules, (bad, 1_000), 6 * MINUTE));
    assert_eq!((less.level(), enough.level()), (Level::Between, Level::Bad));
    let full = fast(Evidence::default(), (164, 10_000), (164, 10_000));
    assert_eq!(enough.proved_burn(), full.proved_burn());
    // Without asking for proof, the same threshold: above 1.44 % of the hour, not at it.
    let exact = rules.clone().evidence(Evidence::none());
    assert_eq!(
        see(&exact, (144, 1_000), 6 * MINUTE).level(),
        Level::Between
    );
    assert_eq!(see(&exact, (145, 1_000), 6 * MINUTE).level(), Level::Bad);

    // Nine tenths are all, and one nanosecond less is not.
    let most = 54 * MINUTE;
    assert_eq!(see(&exact, (145, 10_000), most).level(), Level::Bad);
    let not_all = most - Duration::from_nanos(1);
    assert_eq!(see(&exact, (145, 10_000), not_all).level(), Level::Between);
    // More than all is all: a history that was not sampled for a while.
    let longer = see(&exact, (145, 10_000), 2 * HOUR);
    assert_eq!(
        (longer.level(), longer.long_covered()),
        (Level::Bad, Some(HOUR))
    );
    // What was reckoned is not seen: the least number of events is that of the real ones.
    assert_eq!(see(&rules, (9, 9), 30 * MINUTE).level(), Level::Between);
    assert_eq!(see(&rules, (10, 10), 30 * MINUTE).level(), Level::Bad);
    // A good start is good, and known; no time at all proves nothing.
    assert_eq!(see(&rules, (0, 100), MINUTE).level(), Level::Good);
    assert_eq!(
        see(&exact, (100, 100), Duration::ZERO).level(),
        Level::Between
    );
    assert_eq!(see(&exact, (0, 0), Duration::ZERO).proved_burn(), None);
}

#[test]
fn a_young_window_says_how_young_it_is() {
    let rules = BurnRules::workbook(of(99.9, 30)).unwrap();
    let events = Events::with_bad(3, 100).unwrap();
    let see = |covered: Duration| rules.measure(|_| Some(Measured::new(events, covered)));
    let text = see(Duration::from_secs(1))[1].to_string();
    assert!(
        text.contains(": 3 of 100 bad in 1 s (of 6 h), 3 of 100 bad in 1 s (of 30 min)"),
        "{text}"
    );
    let text = see(30 * MINUTE)[1].to_string();
    assert!(
        text.contains(": 3 of 100 bad in 30 min (of 6 h), 3 of 100 bad in 30 min;"),
        "{text}"
    );
    let empty = rules.measure(|_| Some(Measured::new(Events::default(), MINUTE)))[0].to_string();
    assert!(
        empty.ends_with(": no events in 1 min (of 1 h), no events in 1 min (of 5 min)"),
        "{empty}"
    );
}

#[test]
fn a_set_refuses_checks_that_say_nothing_and_names_that_say_too_much() {
    let mut alerts = Alerts::new();
    let rules = || BurnRules::workbook(of(99.9, 30)).unwrap();
    let mut add = |name: &str, rules| alerts.objective(name, rules, |_| None::<Events>).err();
    assert_eq!(
        add("answers", BurnRules::new(of(99.9, 30))),
        Some(JudgeError::Nothing)
    );
    assert_eq!(add("answers", rules()), None);
    assert_eq!(add("answers", rules()), Some(JudgeError::Duplicate));
    for name in ["", "two\nlines", &"n".repeat(129)] {
        assert_eq!(add(name, rules()), Some(JudgeError::Name), "{name:?}");
    }
    assert_eq!(add(&"n".repeat(128), rules()), None);
    for error in [JudgeError::Nothing, JudgeError::Duplicate, JudgeError::Name] {
        assert!(error.to_string().contains(": "), "{error}");
    }
}

fn exact(
    target_parts: u64,
    bad: u64,
    total: u64,
    percent: u32,
    long: u64,
    period: u64,
) -> std::cmp::Ordering {
    // bad / (total * budget) against percent / 100 * period / long, cross-multiplied; small enough for 128 bits.
    let budget = u128::from(1_000_000_000_000 - target_parts);
    let left = u128::from(bad) * 1_000_000_000_000 * 100 * u128::from(long);
    let right = u128::from(total) * budget * u128::from(percent) * u128::from(period);
    left.cmp(&right)
}

proptest! {
    /// Without asking for evidence, a rule fires exactly above its threshold: as in whole numbers, which know no rounding.
    #[test]
    fn a_rule_fires_exactly_above_its_threshold(
        ppm in 900_000..1_000_000_u32,
        percent in 1..=10_u32,
        hours in 2..200_u32,
        days in 10..100_u32,
        total in 1..1_000_000_u64,
        near in -2..=2_i64,
    ) {
        let target = crm_monitor::judge::Target::from_ppm(ppm).unwrap();
        let objective = Objective::new(target, days * DAY).unwrap();
        let rule = BurnRule::new(Severity::Page, f64::from(percent), hours * HOUR, HOUR).unwrap();
        let Ok(rules) = BurnRules::new(objective).rule(rule) else { return Ok(()) };
        let rules = rules.evidence(Evidence::none());
        // As many bad events as are about the threshold.
        let about = (rule.threshold(&objective) * total as f64) as i64 + near;
        let bad = about.clamp(0, total as i64) as u64;
        let parts = u64::from(ppm) * 1_000_000;
        let expected = exact(parts, bad, total, percent, u64::from(hours), u64::from(days) * 24);
        let burn = rules.measure(|_| Events::with_bad(bad, total).ok())[0];
        prop_assert_eq!(burn.level() == Level::Bad, expected.is_gt());
        prop_assert_eq!(burn.long_burn().unwrap().partial_cmp(&burn.threshold()), Some(expected));
    }

    /// The same ratio is the same burn rate to the last bit, however many events there are.
    #[test]
    fn a_burn_rate_is_that_of_the_ratio(times in 1..=u64::MAX / 10_000) {
        let burn = fast(Evidence::none(), (144 * times, 10_000 * times), (145 * times, 10_000 * times));
        prop_assert_eq!(burn.long_burn(), Some(14.4));
        prop_assert_eq!(burn.level(), Level::Between);
    }

    /// More bad events never make a level better, and more proof asked for never makes one worse.
    #[test]
    fn levels_are_monotone(total in 1..100_000_u64, share in 0.0..1.0, more in 0..1_000_u64) {
        let bad = (share * share * share * total as f64) as u64;
        let worse = (bad + more).min(total);
        let rank = |level| [Level::Good, Level::Between, Level::Bad].iter().position(|of| *of == level).unwrap();
        let level = |evidence, bad| rank(fast(evidence, (bad, total), (bad, total)).level());
        prop_assert!(level(Evidence::default(), bad) <= level(Evidence::default(), worse));
        prop_assert!(level(Evidence::default(), bad) <= level(Evidence::none(), bad));
    }
}
