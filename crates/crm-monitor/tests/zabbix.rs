//! Lines for `zabbix_sender` and low-level discovery, read as their manual says.

use std::time::UNIX_EPOCH;

use crm_monitor::Monitor;
use crm_monitor::expose::{zabbix_discovery, zabbix_values};
use proptest::prelude::{ProptestConfig, proptest};

/// The fields of a line: apart by spaces, or in quotes, within which a backslash takes the next character as it is.
fn fields(line: &str) -> Vec<String> {
    let mut fields = Vec::new();
    let mut rest = line.chars().peekable();
    while rest.peek().is_some() {
        let mut field = String::new();
        if rest.next_if_eq(&'"').is_some() {
            loop {
                match rest.next().expect("a quote ends") {
                    '\\' => field.push(rest.next().expect("something is escaped")),
                    '"' => break,
                    plain => field.push(plain),
                }
            }
        } else {
            while let Some(plain) = rest.next_if(|character| *character != ' ') {
                field.push(plain);
            }
        }
        fields.push(field);
        assert!(
            matches!(rest.next(), None | Some(' ')),
            "a space behind each field of {line:?}"
        );
    }
    fields
}

/// The name and the parameters of a key: quoted ones have their quotes escaped, and nothing else.
fn key(text: &str) -> (String, Vec<String>) {
    let (name, rest) = text.split_once('[').expect("a key with parameters");
    assert!(
        name.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
    );
    let mut parameters = Vec::new();
    let mut rest = rest.strip_suffix(']').expect("a key ends");
    loop {
        let mut parameter = String::new();
        if let Some(quoted) = rest.strip_prefix('"') {
            let mut end = None;
            for (at, character) in quoted.char_indices() {
                if character == '"' {
                    if parameter.ends_with('\\') {
                        parameter.pop();
                    } else {
                        end = Some(at + 1);
                        break;
                    }
                }
                parameter.push(character);
            }
            rest = &quoted[end.expect("a quoted parameter ends")..];
        } else {
            let end = rest.find(',').unwrap_or(rest.len());
            parameter.push_str(&rest[..end]);
            rest = &rest[end..];
        }
        parameters.push(parameter);
        match rest.strip_prefix(',') {
            Some(next) => rest = next,
            None => break,
        }
    }
    assert_eq!(rest, "", "in the key {text:?}");
    (name.to_owned(), parameters)
}

#[test]
fn each_figure_has_its_line() {
    let monitor = Monitor::new();
    monitor
        .counter("requests")
        .register()
        .unwrap()
        .add(u64::MAX);
    monitor
        .gauge("stall_seconds")
        .label("of", "a")
        .register()
        .unwrap()
        .set(-1_500_000_000);
    let times = monitor.histogram("times_seconds").register().unwrap();
    monitor.histogram("upload_bytes").register().unwrap();
    times.record(512);
    times.record_failure(513);
    let reading = monitor.read();
    let mut text = String::new();
    zabbix_values(&reading, "my \"host\"", &mut text).unwrap();
    let taken = reading.taken.duration_since(UNIX_EPOCH).unwrap();
    let lines: Vec<_> = text
        .lines()
        .map(|line| {
            let fields = fields(line);
            assert_eq!(fields[0], "my \"host\"");
            assert_eq!(
                fields[2..4],
                [
                    taken.as_secs().to_string(),
                    taken.subsec_nanos().to_string()
                ]
            );
            assert_eq!(fields.len(), 5);
            let (name, parameters) = key(&fields[1]);
            format!("{name} {} = {}", parameters.join(" "), fields[4])
        })
        .collect();
    let quantile = |q| format!("0.{:09}", times.snapshot().quantile(q).unwrap().value());
    assert_eq!(
        lines,
        [
            "requests value = 18446744073709551615".to_owned(),
            "stall_seconds value {of=\"a\"} = -1.5".to_owned(),
            "times_seconds count = 2".to_owned(),
            "times_seconds failures = 1".to_owned(),
            "times_seconds sum = 0.000001025".to_owned(),
            "times_seconds mean = 5.125e-07".to_owned(),
            format!("times_seconds p50 = {}", quantile(0.5)),
            format!("times_seconds p90 = {}", quantile(0.9)),
            format!("times_seconds p95 = {}", quantile(0.95)),
            format!("times_seconds p99 = {}", quantile(0.99)),
            "upload_bytes count = 0".to_owned(),
            "upload_bytes failures = 0".to_owned(),
            "upload_bytes sum = 0".to_owned(),
        ]
    );
    text.clear();
    zabbix_values(&reading, "-", &mut text).unwrap();
    assert!(text.lines().all(|line| line.starts_with("- \"")));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_label_makes_one_line_and_is_discovered(value in "[a\"\\\\\n\r\t\u{1}\\]\\[,{}= é☃]{0,12}") {
        let monitor = Monitor::new();
        monitor.gauge("in_flight").label("route", &value).register().unwrap().set(3);
        monitor.counter("requests").register().unwrap();
        let reading = monitor.read();
        let mut discovered = Vec::new();
        zabbix_discovery(&reading, &mut discovered).unwrap();
        let discovered: serde_json::Value = serde_json::from_slice(&discovered).unwrap();
        let series = discovered[0]["{#SERIES}"].as_str().unwrap();
        assert_eq!(discovered, serde_json::json!([{
            "{#NAME}": "in_flight", "{#KIND}": "gauge", "{#UNIT}": "", "{#SERIES}": series, "{#LABEL.ROUTE}": value,
        }]));
        let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        assert_eq!(series, format!("{{route=\"{escaped}\"}}"));

        let mut text = Vec::new();
        zabbix_values(&reading, "-", &mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        let lines: Vec<_> = text.split_terminator('\n').collect();
        assert_eq!(lines.len(), 2, "{text:?}");
        // What a prototype with the macro in quotes becomes is the key that is sent.
        let (name, parameters) = key(&fields(lines[0])[1]);
        assert_eq!((name.as_str(), parameters[0].as_str(), parameters.len()), ("in_flight", "value", 2));
        assert_eq!(parameters[1], series.replace('\r', " "));
    }
}

#[test]
fn issue_labels_that_differ_in_case_alone_had_one_macro_twice() {
    let monitor = Monitor::new();
    let counter = monitor.counter("visits").label("route", "a");
    counter.label("Route", "b").register().unwrap();
    let mut text = String::new();
    zabbix_discovery(&monitor.read(), &mut text).unwrap();
    assert_eq!(text.matches("{#LABEL.ROUTE}").count(), 1);
    assert!(text.contains("\"{#LABEL.ROUTE}\":\"a\""), "{text}");
}

#[test]
fn units_are_those_of_zabbix() {
    let monitor = Monitor::new();
    for name in ["a_seconds", "b_bytes", "c"] {
        monitor.histogram(name).label("x", "1").register().unwrap();
    }
    let mut text = String::new();
    zabbix_discovery(&monitor.read(), &mut text).unwrap();
    let list: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    let units: Vec<_> = list
        .iter()
        .map(|entry| entry["{#UNIT}"].as_str().unwrap())
        .collect();
    assert_eq!(units, ["s", "B", ""]);
    assert!(list.iter().all(|entry| entry["{#KIND}"] == "histogram"));
}
