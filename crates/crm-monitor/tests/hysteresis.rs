//! Raised once, cleared once, whatever a figure does.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crm_clock::Tick;
use crm_monitor::judge::{
    Alerts, Change, Edge, Hold, JudgeError, Latch, Level, Reason, Severity, Side, Threshold,
};
use proptest::prelude::*;

const SECOND: Duration = Duration::from_secs(1);

fn at(seconds: u64) -> Tick {
    Tick::ZERO + Duration::from_secs(seconds)
}

fn hold(raise: u64, clear: u64) -> Hold {
    Hold::new()
        .raise_after(raise as u32 * SECOND)
        .clear_after(clear as u32 * SECOND)
}

/// A figure that a test can set, and the alerts on it.
struct Watched {
    figure: Arc<Mutex<Option<f64>>>,
    alerts: Alerts,
}

impl Watched {
    fn by(threshold: Threshold) -> Self {
        let figure = Arc::new(Mutex::new(None));
        let source = Arc::clone(&figure);
        let mut alerts = Alerts::new();
        alerts
            .figure("busy", threshold, move || *source.lock().unwrap())
            .unwrap();
        Self { figure, alerts }
    }

    fn at(&mut self, seconds: u64, figure: Option<f64>) -> Vec<Change> {
        *self.figure.lock().unwrap() = figure;
        self.alerts.evaluate(at(seconds))
    }
}

#[test]
fn a_figure_that_wavers_about_its_limit_raises_one_alert() {
    let threshold = Threshold::over(0.9).unwrap().clear_at(0.8).unwrap();
    let mut watched = Watched::by(threshold.severity(Severity::Page).hold(hold(0, 60)));
    assert_eq!(watched.at(0, Some(0.9)), []); // at the limit
    let raised = watched.at(10, Some(0.95));
    let [Change::Raised(alert)] = &raised[..] else {
        panic!("{raised:?}")
    };
    assert_eq!(
        alert.to_string(),
        "page: busy: 0.95 (raised over 0.9, cleared at 0.8)"
    );
    assert_eq!(
        (alert.id(), alert.name(), alert.severity(), alert.since()),
        (1, "busy", Severity::Page, at(10))
    );
    let Reason::Crossing(crossing) = alert.reason() else {
        panic!("{alert:?}")
    };
    assert_eq!(
        (crossing.figure(), crossing.limit(), crossing.clear_at()),
        (Some(0.95), 0.9, 0.8)
    );
    assert_eq!(crossing.side(), Side::Over);

    for second in 11..200 {
        let figure = if second % 2 == 0 { 0.85 } else { 0.95 };
        assert_eq!(watched.at(second, Some(figure)), []);
        assert_eq!(watched.alerts.active().count(), 1);
    }
    assert_eq!(watched.at(200, Some(0.8)), []);
    assert_eq!(watched.at(259, Some(0.1)), []);
    let cleared = watched.at(260, Some(0.7));
    let [
        Change::Cleared {
            alert: same,
            lasted,
        },
    ] = &cleared[..]
    else {
        panic!("{cleared:?}")
    };
    assert_eq!((same, *lasted), (alert, 250 * SECOND));
    assert_eq!(cleared[0].alert(), alert);
    assert_eq!(
        cleared[0].to_string(),
        "cleared after 4 min 10 s: page: busy: 0.95 (raised over 0.9, cleared at 0.8)"
    );
    assert_eq!(watched.alerts.active().count(), 0);
    // The next one is another alert.
    assert_eq!(watched.at(300, Some(1.0))[0].alert().id(), 2);
}

#[test]
fn issue_what_was_raised_before_a_source_panicked_was_never_told() {
    let (mut alerts, mut breaks) = (Alerts::new(), true);
    let limit = Threshold::over(0.5).unwrap();
    let broken = Arc::new(Mutex::new(true));
    let source = Arc::clone(&broken);
    alerts.figure("good", limit, || Some(0.9)).unwrap();
    alerts
        .figure("broken", limit, move || {
            assert!(!*source.lock().unwrap_or_else(PoisonError::into_inner));
            None
        })
        .unwrap();
    let mut changes = Vec::new();
    for second in 0..3 {
        let evaluated = catch_unwind(AssertUnwindSafe(|| alerts.evaluate(at(second))));
        assert_eq!(evaluated.is_err(), breaks);
        assert_eq!(alerts.active().count(), usize::from(!breaks));
        changes.extend(evaluated.unwrap_or_default());
        breaks = false;
        *broken.lock().unwrap_or_else(PoisonError::into_inner) = breaks;
    }
    assert!(matches!(&changes[..], [Change::Raised(alert)] if alert.name() == "good"));
}

#[test]
fn under_is_the_mirror_of_over() {
    let mut watched = Watched::by(
        Threshold::under(0.6)
            .unwrap()
            .clear_at(0.7)
            .unwrap()
            .hold(Hold::new()),
    );
    assert_eq!(watched.at(0, Some(0.6)), []);
    let raised = watched.at(1, Some(0.5));
    assert_eq!(
        raised[0].to_string(),
        "ticket: busy: 0.5 (raised under 0.6, cleared at 0.7)"
    );
    assert_eq!(watched.at(2, Some(0.69)), []);
    assert!(matches!(
        watched.at(3, Some(0.7))[..],
        [Change::Cleared { .. }]
    ));
}

#[test]
fn a_threshold_refuses_what_it_cannot_compare() {
    for limit in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert!(matches!(
            Threshold::over(limit),
            Err(JudgeError::Figure { name: "limit", .. })
        ));
        assert!(matches!(
            Threshold::under(limit),
            Err(JudgeError::Figure { name: "limit", .. })
        ));
        let clear = Threshold::over(1.0).unwrap().clear_at(limit);
        assert!(matches!(
            clear,
            Err(JudgeError::Figure {
                name: "clear_at",
                ..
            })
        ));
    }
    let beyond = Threshold::over(0.9).unwrap().clear_at(0.91).unwrap_err();
    assert_eq!(
        beyond,
        JudgeError::ClearsBeyond {
            limit: 0.9,
            clear_at: 0.91
        }
    );
    assert!(
        beyond
            .to_string()
            .starts_with("an alert raised at 0.9 cannot clear at 0.91: ")
    );
    assert!(Threshold::under(0.9).unwrap().clear_at(0.89).is_err());
    assert!(Threshold::under(0.9).unwrap().clear_at(0.9).is_ok());
    let over = Threshold::over(0.9).unwrap();
    assert_eq!(over.level(Some(f64::INFINITY)), Level::Bad);
    assert_eq!(over.level(Some(f64::NEG_INFINITY)), Level::Good);
    assert_eq!(over.level(Some(f64::NAN)), Level::Unknown);
}

#[test]
fn what_lasts_too_shortly_is_not_raised() {
    let mut latch = Latch::new(hold(60, 0));
    assert_eq!(latch.update(at(0), Level::Bad), None);
    assert_eq!(latch.update(at(59), Level::Bad), None);
    assert_eq!(latch.update(at(59), Level::Between), None); // starts again
    assert_eq!(latch.update(at(60), Level::Bad), None);
    assert_eq!(latch.update(at(119), Level::Bad), None);
    assert!(!latch.is_raised());
    assert_eq!(latch.update(at(120), Level::Bad), Some(Edge::Raised));
    assert!(latch.is_raised());
    assert_eq!(latch.update(at(120), Level::Good), Some(Edge::Cleared));
}

#[test]
fn missing_data_neither_raise_nor_clear_and_are_told_after_a_time() {
    let threshold = Threshold::over(0.9).unwrap().hold(hold(20, 20));
    let mut watched = Watched::by(threshold.missing_after(Some(60 * SECOND)));
    let standing = |watched: &Watched| watched.alerts.standings().next().unwrap().to_string();
    assert_eq!(standing(&watched), "busy: unknown");
    assert!(
        watched
            .alerts
            .standings()
            .next()
            .unwrap()
            .figures()
            .is_empty()
    );
    assert_eq!(watched.at(0, Some(0.95)), []);
    assert_eq!(standing(&watched), "busy: quiet");
    assert_eq!(watched.at(10, None), []); // the twenty seconds are broken
    assert_eq!(watched.at(20, Some(0.95)), []);
    assert_eq!(watched.at(40, Some(0.95)).len(), 1);
    assert_eq!(standing(&watched), "busy: ticket");

    assert_eq!(watched.at(50, Some(0.1)), []);
    assert_eq!(watched.at(60, None), []); // and so are the good ones
    assert_eq!(watched.at(70, Some(f64::NAN)), []); // no number is no figure
    assert_eq!(standing(&watched), "busy: ticket, now unknown");
    let figure = watched.alerts.standings().next().unwrap().figures()[0].to_string();
    assert_eq!(figure, "not known (raised over 0.9, cleared at 0.9)");
    assert!(!watched.alerts.standings().next().unwrap().is_known());
    let missing = watched.at(120, None);
    assert_eq!(missing.len(), 1);
    assert_eq!(
        missing[0].to_string(),
        "ticket: busy: no data for 1 min, so that nobody knows whether all is well"
    );
    assert_eq!(watched.alerts.active().count(), 2);
    let back = watched.at(121, Some(0.1));
    assert!(
        matches!(&back[..], [Change::Cleared { alert, .. }] if *alert.reason() == Reason::Missing(60 * SECOND))
    );
    assert_eq!(watched.at(140, Some(0.1)), []);
    assert_eq!(watched.at(141, Some(0.1)).len(), 1);
    let quiet = watched.alerts.standings().next().unwrap();
    assert_eq!(
        (quiet.name(), quiet.severity(), quiet.is_known()),
        ("busy", None, true)
    );
    assert_eq!(
        quiet.figures()[0].to_string(),
        "0.1 (raised over 0.9, cleared at 0.9)"
    );

    // Figures have no value without traffic, so that nothing is said unless it was asked for.
    let mut silent = Watched::by(Threshold::over(0.9).unwrap());
    assert_eq!(silent.at(0, None), []);
    assert_eq!(silent.at(1_000_000, None), []);
}

#[test]
fn time_that_jumps_ahead_counts_and_time_that_steps_back_starts_again() {
    let mut latch = Latch::new(hold(60, 60));
    assert_eq!(latch.update(at(1_000), Level::Bad), None);
    assert_eq!(latch.update(at(90_000), Level::Bad), Some(Edge::Raised));
    assert_eq!(latch.update(at(90_010), Level::Good), None);
    assert_eq!(latch.update(at(10), Level::Good), None); // back by a day: not another day until it clears
    assert_eq!(latch.update(at(69), Level::Good), None);
    assert_eq!(latch.update(at(70), Level::Good), Some(Edge::Cleared));
    assert_eq!(latch.update(Tick::MAX, Level::Bad), None);
    assert_eq!(latch.update(Tick::MAX, Level::Bad), None); // no time passes at the end of time
}

#[test]
fn what_comes_back_soon_is_held_longer_and_what_stays_away_is_not() {
    let mut latch = Latch::new(hold(0, 10).at_most(40 * SECOND));
    let mut now = 0;
    for wait in [10, 20, 40, 40] {
        assert_eq!(latch.update(at(now), Level::Bad), Some(Edge::Raised));
        assert_eq!(latch.update(at(now + 1), Level::Good), None);
        assert_eq!(latch.update(at(now + wait), Level::Good), None, "{wait}");
        assert_eq!(
            latch.update(at(now + 1 + wait), Level::Good),
            Some(Edge::Cleared),
            "{wait}"
        );
        now += 1 + wait + 40;
    }
    now += 1; // 41 seconds after the clearing
    assert_eq!(latch.update(at(now), Level::Bad), Some(Edge::Raised));
    assert_eq!(latch.update(at(now + 1), Level::Good), None);
    assert_eq!(latch.update(at(now + 11), Level::Good), Some(Edge::Cleared));
    assert_eq!(hold(0, 10).longest(), 160 * SECOND);
    assert_eq!(hold(0, 10).at_most(SECOND).longest(), 10 * SECOND);
}

/// The obvious latch: it remembers everything, and looks back.
struct Remembering {
    hold: Hold,
    raise: Duration,
    first: Duration,
    seen: Vec<(Tick, Level)>,
    raised: bool,
    cleared: Option<Tick>,
    clear: Duration,
}

impl Remembering {
    fn update(&mut self, now: Tick, level: Level) -> Option<Edge> {
        self.seen.push((now, level));
        let (turn, wait) = if self.raised {
            (Level::Good, self.clear)
        } else {
            (Level::Bad, self.raise)
        };
        let run = self
            .seen
            .iter()
            .rev()
            .take_while(|(_, level)| *level == turn);
        let (since, _) = *run.last()?;
        if now.as_nanos() < since.as_nanos() + wait.as_nanos() as u64 {
            return None;
        }
        self.seen.clear();
        self.raised = !self.raised;
        if !self.raised {
            self.cleared = Some(now);
            return Some(Edge::Cleared);
        }
        if let Some(cleared) = self.cleared {
            let away = Duration::from_nanos(now.as_nanos() - cleared.as_nanos());
            let longest = self.hold.longest();
            self.clear = if away > longest {
                self.first
            } else {
                (2 * self.clear).min(longest)
            };
        }
        Some(Edge::Raised)
    }
}

fn level() -> impl Strategy<Value = Level> {
    prop_oneof![
        4 => Just(Level::Bad),
        4 => Just(Level::Good),
        1 => Just(Level::Between),
        1 => Just(Level::Unknown),
    ]
}

proptest! {
    #[test]
    fn a_latch_does_what_one_that_remembers_everything_does(
        raise in 0..5_u64,
        clear in 0..5_u64,
        longest in 0..40_u32,
        steps in prop::collection::vec((0..4_u64, level()), 0..300),
    ) {
        let hold = hold(raise, clear).at_most(longest * SECOND);
        let (raise, first) = (raise as u32 * SECOND, clear as u32 * SECOND);
        let mut obvious = Remembering { hold, raise, first, seen: Vec::new(), raised: false, cleared: None, clear: first };
        let mut latch = Latch::new(hold);
        let mut now = 0;
        for (step, level) in steps {
            now += step;
            prop_assert_eq!(latch.update(at(now), level), obvious.update(at(now), level));
            prop_assert_eq!(latch.is_raised(), obvious.raised);
        }
    }

    /// Good spells below the longest hold, 16 times the first one, however long and however irregular.
    #[test]
    fn a_figure_that_flaps_raises_its_alert_at_most_five_times(
        spells in prop::collection::vec((1..100_u64, 1..160_u64), 1..40),
    ) {
        let mut latch = Latch::new(hold(0, 10));
        let (mut now, mut raised) = (0, 0);
        for (bad, good) in spells {
            for (length, level) in [(bad, Level::Bad), (good, Level::Good)] {
                for _ in 0..length {
                    raised += u32::from(latch.update(at(now), level) == Some(Edge::Raised));
                    now += 1;
                }
            }
        }
        prop_assert!(raised <= 5, "{raised}");
    }

    /// Whatever the figures and the times, steps back among them: raised and cleared take turns, numbers never come twice, and what is
    /// active is what was raised and not cleared.
    #[test]
    fn changes_take_turns(
        raise in 0..3_u64,
        clear in 0..3_u64,
        steps in prop::collection::vec((0..60_u64, prop::option::weighted(0.9, 0.0..1.0)), 0..200),
    ) {
        let threshold = Threshold::over(0.5).unwrap().clear_at(0.4).unwrap().hold(hold(raise, clear));
        let mut watched = Watched::by(threshold.missing_after(Some(2 * SECOND)));
        let (mut active, mut last) = (Vec::new(), 0);
        for (now, figure) in steps {
            for change in watched.at(now, figure) {
                match change {
                    Change::Raised(alert) => {
                        prop_assert_eq!(alert.id(), last + 1);
                        last = alert.id();
                        active.push(alert);
                    }
                    Change::Cleared { alert, .. } => {
                        let place = active.iter().position(|raised| *raised == alert);
                        prop_assert!(place.is_some(), "{alert}");
                        active.remove(place.unwrap());
                    }
                }
            }
            prop_assert!(watched.alerts.active().eq(active.iter()));
            prop_assert!(active.len() <= 2);
        }
    }
}
