//! Figures that cannot be are refused with the reason; figures that can be are kept as they are.

use std::time::Duration;

use crm_monitor::advise::{CacheFigures, Figures, FiguresBuilder, FiguresError, Load, Measure};
use crm_monitor::{Histogram, Layout, Snapshot};
use proptest::prelude::*;

const MS: Duration = Duration::from_millis(1);

fn refused(builder: FiguresBuilder) -> FiguresError {
    builder.build().unwrap_err()
}

/// Every figure that takes a plain number, by the name in the error.
type Setter = (&'static str, fn(f64) -> FiguresBuilder);

const SETTERS: [Setter; 14] = [
    ("arrival_rate", |it| Figures::builder().arrival_rate(it)),
    ("arrival_variation", |it| {
        Figures::builder().arrival_variation(it)
    }),
    ("service_variation", |it| {
        Figures::builder().service_variation(it)
    }),
    ("in_flight", |it| Figures::builder().in_flight(it)),
    ("bytes_in", |it| Figures::builder().bytes_in(it)),
    ("bytes_out", |it| Figures::builder().bytes_out(it)),
    ("compressible_share", |it| {
        Figures::builder().compressible_share(it)
    }),
    ("compressed_to", |it| Figures::builder().compressed_to(it)),
    ("errors", |it| Figures::builder().errors(it)),
    ("refused", |it| Figures::builder().refused(it)),
    ("percentile", |it| Figures::builder().percentile(it, MS)),
    ("hit_ratio", |it| {
        Figures::builder().cache(CacheFigures::new(it, MS, MS))
    }),
    ("lookups", |it| {
        Figures::builder().cache(CacheFigures::new(0.5, MS, MS).lookups(it))
    }),
    ("reachable", |it| {
        Figures::builder().cache(CacheFigures::new(0.5, MS, MS).reachable(it))
    }),
];

#[test]
fn what_is_no_number_of_its_kind_is_refused_by_name() {
    for (name, set) in SETTERS {
        for hostile in [
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            -1.0,
            -1e-300,
            1e16,
            f64::MAX,
        ] {
            match refused(set(hostile)) {
                FiguresError::OutOfRange {
                    figure,
                    value,
                    least,
                    most,
                } => {
                    assert_eq!(figure, name);
                    assert!(value.to_bits() == hostile.to_bits());
                    assert!(least < most && most <= 1e15);
                }
                other => panic!("{name} {hostile}: {other}"),
            }
        }
        assert!(set(0.5).build().is_ok(), "{name}");
    }
}

#[test]
fn times_are_above_zero_and_within_a_life() {
    type Timed = fn(Duration) -> FiguresBuilder;
    let means: [Timed; 2] = [
        |it| Figures::builder().service_time(it),
        |it| Figures::builder().response_time(it),
    ];
    for set in means {
        for hostile in [Duration::ZERO, Duration::MAX] {
            let refused = refused(set(hostile));
            assert!(
                matches!(refused, FiguresError::OutOfRange { .. }),
                "{refused}"
            );
        }
        assert!(set(Duration::from_nanos(1)).build().is_ok());
    }
    for figures in [
        Figures::builder().percentile(0.5, Duration::MAX),
        Figures::builder().cache(CacheFigures::new(0.5, Duration::MAX, MS)),
        Figures::builder().cache(CacheFigures::new(0.5, MS, Duration::MAX)),
    ] {
        assert!(matches!(refused(figures), FiguresError::OutOfRange { .. }));
    }
    for workers in [0, 100_001, u32::MAX] {
        let refused = refused(Figures::builder().workers(workers));
        assert_eq!(
            refused.to_string(),
            format!("workers is {workers}: give a number from 1 to 100000, or leave it out")
        );
    }
    assert!(Figures::builder().workers(100_000).build().is_ok());
}

#[test]
fn percentiles_rise() {
    let falling = Figures::builder()
        .percentile(0.99, MS)
        .percentile(0.5, 2 * MS);
    let expected = FiguresError::PercentilesFall {
        lower: 0.5,
        higher: 0.99,
    };
    assert_eq!(refused(falling), expected);
    let twice = Figures::builder().percentile(0.5, MS).percentile(0.5, MS);
    assert!(matches!(
        refused(twice),
        FiguresError::PercentilesFall { .. }
    ));
    for share in [0.0, 1.0] {
        let end = Figures::builder().percentile(share, MS);
        assert!(matches!(refused(end), FiguresError::OutOfRange { .. }));
    }
    let figures = Figures::builder()
        .percentile(0.99, 3 * MS)
        .percentile(0.5, MS)
        .build()
        .unwrap();
    assert_eq!(figures.percentile(0.5), Some(MS));
    assert_eq!(figures.percentile(0.99), Some(3 * MS));
    assert_eq!(figures.percentile(0.9), None);
    let many = |number: u32| {
        (1..=number).fold(Figures::builder(), |figures, percent| {
            figures.percentile(f64::from(percent) / 1_000.0, MS)
        })
    };
    assert!(many(32).build().is_ok());
    for number in [33, 999] {
        let expected = FiguresError::TooManyPercentiles { most: 32 };
        assert_eq!(refused(many(number)), expected);
    }
}

#[test]
fn figures_that_contradict_each_other_are_refused() {
    let builder = || Figures::builder().arrival_rate(100.0);
    let expected = FiguresError::LittlesLaw {
        in_flight: 50.0,
        expected: 1.0,
    };
    let contradiction = builder().response_time(10 * MS).in_flight(50.0);
    assert_eq!(refused(contradiction), expected);

    let fast = builder().response_time(5 * MS).service_time(10 * MS);
    assert!(matches!(
        refused(fast),
        FiguresError::ResponseBelowService { .. }
    ));

    // One in a hundred takes a second at least: that alone is ten milliseconds.
    let tail = builder()
        .response_time(5 * MS)
        .percentile(0.99, 1_000 * MS)
        .percentile(0.5, MS);
    match refused(tail) {
        FiguresError::MeanBelowPercentiles { mean, least } => {
            assert_eq!(mean, 0.005);
            assert!((least - (0.49 * 0.001 + 0.01)).abs() < 1e-9);
        }
        other => panic!("{other}"),
    }

    let lookups = CacheFigures::new(0.5, MS, 9 * MS).lookups(3.0);
    let cache = builder().service_time(10 * MS).cache(lookups);
    let refusal = refused(cache).to_string();
    let remedy =
        "s in a service of 0.01 s: count the lookups of a request, and what they cost a worker";
    assert!(
        refusal.starts_with("lookups of 0.01") && refusal.ends_with(remedy),
        "{refusal}"
    );

    let rate_by_little = Figures::builder()
        .in_flight(1.0)
        .response_time(10 * MS)
        .errors(120.0);
    for errors in [builder().errors(120.0), rate_by_little] {
        assert!(matches!(
            refused(errors),
            FiguresError::ErrorsAboveArrivals { .. }
        ));
    }
}

/// Two counters are not read in one instant.
#[test]
fn what_measuring_makes_of_one_service_is_taken() {
    let figures = Figures::builder()
        .arrival_rate(100.0)
        .service_time(10 * MS)
        .response_time(Duration::from_micros(9_500))
        .percentile(0.99, 10 * MS)
        .in_flight(1.2)
        .errors(105.0)
        .build();
    assert!(figures.is_ok(), "{figures:?}");
    // A gauge that is looked at now and then is off by half a request, and no more.
    let rare = |in_flight| {
        let figures = Figures::builder().arrival_rate(1.0).response_time(100 * MS);
        figures.in_flight(in_flight).build().is_ok()
    };
    assert!(rare(0.0) && rare(0.6) && !rare(0.9));
    // A queue that grows is in no balance.
    let overload = Figures::builder()
        .arrival_rate(500.0)
        .service_time(10 * MS)
        .response_time(1_000 * MS)
        .in_flight(3_000.0)
        .workers(4)
        .build();
    assert!(overload.is_ok(), "{overload:?}");
}

#[test]
fn littles_law_gives_the_third() {
    let rate = || Figures::builder().arrival_rate(200.0);
    let of = |figures: FiguresBuilder| figures.build().unwrap();
    let time = of(rate().in_flight(5.0)).response_time();
    assert_eq!(time, Some(25 * MS));
    assert_eq!(of(rate().response_time(25 * MS)).in_flight(), Some(5.0));
    let figures = of(Figures::builder().response_time(25 * MS).in_flight(5.0));
    assert_eq!(figures.arrival_rate(), Some(200.0));

    // Nothing follows of nothing, nor nonsense of nonsense.
    let idle = of(Figures::builder().arrival_rate(0.0).in_flight(0.0));
    assert_eq!(idle.response_time(), None);
    let stuck = of(Figures::builder().arrival_rate(0.0).in_flight(3.0));
    assert_eq!(stuck.response_time(), None);
    let short = of(rate().in_flight(0.1).service_time(10 * MS));
    assert_eq!(short.response_time(), None);
}

#[test]
fn figures_come_from_histograms() {
    let times = Histogram::new(Layout::response_times());
    for number in 1..=1_000 {
        times.record_duration(number * MS);
    }
    for _ in 0..3 {
        times.start().fail();
    }
    let recorded = times.snapshot();
    assert_eq!(recorded.failures(), 3);
    let window = Duration::from_secs(10);
    let figures = Figures::builder()
        .responses(&recorded, window)
        .services(&recorded)
        .build()
        .unwrap();
    assert_eq!(figures.arrival_rate(), Some(100.3));
    assert_eq!(figures.errors(), Some(0.3));
    let mean = figures.response_time().unwrap().as_secs_f64();
    assert!((mean / 0.499 - 1.0).abs() < 0.001, "{mean}");
    assert_eq!(figures.response_time(), figures.service_time());
    // Uniform from 0 to twice the mean: a third.
    let variation = figures.service_variation().unwrap();
    assert!((variation - 1.0 / 3.0).abs() < 0.01, "{variation}");
    for (share, expected) in [
        (0.5, 0.5),
        (0.9, 0.9),
        (0.95, 0.95),
        (0.99, 0.99),
        (0.999, 1.0),
    ] {
        let time = figures.percentile(share).unwrap().as_secs_f64();
        assert!((time / expected - 1.0).abs() < 0.02, "{share}: {time}");
    }

    let nothing = Snapshot::empty(Layout::response_times());
    let idle = Figures::builder().responses(&nothing, window);
    let idle = idle.services(&nothing).build().unwrap();
    assert_eq!((idle.arrival_rate(), idle.errors()), (Some(0.0), Some(0.0)));
    assert_eq!((idle.response_time(), idle.service_time()), (None, None));
    let at_once = Figures::builder().responses(&recorded, Duration::ZERO);
    assert!(matches!(refused(at_once), FiguresError::OutOfRange { .. }));
}

#[test]
fn issue_a_histogram_contradicted_itself_where_its_buckets_are_wide() {
    let coarse = Layout::new(1, 1 << 40, 0.25).unwrap();
    let fast = Layout::response_times();
    let half = |time: u64| (0..100).map(move |n| if n < 49 { 0 } else { time });
    for (layout, times) in [
        (fast, vec![0; 9]),
        (fast, vec![1; 9]),
        (coarse, vec![1; 9]),
        (coarse, half(1 << 30).collect()),
        (fast, half(1 << 30).collect()),
        (fast, half(1).collect()),
    ] {
        let recorded = Histogram::new(layout);
        for time in &times {
            recorded.record(*time);
        }
        let recorded = recorded.snapshot();
        let figures = Figures::builder()
            .responses(&recorded, Duration::from_secs(10))
            .services(&recorded)
            .build()
            .unwrap();
        let mean = times.iter().sum::<u64>() as f64 / times.len() as f64;
        let told = figures.response_time().unwrap();
        assert_eq!(told, Duration::from_secs_f64(mean.max(1.0) / 1e9));
    }
}

#[test]
fn a_load_is_checked_too() {
    assert!(Load::new(1.0, 1.0, 1).is_ok());
    for (rate, time, workers) in [
        (f64::NAN, 1.0, 1),
        (-1.0, 1.0, 1),
        (1.0, 0.0, 1),
        (1.0, f64::INFINITY, 1),
        (1.0, 1.0, 0),
        (1.0, 1.0, u32::MAX),
    ] {
        assert!(Load::new(rate, time, workers).is_err());
    }
    let load = Load::new(1.0, 1.0, 1).unwrap();
    assert!(load.with_variations(-1.0, 1.0).is_err());
    assert!(load.with_variations(1.0, f64::NAN).is_err());
    assert_eq!(
        load.with_variations(4.0, 0.5).unwrap().service_variation,
        0.5
    );
}

proptest! {
    /// Whatever is taken is given back, and nothing else.
    #[test]
    fn figures_are_what_was_given(rate in 0.0..1e6_f64, micros in 1..10_000_000_u64, workers in 1..1_000_u32) {
        let time = Duration::from_micros(micros);
        let figures = Figures::builder().arrival_rate(rate).service_time(time).workers(workers).build().unwrap();
        prop_assert_eq!(figures.arrival_rate(), Some(rate));
        prop_assert_eq!(figures.service_time(), Some(time));
        prop_assert_eq!(figures.workers(), Some(workers));
        prop_assert_eq!(figures.measured(Measure::Workers), Some(f64::from(workers)));
        let busy = rate * time.as_secs_f64() / f64::from(workers);
        prop_assert_eq!(figures.utilisation(), Some(busy));
        let unknown = [Measure::ResponseTime, Measure::BytesOut, Measure::HitRatio, Measure::ErrorRate];
        prop_assert!(unknown.iter().all(|measure| figures.measured(*measure).is_none()));
    }
}
