//! A server on loopback, and what speaks to it.

use std::net::SocketAddr;
use std::pin::Pin;
use std::process::Command;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response, request, response};
use http_body::Frame;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// Serves `app` until the runtime of the test ends.
pub(crate) async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async { axum::serve(listener, app).await });
    address
}

/// Sends one request without a body on a connection of its own, which ends when the response is dropped.
pub(crate) async fn send(address: SocketAddr, request: request::Builder) -> Response<Incoming> {
    call(address, request, Full::default()).await
}

/// The same with a body.
pub(crate) async fn call(
    address: SocketAddr,
    request: request::Builder,
    body: Full<Bytes>,
) -> Response<Incoming> {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    let request = request
        .header("host", address.to_string())
        .body(body)
        .unwrap();
    sender.send_request(request).await.unwrap()
}

/// The same, and the whole body.
pub(crate) async fn fetch(
    address: SocketAddr,
    request: request::Builder,
) -> (response::Parts, Bytes) {
    let (parts, body) = send(address, request).await.into_parts();
    (parts, body.collect().await.unwrap().to_bytes())
}

/// A GET of this path by a client that takes gzip.
pub(crate) fn get(path: &str) -> request::Builder {
    Request::get(path).header("accept-encoding", "gzip")
}

/// What `curl` prints; `None` when it is not installed.
pub(crate) async fn curl(address: SocketAddr, path: &str, arguments: &[&str]) -> Option<Vec<u8>> {
    let mut command = Command::new("curl");
    command
        .args(["--silent", "--show-error", "--noproxy", "*"])
        .args(arguments)
        .arg(format!("http://{address}{path}"));
    let output = tokio::task::spawn_blocking(move || command.output())
        .await
        .unwrap();
    match output {
        Ok(output) => {
            let words = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "curl: {words}");
            Some(output.stdout)
        }
        Err(_) => {
            skipped();
            None
        }
    }
}

#[expect(clippy::print_stderr, reason = "a skipped check is said aloud")]
fn skipped() {
    eprintln!("SKIPPED: curl is not installed, so it has not seen these responses");
}

/// What the channel of a [`trickle`] takes: the next data, or the failure of the source.
pub(crate) type Drop = Result<&'static [u8], std::io::Error>;

/// A body that yields what is sent to its channel, and ends with it.
pub(crate) fn trickle() -> (mpsc::Sender<Drop>, Body) {
    let (sender, receiver) = mpsc::channel(1);
    (sender, Body::new(Trickle(receiver)))
}

struct Trickle(mpsc::Receiver<Drop>);

impl http_body::Body for Trickle {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        self.0
            .poll_recv(cx)
            .map_ok(|data| Frame::data(Bytes::from_static(data)))
    }
}
