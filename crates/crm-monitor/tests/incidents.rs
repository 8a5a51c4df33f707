//! Thirty days in an instant: which incidents call somebody, when, and when it is over.

#[path = "support/timeline.rs"]
mod timeline;

use std::time::Duration;

use crm_monitor::judge::{BurnRule, BurnRules, Change, Evidence, Objective, Reason, Severity};
use timeline::{Minute, Timeline};

const DAY: u64 = 24 * 60;
const MONTH: u64 = 30 * DAY;

fn rules() -> BurnRules {
    let month = Duration::from_secs(30 * 86_400);
    BurnRules::workbook(Objective::percent(99.9, month).unwrap()).unwrap()
}

/// What has changed in which minute: raised or cleared, and what it asks for.
fn story(changes: &[(u64, Change)]) -> Vec<(u64, bool, Severity)> {
    let tell = |(minute, change): &(u64, Change)| {
        let raised = matches!(change, Change::Raised(_));
        (*minute, raised, change.alert().severity())
    };
    changes.iter().map(tell).collect()
}

fn pages(changes: &[(u64, Change)]) -> usize {
    story(changes)
        .iter()
        .filter(|(_, raised, severity)| *raised && *severity == Severity::Page)
        .count()
}

/// A hundred requests a minute, of which `bad` fail from `from` to `until`, and one in 4,000 else: a quarter of the budget.
fn incident(bad: u64, from: u64, until: u64) -> Timeline {
    Timeline::of(7 * DAY, |minute| match minute {
        minute if (from..until).contains(&minute) => Minute::Seen { bad, total: 100 },
        minute if minute % 40 == 0 => Minute::Seen { bad: 1, total: 100 },
        _ => Minute::Seen { bad: 0, total: 100 },
    })
}

#[test]
fn a_month_within_the_budget_calls_nobody() {
    // One failure in 1,250, as regular as clockwork: 80 % of the budget.
    let quiet = Timeline::of(MONTH, |minute| Minute::Seen {
        bad: u64::from(minute % 25 == 0),
        total: 50,
    });
    assert_eq!(quiet.watch(rules()), []);
}

#[test]
fn an_outage_pages_within_two_minutes_and_is_over_once() {
    // Everything fails for twenty minutes on the fifth day.
    let start = 4 * DAY;
    let changes = incident(100, start, start + 20).watch(rules());
    let [paged, ticketed, unpaged, unticketed] = story(&changes)[..] else {
        panic!("{changes:?}")
    };
    // 1.44 % of an hour's 6,000 requests are 87 failures; proof takes a few more, within the second minute.
    assert_eq!(paged, (start + 2, true, Severity::Page));
    // 0.1 % of three days' 432,000 are 432; there were 104 already.
    assert_eq!(ticketed, (start + 4, true, Severity::Ticket));
    // Half an hour after the outage the rule of six hours sees its short window clean, and holds for as long.
    assert_eq!(unpaged, (start + 20 + 60, false, Severity::Page));
    // The rule of three days needs six hours to see a clean one, and six more.
    assert_eq!(unticketed, (start + 20 + 12 * 60, false, Severity::Ticket));
    let Reason::Burn(burn) = changes[0].1.alert().reason() else {
        panic!("{changes:?}")
    };
    assert_eq!((burn.threshold(), burn.short_burn()), (14.4, Some(400.0)));
    let Change::Cleared { lasted, .. } = changes[2].1 else {
        panic!("{changes:?}")
    };
    assert_eq!(lasted, Duration::from_secs(78 * 60));
}

#[test]
fn a_slow_burn_asks_for_a_ticket_and_no_page() {
    // Four days at half a per cent: five times too fast, but not six.
    let bad = |minute: u64| u64::from(minute % 2 == 0);
    let start = 5 * DAY;
    let slow = Timeline::of(MONTH, |minute| Minute::Seen {
        bad: if (start..start + 4 * DAY).contains(&minute) {
            bad(minute)
        } else {
            0
        },
        total: 100,
    });
    let changes = slow.watch(rules());
    let [ticketed, unticketed] = story(&changes)[..] else {
        panic!("{changes:?}")
    };
    // A tenth of the budget is 432 failures; 0.5 % of 6,000 an hour makes them in 14.4 hours, and the proof in about one more.
    let hours = (ticketed.0 - start) as f64 / 60.0;
    assert!((14.4..16.5).contains(&hours), "{hours} h");
    assert_eq!((ticketed.1, ticketed.2), (true, Severity::Ticket));
    assert_eq!((unticketed.1, unticketed.2), (false, Severity::Ticket));
    let after = unticketed.0 - (start + 4 * DAY);
    assert!((6 * 60..=12 * 60).contains(&after), "{after} min");

    // The rule of a day sees it sooner: 10 % at three times the rate, after 14.4 hours as well, and proved by then.
    let daily = slow.watch(rules().daily().unwrap());
    assert_eq!(daily.len(), 2);
    assert!(daily[0].0 <= ticketed.0);
}

#[test]
fn what_burns_at_six_times_the_rate_and_more_pages_by_the_long_rule_alone() {
    let start = 4 * DAY;
    let changes = incident(1, start, start + 8 * 60).watch(rules());
    assert_eq!(pages(&changes), 1);
    let Reason::Burn(burn) = changes[0].1.alert().reason() else {
        panic!("{changes:?}")
    };
    // Ten times the rate: too little for the rule of an hour.
    assert_eq!(
        (burn.threshold(), changes[0].1.alert().severity()),
        (6.0, Severity::Page)
    );
    let hours = (changes[0].0 - start) as f64 / 60.0;
    assert!((3.6..4.5).contains(&hours), "{hours} h"); // 6 / 10 of six hours, and the proof
}

#[test]
fn little_traffic_with_single_failures_calls_nobody() {
    // Three requests an hour; each day one of them fails.
    let night = Timeline::of(MONTH, |minute| Minute::Seen {
        bad: u64::from(minute % DAY == 600),
        total: u64::from(minute % 20 == 0),
    });
    // One of 72 a day is 14 times what the objective allows: a ticket is right, a page is not. Each day it is good for 18 hours, so that the
    // ticket is cleared too early at first, and then no more.
    let changes = night.watch(rules());
    assert_eq!(pages(&changes), 0);
    let raised: Vec<_> = story(&changes)
        .into_iter()
        .map(|(_, raised, _)| raised)
        .collect();
    assert_eq!(raised, [true, false, true, false, true]);
    assert!(changes[4].0 < 7 * DAY, "{changes:?}");

    // Twice a month: 2 in 2,160, within the budget.
    let rare = Timeline::of(MONTH, |minute| Minute::Seen {
        bad: u64::from(minute % (15 * DAY) == 600),
        total: u64::from(minute % 20 == 0),
    });
    assert_eq!(rare.watch(rules()), []);
    // Without evidence each of them would have called somebody in the night.
    assert_eq!(pages(&rare.watch(rules().evidence(Evidence::none()))), 2);
}

#[test]
fn an_outage_at_little_traffic_still_pages() {
    // Twelve requests an hour, all failing for three hours.
    let start = 4 * DAY;
    let outage = Timeline::of(7 * DAY, |minute| {
        let total = u64::from(minute % 5 == 0);
        Minute::Seen {
            bad: if (start..start + 180).contains(&minute) {
                total
            } else {
                0
            },
            total,
        }
    });
    let changes = outage.watch(rules());
    assert_eq!(pages(&changes), 1);
    let after = changes[0].0 - start;
    assert!(after <= 15, "{after} min");
    let kinds: Vec<_> = changes
        .iter()
        .map(|(_, change)| matches!(change, Change::Raised(_)))
        .collect();
    assert_eq!(kinds, [true, true, false, false]);
}

#[test]
fn failures_at_the_rate_of_the_budget_page_nobody_at_any_traffic() {
    let mut random = fastrand::Rng::with_seed(8);
    for per_hour in [3, 30, 300, 6_000] {
        let mut failures = |total: u64| {
            (0..total)
                .map(|_| u64::from(random.u32(..1_000) == 0))
                .sum()
        };
        let month = Timeline::of(MONTH, |minute| {
            let total = (minute + 1) * per_hour / 60 - minute * per_hour / 60;
            Minute::Seen {
                bad: failures(total),
                total,
            }
        });
        let changes = month.watch(rules());
        assert_eq!(pages(&changes), 0, "{per_hour} an hour: {changes:?}");
    }
}

#[test]
fn errors_that_come_and_go_page_a_few_times_and_then_keep_it_raised() {
    for spell in [1, 5, 13, 30, 60, 90, 120] {
        // Three days of every other spell at 30 %.
        let start = 4 * DAY;
        let flapping = Timeline::of(10 * DAY, |minute| Minute::Seen {
            bad: if (start..start + 3 * DAY).contains(&minute) && (minute - start) / spell % 2 == 0
            {
                30
            } else {
                0
            },
            total: 100,
        });
        let changes = flapping.watch(rules());
        assert!(
            (1..=3).contains(&pages(&changes)),
            "{spell} min: {:?}",
            story(&changes)
        );
        // At the end all is quiet: whatever was raised was cleared, in turns.
        let raised = changes
            .iter()
            .filter(|(_, change)| matches!(change, Change::Raised(_)))
            .count();
        assert_eq!(changes.len(), 2 * raised, "{spell} min");
        let (last, _) = changes.last().unwrap();
        assert!(*last <= start + 3 * DAY + 4 * DAY, "{spell} min: {last}");
    }
}

#[test]
fn a_rule_holds_at_most_for_its_long_window() {
    // The rule of an hour alone, and ten minutes of errors after each spell of so many good minutes.
    let raised = |good: u64| {
        let month = Duration::from_secs(30 * 86_400);
        let (hour, objective) = (
            Duration::from_secs(3_600),
            Objective::percent(99.9, month).unwrap(),
        );
        let rule = BurnRule::new(Severity::Page, 2.0, hour, hour / 12).unwrap();
        let flapping = Timeline::of(2 * DAY, |minute| Minute::Seen {
            bad: if minute % (good + 10) < 10 { 50 } else { 0 },
            total: 100,
        });
        pages(&flapping.watch(BurnRules::new(objective).rule(rule).unwrap()))
    };
    // Five minutes until the short window is clean, and then 5, 10, 20, 40 and 60.
    assert_eq!(raised(30), 4);
    assert_eq!(raised(60), 5);
    // 65 minutes are enough to clear every time: those are incidents of their own, 36 in two days.
    assert_eq!(raised(70), 36);
}

#[test]
fn what_is_missing_neither_ends_an_incident_nor_begins_one() {
    let start = 4 * DAY;
    // An outage of half an hour, and nobody is looking from its tenth minute until three hours later.
    let (blind, sight) = (start + 10, start + 190);
    let gap = Timeline::of(7 * DAY, |minute| match minute {
        minute if (blind..sight).contains(&minute) => Minute::Missing,
        minute if (start..start + 30).contains(&minute) => Minute::Seen {
            bad: 100,
            total: 100,
        },
        _ => Minute::Seen { bad: 0, total: 100 },
    });
    let changes = gap.watch(rules());
    let at = |minute: u64| -> Vec<_> {
        changes
            .iter()
            .filter(|(at, _)| *at == minute)
            .map(|(_, change)| change.to_string())
            .collect()
    };
    // The first minute in the dark is known when it is over. Ten minutes later a ticket says so, and is cleared with the first data.
    let missing = "ticket: answers: no data for 10 min, so that nobody knows whether all is well";
    assert_eq!(at(blind + 11), [missing]);
    assert_eq!(
        at(sight + 1),
        [format!("cleared after 2 h 50 min: {missing}")]
    );
    // The page stays through the gap: it ends only when half an hour was seen to be good, and held.
    let ends = story(&changes)
        .into_iter()
        .find(|(_, raised, severity)| !raised && *severity == Severity::Page);
    assert!(ends.unwrap().0 > sight, "{changes:?}");
    assert_eq!(changes.len(), 6, "{changes:?}");

    // A month of nothing is one ticket, and no good news.
    let nothing = Timeline::of(DAY, |_| Minute::Missing);
    assert_eq!(
        story(&nothing.watch(rules())),
        [(11, true, Severity::Ticket)]
    );
    assert_eq!(nothing.watch(rules().missing_after(None)), []);
    // Nobody asking is not missing.
    let idle = Timeline::of(DAY, |_| Minute::Seen { bad: 0, total: 0 });
    assert_eq!(idle.watch(rules()), []);
}

#[test]
fn a_clock_that_jumps_raises_and_clears_nothing_twice() {
    let start = 4 * DAY;
    let outage = incident(100, start, start + 20);
    let usual = story(&outage.watch(rules()));
    let tell = |from, to| -> Vec<_> {
        let story = story(&outage.watch_through(rules(), from, to));
        story
            .into_iter()
            .map(|(_, raised, severity)| (raised, severity))
            .collect()
    };
    let all: Vec<_> = usual
        .iter()
        .map(|(_, raised, severity)| (*raised, *severity))
        .collect();
    // Asleep for ten hours in the middle of it, and after it.
    assert_eq!(tell(start + 10, start + 610), all);
    assert_eq!(tell(start + 40, start + 640), all);
    // Slept through: three hours later it is no page any more, but still a ticket; nine hours later it is over.
    assert_eq!(
        tell(start - 60, start + 180),
        [(true, Severity::Ticket), (false, Severity::Ticket)]
    );
    assert_eq!(tell(start - 60, start + 540), []);
    // A step back by a day in the middle of it: the day before is good, and the outage comes again.
    let twice = [all[0], all[1], all[2], all[3]].repeat(2);
    assert_eq!(tell(start + 10, start - DAY), twice);
}
