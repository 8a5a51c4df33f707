//! What passes through the layer, and what is registered for it.

use std::convert::Infallible;

use crate::readings::{count, family, histogram};
use crate::script::{Script, Step};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{MatchedPath, Path};
use axum::routing::{get, post};
use crm_monitor::{CountedBody, Monitor, MonitorLayer, MonitoredBody, RegisterError, Value};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, StreamBody};
use tower::{Layer, ServiceExt, service_fn};

/// Sends a request to the router and takes all of the answer.
async fn send(
    app: &Router,
    method: &str,
    path: &str,
    body: impl Into<Body>,
) -> (StatusCode, Bytes) {
    let request = Request::builder().method(method).uri(path);
    let request = request.body(body.into()).unwrap();
    let response = app.clone().oneshot(request).await.unwrap();
    let status = response.status();
    (
        status,
        response.into_body().collect().await.unwrap().to_bytes(),
    )
}

fn routed(monitor: &Monitor, limit: usize) -> Result<MonitorLayer, RegisterError> {
    MonitorLayer::builder(monitor)
        .route(|request| request.extensions().get().map(MatchedPath::as_str))
        .limit(limit)
        .build()
}

#[tokio::test]
async fn one_line_measures_an_axum_router() -> Result<(), RegisterError> {
    let monitor = Monitor::new();
    let app = Router::new()
        .route("/customers/{id}", get(|| async { "Ada" }))
        .route("/customers", post(|body: Bytes| async move { body }))
        .route("/broken", get(|| async { StatusCode::BAD_GATEWAY }))
        .layer(MonitorLayer::new(&monitor)?);
    assert_eq!(send(&app, "GET", "/customers/7", ()).await.1, "Ada");
    assert_eq!(send(&app, "GET", "/customers/8", ()).await.1, "Ada");
    assert_eq!(send(&app, "POST", "/customers", "Grace").await.1, "Grace");
    assert_eq!(send(&app, "GET", "/broken", ()).await.0, 502);
    assert_eq!(send(&app, "GET", "/none", ()).await.0, 404);
    let requests = |method, status| {
        count(
            &monitor,
            "http_requests",
            &[("method", method), ("status", status)],
        )
    };
    assert_eq!(requests("GET", "2xx"), 2);
    assert_eq!(requests("POST", "2xx"), 1);
    assert_eq!(requests("GET", "5xx"), 1);
    assert_eq!(requests("GET", "4xx"), 1);
    let times = histogram(&monitor, "http_response_time_seconds", &[]).unwrap();
    assert_eq!((times.count(), times.failures()), (5, 1));
    assert_eq!(count(&monitor, "http_request_bytes", &[]), 5);
    assert_eq!(count(&monitor, "http_response_bytes", &[]), 3 + 3 + 5);
    assert_eq!(count(&monitor, "http_responses_cut", &[]), 0);
    Ok(())
}

#[tokio::test]
async fn routes_are_told_apart_by_what_the_closure_says() -> Result<(), RegisterError> {
    let monitor = Monitor::new();
    let app = Router::new()
        .route(
            "/customers/{id}",
            get(|| async { "Ada" }).put(|| async { "" }),
        )
        .fallback(|| async { StatusCode::NOT_FOUND })
        .layer(routed(&monitor, 10)?);
    for id in 0..20 {
        send(&app, "GET", &format!("/customers/{id}"), ()).await;
        send(&app, "GET", &format!("/nowhere/{id}"), ()).await;
    }
    send(&app, "PUT", "/customers/1", ()).await;
    let requests = |method, route, status| {
        let labels = [("method", method), ("route", route), ("status", status)];
        count(&monitor, "http_requests", &labels)
    };
    assert_eq!(requests("GET", "/customers/{id}", "2xx"), 20);
    assert_eq!(requests("PUT", "/customers/{id}", "2xx"), 1);
    assert_eq!(requests("GET", "unmatched", "4xx"), 20);
    let times = |method, route| {
        let labels = [("method", method), ("route", route)];
        histogram(&monitor, "http_route_response_time_seconds", &labels).map(|times| times.count())
    };
    assert_eq!(times("GET", "/customers/{id}"), Some(20));
    assert_eq!(times("PUT", "/customers/{id}"), Some(1));
    assert_eq!(times("GET", "unmatched"), Some(20));
    let all = histogram(&monitor, "http_response_time_seconds", &[]).unwrap();
    assert_eq!(all.count(), 41);
    Ok(())
}

#[tokio::test]
async fn clients_cannot_make_up_series_without_end() -> Result<(), RegisterError> {
    let monitor = Monitor::new();
    let layer = MonitorLayer::builder(&monitor)
        .route(|request| Some(request.uri().path()))
        .limit(8)
        .build()?;
    let app = Router::new().fallback(|| async { "" }).layer(layer);
    for n in 0..50 {
        send(&app, "GET", &format!("/{n}"), ()).await;
        send(&app, &format!("METHOD{n}"), "/0", ()).await;
    }
    let all = histogram(&monitor, "http_response_time_seconds", &[]).unwrap();
    assert_eq!(all.count(), 100);
    let others = [("method", "other"), ("route", "/0"), ("status", "2xx")];
    assert_eq!(count(&monitor, "http_requests", &others), 50);
    // Eight routes by GET, the first by another method as well, and all other routes.
    let times = family(&monitor, "http_route_response_time_seconds").unwrap();
    assert_eq!(times.series.len(), 8 + 1 + 1);
    let counted: u64 = times
        .series
        .iter()
        .map(|series| match &series.value {
            crm_monitor::Value::Histogram(times) => times.count(),
            other => panic!("{other:?}"),
        })
        .sum();
    assert_eq!(counted, 100);
    let first = [("method", "GET"), ("route", "/0"), ("status", "2xx")];
    assert_eq!(count(&monitor, "http_requests", &first), 1);
    let beyond = [("method", "GET"), ("route", "other"), ("status", "2xx")];
    assert_eq!(count(&monitor, "http_requests", &beyond), 42);
    Ok(())
}

#[tokio::test]
async fn unusual_methods_and_unknown_paths_take_no_place_from_routes() -> Result<(), RegisterError>
{
    let monitor = Monitor::new();
    let ok = || async { "" };
    let app = Router::new()
        .route("/any", axum::routing::any(ok))
        .route("/got", get(ok))
        .route("/put", axum::routing::put(ok))
        .route("/third", get(ok))
        .layer(routed(&monitor, 3)?);
    for method in [
        "OPTIONS", "TRACE", "PATCH", "DELETE", "PROPFIND", "MKCOL", "PUT", "POST", "GET",
    ] {
        for path in ["/nowhere", "/any", "/got"] {
            send(&app, method, path, ()).await;
        }
    }
    send(&app, "PUT", "/put", ()).await;
    send(&app, "GET", "/third", ()).await;
    let requests = |method, route, status| {
        let labels = [("method", method), ("route", route), ("status", status)];
        count(&monitor, "http_requests", &labels)
    };
    for method in ["OPTIONS", "TRACE", "PATCH", "DELETE", "PUT", "POST", "GET"] {
        assert_eq!(requests(method, "/any", "2xx"), 1, "{method}");
        assert_eq!(requests(method, "unmatched", "4xx"), 1, "{method}");
    }
    assert_eq!(requests("other", "/any", "2xx"), 2);
    assert_eq!(requests("DELETE", "/got", "4xx"), 1);
    assert_eq!(requests("PUT", "/put", "2xx"), 1);
    assert_eq!(requests("GET", "other", "2xx"), 1);
    let times = |method, route| {
        let labels = [("method", method), ("route", route)];
        histogram(&monitor, "http_route_response_time_seconds", &labels).map(|times| times.count())
    };
    assert_eq!(times("TRACE", "/any"), Some(1));
    assert_eq!(times("PUT", "/put"), Some(1));
    // A client that tries all methods adds one histogram to the route.
    assert_eq!(times("GET", "/got"), Some(1));
    assert_eq!(times("other", "/got"), Some(8));
    let series = |name| family(&monitor, name).unwrap().series.len();
    let each = 7 + 1;
    assert_eq!(
        series("http_route_response_time_seconds"),
        each + each + 2 + 1 + 1
    );
    assert_eq!(
        count(
            &monitor,
            "crm_monitor_overflowed_lookups",
            &[("family", "http_requests")]
        ),
        0
    );
    Ok(())
}

#[tokio::test]
async fn no_more_series_are_made_than_the_limit_says() {
    for (whole, ends) in [(false, 6), (true, 61 + 6)] {
        let monitor = Monitor::builder().series_limit(100_000).build().unwrap();
        let layer = MonitorLayer::builder(&monitor)
            .route(|request| request.uri().path().strip_prefix("/route/"))
            .status_codes(whole)
            .limit(2)
            .build()
            .unwrap();
        let service = layer.layer(service_fn(|request: Request<_>| async move {
            let status = request.extensions().get::<StatusCode>().copied();
            let mut response = Response::new(Body::empty());
            *response.status_mut() = status.unwrap();
            Ok::<_, Infallible>(response)
        }));
        for method in [
            "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "LIST",
        ] {
            for path in ["/route/1", "/route/2", "/route/3", "/route/4", "/none"] {
                for status in 100..1000 {
                    let request = Request::builder().method(method).uri(path);
                    let request = request.extension(StatusCode::from_u16(status).unwrap());
                    let request = request.body(Body::empty()).unwrap();
                    service.clone().oneshot(request).await.unwrap();
                }
            }
        }
        let series = |name| family(&monitor, name).unwrap().series.len();
        assert_eq!(series("http_route_response_time_seconds"), (2 + 2) * 10);
        assert_eq!(series("http_requests"), (2 + 2) * 10 * ends);
        // None is the overflow.
        let overflowed = family(&monitor, "crm_monitor_overflowed_lookups").unwrap();
        for series in overflowed.series {
            assert!(matches!(series.value, Value::Counter(0)), "{series:?}");
        }
    }
}

#[tokio::test]
async fn whole_statuses_are_there_for_whoever_asks() {
    let monitor = Monitor::new();
    let layer = MonitorLayer::builder(&monitor).status_codes(true);
    let app = Router::new()
        .route(
            "/{status}",
            get(|path: Path<u16>| async move { StatusCode::from_u16(*path).unwrap() }),
        )
        .layer(layer.build().unwrap());
    for status in [200, 204, 404, 404, 499, 503, 799] {
        send(&app, "GET", &format!("/{status}"), ()).await;
    }
    for (status, expected) in [
        ("200", 1),
        ("204", 1),
        ("404", 2),
        ("4xx", 1),
        ("503", 1),
        ("other", 1),
        ("2xx", 0),
    ] {
        let labels = [("method", "GET"), ("status", status)];
        assert_eq!(
            count(&monitor, "http_requests", &labels),
            expected,
            "{status}"
        );
    }
    let times = histogram(&monitor, "http_response_time_seconds", &[]).unwrap();
    assert_eq!((times.count(), times.failures()), (7, 1));
}

#[tokio::test]
async fn the_times_of_a_route_can_be_followed_from_before_its_first_request() {
    let monitor = Monitor::new();
    let layer = routed(&monitor, 2).unwrap();
    let times = |method, route| layer.route_response_times(&method, route);
    let imports = times(Method::POST, "/imports").unwrap();
    let unmatched = times(Method::GET, "unmatched").unwrap();
    let app = Router::new()
        .route("/imports", post(|| async { StatusCode::BAD_GATEWAY }))
        .route("/second", get(|| async { "" }))
        .layer(layer.clone());
    send(&app, "POST", "/imports", ()).await;
    send(&app, "GET", "/imports", ()).await;
    send(&app, "GET", "/none", ()).await;
    let snapshot = imports.snapshot();
    assert_eq!((snapshot.count(), snapshot.failures()), (1, 1));
    assert_eq!(unmatched.snapshot().count(), 1);
    let labels = [("method", "POST"), ("route", "/imports")];
    let exposed = histogram(&monitor, "http_route_response_time_seconds", &labels).unwrap();
    assert_eq!(exposed.count(), 1);
    // A route whose name no label can hold takes no place, one that comes by itself the second, and there is no third.
    let long = "/".repeat(300);
    assert!(times(Method::GET, &long).is_none());
    send(&app, "GET", "/second", ()).await;
    assert!(times(Method::GET, "/late").is_none());
    assert!(times(Method::GET, "/second").is_some());
    assert!(times(Method::PUT, "/imports").is_some());
    let together = MonitorLayer::builder(&monitor).prefix("all").build();
    let together = together.unwrap();
    assert!(
        together
            .route_response_times(&Method::GET, "/imports")
            .is_none()
    );
}

#[tokio::test]
async fn a_stream_is_counted_frame_by_frame_both_ways() {
    let monitor = Monitor::new();
    let layer = MonitorLayer::new(&monitor).unwrap();
    let service = layer.layer(service_fn(|request: Request<CountedBody<Script>>| async {
        // The service sends back what it reads, but for the first frame.
        let mut body = Box::pin(request.into_body());
        body.as_mut().frame().await;
        Ok::<_, Infallible>(Response::new(body))
    }));
    let body = Script::new([
        Step::Data(100),
        Step::Data(20),
        Step::Trailers,
        Step::Data(3),
    ]);
    let response = service.oneshot(Request::new(body)).await.unwrap();
    let mut body = Box::pin(response.into_body());
    let mut seen = Vec::new();
    let bytes = || {
        (
            layer.request_bytes().value(),
            layer.response_bytes().value(),
        )
    };
    seen.push(bytes());
    while body.as_mut().frame().await.is_some() {
        seen.push(bytes());
    }
    assert_eq!(seen, [(100, 0), (120, 20), (120, 20), (123, 23)]);
}

#[tokio::test]
async fn a_request_is_in_flight_until_its_body_ends() {
    let monitor = Monitor::new();
    let layer = MonitorLayer::new(&monitor).unwrap();
    let service = layer.layer(service_fn(|_: Request<_>| async {
        let body = Script::new([Step::Data(1)]);
        Ok::<_, Infallible>(Response::new(body))
    }));
    let one = service.clone().oneshot(Request::new(())).await.unwrap();
    let other = service.clone().oneshot(Request::new(())).await.unwrap();
    assert_eq!(layer.in_flight().value(), 2);
    let mut body = Box::pin(one.into_body());
    body.as_mut().frame().await;
    assert_eq!(layer.in_flight().value(), 2);
    assert!(body.as_mut().frame().await.is_none());
    assert_eq!(layer.in_flight().value(), 1);
    drop(other);
    assert_eq!(layer.in_flight().value(), 0);
}

/// A layer that turns a request away, such as one for CORS, answers with the body's default.
#[tokio::test]
async fn a_body_that_another_layer_makes_belongs_to_no_request() {
    let body = MonitoredBody::<Full<Bytes>>::default();
    assert_eq!(format!("{:?}", body.get_ref()), "Full { data: None }");
    assert_eq!(body.collect().await.unwrap().to_bytes(), "");
}

#[tokio::test]
async fn an_upgrade_passes_and_ends_with_its_answer() {
    #[derive(Clone, Debug, PartialEq)]
    struct OnUpgrade(u32);
    let monitor = Monitor::new();
    let layer = MonitorLayer::new(&monitor).unwrap();
    let service = layer.layer(service_fn(|request: Request<_>| async move {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let handle = request.extensions().get::<OnUpgrade>().unwrap().clone();
        response.extensions_mut().insert(handle);
        Ok::<_, Infallible>(response)
    }));
    let mut request = Request::new(());
    request.extensions_mut().insert(OnUpgrade(7));
    let response = service.oneshot(request).await.unwrap();
    assert_eq!(response.extensions().get(), Some(&OnUpgrade(7)));
    assert_eq!(layer.in_flight().value(), 0);
    let labels = [("method", "GET"), ("status", "1xx")];
    assert_eq!(count(&monitor, "http_requests", &labels), 1);
    assert_eq!(layer.response_times().snapshot().failures(), 0);
}

#[tokio::test]
async fn a_stream_of_axum_passes_whole_with_its_trailers() {
    let monitor = Monitor::new();
    let app = Router::new()
        .route(
            "/",
            get(|| async {
                let mut trailers = http::HeaderMap::new();
                trailers.insert("digest", "x".parse().unwrap());
                let frames = [
                    http_body::Frame::data(Bytes::from("one ")),
                    http_body::Frame::data(Bytes::from("two")),
                    http_body::Frame::trailers(trailers),
                ];
                let frames = frames.into_iter().map(Ok::<_, Infallible>);
                Body::new(StreamBody::new(futures::stream::iter(frames)))
            }),
        )
        .layer(MonitorLayer::new(&monitor).unwrap());
    let response = app.oneshot(Request::new(Body::empty())).await.unwrap();
    let body = response.into_body().collect().await.unwrap();
    assert_eq!(body.trailers().unwrap()["digest"], "x");
    assert_eq!(body.to_bytes(), "one two");
    assert_eq!(count(&monitor, "http_response_bytes", &[]), 7);
    assert_eq!(count(&monitor, "http_responses_cut", &[]), 0);
}

#[test]
fn the_overflow_is_not_taken_for_the_times_of_a_route() {
    let monitor = Monitor::builder().series_limit(50).build().unwrap();
    let layer = routed(&monitor, 10).unwrap();
    assert!(layer.route_response_times(&Method::GET, "/a").is_some());
    let room = (0..50).map_while(|n| monitor.counter(&format!("filler_{n}")).register().ok());
    assert!(room.count() < 50);
    assert!(layer.route_response_times(&Method::GET, "/b").is_none());
    assert!(layer.route_response_times(&Method::GET, "/a").is_some());
}

#[test]
fn two_layers_of_one_monitor_need_two_prefixes() {
    let monitor = Monitor::new();
    let first = MonitorLayer::new(&monitor).unwrap();
    let error = MonitorLayer::new(&monitor).unwrap_err().to_string();
    assert!(
        error.contains("clone the first layer") && error.contains("prefix"),
        "{error}"
    );
    let second = MonitorLayer::builder(&monitor).prefix("internal").build();
    assert!(second.is_ok());
    assert!(
        MonitorLayer::builder(&monitor)
            .prefix("not a name")
            .build()
            .is_err()
    );
    // A clone is the same layer.
    drop(first.clone().layer(()));
    assert!(family(&monitor, "internal_response_time_seconds").is_some());
}
