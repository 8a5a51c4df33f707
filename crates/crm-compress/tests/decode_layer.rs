//! The layer that decodes requests, in an axum server on loopback.
#![cfg(feature = "tower")]

mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use bytes::Bytes;
use crm_compress::{Coding, DecodeError, DecodeLayer, DecodeLimits, Level, encode};
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, Full};
use support::bodies;
use support::server::{call, curl, serve};

/// Reads the body by axum's own extractor, and says what it saw of the headers.
async fn echo(headers: HeaderMap, body: Bytes) -> Response {
    let seen = ["content-encoding", "content-length", "content-digest"]
        .into_iter()
        .filter(|name| headers.contains_key(*name))
        .collect::<Vec<_>>()
        .join(",");
    ([("x-seen", seen)], body).into_response()
}

/// A server that counts how often its service was called.
async fn server(limits: DecodeLimits) -> (SocketAddr, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let app = Router::new()
        .route("/echo", post(echo))
        .route("/unread", post(|| async { "not read" }))
        .route("/careful", post(careful))
        .route(
            "/broken",
            post(|body: Request| async {
                read(body)
                    .await
                    .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
            }),
        )
        .layer(axum::middleware::map_request(move |request: Request| {
            counted.fetch_add(1, Ordering::Relaxed);
            async { request }
        }))
        .layer(DecodeLayer::new(limits));
    (serve(app).await, calls)
}

async fn read(request: Request) -> Result<Bytes, axum::Error> {
    Ok(request.into_body().collect().await?.to_bytes())
}

/// Says by itself what was wrong.
async fn careful(request: Request) -> Response {
    match read(request).await {
        Ok(body) => body.into_response(),
        Err(error) => {
            let error = DecodeError::find(&error).expect("the typed error");
            (StatusCode::UNPROCESSABLE_ENTITY, error.to_string()).into_response()
        }
    }
}

async fn send(
    address: SocketAddr,
    path: &str,
    codings: &[&str],
    body: Vec<u8>,
) -> (http::response::Parts, Bytes) {
    let mut request = http::Request::post(path).header("content-digest", "sha-256=:AA==:");
    for coding in codings {
        request = request.header("content-encoding", *coding);
    }
    let response = call(address, request, Full::new(Bytes::from(body))).await;
    let (parts, body) = response.into_parts();
    (parts, body.collect().await.unwrap().to_bytes())
}

#[tokio::test]
async fn the_service_sees_a_body_without_coding() {
    let (address, _) = server(DecodeLimits::default()).await;
    let json = bodies::json(20_000, 1);
    let gzip = encode(Coding::Gzip, Level::Balanced, &json);
    let both = encode(Coding::Deflate, Level::Balanced, &gzip);
    for (codings, body) in [
        (&["gzip"][..], &gzip),
        (&["X-GZip"], &gzip),
        (&["gzip", "deflate"], &both),
        (&["identity, gzip , deflate"], &both),
    ] {
        let (parts, answer) = send(address, "/echo", codings, body.clone()).await;
        assert_eq!(parts.status, StatusCode::OK, "{codings:?}");
        assert_eq!(parts.headers["x-seen"], "", "{codings:?}");
        assert!(answer == json, "{codings:?}");
    }
    // Without a coding the request is what it was.
    for codings in [&[][..], &["identity"]] {
        let (parts, answer) = send(address, "/echo", codings, json.clone()).await;
        let seen = parts.headers["x-seen"].to_str().unwrap();
        assert!(seen.ends_with("content-length,content-digest"), "{seen}");
        assert!(answer == json);
    }
}

#[tokio::test]
async fn an_unknown_coding_is_refused_before_the_service_is_called() {
    let (address, calls) = server(DecodeLimits::default()).await;
    for codings in [&["compress"][..], &["gzip", "rot13"], &["gzip, gzip, gzip"]] {
        let (parts, words) = send(address, "/unread", codings, b"?".to_vec()).await;
        assert_eq!(parts.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
        let accepted = parts.headers["accept-encoding"].to_str().unwrap();
        assert!(accepted.starts_with("gzip, deflate"));
        assert!(!words.is_empty());
        assert_eq!(parts.headers["content-type"], "text/plain; charset=utf-8");
    }
    assert_eq!(calls.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_body_that_says_it_is_too_large_is_refused_unread() {
    let (address, calls) = server(DecodeLimits::default().encoded_bytes(1_000)).await;
    let body = |length: usize| {
        // Stored, with a frame of 23 bytes.
        let stored = encode(Coding::Gzip, Level::Exact(0), &vec![b'x'; length - 23]);
        assert_eq!(stored.len(), length);
        stored
    };
    let (parts, _) = send(address, "/unread", &["gzip"], body(1_001)).await;
    assert_eq!(parts.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(!parts.headers.contains_key("accept-encoding"));
    assert_eq!(calls.load(Ordering::Relaxed), 0);
    let (parts, answer) = send(address, "/echo", &["gzip"], body(1_000)).await;
    assert_eq!((parts.status, answer.len()), (StatusCode::OK, 977));
}

#[tokio::test]
async fn what_shows_while_the_service_reads_has_its_status() {
    let (address, calls) = server(DecodeLimits::default().decoded_bytes(10_000)).await;
    let gzip = |length: usize| encode(Coding::Gzip, Level::Balanced, &vec![b'x'; length]);
    let whole = gzip(10_000);
    let cases = [
        (gzip(10_001), StatusCode::PAYLOAD_TOO_LARGE),
        (whole[..20].to_vec(), StatusCode::BAD_REQUEST),
        (b"no gzip at all".to_vec(), StatusCode::BAD_REQUEST),
        (Vec::new(), StatusCode::BAD_REQUEST),
        (whole, StatusCode::OK),
    ];
    for path in ["/echo", "/broken"] {
        for (body, status) in &cases {
            let (parts, _) = send(address, path, &["gzip"], body.clone()).await;
            assert_eq!(parts.status, *status, "{path}");
        }
    }
    assert_eq!(calls.load(Ordering::Relaxed), 10);
    // Whoever answers by itself is not corrected, nor who never looked.
    let (parts, words) = send(address, "/careful", &["gzip"], cases[0].0.clone()).await;
    assert_eq!(parts.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(words.starts_with(b"body decodes to more than 10000 bytes"));
    let (parts, _) = send(address, "/unread", &["gzip"], cases[0].0.clone()).await;
    assert_eq!(parts.status, StatusCode::OK);
}

#[tokio::test]
async fn a_failure_of_the_connection_is_no_failure_of_decoding() {
    use support::script::{Script, Step};
    use tower::{Layer, ServiceExt, service_fn};
    let service = DecodeLayer::default().layer(service_fn(|request: http::Request<_>| async {
        let body: crm_compress::DecodeBody<Script> = request.into_body();
        let error = body.collect().await.unwrap_err();
        assert!(DecodeError::find(&*error).is_none());
        let mut response = http::Response::new(Body::empty());
        *response.status_mut() = StatusCode::BAD_REQUEST;
        Ok::<_, std::convert::Infallible>(response)
    }));
    let request = http::Request::post("/")
        .header("content-encoding", "gzip")
        .body(Script::new([Step::Fail]))
        .unwrap();
    let response = service.oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn curl_sends_what_gzip_has_made() {
    let (address, _) = server(DecodeLimits::default()).await;
    let json = bodies::json(20_000, 2);
    let file = std::env::temp_dir().join(format!("crm-compress-upload-{}.gz", std::process::id()));
    std::fs::write(&file, encode(Coding::Gzip, Level::Balanced, &json)).unwrap();
    let data = format!("@{}", file.display());
    let arguments = ["--header", "Content-Encoding: gzip", "--data-binary", &data];
    let answer = curl(address, "/echo", &arguments).await;
    std::fs::remove_file(&file).unwrap();
    if let Some(answer) = answer {
        assert!(answer == json);
    }
}
