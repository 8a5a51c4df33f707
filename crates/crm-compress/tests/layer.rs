//! What the layer makes of a response, without a server around it.
#![cfg(feature = "tower")]

mod support;

use bytes::Bytes;
use crm_compress::{Coding, CompressLayer, Decision};
use http::{Request, Response};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use support::{bodies, decoders};
use tower::{Layer, ServiceExt, service_fn};

type Answer = (http::response::Parts, Option<Decision>, Bytes);

/// Sends one request with this Accept-Encoding to a service that answers with `response`.
async fn ask<B>(layer: &CompressLayer, accept: &str, response: Response<B>) -> Answer
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Debug,
{
    let mut response = Some(response);
    let service = layer.layer(service_fn(move |_: Request<()>| {
        let response = response.take().unwrap();
        async { Ok::<_, std::convert::Infallible>(response) }
    }));
    let request = Request::builder()
        .header("accept-encoding", accept)
        .body(())
        .unwrap();
    let (parts, body) = service.oneshot(request).await.unwrap().into_parts();
    let decision = body.decision();
    (parts, decision, body.collect().await.unwrap().to_bytes())
}

fn json(body: Vec<u8>) -> Response<Full<Bytes>> {
    Response::builder()
        .header("content-type", "application/json")
        .body(Full::new(body.into()))
        .unwrap()
}

#[tokio::test]
async fn a_whole_body_is_encoded_and_the_headers_say_so() {
    let body = bodies::json(10_000, 1);
    for (accept, coding) in [
        ("gzip, deflate, br", Coding::Gzip),
        ("deflate", Coding::Deflate),
    ] {
        let (parts, decision, encoded) =
            ask(&CompressLayer::new(), accept, json(body.clone())).await;
        assert_eq!(parts.headers["content-encoding"], coding.name());
        assert_eq!(parts.headers["vary"], "accept-encoding");
        assert_eq!(decision, Some(Decision::Encode(coding)));
        assert_eq!(decoders::decode(coding, &encoded).unwrap(), body);
    }
}
