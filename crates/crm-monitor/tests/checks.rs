//! The line and the exit code of a Nagios plugin, read as the guidelines for its developers say.

use std::time::Duration;

use crm_monitor::expose::{Check, CheckState, CheckUnit, CheckValue, Range, RangeError};
use proptest::prelude::{ProptestConfig, any, proptest};

/// The table of the guidelines: a range, values that alert, values that do not.
#[test]
fn ranges_alert_as_the_guidelines_say() {
    let table: &[(&str, &[f64], &[f64])] = &[
        ("10", &[-0.1, 10.1], &[0.0, 5.0, 10.0]),
        ("10:", &[9.9, -20.0], &[10.0, 1e9]),
        ("~:10", &[10.1], &[10.0, -1e9]),
        ("10:20", &[9.9, 20.1], &[10.0, 20.0]),
        ("@10:20", &[10.0, 15.0, 20.0], &[9.9, 20.1]),
        ("@~:10", &[-1e9, 10.0], &[10.1]),
        ("-5:-2", &[-5.1, -1.9], &[-5.0, -2.0]),
        (":7", &[-0.1, 7.1], &[0.0, 7.0]),
        ("0.5:0.75", &[0.49, 0.76], &[0.5, 0.75]),
        ("0", &[0.1, -0.1], &[0.0]),
        ("~:", &[], &[-1e300, 0.0, 1e300]),
    ];
    for (text, alerting, fine) in table {
        let range: Range = text.parse().unwrap();
        for value in *alerting {
            assert!(range.alerts(*value), "{value} by {text}");
        }
        for value in *fine {
            assert!(!range.alerts(*value), "{value} by {text}");
        }
        assert!(range.alerts(f64::NAN), "{text}");
        assert_eq!(
            range.to_string().parse(),
            Ok(range),
            "{text} is written {range}"
        );
    }
}

#[test]
fn what_is_no_range_is_told_why() {
    let not_a_number = |text: &str| RangeError::NotANumber { text: text.into() };
    for (text, error) in [
        ("", RangeError::Empty),
        ("@", RangeError::Empty),
        ("ten", not_a_number("ten")),
        ("10:x", not_a_number("x")),
        ("~", not_a_number("~")),
        ("10:~", not_a_number("~")),
        ("1e3", not_a_number("1e3")),
        ("inf", not_a_number("inf")),
        ("nan:", not_a_number("nan")),
        ("1:2:3", not_a_number("2:3")),
        (" 10", not_a_number(" 10")),
        ("10s", not_a_number("10s")),
        ("--1", not_a_number("--1")),
        (
            "20:10",
            RangeError::Reversed {
                low: 20.0,
                high: 10.0,
            },
        ),
        (
            "-10",
            RangeError::Reversed {
                low: 0.0,
                high: -10.0,
            },
        ),
    ] {
        assert_eq!(text.parse::<Range>(), Err(error), "{text:?}");
    }
    let enormous = "9".repeat(400);
    assert_eq!(enormous.parse::<Range>(), Err(RangeError::NotFinite));
    assert_eq!(Range::up_to(f64::INFINITY), Err(RangeError::NotFinite));
    assert_eq!(Range::at_least(f64::NAN), Err(RangeError::NotFinite));
    assert_eq!(
        Range::between(f64::INFINITY, f64::INFINITY),
        Err(RangeError::NotFinite)
    );
    assert_eq!(
        Range::up_to(-1.0),
        Err(RangeError::Reversed {
            low: 0.0,
            high: -1.0
        })
    );
    assert_eq!(Range::between(f64::NEG_INFINITY, 3.0), "~:3".parse());
    assert_eq!(Range::at_least(3.0).map(Range::inverted), "@3:".parse());
    assert_eq!(Range::up_to(3.0), "3".parse());
}

#[test]
fn the_state_is_the_worst_and_the_exit_code_its_own() {
    let measure = |value: Option<f64>| {
        CheckValue::new("x", value)
            .warning("10".parse().unwrap())
            .critical("20".parse().unwrap())
    };
    let (fine, warning, critical, unknown) = (
        measure(Some(5.0)),
        measure(Some(15.0)),
        measure(Some(25.0)),
        measure(None),
    );
    for (measures, state, code) in [
        (vec![&fine], CheckState::Ok, 0),
        (vec![&fine, &warning], CheckState::Warning, 1),
        (vec![&critical, &warning, &unknown], CheckState::Critical, 2),
        (vec![&fine, &unknown], CheckState::Unknown, 3),
        (vec![&unknown, &warning], CheckState::Warning, 1),
        (vec![], CheckState::Unknown, 3),
    ] {
        let check = measures
            .into_iter()
            .fold(Check::new("X"), |check, measure| {
                check.value(measure.clone())
            });
        assert_eq!(
            (check.state(), check.state().exit_code()),
            (state, code),
            "{check}"
        );
        assert!(
            check.to_string().starts_with(&format!("X {state}:")),
            "{check}"
        );
        let code_of_process = format!("{:?}", std::process::ExitCode::from(state));
        assert_eq!(
            code_of_process,
            format!("{:?}", std::process::ExitCode::from(code))
        );
    }
}

#[test]
fn the_line_tells_what_is_wrong_and_the_data_everything() {
    let check = Check::new("CRM")
        .value(
            CheckValue::new("hits", 97.5)
                .unit(CheckUnit::Percent)
                .warning("90:".parse().unwrap())
                .minimum(0.0)
                .maximum(100.0),
        )
        .value(CheckValue::new("requests", 120.0).unit(CheckUnit::Counter))
        .value(
            CheckValue::new("memory", 1e15)
                .unit(CheckUnit::Bytes)
                .warning("500000000".parse().unwrap()),
        )
        .value(
            CheckValue::duration("p99", Duration::from_nanos(1_500_000_001))
                .critical("1".parse().unwrap()),
        )
        .value(CheckValue::new("workers", None))
        .value(CheckValue::new("ratio", f64::NAN));
    assert_eq!(
        check.to_string(),
        "CRM CRITICAL: p99 1.5s (threshold 1), memory 1000000000000000B (threshold 500000000), workers is not known, \
         ratio is not known \
         | 'hits'=97.5%;90:;;0;100 'requests'=120c;;;; 'memory'=1000000000000000B;500000000;;; \
         'p99'=1.500000001s;;1;0; 'workers'=U;;;; 'ratio'=U;;;;"
    );
    assert_eq!(
        Check::new("CRM")
            .value(CheckValue::new("workers", 4.0))
            .to_string(),
        "CRM OK: workers 4 | 'workers'=4;;;;"
    );
    assert_eq!(
        Check::new("CRM").to_string(),
        "CRM UNKNOWN: nothing was measured"
    );
}

#[test]
fn words_round_to_three_digits_and_the_data_do_not() {
    for (value, word) in [
        (0.024_103_936, "0.0241"),
        (0.000_123_456, "0.000123"),
        (0.999_6, "1"),
        (-1.234_5, "-1.23"),
        (12.345, "12.3"),
        (99.96, "100"),
        (1_234_567.8, "1234568"),
        (120.0, "120"),
        (0.0, "0"),
        // Rounded, it would not be over the threshold that it is told for.
        (2.500_1, "2.5001"),
    ] {
        let measure = CheckValue::new("x", value).warning("~:2.5".parse().unwrap());
        let warns = if value > 2.5 {
            " (threshold ~:2.5)"
        } else {
            ""
        };
        let state = measure.state();
        let line = Check::new("X").value(measure).to_string();
        assert_eq!(
            line,
            format!("X {state}: x {word}{warns} | 'x'={value};~:2.5;;;")
        );
    }
}

/// The performance data of a line, by the guidelines: labels in apostrophes, which are doubled within.
fn performance_data(line: &str) -> Vec<(String, Vec<String>)> {
    let (_, mut rest) = line
        .split_once('|')
        .expect("a line has performance data behind a bar");
    let mut all = Vec::new();
    while let Some(inside) = rest.strip_prefix(" '") {
        let mut label = String::new();
        let mut from = inside;
        rest = loop {
            let (before, after) = from.split_once('\'').expect("a label ends");
            label.push_str(before);
            match after.strip_prefix('\'') {
                Some(more) => {
                    label.push('\'');
                    from = more;
                }
                None => break after,
            }
        };
        let fields = rest.strip_prefix('=').expect("a value follows");
        let end = fields.find(' ').unwrap_or(fields.len());
        all.push((label, fields[..end].split(';').map(str::to_owned).collect()));
        rest = &fields[end..];
    }
    assert_eq!(rest, "", "in {line:?}");
    all
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_makes_one_line_that_can_be_read(name in ".{0,12}", labels in proptest::collection::vec("[a'|=\\n\\\\;\" é]{0,8}", 1..4), value in any::<f64>()) {
        let check = labels.iter().fold(Check::new(name), |check, label| {
            check.value(CheckValue::new(label.as_str(), value).warning(Range::up_to(10.0).unwrap()))
        });
        let line = check.to_string();
        assert!(!line.contains(char::is_control), "{line:?}");
        assert_eq!(line.matches('|').count(), 1, "{line:?}");
        let data = performance_data(&line);
        assert_eq!(data.len(), labels.len());
        for ((told, fields), label) in data.iter().zip(&labels) {
            assert_eq!(*told, label.replace('=', "_").replace('|', "/").replace('\n', " "));
            assert_eq!(fields[1..], ["10", "", "", ""]);
            if value.is_finite() {
                // The value's characters are digits, the point and the sign, and lose nothing.
                assert!(fields[0].bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-')), "{fields:?}");
                assert_eq!(fields[0].parse::<f64>(), Ok(value));
            } else {
                assert_eq!(fields[0], "U");
            }
        }
    }
}
