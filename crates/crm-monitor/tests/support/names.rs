//! The rules of names, written down a second time, and a monitor held against them.

use std::collections::{HashMap, HashSet};

use crm_monitor::{Kind, Layout, Monitor};

/// Whether the specification allows a family of this name, written down a second time.
fn allowed(name: &str) -> bool {
    let mut bytes = name.bytes();
    let Some(first) = bytes.next() else {
        return false;
    };
    let word = name.rsplit('_').next().unwrap();
    let reserved = [
        "total", "created", "bucket", "sum", "count", "gsum", "gcount",
    ];
    let scaled = [
        "weeks",
        "days",
        "hours",
        "minutes",
        "sec",
        "secs",
        "milliseconds",
        "millis",
        "ms",
        "microseconds",
        "micros",
        "us",
        "nanoseconds",
        "nanos",
        "ns",
        "bits",
        "octets",
        "kilobytes",
        "kibibytes",
        "kb",
        "megabytes",
        "mebibytes",
        "mb",
        "gigabytes",
        "gibibytes",
        "gb",
        "percent",
        "percentage",
        "milliamperes",
        "kilograms",
        "kilometers",
        "millivolts",
    ];
    let one_word = !name.contains('_');
    first.is_ascii_alphabetic()
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && (one_word || !reserved.contains(&word) && !scaled.contains(&word))
        && name.len() <= 200
        && !name.starts_with("crm_monitor_")
}

/// The names of the samples by which a family is exposed, and its own.
fn samples(name: &str, kind: Kind) -> Vec<String> {
    let suffixes: &[&str] = match kind {
        Kind::Counter => &["", "_total", "_created"],
        Kind::Histogram => &[
            "",
            "_bucket",
            "_sum",
            "_count",
            "_created",
            "_failures",
            "_failures_total",
            "_failures_created",
        ],
        _ => &[""],
    };
    suffixes
        .iter()
        .map(|suffix| format!("{name}{suffix}"))
        .collect()
}

/// Registers names one after the other, as kinds that the numbers choose: what is taken is taken as it is written, once, and
/// no two families have a sample of one name.
pub(crate) fn register(names: &[(String, u8)]) {
    let monitor = Monitor::new();
    let small = Layout::new(1, 100, 0.25).unwrap();
    // Each with whether it is a histogram.
    let mut taken: HashMap<String, bool> = HashMap::new();
    for (name, kind) in names {
        let observed = kind % 3 == 1;
        let result = match kind % 3 {
            0 => monitor.counter(name).register().map(drop),
            1 => monitor.observe_gauge(name).register(|| 1.0),
            _ => monitor.histogram(name).layout(small).register().map(drop),
        };
        let whole_ratio = !observed && name.ends_with("_ratio");
        let histogram = kind % 3 == 2;
        let of_failures = name.strip_suffix("_failures");
        let clash = of_failures.is_some_and(|of| taken.get(of) == Some(&true))
            || histogram && taken.contains_key(&format!("{name}_failures"));
        let expected = allowed(name) && !whole_ratio && !clash && !taken.contains_key(name);
        assert_eq!(result.is_ok(), expected, "{name:?}: {result:?}");
        if expected {
            taken.insert(name.clone(), histogram);
        }
    }
    assert_eq!(monitor.series(), taken.len());
    let reading = monitor.read();
    assert!(
        reading
            .families
            .is_sorted_by(|one, other| one.name < other.name)
    );
    let own = "crm_monitor_failed_observations";
    let mut families = HashSet::new();
    let mut exposed = HashSet::new();
    for family in reading
        .families
        .iter()
        .filter(|family| &*family.name != own)
    {
        families.insert(String::from(&*family.name));
        for sample in samples(&family.name, family.kind) {
            assert!(exposed.insert(sample.clone()), "{sample} twice");
        }
    }
    assert_eq!(families, taken.into_keys().collect());
}
