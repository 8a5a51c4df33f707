//! Whoever goes away half-way, the encoder's state comes back, clean. The figures are those of the whole process, so
//! this file has one test.
#![cfg(feature = "tower")]

mod support;

use std::io::Write;
use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use crm_compress::{Coding, CompressLayer, EncodeBody, Encoder, Level, encode, pool_stats};
use http_body_util::BodyExt;
use support::script::{Script, Step};
use support::server::{Drop, fetch, get as gzip, send, serve, trickle};
use support::{bodies, decoders};
use tokio::sync::mpsc;

type Sources = mpsc::UnboundedSender<mpsc::Sender<Drop>>;

/// Answers with a body whose source the test gets.
async fn export(State(sources): State<Sources>) -> ([(http::HeaderName, &'static str); 1], Body) {
    let (sender, body) = trickle();
    sources.send(sender).unwrap();
    ([(CONTENT_TYPE, "text/csv")], body)
}

/// One thread, so that it is known where states are kept.
#[tokio::test]
async fn the_state_comes_back_clean() {
    let list = bodies::json(30_000, 1);
    let (sources, mut started) = mpsc::unbounded_channel();
    let whole = list.clone();
    let app = Router::new()
        .route("/export", get(export))
        .route(
            "/list",
            get(|| async { ([(CONTENT_TYPE, "application/json")], whole) }),
        )
        .with_state(sources)
        .layer(CompressLayer::new());
    let address = serve(app).await;

    // What a state that was never used gives.
    let fresh = fresh(&list);
    let expected = encode(Coding::Gzip, Level::default(), &list);
    assert!(fetch(address, gzip("/list")).await.1 == expected);
    assert!(stream(&list).await == fresh);
    let built = pool_stats().built;

    let clean = async |what: &str| {
        assert!(stream(&list).await == fresh, "{what}");
        assert!(fetch(address, gzip("/list")).await.1 == expected, "{what}");
        assert_eq!(pool_stats().built, built, "{what}");
    };
    clean("before").await;
    client_goes_away(address, &mut started).await;
    clean("the client went away").await;
    server_fails(address, &mut started).await;
    clean("the server failed").await;
    body_is_dropped().await;
    clean("the body was dropped").await;
}

/// As a stream on a new state, on a thread whose places in the pool are empty.
fn fresh(body: &[u8]) -> Vec<u8> {
    let encode = || {
        let mut encoder = Encoder::new(Coding::Gzip, Level::default(), Vec::new());
        encoder.write_all(body).unwrap();
        encoder.finish().unwrap()
    };
    std::thread::scope(|scope| scope.spawn(encode).join().unwrap())
}

async fn stream(body: &[u8]) -> Vec<u8> {
    let source = Script::new([Step::data(body)]);
    let body = EncodeBody::new(Coding::Gzip, Level::default(), source);
    body.collect().await.unwrap().to_bytes().into()
}

async fn client_goes_away(
    address: SocketAddr,
    started: &mut mpsc::UnboundedReceiver<mpsc::Sender<Drop>>,
) {
    let mut body = send(address, gzip("/export")).await.into_body();
    let source = started.recv().await.unwrap();
    source.send(Ok(b"id;name\n")).await.unwrap();
    body.frame().await.unwrap().unwrap();
    drop(body);
    // The server notices, and drops the source.
    source.closed().await;
}

async fn server_fails(
    address: SocketAddr,
    started: &mut mpsc::UnboundedReceiver<mpsc::Sender<Drop>>,
) {
    let mut body = send(address, gzip("/export")).await.into_body();
    let source = started.recv().await.unwrap();
    source.send(Ok(b"id;name\n")).await.unwrap();
    let mut received = body
        .frame()
        .await
        .unwrap()
        .unwrap()
        .into_data()
        .unwrap()
        .to_vec();
    let failure = std::io::Error::other("the database went away");
    source.send(Err(failure)).await.unwrap();
    while let Ok(frame) = body.frame().await.expect("an error") {
        received.extend_from_slice(frame.data_ref().unwrap());
    }
    assert!(decoders::decode(Coding::Gzip, &received).is_err());
}

async fn body_is_dropped() {
    let steps = bodies::noise(100_000, 2);
    let source = Script::new(steps.chunks(10_000).map(Step::data));
    let mut body = EncodeBody::new(Coding::Gzip, Level::default(), source);
    body.frame().await.unwrap().unwrap();
}
