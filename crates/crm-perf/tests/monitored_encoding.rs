//! What a cache of encoded forms counts, in the exposition of a monitor.

#[path = "support/series.rs"]
mod series;

use std::sync::Arc;

use crm_perf::compress::{Coding, EncodedCache, EncodedStats, Identity, Level};
use crm_perf::monitor::Monitor;
use crm_perf::observe_encoded;
use series::number;

const ANSWERS: [(&str, &str); 1] = [("cache", "answers")];

#[test]
fn what_is_encoded_once_is_exposed() {
    let monitor = Monitor::new();
    let forms = Arc::new(EncodedCache::new(1 << 20));
    let seen = Arc::clone(&forms);
    observe_encoded(&monitor, "answers", move || seen.stats()).unwrap();
    let json = br#"{"id":7,"name":"Ada"}"#.repeat(100);
    for _ in 0..3 {
        let form = forms.encode(Coding::Gzip, Level::Balanced, Identity::body(), &json);
        assert!(form.is_ok());
    }
    for (family, expected) in [
        ("encoded_hits", 2.0),
        ("encoded_misses", 1.0),
        ("encoded_collisions", 0.0),
        ("encoded_reused_bytes", 2.0 * json.len() as f64),
    ] {
        let found = number(&monitor, family, &ANSWERS);
        assert_eq!(found, Some(expected), "{family}");
    }
    let held = forms.stats().held.unwrap().bytes;
    assert!(held > 0);
    let found = number(&monitor, "encoded_held_bytes", &ANSWERS);
    assert_eq!(found, Some(held as f64));
}

#[test]
fn each_statistic_goes_where_its_name_says() {
    let monitor = Monitor::new();
    let mut stats = EncodedStats::default();
    (stats.hits, stats.misses) = (1, 2);
    (stats.collisions, stats.reused_bytes) = (3, 4);
    observe_encoded(&monitor, "answers", move || stats).unwrap();
    let names = ["hits", "misses", "collisions", "reused_bytes"];
    for (expected, name) in (1..).zip(names) {
        let found = number(&monitor, &format!("encoded_{name}"), &ANSWERS);
        assert_eq!(found, Some(f64::from(expected)), "{name}");
    }
    // Over a store of the caller's own nothing is known of what is held, not zero.
    assert_eq!(number(&monitor, "encoded_held_bytes", &ANSWERS), None);
    assert!(observe_encoded(&monitor, "answers", move || stats).is_err());
}
