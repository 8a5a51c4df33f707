//! The promises of the service. Most are asked of the router within the process, with a clock that is turned by hand; the last ones run
//! the program as a user does.

use std::future::poll_fn;
use std::net::TcpListener;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use clap::Parser;
use crm_perf::clock::{Clock, ManualClock};
use http_body_util::BodyExt;
use serde_json::Value;
use tokio::runtime::Runtime;
use tower::ServiceExt;

use crate::args::Args;
use crate::database::{self, Database};
use crate::events::Events;
use crate::instruments::Instruments;
use crate::service::Service;
use crate::testing::{Folder, Output};
use crate::trouble::Trouble;
use crate::watch::Watch;
use crate::{routes, run};

const SECOND: Duration = Duration::from_secs(1);

/// A service over fifty customers, whose clock stands still unless it is turned.
struct Desk {
    runtime: Runtime,
    _folder: Folder,
    watch: Arc<Watch>,
    events: Arc<Events>,
    router: Router,
    hand: ManualClock,
}

impl Desk {
    fn new(options: &[&str]) -> Self {
        let line = ["monitored_service", "--customers", "50", "--query", "0ms"];
        let args = Args::try_parse_from(line.iter().chain(options)).unwrap();
        let folder = Folder::new();
        let file = folder.0.path().join("c.sqlite");
        database::fill(&file, args.customers, args.seed, |_| true).unwrap();
        let (clock, hand) = Clock::manual();
        let instruments = Instruments::register(&clock).unwrap();
        let measured = instruments.database.clone();
        let database = Database::open(&file, args.connections, args.query, measured).unwrap();
        let service = Arc::new(Service::new(database, args.cache).unwrap());
        let watch = Watch::new(&args, instruments, Arc::clone(&service)).unwrap();
        let trouble = Trouble::new(args.slow, args.slow_by, args.fail, args.seed);
        let events = Arc::new(Events::new());
        Self {
            runtime: crate::runtime(&args).unwrap(),
            _folder: folder,
            router: routes::router(service, trouble, &watch, Arc::clone(&events)),
            watch,
            events,
            hand,
        }
    }

    fn send(&self, path: &str, accept: &str) -> (StatusCode, HeaderMap, Body) {
        let request = Request::get(path)
            .header(header::ACCEPT, accept)
            .body(Body::empty())
            .unwrap();
        let response = self.runtime.block_on(self.router.clone().oneshot(request));
        let (parts, body) = response.unwrap().into_parts();
        (parts.status, parts.headers, body)
    }

    fn text(&self, body: Body) -> String {
        let bytes = self.runtime.block_on(to_bytes(body, 1 << 20)).unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    fn get(&self, path: &str) -> (StatusCode, String) {
        let (status, _, body) = self.send(path, "*/*");
        (status, self.text(body))
    }

    /// A request during which a millisecond passes; it has to be slow on purpose.
    fn get_slowly(&self, path: &str) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let mut answer = pin!(self.router.clone().oneshot(request));
        self.runtime.block_on(async {
            let first = poll_fn(|context| Poll::Ready(answer.as_mut().poll(context))).await;
            assert!(first.is_pending());
            self.hand.advance(Duration::from_millis(1));
            drop(answer.await);
        });
    }

    /// A second passes, and whoever watches is told.
    fn second(&self) {
        self.hand.advance(SECOND);
        self.events.tell(self.watch.look());
    }

    /// What the stream says next, or `None` at its end: the name of each event, and its data.
    fn next(&self, stream: &mut Body) -> Option<(String, Value)> {
        let frame = self.runtime.block_on(stream.frame())?.unwrap();
        let text = String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap();
        let (name, data) = text.trim_end().split_once('\n').unwrap();
        let data = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
        Some((name.strip_prefix("event: ").unwrap().to_owned(), data))
    }
}

#[test]
fn customers_come_from_the_database_and_then_from_the_cache() {
    let desk = Desk::new(&[]);
    let (status, first) = desk.get("/customers/7");
    assert_eq!(status, StatusCode::OK);
    assert!(first.starts_with(r#"{"id":7,"name":""#), "{first}");
    assert_eq!(desk.get("/customers/7"), (StatusCode::OK, first));
    assert_eq!(desk.get("/customers/51").0, StatusCode::NOT_FOUND);
    assert_eq!(desk.get("/customers/x").0, StatusCode::BAD_REQUEST);
    assert_eq!(desk.get("/nothing").0, StatusCode::NOT_FOUND);
    let (status, page) = desk.get("/customers?page=2");
    let page: Value = serde_json::from_str(&page).unwrap();
    assert_eq!(status, StatusCode::OK);
    assert_eq!(page["customers"].as_array().unwrap().len(), 10);
    desk.second();
    let view = desk.watch.look();
    assert_eq!((view.requests, view.failed), (5, 0));
}

#[test]
fn only_requests_for_customers_are_measured() {
    let desk = Desk::new(&[]);
    for path in ["/dashboard", "/events", "/", "/nothing"] {
        drop(desk.send(path, "*/*"));
    }
    desk.get("/customers/1");
    assert_eq!(desk.watch.look().requests, 1);
}

#[test]
fn whoever_watches_is_told_what_was_and_then_each_second_what_is() {
    let desk = Desk::new(&[]);
    desk.second();
    desk.second();
    let (status, headers, mut stream) = desk.send("/events", "text/event-stream");
    assert_eq!(status, StatusCode::OK);
    assert_eq!(headers[header::CONTENT_TYPE], "text/event-stream");
    let (name, history) = desk.next(&mut stream).unwrap();
    assert_eq!(
        (name.as_str(), history.as_array().unwrap().len()),
        ("history", 1)
    );
    let (name, view) = desk.next(&mut stream).unwrap();
    assert_eq!(
        (name.as_str(), &view["requests"]),
        ("view", &Value::from(0))
    );
    assert_eq!(view["point"]["p99"], Value::Null);

    for id in 1..=40 {
        desk.get(&format!("/customers/{}", id % 20 + 1));
    }
    desk.second();
    let (_, view) = desk.next(&mut stream).unwrap();
    assert_eq!(view["requests"], 40);
    // Forty in the three seconds that there were.
    assert_eq!(view["point"]["rate"], 40.0 / 3.0);
    assert_eq!(view["point"]["hits"], 0.5);
    assert_eq!(view["routes"][0]["route"], "/customers/{id}");
    assert_eq!(view["cache"]["entries"], 20);

    // Whoever is slow misses some, and gets the newest.
    desk.second();
    desk.second();
    assert_eq!(desk.next(&mut stream).unwrap().1["point"]["rate"], 8.0);
    desk.events.end();
    assert_eq!(desk.next(&mut stream), None);
}

#[test]
fn a_probe_is_told_whether_others_should_serve() {
    let health = |desk: &Desk| {
        let (status, body) = desk.get("/health");
        let body: Value = serde_json::from_str(&body).unwrap();
        (status, body["status"].as_str().unwrap().to_owned())
    };
    let desk = Desk::new(&[]);
    assert_eq!(health(&desk), (StatusCode::OK, "unknown".to_owned()));
    desk.second();
    desk.get("/customers/1");
    desk.second();
    assert_eq!(health(&desk), (StatusCode::OK, "ok".to_owned()));
    // Nobody is called for the first two hundred requests, and then somebody is.
    let desk = Desk::new(&["--fail", "100%"]);
    desk.second();
    for asked in [199, 1] {
        let (status, before) = health(&desk);
        assert_eq!(status, StatusCode::OK, "{before}");
        for _ in 0..asked {
            desk.get("/customers/1");
        }
        desk.second();
    }
    assert_eq!(
        health(&desk),
        (StatusCode::SERVICE_UNAVAILABLE, "critical".to_owned())
    );
    let (status, line) = desk.get("/health?format=nagios");
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        line.starts_with("CUSTOMERS CRITICAL: pages 2 (threshold 0), failed 100%"),
        "{line}"
    );
    assert!(
        line.contains(" | 'pages'=2;;0;; 'tickets'=2;0;;; "),
        "{line}"
    );
    assert_eq!(desk.get("/health?format=xml").0, StatusCode::BAD_REQUEST);
}

#[test]
fn failures_raise_an_alert_and_are_what_the_advisor_names_first() {
    let desk = Desk::new(&["--fail", "100%", "--slow", "100%", "--slow-by", "1ms"]);
    desk.second();
    for asked in [199, 1] {
        let view = desk.watch.look();
        assert_eq!((view.advice.len(), view.alerts.len()), (0, 0));
        assert_eq!(view.no_advice, "Not enough requests yet to say.");
        for _ in 0..asked {
            desk.get_slowly("/customers/1");
        }
        desk.second();
    }
    let view = desk.events.last().unwrap();
    let titles: Vec<_> = view.alerts.iter().map(|alert| &*alert.title).collect();
    // What has failed was not quick, either.
    let promises = ["availability", "speed"];
    let expected = ["Page", "Ticket"].map(|level| promises.map(|name| format!("{level}: {name}")));
    assert_eq!(titles, expected.as_flattened());
    assert!(
        view.alerts[0].reason.contains("200 of 200 bad in 10 s"),
        "{:?}",
        view.alerts[0]
    );
    assert_eq!(view.alerts[0].since, view.point.at);
    assert_eq!(view.no_advice, "");
    assert_eq!(view.advice[0].title, "Look at the errors");
    assert!(
        view.advice[0]
            .facts
            .contains(&"share of errors: 100 %".to_owned()),
        "{:?}",
        view.advice[0]
    );
    let [availability, speed] = &view.objectives[..] else {
        panic!("{:?}", view.objectives)
    };
    // A thousand times what 99.9 % allow, over each of the windows, and a hundred times what 99 % do.
    for (objective, times) in [(availability, 1000.0), (speed, 100.0)] {
        let burns = objective.burns.iter();
        let burns: Vec<_> = burns.map(|burn| (burn.long, burn.firing)).collect();
        assert_eq!(burns, [(Some(times), true); 3], "{}", objective.promise);
    }
}

#[test]
fn a_scraper_gets_the_format_that_it_asks_for() {
    let desk = Desk::new(&[]);
    for _ in 0..3 {
        desk.get("/customers/1");
    }
    let scrape = |accept: &str| {
        let (status, headers, body) = desk.send("/metrics", accept);
        assert_eq!(status, StatusCode::OK);
        (
            headers[header::CONTENT_TYPE].to_str().unwrap().to_owned(),
            desk.text(body),
        )
    };
    let (kind, text) = scrape("application/openmetrics-text; version=1.0.0, text/plain;q=0.5");
    assert!(
        kind.starts_with("application/openmetrics-text; version=1.0.0"),
        "{kind}"
    );
    assert!(text.ends_with("# EOF\n"), "{text}");
    let (kind, text) = scrape("*/*");
    assert!(kind.starts_with("text/plain; version=0.0.4"), "{kind}");
    for line in [
        r#"http_requests_total{method="GET",route="/customers/{id}",status="2xx"} 3"#,
        "http_response_time_seconds_count 3",
        "database_query_time_seconds_count 1",
        "cache_hits_total 2",
        "cache_misses_total 1",
        "cache_entries 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in {text}");
    }
}

#[test]
fn what_fails_on_purpose_is_seen_as_a_failure() {
    let desk = Desk::new(&["--fail", "100%"]);
    desk.second();
    assert_eq!(desk.get("/customers/1").0, StatusCode::SERVICE_UNAVAILABLE);
    desk.second();
    let view = desk.watch.look();
    assert_eq!((view.requests, view.failed), (1, 1));
    assert_eq!(view.point.failed, 0.5);
}

#[test]
fn the_dashboard_is_one_page_that_may_ask_nobody_else() {
    let desk = Desk::new(&[]);
    let (status, headers, body) = desk.send("/dashboard", "text/html");
    assert_eq!(status, StatusCode::OK);
    let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none';"), "{policy}");
    assert!(desk.text(body).ends_with("</html>\n"));
    let (status, headers, _) = desk.send("/", "text/html");
    assert_eq!(status, StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(headers[header::LOCATION], "/dashboard");
}

fn program(line: &[&str]) -> Output {
    Output::of(run, &[&["monitored_service"], line].concat())
}

#[test]
fn it_loads_itself_and_ends_by_itself() {
    let ran = program(&[
        "--listen",
        "127.0.0.1:0",
        "--customers",
        "500",
        "--load",
        "200/s",
        "--slow",
        "100%",
        "--slow-by",
        "20ms",
        "--seconds",
        "2",
    ]);
    assert!(
        ran.err.starts_with("serving on http://127.0.0.1:"),
        "{}",
        ran.err
    );
    assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
    let numbers = |line: &str| -> Vec<u64> {
        let words = line.split([' ', ',']);
        words.filter_map(|word| word.parse().ok()).collect()
    };
    let lines: Vec<_> = ran.out.lines().map(numbers).collect();
    // What the service has measured is what its load has seen. On a machine that stood still the load may have left some out.
    let [requests, failed] = lines[0][..2] else {
        panic!("{}", ran.out)
    };
    assert!(requests > 0, "{}", ran.out);
    // Both have waited for it.
    for line in ran.out.lines() {
        let median = line
            .split("p50 ")
            .nth(1)
            .and_then(|rest| rest.split(' ').next());
        let median: f64 = median.unwrap().parse().unwrap();
        assert!(median >= 19.8, "{line}");
    }
    assert_eq!(
        (failed, &lines[1][..2]),
        (0, &[requests, 0][..]),
        "{}",
        ran.out
    );
}

#[test]
fn a_port_that_is_taken_ends_it_with_one_line() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap().to_string();
    let failure = program(&["--listen", &address]).failure();
    let expected = format!("monitored_service: cannot listen on {address}: another program does;");
    assert!(failure.starts_with(&expected), "{failure}");
}
