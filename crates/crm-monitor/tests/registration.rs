//! What may be registered, what may not, and that a refusal changes nothing.

use std::collections::HashSet;
use std::error::Error;
use std::time::{Duration, SystemTime};

use crm_monitor::{
    BuildError, Counter, Difference, HelpError, Kind, LabelError, Layout, Monitor, NameError,
    RegisterError, Unit, UnitError, Value,
};
use proptest::prelude::{Strategy, any, prop};
use proptest::test_runner::Config;
use proptest::{prop_oneof, proptest};

#[path = "support/names.rs"]
mod names;

fn refused<T: std::fmt::Debug>(result: Result<T, RegisterError>) -> RegisterError {
    result.expect_err("this cannot be registered")
}

fn name_error(name: &str) -> NameError {
    match refused(Monitor::new().gauge(name).register()) {
        RegisterError::Name(error) => error,
        other => panic!("{name:?}: {other:?}"),
    }
}

fn label_error(name: &str, value: &str) -> LabelError {
    let monitor = Monitor::new();
    match refused(monitor.counter("logins").label(name, value).register()) {
        RegisterError::Label(error) => error,
        other => panic!("{name:?}: {other:?}"),
    }
}

fn unit_error<T: std::fmt::Debug>(result: Result<T, RegisterError>) -> UnitError {
    match refused(result) {
        RegisterError::Unit(error) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_name_that_cannot_be_exposed_is_refused_for_its_own_reason() {
    assert_eq!(name_error(""), NameError::Empty);
    for (name, character) in [
        ("9lives", '9'),
        ("http.requests", '.'),
        ("http-requests", '-'),
        ("http:requests", ':'),
        ("http requests", ' '),
        ("anfragen_für_kunden", 'ü'),
        ("two\nlines", '\n'),
    ] {
        let name = name.to_owned();
        assert_eq!(name_error(&name), NameError::Character { name, character });
    }
    for name in ["_requests", "__name__", "_"] {
        let name = name.to_owned();
        assert_eq!(name_error(&name), NameError::LeadingUnderscore { name });
    }
    for suffix in [
        "_total", "_created", "_bucket", "_sum", "_count", "_gsum", "_gcount",
    ] {
        let name = format!("queue{suffix}");
        assert_eq!(name_error(&name), NameError::Suffix { name, suffix });
    }
    let name = "crm_monitor_overflowed_lookups".to_owned();
    let prefix = "crm_monitor_";
    assert_eq!(name_error(&name), NameError::Reserved { name, prefix });
}

#[test]
fn a_name_is_refused_for_every_kind_of_instrument() {
    let monitor = Monitor::new();
    let name = "requests_total";
    let refusals = [
        refused(monitor.counter(name).register()),
        refused(monitor.gauge(name).register()),
        refused(monitor.in_flight(name).register()),
        refused(monitor.histogram(name).register()),
        refused(monitor.counters(name, ["route"]).register()),
        refused(monitor.gauges(name, ["route"]).register()),
        refused(monitor.in_flights(name, ["route"]).register()),
        refused(monitor.histograms(name, ["route"]).register()),
        refused(monitor.observe_gauge(name).register(|| 1.0)),
        refused(monitor.observe_counter(name).register(|| 1.0)),
        refused(monitor.counter(name).adopt(&Counter::new())),
    ];
    for refusal in refusals {
        let suffix = "_total";
        let name = name.to_owned();
        assert_eq!(refusal, NameError::Suffix { name, suffix }.into());
    }
    assert!(monitor.read().families.is_empty());
}

#[test]
fn what_is_as_long_as_allowed_is_taken_and_a_byte_more_is_not() {
    let monitor = Monitor::new();
    let long = |bytes| "n".repeat(bytes);
    monitor.gauge(&long(200)).register().unwrap();
    assert_eq!(
        name_error(&long(201)),
        NameError::TooLong {
            length: 201,
            limit: 200
        }
    );

    let labelled =
        |name: &str, value: &str| monitor.counter(&long(10)).label(name, value).register();
    assert_eq!(
        label_error(&long(101), "x"),
        LabelError::NameTooLong {
            length: 101,
            limit: 100
        }
    );
    labelled(&long(100), &"v".repeat(256)).unwrap();
    assert_eq!(
        label_error("route", &"v".repeat(257)),
        LabelError::ValueTooLong {
            name: "route".to_owned(),
            length: 257,
            limit: 256
        }
    );

    let helped = |name: &str, bytes| monitor.gauge(name).help(&"h".repeat(bytes)).register();
    helped("helped", 1000).unwrap();
    assert_eq!(
        refused(helped("helpless", 1001)),
        HelpError::TooLong {
            length: 1001,
            limit: 1000
        }
        .into()
    );

    let many = |name: &str, count: usize| {
        let labels = (0..count).map(|index| format!("l{index}"));
        let registration = labels.fold(monitor.counter(name), |registration, label| {
            registration.label(&label, "x")
        });
        registration.register()
    };
    many("sixteen", 16).unwrap();
    assert_eq!(
        refused(many("seventeen", 17)),
        LabelError::TooMany {
            count: 17,
            limit: 16
        }
        .into()
    );
}

#[test]
fn a_label_that_cannot_be_exposed_is_refused_for_its_own_reason() {
    assert_eq!(label_error("", "x"), LabelError::Empty);
    for (name, character) in [
        ("1st", '1'),
        ("http.route", '.'),
        ("a:b", ':'),
        ("größe", 'ö'),
    ] {
        let name = name.to_owned();
        assert_eq!(
            label_error(&name, "x"),
            LabelError::Character { name, character }
        );
    }
    for name in ["le", "quantile", "overflow", "_route", "__name__"] {
        let name = name.to_owned();
        assert_eq!(label_error(&name, "x"), LabelError::Reserved { name });
    }
    let monitor = Monitor::new();
    let repeated: RegisterError = LabelError::Repeated {
        name: "route".to_owned(),
    }
    .into();
    let twice = monitor
        .counter("logins")
        .label("route", "/a")
        .label("route", "/b");
    assert_eq!(refused(twice.register()), repeated);
    assert_eq!(
        refused(monitor.counters("logins", ["route", "route"]).register()),
        repeated
    );
    let constant = monitor.counters("logins", ["route"]).label("route", "/a");
    assert_eq!(refused(constant.register()), repeated);
    assert_eq!(
        refused(monitor.counters("logins", []).register()),
        LabelError::Missing.into()
    );
    assert_eq!(
        refused(monitor.histograms("times_seconds", ["le"]).register()),
        LabelError::Reserved {
            name: "le".to_owned()
        }
        .into()
    );
}

#[test]
fn the_name_tells_the_unit_and_a_declaration_must_agree() {
    let monitor = Monitor::new();
    let told = [
        ("response_time_seconds", Unit::Seconds),
        ("body_bytes", Unit::Bytes),
        ("rack_celsius", Unit::Celsius),
        ("seconds", Unit::None),
        ("kilobytes", Unit::None),
        ("answers", Unit::None),
        ("seconds_late_answers", Unit::None),
        ("myseconds", Unit::None),
    ];
    for (name, unit) in told {
        monitor.histogram(name).unit(unit).register().unwrap();
        assert_eq!(monitor.read().family(name).unwrap().unit, unit, "{name}");
        let undeclared = Monitor::new();
        undeclared.histogram(name).register().unwrap();
        assert_eq!(undeclared.read().family(name).unwrap().unit, unit, "{name}");
    }
    for (name, declared, told) in [
        ("response_time", Unit::Seconds, Unit::None),
        ("response_bytes", Unit::Seconds, Unit::Bytes),
        ("idle_seconds", Unit::None, Unit::Seconds),
    ] {
        assert_eq!(
            unit_error(monitor.counter(name).unit(declared).register()),
            UnitError::NotOfName {
                name: name.to_owned(),
                declared,
                told
            }
        );
    }
    let scaled = [
        (
            Unit::Seconds,
            "weeks days hours minutes sec secs milliseconds millis ms microseconds micros us nanoseconds nanos ns",
        ),
        (
            Unit::Bytes,
            "bits octets kilobytes kibibytes kb megabytes mebibytes mb gigabytes gibibytes gb",
        ),
        (Unit::Ratio, "percent percentage"),
        (Unit::Amperes, "milliamperes"),
        (Unit::Grams, "kilograms"),
        (Unit::Meters, "kilometers"),
        (Unit::Volts, "millivolts"),
    ];
    for (base, words) in scaled {
        for word in words.split(' ') {
            let name = format!("figure_{word}");
            assert_eq!(
                unit_error(monitor.observe_gauge(&name).register(|| 1.0)),
                UnitError::Scaled { name, base }
            );
        }
    }
    let name = "hit_ratio";
    monitor.observe_gauge(name).register(|| 0.5).unwrap();
    for refusal in [
        unit_error(monitor.gauge(name).register()),
        unit_error(monitor.histograms(name, ["cache"]).register()),
    ] {
        let name = name.to_owned();
        assert_eq!(refusal, UnitError::WholeRatio { name });
    }
}

#[test]
fn a_series_is_registered_once_and_like_its_siblings() {
    let monitor = Monitor::new();
    let coarse = Layout::new(1, 1000, 0.05).unwrap();
    let one = || {
        monitor
            .counter("answers")
            .help("Answers.")
            .label("route", "/a")
            .label("method", "GET")
    };
    one().register().unwrap();
    let other_order = monitor
        .counter("answers")
        .help("Answers.")
        .label("method", "GET")
        .label("route", "/a");
    let duplicate = RegisterError::Duplicate {
        name: "answers".to_owned(),
    };
    assert_eq!(refused(one().register()), duplicate);
    assert_eq!(refused(other_order.register()), duplicate);

    let second = monitor
        .counter("answers")
        .help("Answers.")
        .label("method", "POST")
        .label("route", "/a");
    second.register().unwrap().add(7);
    let reading = monitor.read();
    let family = reading.family("answers").unwrap();
    let labels: Vec<String> = family
        .series
        .iter()
        .map(|series| format!("{:?}", series.labels))
        .collect();
    assert_eq!(
        labels,
        [
            r#"{"route": "/a", "method": "GET"}"#,
            r#"{"route": "/a", "method": "POST"}"#
        ],
        "in the order of the first"
    );
    let found = family.value(&[("method", "POST"), ("route", "/a")]);
    assert!(matches!(found, Some(Value::Counter(7))), "{found:?}");

    monitor
        .histogram("times")
        .layout(coarse)
        .label("route", "/a")
        .register()
        .unwrap();
    monitor.counters("by_route", ["route"]).register().unwrap();
    let conflicts = [
        (
            refused(
                monitor
                    .gauge("answers")
                    .help("Answers.")
                    .label("route", "/b")
                    .label("method", "GET")
                    .register(),
            ),
            Difference::Kind,
        ),
        (
            refused(
                monitor
                    .counter("answers")
                    .help("Replies.")
                    .label("route", "/b")
                    .label("method", "GET")
                    .register(),
            ),
            Difference::Help,
        ),
        (
            refused(
                monitor
                    .counter("answers")
                    .help("Answers.")
                    .label("route", "/b")
                    .register(),
            ),
            Difference::LabelNames,
        ),
        (
            refused(
                monitor
                    .counter("answers")
                    .help("Answers.")
                    .label("route", "/b")
                    .label("verb", "GET")
                    .register(),
            ),
            Difference::LabelNames,
        ),
        (
            refused(
                monitor
                    .counter("answers")
                    .help("Answers.")
                    .label("route", "/b")
                    .label("method", "GET")
                    .label("verb", "GET")
                    .register(),
            ),
            Difference::LabelNames,
        ),
        (
            refused(monitor.histogram("times").label("route", "/b").register()),
            Difference::Layout,
        ),
        (
            refused(monitor.counter("by_route").label("route", "/b").register()),
            Difference::Form,
        ),
    ];
    for (refusal, expected) in conflicts {
        match refusal {
            RegisterError::Conflict { difference, .. } => assert_eq!(difference, expected),
            other => panic!("{other:?} instead of {expected:?}"),
        }
    }
    let name = "answers".to_owned();
    assert_eq!(
        refused(monitor.counters("answers", ["route"]).register()),
        RegisterError::Duplicate { name }
    );
}

#[test]
fn the_name_of_a_histograms_failures_is_its_own() {
    let refusal = RegisterError::Failures {
        name: "load_failures".into(),
        histogram: "load".into(),
    };
    let first = Monitor::new();
    first.histogram("load").register().unwrap();
    let by_label = Monitor::new();
    by_label.histograms("load", ["of"]).register().unwrap();
    for monitor in [first, by_label] {
        let name = "load_failures";
        for refused in [
            refused(monitor.counter(name).register()),
            refused(monitor.histogram(name).register()),
            refused(monitor.gauges(name, ["of"]).register()),
            refused(monitor.observe_counter(name).register(|| 1.0)),
        ] {
            assert_eq!(refused, refusal);
        }
        assert!(monitor.read().family(name).is_none());
        // It is free again with the histogram.
        assert!(monitor.remove("load"));
        monitor.counter(name).register().unwrap();
        assert_eq!(refused(monitor.histogram("load").register()), refusal);
        let by_label = monitor.histograms("load", ["of"]);
        assert_eq!(refused(by_label.register()), refusal);
        // Only histograms have failures.
        monitor.counter("load").register().unwrap();
    }
    let name = refusal.to_string();
    assert!(
        name.contains("\"load_failures\"") && name.contains("\"load\""),
        "{name}"
    );
}

#[test]
fn a_refusal_changes_nothing() {
    let monitor = Monitor::builder().series_limit(4).build().unwrap();
    monitor
        .counter("answers")
        .label("route", "/a")
        .register()
        .unwrap();
    monitor
        .histograms("times_seconds", ["route"])
        .register()
        .unwrap();
    let before = format!("{:?}", monitor.read().families);
    assert_eq!(monitor.series(), 2);

    refused(monitor.counter("answers").label("route", "/a").register());
    refused(monitor.gauge("answers").label("route", "/b").register());
    refused(monitor.counters("times_seconds", ["route"]).register());
    refused(
        monitor
            .counter("answers")
            .label("route", "/b")
            .help(&"h".repeat(2000))
            .register(),
    );
    refused(monitor.observe_gauge("answers").register(|| 1.0));
    assert_eq!(format!("{:?}", monitor.read().families), before);
    assert_eq!(monitor.series(), 2);
}

#[test]
fn a_full_monitor_refuses_and_room_comes_back_by_removal() {
    let monitor = Monitor::builder().series_limit(3).build().unwrap();
    let full = RegisterError::SeriesLimit { limit: 3 };
    monitor
        .counter("one")
        .label("route", "/a")
        .register()
        .unwrap();
    monitor
        .counter("one")
        .label("route", "/b")
        .register()
        .unwrap();
    monitor.gauges("by_route", ["route"]).register().unwrap();
    assert_eq!(
        refused(monitor.counter("one").label("route", "/c").register()),
        full
    );
    assert_eq!(refused(monitor.gauge("two").register()), full);
    assert_eq!(refused(monitor.gauges("two", ["route"]).register()), full);

    assert!(monitor.remove("by_route"));
    assert!(!monitor.remove("by_route"));
    monitor.gauge("two").register().unwrap();
    assert_eq!(refused(monitor.gauge("three").register()), full);

    assert!(!monitor.remove_series("one", &[("route", "/c")]));
    assert!(!monitor.remove_series("one", &[]));
    assert!(!monitor.remove_series("four", &[]));
    assert!(monitor.remove_series("one", &[("route", "/a")]));
    monitor.gauge("three").register().unwrap();
    assert!(monitor.remove("one"));
    monitor.gauge("one").register().unwrap();
    assert_eq!(monitor.series(), 3);
    let reading = monitor.read();
    let names: Vec<&str> = reading
        .families
        .iter()
        .map(|family| &*family.name)
        .collect();
    assert_eq!(names, ["one", "three", "two"]);
    assert_eq!(reading.family("one").unwrap().kind, Kind::Gauge);
}

#[test]
fn the_last_series_takes_its_name_along() {
    let monitor = Monitor::new();
    monitor
        .counter("logins")
        .label("by", "password")
        .register()
        .unwrap();
    assert!(monitor.remove_series("logins", &[("by", "password")]));
    monitor.gauge("logins").register().unwrap(); // no conflict with what is gone
    assert!(monitor.remove_series("logins", &[]));
    assert!(monitor.read().families.is_empty());
    assert_eq!(monitor.series(), 0);
}

#[test]
fn a_namespace_begins_every_name() {
    let build = |namespace: &str| Monitor::builder().namespace(namespace).build();
    let monitor = build("crm").unwrap();
    monitor
        .histogram("response_time_seconds")
        .register()
        .unwrap();
    let reading = monitor.read();
    let family = reading.family("crm_response_time_seconds").unwrap();
    assert_eq!(family.unit, Unit::Seconds);
    assert!(monitor.remove("crm_response_time_seconds"));
    assert!(matches!(
        refused(monitor.counter("monitor_logins").register()),
        RegisterError::Name(NameError::Reserved { .. })
    ));
    monitor.counter("9").register().unwrap(); // crm_9
    assert_eq!(
        refused(monitor.counter("").register()),
        RegisterError::Name(NameError::Empty)
    );

    assert_eq!(
        build("9").unwrap_err(),
        BuildError::Namespace(NameError::Character {
            name: "9".to_owned(),
            character: '9'
        })
    );
    assert_eq!(
        build("_crm").unwrap_err(),
        BuildError::Namespace(NameError::LeadingUnderscore {
            name: "_crm".to_owned()
        })
    );
    assert_eq!(
        build(&"n".repeat(101)).unwrap_err(),
        BuildError::Namespace(NameError::TooLong {
            length: 101,
            limit: 100
        })
    );
    build(&"n".repeat(100)).unwrap();
    build("requests_total").unwrap(); // no name ends there
    assert_eq!(
        Monitor::builder().series_limit(0).build().unwrap_err(),
        BuildError::NoSeries
    );
}

/// What prints an error prints its causes behind it: a text that holds that of another has it as no cause.
#[test]
fn an_error_says_what_is_wrong_once() {
    let of_name = name_error("9");
    let of_namespace = Monitor::builder().namespace("9").build().unwrap_err();
    assert!(of_namespace.source().is_none());
    assert!(of_namespace.to_string().ends_with(&of_name.to_string()));
    let refusal = RegisterError::from(of_name.clone());
    assert!(refusal.source().is_none());
    assert_eq!(refusal.to_string(), of_name.to_string());
}

#[test]
fn each_series_tells_when_it_was_created() {
    let day = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let (clock, hand) = crm_clock::Clock::manual();
    let wall = clock.clone();
    let monitor = Monitor::builder()
        .clock(clock)
        .wall_clock(move || day + (wall.now() - crm_clock::Tick::ZERO))
        .build()
        .unwrap();
    let second = Duration::from_secs(1);
    monitor
        .counter("logins")
        .label("by", "password")
        .register()
        .unwrap();
    hand.advance(second);
    monitor
        .counter("logins")
        .label("by", "key")
        .register()
        .unwrap();
    let by_route = monitor
        .gauges("open", ["route"])
        .limit(1)
        .register()
        .unwrap();
    hand.advance(second);
    by_route.with(["/a"]).set(1);
    hand.advance(second);
    by_route.with(["/b"]).set(1);
    hand.advance(second);
    let reading = monitor.read();
    assert_eq!(reading.taken, day + 4 * second);
    let created: Vec<_> = reading
        .families
        .iter()
        .flat_map(|family| &family.series)
        .map(|series| series.created.duration_since(day).unwrap().as_secs())
        .collect();
    // The overflowed lookups since the family was registered; by key, by password; /a, then the overflow.
    assert_eq!(created, [1, 1, 0, 2, 3]);
}

#[test]
fn an_instrument_of_ones_own_is_exposed_as_it_is() {
    let monitor = Monitor::new();
    let hits = Counter::new();
    hits.add(3);
    monitor.counter("hits").adopt(&hits).unwrap();
    hits.add(4);
    let reading = monitor.read();
    assert!(matches!(
        reading.family("hits").unwrap().value(&[]),
        Some(Value::Counter(7))
    ));
    let coarse = Layout::new(1, 1000, 0.05).unwrap();
    let sizes = crm_monitor::Histogram::new(coarse);
    monitor
        .histogram("sizes")
        .label("of", "a")
        .adopt(&sizes)
        .unwrap();
    let fine = monitor.histogram("sizes").label("of", "b").register();
    assert!(matches!(
        refused(fine),
        RegisterError::Conflict {
            difference: Difference::Layout,
            ..
        }
    ));
}

/// Every error with its text.
#[test]
fn every_refusal_says_what_to_do_instead() {
    let monitor = Monitor::builder().series_limit(1).build().unwrap();
    monitor.counter("logins").register().unwrap();
    let errors = [
        refused(monitor.counter("").register()),
        refused(monitor.counter(&"n".repeat(201)).register()),
        refused(monitor.counter("http.requests").register()),
        refused(monitor.counter("_requests").register()),
        refused(monitor.counter("requests_total").register()),
        refused(monitor.counter("requests_count").register()),
        refused(monitor.counter("crm_monitor_x").register()),
        refused(monitor.counter("a").label("", "x").register()),
        refused(monitor.counter("a").label(&"n".repeat(101), "x").register()),
        refused(monitor.counter("a").label("a.b", "x").register()),
        refused(monitor.counter("a").label("le", "x").register()),
        refused(
            monitor
                .counter("a")
                .label("b", "x")
                .label("b", "y")
                .register(),
        ),
        refused(monitor.counters("a", ["b"; 17]).register()),
        refused(monitor.counters("a", []).register()),
        refused(monitor.counter("a").label("b", &"v".repeat(257)).register()),
        refused(monitor.counter("a").unit(Unit::Bytes).register()),
        refused(monitor.counter("a_bytes").unit(Unit::None).register()),
        refused(monitor.counter("a_ms").register()),
        refused(monitor.gauge("a_ratio").register()),
        refused(monitor.counter("a").help(&"h".repeat(1001)).register()),
        refused(monitor.counter("logins").register()),
        refused(monitor.gauge("logins").register()),
        refused(monitor.counter("logouts").register()),
    ];
    let mut texts = HashSet::new();
    for error in errors {
        let text = error.to_string();
        let (what, remedy) = text.split_once(": ").expect(&text);
        assert!(!what.is_empty() && remedy.len() >= 10, "{text}");
        assert!(!text.ends_with('.') && !text.contains("  "), "{text}");
        assert!(texts.insert(text.clone()), "twice: {text}");
    }
    let namespace = Monitor::builder().namespace("9").build().unwrap_err();
    assert!(namespace.to_string().contains("begin with an ASCII letter"));
}

/// Names as people write them, and as they should not.
fn written() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        "[a-z]{1,6}",
        "[A-Z][a-z]{0,4}",
        "[0-9]{1,2}",
        "total|created|bucket|sum|count|info|gsum|gcount",
        "seconds|bytes|ratio|ms|percent",
        "load|failures",
        "|_|\\.|:|é|\n",
    ];
    prop_oneof![
        4 => prop::collection::vec(word, 1..4).prop_map(|words| words.join("_")),
        1 => any::<String>(),
    ]
}

proptest! {
    #![proptest_config(Config { cases: Config::default().cases.min(64), failure_persistence: None, ..Config::default() })]

    #[test]
    fn what_is_taken_is_taken_as_written_and_clashes_with_nothing(
        names in prop::collection::vec((written(), any::<u8>()), 1..30)
    ) {
        names::register(&names);
    }
}
