//! The reader that judges the crate's OpenMetrics is itself proven: by texts that it has to take and texts that it has to refuse,
//! one for each rule, and, where `OPENMETRICS_CASES` names a folder of them, by the suite of the OpenMetrics project
//! (github.com/prometheus/OpenMetrics, tests/testdata/parsers: folders with a file `metrics` each, of which the names of
//! those to be refused begin with `bad_`).

#[path = "support/openmetrics.rs"]
mod openmetrics;

use openmetrics::read;

/// What is right, each without its last line, `# EOF`.
const GOOD: &[&str] = &[
    "",
    "# TYPE requests counter\n# HELP requests Answered.\nrequests_total 17\n",
    "# TYPE requests counter\nrequests_total 17.5 1763757600.25\n",
    "# TYPE requests counter\nrequests_total{route=\"/\"} 1\nrequests_created{route=\"/\"} 1763757600\nrequests_total{route=\"/x\"} 2\n",
    "# HELP in_flight Now.\n# TYPE in_flight gauge\nin_flight -3\n",
    "# TYPE wait_seconds gauge\n# UNIT wait_seconds seconds\nwait_seconds 0.25\n",
    "# TYPE wait gauge\n# UNIT wait \n# HELP wait \nwait 0.25\n",
    "# TYPE wait gauge\nwait{a=\"1\"} NaN\nwait{a=\"2\"} +Inf\nwait{a=\"3\"} -Inf\nwait{a=\"4\"} 0012e-1\n",
    "# TYPE wait gauge\nwait{a=\"# \\\" } \\\\ \\n é\",b=\"\",} 1\n",
    "# TYPE wait gauge\n# HELP wait a \\\\ b \\n c \\\" d \\q\0\nwait{} 1\n",
    "untyped_and_alone 3\n",
    "# TYPE times histogram\ntimes_bucket{le=\"0.1\"} 1 # {id=\"7\"} 0.05 1763757600.5\ntimes_bucket{le=\"+Inf\"} 2 # {} 3\ntimes_count 2\ntimes_sum 3.05\ntimes_created 1\n",
    "# TYPE times histogram\ntimes_bucket{a=\"1\",le=\"1.0\"} 0\ntimes_bucket{a=\"1\",le=\"+Inf\"} 0\ntimes_bucket{a=\"2\",le=\"+Inf\"} 4\n",
    "# TYPE change gaugehistogram\nchange_bucket{le=\"-1.0\"} 2\nchange_bucket{le=\"+Inf\"} 2\nchange_gcount 2\nchange_gsum -5\n",
    "# TYPE wait summary\nwait{quantile=\"0.5\"} 1\nwait{quantile=\"1.0\"} 2\nwait_count 2\nwait_sum 3\n",
    "# TYPE state stateset\nstate{state=\"on\"} 1\nstate{state=\"off\"} 0\n",
    "# TYPE build info\nbuild_info{version=\"1\"} 1\n",
    "# TYPE wait gauge\nwait 1 5\nwait 2 6\n",
];

/// What is wrong, each without its last line.
const BAD: &[(&str, &str)] = &[
    ("blank line", "\n"),
    ("blank line in the midst", "a 1\n\nb 1\n"),
    ("carriage return", "a 1\r\n"),
    ("comment", "# some words\n"),
    ("comment without a space", "#a 1\n"),
    ("indented metadata", " # HELP a b\n"),
    ("metadata without a name", "# TYPE\n"),
    ("metadata without a value", "# HELP a\n"),
    ("unknown metadata", "# NOTE a b\n"),
    ("unknown type", "# TYPE a meter\n"),
    ("type of the older format", "# TYPE a untyped\n"),
    ("space behind a type", "# TYPE a gauge \n"),
    ("tab in the place of a space", "# TYPE a\tgauge\n"),
    ("two types", "# TYPE a gauge\n# TYPE a gauge\n"),
    ("two helps", "# HELP a b\n# HELP a b\n"),
    ("two units", "# UNIT a_s s\n# UNIT a_s s\n"),
    (
        "unit that is not in the name",
        "# TYPE a gauge\n# UNIT a seconds\n",
    ),
    (
        "unit that is in the name without its underscore",
        "# TYPE aseconds gauge\n# UNIT aseconds seconds\n",
    ),
    ("unit of an info", "# TYPE a_s info\n# UNIT a_s s\n"),
    (
        "metadata behind samples",
        "# TYPE a gauge\na 1\n# HELP a b\n",
    ),
    ("counter without its ending", "# TYPE a counter\na 1\n"),
    (
        "family in two places",
        "# TYPE a gauge\na 1\n# TYPE b gauge\nb 1\na{x=\"1\"} 1\n",
    ),
    (
        "gauge in the way of a counter",
        "# TYPE a_created gauge\na_created 1\n# TYPE a counter\na_total 1\n",
    ),
    (
        "metric in two places",
        "# TYPE a gauge\na{x=\"1\"} 1 1\na{x=\"2\"} 1 1\na{x=\"1\"} 1 2\n",
    ),
    (
        "one series twice",
        "# TYPE a gauge\na{x=\"1\",y=\"2\"} 1\na{y=\"2\",x=\"1\"} 1\n",
    ),
    ("time that runs backwards", "# TYPE a gauge\na 1 2\na 1 1\n"),
    ("times at some points", "# TYPE a gauge\na 1 2\na 1\n"),
    ("time that is none", "a 1 NaN\n"),
    ("time with a space behind it", "a 1 1 \n"),
    ("no value", "a\n"),
    ("empty value", "a \n"),
    ("two spaces", "a  1\n"),
    ("space behind the value", "a 1 \n"),
    ("underscore in a number", "a 1_0\n"),
    ("hexadecimal number", "a 0x1p3\n"),
    ("binary number", "a 0b1\n"),
    ("octal number", "a 0o7\n"),
    ("word for a number", "a one\n"),
    ("signed NaN", "a -NaN\n"),
    ("dot in a name", "a.b 1\n"),
    ("digit first in a name", "1a 1\n"),
    ("no name", "{a=\"1\"} 1\n"),
    ("digit first in a label", "a{1=\"1\"} 1\n"),
    ("colon in a label", "a{b:c=\"1\"} 1\n"),
    ("label twice", "a{b=\"1\",b=\"1\"} 1\n"),
    ("label without a value", "a{b} 1\n"),
    ("label without an equals sign", "a{b\"1\"} 1\n"),
    ("label without quotes", "a{b=1} 1\n"),
    ("label in apostrophes", "a{b='1'} 1\n"),
    ("label without its last quote", "a{b=\"1} 1\n"),
    ("label whose last quote is escaped", "a{b=\"1\\\"} 1\n"),
    ("labels without a comma", "a{b=\"1\"c=\"2\"} 1\n"),
    ("two commas", "a{b=\"1\",,c=\"2\"} 1\n"),
    ("comma first", "a{,b=\"1\"} 1\n"),
    ("space between labels", "a{b=\"1\", c=\"2\"} 1\n"),
    ("no space behind the labels", "a{b=\"1\"}1\n"),
    ("negative counter", "# TYPE a counter\na_total -1\n"),
    (
        "counter that is no number",
        "# TYPE a counter\na_total NaN\n",
    ),
    (
        "negative bucket count",
        "# TYPE a histogram\na_bucket{le=\"+Inf\"} -1\n",
    ),
    (
        "count that is not whole",
        "# TYPE a histogram\na_bucket{le=\"+Inf\"} 1.5\n",
    ),
    (
        "negative sum",
        "# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_count 1\na_sum -1\n",
    ),
    ("bucket without a bound", "# TYPE a histogram\na_bucket 1\n"),
    (
        "bound that is no number",
        "# TYPE a histogram\na_bucket{le=\"NaN\"} 1\na_bucket{le=\"+Inf\"} 1\n",
    ),
    (
        "infinity by another name",
        "# TYPE a histogram\na_bucket{le=\"Infinity\"} 1\n",
    ),
    (
        "no bucket for all",
        "# TYPE a histogram\na_bucket{le=\"1.0\"} 1\n",
    ),
    (
        "count without buckets",
        "# TYPE a histogram\na_count 1\na_sum 1\n",
    ),
    (
        "bounds that descend",
        "# TYPE a histogram\na_bucket{le=\"2.0\"} 1\na_bucket{le=\"1.0\"} 1\na_bucket{le=\"+Inf\"} 1\n",
    ),
    (
        "counts that descend",
        "# TYPE a histogram\na_bucket{le=\"1.0\"} 2\na_bucket{le=\"+Inf\"} 1\n",
    ),
    (
        "count that is another",
        "# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_count 2\na_sum 1\n",
    ),
    (
        "count without a sum",
        "# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_count 1\n",
    ),
    (
        "sum without a count",
        "# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_sum 1\n",
    ),
    (
        "sum beside negative bounds",
        "# TYPE a histogram\na_bucket{le=\"-1.0\"} 1\na_bucket{le=\"+Inf\"} 1\na_count 1\na_sum 1\n",
    ),
    (
        "negative sum of a gauge histogram",
        "# TYPE a gaugehistogram\na_bucket{le=\"+Inf\"} 1\na_gcount 1\na_gsum -1\n",
    ),
    (
        "groups that mix",
        "# TYPE a histogram\na_bucket{x=\"1\",le=\"+Inf\"} 0\na_bucket{x=\"2\",le=\"+Inf\"} 0\na_count{x=\"1\"} 0\n",
    ),
    ("quantile without its label", "# TYPE a summary\na 1\n"),
    (
        "quantile above one",
        "# TYPE a summary\na{quantile=\"1.5\"} 1\n",
    ),
    (
        "negative quantile",
        "# TYPE a summary\na{quantile=\"0.5\"} -1\n",
    ),
    (
        "state without its label",
        "# TYPE a stateset\na{b=\"c\"} 1\n",
    ),
    ("state of two", "# TYPE a stateset\na{a=\"b\"} 2\n"),
    ("info of two", "# TYPE a info\na_info{b=\"c\"} 2\n"),
    ("exemplar of a gauge", "# TYPE a gauge\na 1 # {b=\"c\"} 1\n"),
    (
        "exemplar of a sum",
        "# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_count 1\na_sum 1 # {} 1\n",
    ),
    (
        "exemplar of a time of creation",
        "# TYPE a counter\na_created 1 # {} 1\n",
    ),
    (
        "exemplar without a space before",
        "# TYPE a counter\na_total 1# {} 1\n",
    ),
    (
        "exemplar without a space within",
        "# TYPE a counter\na_total 1 #{} 1\n",
    ),
    (
        "exemplar without labels",
        "# TYPE a counter\na_total 1 # 1\n",
    ),
    (
        "exemplar without a value",
        "# TYPE a counter\na_total 1 # {}\n",
    ),
    (
        "exemplar with a space behind it",
        "# TYPE a counter\na_total 1 # {} 1 \n",
    ),
    (
        "exemplar with a time that is none",
        "# TYPE a counter\na_total 1 # {} 1 +Inf\n",
    ),
    ("text behind the end", "a 1\n# EOF\nb 1\n"),
];

#[test]
fn right_texts_are_taken() {
    for text in GOOD {
        let whole = format!("{text}# EOF\n");
        read(whole.as_bytes()).unwrap_or_else(|reason| panic!("{reason}, in\n{whole}"));
        assert!(
            read(whole.trim_end().as_bytes()).is_ok(),
            "the last line break may be missing"
        );
        assert!(read(text.as_bytes()).is_err(), "the end may not");
    }
}

#[test]
fn wrong_texts_are_refused() {
    for (what, text) in BAD {
        assert!(
            read(format!("{text}# EOF\n").as_bytes()).is_err(),
            "{what}:\n{text}"
        );
    }
}

#[test]
fn wrong_bytes_are_refused() {
    assert!(read(b"a{b=\"\xff\"} 1\n# EOF\n").is_err(), "not UTF-8");
    assert!(
        read("\u{feff}a 1\n# EOF\n".as_bytes()).is_err(),
        "a byte order mark"
    );
    assert!(read(b"a 1 # EOF\n").is_err(), "an end that is not a line");
    assert!(read(b"").is_err(), "nothing");
}

#[test]
fn an_exemplar_has_128_characters_of_labels_at_most() {
    let text = |length: usize| {
        format!(
            "# TYPE a counter\na_total 1 # {{b=\"{}\"}} 1\n# EOF\n",
            "☃".repeat(length)
        )
    };
    assert!(read(text(127).as_bytes()).is_ok());
    assert!(read(text(128).as_bytes()).is_err());
}

#[test]
fn exemplars_outside_of_their_buckets_are_counted() {
    let text = "# TYPE a histogram\na_bucket{x=\"1\",le=\"1.0\"} 1 # {} 1\na_bucket{x=\"1\",le=\"+Inf\"} 1 # {} 1\n\
                a_bucket{x=\"2\",le=\"1.0\"} 1 # {} 1.5\na_bucket{x=\"2\",le=\"+Inf\"} 1\n# EOF\n";
    assert_eq!(
        openmetrics::exemplars_outside_of_their_buckets(&read(text.as_bytes()).unwrap()[0]),
        2
    );
}

#[test]
fn what_is_read_is_what_was_written() {
    let text = "# TYPE a_seconds histogram\n# UNIT a_seconds seconds\n# HELP a_seconds b \\\\ \\n \\\" c\n\
                a_seconds_bucket{x=\"\\\\ \\n \\\"\",le=\"+Inf\"} 3 # {y=\"z\"} 0.50 12.250\n# EOF\n";
    let families = read(text.as_bytes()).unwrap();
    let family = &families[0];
    assert_eq!(
        (
            family.name.as_str(),
            family.kind.as_deref(),
            family.unit.as_deref()
        ),
        ("a_seconds", Some("histogram"), Some("seconds"))
    );
    assert_eq!(family.help.as_deref(), Some("b \\ \n \" c"));
    assert_eq!(family.metadata, ["TYPE", "UNIT", "HELP"]);
    let sample = &family.samples[0];
    assert_eq!(sample.label("x"), Some("\\ \n \""));
    let exemplar = sample.exemplar.as_ref().unwrap();
    assert_eq!(exemplar.labels, [("y".to_owned(), "z".to_owned())]);
    assert_eq!(
        (exemplar.value.text.as_str(), exemplar.value.value),
        ("0.50", 0.5)
    );
    assert_eq!(
        exemplar.timestamp.as_ref().map(|time| time.value),
        Some(12.25)
    );
}

/// Only where the folder is given; CI's own proof of the reader are the texts above.
#[test]
fn the_suite_of_openmetrics_is_judged_as_it_says() {
    let Some(folder) = std::env::var_os("OPENMETRICS_CASES") else {
        return;
    };
    let mut judged = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let Ok(text) = std::fs::read(path.join("metrics")) else {
            continue;
        };
        let bad = path
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .starts_with("bad_");
        let outcome = read(&text);
        assert_eq!(
            outcome.is_err(),
            bad,
            "{}: {outcome:?}\n{}",
            path.display(),
            String::from_utf8_lossy(&text)
        );
        judged += 1;
    }
    assert!(judged > 50, "{judged} cases");
}
