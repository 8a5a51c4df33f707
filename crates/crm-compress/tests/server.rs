//! The layer in an axum server on loopback, before a hyper client and `curl`.
#![cfg(feature = "tower")]

mod support;

use std::sync::Arc;
use std::sync::Mutex;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH, RANGE};
use axum::response::IntoResponse;
use axum::routing::{get, put};
use bytes::Bytes;
use crm_compress::{Coding, CompressLayer};
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;
use support::script::{Script, Step};
use support::server::{curl, fetch, send, serve, trickle};
use support::{bodies, decoders, server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const JSON: (http::HeaderName, &str) = (CONTENT_TYPE, "application/json");

/// A resource with a tag, which knows nothing of codings.
async fn tagged(request: Request) -> impl IntoResponse {
    let headers = [JSON, (ETAG, "\"v1\"")];
    match request.headers().get(IF_NONE_MATCH) {
        Some(tag) if tag == "\"v1\"" => (StatusCode::NOT_MODIFIED, headers, String::new()),
        _ => (StatusCode::OK, headers, list()),
    }
}

fn list() -> String {
    String::from_utf8(bodies::json(20_000, 1)).unwrap()
}

/// Every header that a cache would keep.
fn lasting(headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    headers.remove("date");
    headers
}

#[tokio::test]
async fn a_list_is_encoded_and_head_says_the_same() {
    let app = Router::new()
        .route("/", get(tagged))
        .layer(CompressLayer::new());
    let address = serve(app).await;
    let (parts, encoded) = fetch(address, server::get("/")).await;
    assert_eq!(parts.headers["content-encoding"], "gzip");
    assert_eq!(parts.headers["content-length"], encoded.len().to_string());
    assert_eq!(parts.headers["vary"], "Accept-Encoding");
    assert_eq!(
        decoders::decode(Coding::Gzip, &encoded).unwrap(),
        list().into_bytes()
    );

    let (head, nothing) = fetch(address, server::get("/").method("HEAD")).await;
    assert_eq!(lasting(&head.headers), lasting(&parts.headers));
    assert!(nothing.is_empty());

    let (plain, body) = fetch(address, http::Request::get("/")).await;
    assert_eq!(plain.headers["content-length"], list().len().to_string());
    assert_eq!(plain.headers["vary"], "Accept-Encoding");
    assert_eq!(plain.headers["etag"], "\"v1\"");
    assert_eq!(body, list());
}

#[tokio::test]
async fn both_forms_can_be_revalidated() {
    let app = Router::new()
        .route("/", get(tagged))
        .layer(CompressLayer::new());
    let address = serve(app).await;
    for (accept, tag) in [("gzip", "\"v1-gzip\""), ("identity", "\"v1\"")] {
        let request = || http::Request::get("/").header("accept-encoding", accept);
        let (first, _) = fetch(address, request()).await;
        assert_eq!(first.headers["etag"], tag);
        let (second, body) = fetch(address, request().header("if-none-match", tag)).await;
        assert_eq!(second.status, StatusCode::NOT_MODIFIED);
        assert_eq!(second.headers["etag"], tag);
        assert_eq!(second.headers["vary"], "Accept-Encoding");
        assert!(!second.headers.contains_key("content-encoding"));
        assert!(body.is_empty());
        let (changed, _) = fetch(address, request().header("if-none-match", "\"v0-gzip\"")).await;
        assert_eq!(changed.status, StatusCode::OK);
    }
    // Who holds one form and asks for the other gets it.
    let request = server::get("/").header("accept-encoding", "identity");
    let (other, _) = fetch(address, request.header("if-none-match", "\"v1-deflate\"")).await;
    assert_eq!(other.status, StatusCode::OK);
}

#[tokio::test]
async fn an_update_is_conditional_on_either_form() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&seen);
    let update = move |request: Request| async move {
        kept.lock()
            .unwrap()
            .push(request.headers()[IF_MATCH].clone());
    };
    let app = Router::new()
        .route("/", put(update))
        .layer(CompressLayer::new());
    let address = serve(app).await;
    for tag in ["\"v1\"", "\"v1-gzip\"", "\"v1-deflate\""] {
        let request = server::get("/").method("PUT").header("if-match", tag);
        let (parts, _) = fetch(address, request).await;
        assert_eq!(parts.status, StatusCode::OK);
    }
    assert_eq!(*seen.lock().unwrap(), ["\"v1\"", "\"v1\"", "\"v1\""]);
}

#[tokio::test]
async fn a_range_is_one_of_the_plain_form() {
    async fn ranged(request: Request) -> impl IntoResponse {
        let list = list();
        match request.headers().get(RANGE) {
            Some(range) => {
                assert_eq!(range, "bytes=1000-2999");
                let part = list[1000..3000].to_owned();
                let range = format!("bytes 1000-2999/{}", list.len());
                let headers = [JSON, (ETAG, "\"v1\"")];
                (
                    StatusCode::PARTIAL_CONTENT,
                    headers,
                    [("content-range", range)],
                    part,
                )
                    .into_response()
            }
            None => ([JSON, (ETAG, "\"v1\"")], list).into_response(),
        }
    }
    let app = Router::new()
        .route("/", get(ranged))
        .layer(CompressLayer::new());
    let address = serve(app).await;
    let request = || server::get("/").header("range", "bytes=1000-2999");
    for request in [request(), request().header("if-range", "\"v1\"")] {
        let (parts, body) = fetch(address, request).await;
        assert_eq!(parts.status, StatusCode::PARTIAL_CONTENT);
        assert!(!parts.headers.contains_key("content-encoding"));
        assert_eq!(parts.headers["vary"], "Accept-Encoding");
        assert_eq!(body, list()[1000..3000]);
    }
    // A part of the plain form cannot complete the half of an encoded one.
    let (parts, _) = fetch(address, request().header("if-range", "\"v1-gzip\"")).await;
    assert_eq!(parts.status, StatusCode::OK);
    assert_eq!(parts.headers["content-encoding"], "gzip");
}

/// A server whose one resource is this body, once.
async fn serve_once(content_type: &'static str, body: Body) -> std::net::SocketAddr {
    let body = Arc::new(Mutex::new(Some(body)));
    let handler = move || {
        let body = body.lock().unwrap().take();
        async move { ([(CONTENT_TYPE, content_type)], body.unwrap()) }
    };
    let app = Router::new()
        .route("/", get(handler))
        .layer(CompressLayer::new());
    serve(app).await
}

/// No clock is involved: the source goes on only when the client has decoded what came before.
#[tokio::test]
async fn what_trickles_in_arrives_before_the_source_goes_on() {
    let (sender, body) = trickle();
    let address = serve_once("text/csv", body).await;
    // The head does not wait for the first byte.
    let response = send(address, server::get("/")).await;
    assert_eq!(response.headers()["content-encoding"], "gzip");
    assert!(!response.headers().contains_key("content-length"));
    let mut body = response.into_body();
    let mut received = Vec::new();
    let mut expected = Vec::new();
    for line in [&b"id;name\n"[..], b"7;Ada\n", b"8;Grace\n"] {
        sender.send(Ok(line)).await.unwrap();
        expected.extend_from_slice(line);
        while decoders::decode_so_far(Coding::Gzip, &received) != expected {
            let frame = body.frame().await.unwrap().unwrap();
            received.extend_from_slice(frame.data_ref().unwrap());
        }
    }
    drop(sender);
    while let Some(frame) = body.frame().await {
        received.extend_from_slice(frame.unwrap().data_ref().unwrap());
    }
    assert_eq!(decoders::decode(Coding::Gzip, &received).unwrap(), expected);
}

#[tokio::test]
async fn events_go_out_as_they_are() {
    let (sender, body) = trickle();
    let address = serve_once("text/event-stream", body).await;
    let response = send(address, server::get("/")).await;
    assert!(!response.headers().contains_key("content-encoding"));
    let mut body = response.into_body();
    for event in [&b"data: 1\n\n"[..], b"data: 2\n\n"] {
        sender.send(Ok(event)).await.unwrap();
        let frame = body.frame().await.unwrap().unwrap();
        assert_eq!(frame.data_ref().unwrap(), event);
    }
}

#[tokio::test]
async fn a_source_that_fails_half_way_is_seen_to_fail() {
    let (sender, body) = trickle();
    let address = serve_once("text/csv", body).await;
    let mut body = send(address, server::get("/")).await.into_body();
    sender.send(Ok(b"id;name\n7;Ada\n")).await.unwrap();
    let mut received = body
        .frame()
        .await
        .unwrap()
        .unwrap()
        .into_data()
        .unwrap()
        .to_vec();
    let failure = std::io::Error::other("the database went away");
    sender.send(Err(failure)).await.unwrap();
    // An end that is no error would pass for the end of the stream.
    while let Ok(frame) = body.frame().await.expect("an error") {
        received.extend_from_slice(frame.data_ref().unwrap());
    }
    assert!(decoders::decode(Coding::Gzip, &received).is_err());
}

#[tokio::test]
async fn trailers_reach_the_client() {
    let body = bodies::json(5_000, 2);
    let steps = [Step::data(&*body), Step::Trailers("yes")];
    let handler = move || {
        let body = Body::new(Script::new(steps.clone()));
        async move { ([JSON, (http::header::TRAILER, "x-checked")], body) }
    };
    let app = Router::new()
        .route("/", get(handler))
        .layer(CompressLayer::new());
    let address = serve(app).await;
    let response = send(address, server::get("/").header("te", "trailers")).await;
    let collected = response.into_body().collect().await.unwrap();
    assert_eq!(collected.trailers().unwrap()["x-checked"], "yes");
    let encoded = collected.to_bytes();
    assert_eq!(decoders::decode(Coding::Gzip, &encoded).unwrap(), body);
}

#[tokio::test]
async fn bodies_without_content_stay_so() {
    let app = Router::new()
        .route("/204", get(|| async { StatusCode::NO_CONTENT }))
        .route("/empty", get(|| async { [JSON] }))
        .layer(CompressLayer::new());
    let address = serve(app).await;
    for path in ["/204", "/empty"] {
        let (parts, body) = fetch(address, server::get(path)).await;
        assert!(!parts.headers.contains_key("content-encoding"), "{path}");
        assert!(body.is_empty());
    }
}

/// Everything that the server says to these words.
async fn say(address: std::net::SocketAddr, words: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(words.as_bytes()).await.unwrap();
    let mut said = Vec::new();
    stream.read_to_end(&mut said).await.unwrap();
    said
}

#[tokio::test]
async fn an_old_client_gets_what_it_can_read() {
    let chunks = || {
        bodies::json(20_000, 1)
            .chunks(999)
            .map(Step::data)
            .collect::<Vec<_>>()
    };
    let stream = move || async move { ([JSON], Body::new(Script::new(chunks()))) };
    let app = Router::new()
        .route("/whole", get(tagged))
        .route("/stream", get(stream))
        .layer(CompressLayer::new());
    let address = serve(app).await;
    for path in ["/whole", "/stream"] {
        let said = say(
            address,
            &format!("GET {path} HTTP/1.0\r\naccept-encoding: x-gzip\r\n\r\n"),
        )
        .await;
        let end = said
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .unwrap()
            + 4;
        let head = String::from_utf8_lossy(&said[..end]).to_lowercase();
        assert!(head.contains("content-encoding: gzip"), "{head}");
        assert!(!head.contains("transfer-encoding"), "{head}");
        assert_eq!(
            decoders::decode(Coding::Gzip, &said[end..]).unwrap(),
            list().into_bytes()
        );
    }
}

#[tokio::test]
async fn a_large_export_of_many_frames_arrives_whole() {
    let part = bodies::json(10_000, 3);
    let parts = 1_000;
    let frame = Bytes::from(part.clone());
    let steps = (0..parts).flat_map(move |at| {
        let pause = (at % 100 == 99).then_some(Step::Pending);
        std::iter::once(Step::Data(frame.clone())).chain(pause)
    });
    let address = serve_once("application/json", Body::new(Script::new(steps))).await;
    let (parts_head, encoded) = fetch(address, server::get("/")).await;
    assert_eq!(parts_head.headers["content-encoding"], "gzip");
    let decoded = decoders::decode(Coding::Gzip, &encoded).unwrap();
    assert!(decoded == part.repeat(parts));
}

#[tokio::test]
async fn curl_reads_what_it_asks_for() {
    let chunks = || {
        bodies::json(20_000, 1)
            .chunks(999)
            .map(Step::data)
            .collect::<Vec<_>>()
    };
    let stream = move || async move { ([JSON], Body::new(Script::new(chunks()))) };
    let app = Router::new()
        .route("/whole", get(tagged))
        .route("/stream", get(stream))
        .layer(CompressLayer::new());
    let address = serve(app).await;
    for path in ["/whole", "/stream"] {
        for arguments in [
            &["--compressed"][..],
            &["--compressed", "--http1.0"],
            &["--header", "Accept-Encoding: deflate", "--compressed"],
            &[],
        ] {
            let Some(output) = curl(address, path, arguments).await else {
                return;
            };
            assert_eq!(output, list().into_bytes(), "{path} {arguments:?}");
        }
    }
    let gzip = ["--header", "Accept-Encoding: gzip", "--head"];
    let head = curl(address, "/whole", &gzip).await.unwrap();
    let head = String::from_utf8(head).unwrap().to_lowercase();
    for line in [
        "etag: \"v1-gzip\"",
        "vary: accept-encoding",
        "content-encoding: gzip",
    ] {
        assert!(head.contains(line), "{head}");
    }

    // What curl keeps of the first answer makes the second one a 304.
    let kept = tempfile();
    let save = ["--compressed", "--etag-save", &kept];
    curl(address, "/whole", &save).await.unwrap();
    let compare = [
        "--compressed",
        "--etag-compare",
        &kept,
        "--write-out",
        "%{http_code}",
    ];
    let status = curl(address, "/whole", &compare).await.unwrap();
    std::fs::remove_file(&kept).unwrap();
    assert_eq!(status, b"304");
}

/// The name of a file that nobody else has.
fn tempfile() -> String {
    let name = format!("crm-compress-etag-{}", std::process::id());
    std::env::temp_dir().join(name).to_str().unwrap().to_owned()
}
