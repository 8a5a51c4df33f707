//! Which format a scraper's Accept header asks for.

use crm_monitor::Monitor;
use crm_monitor::expose::{Exposition, Format};

#[test]
fn scrapers_get_what_they_prefer() {
    // Prometheus 2.42, and 3 without and with native histograms.
    let old = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
    let new = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
    let native = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
    #[cfg(feature = "prost")]
    let protobuf = Format::Protobuf;
    #[cfg(not(feature = "prost"))]
    let protobuf = Format::OpenMetrics;
    #[cfg(feature = "serde_json")]
    let json = Format::Json;
    #[cfg(not(feature = "serde_json"))]
    let json = Format::Prometheus;
    for (accept, format) in [
        (old, Format::OpenMetrics),
        (new, Format::OpenMetrics),
        (native, protobuf),
        // A version or a message that is not written here.
        (
            "application/openmetrics-text;version=0.0.1,text/plain;version=0.0.4;q=0.5",
            Format::Prometheus,
        ),
        (
            "application/openmetrics-text;version=\"1.0.0\",text/plain;q=0.5",
            Format::OpenMetrics,
        ),
        (
            "text/plain;version=1.0.0, application/openmetrics-text;q=0.1",
            Format::OpenMetrics,
        ),
        (
            "application/vnd.google.protobuf;proto=other;encoding=delimited,text/plain;q=0.1",
            Format::Prometheus,
        ),
        (
            "application/vnd.google.protobuf;encoding=text,application/openmetrics-text;q=0.1",
            Format::OpenMetrics,
        ),
        // People and tools.
        (
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            Format::Prometheus,
        ),
        ("*/*", Format::Prometheus),
        ("", Format::Prometheus),
        ("image/png", Format::Prometheus),
        ("application/json", json),
        ("application/json, */*;q=0.5", json),
        (
            "APPLICATION/OpenMetrics-Text ; VERSION=1.0.0 ; Q=0.9 , text/plain;q=0.8",
            Format::OpenMetrics,
        ),
        // Qualities.
        (
            "text/plain;q=0.9, application/openmetrics-text;q=0.1",
            Format::Prometheus,
        ),
        ("text/plain;q=0, */*", Format::OpenMetrics),
        (
            "application/openmetrics-text;q=0, */*;q=0.1",
            Format::Prometheus,
        ),
        (
            "application/openmetrics-text;q=2, text/plain;q=0.001",
            Format::Prometheus,
        ),
        (
            "application/openmetrics-text, text/plain",
            Format::OpenMetrics,
        ),
        (
            "text/*;q=0.5, application/openmetrics-text;q=0.4",
            Format::Prometheus,
        ),
        (
            "*/*;q=0.9, application/openmetrics-text;q=0.9",
            Format::OpenMetrics,
        ),
        ("application/openmetrics-text;q=0", Format::Prometheus),
        // A comma within quotes separates nothing.
        (
            "text/plain;q=0.5;note=\",application/openmetrics-text,\"",
            Format::Prometheus,
        ),
    ] {
        #[cfg(feature = "prost")]
        let format = if accept == "text/plain;q=0, */*" {
            Format::Protobuf
        } else {
            format
        };
        assert_eq!(Format::negotiate([accept]), format, "{accept}");
    }
    assert_eq!(Format::negotiate(None), Format::Prometheus);
    assert_eq!(
        Format::negotiate(["text/plain;q=0.5", "application/openmetrics-text"]),
        Format::OpenMetrics
    );
}

#[test]
fn a_content_type_asks_for_its_own_format() {
    let all = [
        Format::Prometheus,
        Format::OpenMetrics,
        #[cfg(feature = "prost")]
        Format::Protobuf,
        #[cfg(feature = "serde_json")]
        Format::Json,
    ];
    for format in all {
        assert_eq!(Format::negotiate([format.content_type()]), format);
    }
}

#[test]
fn an_answer_is_the_body_with_its_own_content_type() {
    let monitor = Monitor::new();
    let times = monitor.histogram("times_seconds").register().unwrap();
    times.record_with_exemplar(7, &[("trace_id", "4bf9")]);
    let reading = monitor.read();
    let exposition = Exposition::new().created(false);
    let openmetrics = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5";
    for accept in [vec![], vec!["text/plain"], vec!["text/html", openmetrics]] {
        let (content_type, body) = exposition.answer(accept.iter().copied(), &reading);
        let format = Format::negotiate(accept.iter().copied());
        assert_eq!(content_type, format.content_type());
        let mut expected = Vec::new();
        exposition.write(format, &reading, &mut expected).unwrap();
        assert_eq!(body, expected);
        // What plain text cannot have is there where the type says so, and only there.
        let text = String::from_utf8(body).unwrap();
        let is_openmetrics = content_type.starts_with("application/openmetrics-text");
        assert_eq!(is_openmetrics, accept.contains(&openmetrics));
        assert_eq!(text.contains(" # {trace_id="), is_openmetrics);
        assert_eq!(text.ends_with("# EOF\n"), is_openmetrics);
    }
}
