//! Behind a real server: what it asks of a body, and when it drops one, is what the layer takes it for.

use std::convert::Infallible;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::{get, post};
use crm_monitor::{Monitor, MonitorLayer};
use futures::channel::oneshot;
use futures::stream;
use http::StatusCode;
use http_body::Frame;
use http_body_util::StreamBody;

use crate::readings::count;
use crate::script::{Script, Step};

/// A connection of its own for this request.
fn connect(address: SocketAddr, request: &str) -> TcpStream {
    let mut connection = TcpStream::connect(address).unwrap();
    connection.write_all(request.as_bytes()).unwrap();
    connection
}

/// All that the server says to a request without a body, until it closes the connection.
fn talk(address: SocketAddr, line: &str) -> String {
    let request = format!("{line} HTTP/1.1\r\nhost: crm\r\nconnection: close\r\n\r\n");
    let mut answer = Vec::new();
    // A body that fails may end as a connection that was reset.
    let _ = connect(address, &request).read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn frames(frames: impl Iterator<Item = Bytes> + Send + 'static) -> Body {
    let frames = frames.map(|data| Ok::<_, Infallible>(Frame::data(data)));
    Body::new(StreamBody::new(stream::iter(frames)))
}

#[test]
fn a_server_cuts_off_only_what_a_client_leaves() {
    let monitor = Monitor::new();
    let layer = MonitorLayer::new(&monitor).unwrap();
    let three = || ["one ", "two ", "three"].into_iter().map(Bytes::from);
    let app = Router::new()
        .route("/whole", get(|| async { "Ada" }))
        .route("/stream", get(move || async move { frames(three()) }))
        .route(
            "/told",
            get(move || async move { ([("content-length", "13")], frames(three())) }),
        )
        .route("/none", get(|| async { StatusCode::NO_CONTENT }))
        .route("/echo", post(|body: Bytes| async move { body }))
        .route(
            "/broken",
            get(|| async { Body::new(Script::new([Step::Data(10), Step::Fail])) }),
        )
        .route(
            "/endless",
            get(|| async { frames(std::iter::repeat(Bytes::from(vec![b'x'; 1 << 16]))) }),
        )
        .layer(layer.clone());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let listener = runtime
        .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
        .unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let server = thread::spawn(move || {
        let stopped = async {
            let _ = stopped.await;
        };
        let server = axum::serve(listener, app).with_graceful_shutdown(stopped);
        runtime.block_on(server.into_future()).unwrap();
    });

    assert!(talk(address, "GET /whole").ends_with("\r\n\r\nAda"));
    assert!(talk(address, "HEAD /whole").ends_with("\r\n\r\n"));
    assert!(talk(address, "GET /stream").contains("three"));
    assert!(talk(address, "GET /told").ends_with("one two three"));
    assert!(talk(address, "HEAD /told").ends_with("\r\n\r\n"));
    assert!(talk(address, "GET /none").contains(" 204 "));
    assert!(talk(address, "GET /nowhere").contains(" 404 "));
    let echo = "POST /echo HTTP/1.1\r\nhost: crm\r\nconnection: close\r\n\
                transfer-encoding: chunked\r\n\r\n3\r\nAda\r\n5\r\n Love\r\n0\r\n\r\n";
    let mut answer = String::new();
    connect(address, echo).read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("Ada Love"));
    let without_end = || {
        (
            layer.responses_cut().value(),
            layer.response_times().snapshot().failures(),
        )
    };
    assert_eq!(without_end(), (0, 0));
    talk(address, "GET /broken");
    let endless = "GET /endless HTTP/1.1\r\nhost: crm\r\n\r\n";
    let mut leaving = connect(address, endless);
    leaving.read_exact(&mut [0; 200_000]).unwrap();
    drop(leaving);

    // The server ends when the last connection has.
    stop.send(()).unwrap();
    server.join().unwrap();
    assert_eq!(without_end(), (1, 1));
    assert_eq!(layer.response_times().snapshot().count(), 10);
    assert_eq!(layer.in_flight().value(), 0);
    assert_eq!(layer.request_bytes().value(), 8);
    let requests = |method, status| {
        count(
            &monitor,
            "http_requests",
            &[("method", method), ("status", status)],
        )
    };
    assert_eq!((requests("GET", "2xx"), requests("GET", "4xx")), (6, 1));
    assert_eq!((requests("HEAD", "2xx"), requests("POST", "2xx")), (2, 1));
}
