//! JSON in its documented shape, with every figure to its last digit.
#![cfg(feature = "serde_json")]

use std::io::{self, Write};
use std::time::UNIX_EPOCH;

use crm_monitor::expose::{self, Bounds, Exposition};
use crm_monitor::{Monitor, Unit};
use serde_json::{Value, json};

fn told(monitor: &Monitor, exposition: &Exposition) -> Value {
    let mut text = String::new();
    exposition.json(&monitor.read(), &mut text).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Replaces what no test can know by its type.
fn without_times(mut value: Value) -> Value {
    fn visit(value: &mut Value) {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    if key == "created" || key == "taken" {
                        let seconds: f64 =
                            value.as_str().expect("a time is a string").parse().unwrap();
                        assert!((1.7e9..1e11).contains(&seconds), "{seconds}");
                        *value = Value::Null;
                    } else {
                        visit(value);
                    }
                }
            }
            Value::Array(values) => values.iter_mut().for_each(visit),
            _ => {}
        }
    }
    visit(&mut value);
    value
}

#[test]
fn the_shape_is_the_documented_one() {
    let monitor = Monitor::new();
    monitor
        .counter("requests")
        .help("a \"b\"\n\\")
        .label("route", "/\u{1}é")
        .register()
        .unwrap()
        .add(u64::MAX);
    monitor
        .gauge("stall_seconds")
        .register()
        .unwrap()
        .set(-1_500_000_000);
    let times = monitor.histogram("times_seconds").register().unwrap();
    assert!(times.record_with_exemplar(100_000_000, &[("trace_id", "4bf9")]));
    times.record_failure(200_000_000);
    let exposition =
        Exposition::new().bounds_of_unit(Unit::Seconds, Bounds::new([150_000_000]).unwrap());
    let value = without_times(told(&monitor, &exposition));
    let histogram = &value["families"][2]["series"][0];
    let snapshot = times.snapshot();
    let quantile = |q: f64| {
        let quantile = snapshot.quantile(q).unwrap();
        let [value, low, high] =
            [quantile.value(), quantile.low(), quantile.high()].map(|value| value as f64 / 1e9);
        json!({"q": q, "value": value, "low": low, "high": high})
    };
    let quantiles = [0.5, 0.9, 0.95, 0.99, 0.999].map(quantile);
    assert_eq!(
        value,
        json!({
            "taken": null,
            "families": [
                {
                    "name": "requests", "help": "a \"b\"\n\\", "unit": "", "kind": "counter",
                    "series": [{"labels": {"route": "/\u{1}é"}, "created": null, "value": "18446744073709551615"}],
                },
                {
                    "name": "stall_seconds", "help": "", "unit": "seconds", "kind": "gauge",
                    "series": [{"labels": {}, "created": null, "value": "-1.5"}],
                },
                {
                    "name": "times_seconds", "help": "", "unit": "seconds", "kind": "histogram",
                    "series": [{
                        "labels": {}, "created": null,
                        "count": "2", "failures": "1", "sum": "0.3",
                        "mean": snapshot.mean().unwrap() / 1e9,
                        "standard_deviation": histogram["standard_deviation"].as_f64().unwrap(),
                        "quantiles": quantiles,
                        "buckets": [{"le": 0.15, "count": "1"}, {"le": "+Inf", "count": "2"}],
                        "exemplars": [{"labels": {"trace_id": "4bf9"}, "value": "0.1", "taken": null}],
                    }],
                },
            ],
        })
    );
    assert!((histogram["standard_deviation"].as_f64().unwrap() - 0.05).abs() < 0.001);
}

#[test]
fn an_empty_histogram_has_no_estimates() {
    let monitor = Monitor::new();
    monitor.histogram("size_bytes").register().unwrap();
    let value = told(&monitor, &Exposition::new());
    let series = &value["families"][0]["series"][0];
    assert_eq!(
        (&series["count"], &series["sum"]),
        (&json!("0"), &json!("0"))
    );
    assert_eq!(
        (&series["mean"], &series["standard_deviation"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(
        series["quantiles"][0],
        json!({"q": 0.5, "value": null, "low": null, "high": null})
    );
}

#[test]
fn a_time_is_that_of_the_reading() {
    let reading = Monitor::new().read();
    let mut text = String::new();
    expose::json(&reading, &mut text).unwrap();
    let nanoseconds = reading.taken.duration_since(UNIX_EPOCH).unwrap().as_nanos();
    let digits = format!(
        "{}.{:09}",
        nanoseconds / 1_000_000_000,
        nanoseconds % 1_000_000_000
    );
    let expected = format!(
        "{{\"taken\":\"{}\",\"families\":[]}}",
        digits.trim_end_matches('0').trim_end_matches('.')
    );
    assert_eq!(text, expected);
}

/// Fails after so many bytes.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self
            .0
            .checked_sub(bytes.len())
            .ok_or(io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn what_the_writer_fails_by_is_told() {
    let monitor = Monitor::new();
    for index in 0..2_000 {
        monitor
            .counter("requests")
            .label("route", &index.to_string())
            .register()
            .unwrap();
    }
    // Some pages in, and at the last.
    for room in [0, 40_000] {
        let error = expose::json(&monitor.read(), &mut Full(room)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }
    expose::json(&monitor.read(), &mut Full(1 << 20)).unwrap();
}
