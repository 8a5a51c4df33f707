//! Apdex, from counts.

use std::time::Duration;

use crm_monitor::judge::{Apdex, ApdexRating, JudgeError};
use proptest::prelude::*;

#[test]
fn the_score_is_that_of_the_specification() {
    for (satisfied, tolerating, frustrated, score) in [
        (60, 30, 10, 0.75),
        (40, 200, 48, 0.486_111_111_111_111_1),
        (1, 0, 0, 1.0),
        (0, 1, 0, 0.5),
        (0, 0, 1, 0.0),
        (u64::MAX, 0, u64::MAX, 0.5),
    ] {
        assert_eq!(
            Apdex::new(satisfied, tolerating, frustrated).score(),
            Some(score)
        );
    }
    let none = Apdex::new(0, 0, 0);
    assert_eq!(
        (none.score(), none.rating(), none.samples()),
        (None, None, 0)
    );
    assert_eq!(none.to_string(), "no samples");
}

#[test]
fn a_rating_begins_at_its_score_exactly() {
    use ApdexRating::{Excellent, Fair, Good, Poor, Unacceptable};
    for (satisfied, rating) in [
        (100, Excellent),
        (94, Excellent),
        (93, Good),
        (85, Good),
        (84, Fair),
        (70, Fair),
        (69, Poor),
        (50, Poor),
        (49, Unacceptable),
        (0, Unacceptable),
    ] {
        let apdex = Apdex::new(satisfied, 0, 100 - satisfied);
        assert_eq!(apdex.rating(), Some(rating), "{satisfied}");
    }
    // Large counts, one half of a request below.
    let most = 94 * 10_u64.pow(16);
    assert_eq!(
        Apdex::new(most, 0, 100 * 10_u64.pow(16) - most).rating(),
        Some(Excellent)
    );
    assert_eq!(
        Apdex::new(most - 1, 1, 100 * 10_u64.pow(16) - most).rating(),
        Some(Good)
    );
    assert!(Unacceptable < Poor && Poor < Fair && Fair < Good && Good < Excellent);
}

#[test]
fn few_samples_are_marked() {
    assert_eq!(Apdex::new(60, 30, 9).to_string(), "0.7576*, fair");
    assert_eq!(Apdex::new(60, 30, 10).to_string(), "0.75, fair");
    assert!(Apdex::new(60, 30, 9).is_small() && !Apdex::new(60, 30, 10).is_small());
    let words: Vec<_> = [95, 90, 75, 60, 10]
        .map(|good| Apdex::new(good, 0, 100 - good).to_string())
        .into();
    assert_eq!(
        words,
        [
            "0.95, excellent",
            "0.9, good",
            "0.75, fair",
            "0.6, poor",
            "0.1, unacceptable"
        ]
    );
}

#[test]
fn counts_that_fall_are_refused() {
    let second = Duration::from_secs(1);
    let of = |within, tolerated, samples| {
        Apdex::of(second, samples, |time| {
            if time == second { within } else { tolerated }
        })
    };
    assert_eq!(of(1, 3, 6), Ok(Apdex::new(1, 2, 3)));
    assert_eq!(
        of(4, 3, 6),
        Err(JudgeError::MoreThanAll { part: 4, total: 3 })
    );
    assert_eq!(
        of(1, 7, 6),
        Err(JudgeError::MoreThanAll { part: 7, total: 6 })
    );
    assert_eq!(
        Apdex::of(Duration::MAX, 2, |time| u64::from(time == Duration::MAX)),
        Ok(Apdex::new(1, 0, 1))
    );
}

proptest! {
    #[test]
    fn it_agrees_with_counting_one_by_one(
        target in 1..1_000_u64,
        times in prop::collection::vec(0..5_000_u64, 1..200),
        failures in 0..20_u64,
    ) {
        let worth = |time: &u64| match *time {
            time if time <= target => 1.0,
            time if time <= 4 * target => 0.5,
            _ => 0.0,
        };
        let samples = times.len() as u64 + failures;
        let score = times.iter().map(worth).sum::<f64>() / samples as f64;
        let at_most = |limit: Duration| times.iter().filter(|time| u128::from(**time) <= limit.as_millis()).count() as u64;
        let apdex = Apdex::of(Duration::from_millis(target), samples, at_most).unwrap();
        prop_assert_eq!(apdex.score(), Some(score));
        prop_assert_eq!(apdex.samples(), u128::from(samples));
    }
}
