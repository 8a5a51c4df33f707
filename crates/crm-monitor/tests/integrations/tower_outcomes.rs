//! However a request ends, it is recorded once, with its time, and as the failure that it is or is not.

use std::convert::Infallible;
use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::readings::{family, histogram, value_in};
use crate::script::{Script, Step};
use crm_clock::{Clock, ManualClock};
use crm_monitor::{Monitor, MonitorLayer, Value};
use http::{Request, Response};
use http_body::Body;
use proptest::prelude::*;
use tower::{Layer, Service, service_fn};

/// How the service takes a request.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Answer {
    Responds,
    Errs,
    PanicsWhenCalled,
    Panics,
    IsDropped,
    IsNeverPolled,
}

/// A request, its answer, and how much of it is taken.
#[derive(Clone, Debug)]
struct Plan {
    method: &'static str,
    answer: Answer,
    status: u16,
    steps: Vec<Step>,
    exact: bool,
    tells_end: bool,
    /// How often the body is polled at most.
    polls: usize,
}

/// What is to be recorded.
#[derive(Debug, Default, PartialEq)]
struct Expected {
    status: &'static str,
    failed: bool,
    cut: bool,
    bytes: u64,
    milliseconds: u64,
}

/// How long the service takes to answer, each step of a body, and the client to drop what it has, in milliseconds.
const ANSWER: u64 = 10;
const STEP: u64 = 3;
const DROP: u64 = 100;

/// The obvious way to tell what should be recorded.
fn expected(plan: &Plan) -> Expected {
    let failed = |status, milliseconds| Expected {
        status,
        failed: true,
        milliseconds,
        ..Expected::default()
    };
    match plan.answer {
        Answer::Responds => {}
        Answer::Errs => return failed("error", ANSWER),
        Answer::PanicsWhenCalled => return failed("panicked", 0),
        Answer::Panics => return failed("panicked", ANSWER),
        Answer::IsDropped => return failed("dropped", ANSWER + DROP),
        Answer::IsNeverPolled => return failed("dropped", DROP),
    }
    let mut expected = Expected {
        status: match plan.status {
            100..200 => "1xx",
            200..300 => "2xx",
            300..400 => "3xx",
            400..500 => "4xx",
            500..600 => "5xx",
            _ => "other",
        },
        failed: (500..600).contains(&plan.status),
        milliseconds: ANSWER,
        ..Expected::default()
    };
    let mut ended = plan.tells_end && plan.steps.is_empty();
    let mut steps = plan.steps.iter();
    for _ in 0..plan.polls {
        if ended {
            break;
        }
        expected.milliseconds += STEP;
        match steps.next() {
            Some(Step::Data(bytes)) => expected.bytes += *bytes as u64,
            Some(Step::Trailers) => {}
            Some(Step::Fail) => {
                expected.failed = true;
                ended = true;
            }
            Some(Step::Panic) => {
                // It ends where what has panicked is dropped.
                expected.failed = true;
                expected.milliseconds += DROP;
                return expected;
            }
            None => ended = true,
        }
        ended |= plan.tells_end && steps.len() == 0;
    }
    if !ended {
        expected.milliseconds += DROP;
        let all: u64 = plan
            .steps
            .iter()
            .map(|step| match step {
                Step::Data(bytes) => *bytes as u64,
                _ => 0,
            })
            .sum();
        let bodiless = plan.method == "HEAD" || matches!(plan.status, 100..200 | 204 | 304);
        expected.cut = !(bodiless || (plan.exact && expected.bytes == all));
    }
    expected
}

/// Does what the plan says.
fn follow(layer: &MonitorLayer, hand: &ManualClock, plan: &Plan) {
    let pass = |milliseconds| hand.advance(Duration::from_millis(milliseconds));
    let mut service = layer.layer(service_fn(|_: Request<_>| {
        if plan.answer == Answer::PanicsWhenCalled {
            resume_unwind(Box::new("called"));
        }
        let hand = hand.clone();
        async move {
            hand.advance(Duration::from_millis(ANSWER));
            match plan.answer {
                Answer::Responds => {}
                Answer::Errs => return Err("refused"),
                Answer::IsDropped => pending().await,
                Answer::Panics | Answer::PanicsWhenCalled | Answer::IsNeverPolled => {
                    resume_unwind(Box::new("polled"))
                }
            }
            let body = Script::new(plan.steps.iter().copied())
                .exact(plan.exact)
                .tells_end(plan.tells_end)
                .before_each(move || {
                    hand.advance(Duration::from_millis(STEP));
                });
            Ok(Response::builder().status(plan.status).body(body).unwrap())
        }
    }));
    let request = Request::builder().method(plan.method).body(()).unwrap();
    let context = &mut Context::from_waker(Waker::noop());
    let called = AssertUnwindSafe(|| {
        let mut future = pin!(service.call(request));
        if plan.answer == Answer::IsNeverPolled {
            pass(DROP);
            return None;
        }
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context)));
        match polled {
            Ok(Poll::Ready(Ok(response))) => Some(response),
            Ok(Poll::Ready(Err("refused"))) => None,
            Ok(Poll::Pending) => {
                pass(DROP);
                None
            }
            _ => None,
        }
    });
    if let Ok(Some(response)) = catch_unwind(called) {
        let mut body = Box::pin(response.into_body());
        for _ in 0..plan.polls {
            let polled = catch_unwind(AssertUnwindSafe(|| body.as_mut().poll_frame(context)));
            if !matches!(polled, Ok(Poll::Ready(Some(Ok(_))))) {
                break;
            }
        }
        pass(DROP);
    }
    assert_eq!(layer.in_flight().value(), 0);
}

fn plans() -> impl Strategy<Value = Plan> {
    let answer = prop_oneof![
        12 => Just(Answer::Responds),
        1 => Just(Answer::Errs),
        1 => Just(Answer::PanicsWhenCalled),
        1 => Just(Answer::Panics),
        1 => Just(Answer::IsDropped),
        1 => Just(Answer::IsNeverPolled),
    ];
    let step = prop_oneof![
        6 => (0..5000_usize).prop_map(Step::Data),
        1 => Just(Step::Trailers),
        1 => Just(Step::Fail),
        1 => Just(Step::Panic),
    ];
    let method = prop::sample::select(vec!["GET", "HEAD", "POST", "PATCH", "TRACE", "BREW", "get"]);
    let status = prop::sample::select(vec![
        101, 200, 204, 206, 301, 304, 404, 499, 500, 503, 599, 600, 999,
    ]);
    let steps = prop::collection::vec(step, 0..4);
    (
        method,
        answer,
        status,
        steps,
        any::<bool>(),
        any::<bool>(),
        0..6_usize,
    )
        .prop_map(
            |(method, answer, status, steps, exact, tells_end, polls)| Plan {
                method,
                answer,
                status,
                steps,
                exact,
                tells_end,
                polls,
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_request_is_recorded_once_as_it_ended(plans in prop::collection::vec(plans(), 1..8)) {
        let (clock, hand) = Clock::manual();
        let monitor = Monitor::with_clock(clock);
        let layer = MonitorLayer::new(&monitor).unwrap();
        let mut cut = 0;
        let mut bytes = 0;
        let mut failures = 0;
        let mut time = Duration::ZERO;
        let mut by_label = std::collections::BTreeMap::new();
        for plan in &plans {
            follow(&layer, &hand, plan);
            let expected = expected(plan);
            cut += u64::from(expected.cut);
            bytes += expected.bytes;
            failures += u64::from(expected.failed);
            time += Duration::from_millis(expected.milliseconds);
            let method = if ["BREW", "get"].contains(&plan.method) { "other" } else { plan.method };
            *by_label.entry((method, expected.status)).or_insert(0) += 1;
            let times = layer.response_times().snapshot();
            prop_assert_eq!(times.sum(), time.as_nanos(), "{:?}", plan);
            prop_assert_eq!(times.failures(), failures, "{:?}", plan);
            prop_assert_eq!(layer.responses_cut().value(), cut, "{:?}", plan);
            prop_assert_eq!(layer.response_bytes().value(), bytes, "{:?}", plan);
        }
        prop_assert_eq!(layer.response_times().snapshot().count(), plans.len() as u64);
        let reading = monitor.read();
        for ((method, status), expected) in &by_label {
            let labels = [("method", *method), ("status", *status)];
            let requests = value_in(&reading, "http_requests", &labels);
            prop_assert!(matches!(requests, Some(Value::Counter(count)) if count == *expected));
        }
        let series = family(&monitor, "http_requests").unwrap().series;
        prop_assert_eq!(series.len(), by_label.len());
    }
}

/// A service whose answer says its length in a header, as one does that passes on what another server sends.
#[test]
fn a_length_that_the_header_tells_is_a_length() {
    let monitor = Monitor::new();
    let layer = MonitorLayer::new(&monitor).unwrap();
    for (length, cut) in [("9", 0), ("10", 1), ("-", 2)] {
        let mut service = layer.layer(service_fn(|_: Request<_>| async {
            let response = Response::builder().header("content-length", length);
            Ok::<_, Infallible>(response.body(Script::new([Step::Data(9)])).unwrap())
        }));
        let mut future = pin!(service.call(Request::new(())));
        let context = &mut Context::from_waker(Waker::noop());
        let Poll::Ready(Ok(response)) = future.as_mut().poll(context) else {
            panic!("it does not wait");
        };
        let mut body = Box::pin(response.into_body());
        assert!(matches!(
            Pin::new(&mut body).poll_frame(context),
            Poll::Ready(Some(Ok(_)))
        ));
        drop(body);
        assert_eq!(layer.responses_cut().value(), cut, "{length}");
    }
    let times = histogram(&monitor, "http_response_time_seconds", &[]).unwrap();
    assert_eq!((times.count(), times.failures()), (3, 0));
}
