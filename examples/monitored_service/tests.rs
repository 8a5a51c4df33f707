//! The promises of the service. Most are asked of the router within the process, with a clock that is turned by hand; the last ones run
//! the program as a user does.

use std::net::TcpListener;
use std::sync::Arc;
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
use crate::service::Service;
use crate::testing::{Folder, Output};
use crate::trouble::Trouble;
use crate::watch::{Instruments, Watch};
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
        database::fill(&file, args.customers, args.seed, |_| {}).unwrap();
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
    // Forty in the two seconds since the first look.
    assert_eq!(view["point"]["rate"], 20.0);
    assert_eq!(view["point"]["hits"], 0.5);
    assert_eq!(view["routes"][0]["route"], "/customers/{id}");
    assert_eq!(view["cache"]["entries"], 20);

    // Whoever is slow misses some, and gets the newest.
    desk.second();
    desk.second();
    assert_eq!(desk.next(&mut stream).unwrap().1["point"]["rate"], 10.0);
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
    let desk = Desk::new(&["--fail", "100%"]);
    desk.second();
    for _ in 0..20 {
        desk.get("/customers/1");
    }
    desk.second();
    assert_eq!(
        health(&desk),
        (StatusCode::SERVICE_UNAVAILABLE, "critical".to_owned())
    );
}

#[test]
fn what_fails_on_purpose_is_seen_as_a_failure() {
    let desk = Desk::new(&["--fail", "100%"]);
    desk.second();
    assert_eq!(desk.get("/customers/1").0, StatusCode::SERVICE_UNAVAILABLE);
    desk.second();
    let view = desk.watch.look();
    assert_eq!((view.requests, view.failed), (1, 1));
    assert_eq!(view.point.failed, 1.0);
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
    // What the service has measured is what its load has seen.
    let [requests, failed] = lines[0][..2] else {
        panic!("{}", ran.out)
    };
    assert!(requests > 20, "{}", ran.out);
    assert_eq!(
        (failed, &lines[1][..3]),
        (0, &[requests, 0, 0][..]),
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
