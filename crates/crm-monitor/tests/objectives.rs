//! What a promise is, and how much of its budget is left.

use std::time::Duration;

use crm_monitor::judge::{ErrorBudget, Events, Exhaustion, Objective, ObjectiveError, Target};
use proptest::prelude::*;

const DAY: Duration = Duration::from_secs(86_400);

fn of(percent: f64) -> Objective {
    Objective::percent(percent, 30 * DAY).unwrap()
}

#[test]
fn a_budget_is_exactly_what_is_written() {
    // In f64 each of these subtractions is off in the last digits.
    for (percent, parts, budget) in [
        (99.9, 1_000_000_000, 0.001),
        (99.99, 100_000_000, 0.000_1),
        (99.999, 10_000_000, 0.000_01),
        (99.95, 500_000_000, 0.000_5),
        (99.5, 5_000_000_000, 0.005),
        (95.0, 50_000_000_000, 0.05),
        (66.6, 334_000_000_000, 0.334),
        (0.000_000_000_1, 999_999_999_999, 0.999_999_999_999),
        (99.999_999_999_9, 1, 1e-12),
    ] {
        let target = Target::percent(percent).unwrap();
        assert_eq!(target.budget_parts(), parts, "{percent}");
        assert_eq!(target.budget(), budget, "{percent}");
        assert_eq!(target.budget_ppm(), parts as f64 / 1e6, "{percent}");
    }
    assert_eq!(Target::from_ppm(999_000), Target::percent(99.9));
    assert_eq!(Target::percent(99.9).unwrap().share(), 0.999);
}

#[test]
fn a_target_is_read_and_written_digit_by_digit() {
    for (text, written) in [
        ("99.9%", "99.9 %"),
        (" 99.90 % ", "99.9 %"),
        ("0.999", "99.9 %"),
        ("095%", "95 %"),
        ("0.9999999999", "99.99999999 %"),
        ("99.9999999999%", "99.9999999999 %"),
        ("0.000000000001", "0.0000000001 %"),
    ] {
        let target: Target = text.parse().unwrap();
        assert_eq!(target.to_string(), written);
        assert_eq!(target.to_string().parse(), Ok(target));
    }
}

#[test]
fn what_is_no_target_is_refused_by_its_reason() {
    use ObjectiveError::{NoBudget, NotADecimal, NotANumber, NothingPromised, OverAll, TooFine};
    for (percent, why) in [
        (f64::NAN, NotANumber),
        (f64::INFINITY, NotANumber),
        (f64::NEG_INFINITY, NotANumber),
        (100.000_000_1, OverAll),
        (1e300, OverAll),
        (100.0, NoBudget),
        (0.0, NothingPromised),
        (-0.0, NothingPromised),
        (-1.0, NothingPromised),
        (99.999_999_999_99, TooFine),
        (5e-324, TooFine),
    ] {
        assert_eq!(Target::percent(percent), Err(why), "{percent}");
        assert_eq!(Objective::percent(percent, DAY), Err(why), "{percent}");
    }
    for (text, why) in [
        ("", NotADecimal),
        ("%", NotADecimal),
        ("99,9%", NotADecimal),
        ("99.9.9%", NotADecimal),
        ("-99%", NotADecimal),
        ("+99%", NotADecimal),
        ("9e1%", NotADecimal),
        (".5", NotADecimal),
        ("1.", NotADecimal),
        ("NaN", NotADecimal),
        ("99.9", OverAll),
        ("100.1%", OverAll),
        ("99999999999999999999999999%", OverAll),
        ("1", NoBudget),
        ("100.000%", NoBudget),
        ("0", NothingPromised),
        ("0.00%", NothingPromised),
        ("0.9999999999999", TooFine),
        ("99.99999999999%", TooFine),
    ] {
        assert_eq!(text.parse::<Target>(), Err(why), "{text:?}");
    }
    for (ppm, why) in [
        (0, NothingPromised),
        (1_000_000, NoBudget),
        (1_000_001, OverAll),
        (u32::MAX, OverAll),
    ] {
        assert_eq!(Target::from_ppm(ppm), Err(why), "{ppm}");
    }
}

#[test]
fn a_period_is_above_zero_and_at_most_ten_years() {
    let target = Target::percent(99.9).unwrap();
    for period in [
        Duration::ZERO,
        3_660 * DAY + Duration::from_nanos(1),
        Duration::MAX,
    ] {
        assert_eq!(
            Objective::new(target, period),
            Err(ObjectiveError::Period(period))
        );
    }
    for period in [Duration::from_nanos(1), 3_660 * DAY] {
        assert_eq!(Objective::new(target, period).unwrap().period(), period);
    }
}

#[test]
fn every_refusal_names_the_remedy() {
    for (error, words) in [
        (ObjectiveError::NotADecimal, "write 99.9% or 0.999"),
        (ObjectiveError::NotANumber, "give a finite one"),
        (ObjectiveError::OverAll, "write 99.9% with the sign"),
        (
            ObjectiveError::NothingPromised,
            "promise a share above zero",
        ),
        (ObjectiveError::NoBudget, "promise less"),
        (ObjectiveError::TooFine, "drop the digits"),
        (
            ObjectiveError::Period(Duration::ZERO),
            "a period of 0 s is no period of an objective: keep it",
        ),
    ] {
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn times_are_written_in_their_two_largest_units() {
    for (nanos, words) in [
        (1, "1 ns"),
        (1_500, "1.5 us"),
        (999_999, "1000 us"),
        (250_000_000, "250 ms"),
        (1_500_000_000, "1.5 s"),
        (60_000_000_000, "1 min"),
        (61_000_000_000, "1 min 1 s"),
        (3_600_000_000_000, "1 h"),
        (3_659_000_000_000, "1 h"),
        (93_600_000_000_000, "1 d 2 h"),
        (86_460_000_000_000, "1 d"),
        (2_592_000_000_000_000, "30 d"),
    ] {
        let objective = Objective::percent(99.9, Duration::from_nanos(nanos)).unwrap();
        assert_eq!(objective.to_string(), format!("99.9 % over {words}"));
    }
}

#[test]
fn numbers_are_written_to_four_digits() {
    for (number, words) in [
        (0.0, "0"),
        (0.000_123_456, "0.0001235"),
        (0.000_012_345_6, "1.235e-5"),
        (0.123_449, "0.1234"),
        (9.999_96, "10"),
        (-12.345_6, "-12.35"),
        (123_456.7, "123457"),
        (1e15, "1.000e15"),
        (f64::INFINITY, "inf"),
        (f64::NAN, "NaN"),
    ] {
        let refused = crm_monitor::judge::JudgeError::Figure {
            name: "it",
            value: number,
            must: "be else",
        };
        assert_eq!(
            refused.to_string(),
            format!("it is {words}, but must be else")
        );
    }
}

#[test]
fn the_nines_allow_the_down_time_that_tables_say() {
    // 99.9 % of 30 days: 43.2 minutes; of 365 days: 8.76 hours; 99.99 % 52.56 minutes, 99.999 % 5.256 minutes of a year.
    for (percent, days, millis) in [
        (99.9, 30, 2_592_000),
        (99.9, 365, 31_536_000),
        (99.99, 365, 3_153_600),
        (99.999, 365, 315_360),
    ] {
        let objective = Objective::percent(percent, days * DAY).unwrap();
        assert_eq!(
            objective.allowed_down_time(),
            Duration::from_millis(millis),
            "{percent}"
        );
    }
}

#[test]
fn a_budget_is_spent_left_and_overdrawn_in_whole_numbers() {
    let budget = |bad, total| ErrorBudget::new(of(99.9), Events::with_bad(bad, total).unwrap());
    let half = budget(500, 1_000_000);
    assert_eq!(
        (half.allowed(), half.remaining(), half.is_kept()),
        (1_000, 500, true)
    );
    assert_eq!((half.spent(), half.left()), (Some(0.5), Some(0.5)));
    let whole = budget(1_000, 1_000_000);
    assert_eq!(
        (whole.remaining(), whole.is_kept(), whole.left()),
        (0, true, Some(0.0))
    );
    let over = budget(1_001, 1_000_000);
    assert_eq!(
        (over.remaining(), over.is_kept(), over.spent()),
        (-1, false, Some(1.001))
    );
    assert_eq!(over.left(), Some(-0.001));
    let all = budget(u64::MAX, u64::MAX);
    assert_eq!((all.spent(), all.left()), (Some(1_000.0), Some(-999.0)));
    let none = budget(0, 0);
    assert_eq!(
        (none.spent(), none.left(), none.is_kept()),
        (None, None, true)
    );

    // 600 of the first million, but three million are to come this month.
    let expected = budget(600, 1_000_000).expecting(3_000_000);
    assert_eq!((expected.spent(), expected.allowed()), (Some(0.2), 3_000));
    assert_eq!(budget(600, 1_000_000).expecting(10), budget(600, 1_000_000));
}

#[test]
fn a_budget_is_gone_after_the_rest_of_it_at_the_present_rate() {
    let budget = |bad| ErrorBudget::new(of(99.9), Events::with_bad(bad, 1_000_000).unwrap());
    let recent = |bad, total| Events::with_bad(bad, total).unwrap();
    let days = |days: f64| Exhaustion::After(DAY.mul_f64(days));
    assert_eq!(budget(0).exhaustion(recent(10, 1_000)), days(3.0)); // a burn rate of 10
    assert_eq!(budget(500).exhaustion(recent(10, 1_000)), days(1.5));
    assert_eq!(budget(500).exhaustion(recent(1, 1_000)), days(15.0));
    assert_eq!(budget(500).exhaustion(recent(0, 1_000)), Exhaustion::Never);
    assert_eq!(budget(500).exhaustion(recent(0, 0)), Exhaustion::Unknown);
    assert_eq!(
        budget(1_000).exhaustion(recent(1, 1_000)),
        Exhaustion::Spent
    );
    assert_eq!(
        budget(2_000).exhaustion(recent(0, 1_000)),
        Exhaustion::Spent
    );
    // Nothing before, so that the budget is whole.
    let whole = ErrorBudget::new(of(99.9), Events::default());
    assert_eq!(whole.exhaustion(recent(10, 1_000)), days(3.0));
    // So slow that no duration holds it.
    let barely = Objective::percent(50.0, 3_660 * DAY).unwrap();
    let barely = ErrorBudget::new(barely, recent(0, 10)).exhaustion(recent(1, u64::MAX));
    assert_eq!(barely, Exhaustion::Never);
}

#[test]
fn budgets_and_their_ends_are_told_in_plain_words() {
    let budget = ErrorBudget::new(of(99.9), Events::with_bad(600, 1_000_000).unwrap());
    assert_eq!(
        budget.to_string(),
        "40 % of the budget of 99.9 % over 30 d is left: 600 bad events of 1000 allowed"
    );
    let none = ErrorBudget::new(of(99.9), Events::default());
    assert_eq!(
        none.to_string(),
        "no events yet for the budget of 99.9 % over 30 d"
    );
    let after = Exhaustion::After(Duration::from_secs(100_000));
    assert_eq!(
        after.to_string(),
        "the budget is spent in 1 d 3 h at this rate"
    );
    for (end, words) in [
        (Exhaustion::Unknown, "no recent events"),
        (Exhaustion::Never, "not burning"),
        (Exhaustion::Spent, "the budget is spent"),
    ] {
        assert!(end.to_string().contains(words), "{end}");
    }
}

proptest! {
    #[test]
    fn any_target_survives_its_text_and_its_number(parts in 1..1_000_000_000_000_u64) {
        let text = format!("0.{parts:012}");
        let target: Target = text.parse().unwrap();
        prop_assert_eq!(target.budget_parts(), 1_000_000_000_000 - parts);
        prop_assert_eq!(target.to_string().parse(), Ok(target));
        // Twelve digits are within what f64 tells apart.
        let percent: f64 = target.to_string().trim_end_matches(" %").parse().unwrap();
        prop_assert_eq!(Target::percent(percent), Ok(target));
    }

    #[test]
    fn no_number_panics(bits in any::<u64>(), text in "[0-9.% eE+-]{0,20}") {
        let _ = Target::percent(f64::from_bits(bits));
        let _ = text.parse::<Target>();
    }

    #[test]
    fn what_is_allowed_keeps_the_objective_and_one_more_breaks_it(parts in 1..1_000_000_000_000_u64, events in 1..u64::MAX) {
        let target: Target = format!("0.{parts:012}").parse().unwrap();
        let objective = Objective::new(target, DAY).unwrap();
        let allowed = objective.allowed_bad(events);
        let keeps = |bad: u64| u128::from(bad) * 1_000_000_000_000 <= u128::from(events) * u128::from(target.budget_parts());
        prop_assert!(keeps(allowed) && !keeps(allowed + 1));
        let budget = ErrorBudget::new(objective, Events::with_bad(allowed, events).unwrap());
        prop_assert!(budget.is_kept() && budget.spent().unwrap() <= 1.0);
        let budget = ErrorBudget::new(objective, Events::with_bad(allowed + 1, events).unwrap());
        prop_assert!(!budget.is_kept() && budget.spent().unwrap() >= 1.0);
    }
}
