//! Where a true error ratio lies, against values of the textbook formula at 60 digits.

use crm_monitor::judge::{Confidence, Events};
use proptest::prelude::*;

/// `k` of `n`, and both ends of Wilson's interval, computed from the formula as Wilson wrote it with mpmath 1.3.0 at 60 digits; the
/// quantiles there are `sqrt(2) erfinv(confidence)`.
const ONE_SIDED_95: [(u64, u64, f64, f64); 10] = [
    (0, 1, 0.0, 0.730_134_051_215_945_9),
    (0, 20, 0.0, 0.119_157_837_360_964_55),
    (1, 3, 0.078_265_726_333_728_39, 0.746_466_131_718_776),
    (1, 1, 0.269_865_948_784_054_07, 1.0),
    (4, 100, 0.018_082_405_749_339_85, 0.086_152_897_371_180_54),
    (5, 10, 0.269_271_821_138_267_2, 0.730_728_178_861_732_8),
    (
        164,
        10_000,
        0.014_437_899_445_796_48,
        0.018_623_709_937_528_17,
    ),
    (
        3,
        1_000_000_000,
        1.198_945_209_324_079_5e-9,
        7.506_598_221_218_109e-9,
    ),
    (
        999_999_999,
        1_000_000_000,
        0.999_999_995_517_548_8,
        0.999_999_999_776_907_8,
    ),
    (
        1,
        u64::MAX,
        1.209_385_351_944_422_2e-20,
        2.429_941_682_633_154_3e-19,
    ),
];
const P95: [(u64, u64, f64, f64); 6] = [
    (0, 20, 0.0, 0.161_125_158_052_819_38),
    (1, 3, 0.061_491_944_720_396_23, 0.792_340_399_197_952_3),
    (
        3,
        1_000,
        0.001_020_783_881_138_618_8,
        0.008_783_014_053_503_175,
    ),
    (7, 7, 0.645_669_564_933_312_5, 1.0),
    (
        1_000_000_000_000_007,
        3_000_000_000_000_000_000,
        0.000_333_333_312_676_945_5,
        0.000_333_333_353_989_727_1,
    ),
    (u64::MAX, u64::MAX, 1.0, 1.0),
];
const P99: [(u64, u64, f64, f64); 3] = [
    (1, 1, 0.130_977_543_280_185_85, 1.0),
    (2, 100, 0.003_914_877_230_097_624, 0.095_816_982_977_092_44),
    (
        165,
        10_000,
        0.013_524_741_745_967_473,
        0.020_116_427_346_288_19,
    ),
];
const P999: [(u64, u64, f64, f64); 3] = [
    (1, 3, 0.026_757_480_842_205_618, 0.900_923_212_371_785_2),
    (4, 100, 0.008_972_020_130_330_428, 0.160_909_597_062_907_14),
    (
        3,
        1_000_000_000,
        5.530_104_894_794_221e-10,
        1.627_455_549_898_172_5e-8,
    ),
];

#[test]
fn the_interval_is_that_of_the_formula_to_the_last_digits() {
    let close = |ours: f64, theirs: f64| (ours - theirs).abs() <= 4.0 * f64::EPSILON * theirs;
    let check = |confidence: Confidence, cases: &[(u64, u64, f64, f64)]| {
        for (k, n, low, high) in cases {
            let events = Events::with_bad(*k, *n).unwrap();
            let interval = events.error_interval(confidence).unwrap();
            assert!(
                close(interval.low, *low),
                "{k} of {n}: {interval:?}, not {low}"
            );
            assert!(
                close(interval.high, *high),
                "{k} of {n}: {interval:?}, not {high}"
            );
        }
    };
    check(Confidence::ONE_SIDED_95, &ONE_SIDED_95);
    check(Confidence::P95, &P95);
    check(Confidence::P99, &P99);
    check(Confidence::P999, &P999);
}

#[test]
fn no_confidence_takes_the_ratio_for_the_truth() {
    for (bad, total) in [(0, 5), (5, 5), (1, 3), (9, 10), (5, 11), (3, u64::MAX)] {
        let events = Events::with_bad(bad, total).unwrap();
        let point = events.error_interval(Confidence::NONE).unwrap();
        assert_eq!(Some(point.low), events.error_ratio());
        assert_eq!(Some(point.high), events.error_ratio());
    }
}

#[test]
fn what_always_failed_may_always_fail() {
    for confidence in [
        Confidence::ONE_SIDED_95,
        Confidence::P95,
        Confidence::P99,
        Confidence::P999,
    ] {
        for total in 1..1_000 {
            let all = Events::with_bad(total, total)
                .unwrap()
                .error_interval(confidence)
                .unwrap();
            assert_eq!(all.high, 1.0, "{total}");
            let none = Events::with_bad(0, total)
                .unwrap()
                .error_interval(confidence)
                .unwrap();
            assert_eq!(none.low, 0.0, "{total}");
        }
    }
}

#[test]
fn without_events_there_is_no_ratio_and_no_interval() {
    let none = Events::default();
    assert_eq!(none.error_interval(Confidence::P95), None);
    assert_eq!((none.error_ratio(), none.availability()), (None, None));
}

#[test]
fn more_than_all_is_refused() {
    for events in [Events::new(4, 3), Events::with_bad(4, 3)] {
        let words = events.unwrap_err().to_string();
        assert_eq!(
            words,
            "4 of 3 is more than all: count the part within the total"
        );
    }
    let events = Events::new(3, 3).unwrap();
    assert_eq!((events.good(), events.bad(), events.total()), (3, 0, 3));
    let events = Events::with_bad(3, 3).unwrap();
    assert_eq!((events.good(), events.bad(), events.total()), (0, 3, 3));
}

#[test]
fn a_confidence_is_a_number_from_0_to_100() {
    for z in [-0.1, 100.1, f64::NAN, f64::INFINITY] {
        let words = Confidence::from_z(z).unwrap_err().to_string();
        assert!(words.starts_with("z is "), "{words}");
        assert!(
            words.ends_with(", but must lie between 0 and 100"),
            "{words}"
        );
    }
    assert_eq!(Confidence::from_z(0.0).unwrap(), Confidence::NONE);
    assert_eq!(Confidence::from_z(-0.0).unwrap().z().to_bits(), 0);
    assert_eq!(Confidence::from_z(100.0).unwrap().z(), 100.0);
}

fn counts() -> impl Strategy<Value = (u64, u64)> {
    prop_oneof![
        (1..50_u64).prop_flat_map(|n| (0..=n, Just(n))),
        (1..=u64::MAX).prop_flat_map(|n| (0..=n, Just(n))),
        (1..=u64::MAX).prop_flat_map(|n| (0..=n.min(20), Just(n))),
    ]
}

proptest! {
    #[test]
    fn it_holds_what_was_counted_and_stays_a_share(
        (k, n) in counts(),
        z in prop_oneof![0.0..=100.0, 0.0..1e-9],
    ) {
        let events = Events::with_bad(k, n).unwrap();
        let interval = events.error_interval(Confidence::from_z(z).unwrap()).unwrap();
        prop_assert!(interval.contains(events.error_ratio().unwrap()), "{interval:?}");
        prop_assert!(interval.low >= 0.0 && interval.high <= 1.0, "{interval:?}");
        // The interval of the good ones is that of the bad ones, mirrored.
        let mirror = Events::new(k, n).unwrap().error_interval(Confidence::from_z(z).unwrap()).unwrap();
        prop_assert!((interval.low - (1.0 - mirror.high)).abs() < 1e-14);
        prop_assert!((interval.high - (1.0 - mirror.low)).abs() < 1e-14);
    }

    #[test]
    fn it_widens_with_the_confidence_and_narrows_with_the_events((k, n) in counts(), z in 0.0..=50.0) {
        let of = |k, n, z| Events::with_bad(k, n).unwrap().error_interval(Confidence::from_z(z).unwrap()).unwrap();
        let (less, more) = (of(k, n, z), of(k, n, 2.0 * z));
        let slack = 1e-15;
        prop_assert!(more.low <= less.low + slack && more.high >= less.high - slack);
        if n <= u64::MAX / 4 {
            let many = of(4 * k, 4 * n, z);
            prop_assert!(many.low >= less.low - slack && many.high <= less.high + slack);
        }
    }
}
