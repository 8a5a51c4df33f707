//! Service levels, satisfaction, intervals and scaling: exact budgets, identities, and what is refused.

mod support;

use crm_metrics::scaling::{Usl, UslFit, amdahl_limit, amdahl_speedup, gustafson_speedup};
use crm_metrics::service_level::{
    Apdex, ApdexRating, BurnRateAlert, ErrorBudget, NetPromoterScore, Objective, Urgency,
    burn_rate, clopper_pearson_interval, customer_effort, top_box_share, wilson_interval,
    z_for_confidence,
};
use proptest::prelude::{ProptestConfig, proptest};
use std::time::Duration;
use support::tolerance::IDENTITY;
use support::{assert_close, assert_within};

const DAY: Duration = Duration::from_secs(86_400);

fn objective(text: &str) -> Objective {
    text.parse().unwrap()
}

fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

#[test]
fn budgets_are_exact() {
    for (text, budget, ppm) in [
        ("99%", 0.01, 10_000.0),
        ("99.9%", 0.001, 1_000.0),
        ("99.95 %", 0.000_5, 500.0),
        ("0.9999", 0.000_1, 100.0),
        ("99.999%", 0.000_01, 10.0),
        ("0.9999999", 0.000_000_1, 0.1),
        ("0.999999999999", 1e-12, 1e-6),
        ("100%", 0.0, 0.0),
        ("0", 1.0, 1_000_000.0),
        ("1.000", 0.0, 0.0),
    ] {
        assert_eq!(objective(text).budget(), budget, "{text}");
        assert_eq!(objective(text).budget_ppm(), ppm, "{text}");
        assert_eq!(objective(&objective(text).to_string()), objective(text));
    }
    assert_eq!(objective("99.950%").to_string(), "99.95%");
    assert_eq!(objective("1").to_string(), "100%");
    assert_eq!(
        Objective::from_budget_ppm(1_000).unwrap(),
        objective("99.9%")
    );
    assert_eq!(objective("99.9%").share(), 0.999);
    assert_eq!(objective("99.9%").as_availability().down(), 0.001);
    assert_eq!(
        objective("99.999%").allowed_down_time(365 * DAY),
        Duration::from_millis(315_360)
    );
    assert_eq!(
        objective("99.999%").allowed_down_time_of(31_536_000.0),
        315.36
    );
    assert_eq!(
        objective("99.9%").allowed_down_time(Duration::MAX),
        Duration::MAX / 1000
    );
    assert_eq!(
        objective("0").allowed_down_time(Duration::MAX),
        Duration::MAX
    );
    assert_eq!(objective("99.9%").allowed_bad_events(1_999), 1);
    assert_eq!(objective("0%").allowed_bad_events(u64::MAX), u64::MAX);
}

#[test]
fn objectives_refused() {
    for text in [
        "",
        "%",
        ".9",
        "99,9%",
        "-1%",
        "1e-3",
        "100.0000001%",
        "1.1",
        "0.9999999999999",
        "nan",
        "99999999999999999999999999",
    ] {
        let error = text.parse::<Objective>().unwrap_err().to_string();
        assert!(
            error.contains(text) && error.contains("is not an objective"),
            "{error}"
        );
    }
    for (text, remedy) in [
        ("99.9", "without % it is a share of at most 1; with it"),
        ("101%", "keep it at or below 100%"),
    ] {
        let error = text.parse::<Objective>().unwrap_err().to_string();
        assert!(error.contains(remedy), "{error}");
    }
    assert!(Objective::from_budget_ppm(1_000_001).is_err());
    assert!(Objective::from_budget_parts(1_000_000_000_001).is_err());
}

#[test]
fn budget_of_events() {
    let budget = |events, bad| ErrorBudget::new(objective("99.9%"), events, bad).unwrap();
    assert!(budget(1_000, 1).is_kept() && !budget(999, 1).is_kept());
    assert_eq!(budget(1_000_000, 1_400).remaining(), -400);
    assert_eq!(budget(1_000_000, 1_400).burn_rate(), Some(1.4));
    assert_eq!(budget(1_000_000, 1_400).error_ratio(), Some(0.0014));
    assert_eq!(budget(0, 0).burn_rate(), None);
    assert_eq!(budget(0, 0).error_ratio(), None);
    let strict = ErrorBudget::new(objective("100%"), 10, 1).unwrap();
    assert_eq!(strict.burn_rate(), Some(f64::INFINITY));
    assert_eq!(
        ErrorBudget::new(objective("100%"), 10, 0)
            .unwrap()
            .burn_rate(),
        Some(0.0)
    );
    assert!(ErrorBudget::new(objective("99%"), 1, 2).is_err());
    let largest = ErrorBudget::new(objective("99%"), u64::MAX, u64::MAX).unwrap();
    assert_close("burn rate", largest.burn_rate().unwrap(), 100.0, 1e-15);
}

#[test]
fn exhaustion() {
    let left = |rate, share| ErrorBudget::time_to_exhaustion(rate, 30 * DAY, share);
    assert_eq!(left(1.0, 1.0).unwrap(), 30 * DAY);
    assert_eq!(left(1000.0, 1.0).unwrap(), Duration::from_millis(2_592_000));
    assert_eq!(left(2.0, 0.5).unwrap(), Duration::from_secs(648_000));
    assert_eq!(left(5.0, 0.0).unwrap(), Duration::ZERO);
    assert_eq!(left(0.0, 1.0).unwrap(), Duration::MAX);
    assert_eq!(left(0.0, 0.0).unwrap(), Duration::ZERO);
    assert_eq!(left(1e-300, 1.0).unwrap(), Duration::MAX);
    for bad in [f64::NAN, -1.0, f64::INFINITY] {
        assert!(left(bad, 1.0).is_err() && left(1.0, bad).is_err());
    }
}

#[test]
fn alerts() {
    let alerts = BurnRateAlert::workbook(30 * DAY).unwrap();
    let hours = |h: u64| Duration::from_secs(h * 3600);
    let expected = [
        (
            Urgency::Page,
            14.4,
            hours(1),
            Duration::from_secs(300),
            0.0144,
            0.02,
        ),
        (
            Urgency::Page,
            6.0,
            hours(6),
            Duration::from_secs(1800),
            0.006,
            0.05,
        ),
        (Urgency::Ticket, 1.0, hours(72), hours(6), 0.001, 0.1),
    ];
    for (alert, (urgency, rate, long, short, threshold, fraction)) in alerts.iter().zip(expected) {
        assert_eq!(alert.urgency(), urgency);
        assert_eq!(alert.burn_rate(), rate);
        assert_eq!((alert.long_window(), alert.short_window()), (long, short));
        assert_eq!(alert.threshold(objective("99.9%")), threshold);
        assert_eq!(alert.budget_fraction(), fraction);
        // The rate that the fraction asks for, by the other road.
        assert_close(
            "burn rate",
            burn_rate(fraction, long, 30 * DAY).unwrap(),
            rate,
            1e-15,
        );
        let above = threshold * 1.01;
        assert!(alert.fires(objective("99.9%"), above, above));
        assert!(!alert.fires(objective("99.9%"), above, threshold));
        assert!(!alert.fires(objective("99.9%"), threshold, above));
    }
    let daily = BurnRateAlert::new(Urgency::Ticket, 100, DAY, 30 * DAY).unwrap();
    assert_eq!((daily.burn_rate(), daily.short_window()), (3.0, hours(2)));
    assert_eq!(daily.with_short_window(hours(1)).short_window(), hours(1));
    assert!(BurnRateAlert::new(Urgency::Page, 0, DAY, DAY).is_err());
    assert!(BurnRateAlert::new(Urgency::Page, 1001, DAY, DAY).is_err());
    assert!(BurnRateAlert::new(Urgency::Page, 1, 2 * DAY, DAY).is_err());
    assert!(BurnRateAlert::new(Urgency::Page, 1, Duration::ZERO, DAY).is_err());
    assert!(BurnRateAlert::workbook(2 * DAY).is_err());
    assert!(burn_rate(0.0, DAY, DAY).is_err() && burn_rate(0.1, Duration::ZERO, DAY).is_err());
}

#[test]
fn apdex() {
    for (satisfied, tolerating, frustrated, rating) in [
        (94, 0, 6, ApdexRating::Excellent),
        (93, 0, 7, ApdexRating::Good),
        (85, 0, 15, ApdexRating::Good),
        (84, 0, 16, ApdexRating::Fair),
        (70, 0, 30, ApdexRating::Fair),
        (69, 0, 31, ApdexRating::Poor),
        (0, 100, 0, ApdexRating::Poor),
        (49, 0, 51, ApdexRating::Unacceptable),
    ] {
        assert_eq!(
            Apdex::new(satisfied, tolerating, frustrated)
                .unwrap()
                .rating(),
            rating
        );
    }
    let target = Duration::from_millis(100);
    let at = |ms| {
        Apdex::from_times(target, [Duration::from_millis(ms)])
            .unwrap()
            .score()
    };
    assert_eq!([at(100), at(101), at(400), at(401)], [1.0, 0.5, 0.5, 0.0]);
    assert!(Apdex::new(0, 0, 0).is_err() && Apdex::from_times(target, []).is_err());
    assert_eq!(
        Apdex::new(u64::MAX, u64::MAX, u64::MAX).unwrap().score(),
        0.5
    );
}

#[test]
fn promoters_and_scores() {
    let score = NetPromoterScore::from_answers([10, 9, 8, 7, 6, 0]).unwrap();
    assert_eq!(score, NetPromoterScore::new(2, 2, 2).unwrap());
    assert_eq!((score.score(), score.answers()), (0.0, 6.0));
    assert_close("variance", score.variance(), 2.0 / 3.0, 1e-15);
    assert!(NetPromoterScore::from_answers([11]).is_err());
    assert!(NetPromoterScore::from_answers([]).is_err());
    assert_eq!(
        NetPromoterScore::new(7, 0, 0).unwrap().standard_error(),
        0.0
    );
    assert!(
        NetPromoterScore::new(1, 0, 1)
            .unwrap()
            .interval(f64::NAN)
            .is_err()
    );
    let whole = NetPromoterScore::new(1, 0, 1)
        .unwrap()
        .interval(1e9)
        .unwrap();
    assert_eq!((whole.low, whole.high), (-1.0, 1.0));
    assert_eq!(top_box_share(&[1, 2, 3, 4, 5], 4).unwrap(), (2, 5));
    assert!(top_box_share(&[], 4).is_err());
    let (mean, interval) = customer_effort(&[3; 9], 0.95).unwrap();
    assert_eq!((mean, interval.low, interval.high), (3.0, 3.0, 3.0));
    assert!(customer_effort(&[3], 0.95).is_err());
    assert!(customer_effort(&[3, 4], 1.0).is_err());
}

#[test]
fn refused_proportions() {
    assert!(wilson_interval(0, 0, 1.0).is_err() && clopper_pearson_interval(0, 0, 0.1).is_err());
    assert!(wilson_interval(2, 1, 1.0).is_err() && clopper_pearson_interval(2, 1, 0.1).is_err());
    for bad in [f64::NAN, -1.0, f64::INFINITY] {
        assert!(
            wilson_interval(1, 2, bad).is_err() && clopper_pearson_interval(1, 2, bad).is_err()
        );
        assert!(z_for_confidence(bad).is_err());
    }
    assert!(clopper_pearson_interval(1, u64::MAX, 0.05).is_err());
}

#[test]
fn normal_quantiles() {
    for (confidence, z) in [
        (0.5, 0.674_489_750_196_081_7),
        (0.9, 1.644_853_626_951_472_2),
        (0.99, 2.575_829_303_548_900_4),
        (0.999, 3.290_526_731_491_895),
        // On both sides of where the method changes.
        (0.9544, 1.999_077_214_971_770_1),
        (0.9545, 2.000_002_443_899_604),
        (0.96, 2.053_748_910_631_822_7),
    ] {
        let actual = z_for_confidence(confidence).unwrap();
        assert_close(
            "z",
            actual,
            z,
            if confidence == 0.9544 { 1e-7 } else { 1e-14 },
        );
    }
    // Next to no confidence: the density at zero is all that counts.
    let narrow = z_for_confidence(1e-6).unwrap();
    assert_close(
        "z",
        narrow,
        1e-6 * (std::f64::consts::PI / 2.0).sqrt(),
        1e-9,
    );
}

proptest! {
    #![proptest_config(config())]

    /// Both intervals hold the estimate, swap with success and failure, and grow with confidence.
    #[test]
    fn intervals(n in 1..5_000_u64, share in 0.0..=1.0_f64, confidence in 0.5..0.9999_f64) {
        let k = (share * n as f64) as u64;
        let z = z_for_confidence(confidence).unwrap();
        let estimate = k as f64 / n as f64;
        let wilson = wilson_interval(k, n, z).unwrap();
        let exact = clopper_pearson_interval(k, n, 1.0 - confidence).unwrap();
        for (interval, swapped, wider) in [
            (wilson, wilson_interval(n - k, n, z).unwrap(), wilson_interval(k, n, 1.1 * z).unwrap()),
            (exact, clopper_pearson_interval(n - k, n, 1.0 - confidence).unwrap(), clopper_pearson_interval(k, n, 0.9 * (1.0 - confidence)).unwrap()),
        ] {
            assert!(interval.low <= estimate * (1.0 + 1e-15) && estimate <= interval.high * (1.0 + 1e-15));
            assert!(0.0 <= interval.low && interval.high <= 1.0 && interval.width() > 0.0);
            assert_within("swapped", swapped.low, 1.0 - interval.high, 1e-13);
            assert_within("swapped", swapped.high, 1.0 - interval.low, 1e-13);
            assert!(wider.low <= interval.low && interval.high <= wider.high);
        }
        // Exact intervals are the wider ones, but for the ends.
        if k > 2 && n - k > 2 && confidence > 0.8 && confidence < 0.99 {
            assert!(exact.width() > wilson.width());
        }
    }

    /// Points on the law are fitted by it.
    #[test]
    fn fit_of_the_law_itself(gamma in 0.1..1e4_f64, alpha in 0.001..0.3_f64, beta in 1e-6..1e-2_f64) {
        let law = Usl::new(gamma, alpha, beta).unwrap();
        let measured: Vec<(f64, f64)> = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0].map(|n| (n, law.throughput(n))).into();
        let fit = UslFit::new(&measured).unwrap();
        assert_close("gamma", fit.law().gamma(), gamma, 1e-9);
        assert_close("alpha", fit.law().alpha(), alpha, 1e-8);
        assert_close("beta", fit.law().beta(), beta, 1e-8);
        assert!(fit.residual_standard_error() <= 1e-11 * gamma * 100.0);
        assert!(fit.throughput_interval(30.0, 0.95).unwrap().contains(fit.law().throughput(30.0)));
    }

    #[test]
    fn laws_of_scaling(p in 0.0..=1.0_f64, n in 1.0..1e6_f64, gamma in demandlike(), alpha in 0.0..1.0_f64, beta in 0.0..0.1_f64) {
        let (amdahl, gustafson) = (amdahl_speedup(p, n).unwrap(), gustafson_speedup(p, n).unwrap());
        assert!(1.0 - 1e-15 <= amdahl && amdahl <= gustafson * (1.0 + 1e-14) && gustafson <= n * (1.0 + 1e-14));
        assert!(amdahl <= amdahl_limit(p).unwrap() * (1.0 + 1e-14));
        // Without coherency, the law is Amdahl's.
        let without = Usl::new(gamma, 1.0 - p, 0.0).unwrap();
        assert_close("Amdahl", without.speedup(n), amdahl, IDENTITY);
        let law = Usl::new(gamma, alpha, beta).unwrap();
        assert_close("X", law.throughput(n), gamma * n * law.efficiency(n), IDENTITY);
        if let (Some(peak), Some(most)) = (law.peak_load(), law.peak_throughput()) {
            assert!(law.throughput(n) <= most * (1.0 + 1e-14));
            if peak > 1.1 {
                assert!(law.throughput(0.95 * peak.max(1.1)) < most && law.throughput(1.05 * peak) < most);
            }
        }
    }
}

fn demandlike() -> std::ops::Range<f64> {
    1e-3..1e3
}

#[test]
fn fits_at_the_ends_of_the_range() {
    // Better than linear: contention is held at nothing.
    let fit = UslFit::new(&[
        (1.0, 10.0),
        (2.0, 21.0),
        (3.0, 33.0),
        (4.0, 45.0),
        (5.0, 58.0),
    ])
    .unwrap();
    assert_eq!((fit.law().alpha(), fit.law().beta()), (0.0, 0.0));
    assert_eq!(
        (fit.alpha_standard_error(), fit.beta_standard_error()),
        (0.0, 0.0)
    );
    assert!(fit.gamma_standard_error() > 0.0);
    assert_eq!(
        (
            fit.law().peak_load(),
            fit.law().limit(),
            fit.law().optimal_load()
        ),
        (None, None, None)
    );
}

#[test]
fn refused_measurements() {
    let good = [(1.0, 1.0), (2.0, 1.9), (3.0, 2.7), (4.0, 3.4)];
    assert!(UslFit::new(&good).is_ok());
    assert!(UslFit::new(&good[..3]).is_err());
    assert!(UslFit::new(&[(1.0, 1.0), (2.0, 1.9), (1.0, 1.1), (2.0, 1.8)]).is_err());
    for bad in [
        (0.5, 1.0),
        (f64::NAN, 1.0),
        (5.0, 0.0),
        (5.0, f64::NAN),
        (5.0, -1.0),
        (f64::INFINITY, 1.0),
    ] {
        let mut measured = good.to_vec();
        measured.push(bad);
        let error = UslFit::new(&measured).unwrap_err();
        let part = if bad.0 == 5.0 { "throughput" } else { "load" };
        assert_eq!(error.name, part, "{bad:?}");
    }
    let fit = UslFit::new(&good).unwrap();
    for bad in [0.0, 1.0, f64::NAN] {
        assert!(fit.alpha_interval(bad).is_err() && fit.r_package_intervals(bad).is_err());
        assert!(fit.beta_interval(bad).is_err() && fit.r_package_band(2.0, bad).is_err());
    }
    for bad in [f64::NAN, -0.1, 1.1] {
        assert!(
            Usl::new(1.0, bad, 0.0).is_err()
                && amdahl_speedup(bad, 2.0).is_err()
                && gustafson_speedup(bad, 2.0).is_err()
        );
    }
    assert!(Usl::new(1.0, 0.1, -1e-9).is_err() && Usl::new(0.0, 0.1, 0.1).is_err());
    assert!(amdahl_speedup(0.5, 0.5).is_err() && amdahl_limit(2.0).is_err());
}
