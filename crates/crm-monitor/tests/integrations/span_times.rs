//! A span's duration, and how much of it the span was busy and idle, however it is entered and closed.

use std::future::Future;
use std::time::Duration;

use crm_clock::{Clock, ManualClock};
use crm_monitor::{Monitor, Reading, SpanLayer, Value};
use proptest::prelude::*;
use tracing::span::EnteredSpan;
use tracing::{Dispatch, Instrument, Span, dispatcher, info_span};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;

use crate::readings::{family, histogram, value_in};

/// A monitor with busy and idle times, under a subscriber.
fn measured() -> (Monitor, ManualClock, Dispatch) {
    let (clock, hand) = Clock::manual();
    let monitor = Monitor::with_clock(clock);
    let layer = SpanLayer::builder(&monitor).idle(true).build().unwrap();
    let subscriber = tracing_subscriber::registry().with(layer);
    (monitor, hand, Dispatch::new(subscriber))
}

/// Count, and sums of whole, busy and idle times in milliseconds.
fn times(monitor: &Monitor, span: &str) -> (u64, u64, u64, u64) {
    times_in(&monitor.read(), span)
}

fn times_in(reading: &Reading, span: &str) -> (u64, u64, u64, u64) {
    let of = |name| match value_in(reading, name, &[("span", span)]) {
        Some(Value::Histogram(times)) => (times.count(), (times.sum() / 1_000_000) as u64),
        None => (0, 0),
        other => panic!("{name} is no histogram: {other:?}"),
    };
    let whole = of("span_duration_seconds");
    let busy = of("span_busy_seconds");
    let idle = of("span_idle_seconds");
    assert!(whole.0 == busy.0 && whole.0 == idle.0);
    (whole.0, whole.1, busy.1, idle.1)
}

fn pass(hand: &ManualClock, milliseconds: u64) {
    hand.advance(Duration::from_millis(milliseconds));
}

#[test]
fn a_span_that_is_entered_many_times_is_busy_in_between() {
    let (monitor, hand, dispatch) = measured();
    dispatcher::with_default(&dispatch, || {
        let span = info_span!("load");
        pass(&hand, 1);
        for _ in 0..3 {
            span.in_scope(|| pass(&hand, 10));
            pass(&hand, 5);
        }
        assert_eq!(times(&monitor, "load"), (0, 0, 0, 0));
        drop(span);
    });
    assert_eq!(times(&monitor, "load"), (1, 46, 30, 16));
}

#[test]
fn a_span_within_itself_is_busy_once() {
    let (monitor, hand, dispatch) = measured();
    dispatcher::with_default(&dispatch, || {
        let span = info_span!("load");
        span.in_scope(|| {
            pass(&hand, 1);
            span.in_scope(|| pass(&hand, 2));
            pass(&hand, 4);
        });
    });
    assert_eq!(times(&monitor, "load"), (1, 7, 7, 0));
}

#[test]
fn a_span_on_two_threads_at_once_is_busy_once_and_closes_on_either() {
    let (monitor, hand, dispatch) = measured();
    let span = dispatcher::with_default(&dispatch, || info_span!("load"));
    let entered = span.clone().entered();
    pass(&hand, 1);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let _entered = span.enter();
            pass(&hand, 2);
        });
    });
    pass(&hand, 4);
    drop(entered);
    pass(&hand, 8);
    std::thread::spawn(move || drop(span)).join().unwrap();
    assert_eq!(times(&monitor, "load"), (1, 15, 7, 8));
}

#[test]
fn a_span_lasts_as_long_as_those_within_it() {
    let (monitor, hand, dispatch) = measured();
    dispatcher::with_default(&dispatch, || {
        let outer = info_span!("outer");
        let inner = info_span!(parent: &outer, "inner");
        drop(outer);
        pass(&hand, 3);
        assert_eq!(times(&monitor, "outer").0, 0);
        drop(inner);
    });
    assert_eq!(times(&monitor, "inner"), (1, 3, 0, 3));
    assert_eq!(times(&monitor, "outer"), (1, 3, 0, 3));
}

#[test]
fn spans_of_one_name_are_one_series() {
    let (monitor, hand, dispatch) = measured();
    dispatcher::with_default(&dispatch, || {
        info_span!("load", table = "customers").in_scope(|| pass(&hand, 1));
        info_span!("load").in_scope(|| pass(&hand, 2));
    });
    assert_eq!(times(&monitor, "load"), (2, 3, 3, 0));
}

#[test]
fn a_future_in_a_span_is_idle_while_it_waits() {
    let (monitor, hand, dispatch) = measured();
    dispatcher::with_default(&dispatch, || {
        let work = async {
            pass(&hand, 1);
            let mut waited = false;
            std::future::poll_fn(|context| {
                if waited {
                    return std::task::Poll::Ready(());
                }
                waited = true;
                context.waker().wake_by_ref();
                std::task::Poll::Pending
            })
            .await;
            pass(&hand, 2);
        };
        let mut work = std::pin::pin!(work.instrument(info_span!("load")));
        let context = &mut std::task::Context::from_waker(std::task::Waker::noop());
        assert!(work.as_mut().poll(context).is_pending());
        pass(&hand, 20);
        assert!(work.as_mut().poll(context).is_ready());
    });
    assert_eq!(times(&monitor, "load"), (1, 23, 3, 20));
}

#[test]
fn names_without_end_are_in_the_overflow() {
    let monitor = Monitor::new();
    let layer = SpanLayer::builder(&monitor).limit(2).build().unwrap();
    let subscriber = tracing_subscriber::registry().with(layer);
    tracing::subscriber::with_default(subscriber, || {
        for _ in 0..5 {
            drop(info_span!("one"));
            drop(info_span!("two"));
            drop(info_span!("three"));
            drop(info_span!("four"));
        }
    });
    for name in ["span_duration_seconds", "span_busy_seconds"] {
        let counts = family(&monitor, name)
            .unwrap()
            .series
            .into_iter()
            .map(|series| {
                let crm_monitor::Value::Histogram(times) = series.value else {
                    panic!("no histogram");
                };
                times.count()
            });
        let mut counts: Vec<u64> = counts.collect();
        counts.sort_unstable();
        assert_eq!(counts, [5, 5, 10], "{name}");
    }
}

#[test]
fn only_what_passes_the_filter_is_measured() {
    let monitor = Monitor::new();
    let layer = SpanLayer::new(&monitor).unwrap();
    let layer = layer.with_filter(filter_fn(|metadata| metadata.name() != "hidden"));
    let subscriber = tracing_subscriber::registry().with(layer);
    tracing::subscriber::with_default(subscriber, || {
        let outer = info_span!("shown").entered();
        info_span!("hidden").in_scope(|| tracing::error!("inside"));
        drop(outer);
    });
    let times = family(&monitor, "span_duration_seconds").unwrap();
    assert_eq!(times.series.len(), 1);
    assert_eq!(times.series[0].labels.get("span"), Some("shown"));
}

#[test]
fn two_monitors_share_a_subscriber() {
    let monitors = [Monitor::new(), Monitor::new()];
    let [first, second] = monitors
        .each_ref()
        .map(|monitor| SpanLayer::new(monitor).unwrap());
    let subscriber = tracing_subscriber::registry().with(first).with(second);
    tracing::subscriber::with_default(subscriber, || {
        info_span!("load").in_scope(|| tracing::error!("inside"));
        drop(info_span!("load"));
    });
    for monitor in &monitors {
        let times = histogram(monitor, "span_duration_seconds", &[("span", "load")]).unwrap();
        assert_eq!((times.count(), times.failures()), (2, 1));
    }
}

#[test]
fn a_second_layer_is_told_what_to_do_instead() {
    let monitor = Monitor::new();
    let _first = SpanLayer::new(&monitor).unwrap();
    let error = SpanLayer::new(&monitor).unwrap_err().to_string();
    assert!(error.contains("SpanLayerBuilder::prefix"), "{error}");
    assert!(SpanLayer::builder(&monitor).prefix("other").build().is_ok());
}

#[test]
fn what_is_not_asked_for_is_not_registered() {
    let monitor = Monitor::new();
    let layer = SpanLayer::builder(&monitor)
        .prefix("step")
        .busy(false)
        .build();
    let subscriber = tracing_subscriber::registry().with(layer.unwrap());
    tracing::subscriber::with_default(subscriber, || drop(info_span!("load")));
    let has = |name| family(&monitor, name).is_some();
    assert!(has("step_duration_seconds"));
    assert!(!has("step_busy_seconds") && !has("step_idle_seconds"));
}

/// What happens to one of three spans.
#[derive(Clone, Copy, Debug)]
enum Step {
    Enter(usize),
    Leave(usize),
    Close(usize),
    Pass(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0..3_usize).prop_map(Step::Enter),
        3 => (0..3_usize).prop_map(Step::Leave),
        1 => (0..3_usize).prop_map(Step::Close),
        4 => (0..50_u64).prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 0..40)
}

proptest! {
    // Each case makes a subscriber, at which every call site of the program is asked anew.
    #![proptest_config(ProptestConfig {
        cases: (ProptestConfig::default().cases / 4).max(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn busy_and_idle_add_up_to_the_whole(steps in steps()) {
        let (monitor, hand, dispatch) = measured();
        let names = ["first", "second", "third"];
        // The obvious way: every millisecond belongs to each open span, and is busy if it is entered.
        let mut expected = [(0, 0, 0, 0); 3];
        dispatcher::with_default(&dispatch, || {
            let mut spans: [Option<Span>; 3] = [
                Some(info_span!(parent: None, "first")),
                Some(info_span!(parent: None, "second")),
                Some(info_span!(parent: None, "third")),
            ];
            let mut entered: [Vec<EnteredSpan>; 3] = Default::default();
            for step in steps {
                match step {
                    Step::Enter(n) => {
                        let span = spans[n].clone();
                        entered[n].extend(span.map(Span::entered));
                    }
                    Step::Leave(n) => drop(entered[n].pop()),
                    // It closes once it has been left as often as it was entered.
                    Step::Close(n) => spans[n] = None,
                    Step::Pass(milliseconds) => {
                        pass(&hand, milliseconds);
                        for (n, expected) in expected.iter_mut().enumerate() {
                            let busy = !entered[n].is_empty();
                            if busy || spans[n].is_some() {
                                expected.1 += milliseconds;
                                expected.2 += if busy { milliseconds } else { 0 };
                                expected.3 += if busy { 0 } else { milliseconds };
                            }
                        }
                    }
                }
            }
        });
        let reading = monitor.read();
        for (name, mut expected) in names.into_iter().zip(expected) {
            expected.0 = 1;
            prop_assert_eq!(times_in(&reading, name), expected);
        }
    }
}
